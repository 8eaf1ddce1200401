//! A report's fields for programs. In: a report, its generation. Out: JSON. Never: a judgement.

use super::report::{Report, SigningKey};
use super::tcb::Product;
use crate::hex;
use serde_json::{Value, json};

/// Every field under its name in the ABI (56860), in small letters with hyphens. TCBs by their parts where the
/// generation is known, else as their bytes.
#[must_use]
pub fn to_json(report: &Report, product: Option<Product>) -> Value {
    let tcb = |raw: super::tcb::RawTcb| match product {
        Some(product) => json!(raw.read(product)),
        None => hex::encode(&raw.0).into(),
    };
    let policy = report.policy();
    let bits: serde_json::Map<String, Value> =
        policy.bits().map(|(name, set)| (name.to_owned(), set.into())).collect();
    let mut out = json!({
        "version": report.version(),
        "guest-svn": report.guest_svn(),
        "policy": policy.to_string(),
        "policy-bits": bits,
        "min-abi": format!("{}.{}", policy.min_abi().0, policy.min_abi().1),
        "family-id": hex::encode(&report.family_id()),
        "image-id": hex::encode(&report.image_id()),
        "vmpl": report.vmpl(),
        "platform-info": format!("{:#x}", report.platform_info()),
        "signing-key": match report.signing_key() {
            SigningKey::Vcek => "vcek".to_owned(),
            SigningKey::Vlek => "vlek".to_owned(),
            SigningKey::None => "none".to_owned(),
            SigningKey::Unknown(n) => n.to_string(),
        },
        "mask-chip-key": report.masks_chip_key(),
        "author-key-en": report.has_author_key(),
        "report-data": hex::encode(&report.report_data()),
        "measurement": hex::encode(&report.measurement()),
        "host-data": hex::encode(&report.host_data()),
        "id-key-digest": hex::encode(&report.id_key_digest()),
        "author-key-digest": hex::encode(&report.author_key_digest()),
        "report-id": hex::encode(&report.report_id()),
        "report-id-ma": hex::encode(&report.report_id_ma()),
        "chip-id": report.chip_id().map(|id| hex::encode(&id)),
        "reported-tcb": tcb(report.reported_tcb()),
        "current-tcb": tcb(report.current_tcb()),
        "committed-tcb": tcb(report.committed_tcb()),
        "launch-tcb": tcb(report.launch_tcb()),
        "current-firmware": report.current_firmware().to_string(),
        "committed-firmware": report.committed_firmware().to_string(),
    });
    if let Some((family, model, stepping)) = report.processor() {
        out["cpuid"] = json!({ "family": family, "model": model, "stepping": stepping });
    }
    if let Some((launch, current)) = report.mitigations() {
        out["launch-mitigations"] = format!("{launch:#x}").into();
        out["current-mitigations"] = format!("{current:#x}").into();
    }
    out
}
