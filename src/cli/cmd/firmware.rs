//! `virt-sev firmware`; `list` is in `firmware_list`. In: an image. Out: what its GUID table holds, and which modes it serves.

use super::{files, firmware_list};
use crate::args::FirmwareCommand;
use crate::output::{Answer, Output};
use serde_json::{Value, json};
use std::path::Path;
use virt_sev::Result;
use virt_sev::image::{Area, ImageContents};
use virt_sev::owner::boot::image_contents;
use virt_sev::report::clean;

pub(crate) fn run(args: &FirmwareCommand, uri: Option<&str>, out: Output) -> Result<Answer> {
    match args {
        FirmwareCommand::List { host_root } => firmware_list::run(host_root.as_deref(), uri, out),
        FirmwareCommand::Inspect { image } => inspect(image, out),
    }
}

fn inspect(image: &Path, out: Output) -> Result<Answer> {
    let contents = image_contents(image)?;
    let size = files::open("firmware", image)?.metadata().map_or(0, |m| m.len());
    if contents == ImageContents::default() {
        out.say(&format!(
            "note: {}: there is no GUID table with SEV entries: no OVMF image, or one for plain SEV without secrets",
            image.display()
        ));
    }
    let area = |a: Option<Area>| {
        a.map_or(Value::Null, |a| json!({ "base": format!("{:#x}", a.base), "size": a.size }))
    };
    if out.is_json() {
        out.answer_json(
            "firmware",
            json!({
                "image": image.display().to_string(),
                "bytes": size,
                "es-reset-address": contents.es_reset_addr.map(|a| format!("{a:#x}")),
                "secret": area(contents.secret),
                "kernel-hashes": area(contents.hashes),
                "snp-metadata": contents.has_snp_metadata(),
            }),
        )?;
        return Ok(Answer::Yes);
    }
    let at =
        |a: Option<Area>| a.map_or_else(|| "no".to_owned(), |a| format!("{} bytes at {:#x}", a.size, a.base));
    let yes = |b: bool| if b { "yes" } else { "no" };
    let reset = contents.es_reset_addr.map_or_else(|| "no".to_owned(), |a| format!("{a:#x}"));
    out.answer(&format!(
        "image             {}\nbytes             {size}\nSEV-ES reset      {reset}\nlaunch secret     {}\n\
         kernel hashes     {}\nSEV-SNP metadata  {}\n",
        clean(&image.display().to_string()),
        at(contents.secret),
        at(contents.hashes),
        yes(contents.has_snp_metadata()),
    ))?;
    Ok(Answer::Yes)
}
