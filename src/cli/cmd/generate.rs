//! `virt-sev generate`. In: what a domain is to have, a template, keys, perhaps a host. Out: a new domain that is
//! right already, and the disks that were to be created; or the reasons, and no file.

mod make;
mod templates;

use super::{files, prepare};
use crate::args::GenerateArgs;
use crate::output::{Answer, Output};
use serde_json::json;
use std::path::Path;
use virt_sev::config::SevConfig;
use virt_sev::domain::Domain;
use virt_sev::generate::{Cpu, Disk, Hugepages, Kernel, Network, Request, Seed, parse_size};
use virt_sev::host::HostFacts;
use virt_sev::{Error, Kind, Result};

/// `facts` is asked only when there is something to do.
pub(crate) fn run(
    args: &GenerateArgs,
    facts: impl FnOnce(&Domain<'_>, &SevConfig) -> Result<HostFacts>,
    out: Output,
) -> Result<Answer> {
    if args.list {
        return templates::list(&args.template_dir, out);
    }
    let request = request(args)?;
    one_stdin(args, &request)?;
    let template = templates::find(&args.template, &args.template_dir)?;
    let plain = template.generate(&request, None)?;
    let config = prepare::config(&args.config, &plain, false, out)?;
    // The keys may lie in the template's own metadata, and they decide what processor suits.
    let domain = if config.is_some() { template.generate(&request, config.as_ref())? } else { plain };
    let host = match &config {
        Some(config) => facts(&domain, config)?,
        None => HostFacts::not_asked(),
    };
    let done = prepare::prepare(&prepare::options(&args.config, false), (domain, None), config, &host)?;
    out.findings(&done.findings);
    notes(&request, done.config.as_ref(), out);
    let mut made = make::create(&request)?;
    let created = made.paths().to_vec();
    if let Some(path) = &args.output {
        make::apart(&request, path)?;
        files::write("domain document", path, done.xml.as_bytes(), 0o600)?;
        // The document is there, and it needs them.
        made.keep();
    }
    if out.is_json() {
        out.answer_json(
            "generate",
            json!({
                "domain": request.name,
                "template": template.name(),
                "created": created,
                "findings": done.findings,
                "xml": if args.output.is_some() { None } else { Some(&done.xml) },
            }),
        )?;
    } else if args.output.is_none() {
        out.answer(&done.xml)?;
    }
    made.keep();
    Ok(Answer::Yes)
}

/// The options as values, or everything that is wrong with them.
fn request(args: &GenerateArgs) -> Result<Request> {
    let mut wrong = Vec::new();
    let mut keep = |e: Error| wrong.push(e);
    let memory = parse_size("--memory", args.memory.as_deref().unwrap_or_default()).map_err(&mut keep);
    let cpu = args.cpu.as_deref().map(Cpu::parse).transpose().map_err(&mut keep);
    let hugepages = match args.hugepages.as_deref() {
        None => Ok(None),
        Some("") => Ok(Some(Hugepages(None))),
        Some(text) => parse_size("--hugepages", text).map(|s| Some(Hugepages(Some(s)))).map_err(&mut keep),
    };
    let disks: Vec<_> = args.disk.iter().filter_map(|d| Disk::parse(d).map_err(&mut keep).ok()).collect();
    let networks: Vec<_> =
        args.network.iter().filter_map(|n| Network::parse(n).map_err(&mut keep).ok()).collect();
    let seed = args.cloud_init.as_deref().map(Seed::parse).transpose().map_err(&mut keep);
    let (Ok(memory), Ok(cpu), Ok(hugepages), Ok(seed), true) =
        (memory, cpu, hugepages, seed, wrong.is_empty())
    else {
        return Err(Error::many(wrong).unwrap_or_else(|| Error::new(Kind::Bug, "an error was lost")));
    };
    let kernel = args.kernel.clone().map(|kernel| Kernel {
        kernel,
        initrd: args.initrd.clone(),
        cmdline: args.cmdline.clone(),
    });
    let name = args.name.clone().unwrap_or_default();
    Ok(Request {
        uuid: args.uuid.clone(),
        cpu,
        numa: args.numa,
        hugepages,
        kernel,
        disks,
        seed,
        networks,
        tpm: args.tpm,
        vsock: args.vsock,
        ..Request::new(name, memory, args.vcpus.unwrap_or_default())
    })
}

/// Standard input can be read once.
fn one_stdin(args: &GenerateArgs, request: &Request) -> Result<()> {
    let sources = request.seed.iter().filter_map(|s| s.sources.as_ref());
    let seed = sources.flat_map(|s| [Some(&s.user_data), s.meta_data.as_ref(), s.network_config.as_ref()]);
    let seeds = seed.flatten().filter(|f| *f == "-").count();
    let keys = args.config.config.iter().filter(|f| *f == Path::new("-")).count();
    if seeds + keys > 1 && seeds > 0 {
        return Err(Error::new(Kind::Usage, "standard input can be only one of the files")
            .at("--cloud-init")
            .hint("Name a file for the others."));
    }
    Ok(())
}

fn notes(request: &Request, config: Option<&SevConfig>, out: Output) {
    if config.is_none() {
        out.say("note: no key asks for SEV, so the domain is one without");
    } else if request.tpm {
        out.say(
            "note: the TPM and its state are the host's, so what it says is no evidence to a guest's owner",
        );
    }
    if request.kernel.is_none() && request.disks.is_empty() {
        out.say("note: neither --kernel nor --disk: the guest has nothing to boot");
    }
}
