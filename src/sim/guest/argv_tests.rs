//! Arguments as libvirt 11.3 makes them.

use super::*;

fn args(text: &[&str]) -> Vec<OsString> {
    text.iter().map(OsString::from).collect()
}

fn guest_args() -> Vec<OsString> {
    args(&[
        "-name",
        "guest=web,debug-threads=on",
        "-S",
        "-object",
        r#"{"qom-type":"secret","id":"masterKey0","format":"raw"}"#,
        "-blockdev",
        r#"{"driver":"file","filename":"/fw/CODE.fd","node-name":"libvirt-pflash0-storage","read-only":true}"#,
        "-blockdev",
        r#"{"node-name":"libvirt-pflash0-format","read-only":true,"driver":"raw","file":"libvirt-pflash0-storage"}"#,
        "-machine",
        "pc-q35-10.0,usb=off,smm=on,memory-backend=pc.ram,pflash0=libvirt-pflash0-format,confidential-guest-support=lsec0,acpi=on",
        "-accel",
        "kvm",
        "-cpu",
        "host,migratable=on",
        "-smp",
        "4,sockets=4,cores=1,threads=1",
        "-chardev",
        "socket,id=charmonitor,fd=28,server=on,wait=off",
        "-mon",
        "chardev=charmonitor,id=monitor,mode=control",
        "-kernel",
        "/k",
        "-initrd",
        "/i",
        "-append",
        "-object a,,b=c",
        "-object",
        r#"{"qom-type":"sev-guest","id":"lsec0","cbitpos":51,"reduced-phys-bits":1,"policy":5,"dh-cert-file":"/d","session-file":"/s","kernel-hashes":true}"#,
    ])
}

#[test]
fn a_guest_of_libvirt_is_understood() {
    let line = CommandLine::parse(&guest_args()).unwrap();
    let sev = line.guest.sev.as_ref().unwrap();
    assert!(!sev.snp && sev.es() && sev.kernel_hashes);
    assert_eq!((sev.policy, sev.cbitpos, sev.reduced_phys_bits), (5, Some(51), Some(1)));
    assert_eq!(sev.dh_cert_file.as_deref(), Some("/d".as_ref()));
    assert_eq!(line.guest.name, "web");
    assert_eq!(line.guest.vcpus, 4);
    assert!(line.guest.paused && line.guest.smm && line.guest.host_cpu && !line.daemonize);
    assert_eq!(line.guest.firmware, Firmware::Pflash("/fw/CODE.fd".into()));
    assert_eq!(line.guest.append.as_deref(), Some("-object a,,b=c"));
    assert_eq!(line.monitor, Some(Listen::Descriptor(28)));
}

#[test]
fn qemu_gets_no_sev_and_the_relays_monitor() {
    let line = CommandLine::parse(&guest_args()).unwrap();
    let got: Vec<String> = line
        .rewritten(Rewrite { tcg: true, monitor: Some(9) })
        .into_iter()
        .map(|a| a.into_string().unwrap())
        .collect();
    let all = got.join(" ");
    assert!(!all.contains("sev-guest") && !all.contains("confidential") && !all.contains("lsec0"));
    assert!(
        all.contains("-chardev socket,id=charmonitor,fd=9 -mon chardev=charmonitor,id=monitor,mode=control")
    );
    assert!(all.contains("-accel tcg -cpu max,migratable=on"));
    assert!(all.contains("masterKey0"), "other objects stay");
    assert!(got.contains(&"-object a,,b=c".to_owned()), "the kernel's command line stays byte for byte");
}

#[test]
fn with_kvm_the_accelerator_stays() {
    let line = CommandLine::parse(&guest_args()).unwrap();
    let got = line.rewritten(Rewrite { tcg: false, monitor: Some(9) });
    assert!(got.contains(&OsString::from("kvm")) && got.contains(&OsString::from("host,migratable=on")));
}

#[test]
fn libvirts_probe_is_understood() {
    let line = CommandLine::parse(&args(&[
        "-S",
        "-no-user-config",
        "-nodefaults",
        "-nographic",
        "-machine",
        "none,accel=kvm:tcg",
        "-qmp",
        "unix:/run/q.monitor,server=on,wait=off",
        "-pidfile",
        "/run/q.pid",
        "-daemonize",
    ]))
    .unwrap();
    assert!(line.daemonize && line.guest.sev.is_none());
    assert_eq!(line.monitor, Some(Listen::Path("/run/q.monitor".into())));
    let got = line.rewritten(Rewrite { tcg: true, monitor: Some(5) });
    assert!(got.contains(&OsString::from("none,accel=tcg")));
    assert!(got.windows(2).any(|w| w == ["-chardev", "socket,id=qemu-sev-sim,fd=5"]));
    assert!(got.windows(2).any(|w| w == ["-mon", "chardev=qemu-sev-sim,mode=control"]));
}

#[test]
fn key_value_objects_and_old_spellings_work() {
    let line = CommandLine::parse(&args(&[
        "--object",
        "sev-snp-guest,id=s0,cbitpos=51,reduced-phys-bits=1,policy=0xb0000,kernel-hashes=on",
        "-M",
        "q35,memory-encryption=s0",
        "-bios",
        "/fw/OVMF.fd",
        "-smp",
        "sockets=1,cores=2,threads=2",
    ]))
    .unwrap();
    let sev = line.guest.sev.unwrap();
    assert!(sev.snp && sev.kernel_hashes && !sev.es());
    assert_eq!(sev.policy, 0xb0000);
    assert_eq!(line.guest.firmware, Firmware::Bios("/fw/OVMF.fd".into()));
    assert_eq!(line.guest.vcpus, 4);
}

#[test]
fn the_drive_form_of_a_flash_is_understood() {
    let line = CommandLine::parse(&args(&[
        "-drive",
        "file=/fw/VARS.fd,if=pflash,format=raw,unit=1",
        "-drive",
        "file=/fw/CODE.fd,if=pflash,format=raw,unit=0,readonly=on",
    ]))
    .unwrap();
    assert_eq!(line.guest.firmware, Firmware::Pflash("/fw/CODE.fd".into()));
}

#[test]
fn a_policy_that_is_no_number_is_an_error() {
    let e = CommandLine::parse(&args(&[
        "-object",
        "sev-guest,id=s0,policy=many",
        "-machine",
        "q35,confidential-guest-support=s0",
    ]))
    .unwrap_err();
    assert!(e.to_string().contains("policy"));
}

#[test]
fn a_monitor_that_is_an_object_is_the_relays() {
    let monitor = r#"{"qom-type":"monitor-qmp","id":"monitor","chardev":"charmonitor"}"#;
    let line = CommandLine::parse(&args(&[
        "-chardev",
        "socket,id=charmonitor,fd=17,server=on,wait=off",
        "-object",
        monitor,
    ]))
    .unwrap();
    assert_eq!(line.monitor, Some(Listen::Descriptor(17)));
    let got = line.rewritten(Rewrite { tcg: true, monitor: Some(9) });
    assert_eq!(got, args(&["-chardev", "socket,id=charmonitor,fd=9", "-object", monitor]));
}
