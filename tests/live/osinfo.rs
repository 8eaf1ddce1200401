//! Domains that the real virt-install makes, for many operating systems and devices, in every mode: libvirtd defines what
//! `apply` makes of them, or the rules refuse that must. In: the table below. Out: nothing left defined.

use crate::cases;
use crate::defining::Defining;
use crate::lab::{err, setup};
use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Mutex;
use virt_sev::Severity;
use virt_sev::config::{self, Mode, SevConfig};
use virt_sev::domain::Domain;
use virt_sev::host::HostFacts;
use virt_sev::plan::{self, Options};

/// Short ids of osinfo-db, as it is in Debian 12 and newer.
const SYSTEMS: &[&str] = &[
    "almalinux9",
    "alpinelinux3.17",
    "archlinux",
    "centos-stream9",
    "centos7.0",
    "debian10",
    "debian11",
    "fedora-coreos-stable",
    "fedora37",
    "freebsd13.1",
    "gentoo",
    "linux2022",
    "mageia8",
    "nixos-22.05",
    "ol8.5",
    "openbsd7.0",
    "opensuse15.4",
    "opensusetumbleweed",
    "rhel6.10",
    "rhel7.9",
    "rhel8.7",
    "rhel9.1",
    "rocky9",
    "silverblue37",
    "sle15sp4",
    "ubuntu18.04",
    "ubuntu20.04",
    "ubuntu22.04",
    "voidlinux",
    "win10",
    "win11",
    "win2k22",
];

/// A part of a domain: virt-install's options, with `DISK` for an image and `PCI` for the host's device, and the rules
/// that refuse it with plain SEV, with SEV-ES and with SEV-SNP.
struct Part {
    options: &'static [&'static str],
    refused: [&'static [&'static str]; 3],
}

const fn fine(options: &'static [&'static str]) -> Part {
    Part { options, refused: [&[], &[], &[]] }
}

const fn refused(options: &'static [&'static str], by: &'static [&'static str]) -> Part {
    Part { options, refused: [by, by, by] }
}

const DISKS: &[Part] = &[
    fine(&["--disk", "type=file,source.file=DISK,driver.type=raw,target.bus=virtio"]),
    fine(&[
        "--disk",
        "type=file,source.file=DISK,driver.type=raw,target.bus=scsi",
        "--controller",
        "type=scsi,model=virtio-scsi",
    ]),
    fine(&["--disk", "type=file,source.file=DISK,driver.type=raw,target.bus=sata"]),
    fine(&[
        "--disk",
        "type=nvme,target.bus=virtio,source.type=pci,source.managed=yes,source.namespace=1,PCI",
    ]),
    fine(&[
        "--disk",
        "type=file,source.file=DISK,driver.type=raw,target.bus=sata",
        "--disk",
        "type=file,device=cdrom,source.file=DISK,target.bus=sata",
        "--disk",
        "type=network,source.protocol=nbd,source.host0.name=localhost,source.name=d,target.bus=virtio",
    ]),
];

const NETWORKS: &[Part] = &[
    fine(&["--network", "user,model=virtio"]),
    fine(&[
        "--network",
        "user,model=e1000e",
        "--network",
        "user,model=virtio",
        "--network",
        "user,model=rtl8139",
    ]),
    fine(&["--network", "none"]),
    fine(&["--network", "user,model=virtio-transitional", "--network", "user,model=virtio-non-transitional"]),
    refused(&["--network", "user,model=virtio,boot.order=1"], &["option-rom"]),
    refused(
        &["--network", "type=vhostuser,source.type=unix,source.path=/run/v,source.mode=client"],
        &["vhost-user"],
    ),
];

const FIRMWARE: &[Part] = &[
    fine(&["--machine", "q35", "--boot", "uefi"]),
    fine(&["--machine", "q35"]),
    fine(&[
        "--machine",
        "q35",
        "--boot",
        "uefi,kernel=/boot/vmlinuz,initrd=/boot/initrd.img,kernel_args=quiet",
    ]),
    Part {
        options: &["--machine", "pc", "--video", "vga"],
        refused: [&[], &["machine-q35"], &["machine-q35"]],
    },
    refused(
        &[
            "--machine",
            "q35",
            "--features",
            "smm.state=on",
            "--boot",
            "uefi,loader_secure=yes,firmware.feature0.name=secure-boot,firmware.feature0.enabled=yes",
        ],
        &["smm"],
    ),
];

