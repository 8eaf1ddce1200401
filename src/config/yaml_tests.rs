//! Trees, limits, aliases, JSON.

use super::*;

fn scalar(node: &Node, key: &str) -> String {
    let Node::Map { entries, .. } = node else { panic!("not a map") };
    let (_, value) =
        entries.iter().find(|(k, _)| matches!(&**k, Node::Scalar { text, .. } if text == key)).unwrap();
    let Node::Scalar { text, .. } = &**value else { panic!("not a scalar") };
    text.clone()
}

#[test]
fn scalars_stay_as_written() {
    let node = parse("a: 1.10\nb: 0x5\nc: 'x y'\nd: |\n  AB\n  CD\n", "f").unwrap().remove(0);
    assert_eq!(scalar(&node, "a"), "1.10");
    assert_eq!(scalar(&node, "b"), "0x5");
    assert_eq!(scalar(&node, "c"), "x y");
    assert_eq!(scalar(&node, "d"), "AB\nCD\n");
}

#[test]
fn nothing_is_no_document() {
    for text in ["", "\n", "# only a comment\n", "\u{feff}"] {
        assert!(parse(text, "f").unwrap().is_empty(), "{text:?}");
    }
    assert!(matches!(&*parse("---\n", "f").unwrap()[0], Node::Scalar { null: true, .. }));
}

#[test]
fn a_stream_has_several_documents_and_an_end() {
    let nodes = parse("a: &x 1\n---\nb: 2\n", "f.yaml").unwrap();
    assert_eq!((nodes.len(), scalar(&nodes[1], "b")), (2, "2".to_owned()));
    assert!(parse("a: &x 1\n---\nb: *x\n", "f.yaml").is_err(), "an anchor of the document before");
    let e = parse(&"--- {}\n".repeat(MOST_DOCUMENTS + 1), "f.yaml").unwrap_err().to_string();
    assert!(e.starts_with("f.yaml:257: too many documents"), "{e}");
}

#[test]
fn aliases_share_and_never_loop() {
    let node = parse("x: &a 'yes'\nb: *a\n", "f").unwrap().remove(0);
    assert_eq!(scalar(&node, "b"), "yes");
    assert!(parse("a: &a\n  b: *a\n", "f").is_err());
    assert!(parse("a: *nowhere\n", "f").is_err());
    let mut bomb = String::from("a0: &a0 {x: y}\n");
    for n in 1..40 {
        bomb.push_str(&format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}, *a{0}]\n", n - 1));
    }
    parse(&bomb, "f").unwrap();
}

#[test]
fn depth_and_length_have_limits() {
    let deep = "[".repeat(DEEPEST + 1);
    assert!(parse(&deep, "f").unwrap_err().to_string().contains("too deep"));
    // Read in time, and dropped without a deep recursion.
    let chain: String = (1..50_000).map(|n| format!("a{n}: &a{n} [*a{}]\n", n - 1)).collect();
    let e = parse(&format!("a0: &a0 []\n{chain}"), "f").unwrap_err().to_string();
    assert!(e.starts_with("f:64: maps and lists lie too deep"), "{e}");
    let long = "# comment\n".repeat(LONGEST / 10 + 1);
    assert!(parse(&long, "f").unwrap_err().to_string().contains("too long"));
}

/// Four mebibytes took a gigabyte of memory and seconds.
#[test]
fn many_small_nodes_are_refused_before_they_cost_much() {
    let many = MOST_NODES + 1;
    for text in
        ["a:\n".repeat(many / 2 + 1), "-\n".repeat(many), format!("a: &a x\nb:\n{}", "- *a\n".repeat(many))]
    {
        let e = parse(&text, "f").unwrap_err().to_string();
        assert!(
            e.starts_with("f:") && e.contains("too many values, maps and lists: wanted at most 200000"),
            "{e}"
        );
    }
    for inside in ["1,", "[],", "? a: b,", "{},"] {
        let text = format!("{{\"schema\": \"virt-sev/bundle/1\", \"x\": [{}]}}", inside.repeat(many));
        let e = parse(&text, "f").unwrap_err().to_string();
        assert!(e.contains("too many of the characters ,[]{}&!?: wanted at most 200000"), "{e}");
    }
}

/// An instance with a mebibyte of cloud-init, and the machines of a whole cluster.
#[test]
fn large_documents_of_real_life_pass() {
    let script = "    for f in a b; do test -e \"$f\" || { echo \"{\\\"f\\\": [1, 2]}\"; exit 1; }; done\n";
    let script = script.repeat((1 << 20) / script.len());
    let lxd = format!("config:\n  security.sev: 'true'\n  cloud-init.user-data: |\n{script}devices: {{}}\n");
    assert_eq!(parse(&lxd, "f").unwrap().len(), 1);
    let condition = "{\"lastProbeTime\": null, \"status\": \"True\", \"type\": \"Ready\"}, ".repeat(120);
    let machine = format!(
        "{{\"kind\": \"VirtualMachineInstance\", \"status\": {{\"conditions\": [{condition}null]}}}},"
    );
    let json = format!("{{\"items\": [{}null]}}", machine.repeat(200));
    assert!(json.len() > 1 << 20);
    assert_eq!(parse(&json, "f").unwrap().len(), 1);
}

#[test]
fn json_with_tabs_and_escapes() {
    let text = "{\n\t\"a\": \"tr\\u0075e\\/\",\n\t\"b\": \"\\ud83d\\ude00 \\\\ud83d\"\n}\n";
    let node = parse(text, "f").unwrap().remove(0);
    assert_eq!(scalar(&node, "a"), "true/");
    assert_eq!(scalar(&node, "b"), "\u{1f600} \\ud83d");
    assert!(parse("{\"a\": \"\\ud83d\"}", "f").is_err());
}

#[test]
fn a_syntax_error_names_its_line() {
    let e = parse("a: 1\nb: [\n", "f.yaml").unwrap_err().to_string();
    assert!(e.starts_with("f.yaml:") && e.contains("not YAML or JSON"), "{e}");
}
