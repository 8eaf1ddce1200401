//! The address of AMD's key distribution service that has a report's VCEK. In: a report. Out: addresses as text.
//! Never: a connection: who has one fetches the file.
//!
//! AMD KDS (57230), chapter 4.1: product, identity of the chip in hexadecimal, versions of the reported TCB.

use super::report::{Report, SigningKey};
use super::tcb::Product;
use crate::{Error, Kind, Result, hex};

const SERVICE: &str = "https://kdsintf.amd.com/vcek/v1";

/// One address; for a report of version 2, which does not tell Milan from Genoa, one for each.
///
/// # Errors
/// `Kind::Certificate`: there is none, and the text says who has the certificate.
pub fn addresses(report: &Report) -> Result<Vec<String>> {
    let none = |what: &str, hint: &str| Err(Error::new(Kind::Certificate, what).hint(hint));
    match report.signing_key() {
        SigningKey::Vcek => {}
        SigningKey::Vlek => {
            return none(
                "a VLEK's certificate has no public address: it is the cloud provider's",
                "The guest gets it in its certificate table: `snpguest certificates pem DIR`; then --certs DIR.",
            );
        }
        SigningKey::None | SigningKey::Unknown(_) => {
            return none("the report names no key that signed it", "The host has switched signatures off.");
        }
    }
    let Some(chip) = report.chip_id() else {
        return none(
            "the host hides its chip's identity (MASK_CHIP_ID), so the VCEK's address is not known",
            "The host's administrator has the certificate: `snphost fetch vcek`.",
        );
    };
    let products = match (report.product(), report.processor()) {
        (Some(product), _) => vec![product],
        (None, None) => vec![Product::Milan, Product::Genoa],
        (None, Some((family, model, _))) => {
            return Err(Error::new(Kind::Certificate, "the report is of a processor that is not known")
                .found(format!("family {family:#x}, model {model:#x}"))
                .wanted("Milan, Genoa or Turin"));
        }
    };
    Ok(products.into_iter().map(|product| address(report, product, &chip)).collect())
}

fn address(report: &Report, product: Product, chip: &[u8; 64]) -> String {
    let tcb = report.reported_tcb().read(product);
    let fmc = tcb.fmc.map(|n| format!("fmcSPL={n:02}&")).unwrap_or_default();
    format!(
        "{SERVICE}/{product}/{}?{fmc}blSPL={:02}&teeSPL={:02}&snpSPL={:02}&ucodeSPL={:02}",
        hex::encode(&chip[..product.hwid_size()]),
        tcb.bootloader,
        tcb.tee,
        tcb.snp,
        tcb.microcode
    )
}
