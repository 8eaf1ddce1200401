//! `qemu-sev-sim`: libvirt starts it as the emulator; it becomes the real QEMU and leaves a relay behind.
//! In: QEMU's arguments. Out: QEMU, under the same process id. Never: a return after QEMU has started.

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<std::ffi::OsString> = std::env::args_os().collect();
    match virt_sev_sim::start::run(&args) {
        Ok(code) => code,
        Err(e) => {
            eprintln!("qemu-sev-sim: {e}");
            ExitCode::FAILURE
        }
    }
}
