//! What was typed. In: the command line. Out: [`Cli`]. Never: a file read, or a meaning given.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const APPLY_EXAMPLES: &str = "Examples:
  virt-sev apply --set security.sev=true --diff guest.xml
  lxc config show web1 | virt-sev apply --config - web1.xml -o web1-sev.xml
  virsh dumpxml --inactive web1 | virt-sev apply --config keys.yaml | virsh define /dev/stdin";

const LAUNCH_EXAMPLES: &str = "\
Without a session the guest runs unverified. With one, and without --tik and --tek, it stays paused for its owner.

Examples:
  virt-sev launch -c qemu:///system guest.xml --config session/keys.yaml
  virt-sev launch -c qemu+ssh://HOST/system web1 --config session/keys.yaml --firmware OVMF.amdsev.fd \\
    --tik session/tik.bin --tek session/tek.bin --inject-secret luks-key:disk.key";

const SESSION_EXAMPLES: &str = "\
The chain comes from the host: sevctl export --full chain.cert. A session serves one launch.

Example:
  virt-sev session --chain chain.cert --policy 0x1 -o session/";

const VERIFY_EXAMPLES: &str = "\
Without --domain everything is off line, and all of --measurement, --api-major, --api-minor, --build-id, --policy and
--firmware are needed. With --inject-secret a verified guest is resumed; without, it stays as it is. With -q only the
exit code answers.

Example:
  virt-sev verify -c qemu+ssh://HOST/system --domain guest --firmware OVMF.amdsev.fd \\
    --tik session/tik.bin --tek session/tek.bin --inject-secret luks-key:disk.key";

/// AMD SEV, SEV-ES and SEV-SNP guests on libvirt: configured, checked, launched and attested.
#[derive(Debug, Parser)]
#[command(name = "virt-sev", version, max_term_width = 110, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 done, or yes; 1 the answer is no; 2 usage; 3 insecure usage refused; \
4 an input is wrong; 5 the hypervisor or the host is in the wrong state; 6 a fault of virt-sev.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Hypervisor, such as qemu:///system or qemu+ssh://HOST/system
    #[arg(short, long, global = true, value_name = "URI")]
    pub(crate) connect: Option<String>,
    /// Form of the answer; md is for `keys` only
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Only the answer, warnings and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more: details of notes and warnings, digests, connections; -vv: what enters a measurement
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Colour in the answer
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub(crate) color: When,
}

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    // Comments of values would make clap print --help with a paragraph for every option.
    Text,
    Json,
    Md,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists every configuration key
    Keys,
    /// Makes a domain document right: XML in, XML out
    #[command(after_help = APPLY_EXAMPLES)]
    Apply(ApplyArgs),
    /// Applies, checks the host, and defines the domain
    Define(DefineArgs),
    /// Applies, defines, starts paused, measures, verifies, injects and resumes
    #[command(after_help = LAUNCH_EXAMPLES)]
    Launch(LaunchArgs),
    /// Reads what a launched guest reports
    Measurement(MeasurementArgs),
    /// Makes a guest owner's session for a platform
    #[command(after_help = SESSION_EXAMPLES)]
    Session(SessionArgs),
    /// Verifies a launch measurement; takes the options of virt-qemu-sev-validate
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyCommand),
    /// Shows what a firmware image really holds
    #[command(subcommand)]
    Firmware(FirmwareCommand),
    /// Builds or injects launch secrets
    #[command(subcommand)]
    Secret(SecretCommand),
}

