//! A libvirtd that only defines: what it takes, what it refuses, and how it writes it back. In: documents. Out: libvirt's
//! own text, or its reason. Never: a started guest.

use crate::cases;
use crate::lab::Lab;
use std::sync::OnceLock;
use virt_sev::launch::{Guest as _, Hypervisor as _};
use virt_sev_sys::Libvirt;

/// Images as distributions describe them, beside those of `tests/roots/milan`: (file, image, mapping, features). libvirt
/// looks at descriptors when it defines, and at images only when it starts.
const DESCRIPTORS: &[(&str, &str, &str, &str)] = &[
    (
        "30-enrolled.json",
        "/usr/share/OVMF/OVMF_CODE_4M.ms.fd",
        "split",
        r#""amd-sev", "requires-smm", "secure-boot", "enrolled-keys""#,
    ),
    ("61-stateless.json", "/usr/share/OVMF/OVMF.stateless.fd", "stateless", r#""amd-sev", "amd-sev-es""#),
    ("62-split.json", "/usr/share/OVMF/OVMF_CODE.fd", "split", r#""amd-sev", "amd-sev-es""#),
];

/// One connection to the lab that this and other tests define in.
pub(crate) struct Defining {
    libvirt: Libvirt,
    pub(crate) lab: &'static Lab,
}

impl Defining {
    pub(crate) fn open() -> Self {
        static LAB: OnceLock<Lab> = OnceLock::new();
        let lab = LAB.get_or_init(|| {
            let lab = Lab::start_with_kvm();
            describe_firmware(&lab);
            lab
        });
        Self { libvirt: Libvirt::open(Some(&lab.uri)).unwrap(), lab }
    }

    /// The document for this lab: its emulator, and no KVM where there is none.
    pub(crate) fn suited(&self, xml: &str) -> String {
        let emulator = self.lab.dir.join("bin/qemu-system-x86_64");
        let xml = xml.replace("/usr/bin/qemu-system-x86_64", emulator.to_str().unwrap());
        if self.lab.kvm {
            return xml;
        }
        xml.replacen("type='kvm'", "type='qemu'", 1).replacen("type=\"kvm\"", "type=\"qemu\"", 1)
    }

    /// Rules that a lab without KVM cannot satisfy.
    pub(crate) fn skipped(&self) -> &'static [&'static str] {
        if self.lab.kvm { &[] } else { &["kvm"] }
    }

    /// Defines it, reads it back and removes it. `Err` holds libvirt's reason.
    pub(crate) fn define(&self, xml: &str) -> Result<String, String> {
        let guest = self.libvirt.define(&self.suited(xml)).map_err(|e| e.to_string())?;
        let text = guest.definition().map_err(|e| e.to_string());
        guest.undefine().map_err(|e| e.to_string())?;
        text
    }
}

/// A session daemon reads descriptors below XDG_CONFIG_HOME, which in a lab is `config/`.
fn describe_firmware(lab: &Lab) {
    let folder = lab.dir.join("config/qemu/firmware");
    std::fs::create_dir_all(&folder).unwrap();
    let known = cases::tests().join("roots/milan/usr/share/qemu/firmware");
    for file in std::fs::read_dir(known).unwrap().map(|f| f.unwrap()) {
        std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    for (file, image, mode, features) in DESCRIPTORS {
        let variables = image.replace("CODE", "VARS");
        let machines = if features.contains("smm") { "pc-q35-*" } else { "pc-*" };
        let store = if *mode == "split" {
            format!(r#", "nvram-template": {{"filename": "{variables}", "format": "raw"}}"#)
        } else {
            String::new()
        };
        let text = format!(
            r#"{{"description": "for tests", "interface-types": ["uefi"], "mapping": {{"device": "flash",
            "mode": "{mode}", "executable": {{"filename": "{image}", "format": "raw"}}{store}}}, "targets": [{{
            "architecture": "x86_64", "machines": ["{machines}"]}}], "features": [{features}], "tags": []}}"#
        );
        std::fs::write(folder.join(file), text).unwrap();
    }
}
