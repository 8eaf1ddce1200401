//! `virt-sev snp` against snpguest, sev-snp-measure and OpenSSL, over real reports and over a platform made with OpenSSL.

use crate::lab::{Lab, assert_code, err, program, setup};
use crate::snp_platform::{CHIP, Platform, openssl, to_der};
use base64::Engine as _;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const DIGEST: &str =
    "a14d638341e5674628fe1e02fbedebe5e5ab4faf1dd72d8966068e615bb99efd13d214b35c231715b38e263dc6059745";

/// The real reports: name, generation, and whether debugging is to be permitted.
const REPORTS: [(&str, &str); 5] = [
    ("milan-v2", "milan"),
    ("milan-debug-v2", "milan"),
    ("genoa-v3", "genoa"),
    ("genoa-v5", "genoa"),
    ("turin-v5", "turin"),
];

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src/snp").join(path)
}

fn snp(args: &[&str]) -> Output {
    Command::new(program("virt-sev")).arg("snp").args(args).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn said(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

fn snpguest(dir: &Path, args: &[&str]) -> Output {
    Command::new(setup("VIRT_SEV_SNPGUEST")).args(args).current_dir(dir).output().unwrap()
}

/// A folder as snpguest wants it: ark.pem, ask.pem, vcek.pem, report.bin.
fn snpguest_folder(name: &str, product: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (from, to) in [
        (source(&format!("roots/{product}-ark.der")), "ark.pem"),
        (source(&format!("roots/{product}-ask.der")), "ask.pem"),
        (source(&format!("testdata/{name}-vcek.der")), "vcek.pem"),
    ] {
        openssl(dir.path(), &["x509", "-inform", "der", "-in", text(&from), "-out", to]);
    }
    fs::copy(source(&format!("testdata/{name}.bin")), dir.path().join("report.bin")).unwrap();
    dir
}

#[test]
fn real_reports_are_judged_as_snpguest_judges_them() {
    for (name, product) in REPORTS {
        let dir = snpguest_folder(name, product);
        let report = dir.path().join("report.bin");
        let ours = |more: &[&str]| {
            let args = ["report", text(&report), "--certs", text(dir.path()), "--allow-debug"];
            snp(&[&args[..], more].concat())
        };
        assert!(snpguest(dir.path(), &["verify", "certs", "."]).status.success(), "{name}");
        // snpguest 0.11 compares signature and TCB. Its checks of single values refuse every value, for it wants 48 characters
        // of hexadecimal for 48 bytes; and it takes a VCEK for an ASK ("SEV-"), so it never compares the chip.
        let theirs = || {
            let args = ["verify", "attestation", ".", "report.bin", "-p", product];
            snpguest(dir.path(), &args).status.success()
        };
        assert!(theirs(), "{name}");
        let out = ours(&[]);
        assert_code(&out, 0);
        assert!(
            said(&out).ends_with("\nverified: no errors, 2 warnings\n") || name.contains("debug"),
            "{}",
            said(&out)
        );

        // A value that is asked for, right and wrong.
        let bytes = fs::read(&report).unwrap();
        let hex: String = bytes[0x90..0xc0].iter().map(|b| format!("{b:02x}")).collect();
        assert_code(&ours(&["--measurement", &hex]), 0);
        assert_code(&ours(&["--measurement", DIGEST]), 1);
        // A byte that is changed.
        for at in [0x90, 0x50, 0x8, 0x2a0] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(&report, &changed).unwrap();
            assert!(!theirs(), "{name}, byte {at}");
            assert_code(&ours(&[]), 1);
        }
    }
}

/// OpenSSL as a second verifier: the chain, and the report's own signature.
#[test]
fn openssl_verifies_what_we_verify() {
    for (name, product) in REPORTS {
        let folder = snpguest_folder(name, product);
        let dir = folder.path();
        let chain =
            ["verify", "-CAfile", "ark.pem", "-untrusted", "ask.pem", "-attime", "1861920000", "vcek.pem"];
        openssl(dir, &chain);
        let asvk = source(&format!("roots/{product}-asvk.der"));
        openssl(dir, &["x509", "-inform", "der", "-in", text(&asvk), "-out", "asvk.pem"]);
        openssl(dir, &["verify", "-CAfile", "ark.pem", "asvk.pem"]);
        let report = fs::read(dir.join("report.bin")).unwrap();
        fs::write(dir.join("body"), &report[..0x2a0]).unwrap();
        fs::write(dir.join("signature"), to_der(&report[0x2a0..])).unwrap();
        let key = openssl(dir, &["x509", "-in", "vcek.pem", "-noout", "-pubkey"]);
        fs::write(dir.join("key"), key).unwrap();
        openssl(dir, &["dgst", "-sha384", "-verify", "key", "-signature", "signature", "body"]);
    }
}

/// Keys as people make them, in a folder: id.pem in PKCS#8, author.pem in SEC1 behind its parameters.
fn keys() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let pkcs8 = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", "id.pem"];
    openssl(dir.path(), &pkcs8);
    openssl(dir.path(), &["ecparam", "-name", "secp384r1", "-genkey", "-out", "author.pem"]);
    for name in ["id.pem", "author.pem"] {
        fs::set_permissions(dir.path().join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    dir
}

fn decoded(path: &Path) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(fs::read_to_string(path).unwrap()).unwrap()
}

/// What a signature is not: everything that the same inputs give each time.
fn without_signatures(auth: &[u8]) -> Vec<u8> {
    let mut auth = auth.to_vec();
    auth[0x40..0x240].fill(0);
    auth[0x680..0x880].fill(0);
    auth
}

#[test]
fn an_id_block_is_the_one_that_the_peers_make_and_openssl_verifies_it() {
    let dir = keys();
    let path = |name: &str| dir.path().join(name);
    let out = snp(&[
        "id-block",
        "--id-key",
        text(&path("id.pem")),
        "--author-key",
        text(&path("author.pem")),
        "--launch-digest",
        DIGEST,
        "-o",
        text(&path("ours")),
    ]);
    assert_code(&out, 0);
    let (block, auth) = (decoded(&path("ours/id-block.b64")), decoded(&path("ours/id-auth.b64")));
    assert_eq!((block.len(), auth.len()), (96, 4096));
    for name in ["id-block.b64", "id-auth.b64", "keys.yaml"] {
        assert_eq!(fs::metadata(path("ours").join(name)).unwrap().permissions().mode() & 0o777, 0o600);
    }

    // snpguest, which takes no parameters before a key.
    openssl(dir.path(), &["ec", "-in", "author.pem", "-out", "plain.pem"]);
    let digest = format!("0x{DIGEST}");
    let theirs =
        ["generate", "id-block", "id.pem", "plain.pem", &digest, "-i", "block.b64", "-a", "auth.b64"];
    assert!(snpguest(dir.path(), &theirs).status.success());
    assert_eq!(decoded(&path("block.b64")), block);
    assert_eq!(without_signatures(&decoded(&path("auth.b64"))), without_signatures(&auth));
    for (key, name) in [("id.pem", "id-key-digest"), ("plain.pem", "author-key-digest")] {
        let theirs = snpguest(dir.path(), &["generate", "key-digest", key]);
        assert!(theirs.status.success(), "{}", err(&theirs));
        let hex: String = said(&theirs).chars().filter(char::is_ascii_hexdigit).collect();
        let ours = said(&out);
        let line = ours.lines().find_map(|l| l.strip_prefix(&format!("{name} "))).unwrap();
        assert!(hex.ends_with(line), "{name}: {hex}, {line}");
    }

    // sev-snp-measure.
    let base64 = base64::engine::general_purpose::STANDARD.encode(&block[..48]);
    let theirs = Command::new("/usr/bin/python3")
        .args(["-c", "import sys; from sevsnpmeasure.id_block import main; sys.exit(main())"])
        .args(["--measurement", &base64, "--idkey", "id.pem", "--authorkey", "plain.pem"])
        .env("PYTHONPATH", setup("VIRT_SEV_SNP_MEASURE"))
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(theirs.status.success(), "{}", err(&theirs));
    assert!(
        said(&theirs).contains(&base64::engine::general_purpose::STANDARD.encode(&block)),
        "{}",
        said(&theirs)
    );
    for line in said(&out).lines() {
        let hex = line.split(' ').nth(1).unwrap();
        let bytes: Vec<u8> =
            (0..48).map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap()).collect();
        let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
        assert!(said(&theirs).contains(hex) || said(&theirs).contains(&base64), "{line}: {}", said(&theirs));
    }

    // OpenSSL: the ID key signs the block, the author key signs the ID key.
    for (key, message, signature) in [("id", &block[..], 0x40), ("author", &auth[0x240..0x644], 0x680)] {
        fs::write(path("message"), message).unwrap();
        fs::write(path("signature"), to_der(&auth[signature..])).unwrap();
        openssl(dir.path(), &["pkey", "-in", &format!("{key}.pem"), "-pubout", "-out", "public"]);
        openssl(dir.path(), &["dgst", "-sha384", "-verify", "public", "-signature", "signature", "message"]);
    }
}

