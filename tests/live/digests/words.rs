//! What `virt-sev digest` refuses, what it needs of memory, and what a terminal sees of it.

use crate::lab::{assert_code, err, program, setup};
use std::fs;
use std::process::Command;
use tempfile::TempDir;
use virt_sev::hex;

#[test]
fn options_that_make_no_sense_are_told_all_at_once() {
    let firmware = setup("VIRT_SEV_FIRMWARE");
    let of = |args: &str| {
        let mut command = Command::new(program("virt-sev"));
        command.arg("digest");
        for word in args.split(' ') {
            match word {
                "OVMF" => command.arg("--firmware").arg(&firmware),
                word => command.arg(word),
            };
        }
        command.output().unwrap()
    };
    for (args, says) in [
        (
            "--mode sev --num-cpus 1 --vcpu-type EPYC --save-vmsa x",
            &[
                "--firmware is needed",
                "--num-cpus makes no sense with --mode sev",
                "--vcpu-type makes no sense with --mode sev",
                "--save-vmsa makes no sense with --mode sev",
            ][..],
        ),
        ("--mode sev-es OVMF", &["needs --num-cpus", "needs --vcpu-type, --vcpu-sig"]),
        (
            "--mode snp OVMF --num-cpus 1 --vcpu-type EPYC --legacy-vm-type on",
            &["--legacy-vm-type makes no sense with --mode snp"],
        ),
        (
            "--mode sev-es OVMF --num-cpus 1 --vcpu-type EPYC --vcpu-sig 1",
            &["--vcpu-type excludes --vcpu-sig"],
        ),
        (
            "--mode snp:ovmf-hash OVMF --kernel x --snp-ovmf-hash 00",
            &[
                "--kernel makes no sense with --mode snp:ovmf-hash",
                "--snp-ovmf-hash makes no sense with --mode snp:ovmf-hash",
            ],
        ),
        (
            "--mode sev-es OVMF --num-cpus 1 --vcpu-type epyc",
            &["--vcpu-type: not a model of an AMD processor that is known"],
        ),
        (
            "--mode sev-es OVMF --num-cpus 1 --cpu-family 25",
            &["needs all of --cpu-family, --cpu-model and --cpu-stepping"],
        ),
        (
            "--mode snp OVMF --num-cpus 1 --vmsa-cpu0 x --guest-features 1",
            &["VMSA files exclude --guest-features"],
        ),
        (
            "--mode snp OVMF --num-cpus 1 --vcpu-type EPYC --snp-ovmf-hash 0f",
            &["--snp-ovmf-hash: not the hash of a firmware image"],
        ),
    ] {
        let out = of(args);
        assert_code(&out, 2);
        assert!(out.stdout.is_empty());
        for text in says {
            assert!(err(&out).contains(text), "{args}: {text}: {}", err(&out));
        }
    }
    // Bit 0 of the features is KVM's own.
    let out = of("--mode snp OVMF --num-cpus 1 --vcpu-type EPYC --guest-features 0x20");
    assert_code(&out, 0);
    assert!(err(&out).contains("no guest has this digest"), "{}", err(&out));
}

/// Address space for everything, code and stacks too: far less than the initrd has.
const KIB: u32 = 128 << 10;

#[test]
fn an_initrd_of_a_gibibyte_is_hashed_in_little_memory() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("kernel"), "kernel").unwrap();
    fs::File::create(dir.path().join("initrd")).unwrap().set_len(1 << 30).unwrap();
    let out = Command::new("sh")
        .args(["-c", "ulimit -v $0; exec \"$@\"", &KIB.to_string()])
        .arg(program("virt-sev"))
        .args("digest --mode sev --kernel kernel --initrd initrd --format json --firmware".split(' '))
        .arg(setup("VIRT_SEV_FIRMWARE"))
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_code(&out, 0);
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    // sha256sum of a gibibyte of zeroes.
    assert_eq!(
        json["inputs"]["initrd"]["sha256"],
        "49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14"
    );
}

/// What a terminal shows of a digest whose initrd comes late, through a pipe.
fn shown(more: &str) -> String {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("kernel"), "kernel").unwrap();
    let pipe = dir.path().join("initrd");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let late = std::thread::spawn(move || {
        let mut pipe = fs::OpenOptions::new().write(true).open(pipe).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1500));
        std::io::Write::write_all(&mut pipe, b"initrd").unwrap();
    });
    let command = format!(
        "{} digest --mode sev --kernel kernel --initrd initrd --firmware {} {more}",
        program("virt-sev").display(),
        setup("VIRT_SEV_FIRMWARE").display()
    );
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).current_dir(dir.path()).stdin(std::process::Stdio::null());
    let out = script.output().unwrap();
    late.join().unwrap();
    assert_code(&out, 0);
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn a_terminal_sees_how_far_a_long_hash_is_and_nothing_of_it_stays() {
    let text = shown("");
    let (progress, digest) = text.trim_end().rsplit_once('\r').unwrap();
    assert!(progress.contains("\rhashing the kernel and the initrd: "), "{text:?}");
    assert!(progress.ends_with(' ') && hex::decode(digest).is_some_and(|b| b.len() == 32), "{text:?}");
    assert_eq!(shown("-q").trim_end(), digest);
}
