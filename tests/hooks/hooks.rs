//! The hook programs as they are called: every operation, with every sort of input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests

mod kubevirt;
mod libvirt;
#[path = "../support/kubevirt.rs"]
mod machines;
#[path = "../support/schema.rs"]
mod schema;
mod vdsm;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The repository.
fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).canonicalize().unwrap()
}

/// Runs a hook with this on its standard input, in a world of its own.
fn run(program: &str, arguments: &[&str], world: &Path, more: &[(&str, &str)], input: &[u8]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("XDG_STATE_HOME", world.join("state"));
    command.env("VIRT_SEV_SITE_POLICY", world.join("policy.yaml"));
    command.env("VIRT_SEV_LOG_SOCKET", world.join("log")).envs(more.iter().copied());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || pipe.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // Whoever writes is not left with a broken pipe.
    writer.join().unwrap().unwrap();
    output
}

/// A case of `tests/cases`, made right for these keys.
fn domain(sets: &[&str], record: bool) -> String {
    use virt_sev::{config, domain::Domain, host::HostFacts, plan, prepare};
    let text = std::fs::read_to_string(root().join("tests/cases/001-virt-install-uefi/in.xml")).unwrap();
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    let keys = config::load_and_resolve(config::Sources { sets: &sets, ..Default::default() }).unwrap();
    let options = plan::Options { record, ..plan::Options::default() };
    let domain = Domain::parse(text).unwrap();
    prepare::prepare(&options, domain, None, keys, &HostFacts::not_asked()).unwrap().xml
}
