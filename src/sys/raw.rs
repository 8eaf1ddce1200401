//! The calls of libvirt that the `virt` crate does not wrap: `virNodeGetSEVInfo`, `virDomainGetLaunchSecurityInfo`,
//! `virDomainSetLaunchSecurityState`; and `virDomainGetState`, whose failure `virt` 0.5 takes for a state.
//! What else is unsafe in this package is the caller's pointers, in `caller`, and the mask of signals, in `pipe`.

use crate::error::told;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::ffi::{CStr, CString, c_int, c_uint, c_ulonglong};
use std::ptr;
use virt::connect::Connect;
use virt::domain::Domain;
use virt::sys as raw;
use virt_sev::host::NodeSev;
use virt_sev::inject::packet::Packet;
use virt_sev::launch::LaunchInfo;
use virt_sev::{Error, Kind, Result};

/// A list of typed parameters that libvirt allocated, or that we fill for it; freed with libvirt's own function.
struct Params {
    list: raw::virTypedParameterPtr,
    count: c_int,
    max: c_int,
}

impl Drop for Params {
    fn drop(&mut self) {
        // SAFETY: `list` is NULL or was allocated by libvirt with `count` entries, and nobody else keeps it.
        unsafe { raw::virTypedParamsFree(self.list, self.count) }
    }
}

impl Params {
    fn empty() -> Self {
        Self { list: ptr::null_mut(), count: 0, max: 0 }
    }

    fn find(&self, name: &CStr) -> Option<&raw::virTypedParameter> {
        if self.list.is_null() {
            return None;
        }
        // SAFETY: `list` is not NULL and points at `count` entries for as long as `self` lives.
        let entries =
            unsafe { std::slice::from_raw_parts(self.list, usize::try_from(self.count).unwrap_or(0)) };
        entries.iter().find(|p| {
            // SAFETY: `field` is a NUL-terminated array inside the entry (libvirt's own contract).
            let field = unsafe { CStr::from_ptr(p.field.as_ptr()) };
            field == name
        })
    }

    fn uint(&self, name: &CStr) -> Option<u32> {
        let p = self
            .find(name)
            .filter(|p| p.type_ == c_int::try_from(raw::VIR_TYPED_PARAM_UINT).unwrap_or(-1))?;
        // SAFETY: the type says that `ui` is the member of the union that libvirt wrote.
        Some(unsafe { p.value.ui })
    }

    fn string(&self, name: &CStr) -> Option<String> {
        let p = self
            .find(name)
            .filter(|p| p.type_ == c_int::try_from(raw::VIR_TYPED_PARAM_STRING).unwrap_or(-1))?;
        // SAFETY: the type says that `s` is the member of the union that libvirt wrote.
        let s = unsafe { p.value.s };
        if s.is_null() {
            return None;
        }
        // SAFETY: `s` is not NULL, and libvirt terminates its strings with NUL; it lives as long as `self`.
        let s = unsafe { CStr::from_ptr(s) };
        s.to_str().ok().map(str::to_owned)
    }

    fn add_string(&mut self, name: &CStr, value: &CStr) -> Result<()> {
        // SAFETY: `list`, `count` and `max` belong together, and libvirt reallocates and copies both strings.
        let rc = unsafe {
            raw::virTypedParamsAddString(
                &mut self.list,
                &mut self.count,
                &mut self.max,
                name.as_ptr(),
                value.as_ptr(),
            )
        };
        checked(rc, "libvirt does not take a parameter")
    }

    fn add_ullong(&mut self, name: &CStr, value: u64) -> Result<()> {
        // SAFETY: as in `add_string`.
        let rc = unsafe {
            raw::virTypedParamsAddULLong(
                &mut self.list,
                &mut self.count,
                &mut self.max,
                name.as_ptr(),
                c_ulonglong::from(value),
            )
        };
        checked(rc, "libvirt does not take a parameter")
    }
}

fn checked(rc: c_int, what: &str) -> Result<()> {
    if rc < 0 { Err(told(what, &virt::error::Error::last_error())) } else { Ok(()) }
}

