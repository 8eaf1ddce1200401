//! What was typed. In: the command line. Out: [`Cli`]. Never: a file read, or a meaning given.

mod apply;
mod boot;
pub(crate) mod chain;
mod check;
mod digest;
mod firmware;
mod generate;
pub(crate) mod hook;
mod host;
mod keys;
mod launch;
mod lint;
mod owner;
pub(crate) mod secret;
pub(crate) mod snp;
mod verify;

pub(crate) use apply::ApplyArgs;
pub(crate) use chain::{ChainCommand, ChainVerifyArgs, TrustArgs};
pub(crate) use check::CheckArgs;
pub(crate) use digest::{DigestArgs, DigestFormat, DigestMode};
pub(crate) use generate::GenerateArgs;
pub(crate) use host::HostArgs;
pub(crate) use keys::{ConfigFormat, KeysArgs};
pub(crate) use launch::{DefineArgs, LaunchArgs, MeasurementArgs};
pub(crate) use lint::{ExplainArgs, LintArgs};
pub(crate) use owner::SessionArgs;
pub(crate) use secret::{PacketArgs, SecretBuildArgs, SecretCommand};
pub(crate) use snp::{SnpCommand, SnpIdBlockArgs, SnpReportArgs};
pub(crate) use verify::{KeyArgs, VerifyArgs, VerifyCommand};
pub(crate) use virt_sev::owner::given;

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// SEV, SEV-ES and SEV-SNP guests on libvirt: made right, launched, attested.
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
    /// URI of the hypervisor; else LIBVIRT_DEFAULT_URI
    #[arg(short, long, global = true, value_name = "URI", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) connect: Vec<String>,
    /// text, json; md, sarif or prometheus where help says so
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, hide_possible_values = true, hide_default_value = true)]
    pub(crate) format: Format,
    /// Only the answer, warnings and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more; -vv: also what enters a measurement
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Colour: auto, always, never
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN", hide_possible_values = true, hide_default_value = true)]
    pub(crate) color: When,
}

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    // Comments of values would make clap print --help with a paragraph for every option.
    Text,
    Json,
    Md,
    Sarif,
    Prometheus,
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
    /// Lists the keys, or converts foreign settings to them
    #[command(after_help = keys::EXAMPLES)]
    Keys(KeysArgs),
    /// Makes a domain document right: XML in, XML out
    #[command(after_help = apply::EXAMPLES)]
    Apply(ApplyArgs),
    /// Says which rules a domain breaks; changes nothing
    #[command(after_help = lint::EXAMPLES)]
    Lint(LintArgs),
    /// Says what is behind a rule, a code or a message, and what to do
    #[command(after_help = lint::EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Makes a new domain from a template, right already
    #[command(after_help = generate::EXAMPLES)]
    Generate(GenerateArgs),
    /// Says what a host can do, layer by layer, and how to mend the rest
    #[command(after_help = host::EXAMPLES)]
    Host(HostArgs),
    /// Says whether a launch could begin on this host now
    #[command(after_help = check::EXAMPLES)]
    Check(CheckArgs),
    /// Applies, checks the host, and defines the domain
    #[command(after_help = launch::DEFINE_EXAMPLES)]
    Define(DefineArgs),
    /// Defines, starts paused, measures, verifies, injects, resumes
    #[command(after_help = launch::EXAMPLES)]
    Launch(LaunchArgs),
    /// Reads what a launched guest reports
    #[command(after_help = launch::MEASUREMENT_EXAMPLES)]
    Measurement(MeasurementArgs),
    /// Reads, shows and verifies a platform's certificates
    #[command(subcommand)]
    Chain(ChainCommand),
    /// Makes a guest owner's session for a platform
    #[command(after_help = owner::EXAMPLES)]
    Session(SessionArgs),
    /// Verifies a launch; has the options of virt-qemu-sev-validate
    #[command(after_help = verify::EXAMPLES, args_override_self = true)]
    Verify(VerifyCommand),
    /// Computes the launch digest that a guest will have
    #[command(after_help = digest::EXAMPLES)]
    Digest(DigestArgs),
    /// Shows a host's firmware images, and what they really hold
    #[command(subcommand)]
    Firmware(FirmwareCommand),
    /// Builds or injects launch secrets
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Installs or removes the hooks of libvirt and of oVirt
    #[command(subcommand)]
    Hook(hook::HookCommand),
    /// Signs an ID block, verifies an attestation report of SEV-SNP
    #[command(subcommand)]
    Snp(SnpCommand),
}

