//! Where the peers are, how they are run, and the test platform. In: environment. Out: their answers.
//! Never: a test that passes because a peer is missing.

use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;

/// virt-qemu-sev-validate and the test platform need the system's Python, which has their modules.
const PYTHON: &str = "/usr/bin/python3";

fn needed(variable: &str, what: &str) -> PathBuf {
    let path = std::env::var_os(variable).map(PathBuf::from).filter(|p| p.exists());
    path.unwrap_or_else(|| panic!("{what} is missing ({variable}). Run `make setup`, then `make check`."))
}

pub(crate) fn firmware() -> PathBuf {
    needed("VIRT_SEV_FIRMWARE", "the AmdSev firmware")
}

pub(crate) fn kernel() -> PathBuf {
    needed("VIRT_SEV_KERNEL", "a Linux kernel")
}

/// sevctl with these arguments.
pub(crate) fn sevctl<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>, folder: &Path) -> Output {
    let sevctl = needed("VIRT_SEV_SEVCTL", "sevctl");
    Command::new(sevctl).args(args).current_dir(folder).output().expect("sevctl starts")
}

/// virt-qemu-sev-validate with these arguments; its exit code and what it says.
pub(crate) fn validate(args: &[&str], folder: &Path) -> (i32, String) {
    let program = std::env::var_os("VIRT_SEV_VALIDATE").map(PathBuf::from).or_else(|| {
        std::env::split_paths(&std::env::var_os("PATH")?)
            .map(|p| p.join("virt-qemu-sev-validate"))
            .find(|p| p.exists())
    });
    let program = program
        .unwrap_or_else(|| panic!("virt-qemu-sev-validate is missing. Run `make setup`, then `make check`."));
    let out =
        Command::new(PYTHON).arg(program).args(args).current_dir(folder).output().expect("python3 starts");
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        !text.contains("ModuleNotFoundError"),
        "virt-qemu-sev-validate lacks a Python module. Run `make setup`.\n{text}"
    );
    (out.status.code().unwrap_or(-1), text)
}

/// The answer of the test platform.
pub(crate) fn platform_does<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/peers/platform.py");
    let out = Command::new(PYTHON).arg(script).args(args).output().expect("python3 starts");
    assert!(
        out.status.success(),
        "the test platform failed; `make setup` brings python3-cryptography.\n{}",
        String::from_utf8_lossy(&out.stderr)
    );
    serde_json::from_slice(&out.stdout).expect("the test platform answers in JSON")
}

/// A platform with fresh keys; its folder holds what `platform.py` writes.
pub(crate) fn new_platform(bits: u32) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    platform_does(["make".as_ref(), folder.path().as_os_str(), OsStr::new(&bits.to_string())]);
    folder
}

/// One platform for all tests that only need some platform.
pub(crate) fn platform() -> &'static Path {
    static PLATFORM: OnceLock<PathBuf> = OnceLock::new();
    PLATFORM.get_or_init(|| {
        // Below the build folder: a static is never dropped, so its folder must not lie in /tmp.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers-platform");
        platform_does(["make".as_ref(), folder.as_os_str(), OsStr::new("2048")]);
        folder
    })
}

pub(crate) fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
