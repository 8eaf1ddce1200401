//! A platform's certificate chain. In: PDH, PEK, OCA, CEK, perhaps ASK and ARK. Out: [`Report`], [`Verified`], naming the
//! root. Never: a chain that is trusted because of a root it brought along, or an error that names only the first problem.
//!
//! `PDH ← PEK ← OCA ← itself`, and `PEK ← CEK ← ASK ← ARK ← itself` (AMD SEV API, 55766, chapter 2).

use super::ca::CaCert;
use super::cert::{CERT_SIZE, Cert, Usage, bad};
use super::chip::ChipId;
use super::gather::{Input, gather};
use super::roots::{Root, Roots};
use crate::{Error, Kind, Result};

/// A platform's certificates, well formed, not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    pdh: Cert,
    pek: Cert,
    oca: Cert,
    cek: Cert,
    ca: Option<(CaCert, CaCert)>,
    chip_id: Option<ChipId>,
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

/// What became of every signature.
#[derive(Debug)]
pub struct Report<'r> {
    problems: Vec<(Usage, Error)>,
    root: Option<&'r Root>,
}

impl<'r> Report<'r> {
    /// True where every signature holds, up to a trusted root.
    #[must_use]
    pub fn verified(&self) -> bool {
        self.problems.is_empty() && self.root.is_some()
    }

    /// What is wrong with the certificate of this usage.
    pub fn problems(&self, of: Usage) -> impl Iterator<Item = &Error> {
        self.problems.iter().filter(move |(usage, _)| *usage == of).map(|(_, e)| e)
    }

    /// The trusted root whose ASK signed the CEK, though something else may be wrong.
    #[must_use]
    pub fn root(&self) -> Option<&'r Root> {
        self.root
    }

    /// Everything that is wrong, as one error.
    #[must_use]
    pub fn into_error(self) -> Option<Error> {
        Error::many(self.problems.into_iter().map(|(_, e)| e).collect())
    }
}

impl Chain {
    pub(super) fn new(
        [pdh, pek, oca, cek]: [Cert; 4],
        ca: Option<(CaCert, CaCert)>,
        chip_id: Option<ChipId>,
    ) -> Self {
        Self { pdh, pek, oca, cek, ca, chip_id }
    }

