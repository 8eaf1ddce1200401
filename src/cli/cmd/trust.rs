//! A chain on its way to a root. In: a chain as it came, `--ca`, `--cek`, `--fetch`. Out: the chain with the signed CEK,
//! where that can be had. Never: a network unless asked for it, or a CEK that is kept before its signature holds.

use super::{download, files};
use crate::args::TrustArgs;
use crate::output::Output;
use std::path::{Path, PathBuf};
use virt_sev::session::cache::CekCache;
use virt_sev::session::cert::Usage;
use virt_sev::session::chain::{Chain, cek_address};
use virt_sev::session::chip::ChipId;
use virt_sev::session::gather::{Input, gather};
use virt_sev::session::roots::Roots;
use virt_sev::{Error, Kind, Result};

/// AMD's roots, and the one of `--ca`.
pub(crate) fn roots(args: &TrustArgs) -> Result<Roots> {
    let mut roots = Roots::built_in()?;
    if let Some(ca) = &args.ca {
        roots.add(&ca.display().to_string(), &files::read_short("root certificates", ca)?)?;
    }
    Ok(roots)
}

/// The chain in these files.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Chain> {
    if paths.iter().filter(|p| *p == Path::new("-")).count() > 1 {
        return Err(Error::new(Kind::Usage, "standard input can be read only once").at("-"));
    }
    let files: Vec<(String, Vec<u8>)> = paths
        .iter()
        .map(|path| Ok((files::shown(path), files::read_short("certificate chain", path)?)))
        .collect::<Result<_>>()?;
    let inputs: Vec<Input<'_>> = files.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    gather(&inputs)
}

/// Puts the signed CEK into a chain that has it unsigned: from `--cek`, from those kept, or from the key service.
/// Without any of them the chain stays as it is, and its verification says what to do.
pub(crate) fn complete(
    chain: Chain,
    args: &TrustArgs,
    roots: &Roots,
    seconds: u32,
    out: Output,
) -> Result<Chain> {
    let given = args.chip_id.as_deref().map(ChipId::parse).transpose().map_err(|e| e.at("--chip-id"))?;
    let mut chain = chain.of_chip(given);
    if let Some(path) = &args.cek {
        chain.replace_cek(&files::read_short("CEK", path)?).map_err(|e| e.at(path.display().to_string()))?;
        return Ok(chain);
    }
    if chain.has_signed_cek() {
        return Ok(chain);
    }
    // Without a folder of one's own nothing is kept; that is no reason to stop.
    let cache = CekCache::default_folder().ok().map(|folder| CekCache::below(&folder));
    if let Some(path) = cache.as_ref().and_then(|cache| cache.complete(&mut chain)) {
        out.say(&format!("signed CEK: {}", path.display()));
        return Ok(chain);
    }
    if args.fetch {
        fetch(&mut chain, args, roots, seconds, cache.as_ref(), out)?;
    }
    Ok(chain)
}

fn fetch(
    chain: &mut Chain,
    args: &TrustArgs,
    roots: &Roots,
    seconds: u32,
    cache: Option<&CekCache>,
    out: Output,
) -> Result<()> {
    let id = chain.chip_id().cloned().ok_or_else(|| {
        Error::new(Kind::Usage, "the chip's identity is not known, so its CEK cannot be fetched")
            .wanted("--chip-id ID")
            .hint("`virt-sev chain fetch` tells it, and `sevctl show identifier` on the host.")
    })?;
    let address = cek_address(&args.cek_url, &id);
    let body = download::get(&address, seconds)?;
    chain.replace_cek(&body).map_err(|e| {
        let e = e.at(address.clone());
        if e.hint_text().is_some() {
            e
        } else {
            e.hint("This is not what AMD's key service answers: is the address right?")
        }
    })?;
    // Where it was fetched from says nothing; AMD's signature does.
    let wrong = chain.check(roots).problems(Usage::Cek).next().map(|e| e.message().to_owned());
    if let Some(wrong) = wrong {
        return Err(Error::new(Kind::Certificate, wrong).at(address).hint(
            "What was fetched is not used and not kept. For a test platform, trust its root with --ca FILE.",
        ));
    }
    out.say(&format!("signed CEK: {address}"));
    match cache.map(|cache| cache.keep(&id, chain)) {
        Some(Err(e)) => out.say(&format!("virt-sev: warning: {e}")),
        Some(Ok(path)) => log::info!("kept as {}", path.display()),
        None => {}
    }
    Ok(())
}
