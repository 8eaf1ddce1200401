use super::*;
use virt_sev::domain::Span;

fn splices(all: &[(usize, usize, &str, &'static str)]) -> Vec<(Splice, Vec<&'static str>)> {
    all.iter()
        .map(|(start, end, text, rule)| {
            (Splice { span: Span { start: *start, end: *end }, text: (*text).to_owned() }, vec![*rule])
        })
        .collect()
}

#[test]
fn each_hunk_has_its_rules_and_its_lines() {
    let before = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n";
    // b goes, x comes after c, K for k.
    let diff = unified(
        before,
        &splices(&[(1, 3, "", "one"), (5, 5, "\nx", "two"), (20, 21, "K", "three")]),
        "n",
        false,
    );
    assert_eq!(
        diff,
        "--- n\n+++ n\n@@ -1,6 +1,6 @@ one, two\n a\n-b\n c\n+x\n d\n e\n f\n@@ -8,5 +8,5 @@ three\n h\n i\n j\n-k\n+K\n l\n"
    );
    assert_eq!(unified(before, &[], "n", false), "");
}

#[test]
fn what_different_rules_do_is_parted_where_a_line_of_context_remains_for_each() {
    let before = "a\nb\nc\nd\ne\nf\ng\nh\n";
    let heads = |second: &'static str| {
        // x after c, y after e.
        let diff = unified(before, &splices(&[(5, 5, "\nx", "one"), (9, 9, "\ny", second)]), "n", false);
        diff.lines().filter(|l| l.starts_with("@@")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(heads("one"), ["@@ -1,8 +1,10 @@ one"]);
    assert_eq!(heads("two"), ["@@ -3,2 +3,3 @@ one", "@@ -5,2 +6,3 @@ two"]);
}

#[test]
fn a_last_line_without_its_end_is_told() {
    let diff = unified("<a/>", &splices(&[(2, 2, " b=''", "r")]), "n", false);
    let no = "\\ No newline at end of file";
    assert_eq!(diff, format!("--- n\n+++ n\n@@ -1,1 +1,1 @@ r\n-<a/>\n{no}\n+<a b=''/>\n{no}\n"));
}

#[test]
fn in_colour_the_bytes_that_differ_stand_out() {
    let diff = unified("<a b='1'/>\r\n", &splices(&[(6, 7, "22", "r")]), "n", true);
    assert!(diff.contains("\x1b[31m-<a b='\x1b[7m1\x1b[27m'/>\x1b[0m\r\n"), "{diff:?}");
    assert!(diff.contains("\x1b[32m+<a b='\x1b[7m22\x1b[27m'/>\x1b[0m\r\n"), "{diff:?}");
    let whole = unified("<a>\n</a>\n", &splices(&[(3, 3, "\n  <b/>", "r")]), "n", true);
    assert!(!whole.contains("\x1b[7m"), "{whole:?}");
}

#[test]
fn a_strange_name_is_quoted() {
    assert_eq!(quoted("a.xml"), "a.xml");
    assert_eq!(quoted("a b.xml"), "a b.xml\t");
    assert_eq!(quoted("a\n\"ä"), "\"a\\012\\\"\\303\\244\"");
}
