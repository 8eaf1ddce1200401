//! `virt-sev secret build`. In: secrets, keys, a measurement. Out: the packet for the guest that was measured, as files.

use super::packet;
use crate::args::SecretBuildArgs;
use crate::output::{Answer, Output};
use serde_json::json;
use virt_sev::Result;
use virt_sev::measure::verify::Evidence;
use virt_sev::owner::{keys, secrets};

pub(crate) fn build(args: &SecretBuildArgs, out: Output) -> Result<Answer> {
    packet::check(&args.to)?;
    let owners = args.keys.files().read()?;
    let measurement = Evidence::parse_measurement(&args.measurement)?;
    let table = secrets::table(&args.secret)?;
    let made = keys::packet(&owners, &measurement, &table, None)?;
    packet::write(&args.to, &made, measurement)?;
    if out.is_json() {
        out.answer_json(
            "secret",
            json!({
                "secrets": table.len(),
                "bytes": made.payload.len(),
                "files": packet::paths(&args.to),
            }),
        )?;
        return Ok(Answer::Yes);
    }
    out.say(&format!(
        "{} secret{} in {} bytes, encrypted; {}",
        table.len(),
        if table.len() == 1 { "" } else { "s" },
        made.payload.len(),
        packet::next(&args.to, None),
    ));
    Ok(Answer::Yes)
}
