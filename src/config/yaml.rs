//! YAML and JSON as a tree of untouched scalars. In: text. Out: [`Node`] with lines, or one clear error.
//! Never: turns `1.10` into a number, follows an alias into itself, or grows without bound.
//!
//! JSON is read as the YAML that it is; only surrogate pairs need a step of their own.

use crate::{Error, Kind, Result};
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

/// The longest document. An LXD instance with its cloud-init data has some hundred kilobytes.
pub(crate) const LONGEST: usize = 4 << 20;
/// How deep maps and lists may lie in each other.
const DEEPEST: usize = 64;
/// How many documents a stream may hold.
const MOST_DOCUMENTS: usize = 256;
/// How many plain values, maps and lists a stream may hold. One takes some hundred bytes of memory, and may be a single byte
/// of the text. A KubeVirt machine with its status has about a thousand.
const MOST_NODES: usize = 200_000;
/// How many marks of YAML's flow style, which JSON is. What stands in brackets or braces the parser holds back until it sees
/// that it is no key, so that a limit of what comes out of it is too late. Text may have them too, a script for one.
const MOST_MARKS: usize = MOST_NODES;
const MARKS: &str = ",[]{}&!?";

/// One node. Aliases share the node that they name, so that a small text cannot become a large tree.
#[derive(Debug)]
pub(crate) enum Node {
    /// Text as it was written, without quotes.
    Scalar { text: String, line: usize, null: bool, tag: Option<String> },
    /// Keys and values in order.
    Map { entries: Vec<(Rc<Node>, Rc<Node>)>, line: usize },
    /// Items in order.
    List { items: Vec<Rc<Node>>, line: usize },
}

impl Node {
    pub(crate) fn line(&self) -> usize {
        match self {
            Node::Scalar { line, .. } | Node::Map { line, .. } | Node::List { line, .. } => *line,
        }
    }

    /// The text of a plain value.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Node::Scalar { text, .. } => Some(text),
            Node::Map { .. } | Node::List { .. } => None,
        }
    }

    /// True for a value that was left empty.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Node::Scalar { null: true, .. })
    }

    /// Keys and values of a map; of anything else none.
    pub(crate) fn entries(&self) -> &[(Rc<Node>, Rc<Node>)] {
        match self {
            Node::Map { entries, .. } => entries,
            Node::Scalar { .. } | Node::List { .. } => &[],
        }
    }

    /// The value of a key of a map.
    pub(crate) fn get(&self, name: &str) -> Option<&Rc<Node>> {
        self.entries().iter().find(|(k, _)| k.text() == Some(name)).map(|(_, v)| v)
    }

    /// What it is, for an error.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Node::Scalar { null: true, .. } => "nothing",
            Node::Scalar { .. } => "a plain value",
            Node::Map { .. } => "a map",
            Node::List { .. } => "a list",
        }
    }
}

enum Frame {
    Map {
        entries: Vec<(Rc<Node>, Rc<Node>)>,
        key: Option<Rc<Node>>,
        line: usize,
        anchor: usize,
        height: usize,
    },
    List {
        items: Vec<Rc<Node>>,
        line: usize,
        anchor: usize,
        height: usize,
    },
}

/// Reads every document of `text`: one, or a stream of several with `---` between them.
pub(crate) fn parse(text: &str, name: &str) -> Result<Vec<Rc<Node>>> {
    if text.len() > LONGEST {
        return Err(Error::new(Kind::Config, "the document is too long")
            .at(name)
            .found(format!("{} bytes", text.len()))
            .wanted(format!("at most {LONGEST} bytes")));
    }
    if text.bytes().filter(|b| MARKS.as_bytes().contains(b)).count() > MOST_MARKS {
        return Err(Error::new(Kind::Config, format!("too many of the characters {MARKS}"))
            .at(name)
            .wanted(format!("at most {MOST_MARKS}")));
    }
    let text = join_surrogates(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut builder =
        Builder { name, stack: Vec::new(), anchors: HashMap::new(), roots: Vec::new(), nodes: 0 };
    let mut parser = Parser::new_from_str(&text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|e| {
            Error::new(Kind::Config, format!("not YAML or JSON: {}", e.info()))
                .at(format!("{name}:{}", e.marker().line()))
        })?;
        builder.take(event, span.start.line())?;
    }
    Ok(builder.roots)
}

