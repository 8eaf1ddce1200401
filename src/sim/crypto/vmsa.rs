//! The saved state of a virtual processor, as LAUNCH_UPDATE_VMSA measures it.
//! In: a processor's CPUID signature and the reset address of the others. Out: pages of 4096 bytes.
//! Never: FCW and MXCSR: `KVM_SEV_INIT`, which QEMU uses for `sev-guest`, leaves them zero.
//!
//! Offsets: AMD64 Architecture Programmer's Manual, volume 2, table B-4. Values: the processor's reset state (ibid.,
//! table 14-1), what KVM adds (`svm_set_cr4`, `svm_set_efer`), and what QEMU sets (`x86_cpu_reset_hold`).

/// One page.
pub const PAGE: usize = 4096;

/// The first processor's page, and every other one's after it.
#[must_use]
pub fn pages(vcpus: u32, signature: u32, reset: u32) -> Vec<u8> {
    let mut all = page(0xffff_0000, 0xfff0, signature);
    let other = page(u64::from(reset & 0xffff_0000), u64::from(reset & 0xffff), signature);
    for _ in 1..vcpus {
        all.extend(&other);
    }
    all
}

fn page(cs_base: u64, rip: u64, signature: u32) -> Vec<u8> {
    let mut page = vec![0u8; PAGE];
    let mut segment = |at: usize, selector: u16, attributes: u16, base: u64| {
        page[at..at + 2].copy_from_slice(&selector.to_le_bytes());
        page[at + 2..at + 4].copy_from_slice(&attributes.to_le_bytes());
        page[at + 4..at + 8].copy_from_slice(&0xffffu32.to_le_bytes());
        page[at + 8..at + 16].copy_from_slice(&base.to_le_bytes());
    };
    const DATA: u16 = 0x93; // present, writable, accessed
    segment(0x00, 0, DATA, 0); // ES
    segment(0x10, 0xf000, 0x9b, cs_base); // CS: present, readable code, accessed
    for at in [0x20, 0x30, 0x40, 0x50] {
        segment(at, 0, DATA, 0); // SS, DS, FS, GS
    }
    segment(0x60, 0, 0, 0); // GDTR
    segment(0x70, 0, 0x82, 0); // LDTR
    segment(0x80, 0, 0, 0); // IDTR
    segment(0x90, 0, 0x8b, 0); // TR: busy TSS
    for (at, value) in [
        (0xd0, 0x1000),                 // EFER.SVME
        (0x148, 0x40),                  // CR4.MCE
        (0x158, 0x10),                  // CR0.ET
        (0x160, 0x400),                 // DR7
        (0x168, 0xffff_0ff0),           // DR6
        (0x170, 0x2),                   // RFLAGS
        (0x178, rip),                   // RIP
        (0x268, 0x0007_0406_0007_0406), // PAT
        (0x310, u64::from(signature)),  // RDX
        (0x3e8, 0x1),                   // XCR0
    ] {
        page[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    page
}

/// CPUID function 1, EAX, for this family, model and stepping (APM volume 3, "Fn0000_0001_EAX").
#[must_use]
pub fn signature(family: u32, model: u32, stepping: u32) -> u32 {
    let (family, extended) = if family > 0xf { (0xf, family - 0xf) } else { (family, 0) };
    extended << 20 | (model >> 4 & 0xf) << 16 | family << 8 | (model & 0xf) << 4 | stepping & 0xf
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_processors() {
        assert_eq!(signature(25, 1, 1), 0x00a0_0f11, "EPYC-Milan");
        assert_eq!(signature(23, 49, 0), 0x0083_0f10, "EPYC-Rome");
        assert_eq!(signature(6, 15, 11), 0x0000_06fb, "no extended family");
    }

    #[test]
    fn others_start_at_the_reset_address() {
        let pages = pages(3, 0x00a0_0f11, 0x0080_b004);
        assert_eq!(pages.len(), 3 * PAGE);
        assert_eq!(pages[0x178..0x17a], [0xf0, 0xff]);
        assert_eq!(pages[PAGE + 0x178..PAGE + 0x17a], [0x04, 0xb0]);
        assert_eq!(pages[PAGE + 0x18..PAGE + 0x1c], [0, 0, 0x80, 0]);
        assert_eq!(pages[PAGE..2 * PAGE], pages[2 * PAGE..]);
    }
}
