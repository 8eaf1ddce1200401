//! `virt-sev lint -c`. In: the names of domains, or all of a hypervisor. Out: which rules each of them breaks.
//! Never: a change, a lookup that ends the whole run.

use super::connect;
use crate::args::LintArgs;
use crate::cmd::lint;
use crate::cmd::prepare;
use crate::output::{Answer, Output};
use std::collections::HashMap;
use std::time::Duration;
use virt_sev::config::SevConfig;
use virt_sev::domain::Domain;
use virt_sev::host::HostFacts;
use virt_sev::launch::{Hypervisor as _, within};
use virt_sev::lint::Subject;
use virt_sev::{Error, Kind, Result};
use virt_sev_sys::Libvirt;

const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn run(args: &LintArgs, uri: Option<&str>, out: Output) -> Result<Answer> {
    let libvirt = connect::open(uri, LIMIT, &connect::patience())?;
    let files = lint::files(args)?;
    let names = if args.all {
        let hv = libvirt.clone();
        within(LIMIT, &connect::patience(), "listing the domains", move || hv.names())?
    } else {
        args.domain.clone()
    };
    let domains = names.iter().filter_map(|name| match read(&libvirt, name) {
        Ok(None) if args.all => {
            out.say(&format!("note: {name} went away before it was looked at"));
            None
        }
        Ok(found) => Some(found.ok_or_else(|| {
            Error::new(Kind::State, "there is no such domain")
                .at(name.clone())
                .hint(format!("virsh -c '{}' list --all names them.", libvirt.uri()))
        })),
        Err(e) => Some(Err(e.at(name.clone()))),
    });
    // Domains that ask the same of the host get the same answer.
    let mut known = HashMap::new();
    let facts = |domain: &Domain<'_>, config: &SevConfig| {
        let seen = domain.facts();
        let kind = (seen.emulator.clone(), seen.os.machine.clone(), seen.domain_type.clone());
        let key = (kind, prepare::images(domain, config));
        if let Some(facts) = known.get(&key) {
            return Ok(HostFacts::clone(facts));
        }
        let facts = connect::asking(&libvirt, LIMIT, &connect::patience()).facts_for(None, domain, config)?;
        known.insert(key, facts.clone());
        Ok(facts)
    };
    lint::run(args, files.chain(domains), facts, Some(libvirt.uri()), out)
}

/// What a domain starts with next time; what a transient one was started with.
fn read(libvirt: &Libvirt, name: &str) -> Result<Option<Subject<'static>>> {
    let (hv, wanted) = (libvirt.clone(), name.to_owned());
    let xml = within(LIMIT, &connect::patience(), "reading a domain", move || hv.document(&wanted))?;
    xml.map(|xml| {
        let domain = Domain::parse(xml)?;
        Ok(Subject { name: name.to_owned(), is_file: false, domain })
    })
    .transpose()
}