    /// Reads a chain out of one file: see [`gather`].
    ///
    /// # Errors
    /// `Kind::Certificate`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        gather(&[Input { name: "", bytes }])
    }

    /// Says which chip it is of, so that the signed CEK can be found.
    #[must_use]
    pub fn of_chip(self, id: Option<ChipId>) -> Self {
        Self { chip_id: id.or(self.chip_id), ..self }
    }

    /// The chip's identity, where it is known.
    #[must_use]
    pub fn chip_id(&self) -> Option<&ChipId> {
        self.chip_id.as_ref()
    }

    /// True where the CEK has a signature of AMD's, valid or not. A platform exports it without.
    #[must_use]
    pub fn has_signed_cek(&self) -> bool {
        self.cek.claims_signature_of(Usage::Ask)
    }

    /// Puts AMD's signed CEK in the place of the unsigned one that the platform exports.
    ///
    /// # Errors
    /// `Kind::Certificate` when it is malformed or of another chip.
    pub fn replace_cek(&mut self, bytes: &[u8]) -> Result<()> {
        let bytes = super::decode_if_base64(bytes);
        // What may stand behind it is AMD's signing key, which is built in.
        let own = match bytes.split_at_checked(CERT_SIZE) {
            Some((own, behind)) if CaCert::recognise(behind).is_some() => own,
            _ => &bytes,
        };
        let cek = Cert::parse(Usage::Cek, own)?;
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

    /// The ASK and ARK that came with it, for showing them. They prove nothing.
    #[must_use]
    pub fn ca(&self) -> Option<(&CaCert, &CaCert)> {
        self.ca.as_ref().map(|(ask, ark)| (ask, ark))
    }

    /// Adds the ASK and ARK of the root that it leads to, as `sevctl export --full` does.
    pub fn complete(&mut self, root: &Root) {
        self.ca.get_or_insert_with(|| (root.ask.clone(), root.ark.clone()));
    }

    /// The chain as one file. The ASK and ARK that came with it follow.
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
        let report = self.check(roots);
        let root = report.root;
        match (report.into_error(), root) {
            (Some(e), _) => Err(e),
            (None, Some(root)) => {
                Ok(Verified { pdh: self.pdh.clone(), root: root.name.clone(), built_in: root.built_in })
            }
            (None, None) => Err(Error::new(Kind::Bug, "a chain without a root and without a problem")),
        }
    }

    /// The same, with what became of each certificate.
    #[must_use]
    pub fn check<'r>(&self, roots: &'r Roots) -> Report<'r> {
        let mut report = Report { problems: Vec::new(), root: None };
        for (cert, signer) in
            [(&self.pdh, &self.pek), (&self.pek, &self.oca), (&self.pek, &self.cek), (&self.oca, &self.oca)]
        {
            report.note(cert.usage(), cert.verify_signed_by(signer));
        }
        self.check_root(roots, &mut report);
        report
    }

    /// The trusted root whose ASK signed the CEK.
    fn check_root<'r>(&self, roots: &'r Roots, report: &mut Report<'r>) {
        // What came with the chain proves nothing, but it must not contradict the root either.
        let brought = self.ca.as_ref().map(|(ask, ark)| {
            let before = report.problems.len();
            report.note(Usage::Ark, ark.verify_signed_by(ark));
            report.note(Usage::Ask, ask.verify_signed_by(ark));
            let known = roots.iter().find(|r| r.ark == *ark);
            if known.is_none() && report.problems.len() == before {
                let e = bad(
                    Usage::Ark,
                    "is not to be trusted: it came with the chain, and is none of AMD's roots",
                )
                .hint(
                    "A root that came with the chain proves nothing. Trust it with --ca FILE if you know it.",
                );
                report.note(Usage::Ark, Err(e));
            }
            (ask, known)
        });
        if !self.has_signed_cek() {
            let e =
                bad(Usage::Cek, "is not signed: a platform exports it without the signature of AMD's ASK")
                    .hint(self.cek_hint());
            report.note(Usage::Cek, Err(e));
            return;
        }
        // An ASK that came along and verified under a trusted ARK is that root's own.
        let signer = roots.iter().find(|r| self.cek.verify_signed_by_ask(r.ask.key()).is_ok());
        let problem = match (signer, brought) {
            (Some(root), Some((_, Some(known)))) if root.ark != known.ark => {
                Err(bad(Usage::Cek, "is signed under another root than the one that came with the chain")
                    .found(root.name.clone())
                    .wanted(known.name.clone()))
            }
            (Some(_), _) => Ok(()),
            (None, Some((_, Some(known)))) => self.cek.verify_signed_by_ask(known.ask.key()),
            (None, Some((ask, None))) => self.cek.verify_signed_by_ask(ask.key()),
            (None, None) => Err(bad(
                Usage::Cek,
                "is not to be trusted: its signature of the ASK does not verify under any known root",
            )
            .wanted(roots.iter().map(|r| r.name.as_str()).collect::<Vec<_>>().join(", "))
            .hint("For a test platform, trust its root with --ca FILE.")),
        };
        report.note(Usage::Cek, problem);
        report.root = signer;
    }

    fn cek_hint(&self) -> String {
        match &self.chip_id {
            Some(id) => format!(
                "AMD has the signed one of this chip at {}\n--fetch gets it, --cek FILE takes it from a file.",
                cek_address(CEK_SERVICE, id)
            ),
            None => format!(
                "AMD has the signed one at {CEK_SERVICE}/ID, where ID is the chip's identity: cpu0-id of `virsh nodesevinfo`, in hex.\n\
                 --chip-id ID --fetch gets it, --cek FILE takes it from a file."
            ),
        }
    }
}

impl Report<'_> {
    fn note(&mut self, of: Usage, result: Result<()>) {
        self.problems.extend(result.err().map(|e| (of, e)));
    }
}

/// Where AMD publishes each chip's signed CEK.
pub const CEK_SERVICE: &str = "https://kdsintf.amd.com/cek/id";

/// The address of this chip's CEK at a key service.
#[must_use]
pub fn cek_address(service: &str, id: &ChipId) -> String {
    format!("{}/{id}", service.trim_end_matches('/'))
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
