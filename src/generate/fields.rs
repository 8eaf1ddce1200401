//! `VALUE,NAME=VALUE…`: how one option names several things. In: its text. Out: [`Fields`], errors.
//! Never: the meaning of a field.

use crate::codes::Kind;
use crate::domain::escape::is_xml_char;
use crate::error::Error;

/// One option, taken apart. `,,` is a comma that belongs to the value.
#[derive(Debug)]
pub(super) struct Fields {
    place: String,
    /// What stands first.
    pub(super) first: String,
    named: Vec<(String, String)>,
}

impl Fields {
    /// A bare field after the first is the value of `bare`, where there is one.
    pub(super) fn read(option: &str, text: &str, bare: Option<&str>) -> Result<Self, Error> {
        let place = format!("{option} {text}");
        let mut parts = split(text).into_iter();
        let first = parts.next().unwrap_or_default();
        let mut named: Vec<(String, String)> = Vec::new();
        for part in parts {
            let (name, value) = match (part.split_once('='), bare) {
                (Some((name, value)), _) => (name.to_owned(), value.to_owned()),
                (None, Some(bare)) => (bare.to_owned(), part),
                (None, None) => {
                    return Err(usage(&place, "a field has no name").found(format!("{part:?}")));
                }
            };
            if named.iter().any(|(n, _)| *n == name) {
                return Err(usage(&place, "a field is given twice").found(name));
            }
            named.push((name, value));
        }
        Ok(Self { place, first, named })
    }

    /// Takes a field out.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.named.iter().position(|(n, _)| n == name)?;
        Some(self.named.swap_remove(at).1)
    }

    /// What is left over is not known.
    pub(super) fn done(self, known: &str) -> Result<(), Error> {
        match self.named.first() {
            Some((name, _)) => Err(usage(&self.place, "no such field").found(name.clone()).wanted(known)),
            None => Ok(()),
        }
    }

    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        usage(&self.place, message)
    }

    /// An absolute path, which the domain will hold.
    pub(super) fn path(&self, text: &str) -> Result<String, Error> {
        absolute(&self.place, text)
    }

    pub(super) fn size(&self, text: &str) -> Result<u64, Error> {
        size(&self.place, text)
    }
}

fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match parts.last_mut() {
            Some(part) if c != ',' || letters.next_if_eq(&',').is_some() => part.push(c),
            Some(_) | None => parts.push(String::new()),
        }
    }
    parts
}

pub(super) fn usage(place: &str, message: impl Into<String>) -> Error {
    Error::new(Kind::Usage, message).at(place)
}

/// A path as libvirt takes it (`absFilePath` in its schema), of a file and not a folder.
pub(super) fn absolute(place: &str, path: &str) -> Result<String, Error> {
    if path.starts_with('/') && !path.ends_with('/') && is_text(path) {
        return Ok(path.to_owned());
    }
    Err(usage(place, "not a path that a domain can hold")
        .found(format!("{path:?}"))
        .wanted("an absolute path of a file")
        .hint("The hypervisor opens it, wherever that runs; so it begins with /."))
}

/// True for text that XML can hold, on one line.
pub(super) fn is_text(text: &str) -> bool {
    text.chars().all(|c| is_xml_char(c) && !c.is_control())
}

/// A size that an option gives, in the form that the keys have, but always with its unit. A bare number is bytes to the
/// keys and to qemu-img, KiB to libvirt, and to virt-install MiB of memory or GiB of a disk: here it is a question.
///
/// # Errors
/// `Kind::Usage`.
pub fn size(place: &str, text: &str) -> Result<u64, Error> {
    let size = crate::config::parse_size(text).map_err(|_| {
        usage(place, "not a size")
            .found(format!("{text:?}"))
            .wanted("a number above 0 with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 4GiB")
    })?;
    let number = text.trim();
    if number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(usage(place, "a size without its unit")
            .found(format!("{text:?}"))
            .wanted(format!("a unit behind it, such as {number}MiB or {number}GiB")));
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_that_is_doubled_belongs_to_the_value() {
        assert_eq!(split("/a,,b,c=d,,,e"), ["/a,b", "c=d,", "e"]);
        assert_eq!(split(""), [""]);
    }

    #[test]
    fn fields_are_taken_once_and_strange_ones_are_named() {
        let mut fields = Fields::read("--x", "/a,7,b=c=d", Some("size")).unwrap();
        assert_eq!(fields.take("size").as_deref(), Some("7"));
        assert_eq!(fields.take("b").as_deref(), Some("c=d"));
        fields.done("size, b").unwrap();
        let e = Fields::read("--x", "/a,sise=7", None).unwrap().done("size").unwrap_err();
        assert_eq!(e.to_string(), "--x /a,sise=7: no such field: found sise, wanted size");
        assert!(Fields::read("--x", "/a,7", None).is_err());
        assert!(Fields::read("--x", "/a,b=1,b=2", None).is_err());
    }

    #[test]
    fn a_path_is_absolute_and_a_file() {
        for wrong in ["", "a", "./a", "/a/", "/", "/a\nb", "/a\u{0}", "/a\u{fffe}"] {
            assert_eq!(absolute("--x", wrong).unwrap_err().kind(), Kind::Usage, "{wrong:?}");
        }
        assert_eq!(absolute("--x", "/a <b>&'\",é").unwrap(), "/a <b>&'\",é");
    }
}
