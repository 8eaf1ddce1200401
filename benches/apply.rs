//! `apply` against the least that any XML editor must do: one read of the same bytes by quick-xml, in the same run.
//! Prints ratios, for these machines are noisy. `make bench` runs it.

use quick_xml::Reader;
use quick_xml::events::Event;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};
use virt_sev::domain::Domain;
use virt_sev::host::HostFacts;
use virt_sev::{config, plan};

/// A domain with this many virtio disks and network cards.
fn document(devices: usize) -> String {
    let mut xml = String::from(
        "<domain type='kvm'>\n  <name>bench</name>\n  <memory unit='GiB'>4</memory>\n  <vcpu>4</vcpu>\n  <os>\n    \
         <type arch='x86_64' machine='q35'>hvm</type>\n  </os>\n  <devices>\n",
    );
    for n in 0..devices {
        let part = if n % 2 == 0 {
            format!(
                "    <disk type='file' device='disk'>\n      <driver name='qemu' type='qcow2'/>\n      \
                 <source file='/images/{n}.qcow2'/>\n      <target dev='vd{n}' bus='virtio'/>\n    </disk>\n"
            )
        } else {
            "    <interface type='network'>\n      <source network='default'/>\n      <model type='virtio'/>\n    \
             </interface>\n"
                .to_owned()
        };
        let _ = write!(xml, "{part}");
    }
    xml + "  </devices>\n</domain>\n"
}

fn bare_read(xml: &str) -> usize {
    let mut reader = Reader::from_str(xml);
    let mut events = 0;
    while !matches!(reader.read_event(), Ok(Event::Eof) | Err(_)) {
        events += 1;
    }
    events
}

fn apply(xml: &str, keys: &config::SevConfig) -> usize {
    let done = Domain::parse(xml).and_then(|domain| {
        plan::plan(keys, &domain, &HostFacts::not_asked(), &plan::Options::default())?.apply(&domain)
    });
    done.map_or(0, |xml| xml.len())
}

/// The shortest of many runs: what the work costs when nothing else disturbs it.
fn shortest(mut work: impl FnMut() -> usize) -> Duration {
    let end = Instant::now() + Duration::from_millis(700);
    let mut best = Duration::MAX;
    while Instant::now() < end {
        let begin = Instant::now();
        black_box(work());
        best = best.min(begin.elapsed());
    }
    best
}

fn main() -> Result<(), virt_sev::Error> {
    let sets = ["security.sev=true".to_owned()];
    let keys = config::load_and_resolve(config::Sources { sets: &sets, ..Default::default() })?;
    let Some(keys) = keys else { return Ok(()) };
    println!("devices  bytes     bare read   apply       apply/read  apply per device");
    for devices in [10, 100, 1_000, 10_000] {
        let xml = document(devices);
        let read = shortest(|| bare_read(black_box(&xml)));
        let applied = shortest(|| apply(black_box(&xml), &keys));
        println!(
            "{devices:<8} {:<9} {:<11} {:<11} {:<11.1} {:.2} µs",
            xml.len(),
            format!("{:.1} µs", read.as_secs_f64() * 1e6),
            format!("{:.1} µs", applied.as_secs_f64() * 1e6),
            applied.as_secs_f64() / read.as_secs_f64(),
            applied.as_secs_f64() * 1e6 / f64::from(u32::try_from(devices).unwrap_or(u32::MAX)),
        );
    }
    println!("\ndocuments  whole time  per document");
    let documents: Vec<String> =
        (0..10_000).map(|n| document(10).replace("bench", &format!("guest-{n}"))).collect();
    for count in [1, 10, 100, 1_000, 10_000] {
        let some = documents.get(..count).unwrap_or(&documents);
        let whole = shortest(|| some.iter().map(|xml| apply(black_box(xml), &keys)).sum());
        println!(
            "{count:<10} {:<11} {:.2} µs",
            format!("{:.1} µs", whole.as_secs_f64() * 1e6),
            whole.as_secs_f64() * 1e6 / f64::from(u32::try_from(count).unwrap_or(u32::MAX)),
        );
    }
    Ok(())
}
