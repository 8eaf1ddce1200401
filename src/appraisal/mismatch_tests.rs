use super::*;
use crate::measure::cpu::CpuSignature;
use crate::measure::kernel_hashes::KernelHashes;
use crate::measure::verify::expected_mac;
use crate::redact::Secret;

const FIRMWARE: &[u8] = b"firmware";
const CMDLINE: &[u8] = b" root=/dev/vda  quiet";

fn keys() -> TransportKeys {
    TransportKeys { tek: Secret::new([1; 16]), tik: Secret::new([2; 16]) }
}

fn measured(image: &[u8]) -> sev::Measured {
    sev::Measured::new(&mut &image[..]).unwrap()
}

fn kernel(initrd: bool, cmdline: &[u8]) -> Option<KernelHashes> {
    let mut initrd_stream = &b"initrd"[..];
    let initrd = initrd.then_some(&mut initrd_stream as _);
    Some(KernelHashes::read(&mut &b"kernel"[..], initrd, Some(cmdline)).unwrap())
}

fn built(count: u32) -> Processors {
    Processors::Built {
        cpu: CpuSignature::of_model("EPYC-Milan").unwrap(),
        count,
        reset_addr: Some(0x80_b004),
        state: None,
        features: 0,
    }
}

fn said() -> Description {
    Description { kernel: kernel(true, CMDLINE), cmdline: CMDLINE.to_vec(), processors: Some(built(2)) }
}

/// What the chip reports of a launch.
fn seen(policy: u32, image: &[u8], launched: &Description, tik: [u8; 16]) -> Evidence {
    let mut evidence = Evidence { measurement: [5; 48], api_major: 1, api_minor: 55, build_id: 21, policy };
    let of = |e: &Description| {
        Expected::of_launch(&measured(image), e.kernel.as_ref(), policy, e.processors.as_ref()).unwrap()
    };
    let digest = of(launched).digests[0].digest;
    let mac = expected_mac(&evidence, &digest, &Secret::new(tik)).unwrap();
    evidence.measurement[..32].copy_from_slice(&mac);
    evidence
}

fn explained(seen: &Evidence, images: &[(&str, &[u8])]) -> Option<(&'static str, String)> {
    let images = images.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec()));
    of_sev(seen, &keys(), &measured(FIRMWARE), &said(), images).map(|c| (c.id, c.text))
}

/// A guest that was launched otherwise than said, in SEV and SEV-ES where the mode makes a difference.
fn launched(change: impl Fn(&mut Description)) -> Vec<Option<(&'static str, String)>> {
    [1, 5]
        .map(|policy| {
            let mut other = said();
            change(&mut other);
            explained(&seen(policy, FIRMWARE, &other, [2; 16]), &[])
        })
        .to_vec()
}

#[test]
fn every_single_change_of_the_boot_is_named() {
    let cases: Vec<(Option<KernelHashes>, &str, &str)> = vec![
        (None, "kernel-hashes", "kernel hashes are off: kernel, initrd and command line are not measured"),
        (kernel(false, CMDLINE), "initrd", "the guest was started without the initrd"),
        (
            kernel(true, b"root=/dev/vda  quiet"),
            "cmdline",
            "the guest's command line has no blanks at its start",
        ),
        (
            kernel(true, b" root=/dev/vda  quiet "),
            "cmdline",
            "the guest's command line has a blank at its end",
        ),
        (
            kernel(true, b" root=/dev/vda  quiet\n"),
            "cmdline",
            "the guest's command line has a line end at its end",
        ),
        (
            kernel(true, b"root=/dev/vda quiet"),
            "cmdline",
            "the guest's command line has single blanks between its words",
        ),
        (
            kernel(true, b" root=/dev/vda  quiet\0"),
            "cmdline",
            "the guest's command line is hashed with a NUL more at its end",
        ),
        (kernel(true, b""), "cmdline", "the guest was started without the command line"),
    ];
    for (kernel, id, text) in cases {
        for found in launched(|d| d.kernel = kernel) {
            assert_eq!(found, Some((id, text.to_owned())));
        }
    }
}

