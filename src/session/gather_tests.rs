use super::*;
use crate::measure::to_base64;
use crate::session::roots::Roots;

const NAPLES: &[u8] = include_bytes!("testdata/naples-platform.bin");
const ROME: &[u8] = include_bytes!("testdata/rome-platform.bin");
const ASK: &[u8] = include_bytes!("roots/rome-ask.cert");
const ARK: &[u8] = include_bytes!("roots/rome-ark.cert");
const MILAN_ARK: &[u8] = include_bytes!("roots/milan-ark.cert");

fn cert(n: usize) -> &'static [u8] {
    &ROME[n * CERT_SIZE..(n + 1) * CERT_SIZE]
}

/// The CEK as a platform exports it.
fn unsigned_cek() -> Vec<u8> {
    let mut cek = cert(3).to_vec();
    cek[0x414..].fill(0);
    for slot in [0x414, 0x61c] {
        cek[slot..slot + 4].copy_from_slice(&0x1000u32.to_le_bytes());
    }
    cek
}

fn of(files: &[(&str, &[u8])]) -> Result<Chain> {
    let inputs: Vec<Input<'_>> = files.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    gather(&inputs)
}

fn nodesevinfo(pdh: &[u8], chain: &[u8], id: &[u8]) -> String {
    format!(
        "pdh               : {}\ncert-chain        : {}\ncpu0-id           : {}\ncbitpos           : 51\n\
         reduced-phys-bits : 1\nmax-guests        : 509\n\n",
        to_base64(pdh),
        to_base64(chain),
        to_base64(id)
    )
}

#[test]
fn every_order_and_every_writing_is_the_same_chain() {
    let whole = [ROME, ASK, ARK].concat();
    let want = of(&[("full", &whole)]).unwrap();
    assert_eq!(want.verify(&Roots::built_in().unwrap()).unwrap().root, "Rome");
    let base64 = |bytes: &[u8]| {
        let text = to_base64(bytes);
        text.as_bytes().chunks(64).map(|l| [l, b"\r\n"].concat()).collect::<Vec<_>>().concat()
    };
    // sev-tool's files, from the root down, each in another writing.
    let files =
        [ARK.to_vec(), base64(ASK), cert(3).to_vec(), base64(cert(2)), cert(1).to_vec(), base64(cert(0))];
    let named: Vec<(&str, &[u8])> = files.iter().map(|f| ("f", f.as_slice())).collect();
    assert_eq!(of(&named).unwrap(), want);
    // One file in another order; the platform's chain as sev-tool's --pdh_cert_export splits it.
    assert_eq!(of(&[("f", &[ARK, ASK, cert(2), cert(0), cert(3), cert(1)].concat())]).unwrap(), want);
    assert_eq!(
        of(&[("chain", &ROME[CERT_SIZE..]), ("pdh", cert(0)), ("ask_ark", &whole[ROME.len()..])]).unwrap(),
        want
    );
    // The same file twice is no contradiction.
    assert_eq!(of(&[("full", &whole), ("full", &whole), ("pdh", cert(0))]).unwrap(), want);
    assert_eq!(of(&[("b64", &base64(&whole))]).unwrap().to_bytes(), whole);
}

#[test]
fn what_libvirt_prints_is_read_and_names_the_chip() {
    let chain = [cert(1), cert(2), &unsigned_cek()].concat();
    let text = nodesevinfo(cert(0), &chain, &[7; 64]);
    let read = of(&[("node.txt", text.as_bytes())]).unwrap();
    assert_eq!(read.to_bytes(), [cert(0), &chain].concat());
    assert_eq!(read.chip_id().unwrap().to_string(), "07".repeat(64));
    let e = read.verify(&Roots::built_in().unwrap()).unwrap_err();
    let address = format!("https://kdsintf.amd.com/cek/id/{}", "07".repeat(64));
    assert_eq!(e.problems().count(), 1);
    assert!(e.to_string().contains(&address), "{e}");
    // With AMD's CEK beside it, in whatever order, it is complete.
    for files in
        [[("node", text.as_bytes()), ("cek", cert(3))], [("cek", cert(3)), ("node", text.as_bytes())]]
    {
        let chain = of(&files).unwrap();
        assert!(chain.has_signed_cek() && chain.verify(&Roots::built_in().unwrap()).is_ok());
    }
    for (broken, says) in [
        (text.replace("pdh   ", "pdx   "), "the chain is not complete: found PEK, OCA, CEK, wanted PDH too"),
        (text.replace("pdh               : A", "pdh               : *"), "its pdh is not base64"),
        (text.replace("cert-chain        : A", "cert-chain        : =="), "its cert-chain is not base64"),
    ] {
        let e = of(&[("node.txt", broken.as_bytes())]).unwrap_err();
        assert!(e.to_string().contains(says), "{e}");
    }
    let other = nodesevinfo(cert(0), &chain, &[8; 64]);
    let e = of(&[("a", text.as_bytes()), ("b", other.as_bytes())]).unwrap_err();
    assert!(e.to_string().starts_with("b: this is another chip's identity: found another one in a"), "{e}");
}

