//! A libvirt domain. In: calls. Out: plain values. Never: a decision about SEV.

use crate::error::{is_no_domain, told};
use crate::raw;
use virt::domain::Domain;
use virt_sev::inject::packet::Packet;
use virt_sev::launch::{Guest, GuestState, LaunchInfo};
use virt_sev::{Error, Kind, Result};

/// A domain on a [`crate::Libvirt`] connection.
#[derive(Clone)]
pub struct LibvirtGuest(Domain);

impl std::fmt::Debug for LibvirtGuest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LibvirtGuest").finish()
    }
}

impl LibvirtGuest {
    pub(crate) fn new(domain: Domain) -> Self {
        Self(domain)
    }

    /// The definition of a domain that may just have gone.
    pub(crate) fn definition_if_there(&self) -> Result<Option<String>> {
        match self.0.xml_desc(INACTIVE) {
            Err(e) if is_no_domain(&e) => Ok(None),
            xml => told_as(NO_DEFINITION, xml).map(Some),
        }
    }
}

const INACTIVE: u32 = virt::sys::VIR_DOMAIN_XML_INACTIVE | virt::sys::VIR_DOMAIN_XML_SECURE;
const NO_DEFINITION: &str = "libvirt does not show the domain's definition";

fn told_as<T>(what: &str, result: std::result::Result<T, virt::error::Error>) -> Result<T> {
    result.map_err(|e| told(what, &e))
}

/// The domain is not in the state that the call needs.
fn is_invalid(e: &virt::error::Error) -> bool {
    e.code().is_known_and(|c| c == virt::error::ErrorNumber::OperationInvalid)
}

impl Guest for LibvirtGuest {
    fn name(&self) -> Result<String> {
        told_as("libvirt does not tell the domain's name", self.0.name())
    }

    fn uuid(&self) -> Result<String> {
        told_as("libvirt does not tell the domain's UUID", self.0.uuid_string())
    }

    fn definition(&self) -> Result<String> {
        told_as(NO_DEFINITION, self.0.xml_desc(INACTIVE))
    }

    fn live_xml(&self) -> Result<String> {
        told_as("libvirt does not show the live domain", self.0.xml_desc(0))
    }

    fn state(&self) -> Result<GuestState> {
        Ok(match raw::state(&self.0)? {
            virt::sys::VIR_DOMAIN_SHUTOFF | virt::sys::VIR_DOMAIN_CRASHED => GuestState::Off,
            virt::sys::VIR_DOMAIN_PAUSED => GuestState::Paused,
            virt::sys::VIR_DOMAIN_RUNNING | virt::sys::VIR_DOMAIN_BLOCKED => GuestState::Running,
            other => GuestState::Other(other),
        })
    }

    fn has_saved_state(&self) -> Result<bool> {
        told_as("libvirt does not tell whether the guest was saved", self.0.has_managed_save(0))
    }

    fn start_paused(&self) -> Result<()> {
        match self.0.create_with_flags(virt::sys::VIR_DOMAIN_START_PAUSED) {
            Ok(_) => Ok(()),
            // "domain is already running": somebody else was first.
            Err(e) if is_invalid(&e) => {
                Err(Error::new(Kind::State, "libvirt does not start the guest")
                    .because(e.message().to_owned()))
            }
            Err(e) => Err(told("libvirt does not start the guest", &e)),
        }
    }

    fn launch_info(&self) -> Result<LaunchInfo> {
        raw::launch_info(&self.0)
    }

    fn query_sev(&self) -> Result<String> {
        told_as(
            "QEMU does not answer query-sev",
            self.0.qemu_monitor_command("{\"execute\":\"query-sev\"}", 0),
        )
    }

    fn inject(&self, packet: &Packet, address: Option<u64>) -> Result<()> {
        raw::set_launch_state(&self.0, packet, address)
    }

    fn note(&self, namespace: &str, prefix: &str, element: &str) -> Result<()> {
        const KIND: i32 = virt::sys::VIR_DOMAIN_METADATA_ELEMENT as i32;
        let live = virt::sys::VIR_DOMAIN_AFFECT_LIVE;
        let noted = self.0.set_metadata(KIND, Some(element), Some(prefix), Some(namespace), live);
        told_as("libvirt does not take the note", noted)
    }

    fn resume(&self) -> Result<()> {
        told_as("libvirt does not resume the guest", self.0.resume()).map(drop)
    }

    fn destroy(&self) -> Result<()> {
        match self.0.destroy() {
            Ok(_) => Ok(()),
            // Gone already: what was wanted.
            Err(e) if is_invalid(&e) => Ok(()),
            Err(e) => Err(told("libvirt does not destroy the guest", &e)),
        }
    }

    fn undefine(&self) -> Result<()> {
        told_as(
            "libvirt does not remove the definition",
            self.0.undefine_flags(virt::sys::VIR_DOMAIN_UNDEFINE_KEEP_NVRAM),
        )
    }
}