struct Builder<'a> {
    name: &'a str,
    stack: Vec<Frame>,
    /// Each with its height: how deep maps and lists lie in it.
    anchors: HashMap<usize, (Rc<Node>, usize)>,
    roots: Vec<Rc<Node>>,
    nodes: usize,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<()> {
        use Event::{Alias, MappingStart, Scalar, SequenceStart};
        self.nodes +=
            usize::from(matches!(event, Alias(_) | Scalar(..) | SequenceStart(..) | MappingStart(..)));
        if self.nodes > MOST_NODES {
            return Err(self
                .wrong(line, "too many values, maps and lists")
                .wanted(format!("at most {MOST_NODES}")));
        }
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                // An anchor belongs to its document (YAML 1.2.2, section 3.2.2.2).
                self.anchors.clear();
                if self.roots.len() >= MOST_DOCUMENTS {
                    return Err(self
                        .wrong(line, "too many documents in one stream")
                        .wanted(format!("at most {MOST_DOCUMENTS}")));
                }
                Ok(())
            }
            Event::Alias(anchor) => {
                let Some((node, height)) = self.anchors.get(&anchor).cloned() else {
                    return Err(self.wrong(line, "an alias stands inside what it names"));
                };
                // A chain of aliases is a deep tree too: to walk it, and to drop it, takes the stack.
                self.check_depth(height, line)?;
                self.place(node, 0, height);
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let null = style == ScalarStyle::Plain
                    && (text.is_empty() || text == "~" || text.eq_ignore_ascii_case("null"));
                let tag = tag.as_deref().filter(|t| !is_core(t)).map(ToString::to_string);
                self.place(Rc::new(Node::Scalar { text: text.into_owned(), line, null, tag }), anchor, 0);
                Ok(())
            }
            Event::MappingStart(anchor, _) => {
                self.open(Frame::Map { entries: Vec::new(), key: None, line, anchor, height: 1 }, line)
            }
            Event::SequenceStart(anchor, _) => {
                self.open(Frame::List { items: Vec::new(), line, anchor, height: 1 }, line)
            }
            Event::MappingEnd | Event::SequenceEnd => {
                match self.stack.pop() {
                    Some(Frame::Map { entries, line, anchor, height, .. }) => {
                        self.place(Rc::new(Node::Map { entries, line }), anchor, height);
                    }
                    Some(Frame::List { items, line, anchor, height }) => {
                        self.place(Rc::new(Node::List { items, line }), anchor, height);
                    }
                    None => {}
                }
                Ok(())
            }
        }
    }

    fn open(&mut self, frame: Frame, line: usize) -> Result<()> {
        self.check_depth(1, line)?;
        self.stack.push(frame);
        Ok(())
    }

    /// Refuses what would lie too deep at this place.
    fn check_depth(&self, height: usize, line: usize) -> Result<()> {
        if self.stack.len() + height > DEEPEST {
            return Err(self
                .wrong(line, "maps and lists lie too deep in each other")
                .wanted(format!("at most {DEEPEST} levels")));
        }
        Ok(())
    }

    fn place(&mut self, node: Rc<Node>, anchor: usize, height: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, (Rc::clone(&node), height));
        }
        match self.stack.last_mut() {
            Some(Frame::Map { entries, key, height: around, .. }) => {
                *around = (*around).max(height + 1);
                match key.take() {
                    Some(k) => entries.push((k, node)),
                    None => *key = Some(node),
                }
            }
            Some(Frame::List { items, height: around, .. }) => {
                *around = (*around).max(height + 1);
                items.push(node);
            }
            None => self.roots.push(node),
        }
    }

    fn wrong(&self, line: usize, message: &str) -> Error {
        Error::new(Kind::Config, message).at(format!("{}:{line}", self.name))
    }
}

/// `!!str`, `!!bool`, `!!int`, `!!binary` and their like, and the plain `!`, leave the text as it is.
fn is_core(tag: &Tag) -> bool {
    tag.is_yaml_core_schema() || (tag.handle.is_empty() && tag.suffix == "!")
}

/// In a JSON document, `\ud83d\ude00` becomes the character that it spells: JSON writes characters above
/// U+FFFF as two escapes (RFC 8259, section 7), and YAML knows no such thing. Lines stay as they are.
fn join_surrogates(text: &str) -> Cow<'_, str> {
    if !text.trim_start().starts_with(['{', '[']) || !text.contains("\\u") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        if let Some((character, after)) = surrogate_pair(from) {
            out.push(character);
            rest = after;
        } else {
            // The backslash and what it escapes, so that `\\u` is not taken for an escape.
            let length = from.chars().take(2).map(char::len_utf8).sum();
            let (escape, after) = from.split_at(length);
            out.push_str(escape);
            rest = after;
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn surrogate_pair(text: &str) -> Option<(char, &str)> {
    let (high, rest) = unicode_escape(text)?;
    let (low, rest) = unicode_escape(rest)?;
    let mut decoded = char::decode_utf16([high, low]);
    match (decoded.next(), decoded.next()) {
        (Some(Ok(character)), None) => Some((character, rest)),
        _ => None,
    }
}

fn unicode_escape(text: &str) -> Option<(u16, &str)> {
    let digits = text.strip_prefix("\\u")?;
    let (hex, rest) = digits.split_at_checked(4)?;
    Some((u16::from_str_radix(hex, 16).ok()?, rest))
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
