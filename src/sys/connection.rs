//! A libvirt connection. In: a URI. Out: [`Libvirt`]. Never: a decision about SEV.

use crate::error::{is_no_domain, told};
use crate::guest::LibvirtGuest;
use crate::raw;
use std::sync::Arc;
use virt::connect::Connect;
use virt_sev::host::NodeSev;
use virt_sev::launch::{CapsQuery, Hypervisor};
use virt_sev::{Error, Kind, Result};

/// Keeps libvirt from printing every error to stderr, in the whole process: for programs whose own errors say it once.
pub fn be_quiet() {
    virt::error::clear_error_callback();
}

/// A connection to libvirt; clones share it.
#[derive(Clone)]
pub struct Libvirt {
    connect: Connect,
    uri: Arc<str>,
    asked: Option<Arc<str>>,
}

impl std::fmt::Debug for Libvirt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Libvirt").field("uri", &self.uri).finish_non_exhaustive()
    }
}

impl Libvirt {
    /// Connects. `None` takes `LIBVIRT_DEFAULT_URI`, else libvirt's own default.
    ///
    /// # Errors
    /// `Kind::Hypervisor` with libvirt's reason.
    pub fn open(uri: Option<&str>) -> Result<Self> {
        let connect = Connect::open(uri).map_err(|e| {
            let name = uri.map(|uri| uri.escape_debug().to_string());
            told(
                format!("cannot connect to {}", name.as_deref().unwrap_or("libvirt's default hypervisor")),
                &e,
            )
        })?;
        let name = connect.uri().map_err(|e| told("libvirt does not name its URI", &e))?;
        Ok(Self { connect, uri: name.into(), asked: uri.map(Into::into) })
    }

    /// The caller's own connection.
    pub(crate) fn of_caller(connect: Connect) -> Result<Self> {
        let name = connect.uri().map_err(|e| told("libvirt does not name its URI", &e))?;
        Ok(Self { connect, asked: Some(name.as_str().into()), uri: name.into() })
    }

    /// The names of all domains, active or not, in order.
    ///
    /// # Errors
    /// `Kind::Hypervisor`.
    pub fn names(&self) -> Result<Vec<String>> {
        let domains =
            self.connect.list_all_domains(0).map_err(|e| told("libvirt does not list its domains", &e))?;
        let name = |d: &virt::domain::Domain| match d.name() {
            Err(e) if is_no_domain(&e) => None,
            name => Some(name.map_err(|e| told("libvirt does not tell a domain's name", &e))),
        };
        let mut names = domains.iter().filter_map(name).collect::<Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    /// What a domain starts with next time; what a transient one was started with. `None` where there is no such
    /// domain, or no more.
    ///
    /// # Errors
    /// `Kind::Hypervisor`; `Kind::Usage` for a name that none can have.
    pub fn document(&self, name: &str) -> Result<Option<String>> {
        let Some(guest) = self.find(name)? else { return Ok(None) };
        guest.definition_if_there()
    }

    fn lookup(
        &self,
        found: std::result::Result<virt::domain::Domain, virt::error::Error>,
    ) -> Result<Option<LibvirtGuest>> {
        match found {
            Ok(domain) => Ok(Some(LibvirtGuest::new(domain))),
            Err(e) if is_no_domain(&e) => Ok(None),
            Err(e) => Err(told("libvirt cannot look up the domain", &e)),
        }
    }
}

/// The host part of a URI such as `qemu+ssh://root@host:22/system`; empty for a local one.
fn uri_host(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or("");
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.starts_with('[') {
        return host.split_once(']').map_or(host, |(inside, _)| inside.trim_start_matches('['));
    }
    host.split_once(':').map_or(host, |(host, _)| host)
}

impl Hypervisor for Libvirt {
    type Guest = LibvirtGuest;

    fn uri(&self) -> &str {
        &self.uri
    }

    fn another(&self) -> Result<Self> {
        Self::open(self.asked.as_deref()).or_else(|e| match self.connect.is_alive() {
            // A caller's connection may need a password that only the caller has: while it lives, it serves.
            Ok(true) => Ok(self.clone()),
            Ok(false) | Err(_) => Err(e),
        })
    }

    fn is_local(&self) -> Result<bool> {
        // The name in the URI decides first: libvirt's own host name is what the far side says of itself, and
        // virt-qemu-sev-validate takes a daemon for remote whenever that name is not this machine's full one.
        let host = uri_host(&self.uri);
        if host.is_empty() || host == "localhost" || host == "::1" || host.starts_with("127.") {
            return Ok(true);
        }
        let ours = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let theirs = self.connect.hostname().map_err(|e| told("libvirt does not tell its host name", &e))?;
        let short = |name: &str| name.trim().split('.').next().unwrap_or_default().to_ascii_lowercase();
        Ok(!ours.trim().is_empty() && (short(&ours) == short(&theirs) || short(&ours) == short(host)))
    }

    fn domain_capabilities(&self, query: &CapsQuery) -> Result<String> {
        self.connect
            .domain_capabilities(
                query.emulator.as_deref(),
                Some("x86_64"),
                query.machine.as_deref(),
                query.virt_type.as_deref(),
                0,
            )
            .map_err(|e| told("libvirt gives no domain capabilities", &e))
    }

    fn capabilities(&self) -> Result<String> {
        self.connect.capabilities().map_err(|e| told("libvirt gives no capabilities", &e))
    }

    fn versions(&self) -> [Option<(u32, u32, u32)>; 2] {
        // libvirt writes 11.3.0 as 11003000.
        let parts = |n: u32| (n / 1_000_000, n / 1000 % 1000, n % 1000);
        [self.connect.lib_version(), self.connect.hyp_version()].map(|v| v.ok().filter(|n| *n > 0).map(parts))
    }

    fn node_sev(&self) -> Result<NodeSev> {
        raw::node_sev_info(&self.connect)
    }

    fn find(&self, name: &str) -> Result<Option<LibvirtGuest>> {
        if name.contains('\0') {
            return Err(Error::new(Kind::Usage, "a domain name holds a NUL byte"));
        }
        self.lookup(self.connect.lookup_domain_by_name(name))
    }

    fn find_uuid(&self, uuid: &str) -> Result<Option<LibvirtGuest>> {
        self.lookup(self.connect.lookup_domain_by_uuid_string(uuid))
    }

    fn find_id(&self, id: u32) -> Result<Option<LibvirtGuest>> {
        self.lookup(self.connect.lookup_domain_by_id(id))
    }

    fn define(&self, xml: &str) -> Result<LibvirtGuest> {
        if xml.contains('\0') {
            return Err(Error::new(Kind::Domain, "the domain document holds a NUL byte"));
        }
        self.connect
            .define_domain_xml(xml)
            .map(LibvirtGuest::new)
            .map_err(|e| told("libvirt does not define the domain", &e))
    }
}

#[cfg(test)]
mod tests {
    use super::uri_host;

    #[test]
    fn the_host_of_a_uri() {
        for (uri, host) in [
            ("qemu:///system", ""),
            ("qemu:///session?socket=/run/x/libvirt-sock", ""),
            ("qemu+ssh://root@epyc.example:2222/system", "epyc.example"),
            ("qemu+tls://[2001:db8::1]:16514/system", "2001:db8::1"),
            ("qemu+tcp://localhost/system", "localhost"),
            ("test:///default", ""),
        ] {
            assert_eq!(uri_host(uri), host, "{uri}");
        }
    }
}
