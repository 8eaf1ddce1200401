//! From the description of a launch to the digests that its owner accepts. In: firmware, kernel hashes, policy,
//! processors. Out: [`Expected`]. Never: a processor that is guessed, or a digest for the wrong mode.

use super::cpu::CpuSignature;
use super::kernel_hashes::KernelHashes;
use super::sev::Measured;
use super::verify::{Candidate, Expected};
use super::vmsa::{InitialState, VcpuSetup, VcpuState};
use crate::{Error, Kind, Result};

/// Bit 2 of the policy: SEV-ES (AMD SEV API, 55766, chapter 3).
pub(crate) const POLICY_ES: u32 = 1 << 2;

/// The processors of an SEV-ES guest, as the owner describes them.
#[derive(Debug, Clone)]
pub enum Processors {
    /// VMSA files: exactly this state.
    Given(VcpuState),
    /// A processor's signature: the state that QEMU and KVM give it.
    Built {
        /// Family, model and stepping.
        cpu: CpuSignature,
        /// How many.
        count: u32,
        /// The firmware's reset address, `ImageContents::es_reset_addr`.
        reset_addr: Option<u32>,
        /// The initial state, where it is known; either one is accepted where it is not.
        state: Option<InitialState>,
        /// SEV_FEATURES; 0 unless QEMU or the kernel sets one.
        features: u64,
    },
}

impl Expected {
    /// The digests of a launch from this firmware with this policy. Processors count for SEV-ES only.
    ///
    /// # Errors
    /// `Kind::Usage` when the policy asks for SEV-ES and the processors are not given; as [`VcpuState::built`] otherwise.
    pub fn of_launch(
        firmware: &Measured,
        kernel: Option<&KernelHashes>,
        policy: u32,
        processors: Option<&Processors>,
    ) -> Result<Self> {
        if policy & POLICY_ES == 0 {
            return Ok(Self::one(firmware.sev(kernel)));
        }
        let Some(processors) = processors else {
            return Err(Error::new(Kind::Usage, "an SEV-ES guest's digest needs its processors")
                .found(format!("policy {policy:#x}, which asks for SEV-ES"))
                .hint(
                    "Give --num-cpus, and one of --vcpu-type, --vcpu-sig, --cpu-family with model and stepping, or --vmsa-cpu0 and \
                     --vmsa-cpu1.",
                ));
        };
        let candidates: Vec<(Option<InitialState>, VcpuState)> = match processors {
            Processors::Given(vcpus) => vec![(None, vcpus.clone())],
            Processors::Built { cpu, count, reset_addr, state, features } => {
                let states = state.map_or_else(|| InitialState::ALL.to_vec(), |s| vec![s]);
                states
                    .into_iter()
                    .map(|state| {
                        let setup = VcpuSetup { cpu: *cpu, state, features: *features };
                        Ok((Some(state), VcpuState::built(&setup, *reset_addr, *count)?))
                    })
                    .collect::<Result<_>>()?
            }
        };
        Ok(Self {
            digests: candidates
                .into_iter()
                .map(|(state, vcpus)| Candidate { digest: firmware.sev_es(kernel, &vcpus), state })
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILT: Processors = Processors::Built {
        cpu: CpuSignature { family: 25, model: 1, stepping: 1 },
        count: 2,
        reset_addr: Some(0x80_b004),
        state: None,
        features: 0,
    };

    fn of(policy: u32, processors: Option<&Processors>) -> Result<Expected> {
        Expected::of_launch(&Measured::new(&mut &b"firmware"[..])?, None, policy, processors)
    }

    #[test]
    fn processors_count_for_sev_es_only() {
        assert_eq!(of(0x3, None).unwrap(), of(0x3, Some(&BUILT)).unwrap());
        assert_eq!(of(0x3, None).unwrap().digests.len(), 1);
        assert_ne!(
            of(0x7, Some(&BUILT)).unwrap().digests[0].digest,
            of(0x3, None).unwrap().digests[0].digest
        );
    }

    #[test]
    fn sev_es_without_processors_is_wrong_usage() {
        let e = of(0x5, None).unwrap_err();
        assert_eq!((e.kind(), e.kind().code().exit), (Kind::Usage, 2));
        assert!(e.to_string().contains("policy 0x5"), "{e}");
    }

    #[test]
    fn either_state_is_accepted_unless_one_is_chosen() {
        let both = of(0x5, Some(&BUILT)).unwrap();
        let states: Vec<_> = both.digests.iter().map(|c| c.state).collect();
        assert_eq!(states, [Some(InitialState::Legacy), Some(InitialState::Init2)]);
        assert_ne!(both.digests[0].digest, both.digests[1].digest);
        let Processors::Built { cpu, count, reset_addr, features, .. } = BUILT else { panic!("it is built") };
        let one = Processors::Built { cpu, count, reset_addr, state: Some(InitialState::Init2), features };
        assert_eq!(of(0x5, Some(&one)).unwrap().digests, both.digests[1..]);
        let given =
            VcpuState::built(&VcpuSetup::sev_es(cpu, InitialState::Legacy), reset_addr, count).unwrap();
        let given = of(0x5, Some(&Processors::Given(given))).unwrap();
        assert_eq!((given.digests[0].digest, given.digests[0].state), (both.digests[0].digest, None));
    }
    #[test]
    fn features_are_measured() {
        let Processors::Built { cpu, count, reset_addr, state, .. } = BUILT else { panic!("it is built") };
        let swapped = Processors::Built { cpu, count, reset_addr, state, features: 0x20 };
        let (plain, swapped) = (of(0x5, Some(&BUILT)).unwrap(), of(0x5, Some(&swapped)).unwrap());
        assert!(plain.digests.iter().zip(&swapped.digests).all(|(a, b)| a.digest != b.digest));
    }
}
