//! The firmware images of a host, for a reader. In: a [`Probe`]. Out: each descriptor with its image's size and digest.
//! Never: a choice among them; that is the plan's.

use super::facts::{Fact, FirmwareDescriptor};
use super::firmware::{self, Images, LONGEST_IMAGE};
use super::probe::Probe;
use sha2::{Digest as _, Sha256};

/// A descriptor and the file that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The descriptor, with what its image really holds.
    pub descriptor: FirmwareDescriptor,
    /// The image's size in bytes and its SHA-256: what an owner pins.
    pub file: Fact<(u64, [u8; 32])>,
}

/// The images that the descriptors name, in libvirt's order of precedence.
#[must_use]
pub fn inventory(probe: &dyn Probe) -> Fact<Vec<Image>> {
    let image = |descriptor: FirmwareDescriptor| {
        let file = match probe.read(&descriptor.image, LONGEST_IMAGE) {
            Fact::Known(bytes) => Fact::Known((bytes.len() as u64, Sha256::digest(&bytes).into())),
            Fact::Absent => Fact::Absent,
            Fact::Unreadable(why) => Fact::Unreadable(why),
            Fact::NotAsked => Fact::NotAsked,
        };
        Image { descriptor, file }
    };
    match firmware::descriptors(probe, &mut Images::default()) {
        Fact::Known(all) => Fact::Known(all.into_iter().map(image).collect()),
        Fact::Absent => Fact::Absent,
        Fact::Unreadable(why) => Fact::Unreadable(why),
        Fact::NotAsked => Fact::NotAsked,
    }
}
