//! What stands between QEMU and `/dev/sev` on a host that has it: AppArmor, SELinux, libvirt's own settings.
//! In: a [`Probe`]. Out: [`Confinement`]. Never: an error.

use super::facts::Fact;
use super::machine::Confinement;
use super::probe::Probe;
use super::read::text;
use super::{qemu_user, selinux};
use std::path::PathBuf;

/// All of it.
pub(super) fn read(probe: &dyn Probe) -> Confinement {
    let on = text(probe, "/sys/module/apparmor/parameters/enabled").known().is_some_and(|t| t.trim() == "Y");
    let selinux = text(probe, "/sys/fs/selinux/enforce").map(|t| t.trim() == "1");
    let conf = text(probe, "/etc/libvirt/qemu.conf");
    let setting = |name: &str, on: fn(&str) -> bool| {
        conf.clone().map(|text| qemu_user::setting(&text, name).is_none_or(on))
    };
    Confinement {
        apparmor: if on { apparmor(probe) } else { Fact::Absent },
        svirt: selinux.clone().and_then(|_| probe.selinux()).and_then(|text| {
            match selinux::from_text(&text) {
                Some(rule) => Fact::Known(rule),
                None => Fact::Unreadable("/selinux: not the text of `sesearch --allow`".into()),
            }
        }),
        selinux,
        // The defaults are `[ "mount" ]` and 1.
        namespaces: setting("namespaces", |value| value.contains("mount")),
        dynamic_ownership: setting("dynamic_ownership", |value| value != "0"),
        qemu: qemu_user::find(&conf, &text(probe, "/etc/passwd"), &text(probe, "/etc/group")),
    }
}

/// Whether any of the files that make the profile of libvirt's guests names `/dev/sev`.
fn apparmor(probe: &dyn Probe) -> Fact<bool> {
    const BASE: &str = "/etc/apparmor.d/abstractions/libvirt-qemu";
    let more = [
        "/etc/apparmor.d/local/abstractions/libvirt-qemu",
        "/etc/apparmor.d/libvirt/TEMPLATE.qemu",
        "/etc/apparmor.d/local/libvirt-qemu",
    ];
    let allows = |text: &str| {
        text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains("/dev/sev"))
    };
    let folder = PathBuf::from(format!("{BASE}.d"));
    let files = probe.list(&folder).known().cloned().unwrap_or_default();
    let rest = more.iter().map(PathBuf::from).chain(files.iter().map(|name| folder.join(name)));
    let any = rest.filter_map(|path| text(probe, path.to_str()?).known().cloned()).any(|t| allows(&t));
    text(probe, BASE).map(|t| any || allows(&t))
}
