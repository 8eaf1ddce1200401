//! `virt-sev digest` against sev-snp-measure, sevctl and virt-qemu-sev-validate: random combinations, a fixed seed.
//!
//! Who is the oracle for what: sev-snp-measure for SEV, for SEV-SNP, and for SEV-ES after KVM_SEV_INIT2, the only state that
//! it knows; sevctl and virt-qemu-sev-validate for SEV, and for SEV-ES after KVM_SEV_INIT, the only state that they know.
//! SEV_FEATURES of SEV-ES: sev-snp-measure's library, and sevctl over its own page with the eight bytes set here.

use crate::lab::{assert_code, err, program, setup};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;
use virt_sev::hex;
use virt_sev::measure::cpu::CpuSignature;
use virt_sev::measure::verify::{Evidence, expected_mac};
use virt_sev::redact::Secret;

const SEED: u64 = 0x5e5_5e5;
const COMBINATIONS: u64 = 80;
const TIK: [u8; 16] = *b"the owner's TIK.";

/// Marsaglia's xorshift: a seed gives the same combinations on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.below(256).to_le_bytes()[0]).collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Sev,
    EsLegacy,
    EsInit2,
    Snp,
}

/// One guest.
#[derive(Debug)]
struct Guest {
    mode: Mode,
    image: PathBuf,
    kernel: Option<String>,
    initrd: Option<String>,
    cmdline: Option<String>,
    vcpus: u64,
    cpu: CpuSignature,
    /// How our command line names the processor.
    cpu_args: Vec<String>,
    features: u64,
    /// Whether the features are given, or left to the mode's own.
    told: bool,
}

fn images() -> Vec<PathBuf> {
    let mut images: Vec<PathBuf> =
        fs::read_dir(setup("VIRT_SEV_OVMF")).unwrap().map(|f| f.unwrap().path()).collect();
    images.sort();
    images
}

fn cmdline(dice: &mut Dice) -> Option<String> {
    let words = [
        "console=ttyS0",
        "quiet",
        "root=UUID=ä-ß",
        "init=\"/bin/sh -c true\"",
        " ",
        "\t",
        "  two  ",
        "日本",
        "x=1\n",
        "'",
        "-v",
        "$HOME",
        "\\",
    ];
    match dice.below(6) {
        0 => None,
        1 => Some(String::new()),
        2 => Some(" leading".to_owned()),
        3 => Some("trailing ".to_owned()),
        _ => Some((0..=dice.below(5)).map(|_| *dice.pick(&words)).collect::<Vec<_>>().join(" ")),
    }
}

impl Guest {
    /// A random guest; its kernel and initrd are written into the folder.
    fn new(dice: &mut Dice, mode: Mode, dir: &Path) -> Self {
        let model = dice.pick(&CpuSignature::model_names().collect::<Vec<_>>()).clone();
        let named = CpuSignature::of_model(&model).unwrap();
        let any = CpuSignature::new(
            15 + u32::try_from(dice.below(20)).unwrap(),
            u32::try_from(dice.below(256)).unwrap(),
            u32::try_from(dice.below(16)).unwrap(),
        )
        .unwrap();
        let (cpu, cpu_args) = match dice.below(4) {
            0 => (any, vec!["--vcpu-sig".to_owned(), format!("{:#x}", any.eax())]),
            1 => (any, family(any)),
            _ => (named, vec!["--vcpu-type".to_owned(), model]),
        };
        let (image, hashed) = match dice.below(3) {
            0 => (dice.pick(&images()).clone(), false),
            _ => (setup("VIRT_SEV_FIRMWARE"), dice.below(3) > 0),
        };
        let file = |name: &str, dice: &mut Dice| {
            fs::write(dir.join(name), dice.bytes(70_000)).unwrap();
            name.to_owned()
        };
        let kernel = hashed.then(|| file("kernel", dice));
        let initrd = (hashed && dice.below(3) > 0).then(|| file("initrd", dice));
        let own = u64::from(mode == Mode::Snp);
        let features = match dice.below(3) {
            0 => own,
            1 => own | 0x20,
            _ => own | dice.below(1 << 16) << dice.below(48),
        };
        Self {
            mode,
            image,
            cmdline: cmdline(dice).filter(|_| hashed),
            kernel,
            initrd,
            vcpus: if dice.below(8) == 0 { 9 + dice.below(247) } else { 1 + dice.below(8) },
            cpu,
            cpu_args,
            told: features != own || dice.below(2) == 0,
            features,
        }
    }

