//! What the processor says of SEV. In: CPUID leaves. Out: [`SevCpuid`] and the vendor.
//! Never: a guess from family or model.

use super::facts::{Fact, SevCpuid};
use super::probe::{CpuidRegs, Probe};

/// AMD APM volume 3, appendix E.4.17 "Encrypted Memory Capabilities".
const LEAF_SEV: u32 = 0x8000_001f;
/// Its EAX: the highest extended leaf.
const LEAF_HIGHEST: u32 = 0x8000_0000;

/// The vendor's name, 12 characters: `AuthenticAMD`.
pub(super) fn vendor(probe: &dyn Probe) -> Fact<String> {
    match probe.cpuid(0, 0) {
        Fact::Known(r) => {
            let bytes: Vec<u8> = [r.ebx, r.edx, r.ecx].iter().flat_map(|v| v.to_le_bytes()).collect();
            Fact::Known(String::from_utf8_lossy(&bytes).into_owned())
        }
        Fact::Absent => Fact::Absent,
        Fact::Unreadable(why) => Fact::Unreadable(why),
        Fact::NotAsked => Fact::NotAsked,
    }
}

/// The leaf of encrypted memory. Absent on a processor of another vendor or without the leaf: only AMD gives it
/// this meaning, and beyond the highest leaf CPUID answers with anything. A text that has the leaf and not these
/// two, as `cpuid -1 -r -l 0x8000001f` prints it, is taken as it is.
pub(super) fn sev(probe: &dyn Probe) -> Fact<SevCpuid> {
    let other_vendor = vendor(probe).known().is_some_and(|name| name != "AuthenticAMD");
    let too_low = probe.cpuid(LEAF_HIGHEST, 0).known().is_some_and(|r| r.eax < LEAF_SEV);
    if other_vendor || too_low {
        return Fact::Absent;
    }
    match probe.cpuid(LEAF_SEV, 0) {
        Fact::Known(r) => Fact::Known(SevCpuid {
            sev: r.eax >> 1 & 1 == 1,
            sev_es: r.eax >> 3 & 1 == 1,
            sev_snp: r.eax >> 4 & 1 == 1,
            cbitpos: r.ebx & 0x3f,
            reduced_phys_bits: r.ebx >> 6 & 0x3f,
            max_asid: r.ecx,
            min_sev_asid: r.edx,
        }),
        Fact::Absent => Fact::Absent,
        Fact::Unreadable(why) => Fact::Unreadable(why),
        Fact::NotAsked => Fact::NotAsked,
    }
}

/// The brand string, three leaves of 16 characters.
pub(super) fn brand(probe: &dyn Probe) -> Fact<String> {
    if probe.cpuid(LEAF_HIGHEST, 0).known().is_none_or(|r| r.eax < 0x8000_0004) {
        return Fact::Absent;
    }
    let leaves = (0x8000_0002..=0x8000_0004).filter_map(|leaf| probe.cpuid(leaf, 0).known().copied());
    let bytes: Vec<u8> =
        leaves.flat_map(|r| [r.eax, r.ebx, r.ecx, r.edx]).flat_map(u32::to_le_bytes).collect();
    let text = String::from_utf8_lossy(&bytes).trim_matches(['\0', ' ']).to_owned();
    if text.is_empty() { Fact::Absent } else { Fact::Known(text) }
}

/// Family, model and stepping (AMD APM volume 3, CPUID Fn0000_0001_EAX).
pub(super) fn signature(probe: &dyn Probe) -> Fact<(u32, u32, u32)> {
    probe.cpuid(1, 0).map(|r| {
        let (base, extended) = (r.eax >> 8 & 0xf, r.eax >> 20 & 0xff);
        let family = if base == 0xf { base + extended } else { base };
        let model = r.eax >> 4 & 0xf | if base == 0xf || base == 6 { r.eax >> 12 & 0xf0 } else { 0 };
        (family, model, r.eax & 0xf)
    })
}

/// Bit 31 of ECX is kept free by processors and set by hypervisors.
pub(super) fn virtual_machine(probe: &dyn Probe) -> Fact<bool> {
    probe.cpuid(1, 0).map(|r| r.ecx >> 31 == 1)
}

/// One leaf out of the text that `cpuid -r` prints: `CPU 0:`, then lines such as
/// `0x8000001f 0x00: eax=0x0101fd3f ebx=0x00004173 ecx=0x000001fd edx=0x00000001`. Only the first CPU counts.
pub(super) fn from_text(text: &str, leaf: u32, subleaf: u32) -> Fact<CpuidRegs> {
    let mut cpus = 0;
    let mut lines = 0;
    for line in text.lines().map(str::trim) {
        if line.starts_with("CPU") {
            cpus += 1;
            if cpus > 1 {
                break;
            }
            continue;
        }
        let Some((this, regs)) = one_line(line) else { continue };
        lines += 1;
        if this == (leaf, subleaf) {
            return Fact::Known(regs);
        }
    }
    if lines == 0 { Fact::Unreadable("/cpuid: not the text of `cpuid -r`".into()) } else { Fact::Absent }
}

fn one_line(line: &str) -> Option<((u32, u32), CpuidRegs)> {
    let (head, registers) = line.split_once(':')?;
    let mut numbers = head.split_whitespace().map(hex);
    let (leaf, subleaf) = (numbers.next()??, numbers.next()??);
    let mut regs = CpuidRegs::default();
    let mut seen = 0;
    for word in registers.split_whitespace() {
        let (name, value) = word.split_once('=')?;
        let target = match name {
            "eax" => &mut regs.eax,
            "ebx" => &mut regs.ebx,
            "ecx" => &mut regs.ecx,
            "edx" => &mut regs.edx,
            _ => return None,
        };
        *target = hex(value)?;
        seen += 1;
    }
    (seen == 4).then_some(((leaf, subleaf), regs))
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "CPU 0:\n   0x00000000 0x00: eax=0x00000010 ebx=0x68747541 ecx=0x444d4163 edx=0x69746e65\n\
        \n   0x8000001f 0x00: eax=0x0101fd3f ebx=0x00004173 ecx=0x000001fd edx=0x00000001\n\
        CPU 1:\n   0x80000000 0x00: eax=0x80000023 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n";

    #[test]
    fn only_the_first_processor_counts() {
        let regs = CpuidRegs { eax: 0x0101_fd3f, ebx: 0x4173, ecx: 0x1fd, edx: 1 };
        assert_eq!(from_text(TEXT, LEAF_SEV, 0), Fact::Known(regs));
        assert_eq!(from_text(TEXT, LEAF_HIGHEST, 0), Fact::Absent);
        assert_eq!(from_text(TEXT, LEAF_SEV, 1), Fact::Absent);
    }

    #[test]
    fn other_text_is_told() {
        for text in ["", "hello\n", "0x0 0x0: eax=1\n", "0x0 0x0: eax=0x1 ebx=0x1 ecx=0x1 foo=0x1\n"] {
            assert!(matches!(from_text(text, 0, 0), Fact::Unreadable(_)), "{text:?}");
        }
    }
}