#[test]
fn its_keys_go_straight_into_the_domain() {
    let dir = keys();
    let path = |name: &str| dir.path().join(name);
    let id_block = |more: &[&str]| {
        let key = path("id.pem");
        snp(&[&["id-block", "--id-key", text(&key), "--launch-digest", DIGEST], more].concat())
    };
    let (host_data, family, author) = ("11".repeat(32), "22".repeat(16), path("author.pem"));
    let more = [
        "--author-key",
        text(&author),
        "--policy",
        "0x20000",
        "--host-data",
        &host_data,
        "--family-id",
        &family,
        "--svn",
        "7",
    ];
    let out = id_block(&more);
    assert_code(&out, 0);
    fs::write(path("keys.yaml"), &out.stdout).unwrap();
    fs::write(path("guest.xml"), "<domain type='kvm'><name>snp-id-block</name><memory>262144</memory><os><type arch='x86_64' machine='q35'>hvm</type></os></domain>").unwrap();
    let applied = Command::new(program("virt-sev"))
        .args(["apply", "--config", text(&path("keys.yaml")), text(&path("guest.xml"))])
        .args(["--set", &format!("security.sev.firmware={}", setup("VIRT_SEV_FIRMWARE").display())])
        .output()
        .unwrap();
    assert_code(&applied, 0);
    let xml = said(&applied);
    let json: Value =
        serde_json::from_slice(&id_block(&[&more[..], &["--format", "json"]].concat()).stdout).unwrap();
    assert_eq!(json["schema"], "virt-sev/snp-id-block/1");
    let key = |name: &str| json["keys"][format!("security.sev.snp{name}")].as_str().unwrap().to_owned();
    for element in [
        "<launchSecurity type='sev-snp' authorKey='yes'>".to_owned(),
        "<policy>0x00020000</policy>".to_owned(),
        format!("<idBlock>{}</idBlock>", key(".id_block")),
        format!("<idAuth>{}</idAuth>", key(".id_auth")),
        format!("<hostData>{}</hostData>", key(".host_data")),
    ] {
        assert!(xml.contains(&element), "{element}: {xml}");
    }
    // libvirt takes it, and keeps it. The machine may have no KVM.
    fs::write(path("applied.xml"), xml.replace("type='kvm'", "type='qemu'")).unwrap();
    let lab = Lab::shared();
    lab.virsh(&["define", "--validate", text(&path("applied.xml"))]);
    let kept = lab.virsh(&["dumpxml", "snp-id-block", "--security-info"]);
    lab.virsh(&["undefine", "snp-id-block"]);
    assert!(kept.contains(&format!("<idAuth>{}</idAuth>", key(".id_auth"))), "{kept}");
    // The same inputs give the same block, each time.
    assert_eq!(id_block(&more).stdout, out.stdout);
}

