//! What KubeVirt's machine asks for, against what its domain is.

use super::define;
use crate::host::{Probe, RootProbe};
use crate::{Error, Kind};
use std::path::Path;

const PLAIN: &str = "<domain type=\"kvm\">\n\t<name>n_g</name>\n\t<memory unit=\"b\">4294967296</memory>\n\t<os>\n\t\t<type \
                     arch=\"x86_64\" machine=\"pc-q35-rhel9.6.0\">hvm</type>\n\t\t<loader readonly=\"yes\" secure=\"no\" \
                     type=\"pflash\">/usr/share/OVMF/OVMF_CODE.cc.fd</loader>\n\t</os>\n\t<devices>\n\t\t<vsock \
                     model=\"virtio-non-transitional\"></vsock>\n\t</devices>\n\t<vcpu>2</vcpu>\n</domain>";

fn vmi(security: &str, annotations: &str) -> String {
    let security =
        if security.is_empty() { String::new() } else { format!(",\"launchSecurity\":{security}") };
    format!(
        "{{\"metadata\":{{\"name\":\"g\",\"annotations\":{{\"other.io/x\":\"y\"{annotations}}}}},\"spec\":{{\"domain\":\
         {{\"devices\":{{}}{security}}},\"volumes\":[{{\"name\":\"c\",\"cloudInitNoCloud\":{{\"userData\":\"a\\u003cb \
         \\\"q\\\"\\n\"}}}}]}}}}"
    )
}

fn key(name: &str, value: &str) -> String {
    format!(",\"virt-sev.config/{name}\":\"{value}\"")
}

fn made(security: &str) -> String {
    PLAIN.replace("</domain>", &format!("{security}</domain>"))
}

fn sev(policy: &str) -> String {
    made(&format!("\t<launchSecurity type=\"sev\">\n\t\t<policy>{policy}</policy>\n\t</launchSecurity>\n"))
}

fn nowhere() -> impl Probe {
    RootProbe::new(Path::new("/nowhere"))
}

fn run(vmi: &str, domain: &str) -> Result<String, Error> {
    define(vmi.as_bytes(), domain.as_bytes(), &nowhere()).map(|d| String::from_utf8(d.domain).unwrap())
}

#[track_caller]
fn refused(vmi: &str, domain: &str, words: &[&str]) -> Error {
    let e = run(vmi, domain).unwrap_err();
    for word in words {
        assert!(e.to_string().contains(word), "{word:?} is missing: {e}");
    }
    assert!(e.problems().all(|p| p.hint_text().is_some()), "no next step: {e}");
    e
}

#[test]
fn a_machine_without_sev_is_nobodys_business() {
    // Whatever it is: TDX, Secure Execution, keys that say no, a domain that cannot be read.
    for (security, annotations) in
        [("", ""), ("null", ""), ("{}", ""), ("{\"tdx\":{}}", ""), ("", &*key("security.sev", "false"))]
    {
        let vmi = vmi(security, annotations);
        for domain in [PLAIN.as_bytes(), b"<domain><launchSecurity type='sev'/>", b"\xff\0garbage", b""] {
            let defined = define(vmi.as_bytes(), domain, &nowhere()).unwrap();
            assert_eq!((defined.domain.as_slice(), defined.warnings.len()), (domain, 0), "{vmi}");
        }
    }
}

#[test]
fn sev_is_never_created() {
    for (name, value) in [("security.sev", "true"), ("security.sev.snp", "true")] {
        for domain in [PLAIN.to_owned(), sev("0x1")] {
            refused(
                &vmi("", &key(name, value)),
                &domain,
                &["annotations for SEV, and no spec.domain.launchSecurity", "/dev/sev", "{snp: {}}"],
            );
        }
    }
    // A key that is wrong besides is told in the same run.
    refused(
        &vmi("", &key("security.sev.polcy", "1")),
        PLAIN,
        &["no spec.domain.launchSecurity", "no such key"],
    );
    refused(&vmi("{\"tdx\":{}}", &key("security.sev", "true")), PLAIN, &["TDX"]);
    refused(
        &vmi("{\"sev\":{}}", ""),
        PLAIN,
        &["the domain that KubeVirt made has none", "wanted sev", "feature gate"],
    );
}

