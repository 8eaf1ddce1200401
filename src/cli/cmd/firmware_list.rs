//! `virt-sev firmware list`. In: a host's descriptors and images. Out: a table of what each claims, holds and serves.
//! Never: belief in a claim.

use crate::output::{Answer, Output};
use serde_json::{Value, json};
use std::path::Path;
use virt_sev::config::Mode;
use virt_sev::host::{Fact, FirmwareDevice, Image, Probe, RootProbe, inventory};
use virt_sev::image::ImageContents;
use virt_sev::{Error, Kind, Result, hex, plan};

const MODES: [Mode; 3] = [Mode::Sev, Mode::SevEs, Mode::SevSnp];

pub(super) fn run(host_root: Option<&Path>, uri: Option<&str>, out: Output) -> Result<Answer> {
    let probe = probe(host_root, uri)?;
    let images = match inventory(&*probe) {
        Fact::Known(images) => images,
        Fact::Absent | Fact::NotAsked => Vec::new(),
        Fact::Unreadable(why) => {
            return Err(Error::new(Kind::File, "the firmware descriptors cannot be read").because(why));
        }
    };
    if out.is_json() {
        let images: Vec<Value> = images.iter().map(as_json).collect();
        out.answer_json("firmware-list", json!({ "images": images }))?;
        return Ok(Answer::Yes);
    }
    out.answer(&table(&images, out.table_width()))?;
    if images.is_empty() {
        out.say("note: no descriptor names an image for x86_64: install OVMF (Debian: ovmf, ovmf-amdsev; Fedora: edk2-ovmf)");
    }
    for note in images.iter().flat_map(notes) {
        out.say(&format!("note: {note}"));
    }
    Ok(Answer::Yes)
}

/// The host's files as its libvirt sees them.
fn probe(host_root: Option<&Path>, uri: Option<&str>) -> Result<Box<dyn Probe>> {
    if let Some(root) = host_root {
        return Ok(Box::new(RootProbe::open(root)?));
    }
    let uri = uri.unwrap_or("qemu:///system");
    let Some(local) = uri.strip_prefix("qemu:///") else {
        return Err(Error::new(Kind::Usage, "the images of another host cannot be read from here")
            .found(uri.to_owned())
            .hint("Run it on that host, or give --host-root DIR."));
    };
    let session = local.split(['?', '#']).next() == Some("session");
    Ok(Box::new(virt_sev_psp::machine(session)))
}

/// `None` where that cannot be told: the image cannot be read.
fn serves(image: &Image) -> Option<Vec<Mode>> {
    match image.descriptor.contents {
        Fact::Known(_) | Fact::Absent => {
            Some(MODES.into_iter().filter(|m| plan::why_not(&image.descriptor, *m).is_none()).collect())
        }
        Fact::Unreadable(_) | Fact::NotAsked => None,
    }
}

fn modes(modes: &[Mode]) -> String {
    if modes.is_empty() {
        return "-".into();
    }
    modes.iter().map(|m| m.as_str()).collect::<Vec<_>>().join(",")
}

fn device(device: FirmwareDevice) -> &'static str {
    match device {
        FirmwareDevice::FlashSplit => "flash",
        FirmwareDevice::FlashCombined => "flash-combined",
        FirmwareDevice::FlashStateless => "flash-stateless",
        FirmwareDevice::Memory => "memory",
    }
}

fn holds(contents: &ImageContents) -> Vec<&'static str> {
    let area = |a: Option<virt_sev::image::Area>| a.is_some_and(|a| a.size > 0);
    [
        (contents.es_reset_addr.is_some(), "es-reset"),
        (contents.has_snp_metadata(), "snp-metadata"),
        (area(contents.secret), "secret"),
        (area(contents.hashes), "kernel-hashes"),
    ]
    .into_iter()
    .filter_map(|(there, name)| there.then_some(name))
    .collect()
}