    fn boot(&self, cmdline: &str) -> Vec<String> {
        let mut args = Vec::new();
        for (name, value) in
            [("--kernel", &self.kernel), ("--initrd", &self.initrd), (cmdline, &self.cmdline)]
        {
            // With `=`, since a command line may begin with a hyphen.
            args.extend(value.as_ref().map(|v| format!("{name}={v}")));
        }
        args
    }

    fn ours(&self, more: &[&str], dir: &Path) -> Output {
        let mode = match self.mode {
            Mode::Sev => "sev",
            Mode::EsLegacy | Mode::EsInit2 => "sev-es",
            Mode::Snp => "snp",
        };
        let mut command = Command::new(program("virt-sev"));
        command.args(["digest", "--mode", mode, "--firmware"]).arg(&self.image).args(self.boot("--cmdline"));
        if self.mode != Mode::Sev {
            command.args(["--num-cpus", &self.vcpus.to_string()]).args(&self.cpu_args);
            if self.told {
                command.args(["--guest-features", &format!("{:#x}", self.features)]);
            }
        }
        match self.mode {
            Mode::EsLegacy => command.args(["--legacy-vm-type", "on"]),
            Mode::EsInit2 => command.args(["--legacy-vm-type", "off"]),
            Mode::Sev | Mode::Snp => &mut command,
        };
        command.args(more).current_dir(dir).output().unwrap()
    }

    fn measure(&self, more: &[&str], dir: &Path) -> Output {
        let mode = match self.mode {
            Mode::Sev => "sev",
            Mode::EsLegacy | Mode::EsInit2 => "seves",
            Mode::Snp => "snp",
        };
        let mut command = python();
        command.args(["-m", "sevsnpmeasure.cli", "--mode", mode, "--ovmf"]).arg(&self.image);
        command.args(self.boot("--append"));
        if self.mode != Mode::Sev {
            command.args(["--vcpus", &self.vcpus.to_string(), "--vcpu-sig", &self.cpu.eax().to_string()]);
            command.args(["--guest-features", &self.features.to_string()]);
        }
        command.args(more).current_dir(dir).output().unwrap()
    }

    /// Asks every oracle of the mode whether this is the digest.
    fn confirm(&self, digest: &str, dir: &Path) {
        match self.mode {
            Mode::Sev => {
                assert_eq!(said(&self.measure(&[], dir)), digest, "sev-snp-measure, {self:?}");
                self.confirm_measured(digest, &[], dir);
            }
            Mode::EsInit2 if self.features == 0 => {
                assert_eq!(said(&self.measure(&[], dir)), digest, "sev-snp-measure, {self:?}");
            }
            Mode::EsInit2 => {
                assert_eq!(said(&self.es_features(dir)), digest, "sev-snp-measure's library, {self:?}")
            }
            Mode::EsLegacy => {
                let pages = self.sevctl_pages(dir);
                self.confirm_measured(digest, &pages, dir);
                if self.features == 0 {
                    let mut sku = vec![format!("--num-cpus={}", self.vcpus)];
                    sku.extend(family(self.cpu));
                    self.confirm_validated(digest, &sku, dir);
                }
            }
            Mode::Snp => assert_eq!(said(&self.measure(&[], dir)), digest, "sev-snp-measure, {self:?}"),
        }
    }

