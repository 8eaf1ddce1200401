use super::super::testing::{VECTORS, certs, day, judge, noes, vector};
use super::*;

#[test]
fn every_real_report_is_verified() {
    for (name, report, vcek) in VECTORS {
        let debug = Expected { allow_debug: name.contains("debug"), ..Expected::default() };
        let verdict = judge(report, vcek, &debug).unwrap();
        assert!(verdict.verified(), "{name}: {:?}", noes(&verdict));
        assert_eq!(
            judge(report, vcek, &Expected::default()).unwrap().verified(),
            !debug.allow_debug,
            "{name}"
        );
    }
}

/// Wherever a byte is changed, the answer is no, and the text says why.
#[test]
fn no_changed_byte_of_a_report_goes_unseen() {
    let (good, vcek) = vector("milan-v2");
    let mut texts = std::collections::BTreeSet::new();
    for at in 0..good.len() {
        let mut report = good.to_vec();
        report[at] ^= 1;
        match judge(&report, vcek, &Expected::default()) {
            Err(e) => {
                texts.insert(e.message().to_owned());
            }
            Ok(verdict) => {
                assert!(!verdict.verified(), "byte {at}");
                assert!(!noes(&verdict).is_empty(), "byte {at}");
                texts.extend(noes(&verdict).iter().map(|(id, _)| (*id).to_owned()));
            }
        }
    }
    for text in [
        "the attestation report has an unknown version",
        "the attestation report is signed with an unknown algorithm",
        "the report's signature has something in its reserved bytes",
        "snp-signature",
        "snp-endorsed-tcb",
        "snp-chip",
    ] {
        assert!(texts.contains(text), "{text}: {texts:?}");
    }
}

#[test]
fn a_certificate_of_another_chip_tcb_or_generation_is_told() {
    for (report, vcek, ids) in [
        ("milan-v2", "milan-debug-v2", &["snp-signature", "snp-endorsed-tcb", "snp-chip"][..]),
        ("genoa-v3", "genoa-v5", &["snp-signature", "snp-endorsed-tcb", "snp-chip"]),
        ("turin-v5", "genoa-v5", &["snp-signature", "snp-endorsed-tcb", "snp-chip"]),
    ] {
        let verdict = judge(vector(report).0, vector(vcek).1, &Expected::default()).unwrap();
        let found: Vec<_> = noes(&verdict).into_iter().map(|(id, _)| id).collect();
        assert_eq!(found, ids, "{report} with {vcek}: {:?}", noes(&verdict));
    }
    let verdict = judge(vector("turin-v5").0, vector("genoa-v5").1, &Expected::default()).unwrap();
    assert!(noes(&verdict).contains(&("snp-chip", "the certificate is of a Genoa, the report of a Turin")));
}

#[test]
fn what_the_owner_wants_is_judged_one_by_one() {
    let (bytes, vcek) = vector("turin-v5");
    let report = Report::parse(bytes).unwrap();
    let right = Expected {
        measurement: Some(report.measurement()),
        report_data: Some(report.report_data()),
        host_data: Some([0; 32]),
        id_key_digest: Some([0; 48]),
        author_key_digest: Some([0; 48]),
        min_tcb: Some(TcbFloor::parse("fmc=0,bl=1,tee=0,snp=2,ucode=71").unwrap()),
        policy: Some(GuestPolicy(0x30000)),
        allow_debug: false,
        vmpl: Some(0),
        chip_id: report.chip_id(),
    };
    let verdict = judge(bytes, vcek, &right).unwrap();
    assert!(verdict.verified());
    assert!(verdict.findings.iter().all(|f| f.severity == Severity::Ok), "{:?}", verdict.findings);

    let wrong: [(Expected, &str, &str); 9] = [
        (
            Expected { measurement: Some([1; 48]), ..right.clone() },
            "snp-measurement",
            "launch digest differs",
        ),
        (Expected { report_data: Some([1; 64]), ..right.clone() }, "snp-report-data", "report data differs"),
        (Expected { host_data: Some([1; 32]), ..right.clone() }, "snp-host-data", "host data differs"),
        (Expected { id_key_digest: Some([1; 48]), ..right.clone() }, "snp-id-key", "ID key digest differs"),
        (
            Expected { author_key_digest: Some([1; 48]), ..right.clone() },
            "snp-author-key",
            "author key digest",
        ),
        (
            Expected { min_tcb: Some(TcbFloor::parse("snp=3").unwrap()), ..right.clone() },
            "snp-min-tcb",
            "reported: snp is 2, wanted 3 or more; at launch: snp is 2",
        ),
        (
            Expected { policy: Some(GuestPolicy(0x20000)), ..right.clone() },
            "snp-policy",
            "smt is allowed, wanted not allowed",
        ),
        (Expected { vmpl: Some(1), ..right.clone() }, "snp-vmpl", "VMPL is 0, wanted 1"),
        (Expected { chip_id: Some([1; 64]), ..right.clone() }, "snp-chip-id", "chip differs"),
    ];
    for (expected, id, says) in wrong {
        let verdict = judge(bytes, vcek, &expected).unwrap();
        let no = noes(&verdict);
        assert!(no.len() == 1 && no[0].0 == id && no[0].1.contains(says), "{no:?}");
        assert!(!verdict.verified());
    }
}

