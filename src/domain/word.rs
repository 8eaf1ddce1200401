//! The words of libvirt's devices. In: an attribute's value. Out: [`Word`]. Never: a judgement.

use std::borrow::Cow;
use std::ops::Deref;

/// A value that is nearly always one of libvirt's own words. Those are not copied: a document with many devices has the
/// same dozen words over and over.
#[derive(Clone, PartialEq, Eq)]
pub struct Word(Inner);

#[derive(Clone, PartialEq, Eq)]
enum Inner {
    Known(&'static str),
    /// Never one of the known.
    Other(Box<str>),
}

macro_rules! known {
    ($($word:literal)*) => {
        fn known(value: &str) -> Option<&'static str> {
            match value {
                $($word => Some($word),)*
                _ => None,
            }
        }
    };
}

// Nothing depends on this list but speed.
known! {
    "file" "block" "network" "bridge" "user" "ethernet" "hostdev" "vhostuser" "volume" "pci" "usb" "mdev"
    "disk" "cdrom" "lun" "floppy" "virtio" "sata" "scsi" "ide" "fdc" "ps2" "nvme"
    "virtio-serial" "virtio-scsi" "virtio-transitional" "virtio-non-transitional" "none" "vga" "qxl" "bochs" "e1000e"
    "pcie-root" "pcie-root-port" "pcie-to-pci-bridge" "qemu-xhci" "ich9" "ich9-ehci1"
    "unix" "pty" "tcp" "spicevmc" "serial" "tablet" "mouse" "keyboard" "passthrough" "subsystem" "mount"
}

impl From<Cow<'_, str>> for Word {
    fn from(value: Cow<'_, str>) -> Self {
        Self(match known(&value) {
            Some(word) => Inner::Known(word),
            None => Inner::Other(value.into()),
        })
    }
}

impl From<&str> for Word {
    fn from(value: &str) -> Self {
        Cow::Borrowed(value).into()
    }
}

impl Deref for Word {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Inner::Known(word) => word,
            Inner::Other(text) => text,
        }
    }
}

impl std::fmt::Debug for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&**self, f)
    }
}
