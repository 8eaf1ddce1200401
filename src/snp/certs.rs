//! The certificates that came with a report. In: files' bytes in any form. Out: [`Certs`], sorted by what they are for.
//! Never: trust; that is [`super::chain`]'s.

use super::cert::{Cert, Role};
use super::table;
use crate::measure::from_base64;
use crate::{Error, Kind, Result};

/// Certificates that came along.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Certs(Vec<Cert>);

impl Certs {
    /// Adds what a file holds: one certificate in DER, any number in PEM, or a guest's certificate table.
    ///
    /// # Errors
    /// `Kind::Certificate`: malformed, or another certificate of the same role than one that is there.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        for cert in read(name, bytes)? {
            self.push(cert)?;
        }
        Ok(())
    }

    fn push(&mut self, cert: Cert) -> Result<()> {
        // AMD's two signing keys are of one role and have different names.
        let same_place = |c: &&Cert| c.role() == cert.role() && c.subject() == cert.subject();
        match self.0.iter().find(same_place) {
            Some(there) if *there == cert => Ok(()),
            Some(there) => Err(Error::new(
                Kind::Certificate,
                format!("there are two certificates for {}", cert.subject()),
            )
            .at(cert.name().to_owned())
            .found(format!("another one in {}", there.name()))
            .hint("Give one of them: which one would be used must not be a guess.")),
            None => {
                self.0.push(cert);
                Ok(())
            }
        }
    }

    /// Those of a role.
    pub fn of(&self, role: Role) -> impl Iterator<Item = &Cert> {
        self.0.iter().filter(move |c| c.role() == role)
    }
}

/// Every certificate of a file.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Vec<Cert>> {
    if table::is_table(bytes) {
        let entries = table::parse(bytes).map_err(|e| e.at(name))?;
        return entries.into_iter().map(|(of, der)| Cert::parse(&format!("{name}, {of}"), der)).collect();
    }
    let text = std::str::from_utf8(bytes).ok().filter(|t| t.contains(BEGIN));
    match text {
        Some(text) => from_pem(name, text),
        None => Ok(vec![Cert::parse(name, bytes)?]),
    }
}

/// The most certificates of a file: three make a chain, and each costs a signature to verify.
const MOST: usize = 32;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

fn from_pem(name: &str, text: &str) -> Result<Vec<Cert>> {
    let mut certs = Vec::new();
    let count = text.matches(BEGIN).count();
    if count > MOST {
        return Err(Error::new(Kind::Certificate, "there are too many certificates in one file")
            .at(name)
            .found(count.to_string())
            .wanted(format!("at most {MOST}")));
    }
    for (n, block) in text.split(BEGIN).skip(1).enumerate() {
        let of = format!("{name}, certificate {}", n + 1);
        let der = block.split_once(END).and_then(|(body, _)| from_base64(body));
        let Some(der) = der else {
            return Err(Error::new(Kind::Certificate, "the certificate is no X.509 in DER or PEM").at(of));
        };
        certs.push(Cert::parse(&of, &der)?);
    }
    Ok(certs)
}
