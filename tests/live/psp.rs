//! The Secure Processor's own word: the ioctl of `/dev/sev`, whose kernel side `support/peers/psp.py` plays, read by virt-sev
//! and by sevctl.

use crate::lab::{err, program, setup};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// `/dev/sev` is there, and `kvm_amd` with this for `sev_snp`; in a mount namespace of the command's own.
const SCRIPT: &str = r#"set -e
folder=$1 snp=$2; shift 2
mount -t tmpfs t "$folder"
mkdir "$folder/dev" "$folder/module"
for name in sev null urandom; do touch "$folder/dev/$name"; done
mount --bind /dev/null "$folder/dev/sev"
mount --bind /dev/null "$folder/dev/null"
mount --bind /dev/urandom "$folder/dev/urandom"
mkdir -p "$folder/module/kvm_amd/parameters"
echo "$snp" >"$folder/module/kvm_amd/parameters/sev_snp"
mount --rbind "$folder/module" /sys/module
mount --rbind "$folder/dev" /dev
exec "$@""#;

/// A program on a machine whose Secure Processor gives these answers.
fn run(platform: &str, snp: &str, parameter: &str, command: &[&str]) -> Output {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().unwrap();
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let player = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/support/peers/psp.py");
    let mut outer = Command::new("unshare");
    outer.args(["--mount", "--propagation", "private"]).args((!root).then_some("--map-root-user"));
    outer.args(["sh", "-c", SCRIPT, "sh"]).arg(folder.path()).arg(parameter);
    outer.arg("/usr/bin/python3").arg(player).args([platform, snp]).args(command);
    outer.output().unwrap()
}

fn host(platform: &str, snp: &str, parameter: &str) -> (Value, String) {
    let virt_sev = program("virt-sev");
    let out = run(platform, snp, parameter, &[virt_sev.to_str().unwrap(), "host", "--format", "json"]);
    let report = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", err(&out)));
    (report, err(&out))
}

fn row<'a>(report: &'a Value, name: &str) -> &'a Value {
    let layers = report["layers"].as_array().unwrap();
    let layer = layers.iter().find(|l| l["name"] == "secure processor").unwrap();
    layer["facts"].as_array().unwrap().iter().find(|f| f["name"] == name).unwrap()
}

#[test]
fn its_status_is_read_as_sevctl_reads_it() {
    let sevctl = setup("VIRT_SEV_SEVCTL");
    for platform in ["013702000100002003000000", "001101000000003000000000", "013a01010100000f2a010000"] {
        let show = |what: &str| {
            let out = run(platform, "-", "N", &[sevctl.to_str().unwrap(), "show", what]);
            assert!(out.status.success(), "{}", err(&out));
            String::from_utf8(out.stdout).unwrap().trim().to_owned()
        };
        let (report, asked) = host(platform, "-", "N");
        assert_eq!(asked.matches("psp: command").collect::<Vec<_>>().len(), 1, "{asked}");
        let version = row(&report, "firmware API")["text"].as_str().unwrap().replace(" build ", ".");
        assert_eq!(version, show("version"));
        let status = row(&report, "platform status")["text"].as_str().unwrap();
        assert!(status.ends_with(&format!(", {} guests", show("guests"))), "{status}");
        assert_eq!(status.contains("with SEV-ES"), show("flags").contains("es"), "{status}");
    }
}

/// Where `sev_snp` is off, the question would make the kernel initialise SEV-SNP.
#[test]
fn snp_is_asked_about_only_where_it_is_on() {
    let platform = "013702000100002003000000";
    let snp = "01370101200000000c0000000c0000000a000000000018540a00000000001754";
    let (report, asked) = host(platform, snp, "Y");
    assert!(asked.contains("psp: command 9"), "{asked}");
    assert_eq!(row(&report, "SNP status")["text"], "initialised, RMP initialised, 12 guests");
    let tcb = row(&report, "TCB")["text"].as_str().unwrap();
    assert!(tcb.contains("SNP 24, microcode 84; reported as") && tcb.contains("SNP 23"), "{tcb}");
    let (report, asked) = host(platform, snp, "N");
    assert!(!asked.contains("psp: command 9"), "{asked}");
    assert_eq!(row(&report, "SNP status")["state"], "not-asked");
}

#[test]
fn what_it_refuses_is_told() {
    let (report, _) = host("-", "-", "Y");
    let status = row(&report, "platform status");
    assert_eq!(status["state"], "unreadable");
    assert_eq!(status["text"], "SEV_PLATFORM_STATUS: Invalid argument (os error 22)");
    assert_eq!(row(&report, "SNP status")["state"], "absent");
}