/// Where the keys come from.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct ConfigArgs {
    /// Keys: a flat map in YAML or JSON, or what LXD, Incus, KubeVirt, Nova or Proxmox has; - is standard input
    /// (repeatable: the later wins)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,
    /// How every --config is written, where it is not to be recognised
    #[arg(long, value_enum, default_value_t = ConfigFormat::Auto, value_name = "FORMAT")]
    pub(crate) config_format: ConfigFormat,
    /// One key, above every --config; @FILE for VALUE reads it from a file (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Ignore the keys in the domain's own metadata
    #[arg(long)]
    pub(crate) no_metadata: bool,
    /// Record the keys in the domain's metadata, in place of those there; blobs are left out
    #[arg(long)]
    pub(crate) record: bool,
    /// Leave out a rule; `virt-sev explain --list` names them (repeatable)
    #[arg(long, value_name = "RULE")]
    pub(crate) skip: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct WaitArgs {
    /// Longest wait for one answer of the hypervisor
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) timeout: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FirmwareCommand {
    /// Lists the images that QEMU's descriptors name, first come first: what each claims, holds and serves, and its digest
    #[command(after_help = firmware::LIST_EXAMPLES)]
    List {
        /// Read the descriptors and images below DIR
        #[arg(long, value_name = "DIR")]
        host_root: Option<PathBuf>,
    },
    /// Reads the GUID table of an image: what it has for SEV-ES and SEV-SNP, where a secret and the kernel hashes go
    #[command(after_help = "Example:\n  virt-sev firmware inspect /usr/share/OVMF/OVMF.amdsev.fd")]
    Inspect {
        /// Firmware image
        #[arg(value_name = "FILE")]
        image: PathBuf,
    },
}

/// A number as people write policies and addresses: `0x…` or decimal.
pub(super) fn number<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse::<u64>(),
    };
    parsed.ok().and_then(|n| T::try_from(n).ok()).ok_or_else(|| {
        format!("'{text}' is not a number from 0 to {}", u64::MAX >> (64 - 8 * size_of::<T>()))
    })
}

#[cfg(test)]
mod docs_tests;

#[cfg(test)]
mod man_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_help_fits_a_screen() {
        let help = Cli::command().term_width(80).render_help().to_string();
        assert!(help.lines().count() <= 40 && help.lines().all(|l| l.chars().count() <= 80), "{help}");
    }

    /// clap wraps what is too long, and an example that it wrapped is two commands to a shell.
    #[test]
    fn every_command_has_an_example_and_no_example_is_wrapped() {
        fn look(command: &clap::Command, path: &str, seen: &mut usize) {
            for sub in command.get_subcommands() {
                let path = format!("{path} {}", sub.get_name());
                look(sub, &path, seen);
                if sub.has_subcommands() {
                    continue;
                }
                let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains(&format!("  {}", path.trim())), "{path}: no example: {help}");
                let examples = help.lines().filter(|l| l.starts_with("  "));
                for line in examples {
                    assert!(line.chars().count() <= 79, "{path}: {line}");
                    *seen += 1;
                }
            }
        }
        let mut seen = 0;
        look(&Cli::command(), "virt-sev", &mut seen);
        assert!(seen > 20, "{seen} lines");
    }
}
