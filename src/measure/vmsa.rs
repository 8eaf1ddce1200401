//! VMSA pages: the encrypted register state in which each processor of an SEV-ES guest starts.
//! In: a saved page, or a processor's signature and the firmware's reset address. Out: pages of 4096 bytes.
//! Never: a value of the host it runs on.
//!
//! Layout: AMD APM volume 2, table B-4. Values after INIT: the same, 14.1.3. What KVM and QEMU set besides:
//! `arch/x86/kvm/svm/{svm,sev}.c` and `target/i386/cpu.c` (`x86_cpu_reset`).

use super::cpu::CpuSignature;
use crate::{Error, Kind, Result};
use std::fmt;
use std::io::Read;

/// Bytes of a VMSA page.
pub const VMSA_SIZE: usize = 4096;

/// Which of the two states KVM gives a processor before its page is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InitialState {
    /// `KVM_SEV_INIT`: MXCSR and FCW are 0 (as virt-qemu-sev-validate and sevctl compute it). QEMU:
    /// `legacy-vm-type=on`.
    Legacy,
    /// `KVM_SEV_INIT2`: MXCSR is 0x1f80 and FCW 0x37f (as sev-snp-measure computes it). QEMU:
    /// `legacy-vm-type=off`.
    Init2,
}

impl InitialState {
    /// Both, the older first.
    pub const ALL: [InitialState; 2] = [InitialState::Legacy, InitialState::Init2];

    /// What QEMU's `legacy-vm-type=auto` comes to, the default since 9.1: the newer one only where a feature is asked for
    /// (`target/i386/sev.c`, `sev_init2_required`).
    #[must_use]
    pub fn auto(features: u64) -> Self {
        if features == 0 { InitialState::Legacy } else { InitialState::Init2 }
    }
}

impl fmt::Display for InitialState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InitialState::Legacy => "KVM_SEV_INIT",
            InitialState::Init2 => "KVM_SEV_INIT2",
        })
    }
}

/// SEV_FEATURES, bit 0: the guest is an SEV-SNP guest (APM volume 2, table B-4; Linux, `SVM_SEV_FEAT_SNP_ACTIVE`).
pub const SNP_ACTIVE: u64 = 1 << 0;

/// SEV_FEATURES, bit 5: debug registers are swapped (Linux, `SVM_SEV_FEAT_DEBUG_SWAP`). Linux 6.6 and 6.7 set it by
/// themselves until a stable update ("SEV: disable SEV-ES DebugSwap by default"); since then QEMU must ask for it
/// (`debug-swap=on`).
pub const DEBUG_SWAP: u64 = 1 << 5;

/// What decides the registers in which QEMU and KVM start a processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VcpuSetup {
    /// Its signature.
    pub cpu: CpuSignature,
    /// The initial state.
    pub state: InitialState,
    /// SEV_FEATURES.
    pub features: u64,
}

impl VcpuSetup {
    /// SEV-ES in this state, without any feature: what QEMU asks for unless it is told otherwise.
    #[must_use]
    pub fn sev_es(cpu: CpuSignature, state: InitialState) -> Self {
        Self { cpu, state, features: 0 }
    }

    /// SEV-SNP: there is one initial state, and KVM sets one feature by itself (`arch/x86/kvm/svm/sev.c`,
    /// `__sev_guest_init`).
    #[must_use]
    pub fn snp(cpu: CpuSignature) -> Self {
        Self { cpu, state: InitialState::Init2, features: SNP_ACTIVE }
    }
}

/// One VMSA page.
#[derive(Clone, PartialEq, Eq)]
pub struct Vmsa(Box<[u8; VMSA_SIZE]>);

impl fmt::Debug for Vmsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vmsa(4096 bytes)")
    }
}

impl Vmsa {
    /// A page that was saved, for example by `sevctl vmsa build`.
    ///
    /// # Errors
    /// `Kind::File` when it is not exactly 4096 bytes or cannot be read.
    pub fn read(from: &mut dyn Read) -> Result<Self> {
        let mut bytes = Vec::with_capacity(VMSA_SIZE + 1);
        from.take(VMSA_SIZE as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| Error::new(Kind::File, "cannot read the VMSA").because(e))?;
        let found = match bytes.len() {
            n if n > VMSA_SIZE => "more".to_owned(),
            n => format!("{n} bytes"),
        };
        match <Box<[u8; VMSA_SIZE]>>::try_from(bytes.into_boxed_slice()) {
            Ok(page) => Ok(Self(page)),
            Err(_) => Err(Error::new(Kind::File, "not a VMSA page")
                .found(found)
                .wanted(format!("{VMSA_SIZE} bytes"))),
        }
    }

