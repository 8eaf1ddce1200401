//! Every type of value, right and wrong.

use super::*;

#[test]
fn booleans_as_lxd() {
    for text in ["true", "1", "yes", "on", "TRUE", "Yes", "oN"] {
        assert!(boolean(text).unwrap(), "{text}");
    }
    for text in ["false", "0", "no", "off", "FALSE", "No"] {
        assert!(!boolean(text).unwrap(), "{text}");
    }
    for text in ["2", "y", "enabled", "tru", "-1", "ja"] {
        let e = boolean(text).unwrap_err().to_string();
        assert!(e.contains(text) && e.contains("true or false"), "{e}");
    }
}

#[test]
fn numbers_in_hex_and_decimal() {
    assert_eq!(unsigned_32("0x5").unwrap(), 5);
    assert_eq!(unsigned_32("0XfF").unwrap(), 255);
    assert_eq!(unsigned_32("05").unwrap(), 5);
    assert_eq!(unsigned_64("0x30000").unwrap(), 0x30000);
    assert_eq!(unsigned_64("18446744073709551615").unwrap(), u64::MAX);
    for text in ["0x", "", "+5", "0x+5", "-1", "1_000", "5.0", "0x100000000", "4294967296", "five"] {
        assert!(unsigned_32(text).is_err(), "{text}");
    }
    assert!(unsigned_64("18446744073709551616").is_err());
    assert_eq!(bit_number("51").unwrap(), 51);
    assert!(bit_number("0").is_err() && bit_number("64").is_err());
}

#[test]
fn versions_are_text_and_not_fractions() {
    assert_eq!(version("1.10").unwrap(), (1, 10));
    assert_eq!(version("1.1").unwrap(), (1, 1));
    assert_eq!(version("0.0").unwrap(), (0, 0));
    for text in ["1", "1.", ".1", "1.2.3", "256.0", "1.256", "+1.0", "1.-1", "1. 1", "a.b"] {
        assert!(version(text).is_err(), "{text}");
    }
}

#[test]
fn blobs_ignore_white_space_and_never_show_themselves() {
    assert_eq!(blob("AQID\n BA\t==\n", 4).unwrap(), [1, 2, 3, 4]);
    assert_eq!(blob("AQIDBA", 4).unwrap(), [1, 2, 3, 4]);
    let e = blob("AQIDBA==", 5).unwrap_err().to_string();
    assert!(e.contains("4 bytes") && e.contains("5 bytes"), "{e}");
    let secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQ*";
    let e = blob(secret, 16).unwrap_err().to_string();
    assert!(!e.contains("c2Vj") && !e.contains('*') && e.contains("28 characters"), "{e}");
}

#[test]
fn sizes_as_lxd() {
    for (text, bytes) in [
        ("1", 1),
        ("512", 512),
        ("512B", 512),
        ("512 bytes", 512),
        ("1kB", 1000),
        ("512MiB", 512 << 20),
        ("1GB", 1_000_000_000),
        ("4GiB", 4 << 30),
        (" 4GiB ", 4 << 30),
    ] {
        assert_eq!(size(text).unwrap(), bytes, "{text}");
    }
    for text in ["", "0", "GiB", "1G", "1gib", "-1", "1.5GiB", "8EiB", "99999999999999999999", "0x10"] {
        assert!(size(text).is_err(), "{text}");
    }
}

#[test]
fn enumerations() {
    assert_eq!(kernel_hashes("AUTO").unwrap(), KernelHashes::Auto);
    assert_eq!(kernel_hashes("yes").unwrap(), KernelHashes::Yes);
    assert_eq!(kernel_hashes("0").unwrap(), KernelHashes::No);
    assert!(kernel_hashes("maybe").is_err());
    assert_eq!(memory_lock("hard_limit").unwrap(), MemoryLock::HardLimit);
    assert!(memory_lock("hard-limit").is_err());
    assert_eq!(memory_backing("hugepages:2MiB").unwrap(), MemoryBacking::Hugepages(Some(2 << 20)));
    assert_eq!(memory_backing("hugepages").unwrap(), MemoryBacking::Hugepages(None));
    for text in ["hugepages:", "hugepages:3MiB", "hugepages:1kB", "memfd:2MiB", "file"] {
        assert!(memory_backing(text).is_err(), "{text}");
    }
    assert_eq!(hard_limit("auto").unwrap(), HardLimit::Auto);
    assert_eq!(hard_limit("1GiB").unwrap(), HardLimit::Bytes(1 << 30));
}

#[test]
fn firmware_is_auto_or_an_absolute_path() {
    assert_eq!(firmware("auto").unwrap(), FirmwareChoice::Auto);
    assert_eq!(firmware("/usr/x.fd").unwrap(), FirmwareChoice::Path("/usr/x.fd".into()));
    for text in ["x.fd", "./x.fd", "/usr/", "/a\nb"] {
        assert!(firmware(text).is_err(), "{text}");
    }
}

#[test]
fn a_long_value_is_told_by_its_length() {
    assert_eq!(shown("abc"), "'abc'");
    assert_eq!(shown("a\nb"), "'a\\nb'");
    assert_eq!(shown(&"x".repeat(41)), "41 characters");
}
