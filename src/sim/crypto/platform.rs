//! The platform's identity: PDH, PEK, OCA, CEK, ASK, ARK, made once and kept.
//! In: the state folder. Out: [`Platform`]: the PDH's private key and the chain. Never: a private key other than the
//! PDH's on disk: the others sign once and are forgotten.

use super::cert::{Certificate, Usage, authority};
use crate::error::{Context, Error, Result};
use crate::settings::Settings;
use p384::SecretKey;
use p384::elliptic_curve::Generate;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The folder of the platform's files, inside the state folder.
pub const FOLDER: &str = "platform";
/// Size of the AMD keys, as on every processor since Rome.
const RSA_BITS: usize = 4096;
const PDH_KEY: &str = "pdh.key";

/// The simulated platform.
pub struct Platform {
    /// The private half of the PDH: 48 bytes.
    pub pdh_key: SecretKey,
    /// The PDH's certificate.
    pub pdh: Vec<u8>,
    /// PEK, OCA, CEK, as the firmware exports them.
    pub chain: Vec<u8>,
    /// The processor's identity: 64 bytes.
    pub id: Vec<u8>,
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Platform").field("pdh_key", &"<redacted>").finish_non_exhaustive()
    }
}

impl Platform {
    /// The platform of this state folder; made when there is none yet.
    ///
    /// # Errors
    /// The folder cannot be read or written.
    pub fn load(settings: &Settings) -> Result<Self> {
        let folder = settings.state.join(FOLDER);
        fs::create_dir_all(&folder).at(folder.display())?;
        // Two emulators can start at once: one makes the keys.
        let lock = fs::File::create(folder.join("lock")).at(folder.display())?;
        lock.lock().at(folder.display())?;
        if !folder.join(PDH_KEY).exists() {
            make(&folder, settings.api)?;
        }
        let read = |name: &str| fs::read(folder.join(name)).at(folder.join(name).display());
        let key = zeroize::Zeroizing::new(read(PDH_KEY)?);
        let cek = if settings.cek_signed { "cek.cert" } else { "cek-unsigned.cert" };
        Ok(Self {
            pdh_key: SecretKey::from_slice(&key).at(folder.join(PDH_KEY).display())?,
            pdh: read("pdh.cert")?,
            chain: [read("pek.cert")?, read("oca.cert")?, read(cek)?].concat(),
            id: read("cpu0.id")?,
        })
    }
}

fn make(folder: &Path, api: (u8, u8)) -> Result<()> {
    let rsa_key =
        || rsa::PrivateKey::new(&mut getrandom::SysRng, RSA_BITS).map_err(|e| Error::new(e.to_string()));
    let (ark, ask) = std::thread::scope(|scope| {
        let other = scope.spawn(rsa_key);
        let ask = rsa_key();
        let ark = other.join().unwrap_or_else(|_| Err(Error::new("the thread that makes the ARK ended")));
        Ok::<_, Error>((ark?, ask?))
    })?;
    let (ark_id, ask_id) = (super::random::<16>()?, super::random::<16>()?);
    let ark_cert = authority(Usage::Ark, &ark, &ark, (&ark_id, &ark_id))?;
    let ask_cert = authority(Usage::Ask, &ask, &ark, (&ask_id, &ark_id))?;

    let [oca_key, pek_key, cek_key, pdh_key] = std::array::from_fn(|_| SecretKey::try_generate());
    let (oca_key, pek_key, cek_key, pdh_key) =
        (oca_key.at("OCA")?, pek_key.at("PEK")?, cek_key.at("CEK")?, pdh_key.at("PDH")?);
    let certificate = |usage, key: &SecretKey| Certificate::new(usage, api, &key.public_key());
    let cek_unsigned = certificate(Usage::Cek, &cek_key);
    let mut cek = cek_unsigned.clone();
    cek.sign_rsa(0, Usage::Ask, &ask)?;
    let mut oca = certificate(Usage::Oca, &oca_key);
    oca.sign(0, Usage::Oca, &oca_key)?;
    let mut pek = certificate(Usage::Pek, &pek_key);
    pek.sign(0, Usage::Oca, &oca_key)?;
    pek.sign(1, Usage::Cek, &cek_key)?;
    let mut pdh = certificate(Usage::Pdh, &pdh_key);
    pdh.sign(0, Usage::Pek, &pek_key)?;

    let chain = [pdh.bytes(), pek.bytes(), oca.bytes(), cek.bytes()].concat();
    let authorities = [ask_cert, ark_cert].concat();
    for (name, bytes) in [
        ("pdh.cert", pdh.bytes()),
        ("pek.cert", pek.bytes()),
        ("oca.cert", oca.bytes()),
        ("cek.cert", cek.bytes()),
        ("cek-unsigned.cert", cek_unsigned.bytes()),
        ("chain.cert", &chain),
        ("ask_ark.cert", &authorities),
        ("full-chain.cert", &[chain.as_slice(), authorities.as_slice()].concat()),
        ("cpu0.id", &super::random::<64>()?),
    ] {
        fs::write(folder.join(name), bytes).at(folder.join(name).display())?;
    }
    // The private key last: its presence says that the platform is complete.
    let new = folder.join("pdh.key.new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(&zeroize::Zeroizing::new(pdh_key.to_bytes()))?;
    fs::rename(&new, folder.join(PDH_KEY)).at(folder.display())
}
