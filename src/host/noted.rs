//! What is no file, noted in a folder that stands for a host: `DIR/nodes`, `DIR/msr`, `DIR/sev-status`. In: their text.
//! Out: the line that was asked for.

use super::facts::Fact;
use super::machine::Access;
use std::path::Path;

/// No such line: absent. A line that is none of its kind: unreadable.
pub(super) fn flat<T>(fact: Fact<Option<Option<T>>>, why: &str) -> Fact<T> {
    match fact {
        Fact::Known(Some(Some(value))) => Fact::Known(value),
        Fact::Known(Some(None)) => Fact::Unreadable(why.to_owned()),
        Fact::Known(None) | Fact::Absent => Fact::Absent,
        Fact::Unreadable(why) => Fact::Unreadable(why),
        Fact::NotAsked => Fact::NotAsked,
    }
}

/// `660 0 108 /dev/sev`, as `stat -c '%a %u %g %n' /dev/sev` prints it.
pub(super) fn access(text: &str, path: &Path) -> Option<Option<Access>> {
    let line =
        text.lines().find(|line| line.split_whitespace().nth(3).is_some_and(|p| Path::new(p) == path))?;
    let mut words = line.split_whitespace();
    let mut next = || words.next();
    let parsed = (|| {
        let mode = u32::from_str_radix(next()?, 8).ok()?;
        Some(Access {
            mode,
            uid: next()?.parse().ok()?,
            gid: next()?.parse().ok()?,
            acl: Fact::Absent,
            ours: None,
        })
    })();
    Some(parsed)
}

/// `0xc0010010: 0x0000000003f40000`.
pub(super) fn msr(text: &str, number: u32) -> Option<Option<u64>> {
    let hex = |t: &str| u64::from_str_radix(t.trim().strip_prefix("0x")?, 16).ok();
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (hex(name)? == u64::from(number)).then(|| hex(value))
    })
}

/// `SEV_PLATFORM_STATUS: 01 37 01 00 01 00 00 20 03 00 00 00`: the kernel's answer, byte for byte.
pub(super) fn status(text: &str, name: &str) -> Option<Option<Vec<u8>>> {
    text.lines().find_map(|line| {
        let (this, bytes) = line.split_once(':')?;
        let byte = |t: &str| (t.len() == 2).then(|| u8::from_str_radix(t, 16).ok()).flatten();
        (this.trim() == name).then(|| bytes.split_whitespace().map(byte).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_name() {
        let text = "666 0 0 /dev/kvm\n660 0 108 /dev/sev\nx 0 0 /dev/bad\n";
        let found = Access { mode: 0o660, uid: 0, gid: 108, acl: Fact::Absent, ours: None };
        assert_eq!(access(text, Path::new("/dev/sev")), Some(Some(found)));
        assert_eq!(access(text, Path::new("/dev/bad")), Some(None));
        assert_eq!(access(text, Path::new("/dev/none")), None);
        assert_eq!(msr("0xc0010010: 0x1f40000\n", 0xc001_0010), Some(Some(0x01f4_0000)));
        assert_eq!(msr("0xc0010010: yes\n", 0xc001_0010), Some(None));
        assert_eq!(msr("", 0xc001_0010), None);
        let text = "SEV_PLATFORM_STATUS: 01 37 ff\nSNP_PLATFORM_STATUS: 1 2\n";
        assert_eq!(status(text, "SEV_PLATFORM_STATUS"), Some(Some(vec![1, 0x37, 0xff])));
        assert_eq!(status(text, "SNP_PLATFORM_STATUS"), Some(None));
        assert_eq!(status(text, "SEV_GET_ID2"), None);
    }
}