/// `virNodeGetSEVInfo` (libvirt 4.5.0): the platform's certificates and limits.
pub(crate) fn node_sev_info(connect: &Connect) -> Result<NodeSev> {
    let mut params = Params::empty();
    // SAFETY: `as_ptr` lends the pointer of a connection that is alive for the call.
    let pointer = unsafe { connect.as_ptr() };
    // SAFETY: the connection is alive, `list` and `count` are ours to write, flags are 0.
    let rc = unsafe { raw::virNodeGetSEVInfo(pointer, &mut params.list, &mut params.count, 0) };
    checked(rc, "libvirt gives no SEV information of the host")?;
    let blob = |name: &CStr| -> Result<Vec<u8>> {
        let text = params.string(name).unwrap_or_default();
        STANDARD.decode(text.trim()).map_err(|e| {
            Error::new(Kind::Hypervisor, "libvirt's SEV information is not base64")
                .at(name.to_string_lossy())
                .because(e)
        })
    };
    Ok(NodeSev {
        pdh: blob(c"pdh")?,
        cert_chain: blob(c"cert-chain")?,
        // Absent before libvirt 8.4.0.
        cpu0_id: blob(c"cpu0-id")?,
        cbitpos: params.uint(c"cbitpos"),
        reduced_phys_bits: params.uint(c"reduced-phys-bits"),
        max_guests: params.uint(c"max-guests"),
        max_es_guests: params.uint(c"max-es-guests"),
    })
}

/// `virDomainGetLaunchSecurityInfo` (libvirt 4.5.0).
pub(crate) fn launch_info(domain: &Domain) -> Result<LaunchInfo> {
    let mut params = Params::empty();
    // SAFETY: `as_ptr` lends the pointer of a domain that is alive for the call.
    let pointer = unsafe { domain.as_ptr() };
    // SAFETY: the domain is alive, `list` and `count` are ours to write, flags are 0.
    let rc = unsafe { raw::virDomainGetLaunchSecurityInfo(pointer, &mut params.list, &mut params.count, 0) };
    checked(rc, "libvirt gives no launch measurement")?;
    let missing = |name: &CStr| {
        Error::new(Kind::Hypervisor, "libvirt's launch information is incomplete")
            .at(name.to_string_lossy())
            .hint("virt-sev needs libvirt 8.0.0 or newer, which reports API version, build id and policy.")
    };
    let number = |name: &'static CStr| params.uint(name).ok_or_else(|| missing(name));
    Ok(LaunchInfo {
        measurement: params.string(c"sev-measurement").ok_or_else(|| missing(c"sev-measurement"))?,
        api_major: number(c"sev-api-major")?,
        api_minor: number(c"sev-api-minor")?,
        build_id: number(c"sev-build-id")?,
        policy: number(c"sev-policy")?,
    })
}

/// `virDomainSetLaunchSecurityState` (libvirt 8.0.0).
pub(crate) fn set_launch_state(domain: &Domain, packet: &Packet, address: Option<u64>) -> Result<()> {
    let mut params = Params::empty();
    for (name, bytes) in [(c"sev-secret-header", &packet.header[..]), (c"sev-secret", &packet.payload[..])] {
        // Base64 holds no NUL byte.
        let value = CString::new(STANDARD.encode(bytes))
            .map_err(|e| Error::new(Kind::Bug, "base64 text holds a NUL byte").because(e))?;
        params.add_string(name, &value)?;
    }
    if let Some(address) = address {
        params.add_ullong(c"sev-secret-set-address", address)?;
    }
    let count = c_uint::try_from(params.count).unwrap_or(0);
    // SAFETY: `as_ptr` lends the pointer of a domain that is alive for the call.
    let pointer = unsafe { domain.as_ptr() };
    // SAFETY: `list` holds `count` entries that libvirt only reads.
    let rc = unsafe {
        raw::virDomainSetLaunchSecurityState(pointer, params.list, c_int::try_from(count).unwrap_or(0), 0)
    };
    checked(rc, "libvirt does not inject the secret")
}

/// `virDomainGetState`: the number that libvirt gives the state.
pub(crate) fn state(domain: &Domain) -> Result<raw::virDomainState> {
    let mut state: c_int = -1;
    // SAFETY: `as_ptr` lends the pointer of a domain that is alive for the call.
    let pointer = unsafe { domain.as_ptr() };
    // SAFETY: the domain is alive, `state` is ours to write, the reason may be NULL, flags are 0.
    let rc = unsafe { raw::virDomainGetState(pointer, &mut state, ptr::null_mut(), 0) };
    checked(rc, "libvirt does not tell the domain's state")?;
    Ok(raw::virDomainState::try_from(state).unwrap_or(raw::virDomainState::MAX))
}