    fn es_features(&self, dir: &Path) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/live/es_features.py");
        let mut command = python();
        command.arg(script).arg(&self.image);
        command.args([self.features, self.vcpus, self.cpu.eax().into()].map(|n| n.to_string()));
        if let Some(kernel) = &self.kernel {
            let text = |t: &Option<String>| t.clone().unwrap_or_default();
            command.args([kernel, &text(&self.initrd), &text(&self.cmdline)]);
        }
        command.current_dir(dir).output().unwrap()
    }

    /// sevctl's pages, SEV_FEATURES set in them, as options.
    fn sevctl_pages(&self, dir: &Path) -> Vec<String> {
        for n in ["0", "1"] {
            let mut command = Command::new(setup("VIRT_SEV_SEVCTL"));
            command.args(["vmsa", "build", &format!("vmsa{n}"), "--userspace", "qemu", "--cpu", n]);
            let sku =
                [("family", self.cpu.family), ("model", self.cpu.model), ("stepping", self.cpu.stepping)];
            command.args(sku.map(|(name, n)| format!("--{name}={n}"))).arg("--firmware").arg(&self.image);
            let out = command.current_dir(dir).output().unwrap();
            assert!(out.status.success(), "{}", err(&out));
            let path = dir.join(format!("vmsa{n}"));
            let mut page = fs::read(&path).unwrap();
            page[0x3b0..0x3b8].copy_from_slice(&self.features.to_le_bytes());
            fs::write(path, page).unwrap();
        }
        vec![format!("--num-cpus={}", self.vcpus), "--vmsa-cpu0=vmsa0".into(), "--vmsa-cpu1=vmsa1".into()]
    }

    /// sevctl computes the measurement that this digest gives, and virt-qemu-sev-validate accepts it.
    fn confirm_measured(&self, digest: &str, processors: &[String], dir: &Path) {
        let evidence = self.evidence(digest);
        let mut command = Command::new(setup("VIRT_SEV_SEVCTL"));
        command.args([
            "measurement",
            "build",
            "--api-major=1",
            "--api-minor=55",
            "--build-id=21",
            "--outfile=measured",
        ]);
        command.args([format!("--policy={}", evidence.policy), format!("--tik={}", STANDARD.encode(TIK))]);
        command.args([format!("--nonce={}", STANDARD.encode(&evidence.measurement[32..]))]);
        command.arg("--firmware").arg(&self.image).args(processors);
        if let Some(kernel) = &self.kernel {
            // It wants all three or none; what is missing is empty.
            fs::write(dir.join("empty"), []).unwrap();
            let (initrd, cmdline) =
                (self.initrd.as_deref().unwrap_or("empty"), self.cmdline.as_deref().unwrap_or_default());
            command.args(
                [("kernel", kernel.as_str()), ("initrd", initrd), ("cmdline", cmdline)]
                    .map(|(n, v)| format!("--{n}={v}")),
            );
        }
        let out = command.current_dir(dir).output().unwrap();
        assert!(out.status.success(), "{}", err(&out));
        assert_eq!(fs::read(dir.join("measured")).unwrap(), evidence.measurement, "sevctl, {self:?}");
        self.confirm_validated(digest, processors, dir);
    }

    fn confirm_validated(&self, digest: &str, processors: &[String], dir: &Path) {
        let validate = |evidence: &Evidence| {
            fs::write(dir.join("tik"), TIK).unwrap();
            let mut command = python();
            command.arg(setup("VIRT_SEV_VALIDATE")).args(["--quiet", "--tik=tik", "--tek=tik"]);
            command.args(["--api-major=1", "--api-minor=55", "--build-id=21"]);
            command.arg(format!("--policy={}", evidence.policy));
            command.arg(format!("--measurement={}", STANDARD.encode(evidence.measurement)));
            command.arg("--firmware").arg(&self.image).args(self.boot("--cmdline")).args(processors);
            command.current_dir(dir).output().unwrap()
        };
        let evidence = self.evidence(digest);
        let out = validate(&evidence);
        assert_eq!(out.status.code(), Some(0), "virt-qemu-sev-validate, {self:?}: {}", err(&out));
        let mut other = evidence;
        other.measurement[0] ^= 1;
        assert_eq!(validate(&other).status.code(), Some(1), "virt-qemu-sev-validate accepts anything");
    }

    /// What a host would report of a guest with this digest.
    fn evidence(&self, digest: &str) -> Evidence {
        let mut measurement = [0; 48];
        measurement[32..].copy_from_slice(b"a nonce of 16 b.");
        let policy = if self.mode == Mode::Sev { 1 } else { 5 };
        let mut evidence = Evidence { measurement, api_major: 1, api_minor: 55, build_id: 21, policy };
        let digest = hex::decode(digest).unwrap().try_into().unwrap();
        let mac = expected_mac(&evidence, &digest, &Secret::new(TIK)).unwrap();
        evidence.measurement[..32].copy_from_slice(&mac);
        evidence
    }
}

