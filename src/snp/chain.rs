//! From a VCEK or VLEK to a trusted root. In: certificates that came along, roots, a moment. Out: [`Endorsement`], and a
//! finding for the chain and one for the dates. Never: a root that came along, or only the first problem.
//!
//! `VCEK ← ASK ← ARK`, `VLEK ← ASVK ← ARK` (57230, chapter 3). AMD's names bind the generation: `SEV-VCEK ← SEV-Milan ←
//! ARK-Milan`, `SEV-VLEK ← SEV-VLEK-Milan ← ARK-Milan`.

use super::cert::{Cert, Role};
use super::certs::Certs;
use super::clock::Moment;
use super::roots::{Root, Roots};
use super::tcb::{Product, Tcb};
use crate::finding::{Finding, Severity};
use crate::{Error, Kind, Result};
use p384::ecdsa::VerifyingKey;
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::{ObjectIdentifier, OctetString};

const SOURCE: &str = "AMD 57230, chapter 3";

const fn amd(oid: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(oid)
}

/// AMD's extensions (57230, chapter 3). The versions are integers, the identity its bytes, the rest IA5 strings.
const PRODUCT: ObjectIdentifier = amd("1.3.6.1.4.1.3704.1.2");
const BOOTLOADER: ObjectIdentifier = amd("1.3.6.1.4.1.3704.1.3.1");
const TEE: ObjectIdentifier = amd("1.3.6.1.4.1.3704.1.3.2");
const SNP: ObjectIdentifier = amd("1.3.6.1.4.1.3704.1.3.3");
const MICROCODE: ObjectIdentifier = amd("1.3.6.1.4.1.3704.1.3.8");
const FMC: ObjectIdentifier = amd("1.3.6.1.4.1.3704.1.3.9");
const HWID: ObjectIdentifier = amd("1.3.6.1.4.1.3704.1.4");
const PROVIDER: ObjectIdentifier = amd("1.3.6.1.4.1.3704.1.5");

/// Whose key signed a report, as its certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endorsement {
    /// VCEK or VLEK.
    pub role: Role,
    /// The generation.
    pub product: Product,
    /// The TCB that the key is made for.
    pub tcb: Tcb,
    /// The chip; none for a VLEK.
    pub hwid: Option<Vec<u8>>,
    /// The cloud provider; only a VLEK has one.
    pub provider: Option<String>,
    /// The common names from the key to the root; shorter where the way was not found.
    pub path: Vec<String>,
    /// The root, where every signature up to it verifies, and whether it is built in.
    pub root: Option<(String, bool)>,
    /// The first and the last moment at which all certificates of the path are valid.
    pub validity: (Moment, Moment),
    pub(super) key: VerifyingKey,
}

impl Endorsement {
    /// What the certificate says, nothing verified.
    fn read(cert: &Cert) -> Result<Self> {
        let wrong = |what: &str| {
            Error::new(Kind::Certificate, format!("{} {what}", cert.subject())).at(cert.name().to_owned())
        };
        let text = |oid| {
            let value = cert.extension(oid)?;
            // An IA5 string; the key distribution service has also put the bare text.
            let text = match value {
                [0x16, size, text @ ..] if usize::from(*size) == text.len() => text,
                bare => bare,
            };
            std::str::from_utf8(text).ok().filter(|t| t.chars().all(|c| c.is_ascii_graphic() || c == ' '))
        };
        let Some(product) = text(PRODUCT).and_then(Product::of_name) else {
            return Err(wrong("is for no generation that is known")
                .found(text(PRODUCT).unwrap_or("none").to_owned())
                .wanted("Milan, Genoa or Turin"));
        };
        let version = |oid: ObjectIdentifier, of: &str| {
            let value = cert.extension(oid).and_then(|v| u8::from_der(v).ok());
            value.ok_or_else(|| wrong(&format!("has no version of its {of}")).wanted(oid.to_string()))
        };
        let tcb = Tcb {
            fmc: (product == Product::Turin).then(|| version(FMC, "FMC")).transpose()?,
            bootloader: version(BOOTLOADER, "boot loader")?,
            tee: version(TEE, "TEE")?,
            snp: version(SNP, "SNP firmware")?,
            microcode: version(MICROCODE, "microcode")?,
        };
        let hwid = cert.extension(HWID).map(|value| {
            OctetString::from_der(value).map_or_else(|_| value.to_vec(), |inner| inner.as_bytes().to_vec())
        });
        if cert.role() == Role::Vcek && hwid.as_ref().is_none_or(|id| id.len() != product.hwid_size()) {
            return Err(
                wrong("has no identity of a chip").wanted(format!("{} bytes in {HWID}", product.hwid_size()))
            );
        }
        let Some(key) = cert.p384() else {
            return Err(wrong("has no key of P-384"));
        };
        Ok(Self {
            role: cert.role(),
            product,
            tcb,
            hwid,
            provider: text(PROVIDER).map(str::to_owned),
            path: vec![cert.subject()],
            root: None,
            validity: cert.validity(),
            key,
        })
    }
}

