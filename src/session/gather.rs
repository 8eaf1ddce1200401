//! Certificates out of whatever files they came in. In: exports of sevctl and sev-tool, whole or one certificate a file,
//! in any order, binary or base64; what `virsh nodesevinfo` prints. Out: a [`Chain`], not verified. Never: a guess
//! between two that differ.
//!
//! A certificate is known by the usage that it has inside. Only what is damaged is named by its place in a chain.

use super::ca::CaCert;
use super::cert::{CERT_SIZE, Cert, Usage};
use super::chain::Chain;
use super::chip::ChipId;
use crate::measure::from_base64;
use crate::{Error, Kind, Result};

/// One file.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Its name, for errors.
    pub name: &'a str,
    /// What it holds.
    pub bytes: &'a [u8],
}

/// The order in which sevctl and the firmware put them.
const ORDER: [Usage; 6] = [Usage::Pdh, Usage::Pek, Usage::Oca, Usage::Cek, Usage::Ask, Usage::Ark];

/// How many certificates are looked at in one file: a chain has six.
const MOST: usize = 32;

/// Puts the certificates of all files together.
///
/// # Errors
/// `Kind::Certificate`: every certificate that is malformed, missing, or there twice and not the same.
pub fn gather(inputs: &[Input<'_>]) -> Result<Chain> {
    let mut parts = Parts::default();
    for input in inputs {
        parts.file(input);
    }
    parts.finish()
}

/// A value and the file that it came from.
struct Named<T> {
    value: T,
    name: String,
}

#[derive(Default)]
struct Parts {
    certs: Vec<Named<Cert>>,
    cas: Vec<Named<CaCert>>,
    chip: Option<Named<ChipId>>,
    problems: Vec<Error>,
}

impl Parts {
    fn file(&mut self, input: &Input<'_>) {
        match NodeInfo::read(input.bytes) {
            Some(Ok(node)) => {
                if let Some(id) = ChipId::from_bytes(&node.cpu0_id) {
                    self.take_chip(id, input.name);
                }
                self.binary(&[node.pdh, node.chain].concat(), input.name);
            }
            Some(Err(e)) => self.refuse(e, input.name),
            None => self.binary(&super::decode_if_base64(input.bytes), input.name),
        }
    }

    /// One certificate after another.
    fn binary(&mut self, bytes: &[u8], name: &str) {
        let mut rest = bytes;
        let mut seen: Vec<Usage> = Vec::new();
        if rest.is_empty() {
            self.refuse(Error::new(Kind::Certificate, "there is no certificate in it"), name);
        }
        while !rest.is_empty() {
            if seen.len() == MOST {
                let e = Error::new(Kind::Certificate, "there are too many certificates in it");
                self.refuse(e.wanted(format!("at most {MOST}")), name);
                return;
            }
            let in_order = ORDER.starts_with(&seen);
            let expected = ORDER.get(seen.len()).copied().filter(|_| in_order && bytes.len() > CERT_SIZE);
            let known = Cert::recognise(rest).or_else(|| CaCert::recognise(rest).map(|(usage, _)| usage));
            let Some(usage) = known.or(expected) else {
                self.refuse(stranger(rest), name);
                return;
            };
            match self.one(usage, rest, name) {
                Ok(behind) => rest = behind,
                Err((e, behind)) => {
                    // Where the usage itself is damaged, its place says which one it was.
                    let moved = expected.filter(|e| *e != usage).and_then(|e| parse_error(e, rest));
                    self.refuse(moved.unwrap_or(e), name);
                    rest = behind;
                }
            }
            seen.push(usage);
        }
    }

    /// Takes one certificate, and gives what stands behind it.
    fn one<'a>(&mut self, usage: Usage, bytes: &'a [u8], name: &str) -> Result<&'a [u8], (Error, &'a [u8])> {
        if matches!(usage, Usage::Ask | Usage::Ark) {
            let (ca, behind) = CaCert::parse(usage, bytes).map_err(|e| {
                let size = CaCert::recognise(bytes).map_or(bytes.len(), |(_, size)| size);
                (e, bytes.get(size..).unwrap_or_default())
            })?;
            self.take_ca(ca, name);
            return Ok(behind);
        }
        let (own, behind) = bytes.split_at_checked(CERT_SIZE).unwrap_or((bytes, &[]));
        let cert = Cert::parse(usage, own).map_err(|e| (e, behind))?;
        self.take_cert(cert, name);
        Ok(behind)
    }

    fn take_cert(&mut self, cert: Cert, name: &str) {
        let usage = cert.usage();
        let Some(known) = self.certs.iter_mut().find(|c| c.value.usage() == usage) else {
            self.certs.push(Named { value: cert, name: name.to_owned() });
            return;
        };
        let signed = |c: &Cert| c.claims_signature_of(Usage::Ask);
        // The chip exports its CEK unsigned, and AMD's key service has the same one signed.
        let completes = usage == Usage::Cek && known.value.same_body(&cert);
        if completes && !signed(&known.value) {
            *known = Named { value: cert, name: name.to_owned() };
        } else if known.value != cert && (!completes || signed(&cert)) {
            let e = contradiction(usage, &known.name);
            self.refuse(e, name);
        }
    }

    fn take_ca(&mut self, ca: CaCert, name: &str) {
        match self.cas.iter().find(|c| c.value.usage() == ca.usage()) {
            None => self.cas.push(Named { value: ca, name: name.to_owned() }),
            Some(known) if known.value == ca => {}
            Some(known) => {
                let e = contradiction(ca.usage(), &known.name);
                self.refuse(e, name);
            }
        }
    }

    fn take_chip(&mut self, id: ChipId, name: &str) {
        match &self.chip {
            Some(known) if known.value != id => {
                let e = Error::new(Kind::Certificate, "this is another chip's identity")
                    .found(format!("another one in {}", known.name))
                    .hint("Give the files of one host.");
                self.refuse(e, name);
            }
            _ => self.chip = Some(Named { value: id, name: name.to_owned() }),
        }
    }

    fn refuse(&mut self, e: Error, name: &str) {
        self.problems.push(if name.is_empty() { e } else { e.at(name) });
    }

    fn finish(mut self) -> Result<Chain> {
        if let Some(e) = Error::many(std::mem::take(&mut self.problems)) {
            return Err(e);
        }
        let has_ca = |usage| self.cas.iter().any(|c| c.value.usage() == usage);
        let half = has_ca(Usage::Ask) != has_ca(Usage::Ark);
        let missing: Vec<String> = ORDER
            .into_iter()
            .filter(|u| match u {
                Usage::Ask | Usage::Ark => half && !has_ca(*u),
                Usage::Pdh | Usage::Pek | Usage::Oca | Usage::Cek => {
                    !self.certs.iter().any(|c| c.value.usage() == *u)
                }
            })
            .map(|u| u.to_string())
            .collect();
        if !missing.is_empty() {
            let there: Vec<String> = self.certs.iter().map(|c| c.value.usage().to_string()).collect();
            let there = if there.is_empty() { "none of a platform".to_owned() } else { there.join(", ") };
            return Err(Error::new(Kind::Certificate, "the chain is not complete")
                .found(there)
                .wanted(format!("{} too", missing.join(", ")))
                .hint(
                    "Give every file, or the whole chain: `virt-sev chain fetch -c URI`, or on the host `sevctl export --full FILE`.",
                ));
        }
        let mut take = |usage| {
            let at = self.certs.iter().position(|c| c.value.usage() == usage);
            at.map(|at| self.certs.swap_remove(at).value)
                .ok_or_else(|| Error::new(Kind::Bug, "a certificate was lost while the chain was read"))
        };
        let platform = [take(Usage::Pdh)?, take(Usage::Pek)?, take(Usage::Oca)?, take(Usage::Cek)?];
        let mut take_ca = |usage| {
            let at = self.cas.iter().position(|c| c.value.usage() == usage);
            at.map(|at| self.cas.swap_remove(at).value)
        };
        let ca = take_ca(Usage::Ask).zip(take_ca(Usage::Ark));
        Ok(Chain::new(platform, ca, self.chip.map(|c| c.value)))
    }
}

