//! The guest owner's inputs: keys, expected digests, secrets. In: options and files. Out: what `measure` and `inject`
//! take. Never: anything that the host says.

use super::boot::{self, Boot, image_contents};
use super::{cpus, files};
use crate::args::{KeyArgs, VerifyArgs};
use std::ffi::OsStr;
use virt_sev::inject::packet::{self, Packet};
use virt_sev::inject::table::{SecretSpec, SecretTable};
use virt_sev::measure::expected::Processors;
use virt_sev::measure::verify::Evidence;
use virt_sev::session::keys::{TransportKeys, read_both, read_key};
use virt_sev::{Error, Kind, Result};

/// TEK and TIK, from `--tk` or from `--tik` and `--tek`.
pub(crate) fn keys(args: &KeyArgs) -> Result<TransportKeys> {
    match (&args.tk, &args.tik, &args.tek) {
        (Some(both), None, None) => read_both(&mut files::open("file of TEK and TIK", both)?)
            .map_err(|e| e.at(both.display().to_string())),
        (None, Some(tik), Some(tek)) => Ok(TransportKeys {
            tik: read_key("TIK", &mut files::open("TIK", tik)?)
                .map_err(|e| e.at(tik.display().to_string()))?,
            tek: read_key("TEK", &mut files::open("TEK", tek)?)
                .map_err(|e| e.at(tek.display().to_string()))?,
        }),
        (Some(_), _, _) => Err(Error::new(Kind::Usage, "--tk excludes --tik and --tek")),
        (None, _, _) => Err(keys_missing()),
    }
}

fn keys_missing() -> Error {
    Error::new(Kind::Usage, "the guest owner's keys are missing")
        .wanted("--tk FILE, or --tik FILE and --tek FILE")
        .hint("`virt-sev session` wrote them as tik.bin and tek.bin.")
}

/// That the options do not name both keys.
pub(super) fn no_keys(args: &KeyArgs) -> Option<Error> {
    (args.tk.is_none() && (args.tik.is_none() || args.tek.is_none())).then(keys_missing)
}

/// Combinations of options that make no sense, as virt-qemu-sev-validate refuses them.
pub(crate) fn check_usage(v: &VerifyArgs) -> Result<()> {
    let mut problems: Vec<Error> = boot::problems(&v.boot).into_iter().collect();
    problems.extend(cpus::problems(&v.cpus));
    Error::many(problems).map_or(Ok(()), Err)
}

/// The processors as the options describe them; `None` where they do not.
pub(super) fn processors(v: &VerifyArgs, boot: &Boot) -> Result<Option<Processors>> {
    let count = boot.vcpus.unwrap_or(1);
    if let Some(given) = cpus::files(&v.cpus, count)? {
        return Ok(Some(Processors::Given(given)));
    }
    let Some(cpu) = cpus::signature(&v.cpus)?.or(boot.cpu) else { return Ok(None) };
    Ok(Some(Processors::Built {
        cpu,
        count,
        reset_addr: image_contents(&boot.firmware)?.es_reset_addr,
        state: cpus::state(&v.cpus),
        features: v.cpus.guest_features.unwrap_or_default(),
    }))
}

/// The table of the secrets that `--inject-secret` or `--secret` names; read before anything is started.
pub(crate) fn secrets(specs: &[String]) -> Result<SecretTable> {
    let mut table = SecretTable::new();
    for text in specs {
        let spec = SecretSpec::parse(OsStr::new(text))?;
        table.add(spec.guid, super::secrets::read(&spec.path)?)?;
    }
    Ok(table)
}

/// The packet for the guest that gave this evidence.
pub(crate) fn packet(
    keys: &TransportKeys,
    evidence: &Evidence,
    table: &SecretTable,
    area: Option<u32>,
) -> Result<Packet> {
    packet::build(&keys.tik, &keys.tek, &evidence.mac(), &table.to_bytes(area)?)
}
