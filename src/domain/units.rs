//! Sizes with units. In: a number and libvirt's unit. Out: bytes. Never: a default that libvirt does not have.

/// Bytes of `value` in `unit`, as libvirt's `virScaleInteger` reads it (`src/util/virutil.c`): `b` and `bytes`;
/// `k`, `m`, `g`, `t`, `p`, `e` alone or with `iB` are powers of 1024, with `B` powers of 1000.
/// `None` where the unit is unknown or the result does not fit.
#[must_use]
pub fn scale(value: u64, unit: &str) -> Option<u64> {
    let unit = unit.trim();
    let is = |text: &str, all: &[&str]| all.iter().any(|one| text.eq_ignore_ascii_case(one));
    if is(unit, &["b", "byte", "bytes"]) {
        return Some(value);
    }
    let mut letters = unit.chars();
    let power = "kmgtpe".find(letters.next()?.to_ascii_lowercase())? + 1;
    let base: u64 = match letters.as_str() {
        rest if is(rest, &["", "ib"]) => 1024,
        rest if is(rest, &["b"]) => 1000,
        _ => return None,
    };
    value.checked_mul(base.checked_pow(u32::try_from(power).ok()?)?)
}

#[cfg(test)]
mod tests {
    use super::scale;

    #[test]
    fn units_are_libvirts() {
        assert_eq!(scale(2, "KiB"), Some(2048));
        assert_eq!(scale(2, "k"), Some(2048));
        assert_eq!(scale(2, "KB"), Some(2000));
        assert_eq!(scale(2, "GiB"), Some(2 << 30));
        assert_eq!(scale(2, "bytes"), Some(2));
        assert_eq!(scale(1, "E"), Some(1 << 60));
        assert_eq!(scale(32, "EiB"), None, "does not fit");
        assert_eq!(scale(1, "parsec"), None);
        assert_eq!(scale(1, ""), None);
    }
}
