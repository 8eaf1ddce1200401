//! The scan against two other readers of XML: libxml2, with which libvirt reads, and quick-xml. Over generated documents
//! and over the same after some damage: none may be taken here that libvirt could not read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

#[allow(dead_code, reason = "shared with the laws, which use all of it")]
mod support {
    pub(crate) mod devices;
    pub(crate) mod dice;
    pub(crate) mod document;
}

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;
use std::process::Command;
use support::dice::Dice;
use support::document;
use virt_sev::domain::Node;

/// What damage is made of: every character that means something in XML, and pieces that do.
const PIECES: &[&str] = &[
    "<",
    ">",
    "&",
    "\"",
    "'",
    "=",
    "/",
    "!",
    "?",
    "-",
    "--",
    "[",
    "]",
    "]]>",
    "<!--",
    "-->",
    "<![CDATA[",
    "<?x ?>",
    "<?xml version='1.0'?>",
    "<!DOCTYPE d>",
    "&amp;",
    "&#10;",
    "&#x1;",
    "&#xD800;",
    "&#99999999;",
    "&lt",
    "&x;",
    ":",
    "x:",
    "xmlns:x='u'",
    "xmlns=''",
    " a='1'",
    " a='1'",
    "\u{e9}",
    "\u{b7}",
    "\u{fffd}",
    " ",
    "\n",
    "\t",
    "</",
    "/>",
    "<a>",
    "</a>",
    "<a/>",
    "1",
    ".",
];

/// A document, damaged in up to four places.
fn damaged(bytes: &[u8]) -> String {
    let (seed, plan) = bytes.split_at(bytes.len() / 2);
    let (mut text, _) = document::document(&mut Dice::new(seed));
    let mut dice = Dice::new(plan);
    for _ in 0..dice.below(5) {
        let chars: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let place = |dice: &mut Dice<'_>| {
            let far = dice.below(256) * 256 + dice.below(256);
            chars.get(far % chars.len().max(1)).copied().unwrap_or(0)
        };
        let at = place(&mut dice);
        match dice.below(4) {
            0 => text.insert_str(at, dice.pick(PIECES)),
            1 => drop(text.remove(at)),
            2 => {
                text.remove(at);
                text.insert_str(at, dice.pick(PIECES));
            }
            _ => {
                let other = place(&mut dice);
                let piece = text[at.min(other)..at.max(other)].chars().take(40).collect::<String>();
                text.insert_str(at, &piece);
            }
        }
        if text.is_empty() {
            break;
        }
    }
    text
}

fn documents(count: usize, make: impl Fn(&[u8]) -> String) -> Vec<String> {
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[0x3c; 32]));
    let strategy = proptest::collection::vec(any::<u8>(), 0..500);
    (0..count).map(|_| make(&strategy.new_tree(&mut runner).unwrap().current())).collect()
}

/// What libxml2 says of each document; nothing of one that it takes.
fn libxml2(documents: &[String]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    for (n, text) in documents.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{n}.xml")), text).unwrap();
    }
    let run = Command::new("xmllint")
        .args(["--noout", "--nonet"])
        .args((0..documents.len()).map(|n| format!("{n}.xml")))
        .current_dir(folder.path())
        .output()
        .expect("xmllint is missing: install libxml2-utils");
    let mut said = vec![Vec::new(); documents.len()];
    for line in String::from_utf8_lossy(&run.stderr).lines() {
        let file = line.split_once(".xml:").and_then(|(n, _)| n.parse::<usize>().ok());
        if let Some(lines) = file.and_then(|n| said.get_mut(n)) {
            lines.push(line.to_owned());
        }
    }
    said
}

#[test]
fn what_is_taken_here_libxml2_takes_too_and_the_other_way_round() {
    let documents = documents(4_000, damaged);
    let mut counts = HashMap::<(bool, bool), usize>::new();
    for (text, said) in documents.iter().zip(libxml2(&documents)) {
        let here = Node::parse(text);
        // An error about namespaces is no end for libxml2; we refuse such a document.
        let well_formed = !said.iter().any(|l| l.contains("parser error"));
        *counts.entry((here.is_ok(), well_formed)).or_default() += 1;
        match here {
            Ok(_) => assert!(well_formed, "taken here, not by libxml2: {said:?}\n{text}"),
            Err(e) if said.is_empty() => {
                let ours = e.to_string();
                let stricter = ["document type declaration", "prefix", "not an XML name", "without a name"];
                assert!(stricter.iter().any(|s| ours.contains(s)), "libxml2 takes it: {ours}\n{text}");
            }
            Err(_) => {}
        }
    }
    let taken = counts.get(&(true, true)).copied().unwrap_or(0);
    let refused = counts.get(&(false, false)).copied().unwrap_or(0);
    assert!(taken > 500 && refused > 500, "the documents show little: {counts:?}");
}

fn node(tag: &BytesStart<'_>) -> Node {
    let attributes = tag.attributes().map(|a| {
        let a = a.unwrap();
        let value = a.normalized_value(quick_xml::XmlVersion::Implicit1_0).unwrap();
        (a.key.into_inner().to_owned().into(), value.into_owned().into())
    });
    Node {
        name: tag.name().into_inner().to_owned().into(),
        attributes: attributes.collect(),
        ..Node::default()
    }
}

/// The same tree, as quick-xml reads it.
fn by_quick_xml(text: &str) -> Node {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open = vec![Node::default()];
    loop {
        let mut content = |more: &str| {
            let node = open.last_mut().unwrap();
            node.text.get_or_insert_default().to_mut().push_str(more);
        };
        match reader.read_event().unwrap() {
            Event::Start(tag) => open.push(Node { text: Some(String::new().into()), ..node(&tag) }),
            Event::Empty(tag) => open.last_mut().unwrap().children.push(node(&tag)),
            Event::End(_) => {
                let mut done = open.pop().unwrap();
                if !done.children.is_empty() {
                    done.text = None;
                }
                open.last_mut().unwrap().children.push(done);
            }
            Event::Text(t) => content(&t.xml10_content()),
            Event::CData(t) => content(&t.xml10_content()),
            Event::GeneralRef(r) => match r.resolve_char_ref().unwrap() {
                Some(c) => content(&c.to_string()),
                None => content(quick_xml::escape::resolve_predefined_entity(&r).unwrap()),
            },
            Event::Eof => return open.pop().unwrap().children.pop().unwrap(),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

#[test]
fn quick_xml_reads_the_same_elements_attributes_and_texts() {
    let mut read = 0;
    for text in documents(1_000, damaged) {
        if let Ok(here) = Node::parse(&text) {
            assert_eq!(here, by_quick_xml(&text), "{text}");
            read += 1;
        }
    }
    assert!(read > 100, "only {read} documents were read");
}