#[test]
fn every_single_change_of_the_processors_is_named() {
    let es = |change: &dyn Fn(&mut Processors)| {
        let found = launched(|d| change(d.processors.as_mut().unwrap()));
        // A SEV guest is measured without its processors: it fits as it is, and nothing explains what does not differ.
        assert_eq!(found[0], None);
        found[1].clone().unwrap()
    };
    assert_eq!(es(&|p| *p = built(8)), ("vcpus", "the guest has 8 processors, not 2".into()));
    assert_eq!(es(&|p| *p = built(1)), ("vcpus", "the guest has 1 processor, not 2".into()));
    for n in [0x1, 0x20, 0x21] {
        let found = es(&|p| {
            if let Processors::Built { features, .. } = p {
                *features = n;
            }
        });
        assert_eq!(found, ("sev-features", format!("SEV_FEATURES is {n:#x}, not 0x0")));
    }
    let signed = |signature: CpuSignature| {
        es(&move |p| {
            if let Processors::Built { cpu, .. } = p {
                *cpu = signature;
            }
        })
    };
    let (id, text) = signed(CpuSignature::of_model("EPYC-Genoa").unwrap());
    assert_eq!(id, "cpu");
    assert!(text.contains("family 25 model 17 stepping 0 (EPYC-Genoa"), "{text}");
    // No model of QEMU's has it, but a host that is passed through may.
    let (_, text) = signed(CpuSignature { family: 25, model: 17, stepping: 1 });
    assert_eq!(
        text,
        "the guest's processor is family 25 model 17 stepping 1, not family 25 model 1 stepping 1"
    );
}

#[test]
fn exchanged_keys_and_false_reports_are_named() {
    let seen = seen(1, FIRMWARE, &said(), [1; 16]);
    assert_eq!(explained(&seen, &[]).unwrap().0, "keys");

    let good = self::seen(1, FIRMWARE, &said(), [2; 16]);
    for (told, text) in [
        (Evidence { build_id: 22, ..good }, "the build is 0x15, not 0x16"),
        (Evidence { api_minor: 58, ..good }, "the API's minor version is 0x37, not 0x3a"),
        (Evidence { api_major: 2, ..good }, "the API's major version is 0x1, not 0x2"),
        (Evidence { policy: 0, ..good }, "the policy is 0x1, not 0x0"),
        (Evidence { policy: 0x3e, ..good }, "the policy is 0x1, not 0x3e"),
        // With another policy the processors count, too.
        (Evidence { policy: 5, ..good }, "the policy is 0x1, not 0x5"),
    ] {
        assert_eq!(explained(&told, &[]).unwrap(), ("reported", text.to_owned()));
    }
    assert_eq!(explained(&Evidence { build_id: 22, api_minor: 58, ..good }, &[]), None);
}

#[test]
fn another_image_is_named_and_none_where_none_fits() {
    for policy in [1, 5] {
        let mut other = said();
        other.processors = Some(built(1));
        let own = Description { processors: Some(built(1)), ..said() };
        let seen = seen(policy, b"older firmware", &own, [2; 16]);
        let images = [("/a.fd", &b"third"[..]), ("/b.fd", &b"older firmware"[..])];
        let found = of_sev(
            &seen,
            &keys(),
            &measured(FIRMWARE),
            &other,
            images.iter().map(|(n, b)| ((*n).to_owned(), b.to_vec())),
        );
        assert_eq!(found.unwrap().text, "the guest was launched from the firmware /b.fd");
        assert_eq!(explained(&seen, &images[..1]), None);
    }
}

#[test]
fn two_changes_at_once_are_not_guessed() {
    let mut other = said();
    other.kernel = kernel(false, b"quiet");
    assert_eq!(explained(&seen(1, FIRMWARE, &other, [2; 16]), &[]), None);
    assert_eq!(explained(&seen(1, FIRMWARE, &said(), [9; 16]), &[]), None);
}
