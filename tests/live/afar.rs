//! A hypervisor that is not on the machine of whoever asks.

use crate::lab::Corner;
use std::fs;
use std::process::{Command, Output};

/// A command on a machine of another name, whose only way to the lab's daemon is a program that carries bytes: what
/// both programs take for a remote connection.
pub(crate) struct Afar {
    pub(crate) uri: String,
}

impl Afar {
    pub(crate) fn new(corner: &Corner<'_>) -> Self {
        let carrier = corner.path("carrier");
        fs::write(&carrier, format!("#!/bin/sh\nexec virt-ssh-helper '{}'\n", corner.lab.uri)).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&carrier, executable).unwrap();
        Self { uri: format!("qemu+ext://hypervisor/session?command={}", carrier.display()) }
    }

    pub(crate) fn run(&self, inner: Command) -> Output {
        use std::os::unix::fs::MetadataExt as _;
        let root = fs::metadata("/proc/self").unwrap().uid() == 0;
        let mut command = Command::new("unshare");
        command.args(if root { &["--uts"][..] } else { &["--uts", "--map-root-user"] });
        command.args([
            "--",
            "sh",
            "-c",
            "echo owners-machine >/proc/sys/kernel/hostname && exec \"$@\"",
            "sh",
        ]);
        command.arg(inner.get_program()).args(inner.get_args());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.output().unwrap()
    }
}
