use super::super::testing::{VECTORS, vector};
use super::*;
use crate::measure::to_base64;

/// Oracle: the `sev` crate's reading of the same report, which the report's publisher has written down.
#[test]
fn every_field_stands_where_the_abi_says() {
    let report = Report::parse(vector("turin-v5").0).unwrap();
    assert_eq!((report.version(), report.guest_svn(), report.policy()), (5, 0, GuestPolicy(196_608)));
    assert_eq!((report.vmpl(), report.platform_info()), (Some(0), 103));
    assert_eq!(report.signing_key(), SigningKey::Vcek);
    assert!(!report.has_author_key() && !report.masks_chip_key());
    assert_eq!(report.report_data()[..4], [224, 253, 11, 219]);
    assert_eq!(report.measurement()[..4], [249, 36, 221, 24]);
    assert_eq!(report.measurement()[44..], [80, 222, 230, 36]);
    assert_eq!((report.host_data(), report.id_key_digest()), ([0; 32], [0; 48]));
    assert_eq!(
        (report.family_id(), report.image_id(), report.author_key_digest()),
        ([0; 16], [0; 16], [0; 48])
    );
    assert_eq!(report.report_id()[..4], [165, 230, 251, 11]);
    assert_eq!(report.report_id_ma(), [255; 32]);
    assert_eq!(report.processor(), Some((26, 2, 1)));
    assert_eq!(report.product(), Some(Product::Turin));
    assert_eq!(report.chip_id().unwrap()[..8], [59, 66, 9, 47, 105, 198, 86, 211]);
    for tcb in [report.reported_tcb(), report.current_tcb(), report.committed_tcb(), report.launch_tcb()] {
        assert_eq!(tcb.read(Product::Turin).to_string(), "fmc=0,bl=1,tee=0,snp=2,ucode=71");
    }
    assert_eq!(report.current_firmware().to_string(), "1.55.61");
    assert_eq!(report.committed_firmware().to_string(), "1.55.61");
    assert_eq!(report.mitigations(), Some((0, 0)));
}

#[test]
fn a_version_has_no_fields_of_a_later_one() {
    let [v2, v3, v5] = ["milan-v2", "genoa-v3", "genoa-v5"].map(|n| Report::parse(vector(n).0).unwrap());
    assert_eq!((v2.processor(), v2.mitigations(), v2.product()), (None, None, None));
    assert_eq!((v3.processor(), v3.mitigations()), (Some((0x19, 0x11, 1)), None));
    assert_eq!((v3.product(), v5.mitigations()), (Some(Product::Genoa), Some((11, 11))));
    // A short identity is a Turin's, in version 2 too.
    let mut bytes = vector("milan-v2").0.to_vec();
    bytes[0x1a8..0x1e0].fill(0);
    assert_eq!(Report::parse(&bytes).unwrap().product(), Some(Product::Turin));
}

#[test]
fn a_report_comes_in_bytes_or_as_text() {
    for (name, bytes, _) in VECTORS {
        let report = Report::parse(bytes).unwrap();
        let hex = crate::hex::encode(bytes);
        for text in [hex.clone() + "\n", hex.to_uppercase(), to_base64(bytes), to_base64(bytes) + "\n"] {
            assert_eq!(Report::parse(text.as_bytes()).unwrap(), report, "{name}");
        }
    }
}

#[test]
fn what_is_not_known_is_refused() {
    let good = vector("genoa-v5").0;
    let changed = |at: usize, to: u8| {
        let mut bytes = good.to_vec();
        bytes[at] = to;
        bytes
    };
    let versions = [0, 1, 4, 6, 255].map(|v| (changed(0, v), "has an unknown version"));
    let sizes = [0, 1, 1183].map(|n| (good[..n].to_vec(), "has the wrong size"));
    let more = [
        ([good, &[0]].concat(), "has the wrong size"),
        (changed(3, 1), "has an unknown version"),
        (changed(0x34, 2), "an unknown algorithm"),
        (changed(0x2a0 + 48, 1), "reserved bytes"),
        (changed(0x2a0 + 72 + 71, 1), "reserved bytes"),
        (changed(0x2a0 + 144, 1), "reserved bytes"),
        (changed(1183, 1), "reserved bytes"),
        (b"not a report".to_vec(), "has the wrong size"),
    ];
    for (bytes, says) in versions.into_iter().chain(sizes).chain(more) {
        let e = Report::parse(&bytes).unwrap_err();
        assert!(e.to_string().contains(says), "{e}");
        assert_eq!(e.kind().code().exit, 4);
    }
}
