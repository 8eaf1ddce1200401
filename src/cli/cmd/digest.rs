//! `virt-sev digest`. In: firmware, kernel, initrd, command line, processors. Out: the launch digest. Never: a digest that no
//! guest of QEMU can have, unless a VMSA file says so.

use super::files;
use crate::args::{DigestArgs, DigestFormat, DigestMode, given};
use crate::output::{Answer, Output};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::path::Path;
use virt_sev::host::ovmf;
use virt_sev::image::ImageContents;
use virt_sev::measure::kernel_hashes::KernelHashes;
use virt_sev::measure::vmsa::{InitialState, SNP_ACTIVE, VcpuSetup, VcpuState};
use virt_sev::measure::{Digest48, sev, snp};
use virt_sev::owner::{Cpus, boot, cpus};
use virt_sev::{Error, Kind, Result, hex};

/// Digests, the answer first; for built SEV-ES processors with their initial state.
type Digests = Vec<(Option<InitialState>, Vec<u8>)>;

pub(crate) fn run(args: &DigestArgs, out: Output) -> Result<Answer> {
    check_usage(args)?;
    let cpus = args.cpus.cpus();
    let boot = args.boot.files().boot(cpus.num_cpus)?;
    let image = boot::image(&boot.firmware)?;
    let at = |e: Error| e.at(boot.firmware.display().to_string());
    let contents = ovmf::inspect(&image).map_err(at)?;
    let vcpus = states(args.mode, &cpus, &contents, at)?;
    let (digests, kernel) = match args.mode {
        DigestMode::SnpOvmfHash => {
            (vec![(None, snp::Measured::new(&image).map_err(at)?.hash().to_vec())], None)
        }
        DigestMode::Snp => {
            let (firmware, kernel) = boot.hashed(|| match &args.snp_ovmf_hash {
                Some(text) => given_hash(text).map(snp::Measured::from_hash),
                None => snp::Measured::new(&image).map_err(at),
            })?;
            let digest = |vcpus| firmware.snp(&contents, kernel.as_ref(), vcpus).map_err(at);
            let all = vcpus.iter().map(|(_, v)| Ok((None, digest(v)?.to_vec())));
            (all.collect::<Result<_>>()?, kernel)
        }
        DigestMode::Sev | DigestMode::SevEs => {
            if boot.kernel.is_some() {
                KernelHashes::place_in(&contents).map_err(at)?;
            }
            let (firmware, kernel) = boot.hashed(|| sev::Measured::new(&mut &image[..]).map_err(at))?;
            let all = if args.mode == DigestMode::Sev {
                vec![(None, firmware.sev(kernel.as_ref()).to_vec())]
            } else {
                vcpus.iter().map(|(s, v)| (*s, firmware.sev_es(kernel.as_ref(), v).to_vec())).collect()
            };
            (all, kernel)
        }
    };
    if let (Some(folder), Some((_, first))) = (&args.save_vmsa, vcpus.first()) {
        save(folder, first, args.cpus.num_cpus)?;
    }
    tell(args, &digests, &image, kernel.as_ref(), out)
}

/// Options that make no sense in the mode, or together; every one is told.
fn check_usage(args: &DigestArgs) -> Result<()> {
    let (c, b) = (args.cpus.cpus(), args.boot.files());
    let mut problems = Vec::new();
    let mut wrong = |text: String| problems.push(Error::new(Kind::Usage, text));
    if b.firmware.is_none() {
        wrong("--firmware is needed".to_owned());
    }
    let processors = matches!(args.mode, DigestMode::SevEs | DigestMode::Snp);
    let own = [("--save-vmsa", args.save_vmsa.is_some()), ("--snp-ovmf-hash", args.snp_ovmf_hash.is_some())];
    for option in b.given().chain(c.given()).chain(given(own)) {
        let sense = match option {
            "--firmware" => true,
            "--kernel" | "--initrd" | "--cmdline" => args.mode != DigestMode::SnpOvmfHash,
            "--legacy-vm-type" => args.mode == DigestMode::SevEs,
            "--snp-ovmf-hash" => args.mode == DigestMode::Snp,
            _ => processors,
        };
        if !sense {
            wrong(format!("{option} makes no sense with --mode {}", name(args.mode)));
        }
    }
    if processors && c.num_cpus.is_none() {
        wrong(format!("--mode {} needs --num-cpus", name(args.mode)));
    }
    if processors && !c.named() {
        wrong(format!("--mode {} needs {}", name(args.mode), cpus::WAYS));
    }
    if c.vmsa_cpu0.is_some() && args.save_vmsa.is_some() {
        wrong("VMSA files exclude --save-vmsa".to_owned());
    }
    problems.extend(b.problems());
    problems.extend(c.problems());
    Error::many(problems).map_or(Ok(()), Err)
}

/// The processors in each state that they may have, the likeliest first; none where they do not count.
fn states(
    mode: DigestMode,
    c: &Cpus,
    contents: &ImageContents,
    at: impl Fn(Error) -> Error,
) -> Result<Vec<(Option<InitialState>, VcpuState)>> {
    let count = c.num_cpus.unwrap_or(1);
    if let Some(given) = c.files(count)? {
        return Ok(vec![(None, given)]);
    }
    let Some(cpu) = c.signature()? else { return Ok(Vec::new()) };
    let setups: Vec<VcpuSetup> = if mode == DigestMode::Snp {
        let snp = VcpuSetup::snp(cpu);
        vec![VcpuSetup { features: c.guest_features.unwrap_or(snp.features), ..snp }]
    } else {
        let features = c.guest_features.unwrap_or_default();
        let first = c.state.unwrap_or(InitialState::auto(features));
        let others = InitialState::ALL.into_iter().filter(|s| *s != first && c.state.is_none());
        std::iter::once(first).chain(others).map(|state| VcpuSetup { cpu, state, features }).collect()
    };
    let active = setups.iter().any(|s| s.features & SNP_ACTIVE != 0);
    if active != (mode == DigestMode::Snp) {
        log::warn!(
            "KVM sets bit 0 of the features for every SEV-SNP guest and for no other: no guest has this digest"
        );
    }
    setups
        .iter()
        .map(|s| Ok((Some(s.state), VcpuState::built(s, contents.es_reset_addr, count).map_err(&at)?)))
        .collect()
}

