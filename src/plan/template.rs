//! The fragments of `xml-templates/`. In: files, compiled in. Out: [`Template`]. Never: a value.

use crate::codes::Kind;
use crate::domain::Node;
use crate::error::Error;
use std::sync::OnceLock;

/// One file of `xml-templates/`.
#[derive(Debug)]
pub(crate) struct Template {
    /// The file.
    pub(crate) file: &'static str,
    text: &'static str,
    parsed: OnceLock<Option<Node>>,
}

impl Template {
    /// The fragment with its slots still in it; read once.
    pub(crate) fn node(&self) -> Result<&Node, Error> {
        self.parsed
            .get_or_init(|| Node::parse_static(self.text).ok())
            .as_ref()
            .ok_or_else(|| Error::new(Kind::Bug, "this template is not XML").at(self.file))
    }
}

macro_rules! templates {
    ($($name:ident = $file:literal;)*) => {
        $(pub(crate) static $name: Template = Template {
            file: $file,
            text: include_str!(concat!("../../xml-templates/", $file)),
            parsed: OnceLock::new(),
        };)*
        /// Every fragment, for the tests that walk them.
        #[cfg(test)]
        pub(crate) static ALL: &[&Template] = &[$(&$name),*];
    };
}

templates! {
    ACPI = "acpi.xml";
    CONTROLLER_VIRTIO_SERIAL = "controller-virtio-serial.xml";
    DRIVER_IOMMU = "driver-iommu.xml";
    DUMP_CORE_OFF = "dump-core-off.xml";
    FIRMWARE_AUTO = "firmware-auto.xml";
    HARD_LIMIT = "hard-limit.xml";
    HUGEPAGES = "hugepages.xml";
    HUGEPAGES_PAGE = "hugepages-page.xml";
    HUGEPAGES_SIZE = "hugepages-size.xml";
    KERNEL_HASHES = "kernel-hashes.xml";
    LAUNCH_SECURITY_SEV = "launch-security-sev.xml";
    LAUNCH_SECURITY_SNP = "launch-security-snp.xml";
    LOADER_EMPTY = "loader-empty.xml";
    LOADER_PFLASH = "loader-pflash.xml";
    LOADER_ROM = "loader-rom.xml";
    LOADER_STATELESS = "loader-stateless.xml";
    MEMBALLOON = "memballoon.xml";
    MEMBALLOON_KEEPS = "memballoon-keeps.xml";
    MEMFD = "memfd.xml";
    MEMORY_LOCKED = "memory-locked.xml";
    METADATA_CONFIG = "metadata-config.xml";
    ON_CRASH = "on-crash.xml";
    ON_POWEROFF = "on-poweroff.xml";
    ON_REBOOT = "on-reboot.xml";
    ROM_OFF = "rom-off.xml";
    SECURE_BOOT_FEATURE_OFF = "secure-boot-feature-off.xml";
    SECURE_BOOT_OFF = "secure-boot-off.xml";
    SMM_OFF = "smm-off.xml";
    SUSPEND_OFF = "suspend-off.xml";
    VERIFIED = "verified.xml";
    VIRTIO_MODEL = "virtio-model.xml";
    VIRTIO_MODEL_ELEMENT = "virtio-model-element.xml";
    VMCOREINFO_OFF = "vmcoreinfo-off.xml";
}