fn family(cpu: CpuSignature) -> Vec<String> {
    [("family", cpu.family), ("model", cpu.model), ("stepping", cpu.stepping)]
        .map(|(name, n)| format!("--cpu-{name}={n}"))
        .to_vec()
}

/// Debian's own Python, with sev-snp-measure.
fn python() -> Command {
    let mut command = Command::new("/usr/bin/python3");
    command.env("PYTHONPATH", setup("VIRT_SEV_SNP_MEASURE"));
    command
}

/// The one line of the answer.
fn said(out: &Output) -> String {
    assert_eq!(out.status.code(), Some(0), "{}", err(out));
    let text = String::from_utf8(out.stdout.clone()).unwrap();
    let line = text.strip_suffix('\n').unwrap_or_else(|| panic!("no line: {text:?}"));
    assert!(!line.contains('\n'), "{text:?}");
    line.to_owned()
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn random_guests_have_the_digests_of_every_peer() {
    let seed = number("VIRT_SEV_DIGESTS_SEED", SEED);
    println!("VIRT_SEV_DIGESTS_SEED={seed}");
    let mut dice = Dice(seed.max(1));
    let mut refused = 0;
    for n in 0..number("VIRT_SEV_DIGESTS", COMBINATIONS) {
        let dir = TempDir::new().unwrap();
        let mode = [Mode::Sev, Mode::EsLegacy, Mode::EsInit2, Mode::Snp][usize::try_from(n % 4).unwrap()];
        let guest = Guest::new(&mut dice, mode, dir.path());
        let out = guest.ours(&[], dir.path());
        // An image of Debian's package ovmf with 4 MiB has no SEV-SNP metadata: QEMU starts no such guest from it.
        if mode == Mode::Snp && guest.image.to_string_lossy().contains("4M") {
            assert_code(&out, 4);
            assert!(err(&out).contains("no SEV-SNP metadata"), "{}", err(&out));
            refused += 1;
            continue;
        }
        let digest = said(&out);
        let length = if mode == Mode::Snp { 96 } else { 64 };
        assert!(digest.len() == length && hex::decode(&digest).is_some_and(|b| hex::encode(&b) == digest));
        guest.confirm(&digest, dir.path());
    }
    println!("refused, as they must be: {refused}");
}

#[test]
fn the_digest_is_written_in_every_form() {
    let dir = TempDir::new().unwrap();
    for mode in [Mode::Sev, Mode::EsLegacy, Mode::Snp] {
        let mut guest = Guest::new(&mut Dice(7), mode, dir.path());
        guest.image = setup("VIRT_SEV_FIRMWARE");
        let digest = said(&guest.ours(&[], dir.path()));
        let base64 = said(&guest.ours(&["--output-format", "base64"], dir.path()));
        assert_eq!(STANDARD.encode(hex::decode(&digest).unwrap()), base64);
        let json = guest.ours(&["--format", "json"], dir.path());
        let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!((&json["schema"], &json["digest"]), (&"virt-sev/digest/1".into(), &digest.into()));
        assert!(json["inputs"]["firmware"].as_str().unwrap().ends_with("OVMF.amdsev.fd"));
    }
}

#[test]
fn without_a_state_the_answer_is_qemus_choice_and_the_other_is_told() {
    let dir = TempDir::new().unwrap();
    let of = |features: &str, more: &[&str]| {
        let mut command = Command::new(program("virt-sev"));
        command.args([
            "digest",
            "--mode",
            "sev-es",
            "--num-cpus",
            "2",
            "--vcpu-type",
            "EPYC-Milan",
            "--firmware",
        ]);
        command.arg(setup("VIRT_SEV_FIRMWARE")).args(["--guest-features", features]).args(more);
        command.current_dir(dir.path()).output().unwrap()
    };
    for (features, own, other) in [("0", "on", "off"), ("0x20", "off", "on")] {
        let free = of(features, &[]);
        assert_eq!(said(&free), said(&of(features, &["--legacy-vm-type", own])));
        let other = said(&of(features, &["--legacy-vm-type", other]));
        assert!(err(&free).contains(&other), "{}", err(&free));
        assert!(err(&of(features, &["--legacy-vm-type", own])).is_empty());
        assert!(err(&of(features, &["-q"])).is_empty());
        let json: serde_json::Value =
            serde_json::from_slice(&of(features, &["--format", "json"]).stdout).unwrap();
        let states: Vec<&str> = ["/states/0/digest", "/states/1/digest"]
            .map(|at| json.pointer(at).unwrap().as_str().unwrap())
            .to_vec();
        assert_eq!(states, [said(&free).as_str(), &other]);
    }
}

#[test]
fn saved_pages_are_those_of_the_peers_and_give_the_same_digest() {
    let dir = TempDir::new().unwrap();
    for mode in [Mode::EsLegacy, Mode::EsInit2, Mode::Snp] {
        let mut guest = Guest::new(&mut Dice(11), mode, dir.path());
        (guest.image, guest.vcpus) = (setup("VIRT_SEV_FIRMWARE"), 2);
        if mode == Mode::EsInit2 {
            (guest.features, guest.told) = (0, false);
        }
        let folder = format!("{mode:?}");
        let digest = said(&guest.ours(&["--save-vmsa", &folder], dir.path()));
        let ours = ["vmsa-cpu0.bin", "vmsa-cpu1.bin"].map(|n| dir.path().join(&folder).join(n));
        let theirs = if mode == Mode::EsLegacy {
            guest.sevctl_pages(dir.path());
            ["vmsa0", "vmsa1"]
        } else {
            said(&guest.measure(&["--dump-vmsa"], dir.path()));
            ["vmsa0.bin", "vmsa1.bin"]
        };
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!(
                fs::read(ours).unwrap() == fs::read(dir.path().join(theirs)).unwrap(),
                "{mode:?}, {theirs}"
            );
        }
        let mut command = Command::new(program("virt-sev"));
        command.args([
            "digest",
            "--mode",
            if mode == Mode::Snp { "snp" } else { "sev-es" },
            "--num-cpus",
            "2",
        ]);
        command.arg("--firmware").arg(&guest.image).args(guest.boot("--cmdline"));
        command.arg("--vmsa-cpu0").arg(&ours[0]).arg("--vmsa-cpu1").arg(&ours[1]);
        assert_eq!(said(&command.current_dir(dir.path()).output().unwrap()), digest, "{mode:?}");
    }
}