#[test]
fn two_that_differ_are_refused_with_both_names() {
    for (n, usage) in ["PDH", "PEK", "OCA", "CEK"].iter().enumerate() {
        let other = &NAPLES[n * CERT_SIZE..(n + 1) * CERT_SIZE];
        let e = of(&[("rome", ROME), ("naples", other)]).unwrap_err();
        assert_eq!(e.kind(), Kind::Certificate);
        let text =
            format!("naples: there are two {usage} certificates, and they differ: found another one in rome");
        assert!(e.to_string().starts_with(&text), "{e}");
        assert_eq!(e.problems().count(), 1);
    }
    let e = of(&[("rome", &[ROME, ASK, ARK].concat()), ("milan", MILAN_ARK)]).unwrap_err();
    assert!(e.to_string().starts_with("milan: there are two ARK certificates"), "{e}");
    // Two signatures of one CEK: neither is the better one.
    let mut resigned = cert(3).to_vec();
    resigned[0x414 + 40] ^= 1;
    assert!(of(&[("a", ROME), ("b", &resigned)]).unwrap_err().to_string().contains("two CEK certificates"));
    // An unsigned copy beside the signed one says nothing else.
    assert_eq!(of(&[("a", ROME), ("b", &unsigned_cek())]).unwrap().to_bytes(), ROME);
}

#[test]
fn what_is_missing_and_what_is_none_is_told_with_the_file() {
    for (files, says) in [
        (
            &[("pdh", cert(0)), ("cek", cert(3))][..],
            "the chain is not complete: found PDH, CEK, wanted PEK, OCA too",
        ),
        (
            &[("ca", &[ASK, ARK].concat())],
            "the chain is not complete: found none of a platform, wanted PDH, PEK",
        ),
        (&[("p", ROME), ("ask", ASK)], "the chain is not complete: found PDH, PEK, OCA, CEK, wanted ARK too"),
        (&[("empty", b"")], "empty: there is no certificate in it"),
        (&[("key", &[0xee; 16])], "key: this is no certificate of SEV: found 16 bytes"),
        (&[("p", ROME), ("html", b"<!DOCTYPE html><html>Not Found</html>")], "a page of a web server"),
        (&[("pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n")], "pem: this is no certificate of SEV"),
        (&[("der", &[0x30, 0x82, 5, 0])], "looks like X.509"),
        (&[("pdh", &cert(0)[..2083])], "pdh: the PDH certificate has the wrong size: found 2083 bytes"),
    ] {
        let e = of(files).unwrap_err();
        assert!(e.to_string().contains(says), "{e}");
    }
    // A key that was given by mistake is not shown.
    let e = of(&[("tik.bin", b"0123456789abcdef")]).unwrap_err();
    assert!(!e.to_string().contains("0123"), "{e}");
    // A file that goes on and on is not told in as many lines.
    let mut damaged = cert(0).to_vec();
    damaged[0] = 9;
    let e = of(&[("many", &damaged.repeat(1000))]).unwrap_err();
    assert_eq!(e.problems().count(), MOST + 1);
    assert!(e.to_string().ends_with("many: there are too many certificates in it: wanted at most 32"), "{e}");
    // All of them at once.
    let e = of(&[("a", &[1; 40]), ("b", b""), ("c", &NAPLES[..9])]).unwrap_err();
    assert_eq!(e.problems().count(), 3);
}

/// A damaged usage makes it look like another certificate, or like none: its place in the chain names it.
#[test]
fn a_damaged_usage_is_told_by_its_place() {
    let whole = [ROME, ASK, ARK].concat();
    let ca = 4 * CERT_SIZE;
    for (at, name) in [
        (8, "PDH"),
        (CERT_SIZE + 8, "PEK"),
        (2 * CERT_SIZE + 8, "OCA"),
        (3 * CERT_SIZE + 8, "CEK"),
        (ca + 36, "ASK"),
        (ca + 1600 + 36, "ARK"),
    ] {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            let e = of(&[("f", &bytes)]).unwrap_err();
            let text = format!("f: the {name} certificate ");
            assert!(e.problems().any(|p| p.to_string().starts_with(&text)), "{name}, bit {bit}: {e}");
        }
    }
}
