//! What is wrong with a document, as findings. In: a [`Plan`] and its document. Out: findings, the edits among them.
//! Never: a judgement: that is the rules'.

use super::{Edit, Plan, RULES};
use crate::domain::{Change, Domain, ElementId, Node};
use crate::finding::Finding;

/// What to do about a finding that is an edit.
pub const FIX: &str = "`virt-sev apply` does it.";

/// The longest piece of a document that a title holds.
const LONGEST: usize = 64;

impl Plan {
    /// What the rules find, in their order: every edit that they would make, and every finding that they have.
    #[must_use]
    pub fn lint(&self, domain: &Domain<'_>) -> Vec<Finding> {
        let of_rule = |rule: &'static super::Rule| {
            let edits = self.edits().iter().filter(move |e| e.rule() == rule.id);
            let findings = self.findings().iter().filter(move |f| f.id == rule.id).cloned();
            edits.map(move |e| as_finding(e, domain, rule.source)).chain(findings)
        };
        RULES.iter().flat_map(|rule| of_rule(rule)).collect()
    }
}

fn as_finding(edit: &Edit, domain: &Domain<'_>, source: &'static str) -> Finding {
    Finding::new(edit.rule(), edit.severity(), title(domain, edit.change()))
        .path(around(&edit.places(domain)))
        .detail(sentence(edit.reason()))
        .fix(FIX)
        .source(source)
}

/// The innermost place that all of these are in.
fn around(places: &[String]) -> String {
    let Some((first, rest)) = places.split_first() else { return String::new() };
    let mut common = first.as_str();
    for place in rest {
        while !(place == common || place.strip_prefix(common).is_some_and(|r| r.starts_with('/'))) {
            common = common.rsplit_once('/').map_or("", |(head, _)| head);
        }
    }
    common.strip_suffix("/text()").unwrap_or(common).to_owned()
}

/// With a capital letter and a full stop. A reason may begin with a key's name or a number, which stay.
fn sentence(reason: &str) -> String {
    let mut chars = reason.chars();
    let first = chars.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    let name = reason.starts_with("security.") || reason.starts_with("libvirt") || reason.starts_with('\'');
    let head = if name { reason.to_owned() } else { format!("{first}{}", chars.as_str()) };
    if head.ends_with('.') { head } else { format!("{head}.") }
}

/// What stands there, and what should.
fn title(domain: &Domain<'_>, change: &Change) -> String {
    match change {
        Change::Merge { into, fragment } => {
            let mut said = Vec::new();
            differences(domain, *into, fragment, &mut said);
            listed(&said)
        }
        Change::Unite { parent, fragment } => {
            let mut said = Vec::new();
            difference(domain, *parent, fragment, &mut said);
            listed(&said)
        }
        Change::Add { parent, fragment } => has_no(domain, *parent, &fragment.to_string()),
        Change::Remove { element } => format!("<{}> is out of place", domain.name(*element)),
        Change::RemoveAttribute { element, name } => {
            let value = domain.attribute(*element, name).unwrap_or_default();
            format!("<{}> has {name}='{}', which is out of place", domain.name(*element), short(&value))
        }
    }
}

/// A title is one line: what is too much for it, the diff shows.
fn listed(said: &[String]) -> String {
    match said {
        [first, second, rest @ ..] if rest.len() > 1 => format!("{first}; {second}; and {} more", rest.len()),
        all => all.join("; "),
    }
}

fn has_no(domain: &Domain<'_>, parent: ElementId, what: &str) -> String {
    format!("<{}> has no {}", domain.name(parent), short(what))
}

fn differences(domain: &Domain<'_>, into: ElementId, fragment: &Node, said: &mut Vec<String>) {
    let name = domain.name(into);
    for (attribute, wanted) in &fragment.attributes {
        match domain.attribute(into, attribute) {
            Some(found) if found == *wanted => {}
            Some(found) => said.push(format!(
                "<{name}> has {attribute}='{}', and not '{}'",
                short(&found),
                short(wanted)
            )),
            None => said.push(has_no(domain, into, &format!("{attribute}='{wanted}'"))),
        }
    }
    if let Some(wanted) = &fragment.text {
        let found = domain.element_text(into);
        if found.trim().is_empty() && !wanted.is_empty() {
            said.push(format!("<{name}> is empty, and not {}", short(wanted)));
        } else if found != *wanted {
            let wanted = if wanted.is_empty() { "nothing".to_owned() } else { short(wanted) };
            said.push(format!("<{name}> is {}, and not {wanted}", short(&found)));
        }
    }
    for child in &fragment.children {
        difference(domain, into, child, said);
    }
}

fn difference(domain: &Domain<'_>, parent: ElementId, child: &Node, said: &mut Vec<String>) {
    match domain.child(parent, &child.name) {
        Some(there) => differences(domain, there, child, said),
        None => said.push(has_no(domain, parent, &child.to_string())),
    }
}

/// On one line, and not longer than a line holds: certificates are long.
fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Domain;

    #[test]
    fn a_title_says_what_stands_there_and_what_should() {
        let text = "<domain type='kvm'><features><smm state='on'/></features><devices><disk><driver name='qemu'/>\
                    </disk></devices><launchSecurity type='sev'><policy> 0x1\n</policy></launchSecurity></domain>";
        let d = Domain::parse(text).unwrap();
        let said = |fragment: &str| {
            let fragment = Node::parse(fragment).unwrap();
            title(&d, &Change::Merge { into: d.root(), fragment: fragment.into() })
        };
        assert_eq!(
            said("<domain><features><smm state='off'/></features></domain>"),
            "<smm> has state='on', and not 'off'"
        );
        assert_eq!(
            said("<domain><launchSecurity type='sev'><policy>0x0005</policy></launchSecurity></domain>"),
            "<policy> is 0x1, and not 0x0005"
        );
        assert_eq!(
            said("<domain><memoryBacking><locked/></memoryBacking></domain>"),
            "<domain> has no <memoryBacking><locked/></memoryBacking>"
        );
        let session = format!(
            "<domain><launchSecurity><session>{}</session></launchSecurity></domain>",
            "A".repeat(200)
        );
        assert!(said(&session).ends_with("AAAA…"), "{}", said(&session));
        let smm = d.child(d.child(d.root(), "features").unwrap(), "smm").unwrap();
        assert_eq!(title(&d, &Change::Remove { element: smm }), "<smm> is out of place");
        let change = Change::RemoveAttribute { element: smm, name: "state" };
        assert_eq!(title(&d, &change), "<smm> has state='on', which is out of place");
    }

    #[test]
    fn several_places_are_told_by_what_is_around_them() {
        let all = |places: &[&str]| around(&places.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            all(&["/domain/pm/suspend-to-mem/@enabled", "/domain/pm/suspend-to-disk/@enabled"]),
            "/domain/pm"
        );
        assert_eq!(all(&["/domain/a/@x"]), "/domain/a/@x");
        assert_eq!(all(&["/domain/a/text()"]), "/domain/a");
        assert_eq!(all(&["/domain/disk", "/domain/disks/@x"]), "/domain");
    }

    #[test]
    fn a_reason_becomes_a_sentence() {
        assert_eq!(sentence("a ROM has no variables"), "A ROM has no variables.");
        assert_eq!(sentence("security.sev asks for sev"), "security.sev asks for sev.");
        assert_eq!(sentence("libvirt refuses it."), "libvirt refuses it.");
    }
}
