//! What each option of an owner sets: its own place and no other.

use super::*;

/// An option, a value, how its place shows it, a value that it cannot have, and the place.
type Case = (&'static str, &'static str, &'static str, Option<&'static str>, fn(&Owned) -> String);

const PATH: Option<&str> = Some("");

const CASES: &[Case] = &[
    ("firmware", "f", r#"Some("f")"#, PATH, |o| format!("{:?}", o.expectation.boot.firmware)),
    ("kernel", "k", r#"Some("k")"#, PATH, |o| format!("{:?}", o.expectation.boot.kernel)),
    ("initrd", "i", r#"Some("i")"#, PATH, |o| format!("{:?}", o.expectation.boot.initrd)),
    ("cmdline", "a b", r#"Some("a b")"#, None, |o| format!("{:?}", o.expectation.boot.cmdline)),
    ("num-cpus", "2", "Some(2)", Some("0"), |o| format!("{:?}", o.expectation.cpus.num_cpus)),
    ("vcpu-type", "EPYC", r#"Some("EPYC")"#, None, |o| format!("{:?}", o.expectation.cpus.vcpu_type)),
    ("vcpu-sig", "0x10", "Some(16)", Some("16x"), |o| format!("{:?}", o.expectation.cpus.vcpu_sig)),
    ("cpu-family", "25", "Some(25)", Some("-1"), |o| format!("{:?}", o.expectation.cpus.cpu_family)),
    ("cpu-model", "1", "Some(1)", Some("+1"), |o| format!("{:?}", o.expectation.cpus.cpu_model)),
    ("cpu-stepping", "0", "Some(0)", Some(""), |o| format!("{:?}", o.expectation.cpus.cpu_stepping)),
    ("guest-features", "0xffffffffffffffff", "Some(18446744073709551615)", Some("0x"), |o| {
        format!("{:?}", o.expectation.cpus.guest_features)
    }),
    ("legacy-vm-type", "on", "Some(Legacy)", Some("true"), |o| format!("{:?}", o.expectation.cpus.state)),
    ("legacy-vm-type", "off", "Some(Init2)", Some("ON"), |o| format!("{:?}", o.expectation.cpus.state)),
    ("vmsa-cpu0", "v", r#"Some("v")"#, PATH, |o| format!("{:?}", o.expectation.cpus.vmsa_cpu0)),
    ("vmsa-cpu1", "w", r#"Some("w")"#, PATH, |o| format!("{:?}", o.expectation.cpus.vmsa_cpu1)),
    ("policy", "0x5", "Some(5)", Some("0x100000000"), |o| format!("{:?}", o.expectation.claims.policy)),
    ("api-major", "1", "Some(1)", Some("256"), |o| format!("{:?}", o.expectation.claims.api_major)),
    ("api-minor", "55", "Some(55)", Some("0x+1"), |o| format!("{:?}", o.expectation.claims.api_minor)),
    ("build-id", "255", "Some(255)", Some("2 "), |o| format!("{:?}", o.expectation.claims.build_id)),
    ("policy-file", "p", r#"Some("p")"#, PATH, |o| format!("{:?}", o.expectation.policy_file)),
    ("tik", "t", r#"Some("t")"#, PATH, |o| format!("{:?}", o.key_files.tik)),
    ("tek", "e", r#"Some("e")"#, PATH, |o| format!("{:?}", o.key_files.tek)),
    ("tk", "tk", r#"Some("tk")"#, PATH, |o| format!("{:?}", o.key_files.tk)),
    ("inject-secret", "luks-key:s", r#"["luks-key:s"]"#, Some("luks-key"), |o| format!("{:?}", o.secrets)),
    ("insecure", "true", "true", Some("1"), |o| format!("{:?}", o.expectation.insecure)),
    ("ignore-config", "true", "true", Some("yes"), |o| format!("{:?}", o.ignore_config)),
    ("timeout", "7", "Some(7s)", Some("0"), |o| format!("{:?}", o.timeout)),
    ("chain", "c", r#"["c"]"#, PATH, |o| format!("{:?}", o.chain)),
    ("ca", "a", r#"Some("a")"#, PATH, |o| format!("{:?}", o.trust.ca)),
    ("cek", "k", r#"Some("k")"#, PATH, |o| format!("{:?}", o.trust.cek)),
    ("chip-id", "0a", r#"Some("0a")"#, None, |o| format!("{:?}", o.trust.chip_id)),
    ("bundle", "b", r#"Some("b")"#, PATH, |o| format!("{:?}", o.bundle)),
];

fn shown(owned: &Owned) -> Vec<String> {
    CASES.iter().map(|(.., place)| place(owned)).collect()
}

#[test]
fn an_option_sets_its_own_place_and_no_other() {
    let unasked = shown(&Owned::default());
    for (name, value, as_shown, wrong, place) in CASES {
        let mut owned = Owned::default();
        owned.set(name, Some(value)).unwrap();
        assert_eq!(place(&owned), *as_shown, "{name}");
        let changed: Vec<&str> = (CASES.iter().zip(shown(&owned)).zip(&unasked))
            .filter(|((_, now), before)| now != *before)
            .map(|((case, _), _)| case.0)
            .collect();
        assert!(!changed.is_empty() && changed.iter().all(|other| other == name), "{name}: {changed:?}");
        if let Some(wrong) = wrong {
            let error = owned.set(name, Some(wrong)).unwrap_err();
            assert_eq!(error.kind(), Kind::Usage, "{name}: {error}");
            assert_eq!(place(&owned), *as_shown, "{name} after '{wrong}'");
        }
        owned.set(name, None).unwrap();
        assert_eq!(shown(&owned), unasked, "{name}");
    }
}

#[test]
fn what_adds_adds() {
    let mut owned = Owned::default();
    for (name, value) in
        [("chain", "a"), ("chain", "b"), ("inject-secret", "luks-key:a"), ("inject-secret", "kbs-bundle:b")]
    {
        owned.set(name, Some(value)).unwrap();
    }
    assert_eq!(owned.chain, [Path::new("a"), Path::new("b")]);
    assert_eq!(owned.secrets, ["luks-key:a", "kbs-bundle:b"]);
}
