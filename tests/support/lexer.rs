//! A second reading of documents, by nothing of the program's own: it cuts the text at `<` and `>` and counts.
//! In: a well-formed document. Out: tokens with the path of the element that they belong to.

use std::collections::HashMap;

/// A piece of the document that is not only white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) raw: String,
    /// The element: for a tag its own, for anything else the one around it.
    pub(crate) path: String,
    pub(crate) kind: Kind,
    /// White space before it, from the last line end on; `None` where it does not begin its line.
    pub(crate) indent: Option<String>,
    pub(crate) depth: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Start,
    Empty,
    End,
    Other,
}

/// Paths carry a number for every brother, also the first: `/domain[1]/devices[1]/disk[2]`.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = text.trim_start_matches('\u{feff}');
    let mut path: Vec<String> = Vec::new();
    let mut counts: Vec<HashMap<String, usize>> = vec![HashMap::new()];
    let mut blank = String::new();
    while !rest.is_empty() {
        let length = if let Some(end) = ["<!--", "<![CDATA[", "<?"]
            .iter()
            .zip(["-->", "]]>", "?>"])
            .find(|(start, _)| rest.starts_with(**start))
            .map(|(_, end)| end)
        {
            rest.find(end).unwrap() + end.len()
        } else if rest.starts_with('<') {
            tag_length(rest)
        } else {
            rest.find('<').unwrap_or(rest.len())
        };
        let (raw, tail) = rest.split_at(length);
        rest = tail;
        let is_tag = raw.starts_with('<') && !raw.starts_with("<!") && !raw.starts_with("<?");
        if !raw.starts_with('<') && raw.trim().is_empty() {
            blank = raw.to_owned();
            continue;
        }
        let indent = blank.rfind('\n').map(|n| blank[n + 1..].to_owned());
        blank.clear();
        let mut token =
            Token { raw: raw.to_owned(), path: String::new(), kind: Kind::Other, indent, depth: path.len() };
        if is_tag && raw.starts_with("</") {
            token.kind = Kind::End;
            token.path = path.concat();
            token.depth -= 1;
            path.pop();
            counts.pop();
        } else if is_tag {
            let mut name: String =
                raw[1..].chars().take_while(|c| !c.is_whitespace() && *c != '/' && *c != '>').collect();
            // A foreign element without a prefix is no brother of libvirt's own of that name.
            let foreign = raw.contains(" xmlns='urn:") || raw.contains(" xmlns=\"urn:");
            if foreign || (!name.contains(':') && path.last().is_some_and(|p| p.starts_with("/*"))) {
                name.insert_str(0, "*:");
            }
            let count = counts.last_mut().unwrap().entry(name.clone()).or_default();
            *count += 1;
            path.push(format!("/{name}[{count}]"));
            token.path = path.concat();
            token.kind = if raw.ends_with("/>") { Kind::Empty } else { Kind::Start };
            if token.kind == Kind::Empty {
                path.pop();
            } else {
                counts.push(HashMap::new());
            }
        } else {
            token.path = path.concat();
        }
        out.push(token);
    }
    out
}

/// A tag ends at the first `>` outside quotes.
fn tag_length(text: &str) -> usize {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return at + 1,
            (None, '\'' | '"') => quote = Some(c),
            (Some(q), _) if q == c => quote = None,
            _ => {}
        }
    }
    text.len()
}

/// A path as the program writes it, brought into this module's form.
pub(crate) fn full(path: &str) -> String {
    path.split('/')
        .skip(1)
        .map(|step| match step {
            _ if step.ends_with(']') || step.starts_with('@') || step == "text()" => format!("/{step}"),
            _ => format!("/{step}[1]"),
        })
        .collect()
}
