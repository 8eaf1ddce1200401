//! Values into slots. In: a template and typed values. Out: a [`Node`] without slots. Never: a value as markup.

use super::template::Template;
use crate::codes::Kind;
use crate::domain::escape::is_xml_char;
use crate::domain::{Node, Text};
use crate::error::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A value for a slot. The slot's type must be the value's.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    /// `uint`.
    Uint(u64),
    /// `hex`, with at least this many digits.
    Hex(u64, usize),
    /// `base64`.
    Base64(&'a [u8]),
    /// `yesno`.
    YesNo(bool),
    /// `path`.
    Path(&'a str),
    /// `word`.
    Word(&'a str),
    /// `text`.
    Text(&'a str),
    /// `empty`.
    Empty,
}

/// Slots with their values; `None`: left empty.
pub(crate) type Values<'a> = Vec<(&'static str, Option<Value<'a>>)>;

/// What an element with `each='NAME'` stands for: once for every member, whose values go before those around it.
pub(crate) type Groups<'a> = Vec<(&'static str, Vec<Values<'a>>)>;

impl Value<'_> {
    fn slot_type(&self) -> &'static str {
        match self {
            Value::Uint(_) => "uint",
            Value::Hex(..) => "hex",
            Value::Base64(_) => "base64",
            Value::YesNo(_) => "yesno",
            Value::Path(_) => "path",
            Value::Word(_) => "word",
            Value::Text(_) => "text",
            Value::Empty => "empty",
        }
    }

    fn text(&self) -> Result<Text, Error> {
        Ok(Text::Owned(match self {
            Value::Uint(n) => n.to_string(),
            Value::Hex(n, digits) => format!("0x{n:0digits$x}"),
            Value::Base64(bytes) => STANDARD.encode(bytes),
            Value::YesNo(yes) => return Ok(Text::Borrowed(if *yes { "yes" } else { "no" })),
            Value::Path(path) => {
                // libvirt's schema: absFilePath.
                if !path.starts_with('/') || !path.chars().all(is_xml_char) {
                    return Err(Error::new(Kind::Config, "not a path that a domain can hold")
                        .found(format!("{path:?}"))
                        .wanted("an absolute path"));
                }
                (*path).to_owned()
            }
            Value::Word(word) => (*word).to_owned(),
            Value::Text(text) => {
                if !text.chars().all(|c| is_xml_char(c) && !c.is_control()) {
                    return Err(Error::new(Kind::Config, "not a text that a domain can hold")
                        .found(format!("{text:?}"))
                        .wanted("text without control characters"));
                }
                (*text).to_owned()
            }
            Value::Empty => return Ok(Text::Borrowed("")),
        }))
    }
}

/// `{name?:type}`, taken apart.
pub(crate) struct Slot<'a> {
    pub(crate) name: &'a str,
    pub(crate) optional: bool,
    pub(crate) slot_type: &'a str,
}

pub(crate) fn slot(text: &str) -> Option<Slot<'_>> {
    if !text.as_bytes().contains(&b'{') {
        return None;
    }
    let (name, slot_type) = text.trim().strip_prefix('{')?.strip_suffix('}')?.split_once(':')?;
    let required = name.strip_suffix('?');
    Some(Slot { name: required.unwrap_or(name), optional: required.is_some(), slot_type })
}

impl Template {
    /// The fragment with its slots filled.
    ///
    /// # Errors
    /// `Kind::Bug` for a slot without a value, a value without a slot, or one of another type;
    /// `Kind::Config` for a path that cannot stand in a domain.
    pub(crate) fn fill(&self, values: &[(&str, Option<Value<'_>>)]) -> Result<Node, Error> {
        let mut filler = Filler { file: self.file, scopes: vec![values], groups: &[], used: 0 };
        let node = filler.element(self.node()?)?.unwrap_or_default();
        if filler.used != values.len() {
            return Err(filler.bug("a value that has no slot", ""));
        }
        Ok(node)
    }
}

/// The attribute that makes an element stand once for every member of a group; with `+` after the name there must be one.
pub(crate) const EACH: &str = "each";

/// The group of an element, and whether it may not be empty.
pub(crate) fn group(node: &Node) -> Option<(&str, bool)> {
    let (_, name) = node.attributes.iter().find(|(n, _)| n == EACH)?;
    Some(name.strip_suffix('+').map_or((&**name, false), |n| (n, true)))
}

/// A whole document with its slots filled and its groups written out. Values without a slot are left out.
///
/// # Errors
/// As [`Template::fill`]; `Kind::Bug` too for a group that is not there.
pub(crate) fn fill_document(
    node: &Node,
    file: &str,
    values: &Values<'_>,
    groups: &Groups<'_>,
) -> Result<Node, Error> {
    let filled = Filler { file, scopes: vec![values], groups, used: 0 }.element(node)?;
    Ok(filled.unwrap_or_default())
}

struct Filler<'a> {
    file: &'a str,
    /// The innermost last.
    scopes: Vec<&'a [(&'a str, Option<Value<'a>>)]>,
    groups: &'a [(&'static str, Vec<Values<'a>>)],
    used: usize,
}

impl Filler<'_> {
    fn bug(&self, message: &str, slot: &str) -> Error {
        Error::new(Kind::Bug, message).at(format!("{} {slot}", self.file))
    }

