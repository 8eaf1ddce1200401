use super::super::testing::{VECTORS, certs, day, vector};
use super::*;

fn verify_vcek(name: &str, more: &[&Cert], at: &str) -> (Endorsement, Vec<(Severity, String)>) {
    let mut all = certs(vector(name).1).unwrap();
    for cert in more {
        all.add("more.der", cert.der()).unwrap();
    }
    let vek = all.of(Role::Vcek).next().unwrap();
    let (of, findings) = verify(vek, &all, &Roots::built_in().unwrap(), Moment::parse(at).unwrap()).unwrap();
    (of, findings.into_iter().map(|f| (f.severity, f.title)).collect())
}

#[test]
fn each_vcek_leads_to_amds_root() {
    let roots = Roots::built_in().unwrap();
    for (name, _, vcek) in VECTORS {
        let all = certs(vcek).unwrap();
        let (of, findings) = verify(all.of(Role::Vcek).next().unwrap(), &all, &roots, day()).unwrap();
        assert!(findings.iter().all(|f| f.severity == Severity::Ok), "{name}: {findings:?}");
        let product = of.product.name();
        assert_eq!(of.path, ["SEV-VCEK".into(), format!("SEV-{product}"), format!("ARK-{product}")]);
        assert_eq!(of.root, Some((product.to_owned(), true)));
        assert!(name.starts_with(&product.to_lowercase()), "{name}");
        assert_eq!(of.hwid.unwrap().len(), of.product.hwid_size());
    }
}

#[test]
fn ask_and_ark_that_came_along_must_be_right_too() {
    let roots = Roots::built_in().unwrap();
    let [milan, genoa] = ["Milan", "Genoa"].map(|n| roots.iter().find(|r| r.name == n).unwrap());
    let (of, findings) =
        verify_vcek("milan-v2", &[&milan.ark, &milan.signers[0], &milan.signers[1]], "2029-01-01");
    assert_eq!((of.root, findings[0].0), (Some(("Milan".into(), true)), Severity::Ok));

    let (_, findings) = verify_vcek("milan-v2", &[&genoa.ark], "2029-01-01");
    assert_eq!(findings[0], (Severity::Error, "ARK-Genoa (more.der) is another chain's root".into()));

    let mut flipped = milan.ark.der().to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    let (of, findings) = verify_vcek("milan-v2", &[&Cert::parse("x", &flipped).unwrap()], "2029-01-01");
    assert_eq!(findings[0], (Severity::Error, "ARK-Milan (more.der) is not a trusted root".into()));
    assert!(of.root.is_some());

    let mut flipped = milan.signers[0].der().to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    let (of, findings) = verify_vcek("milan-v2", &[&Cert::parse("x", &flipped).unwrap()], "2029-01-01");
    assert_eq!(findings[0], (Severity::Error, "SEV-Milan (more.der) is not signed by a trusted root".into()));
    assert_eq!(of.root, None);
}

/// A good signing key let a bad one that stood behind it pass.
#[test]
fn a_wrong_signing_key_is_told_beside_a_right_one() {
    let roots = Roots::built_in().unwrap();
    let milan = roots.iter().find(|r| r.name == "Milan").unwrap();
    let mut flipped = milan.signers[1].der().to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    let asvk = Cert::parse("x", &flipped).unwrap();
    let (of, findings) = verify_vcek("milan-v2", &[&milan.signers[0], &asvk], "2029-01-01");
    assert!(
        findings[0].1.contains("SEV-VLEK-Milan (more.der) is not signed by a trusted root"),
        "{findings:?}"
    );
    assert_eq!(of.root, None);
}

#[test]
fn dates_are_held() {
    let (of, findings) = verify_vcek("milan-v2", &[], "2023-04-04");
    assert_eq!((of.validity.1.to_string().as_str(), findings[1].0), ("2030-04-03T19:23:43Z", Severity::Ok));
    for (at, says) in [
        ("2023-04-03", "SEV-VCEK is not valid before 2023-04-03T19:23:43Z"),
        ("2030-04-04", "SEV-VCEK has expired at 2030-04-03T19:23:43Z"),
        ("2020-01-01", "ARK-Milan is not valid before"),
    ] {
        let (_, findings) = verify_vcek("milan-v2", &[], at);
        assert_eq!((findings[0].0, findings[1].0), (Severity::Ok, Severity::Error));
        assert!(findings[1].1.contains(says), "{}", findings[1].1);
    }
}

/// What AMD's certificates lack in a test is what a forged one lacks.
#[test]
fn a_vcek_without_its_extensions_is_malformed() {
    let (_, good) = vector("turin-v5");
    let roots = Roots::built_in().unwrap();
    let oid = |oid: ObjectIdentifier| {
        let oid = oid.as_bytes();
        good.windows(oid.len()).position(|w| w == oid).unwrap() + oid.len()
    };
    for (at, says) in [
        (oid(BOOTLOADER), "has no version of its boot loader"),
        (oid(FMC), "has no version of its FMC"),
        (oid(MICROCODE), "has no version of its microcode"),
        (oid(HWID), "has no identity of a chip"),
        (oid(PRODUCT), "is for no generation that is known: found none"),
    ] {
        let mut bytes = good.to_vec();
        // The last part of the OID becomes one that AMD has not given.
        bytes[at - 1] = 0x7e;
        let all = certs(&bytes).unwrap();
        let e = verify(all.of(Role::Vcek).next().unwrap(), &all, &roots, day()).unwrap_err();
        assert!(e.to_string().contains(says), "{e}");
        assert_eq!(e.kind(), Kind::Certificate);
    }
}