const DEVICES: &[Part] = &[
    fine(&[
        "--vsock",
        "cid.auto=yes",
        "--rng",
        "/dev/urandom",
        "--channel",
        "unix,target.type=virtio,target.name=a",
    ]),
    fine(&["--hostdev", "type=pci,xpath0.set=./@mode=subsystem,xpath5.set=./rom/@bar=on,PCI"]),
    fine(&[
        "--hostdev",
        "type=mdev,xpath0.set=./@mode=subsystem,xpath1.set=./@model=vfio-pci,\
         xpath2.set=./source/address/@uuid=6d1c1e2c-7a0e-4b5e-9c59-3a3f0c1b7d12",
    ]),
    fine(&["--tpm", "model=tpm-tis,backend.type=passthrough,backend.device.path=/dev/tpm0"]),
    fine(&["--filesystem", "type=mount,accessmode=mapped,source.dir=/srv,target.dir=share"]),
    refused(
        &[
            "--filesystem",
            "type=mount,accessmode=passthrough,driver.type=virtiofs,source.dir=/srv,target.dir=share",
            "--memorybacking",
            "source.type=memfd,access.mode=shared",
        ],
        &["vhost-user"],
    ),
    fine(&[
        "--sound",
        "ich9",
        "--watchdog",
        "i6300esb,action=reset",
        "--panic",
        "isa",
        "--input",
        "keyboard,bus=virtio",
    ]),
    fine(&["--graphics", "none", "--memballoon", "none", "--console", "pty,target.type=virtio"]),
    fine(&[
        "--memballoon",
        "model=virtio,autodeflate=on,freePageReporting=on",
        "--memorybacking",
        "hugepages=on",
    ]),
    refused(&["--memorybacking", "source.type=file,access.mode=shared"], &["memory-backing"]),
    refused(
        &[
            "--memory",
            "512,maxMemory=4096,maxMemory.slots=4",
            "--cpu",
            "host-passthrough,cell0.cpus=0,cell0.memory=524288",
        ],
        &["memory-backing"],
    ),
    Part { options: &["--cpu", "Skylake-Server,check=none"], refused: [&[], &["cpu"], &["cpu"]] },
    fine(&["--cpu", "EPYC-Milan,check=none"]),
    fine(&["--launchSecurity", "sev,policy=0x03,cbitpos=47,reducedPhysBits=1"]),
    fine(&["--iommu", "model=intel,driver.intremap=on", "--features", "ioapic.driver=qemu"]),
    fine(&[
        "--redirdev",
        "bus=usb,type=tcp,source.host=localhost,source.service=4000",
        "--smartcard",
        "host",
    ]),
    fine(&["--shmem", "shm,model.type=ivshmem-plain,size=32,size.unit=M"]),
];

