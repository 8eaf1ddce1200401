//! The same misuse gives the same exit code as virt-qemu-sev-validate, off line and over a remote connection. Where the
//! two are meant to differ the line says so, with the reason.

use crate::afar::Afar;
use crate::lab::{Corner, Lab, code, err, program, setup};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Our code, theirs, and why; `None` where they are the same.
type Difference = (i32, i32, &'static str);
type Line = (String, Option<Difference>);

/// One command line for both programs.
struct Case<'a> {
    args: Vec<&'a str>,
    differ: Option<Difference>,
}

fn same(args: &str) -> Case<'_> {
    Case { args: args.split_whitespace().collect(), differ: None }
}

const READS: &str = "a file that is missing or malformed is a wrong input, not a bug";
const SIZE: &str = "a key or a page of the wrong size is a wrong input, not wrong usage";

fn peer() -> Command {
    // Debian's own Python: the tool needs modules that another one in PATH does not have.
    let mut command = Command::new("/usr/bin/python3");
    command.arg(setup("VIRT_SEV_VALIDATE"));
    command
}

/// Runs every case with both programs; every line that is not as it should be is told at once.
fn compare(
    cases: &[Case<'_>],
    ours: impl Fn(&[&str]) -> Output,
    theirs: impl Fn(&[&str]) -> Output,
) -> Vec<i32> {
    let mut wrong = Vec::new();
    let mut seen = Vec::new();
    for case in cases {
        let (a, b) = (ours(&case.args), theirs(&case.args));
        let wanted = case.differ.map_or((code(&b), code(&b)), |(a, b, _)| (a, b));
        if (code(&a), code(&b)) != wanted {
            let args = case.args.join(" ");
            wrong.push(format!(
                "{args}\n  ours {}: {}\n  theirs {}: {}",
                code(&a),
                err(&a),
                code(&b),
                err(&b)
            ));
        }
        seen.push(code(&b));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    seen.sort_unstable();
    seen.dedup();
    seen
}

#[test]
fn off_line_misuses_end_as_with_virt_qemu_sev_validate() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    for (name, size) in [("tik", 16), ("tek", 16), ("tk", 32), ("short", 15), ("page", 4096)] {
        write(name, &vec![7; size]);
    }
    write("secret", b"s3cr3t");
    fs::copy(setup("VIRT_SEV_FIRMWARE"), dir.path().join("fw")).unwrap();
    let firmware = fs::read(dir.path().join("fw")).unwrap();

    // A launch that both accept: their own sum, over the firmware alone.
    let tik = virt_sev::redact::Secret::new([7; 16]);
    let digest = virt_sev::measure::sev::launch_digest(&mut &firmware[..], None, None).unwrap();
    let mut evidence = virt_sev::measure::verify::Evidence {
        measurement: [3; 48],
        api_major: 1,
        api_minor: 51,
        build_id: 3,
        policy: 1,
    };
    let mac = virt_sev::measure::verify::expected_mac(&evidence, &digest, &tik).unwrap();
    evidence.measurement[..32].copy_from_slice(&mac);
    let encode = |bytes: &[u8]| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(bytes)
    };
    let m = encode(&evidence.measurement);
    let cut = encode(&evidence.measurement[..40]);
    let v = "--api-major 1 --api-minor 51 --build-id 3";
    let all = format!("-m {m} {v} --policy 1 -f fw");
    let es = format!("-m {m} {v} --policy 5 -f fw --tk tk");
    let text = |tail: &str| format!("{all} {tail}");
    let es_text = |tail: &str| format!("{es} {tail}");
    let lines: Vec<Line> = vec![
        (text("--tk tk"), None),
        (text("--tik tik --tek tek"), None),
        (text("--tik tik --tek tek --quiet"), None),
        (String::new(), None),
        (all.clone(), None),
        (text("--tik tik"), None),
        (text("--tek tek"), None),
        (text("--tk tk --tik tik"), None),
        (text("--tk tk --tek tek"), None),
        (text("--tk tk --tik tik --tek tek"), None),
        (format!("{v} --policy 1 -f fw --tk tk"), None),
        (format!("-m {m} --api-minor 51 --build-id 3 --policy 1 -f fw --tk tk"), None),
        (format!("-m {m} --api-major 1 --build-id 3 --policy 1 -f fw --tk tk"), None),
        (format!("-m {m} --api-major 1 --api-minor 51 --policy 1 -f fw --tk tk"), None),
        (format!("-m {m} {v} -f fw --tk tk"), None),
        (format!("-m {m} {v} --policy 1 --tk tk"), None),
        (text("--tk tk --initrd secret"), None),
        (text("--tk tk --cmdline x"), None),
        (text("--tk tk --kernel secret"), None),
        (text("--tk tk --build-id 4"), None),
        (text("--tk tk --policy 3"), None),
        (text("--tk tk --api-major one"), None),
        (text("--tk tk --no-such-option"), None),
        (text("--tk tk operand"), None),
        (text("--tk tk --vmsa-cpu1 page"), None),
        (text("--tk tk --vmsa-cpu0 page --cpu-family 25 --cpu-model 1 --cpu-stepping 1"), None),
        (text("--tk tk --cpu-family 25"), None),
        (text("--tk tk --cpu-family 25 --cpu-model 1"), None),
        (text("--tk tk --inject-secret luks-key:secret"), None),
        (text("--tk tk --inject-secret luks-key:secret --secret-header h"), None),
        (text("--tk tk --inject-secret luks-key:secret --secret-payload p"), None),
        (text("--tk tk --secret-header h"), None),
        (text("--tk tk --inject-secret luks-key:secret --secret-header h --secret-payload p"), None),
        (text("--tk tk --inject-secret nobody:secret --secret-header h --secret-payload p"), None),
        (text("--tk tk --inject-secret luks-key --secret-header h --secret-payload p"), None),
        (
            text(
                "--tk tk --inject-secret luks-key:secret --inject-secret luks-key:tik --secret-header h --secret-payload p",
            ),
            None,
        ),
        (es.clone(), None),
        (es_text("--num-cpus 1"), None),
        (es_text("--vmsa-cpu0 page"), Some((1, 2, "one processor is what no --num-cpus means"))),
        (es_text("--num-cpus 2 --vmsa-cpu0 page"), None),
        (es_text("--num-cpus 1 --vmsa-cpu0 page"), Some((1, 6, "one processor needs no second page"))),
        (es_text("--num-cpus 2 --cpu-family 25 --cpu-model 1 --cpu-stepping 1"), None),
        (es_text("--num-cpus 1 --vmsa-cpu0 short"), Some((4, 2, SIZE))),
        (text("--tk short"), Some((4, 2, SIZE))),
        (text("--tik short --tek tek"), Some((4, 2, SIZE))),
        (text("--tik tik --tek short"), Some((4, 2, SIZE))),
        (text("--tk none"), Some((4, 6, READS))),
        (text("--tk tk --firmware none"), Some((4, 6, READS))),
        (text("--tk tk --kernel none"), Some((4, 6, READS))),
        (text("--tk tk --measurement ???"), Some((4, 1, "what is no base64 is no measurement"))),
        (text(&format!("--tk tk --measurement {cut}")), Some((4, 1, "half a measurement is no measurement"))),
        (
            text("--tk tk --inject-secret luks-key:none --secret-header h --secret-payload p"),
            Some((4, 6, READS)),
        ),
    ];
    let cases: Vec<Case<'_>> =
        lines.iter().map(|(args, differ)| Case { differ: *differ, ..same(args) }).collect();
    let run =
        |mut command: Command, args: &[&str]| command.args(args).current_dir(dir.path()).output().unwrap();
    let ours = |args: &[&str]| {
        let mut command = Command::new(program("virt-sev"));
        command.arg("verify").env_remove("LIBVIRT_DEFAULT_URI");
        run(command, args)
    };
    let seen = compare(&cases, ours, |args| run(peer(), args));
    assert_eq!(seen, [0, 1, 2, 6], "the cases do not reach every code that the peer has off line");
}