    /// The page in which QEMU's boot processor starts.
    #[must_use]
    pub fn boot(setup: &VcpuSetup) -> Self {
        let mut page = Self(Box::new([0u8; VMSA_SIZE]));
        // Segments: selector, attributes, limit, base. The attributes are those of QEMU's x86_cpu_reset.
        page.segment(0x00, 0, 0x93, 0); // ES
        page.segment(0x10, 0xf000, 0x9b, 0xffff_0000); // CS
        page.segment(0x20, 0, 0x93, 0); // SS
        page.segment(0x30, 0, 0x93, 0); // DS
        page.segment(0x40, 0, 0x93, 0); // FS
        page.segment(0x50, 0, 0x93, 0); // GS
        page.segment(0x60, 0, 0, 0); // GDTR
        page.segment(0x70, 0, 0x82, 0); // LDTR
        page.segment(0x80, 0, 0, 0); // IDTR
        page.segment(0x90, 0, 0x8b, 0); // TR
        page.put(0xd0, &0x1000u64.to_le_bytes()); // EFER: KVM sets SVME
        page.put(0x148, &0x40u64.to_le_bytes()); // CR4: KVM sets MCE
        page.put(0x158, &0x10u64.to_le_bytes()); // CR0: ET
        page.put(0x160, &0x400u64.to_le_bytes()); // DR7
        page.put(0x168, &0xffff_0ff0u64.to_le_bytes()); // DR6
        page.put(0x170, &0x2u64.to_le_bytes()); // RFLAGS
        page.put(0x178, &0xfff0u64.to_le_bytes()); // RIP
        page.put(0x268, &0x0007_0406_0007_0406u64.to_le_bytes()); // G_PAT
        page.put(0x310, &u64::from(setup.cpu.eax()).to_le_bytes()); // RDX
        page.put(0x3b0, &setup.features.to_le_bytes()); // SEV_FEATURES
        page.put(0x3e8, &1u64.to_le_bytes()); // XCR0
        match setup.state {
            InitialState::Legacy => {}
            InitialState::Init2 => {
                page.put(0x408, &0x1f80u32.to_le_bytes()); // MXCSR
                page.put(0x410, &0x037fu16.to_le_bytes()); // X87_FCW
            }
        }
        page
    }

    /// The page in which every further processor starts: as the boot processor's, at the firmware's reset address
    /// (`ImageContents::es_reset_addr`).
    #[must_use]
    pub fn further(setup: &VcpuSetup, reset_addr: u32) -> Self {
        let mut page = Self::boot(setup);
        page.segment(0x10, 0xf000, 0x9b, u64::from(reset_addr & 0xffff_0000));
        page.put(0x178, &u64::from(reset_addr & 0xffff).to_le_bytes());
        page
    }

    /// The page's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; VMSA_SIZE] {
        &self.0
    }

    fn segment(&mut self, at: usize, selector: u16, attributes: u16, base: u64) {
        self.put(at, &selector.to_le_bytes());
        self.put(at + 2, &attributes.to_le_bytes());
        self.put(at + 4, &0xffffu32.to_le_bytes());
        self.put(at + 8, &base.to_le_bytes());
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }
}

/// The pages of all processors of a guest: the boot processor's, then the same one for each further processor.
#[derive(Debug, Clone)]
pub struct VcpuState {
    boot: Vmsa,
    further: Option<Vmsa>,
    count: u32,
}

impl VcpuState {
    /// From pages.
    ///
    /// # Errors
    /// `Kind::Usage` when the guest has no processor, or more than one and `further` is missing.
    pub fn new(boot: Vmsa, further: Option<Vmsa>, count: u32) -> Result<Self> {
        check_count(count)?;
        if count > 1 && further.is_none() {
            return Err(Error::new(Kind::Usage, "no VMSA for the further processors")
                .found(format!("{count} processors and one VMSA"))
                .hint("Give --vmsa-cpu1 too."));
        }
        Ok(Self { boot, further, count })
    }

    /// As QEMU and KVM set the processors up. `reset_addr` is the firmware's SEV-ES reset
    /// address, needed where the guest has more than one processor.
    ///
    /// # Errors
    /// `Kind::Usage` when the guest has no processor, `Kind::Firmware` when the reset address is missing.
    pub fn built(setup: &VcpuSetup, reset_addr: Option<u32>, count: u32) -> Result<Self> {
        check_count(count)?;
        let further = reset_addr.map(|addr| Vmsa::further(setup, addr));
        if count > 1 && further.is_none() {
            return Err(Error::new(
                Kind::Firmware,
                "the firmware has no SEV-ES reset address, so it cannot start a second processor",
            )
            .hint("Choose a firmware image with the SEV-ES reset block, such as OVMF.amdsev.fd."));
        }
        Ok(Self { boot: Vmsa::boot(setup), further, count })
    }

    /// The boot processor's page.
    #[must_use]
    pub fn boot(&self) -> &Vmsa {
        &self.boot
    }

    /// The page of every other processor, where it is known.
    #[must_use]
    pub fn further(&self) -> Option<&Vmsa> {
        self.further.as_ref()
    }

    /// The pages in the order in which they are measured.
    pub fn pages(&self) -> impl Iterator<Item = &Vmsa> {
        let others = usize::try_from(self.count - 1).unwrap_or(usize::MAX);
        std::iter::once(&self.boot).chain(self.further.iter().cycle().take(others))
    }
}

fn check_count(count: u32) -> Result<()> {
    // QEMU's own limit for q35 (hw/i386/pc_q35.c, `max_cpus`); more is a typing error.
    const MOST: u32 = 4096;
    if (1..=MOST).contains(&count) {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, "not a number of processors")
        .found(count.to_string())
        .wanted(format!("1 to {MOST}")))
}

#[cfg(test)]
#[path = "vmsa_tests.rs"]
mod tests;