#[test]
fn the_firmwares_part_goes_out_and_in_as_with_sev_snp_measure() {
    let dir = TempDir::new().unwrap();
    let mut guest = Guest::new(&mut Dice(13), Mode::Snp, dir.path());
    guest.image = setup("VIRT_SEV_FIRMWARE");
    let mut command = Command::new(program("virt-sev"));
    command.args(["digest", "--mode", "snp:ovmf-hash", "--firmware"]).arg(&guest.image);
    let hash = said(&command.output().unwrap());
    let mut command = python();
    command.args(["-m", "sevsnpmeasure.cli", "--mode", "snp:ovmf-hash", "--ovmf"]).arg(&guest.image);
    assert_eq!(said(&command.output().unwrap()), hash);
    let whole = said(&guest.ours(&[], dir.path()));
    assert_eq!(said(&guest.ours(&["--snp-ovmf-hash", &hash], dir.path())), whole);
    // A hash of another image counts, and the image itself no more: both programs agree there too.
    let other = "0f".repeat(48);
    let ours = said(&guest.ours(&["--snp-ovmf-hash", &other], dir.path()));
    assert_eq!(said(&guest.measure(&["--snp-ovmf-hash", &other], dir.path())), ours);
    assert_ne!(ours, whole);
}

#[test]
fn a_kernel_that_the_firmware_cannot_verify_has_no_digest() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("kernel"), "kernel").unwrap();
    for image in images() {
        for mode in [Mode::Sev, Mode::EsLegacy, Mode::EsInit2, Mode::Snp] {
            let mut guest = Guest::new(&mut Dice(17), mode, dir.path());
            (guest.image, guest.kernel, guest.initrd) = (image.clone(), Some("kernel".into()), None);
            let out = guest.ours(&[], dir.path());
            assert_code(&out, 4);
            assert!(out.stdout.is_empty());
            // sev-snp-measure refuses too, where it looks at all.
            assert_ne!(
                guest.measure(&[], dir.path()).status.code(),
                Some(0),
                "{mode:?}, {}",
                image.display()
            );
        }
    }
}