/// A guest of libvirt's own making, started paused.
fn raw_guest(corner: &Corner<'_>, security: &str, os: &str) {
    let kind = if corner.lab.kvm { "kvm" } else { "qemu" };
    let path = corner.path("raw.xml");
    fs::write(
        &path,
        format!(
            "<domain type='{kind}'><name>{}</name><memory unit='MiB'>128</memory><vcpu>1</vcpu><os>\
             <type arch='x86_64' machine='q35'>hvm</type>{os}</os>{security}</domain>",
            corner.guest
        ),
    )
    .unwrap();
    corner.lab.virsh(&["define", path.to_str().unwrap()]);
    corner.lab.virsh(&["start", "--paused", &corner.guest]);
}

fn rom(corner: &Corner<'_>) -> String {
    format!("<loader type='rom'>{}</loader>", corner.lab.file("VIRT_SEV_FIRMWARE").display())
}

fn session_of(corner: &Corner<'_>) -> String {
    let read = |name: &str| fs::read_to_string(corner.path(name)).unwrap();
    format!(
        "<dhCert>{}</dhCert><session>{}</session>",
        read("owner/godh.b64").trim(),
        read("owner/session.b64").trim()
    )
}

/// What the owner holds, as arguments.
fn owned(corner: &Corner<'_>) -> String {
    let fw = setup("VIRT_SEV_FIRMWARE");
    format!(
        "--tik {} --tek {} --firmware {}",
        corner.text("owner/tik.bin"),
        corner.text("owner/tek.bin"),
        fw.display()
    )
}

