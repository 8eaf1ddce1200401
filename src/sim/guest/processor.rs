//! The processor of the machine that the simulator runs on, which a guest with `-cpu host` has under KVM.
//! In: `/proc/cpuinfo`. Out: CPUID function 1, EAX. Never: the processor that TCG plays.

use crate::crypto::vmsa;
use crate::error::{Context, Error, Result};

/// As QEMU takes it over (`target/i386/host-cpu.c`, `host_cpu_vendor_fms`).
///
/// # Errors
/// Linux does not tell the processor.
pub fn of_this_machine() -> Result<u32> {
    let file = "/proc/cpuinfo";
    read(&std::fs::read_to_string(file).at(file)?)
        .ok_or_else(|| Error::new(format!("{file} names no processor")))
}

fn read(cpuinfo: &str) -> Option<u32> {
    let number = |name: &str| {
        let line = cpuinfo.lines().find(|l| l.split(':').next().is_some_and(|k| k.trim() == name))?;
        line.split(':').nth(1)?.trim().parse().ok()
    };
    Some(vmsa::signature(number("cpu family")?, number("model")?, number("stepping")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_in_the_lines_of_the_first_processor() {
        let milan = "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC\n\
                     stepping\t: 1\n\nprocessor\t: 1\ncpu family\t: 6\n";
        assert_eq!(read(milan), Some(0x00a0_0f11));
        assert_eq!(read("processor\t: 0\n"), None);
    }
}