/// Reads what the key's certificate says and follows it to a root.
///
/// # Errors
/// `Kind::Certificate`: it lacks what every VCEK or VLEK has.
pub fn verify(vek: &Cert, certs: &Certs, roots: &Roots, at: Moment) -> Result<(Endorsement, Vec<Finding>)> {
    let mut of = Endorsement::read(vek)?;
    let mut findings = Vec::new();
    let mut path = vec![vek];
    match signer(vek, &of, certs, roots) {
        Ok((signer, root)) => {
            path.extend([signer, &root.ark]);
            of.root = Some((root.name.clone(), root.built_in));
        }
        Err(problems) => findings.extend(problems),
    }
    // A root that came along is not needed; a wrong one shows that something else is meant.
    for ark in certs.of(Role::Ark) {
        if !roots.iter().any(|r| r.ark == *ark) {
            let fix =
                "Leave it out: AMD's roots are built in. For a test platform, trust its root with --ca FILE.";
            findings.push(no(format!("{} ({}) is not a trusted root", ark.subject(), ark.name())).fix(fix));
        } else if of.root.is_some() && path.last() != Some(&ark) {
            findings.push(no(format!("{} ({}) is another chain's root", ark.subject(), ark.name())));
        }
    }
    of.path = path.iter().map(|c| c.subject()).collect();
    let way = of.path.join(" <- ");
    if findings.is_empty() {
        findings.push(match &of.root {
            Some((_, true)) | None => found(Severity::Ok, format!("{way}: AMD's root, built in")),
            Some((name, false)) => found(Severity::Warning, format!("{way}: the root of {name}, not AMD's"))
                .fix("Only a test platform has such a root: leave --ca out for any other."),
        });
    }
    findings.push(dates(&path, &mut of, at));
    Ok((of, findings))
}

fn found(severity: Severity, title: String) -> Finding {
    Finding::new("snp-chain", severity, title).path("chain").source(SOURCE)
}

fn no(title: String) -> Finding {
    found(Severity::Error, title)
}

/// The signing key of a VCEK or VLEK and its root; or why there is none.
fn signer<'a>(
    vek: &Cert,
    of: &Endorsement,
    certs: &'a Certs,
    roots: &'a Roots,
) -> std::result::Result<(&'a Cert, &'a Root), Vec<Finding>> {
    let mut problems = Vec::new();
    let infix = if of.role == Role::Vlek { "VLEK-" } else { "" };
    let wanted = format!("SEV-{infix}{}", of.product);
    if vek.issuer() != wanted {
        problems.push(
            no(format!("{} of a {} is issued by {}", vek.subject(), of.product, vek.issuer()))
                .fix(format!("AMD's is issued by {wanted}: fetch it again.")),
        );
    }
    // Those that came along are all judged, and used before the built-in ones: a wrong one must not pass unseen.
    let mut candidates = Vec::new();
    for given in certs.of(Role::Signer) {
        match roots.iter().find(|r| given.names(&r.ark) && given.is_signed_by(&r.ark)) {
            Some(root) => candidates.push((given, root)),
            None => problems.push(
                no(format!("{} ({}) is not signed by a trusted root", given.subject(), given.name())).fix(
                    "Leave it out: AMD's are built in. For a test platform, trust its root with --ca FILE.",
                ),
            ),
        }
    }
    candidates.extend(roots.iter().flat_map(|r| r.signers.iter().map(move |s| (s, r))));
    let named: Vec<_> = candidates.into_iter().filter(|(s, _)| vek.names(s)).collect();
    match named.iter().find(|(s, _)| vek.is_signed_by(s)) {
        Some((signer, root)) if problems.is_empty() => return Ok((signer, root)),
        Some(_) => {}
        None if named.is_empty() => problems.push(
            no(format!("{} is issued by {}, which is not known", vek.subject(), vek.issuer()))
                .fix("For a test platform, trust its root with --ca FILE."),
        ),
        None => problems.push(
            no(format!("{}'s signature of {} does not verify", vek.subject(), vek.issuer()))
                .fix("Fetch the certificate again from AMD's key distribution service."),
        ),
    }
    Err(problems)
}

fn dates(path: &[&Cert], of: &mut Endorsement, at: Moment) -> Finding {
    let finding =
        |severity, title| Finding::new("snp-validity", severity, title).path("chain").source(SOURCE);
    let mut wrong = Vec::new();
    for cert in path {
        let (from, to) = cert.validity();
        of.validity = (of.validity.0.max(from), of.validity.1.min(to));
        if at < from {
            wrong.push(format!("{} is not valid before {from}", cert.subject()));
        } else if at > to {
            wrong.push(format!("{} has expired at {to}", cert.subject()));
        }
    }
    if wrong.is_empty() {
        return finding(Severity::Ok, format!("valid at {at}, until {}", of.validity.1));
    }
    finding(Severity::Error, format!("{}; looked at for {at}", wrong.join("; ")))
        .fix("Fetch a new one; to judge a report by the day on which it was made: --at TIME.")
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
