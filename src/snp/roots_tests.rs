use super::*;
use sha2::{Digest as _, Sha256};

#[test]
fn all_three_of_amd_verify_and_are_the_published_files() {
    let roots = Roots::built_in().unwrap();
    assert_eq!(roots.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["Milan", "Genoa", "Turin"]);
    let sums = include_str!("testdata/roots.sha256");
    for root in roots.iter() {
        assert!(root.built_in && root.ark.role() == Role::Ark && root.ark.is_signed_by(&root.ark));
        assert_eq!(root.ark.subject(), format!("ARK-{}", root.name));
        let names: Vec<_> = root.signers.iter().map(Cert::subject).collect();
        assert_eq!(names, [format!("SEV-{}", root.name), format!("SEV-VLEK-{}", root.name)]);
        for (cert, which) in
            [&root.ark, &root.signers[0], &root.signers[1]].into_iter().zip(["ark", "ask", "asvk"])
        {
            assert!(cert.names(&root.ark) && cert.is_signed_by(&root.ark));
            let line = format!(
                "{}  {}-{which}.der",
                crate::hex::encode(&Sha256::digest(cert.der())),
                root.name.to_lowercase()
            );
            assert!(sums.lines().any(|l| l == line), "{line}");
        }
    }
}

#[test]
fn no_root_signs_for_another() {
    let roots = Roots::built_in().unwrap();
    for a in roots.iter() {
        for b in roots.iter().filter(|b| *b != a) {
            assert!(
                a.signers.iter().all(|s| !s.names(&b.ark) && !s.is_signed_by(&b.ark)),
                "{}, {}",
                a.name,
                b.name
            );
        }
    }
}

#[test]
fn a_named_root_is_verified_before_it_is_trusted() {
    let built_in = Roots::built_in().unwrap();
    let [milan, genoa] = [&built_in.0[0], &built_in.0[1]];
    let pem = |certs: &[&Cert]| {
        let block = |c: &&Cert| {
            let body = crate::measure::to_base64(c.der());
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
        };
        certs.iter().map(block).collect::<String>().into_bytes()
    };
    let mut none = Roots(Vec::new());
    // As AMD's key distribution service has it (cert_chain): ASK, then ARK.
    none.add("mine.pem", &pem(&[&milan.signers[0], &milan.ark])).unwrap();
    none.add("ark.der", genoa.ark.der()).unwrap();
    assert!(none.iter().all(|r| !r.built_in) && none.0[0].name == "mine.pem" && none.0.len() == 2);

    // A built-in root that is named again stays AMD's.
    let mut all = built_in.clone();
    all.add("mine.pem", &pem(&[&milan.ark])).unwrap();
    assert_eq!(all, built_in);

    let mut flipped = milan.ark.der().to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    for (bytes, says) in [
        (pem(&[&milan.signers[0], &genoa.ark]), "SEV-Milan is not signed by ARK-Genoa"),
        (pem(&[&milan.signers[0]]), "a root is one ARK"),
        (pem(&[&milan.ark, &genoa.ark]), "a root is one ARK"),
        (flipped, "ARK-Milan does not sign itself"),
        (Vec::new(), "no X.509"),
        (b"-----BEGIN CERTIFICATE-----\n====\n-----END CERTIFICATE-----".to_vec(), "no X.509"),
    ] {
        let e = none.add("bad.pem", &bytes).unwrap_err();
        assert!(e.to_string().starts_with("bad.pem") && e.to_string().contains(says), "{e}");
        assert_eq!(e.kind(), Kind::Certificate);
    }
    assert_eq!(none.0.len(), 2);
}
