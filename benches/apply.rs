//! `apply` in the library against the least that any XML tool must do with the same bytes, in the same run: quick-xml
//! reading every event, and every event with its attributes. Prints ratios, for these machines are noisy.
//!
//! A domain's facts stand in its attributes, so a read that does not look at them has read less than `apply` must.

use quick_xml::Reader;
use quick_xml::events::Event;
use std::hint::black_box;
use std::time::{Duration, Instant};
use virt_sev::domain::Domain;
use virt_sev::host::HostFacts;
use virt_sev::{config, plan};

/// A domain with this many virtio disks and network cards, in libvirt's own words, as `virsh dumpxml` prints them.
fn document(devices: usize) -> String {
    let mut xml = String::from(
        "<domain type='kvm'>\n  <name>bench</name>\n  <memory unit='KiB'>4194304</memory>\n  <vcpu>4</vcpu>\n  <os>\n    \
         <type arch='x86_64' machine='pc-q35-10.0'>hvm</type>\n  </os>\n  <devices>\n",
    );
    for n in 0..devices {
        let address = format!(
            "      <address type='pci' domain='0x0000' bus='0x{:02x}' slot='0x{:02x}' function='0x0'/>\n",
            n / 32 % 256,
            n % 32
        );
        let part = if n % 2 == 0 {
            format!(
                "    <disk type='file' device='disk'>\n      <driver name='qemu' type='qcow2' discard='unmap'/>\n      \
                 <source file='/var/lib/libvirt/images/{n}.qcow2'/>\n      <target dev='vd{n}' bus='virtio'/>\n\
                 {address}    </disk>\n"
            )
        } else {
            format!(
                "    <interface type='network'>\n      <mac address='52:54:00:00:{:02x}:{:02x}'/>\n      \
                 <source network='default'/>\n      <model type='virtio'/>\n{address}    </interface>\n",
                n / 256 % 256,
                n % 256
            )
        };
        xml += &part;
    }
    xml + "  </devices>\n</domain>\n"
}

fn events(xml: &str) -> usize {
    let mut reader = Reader::from_str(xml);
    let mut events = 0;
    while !matches!(reader.read_event(), Ok(Event::Eof) | Err(_)) {
        events += 1;
    }
    events
}

fn events_and_attributes(xml: &str) -> usize {
    let mut reader = Reader::from_str(xml);
    let mut seen = 0;
    loop {
        match reader.read_event() {
            Ok(Event::Eof) | Err(_) => return seen,
            Ok(Event::Start(tag) | Event::Empty(tag)) => {
                seen += tag.attributes().filter_map(Result::ok).map(|a| a.value.len()).sum::<usize>();
            }
            Ok(_) => seen += 1,
        }
    }
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

fn micros(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}

fn main() -> Result<(), virt_sev::Error> {
    let sets = ["security.sev=true".to_owned()];
    let keys = config::load_and_resolve(config::Sources { sets: &sets, ..Default::default() })?;
    let Some(keys) = keys else { return Ok(()) };
    println!("devices  bytes     events       and attributes  apply         against both  a device");
    for devices in [10, 100, 1_000, 10_000] {
        let xml = document(devices);
        let bare = shortest(|| events(black_box(&xml)));
        let read = shortest(|| events_and_attributes(black_box(&xml)));
        let applied = shortest(|| apply(black_box(&xml), &keys));
        println!(
            "{devices:<8} {:<9} {:<12} {:<15} {:<13} {:<4.1} {:<8.1} {:.2} µs",
            xml.len(),
            micros(bare),
            micros(read),
            micros(applied),
            applied.as_secs_f64() / bare.as_secs_f64(),
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
            micros(whole),
            whole.as_secs_f64() * 1e6 / f64::from(u32::try_from(count).unwrap_or(u32::MAX)),
        );
    }
    Ok(())
}
