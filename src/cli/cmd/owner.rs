//! The guest owner's inputs: keys, expected digests, secrets. In: options and files. Out: what `measure` and `inject`
//! take. Never: anything that the host says.

use super::files;
use crate::args::{KeyArgs, VerifyArgs};
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use virt_sev::host::ovmf;
use virt_sev::image::ImageContents;
use virt_sev::inject::packet::{self, Packet};
use virt_sev::inject::table::{SecretSpec, SecretTable};
use virt_sev::measure::at_once;
use virt_sev::measure::cpu::CpuSignature;
use virt_sev::measure::expected::Processors;
use virt_sev::measure::kernel_hashes::KernelHashes;
use virt_sev::measure::sev::{LARGEST_FIRMWARE, Measured};
use virt_sev::measure::verify::{Evidence, Expected};
use virt_sev::measure::vmsa::{VcpuState, Vmsa};
use virt_sev::session::keys::{TransportKeys, read_both, read_key};
use virt_sev::{Error, Kind, Result, hex};

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
        (None, _, _) => Err(Error::new(Kind::Usage, "the guest owner's keys are missing")
            .wanted("--tk FILE, or --tik FILE and --tek FILE")
            .hint("`virt-sev session` wrote them as tik.bin and tek.bin.")),
    }
}

/// Combinations of options that make no sense, as virt-qemu-sev-validate refuses them.
pub(crate) fn check_usage(v: &VerifyArgs) -> Result<()> {
    let mut problems = Vec::new();
    let mut wrong = |text: &str| problems.push(Error::new(Kind::Usage, text));
    if v.kernel.is_none() && (v.initrd.is_some() || v.cmdline.is_some()) {
        wrong("--initrd and --cmdline need --kernel");
    }
    let sku = [v.cpu_family, v.cpu_model, v.cpu_stepping];
    let given = sku.iter().flatten().count();
    if given != 0 && given != sku.len() {
        wrong("a processor needs all of --cpu-family, --cpu-model and --cpu-stepping");
    }
    if given != 0 && (v.vmsa_cpu0.is_some() || v.vmsa_cpu1.is_some()) {
        wrong("VMSA files exclude --cpu-family, --cpu-model and --cpu-stepping");
    }
    if v.vmsa_cpu1.is_some() && v.vmsa_cpu0.is_none() {
        wrong("--vmsa-cpu1 needs --vmsa-cpu0");
    }
    Error::many(problems).map_or(Ok(()), Err)
}

/// What the guest is expected to start from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Boot {
    pub(crate) firmware: PathBuf,
    pub(crate) kernel: Option<PathBuf>,
    pub(crate) initrd: Option<PathBuf>,
    pub(crate) cmdline: Option<String>,
    pub(crate) vcpus: Option<u32>,
}

/// The launch digests that the owner accepts: one for SEV; for SEV-ES one for each initial state that KVM knows.
pub(crate) fn expected(v: &VerifyArgs, boot: &Boot, policy: u32) -> Result<Expected> {
    let processors = processors(v, boot)?;
    let firmware = || {
        Measured::new(&mut files::open("firmware", &boot.firmware)?)
            .map_err(|e| e.at(boot.firmware.display().to_string()))
    };
    let (firmware, kernel) = match boot.kernel {
        Some(_) => at_once(firmware, || kernel_hashes(boot))?,
        None => (firmware()?, None),
    };
    let expected = Expected::of_launch(&firmware, kernel.as_ref(), policy, processors.as_ref())
        .map_err(|e| e.at(boot.firmware.display().to_string()))?;
    log::debug!("measured: firmware {}, policy {policy:#x}", boot.firmware.display());
    if let Some(kernel) = &boot.kernel {
        let initrd = boot.initrd.as_ref().map_or("none".to_owned(), |p| p.display().to_string());
        let cmdline = boot.cmdline.as_deref().unwrap_or_default();
        log::debug!("measured: kernel {}, initrd {initrd}, command line '{cmdline}'", kernel.display());
    }
    for candidate in &expected.digests {
        let state = candidate.state.map(|s| format!(", initial state {s}")).unwrap_or_default();
        log::info!("expected launch digest {}{state}", hex::encode(&candidate.digest));
    }
    Ok(expected)
}

/// The hashes of what a direct boot starts; `None` without a kernel.
fn kernel_hashes(boot: &Boot) -> Result<Option<KernelHashes>> {
    let Some(kernel) = &boot.kernel else { return Ok(None) };
    let mut initrd = boot.initrd.as_deref().map(|p| files::open("initrd", p)).transpose()?;
    KernelHashes::read(
        &mut files::open("kernel", kernel)?,
        initrd.as_mut().map(|f| f as &mut (dyn Read + Send)),
        boot.cmdline.as_deref().map(str::as_bytes),
    )
    .map(Some)
}

/// The processors as the options describe them; `None` where they do not.
fn processors(v: &VerifyArgs, boot: &Boot) -> Result<Option<Processors>> {
    let count = boot.vcpus.unwrap_or(1);
    if let Some(cpu0) = &v.vmsa_cpu0 {
        let read = |path: &PathBuf| {
            Vmsa::read(&mut files::open("VMSA", path)?).map_err(|e| e.at(path.display().to_string()))
        };
        let further = v.vmsa_cpu1.as_ref().map(read).transpose()?;
        return Ok(Some(Processors::Given(VcpuState::new(read(cpu0)?, further, count)?)));
    }
    let (Some(family), Some(model), Some(stepping)) = (v.cpu_family, v.cpu_model, v.cpu_stepping) else {
        return Ok(None);
    };
    Ok(Some(Processors::Built {
        cpu: CpuSignature::new(family, model, stepping)?,
        count,
        reset_addr: image_contents(&boot.firmware)?.es_reset_addr,
        state: None,
        features: 0,
    }))
}

/// What a firmware image holds.
pub(crate) fn image_contents(path: &Path) -> Result<ImageContents> {
    let mut bytes = Vec::new();
    files::open("firmware", path)?.take(LARGEST_FIRMWARE + 1).read_to_end(&mut bytes).map_err(|e| {
        Error::new(Kind::File, "the firmware cannot be read").at(path.display().to_string()).because(e)
    })?;
    // The table stands at the end: a part of an image would say that there is none.
    if bytes.len() as u64 > LARGEST_FIRMWARE {
        return Err(Error::new(Kind::Firmware, "the firmware image is too large")
            .at(path.display().to_string())
            .wanted(format!("at most {} MiB", LARGEST_FIRMWARE >> 20)));
    }
    ovmf::inspect(&bytes).map_err(|e| e.at(path.display().to_string()))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The first 64 MiB were looked into, and an image of that size seemed to have no place for a secret.
    #[test]
    fn an_image_that_is_too_large_is_told_as_such() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(LARGEST_FIRMWARE + 1).unwrap();
        let e = image_contents(file.path()).unwrap_err();
        assert_eq!(e.kind(), Kind::Firmware);
        assert_eq!(e.message(), "the firmware image is too large");
    }
}
