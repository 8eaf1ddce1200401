//! What firmware images hold, noted in a folder that stands for a host: `DIR/images`. In: [`ImageContents`], or that text.
//! Out: the other. Never: an image's bytes.

use super::facts::Fact;
use crate::image::{Area, ImageContents, SnpSection, SnpSectionKind};
use std::fmt::Write as _;
use std::path::Path;

/// Looked, and it is not there.
const ABSENT: &str = "absent";

/// `es-reset=0x80b004 secret=0x810000+0xc00 hashes=0x810c00+0x400 snp=0x800000+0x9000:1,0x80d000+0x1000:2 /PATH`;
/// `nothing /PATH` for an image without tables, `absent /PATH` for one that is not there.
pub(super) fn to_line(path: &Path, contents: Option<&ImageContents>) -> String {
    let Some(contents) = contents else { return format!("{ABSENT} {}", path.display()) };
    let mut words = Vec::new();
    let range = |base: u32, size: u32| format!("{base:#x}+{size:#x}");
    words.extend(contents.es_reset_addr.map(|address| format!("es-reset={address:#x}")));
    words.extend(contents.secret.map(|a| format!("secret={}", range(a.base, a.size))));
    words.extend(contents.hashes.map(|a| format!("hashes={}", range(a.base, a.size))));
    let mut sections = String::new();
    for section in &contents.snp_sections {
        // Writing to a String cannot fail.
        let _ = write!(sections, ",{}:{}", range(section.base, section.size), number(section.kind));
    }
    if let Some(sections) = sections.strip_prefix(',') {
        words.push(format!("snp={sections}"));
    }
    if words.is_empty() {
        words.push("nothing".into());
    }
    format!("{} {}", words.join(" "), path.display())
}

/// One image. Of one that is not noted nothing is known.
pub(super) fn find(text: &str, path: &Path) -> Fact<ImageContents> {
    let line = text.lines().find_map(|line| {
        let (words, this) = line.split_at(line.find('/')?);
        (Path::new(this) == path).then_some(words.trim())
    });
    match line {
        None => Fact::NotAsked,
        Some(ABSENT) => Fact::Absent,
        Some(words) => parse(words).map_or_else(
            || Fact::Unreadable("/images: not the form that --collect writes".into()),
            Fact::Known,
        ),
    }
}

fn parse(words: &str) -> Option<ImageContents> {
    let mut contents = ImageContents::default();
    for word in words.split_whitespace().filter(|word| *word != "nothing") {
        match word.split_once('=')? {
            ("es-reset", address) => contents.es_reset_addr = Some(hex(address)?),
            ("secret", range) => contents.secret = Some(area(range)?),
            ("hashes", range) => contents.hashes = Some(area(range)?),
            ("snp", sections) => {
                for section in sections.split(',') {
                    let (range, kind) = section.split_once(':')?;
                    let Area { base, size } = area(range)?;
                    let kind = SnpSectionKind::from(kind.parse::<u32>().ok()?);
                    contents.snp_sections.push(SnpSection { base, size, kind });
                }
            }
            _ => return None,
        }
    }
    Some(contents)
}

fn area(range: &str) -> Option<Area> {
    let (base, size) = range.split_once('+')?;
    Some(Area { base: hex(base)?, size: hex(size)? })
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// As the image has it; [`SnpSectionKind`] is made from it.
fn number(kind: SnpSectionKind) -> u32 {
    match kind {
        SnpSectionKind::Memory => 1,
        SnpSectionKind::Secrets => 2,
        SnpSectionKind::Cpuid => 3,
        SnpSectionKind::SvsmCallingArea => 4,
        SnpSectionKind::KernelHashes => 0x10,
        SnpSectionKind::Unknown(other) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_image_holds_is_noted_without_loss() {
        let section = |base, kind: u32| SnpSection { base, size: 0x1000, kind: kind.into() };
        let full = ImageContents {
            es_reset_addr: Some(0x80_b004),
            secret: Some(Area { base: 0x81_0000, size: 0xc00 }),
            hashes: Some(Area { base: 0x81_0c00, size: 0x400 }),
            snp_sections: [1, 2, 3, 4, 16, 99].map(|kind| section(kind << 12, kind)).into(),
        };
        let some = ImageContents { es_reset_addr: Some(4), ..ImageContents::default() };
        let paths = ["/a.fd", "/with a space/b:c.fd", "/c"].map(Path::new);
        let all = [full, some, ImageContents::default()];
        let text: String = paths.iter().zip(&all).map(|(path, c)| to_line(path, Some(c)) + "\n").collect();
        let text = text + &to_line(Path::new("/gone"), None);
        for (path, contents) in paths.iter().zip(all) {
            assert_eq!(find(&text, path), Fact::Known(contents), "{text}");
        }
        assert_eq!(find(&text, Path::new("/gone")), Fact::Absent);
        assert_eq!(find(&text, Path::new("/d")), Fact::NotAsked);
        for broken in
            ["es-reset=1 /a", "secret=0x1 /a", "snp=0x1+0x1 /a", "x /a", "snp= /a", "hashes=0x1+ /a"]
        {
            assert!(matches!(find(broken, Path::new("/a")), Fact::Unreadable(_)), "{broken}");
        }
    }
}
