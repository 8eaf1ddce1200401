//! Templates of whole domains: those of `xml-templates/domains/`, and a user's own. In: a file's text.
//! Out: [`Template`], a domain document. Never: a template that cannot be filled.

use super::cpu::Cpu;
use super::request::Request;
use super::slots::{GROUPS, Group, SLOTS, Slot};
use crate::codes::Kind;
use crate::config::SevConfig;
use crate::domain::{Domain, Node};
use crate::error::Error;
use crate::plan::render::{EACH, fill_document, group, slot};
use std::collections::BTreeSet;

/// One template, read and checked.
#[derive(Debug, Clone)]
pub struct Template {
    name: String,
    file: Option<String>,
    title: String,
    node: Node,
    needs: BTreeSet<&'static str>,
    takes: BTreeSet<&'static str>,
}

/// Name and text of the templates that are compiled in.
const BUILT_IN: &[(&str, &str)] = &[
    ("default", include_str!("../../xml-templates/domains/default.xml")),
    ("cloud-image", include_str!("../../xml-templates/domains/cloud-image.xml")),
    ("direct-kernel", include_str!("../../xml-templates/domains/direct-kernel.xml")),
];

impl Template {
    /// The templates that are compiled in, the default first.
    ///
    /// # Errors
    /// `Kind::Bug`.
    pub fn built_in() -> Result<Vec<Self>, Error> {
        let read = |(name, text): &(&str, &str)| {
            Self::read(name, None, text)
                .map_err(|e| Error::new(Kind::Bug, "a template that is compiled in is wrong").because(e))
        };
        BUILT_IN.iter().map(read).collect()
    }

    /// Reads a user's template. `file` is told in errors.
    ///
    /// # Errors
    /// `Kind::File` with everything that is wrong with it.
    pub fn parse(name: &str, file: &str, text: &str) -> Result<Self, Error> {
        Self::read(name, Some(file.to_owned()), text)
    }

    fn read(name: &str, file: Option<String>, text: &str) -> Result<Self, Error> {
        let place = file.clone().unwrap_or_else(|| format!("{name}.xml"));
        let node = Node::parse_data(text).map_err(|e| {
            let place = e.place().map_or(place.clone(), |p| format!("{place}, {p}"));
            Error::new(Kind::File, "the template cannot be read").at(place).because(e.message().to_owned())
        })?;
        let mut check = Check {
            file: &place,
            path: String::new(),
            wrong: Vec::new(),
            needs: BTreeSet::new(),
            takes: BTreeSet::new(),
            cpu: [false; 2],
        };
        if node.name != "domain" {
            check.wrong("/", "the template is not a domain", &format!("<{}>", node.name), "<domain>");
        }
        if group(&node).is_some() {
            check.wrong("/", "a document stands once", EACH, "it on an element inside");
        }
        check.element(&node, &mut Vec::new());
        match check.cpu {
            [true, true] => drop(check.takes.insert("--cpu")),
            [false, false] => {}
            [_, _] => {
                let wanted =
                    "<cpu mode='{cpu_mode:word}'> with <model each='cpu-model'>{cpu_model:text}</model>";
                check.wrong(
                    "/domain/cpu",
                    "one of the slots of a processor goes with the other",
                    "one",
                    wanted,
                );
            }
        }
        let Check { wrong, needs, takes, .. } = check;
        match Error::many(wrong) {
            Some(e) => Err(e),
            None => Ok(Self { name: name.to_owned(), file, title: title(text), node, needs, takes }),
        }
    }

    /// What `--template` calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it was read; `None` for one that is compiled in.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The first line of the comment at its top.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The options that it cannot do without.
    pub fn needs(&self) -> impl Iterator<Item = &'static str> {
        self.needs.iter().copied()
    }

    /// The options that it has a place for.
    pub fn takes(&self) -> impl Iterator<Item = &'static str> {
        self.takes.iter().copied()
    }

    /// A new domain, before the rules. `config` decides what of the processor nobody asked for.
    ///
    /// # Errors
    /// `Kind::Usage` with everything that is wrong with the request, or that this template has no place for;
    /// `Kind::File` for a template that makes no domain.
    pub fn generate(&self, request: &Request, config: Option<&SevConfig>) -> Result<Domain<'static>, Error> {
        let mut wrong = request.check();
        let asked = request.asked();
        let place = format!("--template {}", self.name);
        let usage = |message: &str| Error::new(Kind::Usage, message).at(place.clone());
        for option in asked.iter().filter(|o| !self.takes.contains(*o)) {
            wrong.push(usage("this template has no place for an option").found(*option).hint(
                "virt-sev generate --list names the templates, and with --format json what each takes.",
            ));
        }
        for option in self.needs.iter().filter(|o| !asked.contains(o)) {
            wrong.push(usage("this template needs an option").wanted(*option));
        }
        if let Some(e) = Error::many(wrong) {
            return Err(e);
        }
        let cpu = request.cpu.clone().unwrap_or_else(|| Cpu::suited(config));
        let file = self.file.as_deref().unwrap_or(&self.name);
        let node = request
            .with_values(&cpu, |values, groups| fill_document(&self.node, file, values, groups))
            .map_err(|e| if e.place().is_some() { e } else { e.at(file) })?;
        Domain::parse(node.document()).map_err(|e| {
            Error::new(Kind::File, "the template makes no domain").at(file).because(e.to_string())
        })
    }
}