/// One domain: a system with one part of each table.
struct Made {
    name: String,
    system: &'static str,
    parts: [&'static Part; 4],
}

fn domains() -> Vec<Made> {
    // The lengths of the tables share no factor, but for 5: in 70 domains most pairs of parts meet.
    let count = 2 * SYSTEMS.len() + 6;
    (0..count)
        .map(|n| {
            let devices = &DEVICES[n % DEVICES.len()];
            let firmware = match n % 3 {
                // virt-install itself wants UEFI and q35 for it.
                _ if devices.options.contains(&"--launchSecurity") => 0,
                0 => n / 3 % FIRMWARE.len(),
                // Mostly firmware that no rule refuses, so that the other parts are seen to be defined.
                _ => n % 2,
            };
            Made {
                name: format!("os-{n}"),
                system: SYSTEMS[n % SYSTEMS.len()],
                parts: [&DISKS[n % DISKS.len()], &NETWORKS[n % NETWORKS.len()], &FIRMWARE[firmware], devices],
            }
        })
        .collect()
}

/// What virt-install prints.
fn install(defining: &Defining, made: &Made, disk: &str) -> Result<String, String> {
    const PCI: &str = "xpath1.set=./source/address/@domain=0x0000,xpath2.set=./source/address/@bus=0x01,\
                       xpath3.set=./source/address/@slot=0x00,xpath4.set=./source/address/@function=0x0";
    let mut command = Command::new("/usr/bin/python3");
    let kind = if defining.lab.kvm { "kvm" } else { "qemu" };
    command
        .args([program().as_str(), "--connect", &defining.lab.uri, "--virt-type", kind, "--name", &made.name])
        .args(["--osinfo", made.system, "--import", "--print-xml", "--dry-run", "--check", "all=off"]);
    let options = || made.parts.iter().flat_map(|p| p.options.iter());
    if !options().any(|o| *o == "--memory") {
        command.args(["--memory", "512"]);
    }
    command.args(options().map(|o| o.replace("DISK", disk).replace("PCI", PCI)));
    // Some systems get an emulated TPM, which needs swtpm on this machine to be defined.
    if !options().any(|o| *o == "--tpm") {
        command.args(["--tpm", "none"]);
    }
    let out = command.output().unwrap();
    if out.status.success() { Ok(String::from_utf8(out.stdout).unwrap()) } else { Err(err(&out)) }
}

fn program() -> String {
    let out = Command::new("sh").args(["-c", "command -v virt-install"]).output().unwrap();
    assert!(out.status.success(), "virt-install is missing: run `make setup`");
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// Every mode, measured and not.
fn modes() -> Vec<(&'static str, SevConfig)> {
    let case = cases::cases().into_iter().find(|c| c.ends_with("076-everything-wrong-sev")).unwrap();
    let keys = cases::read(&case, "config.yaml").unwrap();
    let session: String =
        keys.lines().filter(|l| l.contains(".session.")).map(|l| format!("{l}\n")).collect();
    let es = "security.sev: 'true'\nsecurity.sev.policy.es: 'true'\n";
    [
        ("sev", "security.sev: 'true'\n".to_owned()),
        ("sev, measured", format!("security.sev: 'true'\n{session}")),
        ("sev-es", es.to_owned()),
        ("sev-es, measured", format!("{es}{session}")),
        ("sev-snp", "security.sev.snp: 'true'\n".to_owned()),
    ]
    .into_iter()
    .map(|(name, text)| {
        let raw = config::from_document(&text, name).unwrap();
        (name, config::resolve(&raw).unwrap().unwrap())
    })
    .collect()
}

/// One domain in one mode; `true` where it was applied, `false` where it was rightly refused.
fn hold(defining: &Defining, made: &Made, xml: &str, keys: &SevConfig) -> Result<bool, String> {
    let skip = defining.skipped().iter().map(|s| (*s).to_owned()).collect();
    let options = Options { skip, ..Options::default() };
    let plan = |xml: String| {
        let domain = Domain::parse(xml).map_err(|e| e.to_string())?;
        let plan = plan::plan(keys, &domain, &HostFacts::not_asked(), &options).map_err(|e| e.to_string())?;
        Ok::<_, String>((domain, plan))
    };
    let (domain, first) = plan(xml.to_owned())?;
    let errors = first.findings().iter().filter(|f| f.severity == Severity::Error).map(|f| f.id);
    let refused: BTreeSet<&str> = errors.collect();
    let at = match keys.mode() {
        Mode::Sev => 0,
        Mode::SevEs => 1,
        Mode::SevSnp => 2,
    };
    let mut wanted: BTreeSet<&str> = made.parts.iter().flat_map(|p| p.refused[at]).copied().collect();
    // Secure Boot is a warning for plain SEV, as long as nothing is measured.
    if at == 0 && !keys.is_measured() {
        wanted.remove("smm");
    }
    if refused != wanted {
        return Err(format!("refused by {refused:?}, not by {wanted:?}: {:?}", first.error()));
    }
    if !refused.is_empty() {
        return Ok(false);
    }
    let out = first.apply(&domain).map_err(|e| e.to_string())?;
    let printed = defining.define(&out).map_err(|why| format!("{why}\n{out}"))?;
    let (domain, again) = plan(printed.clone())?;
    match again.edits() {
        [] => Ok(true),
        edits => {
            let edits: Vec<_> = edits.iter().map(|e| (e.rule(), e.places(&domain))).collect();
            Err(format!("unsettled as libvirt prints it: {edits:?}\n{printed}"))
        }
    }
}

#[test]
fn what_virt_install_makes_is_defined_in_every_mode_or_refused_by_the_rule_that_must() {
    let defining = Defining::open();
    let disk = defining.lab.files.join("osinfo.img");
    std::fs::write(&disk, [0; 512]).unwrap();
    let disk = disk.to_str().unwrap();
    let modes = modes();
    let todo = Mutex::new(domains().into_iter());
    let results = Mutex::new((Vec::new(), 0, 0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let defining = Defining::open();
                loop {
                    let next = todo.lock().unwrap().next();
                    let Some(made) = next else { return };
                    let place = || {
                        let options: Vec<_> = made.parts.iter().flat_map(|p| p.options).collect();
                        format!("{} {options:?}", made.system)
                    };
                    let xml = install(&defining, &made, disk);
                    for (name, keys) in &modes {
                        let held = xml.clone().and_then(|xml| hold(&defining, &made, &xml, keys));
                        let mut results = results.lock().unwrap();
                        match held {
                            Ok(true) => results.1 += 1,
                            Ok(false) => results.2 += 1,
                            Err(why) => results.0.push(format!("{}, {name}: {why}", place())),
                        }
                    }
                }
            });
        }
    });
    let (wrong, applied, refused) = results.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(applied > 100 && refused > 50, "only {applied} were applied and {refused} refused");
    assert!(SYSTEMS.len() >= 25);
}

