//! All facts that can be read without libvirt. In: a [`Probe`]. Out: [`HostFacts`]. Never: an error.

use super::facts::{Fact, HostFacts};
use super::firmware::{self, Images};
use super::probe::Probe;
use super::{cpuid, kvm_amd};
use crate::image::ImageContents;
use std::path::{Path, PathBuf};

impl HostFacts {
    /// Reads what this probe shows. Domain capabilities and node information come from libvirt: the caller adds
    /// them. `extra_images` are firmware images that no descriptor need name: `security.sev.firmware`, `<loader>`.
    #[must_use]
    pub fn gather(probe: &dyn Probe, extra_images: &[PathBuf]) -> Self {
        let mut images = Images::default();
        let firmware = firmware::descriptors(probe, &mut images);
        for image in extra_images {
            images.inspect(probe, image);
        }
        let kvm_amd = kvm_amd::read(probe);
        let dev_sev = probe.exists(Path::new("/dev/sev"));
        Self {
            cpu_vendor: cpuid::vendor(probe),
            cpuid: cpuid::sev(probe),
            machine: super::read::machine(probe, &dev_sev, kvm_amd.sev_snp == Fact::Known(true)),
            kvm_amd,
            dev_sev,
            memory: super::memory::memory(probe),
            domcaps: Fact::NotAsked,
            node_sev: Fact::NotAsked,
            firmware,
            images: images.into_facts(),
        }
    }

    /// What these firmware images hold, and nothing else.
    #[must_use]
    pub fn of_images(probe: &dyn Probe, paths: &[PathBuf]) -> Self {
        let mut images = Images::default();
        for path in paths {
            images.inspect(probe, path);
        }
        Self { images: images.into_facts(), ..Self::not_asked() }
    }

    /// What this firmware image holds. [`Fact::NotAsked`] for one that nobody looked into.
    #[must_use]
    pub fn firmware_image(&self, image: &Path) -> &Fact<ImageContents> {
        self.images.iter().find(|(path, _)| path == image).map_or(&Fact::NotAsked, |(_, contents)| contents)
    }
}