/// The first line of the comment that a file begins with.
fn title(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    // An XML declaration may stand before it.
    let text = match text.strip_prefix("<?xml") {
        Some(rest) => rest.split_once("?>").map_or("", |(_, t)| t).trim_start(),
        None => text,
    };
    let comment = text.strip_prefix("<!--").and_then(|t| t.split_once("-->")).map_or("", |(c, _)| c);
    let line = comment.trim().lines().next().unwrap_or_default().trim();
    line.chars().filter(|c| !c.is_control()).collect()
}

struct Check<'a> {
    file: &'a str,
    /// The element that is looked at.
    path: String,
    wrong: Vec<Error>,
    needs: BTreeSet<&'static str>,
    takes: BTreeSet<&'static str>,
    /// Whether the mode of the processor has a slot, and its model.
    cpu: [bool; 2],
}

impl Check<'_> {
    /// `place`: what follows the element's path.
    fn wrong(&mut self, place: &str, message: &str, found: &str, wanted: &str) {
        let e = Error::new(Kind::File, message).at(format!("{}, {}{place}", self.file, self.path));
        self.wrong.push(e.found(found).wanted(wanted));
    }

    fn element(&mut self, node: &Node, around: &mut Vec<&'static Group>) {
        let before = self.path.len();
        self.path.extend(["/", &node.name]);
        let entered = self.enter(node, around);
        for (name, value) in node.attributes.iter().filter(|(n, _)| n != EACH) {
            self.value(value, &format!("/@{name}"), around);
        }
        if let Some(text) = &node.text {
            self.value(text, "", around);
        }
        for child in &node.children {
            self.element(child, around);
        }
        if entered {
            around.pop();
        }
        self.path.truncate(before);
    }

    /// True for an element of a group.
    fn enter(&mut self, node: &Node, around: &mut Vec<&'static Group>) -> bool {
        let Some((name, at_least_one)) = group(node) else { return false };
        let place = format!("/@{EACH}");
        let Some(group) = GROUPS.iter().find(|g| g.name == name) else {
            let known: Vec<_> = GROUPS.iter().map(|g| g.name).collect();
            self.wrong(&place, "no such group", name, &known.join(", "));
            return false;
        };
        // Sixty deep, two disks would be 2 to the power of sixty elements.
        if around.iter().any(|g| g.name == name) {
            self.wrong(&place, "a group inside itself", name, "each group once from the root down");
            return false;
        }
        if let Some(option) = group.option {
            self.takes.insert(option);
            if at_least_one {
                self.needs.insert(option);
            }
        }
        around.push(group);
        true
    }

    fn value(&mut self, text: &str, place: &str, around: &[&'static Group]) {
        let Some(found) = slot(text) else {
            if text.contains('{') {
                let wanted = "{name:type} or {name?:type} as the whole value, and no other {";
                self.wrong(place, "a slot is not the whole value", &format!("{text:?}"), wanted);
            }
            return;
        };
        let inside = around.iter().rev().flat_map(|g| g.slots);
        let Some(known) = inside.chain(SLOTS).find(|s| s.name == found.name) else {
            let wanted = match GROUPS.iter().find(|g| g.slots.iter().any(|s| s.name == found.name)) {
                Some(g) => format!("it inside an element with {EACH}='{}'", g.name),
                None => known_slots(around),
            };
            return self.wrong(place, "no such slot here", text.trim(), &wanted);
        };
        if known.slot_type != found.slot_type {
            let wanted = format!("{{{}:{}}}", known.name, known.slot_type);
            return self.wrong(place, "the slot is of another type", text.trim(), &wanted);
        }
        let in_group = !SLOTS.iter().any(|s| std::ptr::eq(s, known));
        if in_group && !known.always && !found.optional {
            let wanted = format!("{{{}?:{}}}", known.name, known.slot_type);
            return self.wrong(place, "the slot may be empty", text.trim(), &wanted);
        }
        if !in_group && !known.option.is_empty() {
            self.takes.insert(known.option);
            if !found.optional {
                self.needs.insert(known.option);
            }
        }
        self.cpu[0] |= known.name == "cpu_mode";
        self.cpu[1] |= known.name == "cpu_model";
    }
}

fn known_slots(around: &[&'static Group]) -> String {
    let show = |s: &Slot| format!("{{{}{}:{}}}", s.name, if s.always { "" } else { "?" }, s.slot_type);
    let all: Vec<_> = around.iter().flat_map(|g| g.slots).chain(SLOTS).map(show).collect();
    all.join(", ")
}