#[test]
fn options_that_make_no_sense_are_told_all_at_once() {
    let firmware = setup("VIRT_SEV_FIRMWARE");
    let firmware = firmware.to_str().unwrap();
    let of = |args: &[&str]| Command::new(program("virt-sev")).arg("digest").args(args).output().unwrap();
    for (args, says) in [
        (
            &["--mode", "sev", "--num-cpus", "1", "--vcpu-type", "EPYC", "--save-vmsa", "x"][..],
            &[
                "--firmware is needed",
                "--num-cpus makes no sense with --mode sev",
                "--vcpu-type makes no sense with --mode sev",
                "--save-vmsa makes no sense with --mode sev",
            ][..],
        ),
        (
            &["--mode", "sev-es", "--firmware", firmware],
            &["needs --num-cpus", "needs --vcpu-type, --vcpu-sig"],
        ),
        (
            &[
                "--mode",
                "snp",
                "--firmware",
                firmware,
                "--num-cpus",
                "1",
                "--vcpu-type",
                "EPYC",
                "--legacy-vm-type",
                "on",
            ],
            &["--legacy-vm-type makes no sense with --mode snp"],
        ),
        (
            &[
                "--mode",
                "sev-es",
                "--firmware",
                firmware,
                "--num-cpus",
                "1",
                "--vcpu-type",
                "EPYC",
                "--vcpu-sig",
                "1",
            ],
            &["--vcpu-type excludes --vcpu-sig"],
        ),
        (
            &["--mode", "snp:ovmf-hash", "--firmware", firmware, "--kernel", "x", "--snp-ovmf-hash", "00"],
            &[
                "--kernel makes no sense with --mode snp:ovmf-hash",
                "--snp-ovmf-hash makes no sense with --mode snp:ovmf-hash",
            ],
        ),
        (
            &["--mode", "sev-es", "--firmware", firmware, "--num-cpus", "1", "--vcpu-type", "epyc"],
            &["--vcpu-type: not a model of an AMD processor that is known"],
        ),
        (
            &["--mode", "sev-es", "--firmware", firmware, "--num-cpus", "1", "--cpu-family", "25"],
            &["needs all of --cpu-family, --cpu-model and --cpu-stepping"],
        ),
        (
            &[
                "--mode",
                "snp",
                "--firmware",
                firmware,
                "--num-cpus",
                "1",
                "--vmsa-cpu0",
                "x",
                "--guest-features",
                "1",
            ],
            &["VMSA files exclude --guest-features"],
        ),
        (
            &[
                "--mode",
                "snp",
                "--firmware",
                firmware,
                "--num-cpus",
                "1",
                "--vcpu-type",
                "EPYC",
                "--snp-ovmf-hash",
                "0f",
            ],
            &["--snp-ovmf-hash: not the hash of a firmware image"],
        ),
    ] {
        let out = of(args);
        assert_code(&out, 2);
        assert!(out.stdout.is_empty());
        for text in says {
            assert!(err(&out).contains(text), "{args:?}: {text}: {}", err(&out));
        }
    }
    // Bit 0 of the features is KVM's own.
    let out = of(&[
        "--mode",
        "snp",
        "--firmware",
        firmware,
        "--num-cpus",
        "1",
        "--vcpu-type",
        "EPYC",
        "--guest-features",
        "0x20",
    ]);
    assert_code(&out, 0);
    assert!(err(&out).contains("no guest has this digest"), "{}", err(&out));
}
