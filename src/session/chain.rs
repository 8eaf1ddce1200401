//! A platform's certificate chain. In: PDH ‖ PEK ‖ OCA ‖ CEK [‖ ASK ‖ ARK]. Out: [`Verified`], naming the root.
//! Never: a chain that is trusted because of a root it brought along, or an error that names only the first problem.
//!
//! `PDH ← PEK ← OCA ← itself`, and `PEK ← CEK ← ASK ← ARK ← itself` (AMD SEV API, 55766, chapter 2).

use super::ca::CaCert;
use super::cert::{CERT_SIZE, Cert, Usage, bad};
use super::roots::{Root, Roots, parse_pair};
use crate::{Error, Kind, Result};

/// A platform's certificates, well formed, not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    pdh: Cert,
    pek: Cert,
    oca: Cert,
    cek: Cert,
    ca: Option<(CaCert, CaCert)>,
    chip_id: Option<String>,
}

/// A chain that leads to a trusted root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The platform's Diffie-Hellman certificate: what a session is made for.
    pub pdh: Cert,
    /// The name of the root: `Milan`, or what was given for a root of `--ca`.
    pub root: String,
    /// The root is one of AMD's, built into the program. Where it is not, the text must say so.
    pub built_in: bool,
}

impl Chain {
    /// The order of the platform's own certificates.
    const ORDER: [Usage; 4] = [Usage::Pdh, Usage::Pek, Usage::Oca, Usage::Cek];