fn connected(corner: &Corner<'_>, lines: &[Line]) -> Vec<i32> {
    let afar = Afar::new(corner);
    let cases: Vec<Case<'_>> =
        lines.iter().map(|(args, differ)| Case { differ: *differ, ..same(args) }).collect();
    let ours = |args: &[&str]| {
        let mut command = corner.command(&["verify", "-c", &afar.uri]);
        command.args(args);
        afar.run(command)
    };
    let theirs = |args: &[&str]| {
        let mut command = peer();
        command.args(["-c", &afar.uri]).args(args);
        afar.run(command)
    };
    compare(&cases, ours, theirs)
}

#[test]
fn a_guest_that_is_as_its_owner_wants_is_verified_from_afar_and_every_lack_has_the_same_code() {
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    corner.domain(None);
    assert_eq!(code(&corner.launch("0x1", &[]).output().unwrap()), 0);
    let (guest, owned) = (&corner.guest, owned(&corner));
    let kernel = setup("VIRT_SEV_KERNEL").display().to_string();
    let seen = connected(
        &corner,
        &[
            (format!("--domain {guest} {owned}"), None),
            (format!("--domain {guest} {owned} --policy 3"), None),
            (format!("--domain {guest} {owned} --kernel {kernel}"), None),
            (format!("--domain {guest} --tk none"), Some((4, 6, READS))),
            (
                format!(
                    "--domain {guest} --tik {} --tek {}",
                    corner.text("owner/tik.bin"),
                    corner.text("owner/tek.bin")
                ),
                None,
            ),
            (
                format!("--domain nobody {owned}"),
                Some((5, 6, "a guest that is not there is the wrong state of the hypervisor, not a bug")),
            ),
        ],
    );
    assert_eq!(seen, [0, 1, 2, 6]);
    // Stopped, and running.
    corner.lab.virsh(&["resume", guest]);
    assert_eq!(connected(&corner, &[(format!("--domain {guest} {owned}"), None)]), [5]);
    corner.lab.virsh(&["destroy", guest]);
    assert_eq!(connected(&corner, &[(format!("--domain {guest} {owned}"), None)]), [5]);
}

#[test]
fn a_guest_whose_configuration_proves_nothing_has_the_same_code() {
    let plain = Corner::new(Lab::shared());
    plain.session("0x1");
    raw_guest(&plain, "", "");
    let line = |c: &Corner<'_>| vec![(format!("--domain {} {}", c.guest, owned(c)), None)];
    assert_eq!(connected(&plain, &line(&plain)), [4], "no SEV at all");

    let nobodys = Corner::new(Lab::shared());
    nobodys.session("0x1");
    raw_guest(&nobodys, "<launchSecurity type='sev'><policy>1</policy></launchSecurity>", &rom(&nobodys));
    assert_eq!(connected(&nobodys, &line(&nobodys)), [4], "no session");

    let unmeasured = Corner::new(Lab::shared());
    unmeasured.session("0x1");
    let security =
        format!("<launchSecurity type='sev'><policy>1</policy>{}</launchSecurity>", session_of(&unmeasured));
    let os =
        format!("{}<kernel>{}</kernel>", rom(&unmeasured), unmeasured.lab.file("VIRT_SEV_KERNEL").display());
    raw_guest(&unmeasured, &security, &os);
    assert_eq!(connected(&unmeasured, &line(&unmeasured)), [3], "a kernel that is not measured");

    let hashed = Corner::new(Lab::shared());
    hashed.session("0x1");
    let security = format!(
        "<launchSecurity type='sev' kernelHashes='yes'><policy>1</policy>{}</launchSecurity>",
        session_of(&hashed)
    );
    let os = format!(
        "{}<kernel>{}</kernel><cmdline>x</cmdline>",
        rom(&hashed),
        hashed.lab.file("VIRT_SEV_KERNEL").display()
    );
    raw_guest(&hashed, &security, &os);
    let kernel = setup("VIRT_SEV_KERNEL").display().to_string();
    let (guest, owned) = (&hashed.guest, owned(&hashed));
    let seen = connected(
        &hashed,
        &[
            (format!("--domain {guest} {owned}"), None),
            (format!("--domain {guest} {owned} --insecure"), None),
            (format!("--domain {guest} {owned} --kernel {kernel}"), None),
            (format!("--domain {guest} {owned} --kernel {kernel} --cmdline x"), None),
            (format!("--domain {guest} {owned} --kernel {kernel} --cmdline y"), None),
        ],
    );
    assert_eq!(seen, [0, 1, 2, 3]);
}

#[test]
fn what_stands_in_the_carrier_is_a_remote_daemon_to_both() {
    // Shows that the tests above look at a remote connection: without the other name both refuse, or take it for local.
    let corner = Corner::new(Lab::shared());
    corner.session("0x1");
    corner.domain(None);
    assert_eq!(code(&corner.launch("0x1", &[]).output().unwrap()), 0);
    let owned = owned(&corner);
    let mut args = vec!["verify", "-c", &corner.lab.uri, "--domain", &corner.guest];
    args.extend(owned.split_whitespace());
    assert_eq!(code(&corner.virt_sev(&args)), 3);
    assert!(Path::new("/usr/bin/unshare").exists());
}
