//! libvirt's errors as ours. In: `virt::error::Error`. Out: `virt_sev::Error`. Never: a panic.

use virt::error::{ErrorDomain, ErrorNumber};
use virt_sev::{Error, Kind};

/// Says which call failed, with libvirt's own words.
pub(crate) fn told(what: impl Into<String>, e: &virt::error::Error) -> Error {
    let text =
        if e.message().is_empty() { "libvirt gives no reason".to_owned() } else { e.message().to_owned() };
    let error = Error::new(Kind::Hypervisor, what).because(text);
    let is = |number: ErrorNumber| e.code().is_known_and(|code| code == number);
    // A daemon that answers has such errors too: QEMU's monitor that refuses it is none of ours.
    let on_the_way = e.domain().is_known_and(|domain| domain != ErrorDomain::Qemu);
    if is(ErrorNumber::AuthFailed) || is(ErrorNumber::AuthCancelled) || is(ErrorNumber::AccessDenied) {
        error.hint("The connection is not permitted. Join the group libvirt, or connect as root.")
    } else if is(ErrorNumber::NoConnect) || is(ErrorNumber::Rpc) || is(ErrorNumber::SystemError) && on_the_way
    {
        error.hint("Is the libvirt daemon running, and is the URI right? virsh -c URI version tells.")
    } else {
        error
    }
}

/// True when the error says only that there is no such domain.
pub(crate) fn is_no_domain(e: &virt::error::Error) -> bool {
    e.code().is_known_and(|code| code == ErrorNumber::NoDomain)
}
