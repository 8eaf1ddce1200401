//! What the kernel module allows. In: `/sys/module/kvm_amd/parameters`. Out: [`KvmAmd`].

use super::facts::{Fact, KvmAmd};
use super::probe::Probe;
use std::path::Path;

/// Reads the three parameters. An absent one: the module is not loaded, or this kernel does not know it.
pub(super) fn read(probe: &dyn Probe) -> KvmAmd {
    KvmAmd {
        sev: parameter(probe, "sev"),
        sev_es: parameter(probe, "sev_es"),
        sev_snp: parameter(probe, "sev_snp"),
    }
}

fn parameter(probe: &dyn Probe, name: &str) -> Fact<bool> {
    let path = Path::new("/sys/module/kvm_amd/parameters").join(name);
    match probe.read(&path, 4096) {
        // A `bool` parameter reads Y or N; in older kernels `sev` was an `int` and reads 1 or 0.
        // libvirt takes the same three for yes (`src/qemu/qemu_capabilities.c`).
        Fact::Known(bytes) => match String::from_utf8_lossy(&bytes).trim() {
            "Y" | "y" | "1" => Fact::Known(true),
            "N" | "n" | "0" => Fact::Known(false),
            other => {
                Fact::Unreadable(format!("{}: neither Y nor N: '{}'", path.display(), other.escape_debug()))
            }
        },
        Fact::Absent => Fact::Absent,
        Fact::Unreadable(why) => Fact::Unreadable(why),
        Fact::NotAsked => Fact::NotAsked,
    }
}