    /// Reads a chain: binary, or the same in base64. Every malformed certificate is reported.
    ///
    /// # Errors
    /// `Kind::Certificate`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let bytes = super::decode_if_base64(bytes);
        let Some((platform, ca)) = bytes.split_at_checked(Self::ORDER.len() * CERT_SIZE) else {
            return Err(Error::new(Kind::Certificate, "the certificate chain is too short")
                .found(format!("{} bytes", bytes.len()))
                .wanted(format!("{} bytes: PDH, PEK, OCA and CEK", Self::ORDER.len() * CERT_SIZE))
                .hint("Export it on the host with `sevctl export --full FILE`; `virt-sev session -c URI` reads it over libvirt."));
        };
        let mut problems = Vec::new();
        let mut certs: Vec<Cert> = Vec::with_capacity(Self::ORDER.len());
        for (usage, bytes) in Self::ORDER.into_iter().zip(platform.chunks_exact(CERT_SIZE)) {
            match Cert::parse(usage, bytes) {
                Ok(cert) => certs.push(cert),
                Err(e) => problems.push(e),
            }
        }
        let ca = match ca {
            [] => None,
            bytes => parse_pair(bytes).map_err(|e| problems.push(e)).ok(),
        };
        if let Some(e) = Error::many(problems) {
            return Err(e);
        }
        match <[Cert; 4]>::try_from(certs) {
            Ok([pdh, pek, oca, cek]) => Ok(Self { pdh, pek, oca, cek, ca, chip_id: None }),
            Err(_) => Err(Error::new(Kind::Bug, "a certificate was lost while the chain was read")),
        }
    }

    /// The chip's identity (libvirt's `cpu0-id`), so that an unsigned CEK's error can name the address to fetch.
    #[must_use]
    pub fn of_chip(mut self, id: &[u8]) -> Self {
        self.chip_id = Some(crate::hex::encode(id));
        self
    }

    /// Puts AMD's signed CEK in the place of the unsigned one that the platform exports.
    ///
    /// # Errors
    /// `Kind::Certificate` when it is malformed or of another chip.
    pub fn replace_cek(&mut self, bytes: &[u8]) -> Result<()> {
        let cek = Cert::parse(Usage::Cek, bytes)?;
        if !cek.same_body(&self.cek) {
            return Err(bad(Usage::Cek, "is another chip's: its key is not that of the chain's CEK")
                .hint("Fetch it again, by the identity of this host's chip."));
        }
        self.cek = cek;
        Ok(())
    }

    /// The platform's Diffie-Hellman certificate, not verified.
    #[must_use]
    pub fn pdh(&self) -> &Cert {
        &self.pdh
    }

    /// The certificates in their order, for showing them.
    #[must_use]
    pub fn certs(&self) -> [&Cert; 4] {
        [&self.pdh, &self.pek, &self.oca, &self.cek]
    }

    /// The chain as one file. With `ca`, the ASK and ARK that came with it follow.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out: Vec<u8> = self.certs().into_iter().flat_map(|c| c.bytes().iter().copied()).collect();
        for ca in self.ca.iter().flat_map(|(ask, ark)| [ask, ark]) {
            out.extend_from_slice(ca.bytes());
        }
        out
    }

    /// Verifies every signature up to a trusted root. Every one that does not verify is reported.
    ///
    /// # Errors
    /// `Kind::Certificate`, each problem naming the certificate and the signature.
    pub fn verify(&self, roots: &Roots) -> Result<Verified> {
        let mut problems = Vec::new();
        let mut note = |result: Result<()>| problems.extend(result.err());
        note(self.pdh.verify_signed_by(&self.pek));
        note(self.pek.verify_signed_by(&self.oca));
        note(self.pek.verify_signed_by(&self.cek));
        note(self.oca.verify_signed_by(&self.oca));
        let root = self.root(roots).map_err(|e| problems.push(e)).ok();
        match (Error::many(problems), root) {
            (Some(e), _) => Err(e),
            (None, Some(root)) => {
                Ok(Verified { pdh: self.pdh.clone(), root: root.name.clone(), built_in: root.built_in })
            }
            (None, None) => Err(Error::new(Kind::Bug, "a chain without a root and without a problem")),
        }
    }

    /// The trusted root whose ASK signed the CEK.
    fn root<'a>(&self, roots: &'a Roots) -> Result<&'a Root> {
        let mut problems = Vec::new();
        // What came with the chain proves nothing, but it must not contradict the root either.
        let brought = self.ca.as_ref().map(|(ask, ark)| {
            let known = roots.iter().find(|r| r.ark == *ark);
            problems.extend(ark.verify_signed_by(ark).err());
            problems.extend(ask.verify_signed_by(ark).err());
            if known.is_none() && problems.is_empty() {
                problems.push(
                    bad(Usage::Ark, "is not to be trusted: it came with the chain, and is none of AMD's roots")
                        .hint("A root that came with the chain proves nothing. Trust it with --ca FILE if you know it."),
                );
            }
            known
        });
        if !self.cek.claims_signature_of(Usage::Ask) {
            problems.push(
                bad(Usage::Cek, "is not signed: a platform exports it without the signature of AMD's ASK")
                    .hint(self.cek_hint()),
            );
        } else {
            // An ASK that came along and verified under a trusted ARK is that root's own.
            let signer = roots.iter().find(|r| self.cek.verify_signed_by_ask(r.ask.key()).is_ok());
            match (signer, brought) {
                (Some(root), None) => return Error::many(problems).map_or(Ok(root), Err),
                (Some(root), Some(Some(known))) if root.ark == known.ark => {
                    return Error::many(problems).map_or(Ok(root), Err);
                }
                (Some(root), Some(Some(known))) => problems.push(
                    bad(Usage::Cek, "is signed under another root than the one that came with the chain")
                        .found(root.name.clone())
                        .wanted(known.name.clone()),
                ),
                (None, Some(Some(known))) => {
                    problems.extend(self.cek.verify_signed_by_ask(known.ask.key()).err());
                }
                (Some(_), Some(None)) => {}
                (None, Some(None)) => {
                    if let Some((ask, _)) = &self.ca {
                        problems.extend(self.cek.verify_signed_by_ask(ask.key()).err());
                    }
                }
                (None, None) => problems.push(
                    bad(
                        Usage::Cek,
                        "is not to be trusted: its signature of the ASK does not verify under any known root",
                    )
                    .wanted(roots.iter().map(|r| r.name.as_str()).collect::<Vec<_>>().join(", "))
                    .hint("For a test platform, trust its root with --ca FILE."),
                ),
            }
        }
        Err(Error::many(problems)
            .unwrap_or_else(|| Error::new(Kind::Bug, "a chain without a root and without a problem")))
    }

    fn cek_hint(&self) -> String {
        let id =
            self.chip_id.as_deref().unwrap_or("<the chip's identity in hex: cpu0-id of `virsh nodesevinfo`>");
        format!(
            "Fetch the signed one of this chip from https://{CEK_SERVICE}/{id} and put it in the chain's last place."
        )
    }
}

/// Where AMD publishes each chip's signed CEK.
const CEK_SERVICE: &str = "kdsintf.amd.com/cek/id";

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
