//! A unified diff that names the rule of each hunk. In: a document, its splices, each with its rules. Out: text that
//! `patch` and `git apply` take. Never: a guess at what changed: the splices say it.

use std::fmt::Write as _;
use std::ops::Range;
use virt_sev::domain::Splice;

/// Lines around a change.
const CONTEXT: usize = 3;

/// What changes, and the rules that want it.
pub(crate) type ByRule = [(Splice, Vec<&'static str>)];

/// A diff of the file `name`; empty where nothing changes.
pub(crate) fn unified(before: &str, splices: &ByRule, name: &str, colour: bool) -> String {
    let lines = Lines::new(before);
    let changes = changes(&lines, splices);
    let mut out = String::new();
    let name = quoted(name);
    let mut offset = 0isize;
    for hunk in hunks(&changes) {
        if out.is_empty() {
            out += &paint(colour, "1", &format!("--- {name}"));
            out += &paint(colour, "1", &format!("+++ {name}"));
        }
        write_hunk(&mut out, &lines, &hunk, &mut offset, colour);
    }
    out
}

/// Lines of the old document that become lines of the new one.
struct Change {
    old: Range<usize>,
    /// The bytes of `old` that go.
    gone: Vec<Range<usize>>,
    new: String,
    /// The bytes of `new` that came.
    came: Vec<Range<usize>>,
    rules: Vec<&'static str>,
}

struct Lines<'a> {
    text: &'a str,
    /// Where each line begins, and the end.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let mut starts: Vec<usize> =
            std::iter::once(0).chain(text.match_indices('\n').map(|(n, _)| n + 1)).collect();
        if starts.last() != Some(&text.len()) {
            starts.push(text.len());
        }
        Self { text, starts }
    }

    fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// The line of a byte; that of the last one for the end.
    fn of(&self, at: usize) -> usize {
        self.starts.partition_point(|s| *s <= at).saturating_sub(1).min(self.count().saturating_sub(1))
    }

    fn bytes(&self, lines: &Range<usize>) -> Range<usize> {
        self.starts[lines.start]..self.starts[lines.end]
    }

    fn line(&self, n: usize) -> &'a str {
        &self.text[self.starts[n]..self.starts[n + 1]]
    }
}

fn changes(lines: &Lines<'_>, splices: &ByRule) -> Vec<Change> {
    let mut out: Vec<Change> = Vec::new();
    let mut rest = splices;
    while let Some((first, _)) = rest.first() {
        // Every splice that begins on the lines that are already touched belongs to them.
        let from = lines.of(first.span.start);
        let mut to = from;
        let mut taken = 0;
        for (splice, _) in rest {
            if taken > 0 && lines.of(splice.span.start) > to {
                break;
            }
            to = to.max(lines.of(splice.span.end.saturating_sub(1).max(splice.span.start)));
            taken += 1;
        }
        let (mine, others) = rest.split_at(taken);
        rest = others;
        out.extend(change(lines, from..to + 1, mine));
    }
    out
}

/// The new text of these lines, without what stays of them at both ends.
fn change(lines: &Lines<'_>, old: Range<usize>, splices: &ByRule) -> Option<Change> {
    let bytes = lines.bytes(&old);
    let (mut new, mut gone, mut came) = (String::new(), Vec::new(), Vec::new());
    let mut rules: Vec<&'static str> = Vec::new();
    let mut at = bytes.start;
    for (splice, by) in splices {
        new += &lines.text[at..splice.span.start];
        came.push(new.len()..new.len() + splice.text.len());
        gone.push(splice.span.start..splice.span.end);
        new += &splice.text;
        at = splice.span.end;
        for rule in by {
            if !rules.contains(rule) {
                rules.push(rule);
            }
        }
    }
    new += &lines.text[at..bytes.end];
    let mut old = old;
    let mut kept = 0;
    while let Some(line) =
        new[kept..].split_inclusive('\n').next().filter(|l| !old.is_empty() && *l == lines.line(old.start))
    {
        kept += line.len();
        old.start += 1;
    }
    let mut end = new.len();
    while let Some(line) = new[kept..end]
        .split_inclusive('\n')
        .next_back()
        .filter(|l| !old.is_empty() && *l == lines.line(old.end - 1))
    {
        end -= line.len();
        old.end -= 1;
    }
    if old.is_empty() && kept == end {
        return None;
    }
    let came = came.into_iter().map(|r| r.start.saturating_sub(kept)..r.end.saturating_sub(kept)).collect();
    Some(Change { old, gone, new: new[kept..end].to_owned(), came, rules })
}

/// Changes with the lines around them that one hunk shows.
struct Hunk<'a> {
    changes: &'a [Change],
    context: usize,
}