#[test]
fn what_nobody_asks_for_is_told() {
    let (report, vcek) = vector("genoa-v5");
    let verdict = judge(report, vcek, &Expected::default()).unwrap();
    let warned: Vec<_> =
        verdict.findings.iter().filter(|f| f.severity == Severity::Warning).map(|f| f.id).collect();
    assert_eq!(warned, ["snp-measurement", "snp-report-data"]);
    let ids: Vec<_> = verdict.findings.iter().map(|f| f.id).collect();
    for id in ["snp-host-data", "snp-id-key", "snp-author-key", "snp-chip-id", "snp-vmpl", "snp-min-tcb"] {
        assert!(ids.contains(&id), "{id}");
    }
}

#[test]
fn debugging_is_refused_unless_permitted() {
    let (report, vcek) = vector("milan-debug-v2");
    let no = judge(report, vcek, &Expected::default()).unwrap();
    assert_eq!(noes(&no), [("snp-policy", "the host can debug the guest")]);
    let by_policy = Expected { policy: Some(GuestPolicy(0xb0000)), ..Expected::default() };
    assert!(judge(report, vcek, &by_policy).unwrap().verified());
    let other = Expected { policy: Some(GuestPolicy(0x30000)), ..Expected::default() };
    let verdict = judge(report, vcek, &other).unwrap();
    assert_eq!(noes(&verdict).len(), 2, "{:?}", noes(&verdict));
}

#[test]
fn a_missing_certificate_names_its_address() {
    let chip = |name: &str| Report::parse(vector(name).0).unwrap().chip_id().unwrap();
    let nothing = Certs::default();
    let address = |name: &str| {
        let report = Report::parse(vector(name).0).unwrap();
        check(&report, &nothing, &Roots::built_in().unwrap(), day(), &Expected::default()).unwrap_err()
    };
    let genoa = address("genoa-v3").to_string();
    let hwid = crate::hex::encode(&chip("genoa-v3"));
    assert!(
        genoa.ends_with(&format!(
            "\n  https://kdsintf.amd.com/vcek/v1/Genoa/{hwid}?blSPL=09&teeSPL=00&snpSPL=23&ucodeSPL=72"
        )),
        "{genoa}"
    );
    let turin = address("turin-v5").to_string();
    assert!(
        turin.ends_with("/vcek/v1/Turin/3b42092f69c656d3?fmcSPL=00&blSPL=01&teeSPL=00&snpSPL=02&ucodeSPL=71"),
        "{turin}"
    );
    // Version 2 does not tell Milan from Genoa.
    let milan = address("milan-v2");
    assert!(milan.to_string().contains("/v1/Milan/") && milan.to_string().contains("/v1/Genoa/"), "{milan}");
    assert_eq!(milan.kind().code().exit, 4);
    // A VCEK does not stand in for a VLEK, nor the other way round.
    let mut vlek = vector("milan-v2").0.to_vec();
    vlek[0x48] = 1 << 2;
    let e = judge(&vlek, vector("milan-v2").1, &Expected::default()).unwrap_err();
    assert!(e.to_string().contains("VLEK") && e.to_string().contains("cloud provider"), "{e}");
    // The host hides the chip.
    let mut masked = vector("milan-v2").0.to_vec();
    masked[0x1a0..0x1e0].fill(0);
    let e = check(
        &Report::parse(&masked).unwrap(),
        &nothing,
        &Roots::built_in().unwrap(),
        day(),
        &Expected::default(),
    );
    assert!(e.unwrap_err().to_string().contains("MASK_CHIP_ID"));
}