#[test]
fn a_sample_of_what_virt_install_makes_starts() {
    use std::os::unix::fs::PermissionsExt as _;
    use virt_sev::launch::{Guest as _, GuestState, Hypervisor as _};
    let defining = Defining::open();
    let disk = defining.lab.files.join("sample.img");
    std::fs::write(&disk, [0; 1 << 20]).unwrap();
    // The daemon runs as another user where the test runs as root.
    std::fs::set_permissions(&disk, std::fs::Permissions::from_mode(0o666)).unwrap();
    let firmware = defining.lab.files.join(setup("VIRT_SEV_FIRMWARE").file_name().unwrap());
    let skip = defining.skipped().iter().map(|s| (*s).to_owned()).collect();
    let options = Options { skip, ..Options::default() };
    let libvirt = virt_sev_sys::Libvirt::open(Some(&defining.lab.uri)).unwrap();
    for (n, (mode, mut keys)) in
        modes().into_iter().filter(|(name, _)| !name.contains("measured")).enumerate()
    {
        // No session, whose platform would be another; and an ordinary user may not lock memory.
        keys.firmware = config::FirmwareChoice::Path(firmware.clone());
        keys.memory.lock = config::MemoryLock::None;
        for (m, (disks, networks, devices)) in [(0, 1, 4), (1, 3, 6), (2, 2, 7)].into_iter().enumerate() {
            let made = Made {
                name: format!("sample-{n}-{m}"),
                system: ["fedora37", "debian11", "ubuntu22.04"][m],
                parts: [&DISKS[disks], &NETWORKS[networks], &FIRMWARE[0], &DEVICES[devices]],
            };
            let xml = install(&defining, &made, disk.to_str().unwrap()).unwrap();
            let domain = Domain::parse(&xml).unwrap();
            let plan = plan::plan(&keys, &domain, &HostFacts::not_asked(), &options).unwrap();
            let out = plan.apply(&domain).unwrap();
            let guest = libvirt.define(&out).unwrap_or_else(|e| panic!("{mode}: {e}\n{out}"));
            let started = guest.start_paused().and_then(|()| guest.state());
            guest.destroy().unwrap();
            guest.undefine().unwrap();
            assert!(matches!(started, Ok(GuestState::Paused)), "{mode}, {}: {started:?}\n{out}", made.name);
        }
    }
}
