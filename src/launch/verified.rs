//! The note that a launch was verified, in the metadata of the guest that runs. In: a live domain, its session. Out: whether it
//! is noted. Never: a proof: its host writes it, so that a resume does not overtake the owner.
//!
//! The note goes when the guest ends, and names the session, which serves one launch: it counts for no other.

use super::asking::Asking;
use super::hypervisor::{Guest, Hypervisor};
use super::wait::Cancel;
use crate::Result;
use crate::domain::Domain;
use crate::plan::render::Value;
use crate::plan::template;
use crate::session::blob::SessionBlob;

/// The element's namespace. libvirt keeps one element of each.
pub const NAMESPACE: &str = "urn:virt-sev:launch:1";
/// The prefix that libvirt gives it.
pub const PREFIX: &str = "virtsev";

/// The session that a live domain was launched with; `None` where it has none.
///
/// # Errors
/// `Kind::Session` for one that is none.
pub fn session(live: &Domain<'_>) -> Result<Option<SessionBlob>> {
    let said = live.facts().launch_security.as_ref().filter(|s| s.kind.as_deref() == Some("sev"));
    let text = said.and_then(|s| s.session.as_deref());
    text.map(|text| SessionBlob::parse(text.trim().as_bytes())).transpose()
}

/// Whether the domain says that its launch with this session was verified.
#[must_use]
pub fn says(live: &Domain<'_>, session: &SessionBlob) -> bool {
    let mut notes = live.metadata_elements(NAMESPACE, "verified");
    notes.any(|note| live.attribute(note, "session").is_some_and(|id| id == session.id()))
}

/// The command that notes it, where it was verified without this program.
///
/// # Errors
/// `Kind::Bug` only.
pub fn by_hand(live: &Domain<'_>, session: &SessionBlob) -> Result<String> {
    // For a shell: a name could be anything.
    let is_plain = |id: &&String| id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let uuid = live.facts().uuid.as_ref().filter(is_plain).map_or("DOMAIN", String::as_str);
    let element = element(session)?.replace('\'', "\"");
    Ok(format!("virsh metadata {uuid} {NAMESPACE} --live --key {PREFIX} --set '{element}'"))
}

fn element(session: &SessionBlob) -> Result<String> {
    let node = template::VERIFIED.fill(&[("session", Some(Value::Word(&session.id())))])?;
    Ok(node.to_string())
}

/// Notes it, once nothing is left to be done but to let the guest run. It was verified all the same where that fails, and
/// where a wish to stop comes by now.
pub(super) fn note<H: Hypervisor>(asking: &Asking<'_, H>, guest: &H::Guest) {
    let noted = Asking { cancel: &Cancel::default(), ..*asking }.of(
        guest,
        "noting that the launch was verified",
        |guest| match session(&Domain::parse(guest.live_xml()?)?)? {
            Some(session) => guest.note(NAMESPACE, PREFIX, &element(&session)?),
            None => Ok(()),
        },
    );
    if let Err(e) = noted {
        log::warn!("{e}");
    }
}
