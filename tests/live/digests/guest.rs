//! A guest by chance, and what each peer says of its digest. In: dice. Out: our digest, confirmed or not.

use crate::lab::{err, program, setup};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use virt_sev::hex;
use virt_sev::measure::cpu::CpuSignature;
use virt_sev::measure::verify::{Evidence, expected_mac};
use virt_sev::redact::Secret;

const TIK: [u8; 16] = *b"the owner's TIK.";

/// Marsaglia's xorshift: a seed gives the same combinations on every machine.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    pub(super) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.below(256).to_le_bytes()[0]).collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Sev,
    EsLegacy,
    EsInit2,
    Snp,
}

/// One guest.
#[derive(Debug)]
pub(super) struct Guest {
    mode: Mode,
    pub(super) image: PathBuf,
    pub(super) kernel: Option<String>,
    pub(super) initrd: Option<String>,
    cmdline: Option<String>,
    pub(super) vcpus: u64,
    cpu: CpuSignature,
    /// How our command line names the processor.
    cpu_args: Vec<String>,
    pub(super) features: u64,
    /// Whether the features are given, or left to the mode's own.
    pub(super) told: bool,
}

pub(super) fn images() -> Vec<PathBuf> {
    // Links among the images are the same files.
    let code = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("OVMF") && name.ends_with(".fd") && !name.contains("VARS") && !path.is_symlink()
    };
    let share = setup("VIRT_SEV_OVMF").join("usr/share");
    let mut images: Vec<PathBuf> = ["OVMF", "ovmf"]
        .iter()
        .flat_map(|folder| fs::read_dir(share.join(folder)).unwrap().map(|f| f.unwrap().path()))
        .filter(code)
        .collect();
    images.sort();
    assert!(images.len() >= 4, "{images:?}");
    images
}

pub(super) fn cmdline(dice: &mut Dice) -> Option<String> {
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
    pub(super) fn new(dice: &mut Dice, mode: Mode, dir: &Path) -> Self {
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

    pub(super) fn boot(&self, cmdline: &str) -> Vec<String> {
        let mut args = Vec::new();
        for (name, value) in
            [("--kernel", &self.kernel), ("--initrd", &self.initrd), (cmdline, &self.cmdline)]
        {
            // With `=`, since a command line may begin with a hyphen.
            args.extend(value.as_ref().map(|v| format!("{name}={v}")));
        }
        args
    }

    pub(super) fn ours(&self, more: &[&str], dir: &Path) -> Output {
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

    pub(super) fn measure(&self, more: &[&str], dir: &Path) -> Output {
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
    pub(super) fn confirm(&self, digest: &str, dir: &Path) {
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
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/live/digests/es_features.py");
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
    pub(super) fn sevctl_pages(&self, dir: &Path) -> Vec<String> {
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

pub(super) fn family(cpu: CpuSignature) -> Vec<String> {
    [("family", cpu.family), ("model", cpu.model), ("stepping", cpu.stepping)]
        .map(|(name, n)| format!("--cpu-{name}={n}"))
        .to_vec()
}

/// Debian's own Python, with sev-snp-measure.
pub(super) fn python() -> Command {
    let mut command = Command::new("/usr/bin/python3");
    command.env("PYTHONPATH", setup("VIRT_SEV_SNP_MEASURE"));
    command
}

/// The one line of the answer.
pub(super) fn said(out: &Output) -> String {
    assert_eq!(out.status.code(), Some(0), "{}", err(out));
    let text = String::from_utf8(out.stdout.clone()).unwrap();
    let line = text.strip_suffix('\n').unwrap_or_else(|| panic!("no line: {text:?}"));
    assert!(!line.contains('\n'), "{text:?}");
    line.to_owned()
}