fn row(image: &Image) -> [String; 6] {
    let d = &image.descriptor;
    let holds = match &d.contents {
        Fact::Known(contents) if holds(contents).is_empty() => "-".into(),
        Fact::Known(contents) => holds(contents).join(","),
        Fact::Absent => "(not there)".into(),
        Fact::Unreadable(_) | Fact::NotAsked => "(unreadable)".into(),
    };
    [
        d.image.display().to_string(),
        device(d.device).into(),
        modes(&d.claims),
        holds,
        serves(image).map_or_else(|| "?".into(), |served| modes(&served)),
        image.file.known().map_or_else(|| "-".into(), |(_, digest)| hex::encode(digest)),
    ]
}

/// Where the table is wider than `width`, a paragraph for each image.
fn table(images: &[Image], width: usize) -> String {
    if images.is_empty() {
        return String::new();
    }
    let head = ["IMAGE", "DEVICE", "CLAIMS", "HOLDS", "SERVES", "SHA-256"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(images.iter().map(row)).collect();
    let widest = |column: usize| rows.iter().map(|r| r[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..6).map(widest).collect();
    if widths.iter().sum::<usize>() + 10 > width {
        return images.iter().map(|image| paragraph(&row(image))).collect();
    }
    let line = |row: &[String; 6]| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, w)| format!("{cell:w$}")).collect();
        format!("{}\n", virt_sev::report::clean(cells.join("  ").trim_end()))
    };
    rows.iter().map(line).collect()
}

fn paragraph([image, device, claims, holds, serves, digest]: &[String; 6]) -> String {
    let row = |name: &str, cell: &str| format!("    {name:7}  {}\n", virt_sev::report::clean(cell));
    let rows =
        [("device", device), ("claims", claims), ("holds", holds), ("serves", serves), ("SHA-256", digest)];
    let rows: String = rows.iter().map(|(name, cell)| row(name, cell)).collect();
    format!("{}\n{rows}", virt_sev::report::clean(image))
}

/// What the descriptor says and the image does not, and the other way round.
fn notes(image: &Image) -> Vec<String> {
    let d = &image.descriptor;
    let name = virt_sev::report::clean(&d.file.display().to_string());
    if let Fact::Unreadable(why) = &d.contents {
        return vec![format!("{name}: {}", virt_sev::report::clean(why))];
    }
    let Some(served) = serves(image) else { return Vec::new() };
    let mut out: Vec<String> = MODES
        .into_iter()
        .filter(|m| d.claims.contains(m))
        .filter_map(|m| plan::why_not(d, m).map(|why| (m, why)))
        .map(|(m, why)| format!("{name}: claims {}, but its image {why}", m.as_str()))
        .collect();
    let silent: Vec<Mode> = served.into_iter().filter(|m| !d.claims.contains(m)).collect();
    if !silent.is_empty() {
        out.push(format!(
            "{name}: does not claim {}, so that libvirt does not choose its image for that; \
             security.sev.firmware={} does",
            modes(&silent),
            virt_sev::report::clean(&d.image.display().to_string())
        ));
    }
    out
}

fn as_json(image: &Image) -> Value {
    let d = &image.descriptor;
    let names = |modes: &[Mode]| modes.iter().map(|m| m.as_str()).collect::<Vec<_>>();
    let because = match &d.contents {
        Fact::Unreadable(why) => Some(why.as_str()),
        Fact::Absent => Some("the image is not there"),
        Fact::Known(_) | Fact::NotAsked => None,
    };
    json!({
        "descriptor": d.file.display().to_string(),
        "image": d.image.display().to_string(),
        "device": device(d.device),
        "needs-smm": d.needs_smm,
        "claims": names(&d.claims),
        "holds": d.contents.known().map(holds),
        "serves": serves(image).map(|served| names(&served)),
        "bytes": image.file.known().map(|(bytes, _)| bytes),
        "sha256": image.file.known().map(|(_, digest)| hex::encode(digest)),
        "because": because,
    })
}