#[test]
fn another_mode_than_kubevirts_is_refused() {
    let es = key("security.sev.policy.es", "true");
    let e = refused(
        &vmi("{\"sev\":{}}", &es),
        &sev("0x1"),
        &["found sev-es, and KubeVirt made sev", "encryptedState"],
    );
    assert_eq!(e.kind(), Kind::Config);
    refused(
        &vmi("{\"sev\":{}}", ""),
        &made("<launchSecurity type=\"sev-snp\"><policy>0x30000</policy></launchSecurity>"),
        &["found sev, and KubeVirt made sev-snp"],
    );
    refused(
        &vmi("{\"sev\":{}}", &key("security.sev", "false")),
        &sev("0x1"),
        &["contradicts launchSecurity"],
    );
    // What KubeVirt learns after us decides about the guest too: it is not passed over.
    refused(&vmi("{\"snp\":{\"policy\":5}}", ""), PLAIN, &["a field that virt-sev does not know"]);
}

#[test]
fn what_kubevirt_made_is_enriched_once() {
    let vmi = vmi("{\"sev\":{}}", &key("security.sev.policy.noks", "true"));
    let xml = run(&vmi, &sev("0x1")).unwrap();
    assert!(xml.contains("<policy>0x0003</policy>") && xml.contains("<driver iommu=\"on\"/>"), "{xml}");
    assert!(!xml.contains("<locked") && xml.contains("/usr/share/OVMF/OVMF_CODE.cc.fd"), "{xml}");
    // KubeVirt calls again with what it read back.
    assert_eq!(run(&vmi, &xml).unwrap(), xml);
}

#[test]
fn memory_is_locked_where_a_key_says_so() {
    for unsaid in ["", "auto"] {
        let xml = run(&vmi("{\"sev\":{}}", &key("security.sev.memory.lock", unsaid)), &sev("0x1")).unwrap();
        assert!(!xml.contains("<locked"), "{xml}");
    }
    let xml = run(&vmi("{\"sev\":{}}", &key("security.sev.memory.lock", "locked")), &sev("0x1")).unwrap();
    assert!(xml.contains("<locked/>"), "{xml}");
}

#[test]
fn an_image_that_is_here_is_looked_into() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("usr/share/OVMF");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("OVMF_CODE.cc.fd"), vec![0; 4 << 10]).unwrap();
    let probe = RootProbe::new(root.path());
    let es = vmi("{\"sev\":{\"policy\":{\"encryptedState\":true}}}", "");
    let e = define(es.as_bytes(), sev("0x5").as_bytes(), &probe).unwrap_err();
    assert!(e.to_string().contains("the firmware image lacks"), "{e}");
    assert!(run(&es, &sev("0x5")).is_ok());
}

#[test]
fn garbage_is_told_without_a_word_of_it() {
    let good = vmi("{\"sev\":{}}", "");
    for bad in
        ["", "{", "[]", "kept-out", "{\"spec\":\"kept-out", "\0", "{\"spec\":{}} {\"spec\":{}}", "<a/>"]
    {
        let e = run(bad, &sev("0x1")).unwrap_err();
        assert!(!e.to_string().contains("kept-out"), "{e}");
    }
    let domain = sev("0x1").replace("<devices>", "<devices><graphics type='vnc' passwd='kept-out'/>");
    let cuts = (1..domain.len()).filter(|n| domain.is_char_boundary(*n));
    for cut in cuts {
        let e = run(&good, &domain[..cut]).unwrap_err();
        assert!(!e.to_string().contains("kept-out") && !e.to_string().contains("<d"), "{e}");
    }
    let e = define(good.as_bytes(), b"<domain>\xff", &nowhere()).unwrap_err();
    assert!(e.to_string().contains("not UTF-8"), "{e}");
}