/// Where the keys come from.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct ConfigArgs {
    /// Keys as YAML or JSON: a flat map, or an LXD or Incus instance document; - is standard input (repeatable:
    /// the later wins)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,
    /// One key, above every --config; @FILE for VALUE reads it from a file (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Ignore the keys in the domain's own metadata
    #[arg(long)]
    pub(crate) no_metadata: bool,
    /// Leave out a rule, by the name that --explain gives it (repeatable)
    #[arg(long, value_name = "RULE")]
    pub(crate) skip: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// Domain document; - is standard input
    #[arg(value_name = "DOMAIN.xml", default_value = "-")]
    pub(crate) domain: PathBuf,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Write the file in place, at once or not at all
    #[arg(short, long, conflicts_with_all = ["output", "check"])]
    pub(crate) in_place: bool,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE", conflicts_with = "check")]
    pub(crate) output: Option<PathBuf>,
    /// Print nothing; exit 1 if the document would change
    #[arg(long)]
    pub(crate) check: bool,
    /// Print a unified diff instead of the document
    #[arg(long, conflicts_with = "check")]
    pub(crate) diff: bool,
    /// Print each edit with its rule and its reason instead of the document
    #[arg(long, conflicts_with_all = ["check", "diff"])]
    pub(crate) explain: bool,
    /// Domain capabilities of the host, as `virsh domcapabilities` prints them
    #[arg(long, value_name = "FILE", conflicts_with = "connect")]
    pub(crate) domcaps: Option<PathBuf>,
    /// Read the host's facts below DIR: its files, and CPUID from DIR/cpuid
    #[arg(long, value_name = "DIR", conflicts_with = "connect")]
    pub(crate) host_root: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DefineArgs {
    /// Domain document; - is standard input
    #[arg(value_name = "DOMAIN.xml")]
    pub(crate) domain: PathBuf,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LaunchArgs {
    /// Domain document, or the name of a defined domain
    #[arg(value_name = "DOMAIN", required_unless_present = "recover")]
    pub(crate) domain: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) verify: VerifyArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    /// Destroy what launches that were cut off have left on this hypervisor, and put the definitions back
    #[arg(long, conflicts_with_all = ["domain", "config", "set", "inject_secret"])]
    pub(crate) recover: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MeasurementArgs {
    /// Name of an active guest
    #[arg(value_name = "DOMAIN")]
    pub(crate) domain: String,
    /// Write the evidence to FILE as JSON
    #[arg(short, long, value_name = "EVIDENCE.json")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct WaitArgs {
    /// Longest wait for one answer of the hypervisor
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) timeout: u32,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("platform").args(["chain", "connect"]).required(true)))]
pub(crate) struct SessionArgs {
    /// The platform's certificates: PDH, PEK, OCA, CEK, and ASK, ARK where present; as sevctl exports them
    #[arg(long, value_name = "FILE")]
    pub(crate) chain: Option<PathBuf>,
    /// ASK and ARK of another root than AMD's, for a test platform
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Guest policy, hexadecimal with 0x or decimal: 0x1 for SEV, 0x5 for SEV-ES, as the keys give them
    #[arg(long, value_name = "NUMBER", value_parser = number::<u32>)]
    pub(crate) policy: u32,
    /// Folder for tek.bin and tik.bin (yours), godh.b64, session.b64 and keys.yaml (the host's); made if missing
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Proceed although the chain is not verified, or the platform is this machine
    #[arg(short, long)]
    pub(crate) insecure: bool,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyCommand {
    /// Name, UUID or id of a paused guest on the hypervisor
    #[arg(short = 'o', long, value_name = "NAME")]
    pub(crate) domain: Option<String>,
    #[command(flatten)]
    pub(crate) verify: VerifyArgs,
    /// Do not check the guest's configuration
    #[arg(short = 'g', long)]
    pub(crate) ignore_config: bool,
    /// Write the secret's header to FILE instead of injecting it
    #[arg(long, value_name = "FILE", requires = "secret_payload")]
    pub(crate) secret_header: Option<PathBuf>,
    /// Write the encrypted secret to FILE instead of injecting it
    #[arg(long, value_name = "FILE", requires = "secret_header")]
    pub(crate) secret_payload: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    /// Print the answer as JSON: the same as --format json
    #[arg(long)]
    pub(crate) json: bool,
    /// Show debug information: the same as -vv
    #[arg(short, long)]
    pub(crate) debug: bool,
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
    /// Measurement, base64; `launch` reads it from the guest
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
    /// Firmware image
    #[arg(short, long, value_name = "FILE")]
    pub(crate) firmware: Option<PathBuf>,
    /// Kernel
    #[arg(short, long, value_name = "FILE")]
    pub(crate) kernel: Option<PathBuf>,
    /// Initial ram disk
    #[arg(short = 'r', long, value_name = "FILE")]
    pub(crate) initrd: Option<PathBuf>,
    /// Kernel command line, exactly as the guest gets it
    #[arg(short = 'e', long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) cmdline: Option<String>,
    /// Number of virtual processors, for SEV-ES
    #[arg(short = 'n', long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) num_cpus: Option<u32>,
    /// VMSA page of the boot processor, for SEV-ES
    #[arg(short = '0', long, value_name = "FILE")]
    pub(crate) vmsa_cpu0: Option<PathBuf>,
    /// VMSA page of every other processor, for SEV-ES
    #[arg(short = '1', long, value_name = "FILE")]
    pub(crate) vmsa_cpu1: Option<PathBuf>,
    /// Processor family, for SEV-ES
    #[arg(long, value_name = "NUMBER")]
    pub(crate) cpu_family: Option<u32>,
    /// Processor model, for SEV-ES
    #[arg(long, value_name = "NUMBER")]
    pub(crate) cpu_model: Option<u32>,
    /// Processor stepping, for SEV-ES
    #[arg(long, value_name = "NUMBER")]
    pub(crate) cpu_stepping: Option<u32>,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
    /// Proceed even if the usage is insecure
    #[arg(short, long)]
    pub(crate) insecure: bool,
    /// Secret to inject after verification, such as luks-key:disk.key (repeatable)
    #[arg(short = 's', long, value_name = "GUID-OR-ALIAS:PATH")]
    pub(crate) inject_secret: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FirmwareCommand {
    /// Reads the GUID table of an image: what it has for SEV-ES and SEV-SNP, where a secret and the kernel hashes go
    Inspect {
        /// Firmware image
        #[arg(value_name = "FILE")]
        image: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Builds the packet for a measured guest: header and encrypted payload
    Build(SecretBuildArgs),
    /// Injects a packet into a paused guest
    Inject(SecretInjectArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SecretBuildArgs {
    /// Secret, such as luks-key:disk.key (repeatable); the table holds them in this order
    #[arg(short, long, required = true, value_name = "GUID-OR-ALIAS:PATH")]
    pub(crate) secret: Vec<String>,
    /// Measurement of the guest, base64
    #[arg(short, long, value_name = "BASE64")]
    pub(crate) measurement: String,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
    /// File for the header
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_header: PathBuf,
    /// File for the encrypted secret
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_payload: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SecretInjectArgs {
    /// Name of a paused guest
    #[arg(value_name = "DOMAIN")]
    pub(crate) domain: String,
    /// File with the header, as `secret build`, `verify` or virt-qemu-sev-validate writes it
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_header: PathBuf,
    /// File with the encrypted secret
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_payload: PathBuf,
    /// Guest physical address, hexadecimal with 0x or decimal; the firmware's own place unless given
    #[arg(long, value_name = "NUMBER", value_parser = number::<u64>)]
    pub(crate) set_address: Option<u64>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// A number as people write policies and addresses: `0x…` or decimal.
fn number<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse::<u64>(),
    };
    parsed.ok().and_then(|n| T::try_from(n).ok()).ok_or_else(|| {
        format!("'{text}' is not a number from 0 to {}", u64::MAX >> (64 - 8 * size_of::<T>()))
    })
}