/// Writes the pages under the names of the options that read them.
fn save(folder: &Path, vcpus: &VcpuState, count: Option<u32>) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| {
        Error::new(Kind::File, "the folder cannot be made").at(folder.display().to_string()).because(e)
    })?;
    files::write("VMSA", &folder.join("vmsa-cpu0.bin"), vcpus.boot().bytes(), 0o644)?;
    match vcpus.further().filter(|_| count > Some(1)) {
        Some(page) => files::write("VMSA", &folder.join("vmsa-cpu1.bin"), page.bytes(), 0o644),
        None => Ok(()),
    }
}

fn given_hash(text: &str) -> Result<Digest48> {
    hex::decode(text).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        Error::new(Kind::Usage, "not the hash of a firmware image")
            .at("--snp-ovmf-hash")
            .found(text)
            .wanted("96 hexadecimal digits, as --mode snp:ovmf-hash prints them")
    })
}

fn name(mode: DigestMode) -> &'static str {
    match mode {
        DigestMode::Sev => "sev",
        DigestMode::SevEs => "sev-es",
        DigestMode::Snp => "snp",
        DigestMode::SnpOvmfHash => "snp:ovmf-hash",
    }
}

/// QEMU's word for a state.
fn legacy(state: InitialState) -> &'static str {
    if state == InitialState::Legacy { "on" } else { "off" }
}

fn tell(
    args: &DigestArgs,
    digests: &Digests,
    image: &[u8],
    kernel: Option<&KernelHashes>,
    out: Output,
) -> Result<Answer> {
    let Some((_, digest)) = digests.first() else {
        return Err(Error::new(Kind::Bug, "no digest was computed"));
    };
    let written = |digest: &[u8]| match args.output_format {
        DigestFormat::Hex => hex::encode(digest),
        DigestFormat::Base64 => STANDARD.encode(digest),
    };
    if out.is_json() {
        let mut answer = json!({ "mode": name(args.mode), "digest": written(digest) });
        let states: Vec<Value> = digests
            .iter()
            .filter_map(|(state, digest)| Some(((*state)?, digest)))
            .map(|(s, digest)| {
                json!({ "initial-state": s.to_string(), "legacy-vm-type": legacy(s), "digest": written(digest) })
            })
            .collect();
        if !states.is_empty() {
            answer["states"] = states.into();
        }
        // Without a kernel the digest of SEV is that of the image alone.
        let image = sev::Measured::new(&mut &image[..])?.sev(None);
        answer["inputs"] = inputs(args, &image, kernel)?;
        out.answer_json("digest", answer)?;
        return Ok(Answer::Yes);
    }
    out.answer(&format!("{}\n", written(digest)))?;
    if let [(Some(state), _), (Some(other), digest)] = digests.as_slice() {
        out.say(&format!(
            "note: this is for {state}, which QEMU chooses by itself; for {other} (--legacy-vm-type {}) it is {}",
            legacy(*other),
            written(digest)
        ));
    }
    Ok(Answer::Yes)
}

/// What the digest was made of.
fn inputs(args: &DigestArgs, image: &[u8], kernel: Option<&KernelHashes>) -> Result<Value> {
    let (c, b) = (&args.cpus, &args.boot);
    let mut inputs = Map::new();
    let mut put = |name: &str, value: Value| inputs.insert(name.to_owned(), value);
    let path = |p: &Path| Value::from(p.display().to_string());
    if let Some(file) = &b.firmware {
        put("firmware", json!({ "file": path(file), "sha256": hex::encode(image) }));
    }
    if let Some(text) = &args.snp_ovmf_hash {
        put("snp-ovmf-hash", text.to_ascii_lowercase().into());
    }
    if let (Some(kernel), Some(file)) = (kernel, &b.kernel) {
        put("kernel", json!({ "file": path(file), "sha256": hex::encode(&kernel.kernel) }));
        let file = b.initrd.as_deref().map_or(Value::Null, path);
        put("initrd", json!({ "file": file, "sha256": hex::encode(&kernel.initrd) }));
        let text = b.cmdline.as_deref().unwrap_or_default();
        put("cmdline", json!({ "text": text, "sha256": hex::encode(&kernel.cmdline) }));
    }
    if let Some(count) = c.num_cpus {
        put("num-cpus", count.into());
    }
    for (name, file) in [("vmsa-cpu0", &c.vmsa_cpu0), ("vmsa-cpu1", &c.vmsa_cpu1)] {
        if let Some(file) = file {
            put(name, path(file));
        }
    }
    if let Some(cpu) = args.cpus.cpus().signature()? {
        let signature = format!("{:#x}", cpu.eax());
        put(
            "cpu",
            json!({ "signature": signature, "family": cpu.family, "model": cpu.model, "stepping": cpu.stepping }),
        );
        let own = if args.mode == DigestMode::Snp { SNP_ACTIVE } else { 0 };
        put("guest-features", format!("{:#x}", c.guest_features.unwrap_or(own)).into());
    }
    Ok(Value::Object(inputs))
}
