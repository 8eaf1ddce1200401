//! `virt-sev secret build`. In: secrets, keys, a measurement. Out: header and encrypted payload as two files.

use super::{files, owner};
use crate::args::SecretBuildArgs;
use crate::output::{Answer, Output};
use serde_json::json;
use virt_sev::Result;
use virt_sev::inject::packet;
use virt_sev::measure::verify::Evidence;

pub(crate) fn build(args: &SecretBuildArgs, out: Output) -> Result<Answer> {
    let keys = owner::keys(&args.keys)?;
    let measurement = Evidence::parse_measurement(&args.measurement)?;
    let mut mac = [0; 32];
    mac.copy_from_slice(&measurement[..32]);
    let table = owner::secrets(&args.secret)?;
    let packet = packet::build(&keys.tik, &keys.tek, &mac, &table.to_bytes(None)?)?;
    files::write_packet(&args.secret_header, &args.secret_payload, &packet)?;
    if out.is_json() {
        out.answer_json(
            "secret",
            json!({
                "secrets": table.len(),
                "bytes": packet.payload.len(),
                "files": [args.secret_header.display().to_string(), args.secret_payload.display().to_string()],
            }),
        )?;
        return Ok(Answer::Yes);
    }
    out.say(&format!(
        "{} secret{} in {} bytes. Inject: virt-sev secret inject -c URI DOMAIN --secret-header {} --secret-payload {}",
        table.len(),
        if table.len() == 1 { "" } else { "s" },
        packet.payload.len(),
        args.secret_header.display(),
        args.secret_payload.display(),
    ));
    Ok(Answer::Yes)
}
