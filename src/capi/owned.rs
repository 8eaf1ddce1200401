//! What a caller said of a guest owner. In: texts and bytes. Out: a [`Holder`]. Never: a file read before it is needed, or a
//! key in an error.
#![forbid(unsafe_code)]

use crate::options::{flag, number, path, seconds, wrong};
use std::path::{Path, PathBuf};
use std::time::Duration;
use virt_sev::inject::table::{MAX_TABLE, SecretSpec, SecretTable, aliases, guid_of, read_secret};
use virt_sev::launch::Holder;
use virt_sev::measure::vmsa::InitialState;
use virt_sev::owner::{Expectation, KeyFiles, secrets};
use virt_sev::session::keys::{TransportKeys, read_key};
use virt_sev::session::make::Trust;
use virt_sev::{Error, Kind, Result};

/// Everything that a `virtsev_owner` holds. Each change is made as a whole or not at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owned {
    /// What is expected of the guest.
    pub(crate) expectation: Expectation,
    key_files: KeyFiles,
    keys: Option<TransportKeys>,
    /// `NAME:PATH`.
    secrets: Vec<String>,
    table: SecretTable,
    /// The guest's configuration is not looked at.
    pub(crate) ignore_config: bool,
    /// The longest wait for one answer of the hypervisor, where the caller says one.
    pub(crate) timeout: Option<Duration>,
    /// The platform's certificates.
    pub(crate) chain: Vec<PathBuf>,
    /// What they have to lead to.
    pub(crate) trust: Trust,
    /// The file for all that the host needs.
    pub(crate) bundle: Option<PathBuf>,
}

impl Owned {
    /// Sets an option, or takes it back.
    pub(crate) fn set(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        let (boot, cpus, claims) =
            (&mut self.expectation.boot, &mut self.expectation.cpus, &mut self.expectation.claims);
        match name {
            "firmware" => boot.firmware = path(name, value)?,
            "kernel" => boot.kernel = path(name, value)?,
            "initrd" => boot.initrd = path(name, value)?,
            "cmdline" => boot.cmdline = value.map(str::to_owned),
            "num-cpus" => cpus.num_cpus = number(name, value, 1)?,
            "vcpu-type" => cpus.vcpu_type = value.map(str::to_owned),
            "vcpu-sig" => cpus.vcpu_sig = number(name, value, 0)?,
            "cpu-family" => cpus.cpu_family = number(name, value, 0)?,
            "cpu-model" => cpus.cpu_model = number(name, value, 0)?,
            "cpu-stepping" => cpus.cpu_stepping = number(name, value, 0)?,
            "guest-features" => cpus.guest_features = number(name, value, 0)?,
            "legacy-vm-type" => cpus.state = state(name, value)?,
            "vmsa-cpu0" => cpus.vmsa_cpu0 = path(name, value)?,
            "vmsa-cpu1" => cpus.vmsa_cpu1 = path(name, value)?,
            "policy" => claims.policy = number(name, value, 0)?,
            "api-major" => claims.api_major = number(name, value, 0)?,
            "api-minor" => claims.api_minor = number(name, value, 0)?,
            "build-id" => claims.build_id = number(name, value, 0)?,
            "policy-file" => self.expectation.policy_file = path(name, value)?,
            "tik" => self.key_files.tik = path(name, value)?,
            "tek" => self.key_files.tek = path(name, value)?,
            "tk" => self.key_files.tk = path(name, value)?,
            "inject-secret" => match value {
                None => self.secrets.clear(),
                Some(text) => {
                    let secret = SecretSpec::parse(text.as_ref()).map_err(|e| e.at(name))?;
                    if secret.path == Path::new("-") {
                        return Err(wrong(name, "-", "the path of a file behind the colon"));
                    }
                    self.secrets.push(text.to_owned());
                }
            },
            "insecure" => self.expectation.insecure = flag(name, value)?,
            "ignore-config" => self.ignore_config = flag(name, value)?,
            "timeout" => self.timeout = seconds(name, value)?,
            "chain" => match path(name, value)? {
                None => self.chain.clear(),
                Some(file) => self.chain.push(file),
            },
            "ca" => self.trust.ca = path(name, value)?,
            "cek" => self.trust.cek = path(name, value)?,
            "chip-id" => self.trust.chip_id = value.map(str::to_owned),
            "bundle" => self.bundle = path(name, value)?,
            _ => {
                return Err(Error::new(Kind::Usage, "there is no such option of an owner")
                    .at(name)
                    .wanted("an option of `virt-sev verify` or `virt-sev session`, without its dashes"));
            }
        }
        Ok(())
    }

    /// Keeps both keys.
    pub(crate) fn keys(&mut self, mut tik: &[u8], mut tek: &[u8]) -> Result<()> {
        self.keys = Some(TransportKeys { tik: read_key("TIK", &mut tik)?, tek: read_key("TEK", &mut tek)? });
        Ok(())
    }

    /// Keeps a secret.
    pub(crate) fn secret(&mut self, name: &str, mut secret: &[u8]) -> Result<()> {
        // The name is not repeated: who swaps name and secret would find the secret in a log.
        let guid = guid_of(name).ok_or_else(|| {
            let known = aliases().collect::<Vec<_>>().join(", ");
            Error::new(Kind::Usage, "the name of a secret is neither a GUID nor a known alias")
                .at("name")
                .wanted(format!("8-4-4-4-12 hexadecimal digits, or {known}"))
        })?;
        if secret.len() > MAX_TABLE {
            return Err(Error::new(Kind::Usage, "the secret is too long to be injected")
                .at("secret")
                .found(format!("{} bytes", secret.len()))
                .wanted(format!("at most {MAX_TABLE}, with its place in the table")));
        }
        self.table.add(guid, read_secret(&mut secret)?)
    }

    /// Keys, secrets and expectation, with all files of keys and secrets read.
    pub(crate) fn holder(&self) -> Result<Holder> {
        self.expectation.check()?;
        let keys = match &self.keys {
            Some(_) if self.key_files.any() => {
                return Err(Error::new(Kind::Usage, "the keys are given twice: as bytes and as files")
                    .wanted("virtsev_owner_keys(), or tik and tek, or tk"));
            }
            Some(keys) => keys.clone(),
            None => self.key_files.read()?,
        };
        Ok(Holder { keys, table: self.table()?, expectation: self.expectation.clone() })
    }

    /// The secrets, those of files behind those of bytes.
    fn table(&self) -> Result<SecretTable> {
        let mut table = self.table.clone();
        table.append(secrets::table(&self.secrets)?)?;
        Ok(table)
    }
}

fn state(name: &str, value: Option<&str>) -> Result<Option<InitialState>> {
    match value {
        None => Ok(None),
        Some("on") => Ok(Some(InitialState::Legacy)),
        Some("off") => Ok(Some(InitialState::Init2)),
        Some(other) => Err(wrong(name, other, "on or off")),
    }
}

#[cfg(test)]
#[path = "owned_tests.rs"]
mod tests;