/// What one rule does stands in one hunk where its contexts touch. What different rules do is parted where at least one
/// line of context remains for each; then with fewer lines at both ends alike, for `patch` takes a hunk with less
/// before it than behind it for one at the start of the file.
fn hunks(changes: &[Change]) -> impl Iterator<Item = Hunk<'_>> {
    let gap = |a: &Change, b: &Change| b.old.start - a.old.end;
    let together = move |a: &Change, b: &Change| {
        let gap = gap(a, b);
        gap < 2 || (gap <= 2 * CONTEXT && a.rules == b.rules)
    };
    let mut room = CONTEXT;
    let mut groups = changes.chunk_by(together).peekable();
    std::iter::from_fn(move || {
        let changes = groups.next()?;
        let next = groups.peek().and_then(|n| n.first()).zip(changes.last());
        let behind = next.map_or(CONTEXT, |(next, last)| CONTEXT.min(gap(last, next) / 2));
        let context = room.min(behind);
        room = behind;
        Some(Hunk { changes, context })
    })
}

fn write_hunk(out: &mut String, lines: &Lines<'_>, hunk: &Hunk<'_>, offset: &mut isize, colour: bool) {
    let Hunk { changes, context } = *hunk;
    let (Some(first), Some(last)) = (changes.first(), changes.last()) else { return };
    let old = first.old.start.saturating_sub(context)..(last.old.end + context).min(lines.count());
    let grown: isize = changes.iter().map(|c| count(&c.new).cast_signed() - c.old.len().cast_signed()).sum();
    let new_start = old.start.saturating_add_signed(*offset);
    let new_count = old.len().saturating_add_signed(grown);
    *offset += grown;
    // A range without lines names the line before it.
    let range = |start: usize, count: usize| format!("{},{count}", start + usize::from(count > 0));
    let mut rules: Vec<&str> = Vec::new();
    for rule in changes.iter().flat_map(|c| &c.rules) {
        if !rules.contains(rule) {
            rules.push(rule);
        }
    }
    let head = format!("@@ -{} +{} @@", range(old.start, old.len()), range(new_start, new_count));
    let rules = rules.join(", ");
    if colour {
        let _ = writeln!(out, "\x1b[36m{head}\x1b[0m \x1b[1m{rules}\x1b[0m");
    } else {
        let _ = writeln!(out, "{head} {rules}");
    }
    let mut at = old.start;
    let kept = |out: &mut String, from: usize, to: usize| {
        (from..to).for_each(|n| write_line(out, ' ', lines.line(n), 0, &[], false));
    };
    for change in changes {
        kept(out, at, change.old.start);
        // Beside nothing there is no difference to mark.
        let both = !change.old.is_empty() && !change.new.is_empty();
        let (gone, came) = if both { (&change.gone[..], &change.came[..]) } else { (&[][..], &[][..]) };
        for n in change.old.clone() {
            write_line(out, '-', lines.line(n), lines.starts[n], gone, colour);
        }
        let mut start = 0;
        for line in change.new.split_inclusive('\n') {
            write_line(out, '+', line, start, came, colour);
            start += line.len();
        }
        at = change.old.end;
    }
    kept(out, at, old.end);
}

fn count(text: &str) -> usize {
    text.split_inclusive('\n').count()
}

/// One line of the diff; in colour, with those of its bytes that differ in reverse. `start` is where the line stands in
/// what `marked` counts.
fn write_line(out: &mut String, sign: char, line: &str, start: usize, marked: &[Range<usize>], colour: bool) {
    let (body, end) = match line.strip_suffix('\n') {
        Some(body) => (body, "\n"),
        None => (line, "\n\\ No newline at end of file\n"),
    };
    if !colour {
        let _ = write!(out, "{sign}{body}{end}");
        return;
    }
    let (body, cr) = body.strip_suffix('\r').map_or((body, ""), |b| (b, "\r"));
    let code = match sign {
        '+' => "32",
        '-' => "31",
        _ => "0",
    };
    let _ = write!(out, "\x1b[{code}m{sign}");
    let text_from = body.len() - body.trim_start().len();
    let mut at = 0;
    // Only those on this line: there may be as many as there are lines.
    let first = marked.partition_point(|range| range.end <= start);
    for range in marked[first..].iter().take_while(|range| range.start < start + body.len()) {
        let from = range.start.max(start).min(start + body.len()) - start;
        let to = range.end.max(start).min(start + body.len()) - start;
        // A line that is new as a whole needs no mark.
        if from < to && from >= at && !(from <= text_from && to == body.len()) {
            let _ = write!(out, "{}\x1b[7m{}\x1b[27m", &body[at..from], &body[from..to]);
            at = to;
        }
    }
    let _ = write!(out, "{}\x1b[0m{cr}{end}", &body[at..]);
}

fn paint(colour: bool, code: &str, line: &str) -> String {
    if colour { format!("\x1b[{code}m{line}\x1b[0m\n") } else { format!("{line}\n") }
}

/// A file name as `patch` and `git apply` read it: in quotes where it holds what would end a line or a name; with a tab
/// behind it where it holds a blank.
fn quoted(name: &str) -> String {
    if name.contains(|c: char| c.is_control() || c == '"' || c == '\\') {
        let mut out = String::from("\"");
        for byte in name.bytes() {
            match byte {
                b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
                0..0x20 | 0x7f.. => {
                    let _ = write!(out, "\\{byte:03o}");
                }
                _ => out.push(char::from(byte)),
            }
        }
        return out + "\"";
    }
    if name.contains(' ') { format!("{name}\t") } else { name.to_owned() }
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
