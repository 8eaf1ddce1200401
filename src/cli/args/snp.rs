//! `virt-sev snp`: its options.

use super::boot::{BootArgs, CpuArgs};
use super::number;
use clap::{Args, Subcommand};
use std::path::PathBuf;

const ID_BLOCK_EXAMPLES: &str = "\
An ID block makes the firmware refuse every guest that has another launch digest or policy, and its key's digest stands \
in the guest's reports. A key: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out id.pem

Examples:
  virt-sev snp id-block --id-key id.pem --launch-digest HEX -o id/
  virt-sev apply --config id/keys.yaml guest.xml";

const REPORT_EXAMPLES: &str = "\
Values are hexadecimal, base64, or @FILE. Without --certs nothing can be verified; --kds-address prints where AMD has \
the chip's certificate. AMD's roots are built in.

Examples:
  curl -o vcek.der \"$(virt-sev snp report report.bin --kds-address)\"
  virt-sev snp report report.bin --certs vcek.der \\
    --firmware OVMF.amdsev.fd --num-cpus 4 --vcpu-type EPYC-Milan
  virt-sev snp report report.bin --certs vcek.der \\
    --measurement HEX --report-data @nonce.bin \\
    --guest-policy 0x30000 --min-tcb bl=9,tee=0,snp=23,ucode=72";

#[derive(Debug, Subcommand)]
pub(crate) enum SnpCommand {
    /// Makes and signs the ID block of a guest, ready as keys
    #[command(after_help = ID_BLOCK_EXAMPLES)]
    IdBlock(SnpIdBlockArgs),
    /// Verifies a guest's attestation report
    #[command(after_help = REPORT_EXAMPLES)]
    Report(SnpReportArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SnpIdBlockArgs {
    /// Private key that signs the block: P-384 in PEM, PKCS#8 or SEC1
    #[arg(long, alias = "idkey", value_name = "FILE")]
    pub(crate) id_key: PathBuf,
    /// Private key that vouches for the ID key, in the same form
    #[arg(long, alias = "authorkey", value_name = "FILE")]
    pub(crate) author_key: Option<PathBuf>,
    /// Launch digest that the guest must have, 48 bytes: hexadecimal, base64, or @FILE
    #[arg(long, visible_alias = "measurement", value_name = "DIGEST")]
    pub(crate) launch_digest: String,
    /// Guest policy, as the guest is launched with: hexadecimal with 0x or decimal
    #[arg(long, value_name = "NUMBER", default_value = "0x30000", value_parser = number::<u64>)]
    pub(crate) policy: u64,
    /// The guest's family, 16 bytes of your own
    #[arg(long, value_name = "BYTES")]
    pub(crate) family_id: Option<String>,
    /// The guest's image, 16 bytes of your own
    #[arg(long, value_name = "BYTES")]
    pub(crate) image_id: Option<String>,
    /// The guest's security version
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = number::<u32>)]
    pub(crate) svn: u32,
    /// Version of the ID block's format
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = number::<u32>)]
    pub(crate) version: u32,
    /// Data for the guest's reports, 32 bytes; into the keys
    #[arg(long, value_name = "BYTES")]
    pub(crate) host_data: Option<String>,
    /// Folder for id-block.b64, id-auth.b64 and keys.yaml; made if missing. Without it the keys are the answer
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SnpReportArgs {
    /// Attestation report, 1184 bytes, or the same in hexadecimal or base64; - is standard input
    #[arg(value_name = "FILE")]
    pub(crate) report: PathBuf,
    /// Certificate of the key that signed, in DER or PEM; also with ASK or ASVK and ARK; a certificate table; or a folder
    /// with vcek.pem, ask.der and the like (repeatable)
    #[arg(long, visible_aliases = ["vcek", "vlek", "ask", "ark"], value_name = "PATH")]
    pub(crate) certs: Vec<PathBuf>,
    /// ARK of another root than AMD's, with its ASK or ASVK, for a test platform
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Judge the certificates' dates for this time, such as 2026-01-31 or 2026-01-31T12:00:00Z; now unless given
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Print the address from which the VCEK can be fetched, and stop
    #[arg(long)]
    pub(crate) kds_address: bool,
    #[command(flatten)]
    pub(crate) expected: SnpExpectedArgs,
    #[command(flatten)]
    pub(crate) launched: SnpLaunchedArgs,
}

/// What the guest is to have been launched from: its measurement is computed, and what differs is searched for.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "What the guest was launched from, in place of --measurement")]
pub(crate) struct SnpLaunchedArgs {
    #[command(flatten)]
    pub(crate) boot: BootArgs,
    #[command(flatten)]
    pub(crate) cpus: CpuArgs,
    /// What is acceptable, in YAML or JSON: allowed_digests, allowed_policies, min_fw_api_major, min_fw_api_minor,
    /// allowed_build_ids
    #[arg(long, value_name = "FILE")]
    pub(crate) policy_file: Option<PathBuf>,
}

/// What the owner wants a report to say.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "What the report must say")]
pub(crate) struct SnpExpectedArgs {
    /// Launch digest, 48 bytes
    #[arg(long, value_name = "DIGEST")]
    pub(crate) measurement: Option<String>,
    /// What the guest put in, up to 64 bytes, zeroes behind: the nonce that shows that the report is fresh
    #[arg(long, value_name = "BYTES")]
    pub(crate) report_data: Option<String>,
    /// Data that was given at launch, 32 bytes
    #[arg(long, value_name = "BYTES")]
    pub(crate) host_data: Option<String>,
    /// Digest of the key that signed the ID block, 48 bytes
    #[arg(long, value_name = "DIGEST")]
    pub(crate) id_key_digest: Option<String>,
    /// Digest of the key that vouches for the ID key, 48 bytes
    #[arg(long, value_name = "DIGEST")]
    pub(crate) author_key_digest: Option<String>,
    /// Lowest security versions, such as bl=9,tee=0,snp=23,ucode=72, from Turin on with fmc=1 too; any of them
    #[arg(long, value_name = "VERSIONS")]
    pub(crate) min_tcb: Option<String>,
    /// Guest policy, exactly: hexadecimal with 0x or decimal
    #[arg(long, value_name = "NUMBER", value_parser = number::<u64>)]
    pub(crate) guest_policy: Option<u64>,
    /// Take a report of a guest that its host can debug
    #[arg(long)]
    pub(crate) allow_debug: bool,
    /// Privilege level that asked for the report
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(0..4))]
    pub(crate) vmpl: Option<u32>,
    /// Chip, 64 bytes
    #[arg(long, value_name = "BYTES")]
    pub(crate) chip_id: Option<String>,
}