    /// The element with its values. One whose optional slots and groups were all that it had goes with them.
    fn element(&mut self, template: &Node) -> Result<Option<Node>, Error> {
        let mut node = Node { name: template.name.clone(), ..Node::default() };
        node.attributes.reserve_exact(template.attributes.len());
        for (name, raw) in template.attributes.iter().filter(|(n, _)| n != EACH) {
            if let Some(value) = self.value(raw)? {
                node.attributes.push((name.clone(), value));
            }
        }
        if let Some(raw) = &template.text {
            node.text = self.value(raw)?;
        }
        node.children.reserve_exact(template.children.len());
        for child in &template.children {
            self.child(child, &mut node.children)?;
        }
        Ok((content(template) == 0 || content(&node) > 0).then_some(node))
    }

    /// A child as often as it stands.
    fn child(&mut self, template: &Node, into: &mut Vec<Node>) -> Result<(), Error> {
        let Some((name, _)) = group(template) else {
            into.extend(self.element(template)?);
            return Ok(());
        };
        let groups = self.groups;
        let Some((_, members)) = groups.iter().find(|(n, _)| *n == name) else {
            return Err(self.bug("a group that has no members", name));
        };
        for member in members {
            self.scopes.push(member);
            let one = self.element(template);
            self.scopes.pop();
            // A member stands, whatever it leaves empty.
            into.push(one?.unwrap_or_else(|| Node { name: template.name.clone(), ..Node::default() }));
        }
        Ok(())
    }

    /// The text for a slot, `None` for an optional one left empty; other text as it is.
    fn value(&mut self, raw: &Text) -> Result<Option<Text>, Error> {
        let Some(slot) = slot(raw) else { return Ok(Some(raw.clone())) };
        let known = self.scopes.iter().rev().find_map(|s| s.iter().find(|(n, _)| *n == slot.name));
        let Some((_, value)) = known else {
            return Err(self.bug("a slot that has no value", slot.name));
        };
        self.used += 1;
        match value {
            Some(v) if v.slot_type() == slot.slot_type => v.text().map(Some),
            Some(_) => Err(self.bug("a value of another type than its slot", slot.name)),
            None if slot.optional => Ok(None),
            None => Err(self.bug("a slot that must be filled", slot.name)),
        }
    }
}

/// How much stands in an element.
fn content(node: &Node) -> usize {
    node.attributes.len() + node.children.len() + usize::from(node.text.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::template;

    fn slots(node: &Node, out: &mut Vec<(String, String)>) {
        let texts = node.attributes.iter().map(|(_, v)| v).chain(&node.text);
        for s in texts.filter_map(|t| slot(t)) {
            out.push((s.name.to_owned(), s.slot_type.to_owned()));
        }
        node.children.iter().for_each(|c| slots(c, out));
    }

    #[test]
    fn every_template_is_xml_is_described_and_has_only_known_slots() {
        let readme = include_str!("../../xml-templates/README.md");
        let bytes = [0u8; 3];
        for t in template::ALL {
            assert!(readme.contains(&format!("`{}`", t.file)), "{} is not in the README", t.file);
            let mut found = Vec::new();
            slots(t.node().unwrap(), &mut found);
            let values: Vec<_> = found
                .iter()
                .map(|(name, slot_type)| {
                    let value = match slot_type.as_str() {
                        "uint" => Value::Uint(7),
                        "hex" => Value::Hex(7, 4),
                        "base64" => Value::Base64(&bytes),
                        "yesno" => Value::YesNo(true),
                        "path" => Value::Path("/a<b"),
                        "word" => Value::Word("w"),
                        "text" => Value::Text("a<b"),
                        "empty" => Value::Empty,
                        other => panic!("{}: unknown slot type {other}", t.file),
                    };
                    (name.as_str(), Some(value))
                })
                .collect();
            let text = t.fill(&values).unwrap().to_string();
            assert!(!text.contains('{') && !text.contains("a<b"), "{}: {text}", t.file);
        }
    }

    #[test]
    fn every_file_is_a_template() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/xml-templates");
        let files = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap());
        let xml: Vec<_> = files.filter(|f| f.ends_with(".xml")).collect();
        for f in &xml {
            assert!(template::ALL.iter().any(|t| t.file == f), "{f} is not compiled in");
        }
        assert_eq!(xml.len(), template::ALL.len());
    }

    #[test]
    fn an_optional_slot_takes_its_element_with_it() {
        let node = template::LOADER_ROM.fill(&[("path", None)]).unwrap();
        assert_eq!(node.to_string(), "<os><loader type='rom'/></os>");
        let node = template::LOADER_ROM.fill(&[("path", Some(Value::Path("/a&b")))]).unwrap();
        assert_eq!(node.to_string(), "<os><loader type='rom'>/a&amp;b</loader></os>");
        let node = template::CONTROLLER_VIRTIO_SERIAL
            .fill(&[("index", Some(Value::Uint(1))), ("model", None)])
            .unwrap();
        assert_eq!(
            node.to_string(),
            "<controller type='virtio-serial' index='1'><driver iommu='on'/></controller>"
        );
    }

    #[test]
    fn a_wrong_value_is_caught() {
        let kind =
            |values: &[(&str, Option<Value<'_>>)]| template::LOADER_PFLASH.fill(values).unwrap_err().kind();
        assert_eq!(kind(&[("path", Some(Value::Uint(1)))]), Kind::Bug);
        assert_eq!(kind(&[("path", None)]), Kind::Bug);
        assert_eq!(kind(&[]), Kind::Bug);
        assert_eq!(kind(&[("path", Some(Value::Path("relative")))]), Kind::Config);
        assert_eq!(kind(&[("path", Some(Value::Path("/a\u{1}")))]), Kind::Config);
        let extra = [("path", Some(Value::Path("/a"))), ("more", None)];
        assert_eq!(kind(&extra), Kind::Bug);
    }
}
