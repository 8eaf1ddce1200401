//! `virt-sev verify` and what `launch` shares with it: the options of virt-qemu-sev-validate.

use super::boot::{BootArgs, CpuArgs};
use super::{PacketArgs, WaitArgs, number};
use clap::Args;
use std::path::PathBuf;
use virt_sev::owner::{Claims, Expectation, KeyFiles};

pub(crate) const EXAMPLES: &str = "\
Without --domain everything is off line: it needs --evidence, or all of --measurement, --api-major, --api-minor, \
--build-id and --policy; or the --report of a SEV-SNP guest. What is expected comes from --firmware, or from --policy-file. With --inject-secret a verified guest is resumed; without, it stays as it is. With -q only the \
exit code answers.

Examples:
  virt-sev verify --evidence evidence.json \\
    --firmware OVMF.amdsev.fd --tik session/tik.bin --tek session/tek.bin \\
    --inject-secret luks-key:disk.key --packet packet.json
  virt-sev verify -c qemu+ssh://HOST/system --domain guest \\
    --firmware OVMF.amdsev.fd --tik session/tik.bin --tek session/tek.bin \\
    --inject-secret luks-key:disk.key
  virt-sev verify --report report.bin --certs vcek.der \\
    --firmware OVMF.amdsev.fd --num-cpus 4 --vcpu-type EPYC-Milan";

#[derive(Debug, Args)]
pub(crate) struct VerifyCommand {
    /// Name, UUID or id of a paused guest on the hypervisor
    #[arg(short = 'o', long, value_name = "NAME")]
    pub(crate) domain: Option<String>,
    /// Evidence that the host wrote: measurement, API version, build and policy come from it, and --policy must agree
    #[arg(long, value_name = "FILE", conflicts_with_all = ["domain", "measurement", "api_major", "api_minor", "build_id"])]
    pub(crate) evidence: Option<PathBuf>,
    /// Attestation report of a SEV-SNP guest, in place of a measurement; `snp report` has more checks
    #[arg(long, value_name = "FILE", conflicts_with = "domain")]
    pub(crate) report: Option<PathBuf>,
    /// Certificate of the key that signed the report, or a folder with vcek.pem and the like (repeatable)
    #[arg(long, value_name = "PATH", requires = "report")]
    pub(crate) certs: Vec<PathBuf>,
    /// Root of another platform than AMD's that the certificate may lead to, for a test platform
    #[arg(long, value_name = "FILE", requires = "report")]
    pub(crate) ca: Option<PathBuf>,
    /// What the SEV-SNP guest put into its report: the nonce that shows that it is fresh
    #[arg(long, value_name = "BYTES", requires = "report")]
    pub(crate) report_data: Option<String>,
    /// Do not check the guest's configuration
    #[arg(short = 'g', long)]
    pub(crate) ignore_config: bool,
    #[command(flatten)]
    pub(crate) to: PacketArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    /// Print the answer as JSON: the same as --format json
    #[arg(long)]
    pub(crate) json: bool,
    /// Show debug information: the same as -vv
    #[arg(short, long)]
    pub(crate) debug: bool,
    #[command(flatten)]
    pub(crate) verify: VerifyArgs,
}

/// The guest owner's keys.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct KeyArgs {
    /// File with the TIK, 16 bytes
    #[arg(long, value_name = "FILE")]
    pub(crate) tik: Option<PathBuf>,
    /// File with the TEK, 16 bytes
    #[arg(long, value_name = "FILE")]
    pub(crate) tek: Option<PathBuf>,
    /// File with TEK and TIK, 32 bytes
    #[arg(long, value_name = "FILE")]
    pub(crate) tk: Option<PathBuf>,
}

/// Options of virt-qemu-sev-validate, under the same names and letters.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Verification")]
pub(crate) struct VerifyArgs {
    /// Measurement, base64; with --report 48 bytes in hexadecimal too
    #[arg(short, long, value_name = "BASE64")]
    pub(crate) measurement: Option<String>,
    /// SEV firmware API, major version
    #[arg(long, value_name = "NUMBER")]
    pub(crate) api_major: Option<u8>,
    /// SEV firmware API, minor version
    #[arg(long, value_name = "NUMBER")]
    pub(crate) api_minor: Option<u8>,
    /// SEV firmware build
    #[arg(long, value_name = "NUMBER")]
    pub(crate) build_id: Option<u8>,
    /// Guest policy, hexadecimal with 0x or decimal
    #[arg(long, value_name = "NUMBER", value_parser = number::<u32>)]
    pub(crate) policy: Option<u32>,
    #[command(flatten)]
    pub(crate) boot: BootArgs,
    #[command(flatten)]
    pub(crate) cpus: CpuArgs,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
    /// Proceed even if the usage is insecure
    #[arg(short, long)]
    pub(crate) insecure: bool,
    /// What is acceptable, in YAML or JSON: allowed_digests, allowed_policies, min_fw_api_major, min_fw_api_minor,
    /// allowed_build_ids; where it names digests, --firmware may be left out
    #[arg(long, value_name = "FILE")]
    pub(crate) policy_file: Option<PathBuf>,
    /// Secret to inject after verification: luks-key:disk.key, or GUID:PATH, or a folder of keys (repeatable)
    #[arg(short = 's', long, value_name = "NAME:PATH")]
    pub(crate) inject_secret: Vec<String>,
}

impl KeyArgs {
    /// As the library takes them.
    pub(crate) fn files(&self) -> KeyFiles {
        KeyFiles { tk: self.tk.clone(), tik: self.tik.clone(), tek: self.tek.clone() }
    }
}

impl VerifyArgs {
    /// As the library takes them.
    pub(crate) fn expectation(&self) -> Expectation {
        Expectation {
            boot: self.boot.files(),
            cpus: self.cpus.cpus(),
            claims: Claims {
                measurement: self.measurement.clone(),
                api_major: self.api_major,
                api_minor: self.api_minor,
                build_id: self.build_id,
                policy: self.policy,
            },
            policy_file: self.policy_file.clone(),
            insecure: self.insecure,
        }
    }
}
