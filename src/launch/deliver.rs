//! A secret that its owner encrypted, into the guest that it is for. In: a paused guest, a packet. Out: the secret injected.
//! Never: into a guest that has run, or of another launch.

use super::asking::Asking;
use super::hypervisor::{Guest, GuestState, Hypervisor};
use super::states::evidence;
use super::verified;
use crate::inject::packet::Packet;
use crate::{Error, Kind, Result};

/// Injects. `measurement` is that of the launch that the packet was made for, where that is known; `address` `None` leaves
/// the place to the firmware's table; `name` is the guest's, for errors.
///
/// # Errors
/// `Kind::State` for a guest that is not paused; `Kind::Session` for a packet of another launch; `Kind::Hypervisor`,
/// `Kind::Timeout`.
pub fn deliver<H: Hypervisor>(
    asking: &Asking<'_, H>,
    guest: &H::Guest,
    name: &str,
    packet: Packet,
    measurement: Option<[u8; 48]>,
    address: Option<u64>,
) -> Result<()> {
    if asking.of(guest, "looking at the guest", Guest::state)? != GuestState::Paused {
        return Err(not_paused(name));
    }
    if let Some(measurement) = measurement {
        let info = asking.of(guest, "reading the launch measurement", Guest::launch_info)?;
        if evidence(&info)?.measurement != measurement {
            return Err(Error::new(Kind::Session, "this packet is for another launch")
                .at(name.to_owned())
                .hint("The owner made it for the evidence of one launch. Send the evidence of this one: `virt-sev measurement NAME -o FILE`."));
        }
    }
    asking.of(guest, "injecting the secret", move |guest| guest.inject(&packet, address))?;
    // Its owner made the packet once the launch was verified.
    verified::note(asking, guest);
    Ok(())
}

/// Too late for a secret.
pub(super) fn not_paused(name: &str) -> Error {
    Error::new(Kind::State, "the guest is not paused")
        .at(name.to_owned())
        .hint("A secret goes in before the first instruction. Launch the guest again, paused.")
}