#[test]
fn a_private_key_is_never_shown() {
    let dir = keys();
    let path = |name: &str| dir.path().join(name);
    let dump = openssl(dir.path(), &["pkey", "-in", "id.pem", "-noout", "-text"]);
    let dump = String::from_utf8(dump).unwrap();
    let secret: String = dump
        .lines()
        .skip_while(|l| !l.starts_with("priv"))
        .skip(1)
        .take_while(|l| l.starts_with(' '))
        .flat_map(|l| l.trim().split(':'))
        .collect();
    let secret = secret.trim_start_matches("00");
    assert!(secret.len() > 80, "{dump}");
    let pem = fs::read_to_string(path("id.pem")).unwrap();
    let inner = pem.lines().nth(1).unwrap();
    fs::set_permissions(path("id.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path("broken.pem"), pem.replacen("MIG", "MIH", 1)).unwrap();
    for (key, format) in [("id.pem", "text"), ("id.pem", "json"), ("broken.pem", "text")] {
        let key = path(key);
        let out =
            snp(&["id-block", "--id-key", text(&key), "--launch-digest", DIGEST, "-vv", "--format", format]);
        let all = said(&out) + &err(&out);
        assert!(!all.contains(&secret[..32]) && !all.contains(inner), "{all}");
        assert!(all.contains("others than you may read the ID key") || key.ends_with("broken.pem"), "{all}");
    }
}

/// A chip's certificates as a guest gets them: GUIDs, offsets, lengths, then the certificates.
fn table(entries: &[(u128, Vec<u8>)]) -> Vec<u8> {
    let mut at = (entries.len() + 1) * 24;
    let (mut head, mut body) = (Vec::new(), Vec::new());
    for (guid, content) in entries {
        head.extend(guid.to_be_bytes());
        head.extend(u32::try_from(at).unwrap().to_le_bytes());
        head.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
        body.extend(content);
        at += content.len();
    }
    [head, vec![0; 24], body].concat()
}

#[test]
fn a_test_platform_is_trusted_by_name_alone() {
    let platform = Platform::shared();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(
        path("table.bin"),
        table(&[
            (0x63da758d_e664_4564_adc5_f4b93be8accd, platform.der("vcek")),
            (0x4ab7b379_bbac_4fe4_a02f_05aef327c782, platform.der("ask")),
        ]),
    )
    .unwrap();
    fs::write(
        path("bundle.pem"),
        ["vlek", "asvk"].map(|n| fs::read_to_string(platform.path(&format!("{n}.pem"))).unwrap()).concat(),
    )
    .unwrap();
    let ca = platform.path("ark.pem");
    for (key, certs) in [("vcek", "table.bin"), ("vlek", "bundle.pem")] {
        fs::write(path("report.bin"), platform.report(key, |_| {})).unwrap();
        let [report, certs] = [path("report.bin"), path(certs)];
        let args = ["report", text(&report), "--certs", text(&certs)];
        let out = snp(&[&args[..], &["--ca", text(&ca)]].concat());
        assert_code(&out, 0);
        let name = key.to_uppercase();
        let infix = if key == "vlek" { "VLEK-" } else { "" };
        let chain = format!("chain: warning: SEV-{name} <- SEV-{infix}Milan <- ARK-Milan: the root of");
        assert!(said(&out).contains(&chain) && said(&out).contains("not AMD's"), "{}", said(&out));
        // Without a name it is nobody's, and neither is it where the root comes along.
        for more in [&[][..], &["--ark", text(&ca)]] {
            let out = snp(&[&args[..], more].concat());
            assert_code(&out, 1);
            assert!(
                said(&out).contains("is not signed by a trusted root") && said(&out).contains("not verified")
            );
        }
    }
    // A VLEK names its provider and no chip.
    let json: Value = serde_json::from_slice(
        &snp(&[
            "report",
            text(&path("report.bin")),
            "--vlek",
            text(&path("bundle.pem")),
            "--ca",
            text(&ca),
            "--format",
            "json",
        ])
        .stdout,
    )
    .unwrap();
    assert_eq!((&json["schema"], &json["verified"]), (&"virt-sev/snp-report/1".into(), &true.into()));
    assert_eq!(
        (&json["endorsement"]["key"], &json["endorsement"]["provider"]),
        (&"vlek".into(), &"test".into())
    );
    assert_eq!((&json["endorsement"]["built-in"], &json["report"]["chip-id"]), (&false.into(), &Value::Null));
}

/// What a host could try with keys that its chip really has.
#[test]
fn keys_of_another_kind_do_not_pass() {
    let platform = Platform::shared();
    let chip: String = CHIP.iter().map(|b| format!(":{b:02x}")).collect();
    let own = format!("1.3.6.1.4.1.3704.1.4=DER{chip}\n");
    // A VCEK that the signing key of VLEKs has signed, one that the root has signed, and one of another generation.
    platform.certify_as("vcek-by-asvk", "vcek", "SEV-VCEK", "asvk", &Platform::extensions(&own));
    platform.certify_as("vcek-by-ark", "vcek", "SEV-VCEK", "ark", &Platform::extensions(&own));
    let genoa = Platform::extensions(&own).replace("16:08:4d:69:6c:61:6e:2d:42:30", "16:05:47:65:6e:6f:61");
    platform.certify_as("vcek-genoa", "vcek", "SEV-VCEK", "ask", &genoa);
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let trusted =
        ["ask", "asvk", "ark"].map(|n| fs::read_to_string(platform.path(&format!("{n}.pem"))).unwrap());
    fs::write(path("ca.pem"), trusted.concat()).unwrap();
    fs::write(path("report.bin"), platform.report("vcek", |_| {})).unwrap();
    let judge = |certs: &str| {
        let [report, ca] = [path("report.bin"), path("ca.pem")];
        let certs = platform.path(certs);
        snp(&["report", text(&report), "--certs", text(&certs), "--ca", text(&ca)])
    };
    assert_code(&judge("vcek.pem"), 0);
    for (certs, says) in [
        ("vcek-by-asvk.pem", "SEV-VCEK of a Milan is issued by SEV-VLEK-Milan"),
        ("vcek-by-ark.pem", "SEV-VCEK of a Milan is issued by ARK-Milan"),
        ("vcek-genoa.pem", "SEV-VCEK of a Genoa is issued by SEV-Milan"),
    ] {
        let out = judge(certs);
        assert_code(&out, 1);
        assert!(said(&out).contains(says), "{}", said(&out));
    }
    // A VLEK's certificate for a report that names the VCEK.
    let out = judge("vlek.pem");
    assert_code(&out, 4);
    assert!(
        err(&out).contains("the certificate of the VCEK that signed the report is missing"),
        "{}",
        err(&out)
    );
    // The right key, and a report that says that another one signed.
    fs::write(path("report.bin"), platform.report("vcek", |r| r[0x48] = 1 << 2)).unwrap();
    assert_code(&judge("vcek.pem"), 4);
    assert_code(&judge("vlek.pem"), 1);
}

#[test]
fn misuse_has_its_exit_code() {
    let [report, vcek] = ["genoa-v5.bin", "genoa-v5-vcek.der"].map(|n| source("testdata").join(n));
    let (report, vcek) = (text(&report), text(&vcek));
    let dir = tempfile::tempdir().unwrap();
    let empty = text(dir.path());
    let rows: &[(i32, &[&str], &str)] = &[
        (0, &["report", report, "--certs", vcek, "--at", "2026-01-01"], ""),
        (1, &["report", report, "--certs", vcek, "--at", "2033-01-01"], ""),
        (1, &["report", report, "--certs", vcek, "--vmpl", "2"], ""),
        (2, &["report"], "required"),
        (2, &["report", report, "--vmpl", "4"], "0..4"),
        (2, &["report", report, "--at", "noon"], "--at: not a time"),
        (2, &["report", report, "--min-tcb", "bl=x"], "--min-tcb: a TCB floor has numbers"),
        (
            2,
            &["report", report, "--measurement", "00", "--host-data", "00"],
            "--host-data: the value has the wrong",
        ),
        (4, &["report", report], "?blSPL=10&teeSPL=00&snpSPL=27&ucodeSPL=88"),
        (4, &["report", report, "--certs", report], "is no X.509"),
        (4, &["report", report, "--certs", empty], "no certificate of a known name"),
        (4, &["report", vcek], "the attestation report has the wrong size"),
        (4, &["report", "/nowhere"], "the attestation report cannot be opened"),
        (4, &["report", report, "--certs", vcek, "--ca", vcek], "a root is one ARK"),
        (2, &["id-block", "--launch-digest", DIGEST], "--id-key"),
        (2, &["id-block", "--id-key", vcek, "--launch-digest", "00"], "--launch-digest: the value"),
        (4, &["id-block", "--id-key", vcek, "--launch-digest", DIGEST], "the ID key is not text"),
        (
            4,
            &["id-block", "--id-key", report, "--launch-digest", DIGEST, "--policy", "1"],
            "does not set bit 17",
        ),
    ];
    for (code, args, says) in rows {
        let out = snp(args);
        assert_code(&out, *code);
        assert!(err(&out).contains(says), "{args:?}: {}", err(&out));
        assert!(out.stdout.is_empty() || *code < 2, "{args:?}");
    }
    let out = snp(&["report", report, "--kds-address"]);
    assert_code(&out, 0);
    assert!(
        said(&out).starts_with("https://kdsintf.amd.com/vcek/v1/Genoa/e0234bedb3918431"),
        "{}",
        said(&out)
    );
    assert_eq!(said(&out).lines().count(), 1);
    let quiet = snp(&["report", report, "--certs", vcek, "-q"]);
    assert_code(&quiet, 0);
    assert!(quiet.stdout.is_empty() && quiet.stderr.is_empty());
}
