//! QEMU's option strings: `socket,id=mon,fd=3` with `,,` for a comma in a value.
//! In: the text after an option. Out: names and values in order, and back. Never: JSON, which stays JSON.

/// Names and values in the order given. An item without `=` has an empty name when it comes first
/// (QEMU's implied name), and the value `on` later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options(pub Vec<(String, String)>);

impl Options {
    /// Reads an option string.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut items = vec![String::new()];
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if c != ',' {
                if let Some(last) = items.last_mut() {
                    last.push(c);
                }
            } else if chars.peek() == Some(&',') {
                chars.next();
                if let Some(last) = items.last_mut() {
                    last.push(',');
                }
            } else {
                items.push(String::new());
            }
        }
        let pairs = items
            .into_iter()
            .enumerate()
            .map(|(n, item)| match item.split_once('=') {
                Some((name, value)) => (name.to_owned(), value.to_owned()),
                None if n == 0 => (String::new(), item),
                None => (item, "on".to_owned()),
            })
            .collect();
        Self(pairs)
    }

    /// The last value of this name: QEMU takes the last one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Takes out every item of this name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| n != name);
    }

    /// Replaces the value of this name, or adds it.
    pub fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// The option string again.
    #[must_use]
    pub fn text(&self) -> String {
        let items: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| {
                let value = value.replace(',', ",,");
                if name.is_empty() { value } else { format!("{name}={value}") }
            })
            .collect();
        items.join(",")
    }
}

/// `on`, `yes`, `true`, `y`: QEMU's spellings of yes (`qapi_bool_parse`).
#[must_use]
pub fn is_on(text: &str) -> bool {
    matches!(text, "on" | "yes" | "true" | "y")
}

/// A number as QEMU reads it: decimal, or hexadecimal with `0x`.
#[must_use]
pub fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_values_survive() {
        let options = Options::parse("guest=a,,b,debug-threads=on");
        assert_eq!(options.get("guest"), Some("a,b"));
        assert_eq!(options.text(), "guest=a,,b,debug-threads=on");
    }

    #[test]
    fn the_first_item_may_have_no_name() {
        let mut options = Options::parse("pc-q35-10.0,usb=off,accel=kvm");
        assert_eq!(options.get(""), Some("pc-q35-10.0"));
        options.set("accel", "tcg");
        options.remove("usb");
        assert_eq!(options.text(), "pc-q35-10.0,accel=tcg");
    }

    #[test]
    fn numbers_are_decimal_or_hexadecimal() {
        assert_eq!(number("0x30000"), Some(0x30000));
        assert_eq!(number("51"), Some(51));
        assert_eq!(number("x"), None);
    }
}