/// Why this is not the certificate of that usage.
fn parse_error(usage: Usage, bytes: &[u8]) -> Option<Error> {
    match usage {
        Usage::Ask | Usage::Ark => CaCert::parse(usage, bytes).err(),
        Usage::Pdh | Usage::Pek | Usage::Oca | Usage::Cek => {
            Cert::parse(usage, bytes.get(..CERT_SIZE).unwrap_or(bytes)).err()
        }
    }
}

fn contradiction(usage: Usage, other: &str) -> Error {
    let found = if other.is_empty() { "another one".to_owned() } else { format!("another one in {other}") };
    Error::new(Kind::Certificate, format!("there are two {usage} certificates, and they differ"))
        .found(found)
        .hint("Give the files of one platform, exported at one time: a new PEK makes a new PDH.")
}

/// What is none of these certificates. Its bytes are not shown: it may be a key file that was given by mistake.
fn stranger(bytes: &[u8]) -> Error {
    let e = Error::new(Kind::Certificate, "this is no certificate of SEV")
        .found(format!("{} bytes", bytes.len()))
        .wanted("PDH, PEK, OCA, CEK, ASK or ARK in AMD's own form, binary or base64");
    // DER begins with a SEQUENCE whose length has two bytes; PEM with its own words.
    if bytes.starts_with(&[0x30, 0x82]) || bytes.starts_with(b"-----BEGIN") {
        return e.hint(
            "This looks like X.509, which SEV-SNP's VCEK and VLEK are, and nothing of SEV and SEV-ES is.",
        );
    }
    if bytes.trim_ascii_start().starts_with(b"<") {
        return e
            .hint("This looks like a page of a web server: the address was wrong, or the service refused.");
    }
    e
}

/// What `virsh nodesevinfo` prints: a name, a colon and a value on each line.
struct NodeInfo {
    pdh: Vec<u8>,
    chain: Vec<u8>,
    cpu0_id: Vec<u8>,
}

impl NodeInfo {
    /// `None` for anything else.
    fn read(bytes: &[u8]) -> Option<Result<Self>> {
        let text = std::str::from_utf8(bytes).ok()?;
        let value = |name: &str| {
            text.lines().filter_map(|l| l.split_once(':')).find(|(k, _)| k.trim() == name).map(|(_, v)| v)
        };
        let (pdh, chain) = (value("pdh"), value("cert-chain"));
        if pdh.is_none() && chain.is_none() {
            return None;
        }
        let decoded = |name: &str, value: Option<&str>| {
            from_base64(value.unwrap_or_default())
                .ok_or_else(|| Error::new(Kind::Certificate, format!("its {name} is not base64")))
        };
        Some((|| {
            Ok(Self {
                pdh: decoded("pdh", pdh)?,
                chain: decoded("cert-chain", chain)?,
                cpu0_id: decoded("cpu0-id", value("cpu0-id"))?,
            })
        })())
    }
}

#[cfg(test)]
#[path = "gather_tests.rs"]
mod tests;