#[test]
fn a_report_without_a_signature_is_told_from_one_with_a_wrong_one() {
    let (good, vcek) = vector("genoa-v5");
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.to_vec();
        change(&mut bytes);
        let verdict = judge(&bytes, vcek, &Expected::default()).unwrap();
        assert!(!verdict.verified());
        noes(&verdict).into_iter().map(|(_, text)| text.to_owned()).collect::<Vec<_>>()
    };
    let zeroes = with(&|r| r[0x2a0..].fill(0));
    assert_eq!(zeroes, ["the report has no signature: its numbers are none of P-384"]);
    let masked = with(&|r| {
        r[0x2a0..].fill(0);
        r[0x48] |= 2;
    });
    assert_eq!(
        masked,
        ["the report is not signed: the host has switched off the chip's key (MASK_CHIP_KEY)"]
    );
    assert_eq!(with(&|r| r[0x48] |= 7 << 2), ["the report is not signed"]);
    assert_eq!(with(&|r| r[0x48] |= 3 << 2), ["signed with a key of an unknown kind: 3"]);
}

#[test]
fn what_the_host_does_behind_the_guest_is_told() {
    let (good, vcek) = vector("genoa-v5");
    let titles = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.to_vec();
        change(&mut bytes);
        let verdict = judge(&bytes, vcek, &Expected::default()).unwrap();
        verdict
            .findings
            .into_iter()
            .map(|f| format!("{}: {}", f.severity.as_str(), f.title))
            .collect::<Vec<_>>()
    };
    for (change, says) in [
        (
            &(|r: &mut Vec<u8>| r[0x30..0x34].fill(0xff)) as &dyn Fn(&mut Vec<u8>),
            "warning: the host asked for the report",
        ),
        (&|r| r[0x1ec] -= 1, "warning: the firmware is provisional: 1.55.49 runs, 1.55.48 is committed"),
        (&|r| r[0x1a0..0x1e0].fill(0), "warning: the host hides its chip's identity (MASK_CHIP_ID)"),
        (&|r| r[0xa] |= 4, "warning: the guest may be migrated"),
        (&|r| r[0xa] &= !1, "error: the policy demands SMT off"),
        (&|r| r[0xa] |= 0x80, "error: the policy demands RAPL off"),
        (&|r| r[0xb] |= 1, "error: the policy demands ciphertext hiding on"),
    ] {
        let all = titles(change);
        assert!(all.iter().any(|t| t.starts_with(says)), "{says}: {all:?}");
    }
}

#[test]
fn two_different_keys_are_no_choice() {
    let mut all = certs(vector("milan-v2").1).unwrap();
    all.add("again.der", vector("milan-v2").1).unwrap();
    let e = all.add("other.der", vector("milan-debug-v2").1).unwrap_err();
    assert!(e.to_string().contains("there are two certificates for SEV-VCEK"), "{e}");
}

/// `virt-sev explain ID` knows every check.
#[test]
fn every_finding_is_explained() {
    let (report, vcek) = vector("milan-debug-v2");
    let wrong = Expected {
        measurement: Some([1; 48]),
        report_data: Some([1; 64]),
        host_data: Some([1; 32]),
        id_key_digest: Some([1; 48]),
        author_key_digest: Some([1; 48]),
        min_tcb: Some(TcbFloor::parse("ucode=255").unwrap()),
        policy: Some(GuestPolicy(0x20000)),
        vmpl: Some(1),
        chip_id: Some([1; 64]),
        ..Expected::default()
    };
    let verdict = judge(report, vcek, &wrong).unwrap();
    assert_eq!(noes(&verdict).len(), 10, "{:?}", noes(&verdict));
    for finding in &verdict.findings {
        let by_id = crate::explain::look_up(finding.id);
        assert_eq!(by_id.first().map(|t| t.id), Some(finding.id));
    }
    // A text that says no is found as it was printed.
    for (id, title) in noes(&verdict) {
        let found = crate::explain::in_message(title);
        assert!(found.iter().any(|t| t.id == id) || title.starts_with("policy "), "{id}: {title}");
    }
}
