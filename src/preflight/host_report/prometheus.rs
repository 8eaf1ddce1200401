//! Reports as a text file for node_exporter's textfile collector. In: [`HostReport`]s. Out: the text format of
//! Prometheus, version 0.0.4. Never: a number that is not known; its line is left out then.

use super::{Capacity, HostReport};
use crate::config::Mode;
use std::fmt::Write as _;

/// All metrics. With several hosts each sample is labelled with its host's name; with one the collector does that.
#[must_use]
pub fn prometheus(reports: &[HostReport]) -> String {
    let host = |report: &HostReport| {
        if reports.len() > 1 { format!("host=\"{}\",", escape(&report.name)) } else { String::new() }
    };
    let mut out = String::new();
    head(
        &mut out,
        "virt_sev_mode_available",
        "1 where guests of this mode can run, 0 where not or where it is not known",
    );
    for report in reports {
        for verdict in &report.verdicts {
            let (mode, value) = (verdict.mode.as_str(), u8::from(verdict.available()));
            // Writing to a String cannot fail.
            let _ = writeln!(out, "virt_sev_mode_available{{{}mode=\"{mode}\"}} {value}", host(report));
        }
    }
    type Value = fn(Capacity) -> Option<u64>;
    let metrics: [(&str, &str, Value); 3] = [
        ("virt_sev_asids", "ASIDs of this pool; SEV-ES and SEV-SNP share one", |c| c.total),
        ("virt_sev_asids_used", "ASIDs of this pool that running guests have", |c| c.used),
        ("virt_sev_asids_free", "ASIDs of this pool for more guests", |c| c.free),
    ];
    for (name, help, value) in metrics {
        head(&mut out, name, help);
        for report in reports {
            for (pool, mode) in [("sev", Mode::Sev), ("sev-es", Mode::SevEs)] {
                if let Some(value) = value(report.asids(mode)) {
                    let _ = writeln!(out, "{name}{{{}pool=\"{pool}\"}} {value}", host(report));
                }
            }
        }
    }
    out
}

fn head(out: &mut String, name: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
}

fn escape(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
