//! What stands between QEMU and a device that is there: AppArmor, SELinux, the device's owner. In: [`HostFacts`]. Out:
//! findings, into the verdict. Never: a no for what is merely unknown.

use super::mode_host::Layers;
use crate::finding::Severity;
use crate::host::{Confinement, Fact, HostFacts};

impl Layers {
    pub(super) fn confinement(&mut self, host: &HostFacts) {
        let confinement = &host.machine.confinement;
        if confinement.apparmor == Fact::Known(false) {
            let finding = self.add(
                Severity::Warning,
                "/etc/apparmor.d/abstractions/libvirt-qemu",
                "libvirt src/security/apparmor/libvirt-qemu.in",
                "AppArmor is on, and the profile of libvirt's guests does not name /dev/sev".into(),
            );
            finding.fix =
                "Put the line `/dev/sev rw,` into /etc/apparmor.d/local/abstractions/libvirt-qemu.".into();
        }
        self.selinux(confinement);
        self.owner(host);
    }

    /// Where SELinux only reports, nothing is in the way.
    fn selinux(&mut self, confinement: &Confinement) {
        const PATH: &str = "/sys/fs/selinux";
        const SOURCE: &str = "libvirt docs/kbase/launch_security_sev.rst";
        const FIX: &str = "Update selinux-policy: from 3.14.2.40 on it has a rule for the device. If there is one, \
                           `restorecon -v /dev/sev` puts its label right.";
        if confinement.selinux != Fact::Known(true) {
            return;
        }
        match &confinement.svirt {
            Fact::Known(rule) if rule.enough() => {}
            Fact::Known(rule) => {
                let title = format!("SELinux does not let {} use {} (/dev/sev)", rule.guest, rule.device);
                self.fail(PATH, SOURCE, title, FIX);
            }
            Fact::Absent | Fact::NotAsked | Fact::Unreadable(_) => {
                let finding = self.add(
                    Severity::Warning,
                    PATH,
                    SOURCE,
                    "SELinux enforces, and whether its policy lets QEMU use /dev/sev is not known".into(),
                );
                finding.detail = "selinux-policy before 3.14.2.40 does not.".into();
                finding.fix =
                    "See whether `sesearch -A -s svirt_t -t sev_device_t -c chr_file` shows a rule.".into();
            }
        }
    }

    /// In a mount namespace libvirt makes QEMU's user the owner of the device, and nowhere else: elsewhere every process
    /// of that user could take the platform away from the others.
    fn owner(&mut self, host: &HostFacts) {
        const SOURCE: &str = "libvirt src/security/security_dac.c, virSecurityDACSetSEVLabel";
        let confinement = &host.machine.confinement;
        let off = if confinement.namespaces == Fact::Known(false) {
            "libvirt's mount namespaces are off"
        } else if confinement.dynamic_ownership == Fact::Known(false) {
            "dynamic_ownership is off"
        } else {
            return;
        };
        let Some(access) = host.machine.access.known() else { return };
        let fix = "Take the setting out of /etc/libvirt/qemu.conf, or give QEMU's group the device with a udev rule.";
        match &confinement.qemu {
            Fact::Known(user) if access.open_to(user) => {}
            Fact::Known(user) => {
                let title = format!("{off}, and QEMU's user {} cannot open /dev/sev", user.name);
                self.fail("/etc/libvirt/qemu.conf", SOURCE, title, fix);
            }
            Fact::Absent | Fact::Unreadable(_) | Fact::NotAsked if access.mode & 0o6 != 0o6 => {
                let title = format!("{off}, so QEMU's user must be able to open /dev/sev by itself");
                self.add(Severity::Warning, "/etc/libvirt/qemu.conf", SOURCE, title).fix = fix.into();
            }
            Fact::Absent | Fact::Unreadable(_) | Fact::NotAsked => {}
        }
    }
}
