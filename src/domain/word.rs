//! The words of libvirt's devices. In: an attribute's value. Out: [`Word`]. Never: a judgement, a copy of the text.

use std::borrow::Cow;

macro_rules! words {
    ($($name:ident = $text:literal,)*) => {
        /// A value that a fact or a rule looks for. One byte: a document may have thousands of devices, and each of them
        /// says some of these. What another value is, the attribute itself says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Word {
            $(#[doc = concat!("`", $text, "`.")] $name,)*
            /// Any other that begins with `virtio`.
            OtherVirtio,
            /// Any other.
            Other,
        }

        impl From<&str> for Word {
            fn from(value: &str) -> Self {
                match value {
                    $($text => Self::$name,)*
                    _ if value.starts_with("virtio") => Self::OtherVirtio,
                    _ => Self::Other,
                }
            }
        }
    };
}

words! {
    Cdrom = "cdrom",
    Disk = "disk",
    Fdc = "fdc",
    Floppy = "floppy",
    Hostdev = "hostdev",
    Ide = "ide",
    Lun = "lun",
    Mdev = "mdev",
    Mtp = "mtp",
    Ne2kIsa = "ne2k_isa",
    None = "none",
    Passthrough = "passthrough",
    Pci = "pci",
    Qxl = "qxl",
    Scsi = "scsi",
    ScsiHost = "scsi_host",
    SgxEpc = "sgx-epc",
    Subsystem = "subsystem",
    UsbNet = "usb-net",
    VhostUser = "vhostuser",
    Virtio = "virtio",
    VirtioFs = "virtiofs",
    VirtioNonTransitional = "virtio-non-transitional",
    VirtioSerial = "virtio-serial",
    VirtioTransitional = "virtio-transitional",
    Xen = "xen",
}

impl From<Cow<'_, str>> for Word {
    fn from(value: Cow<'_, str>) -> Self {
        Self::from(&*value)
    }
}

impl Word {
    /// True for a model that is virtio's.
    #[must_use]
    pub fn is_virtio(self) -> bool {
        matches!(
            self,
            Self::Virtio
                | Self::VirtioFs
                | Self::VirtioNonTransitional
                | Self::VirtioSerial
                | Self::VirtioTransitional
                | Self::OtherVirtio
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Word;

    #[test]
    fn what_begins_with_virtio_is_virtio() {
        for (text, word) in [
            ("virtio", Word::Virtio),
            ("virtio-transitional", Word::VirtioTransitional),
            ("virtio-gpu-gl", Word::OtherVirtio),
            ("virtiofs", Word::VirtioFs),
        ] {
            assert_eq!(Word::from(text), word);
            assert!(word.is_virtio());
        }
        for text in ["Virtio", "e1000e", ""] {
            assert_eq!(Word::from(text), Word::Other);
            assert!(!Word::from(text).is_virtio());
        }
        assert!(!Word::Scsi.is_virtio());
    }
}
