//! From the description of a launch to the digests that its owner accepts. In: firmware, kernel hashes, policy,
//! processors. Out: [`Expected`]. Never: a processor that is guessed, or a digest for the wrong mode.

use super::kernel_hashes::KernelHashes;
use super::sev::Measured;
use super::verify::{Candidate, Expected};
use super::vmsa::{CpuSignature, InitialState, VcpuState};
use crate::{Error, Kind, Result};
use std::io::Read;

/// Bit 2 of the policy: SEV-ES (AMD SEV API, 55766, chapter 3).
const POLICY_ES: u32 = 1 << 2;

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
    },
}

impl Expected {
    /// The digests of a launch with this policy. Processors count for SEV-ES only.
    ///
    /// # Errors
    /// `Kind::Usage` when the policy asks for SEV-ES and the processors are not given; as [`Measured::new`] and
    /// [`VcpuState::built`] otherwise.
    pub fn of_launch(
        firmware: &mut dyn Read,
        kernel: Option<&KernelHashes>,
        policy: u32,
        processors: Option<&Processors>,
    ) -> Result<Self> {
        if policy & POLICY_ES == 0 {
            return Ok(Self::one(Measured::new(firmware, kernel)?.sev()));
        }
        let Some(processors) = processors else {
            return Err(Error::new(Kind::Usage, "an SEV-ES guest's digest needs its processors")
                .found(format!("policy {policy:#x}, which asks for SEV-ES"))
                .hint(
                    "Give --num-cpus, and either --cpu-family, --cpu-model and --cpu-stepping, or --vmsa-cpu0 and \
                     --vmsa-cpu1.",
                ));
        };
        let candidates: Vec<(Option<InitialState>, VcpuState)> = match processors {
            Processors::Given(vcpus) => vec![(None, vcpus.clone())],
            Processors::Built { cpu, count, reset_addr, state } => {
                let states = state.map_or_else(|| InitialState::ALL.to_vec(), |s| vec![s]);
                states
                    .into_iter()
                    .map(|s| Ok((Some(s), VcpuState::built(*cpu, s, *reset_addr, *count)?)))
                    .collect::<Result<_>>()?
            }
        };
        let measured = Measured::new(firmware, kernel)?;
        Ok(Self {
            digests: candidates
                .into_iter()
                .map(|(state, vcpus)| Candidate { digest: measured.sev_es(&vcpus), state })
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
    };

    fn of(policy: u32, processors: Option<&Processors>) -> Result<Expected> {
        Expected::of_launch(&mut &b"firmware"[..], None, policy, processors)
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
        let Processors::Built { cpu, count, reset_addr, .. } = BUILT else { panic!("it is built") };
        let one = Processors::Built { cpu, count, reset_addr, state: Some(InitialState::Init2) };
        assert_eq!(of(0x5, Some(&one)).unwrap().digests, both.digests[1..]);
        let given = VcpuState::built(cpu, InitialState::Legacy, reset_addr, count).unwrap();
        let given = of(0x5, Some(&Processors::Given(given))).unwrap();
        assert_eq!((given.digests[0].digest, given.digests[0].state), (both.digests[0].digest, None));
    }
}
