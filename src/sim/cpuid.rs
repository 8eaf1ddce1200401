//! The processor's leaf of encrypted memory, as libvirt's daemon sees it in the lab.
//! In: a call of libvirt. Out: leaf 0x8000001F as the settings have it, every other as it is. Never: outside the lab.
//!
//! libvirt counts the guests of each mode by CPUID, not by what QEMU says (`src/qemu/qemu_capabilities.c`). `sev-lab`
//! gives its daemon this library to load first (`LD_PRELOAD`), whose function then stands before libvirt's own. Where
//! libvirt has no function of this name, nobody calls it, and the numbers are the machine's.

use crate::settings::{Mode, Settings};
use std::ffi::c_int;
use std::path::Path;

/// Names the settings file to the library.
pub const SETTINGS: &str = "VIRT_SEV_SIM_SETTINGS";
/// The library's file name.
pub const LIBRARY: &str = "libvirt_sev_sim.so";

/// AMD APM volume 3, appendix E.4.17.
const LEAF: u32 = 0x8000_001f;

/// EAX, EBX, ECX and EDX of the leaf on the platform of these settings.
#[must_use]
pub fn leaf(settings: &Settings) -> [u32; 4] {
    let offers = |mode| settings.offers(mode, &settings.faults);
    if !offers(Mode::Sev) {
        return [0; 4];
    }
    let es_asids = if offers(Mode::Es) || offers(Mode::Snp) { settings.es_asids } else { 0 };
    let bits = [(Mode::Sev, 1), (Mode::Es, 3), (Mode::Snp, 4)];
    let eax = bits.iter().filter(|(mode, _)| offers(*mode)).fold(1, |eax, (_, bit)| eax | 1 << bit);
    let ebx = settings.cbitpos & 0x3f | (settings.reduced_phys_bits & 0x3f) << 6;
    [eax, ebx, es_asids.saturating_add(settings.asids), es_asids.saturating_add(1)]
}

/// libvirt's function of this name (`src/util/virhostcpu.c`): what is not wanted is NULL.
///
/// # Safety
/// Each pointer is NULL or may be written.
#[unsafe(no_mangle)]
#[allow(non_snake_case, reason = "libvirt's name")]
pub unsafe extern "C" fn virHostCPUX86GetCPUID(
    number: u32,
    subleaf: u32,
    eax: *mut u32,
    ebx: *mut u32,
    ecx: *mut u32,
    edx: *mut u32,
) -> c_int {
    let told = std::env::var_os(SETTINGS).filter(|_| number == LEAF);
    let settings = told.and_then(|file| Settings::read(Path::new(&file)).ok());
    let registers = settings.as_ref().map_or_else(|| processor(number, subleaf), leaf);
    for (to, value) in [eax, ebx, ecx, edx].into_iter().zip(registers) {
        if !to.is_null() {
            // SAFETY: not NULL, so the caller lets it be written.
            unsafe { to.write(value) };
        }
    }
    0
}

#[cfg(target_arch = "x86_64")]
fn processor(number: u32, subleaf: u32) -> [u32; 4] {
    let r = core::arch::x86_64::__cpuid_count(number, subleaf);
    [r.eax, r.ebx, r.ecx, r.edx]
}

#[cfg(not(target_arch = "x86_64"))]
fn processor(_number: u32, _subleaf: u32) -> [u32; 4] {
    [0; 4]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Fault;

    #[test]
    fn the_leaf_is_what_the_settings_offer() {
        let all = Settings::default();
        assert_eq!(leaf(&all), [0b1_1011, 51 | 1 << 6, 509, 100]);
        let sev = Settings { modes: vec![Mode::Sev], ..Settings::default() };
        assert_eq!(leaf(&sev), [0b0_0011, 51 | 1 << 6, 410, 1]);
        let none = Settings { faults: vec![Fault::NoSev], ..Settings::default() };
        assert_eq!(leaf(&none), [0; 4]);
    }

    #[test]
    fn other_leaves_are_the_processors_and_null_is_left_alone() {
        let mut eax = u32::MAX;
        let null = std::ptr::null_mut();
        // SAFETY: one pointer may be written, the others are NULL.
        let rc = unsafe { virHostCPUX86GetCPUID(0, 0, &raw mut eax, null, null, null) };
        assert_eq!((rc, eax), (0, processor(0, 0)[0]));
    }
}
