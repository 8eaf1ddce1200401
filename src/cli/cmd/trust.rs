//! A chain on its way to a root. In: a chain as it came, `--ca`, `--cek`, `--fetch`. Out: the chain with the signed CEK,
//! where that can be had. Never: a network unless asked for it, or a CEK that is kept before its signature holds.

use super::download;
use crate::args::TrustArgs;
use crate::output::Output;
use virt_sev::session::cache::CekCache;
use virt_sev::session::cert::Usage;
use virt_sev::session::chain::{Chain, cek_address};
use virt_sev::session::make::Trust;
use virt_sev::session::roots::Roots;
use virt_sev::{Error, Kind, Result};

/// Puts the signed CEK into a chain that has it unsigned: from `--cek`, from those kept, or from the key service.
pub(crate) fn complete(
    chain: Chain,
    args: &TrustArgs,
    roots: &Roots,
    seconds: u32,
    out: Output,
) -> Result<Chain> {
    let (mut chain, kept) = args.trust().complete(chain)?;
    if let Some(path) = kept {
        out.say(&format!("signed CEK: {}", path.display()));
    } else if args.fetch && !chain.has_signed_cek() {
        fetch(&mut chain, args, roots, seconds, Trust::cache().as_ref(), out)?;
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
