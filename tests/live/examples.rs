//! The examples of the manual, which are those of `--help` (`src/cli/args/man_tests.rs`), and of the simulator's, each run. In:
//! man/, src/sim/man/. A page that has no row here fails, and so does an example that has no check.

use crate::lab::{program, root};
use crate::reader::{MEASURED, MEASUREMENT, REPORT, Reader, said};
use crate::snp_platform::Platform;
use std::collections::BTreeSet;
use std::fs;
use virt_sev::hex;

/// A page; what was there before, in shell; for each example in its order shell that is true after it: `said` finds a pattern in
/// what it printed, `defined` in a definition. An example may take what those before it left, or what their checks put there.
type Page = (&'static str, &'static str, &'static [&'static str]);

/// The measured `web1`, and its owner's answer in both forms.
const ANSWERED: &str = r"answered() {
rm -rf session
virt-sev session --chain chain.cert --policy 0x1 -o session/
virt-sev launch web1.xml --config session/keys.yaml --evidence evidence.json
virt-sev verify --evidence evidence.json --tik session/tik.bin --tek session/tek.bin --firmware OVMF.amdsev.fd \
  --inject-secret luks-key:disk.key --packet packet.json
jq -j .header packet.json > header.b64
jq -j .payload packet.json > payload.b64
}
answered";

/// The programs of the package virt-sev-sim as it has them, without the host that is played; what a shell of theirs is told.
const PACKAGED: &str = r#"mkdir -p usr/bin usr/share
cp $ROOT/packaging/virt-sev-demo usr/bin
ln -s $ROOT/scripts usr/share/virt-sev-sim
packaged() { env PATH=$PROGRAMS:/usr/sbin:/usr/bin:/sbin:/bin "$@" <<< 'ls $VIRT_SEV_LAB_FILES'; }
sev-lab() { packaged sev-lab "$@"; }
virt-sev-demo() { packaged usr/bin/virt-sev-demo --firmware OVMF.amdsev.fd --kernel vmlinuz "$@"; }"#;

const PAGES: &[Page] = &[
    ("sev-lab.1", PACKAGED, &["said cbitpos", "said ^OVMF.amdsev.fd"]),
    ("virt-sev-demo.1", PACKAGED, &["said '^Done: an attested guest ran'", "said ^OVMF.amdsev.fd"]),
    (
        "virt-sev-apply.1",
        "virsh define web1.xml",
        &[
            "said '^+.*launchSecurity'",
            "grep -q urn:virt-sev:config:1 guest.xml",
            "grep -q '<policy>0x0005' web1-sev.xml",
            "defined web1 '<launchSecurity'",
        ],
    ),
    (
        "virt-sev-chain-fetch.1",
        "rm chain.cert",
        &["virt-sev chain verify chain.cert && rm chain.cert", "virt-sev chain verify chain.cert"],
    ),
    (
        "virt-sev-chain-verify.1",
        "cp $VIRT_SEV_LAB_STATE/platform/*.cert .",
        &["said PDH", "said PDH", "said PDH"],
    ),
    (
        "virt-sev-check.1",
        "virt-sev session --chain chain.cert --policy 0x1 -o session/\ncp -r $HOST report\n\
         virt-sev define web1.xml --config keys.yaml --record",
        &[
            "said 'guest: sev can be launched'",
            "said 'web1: sev can be launched'",
            "said 'web1: sev can be launched'",
        ],
    ),
    (
        "virt-sev-config.5",
        "",
        &["virt-sev keys --convert example > said && said 'security.sev.policy.es: \"true\"'"],
    ),
    ("virt-sev-define.1", "", &["defined guest '<launchSecurity'", "defined guest urn:virt-sev:config:1"]),
    (
        "virt-sev-digest.1",
        "",
        &[
            "said '^[0-9a-f]\\{64\\}$'",
            "said '^[0-9a-f]\\{64\\}$' && [ $(stat -c %s vmsa/vmsa-cpu1.bin) = 4096 ]",
            "[ $(base64 -d said | wc -c) = 48 ]",
        ],
    ),
    (
        "virt-sev-explain.1",
        "",
        &[
            "said '^virtio-iommu: '",
            "said '^session-refused: '",
            "said '^fw-unsupported: '",
            "said '^exit 5: '",
            "said '^virtio-iommu '",
        ],
    ),
    ("virt-sev-firmware-inspect.1", "", &["said '^launch secret'"]),
    ("virt-sev-firmware-list.1", "", &["said OVMF.amdsev.fd", "said OVMF.amdsev.fd"]),
    (
        "virt-sev-generate.1",
        "qemu-img create -q -f qcow2 $VIRT_SEV_LAB_FILES/debian-13.qcow2 2G\necho '#cloud-config' > db1.yaml",
        &[
            "defined web1 '<launchSecurity'",
            "grep -q \"launchSecurity type='sev-snp'\" job1.xml",
            "said db1-seed.iso && test -s $VIRT_SEV_LAB_FILES/db1-seed.iso",
        ],
    ),
    (
        "virt-sev-hook-install.1",
        "mkdir hooks",
        &[
            "hooks/qemu.d/virt-sev g reconnect begin - < guest.xml",
            "grep -q ^libvirtd$ told",
            "test -x hooks/before_vm_start/90_virt-sev",
        ],
    ),
    (
        "virt-sev-hook-remove.1",
        "mkdir hooks\nvirt-sev hook install libvirt",
        &["[ ! -L hooks/qemu.d/virt-sev ]"],
    ),
    (
        "virt-sev-host.1",
        "",
        &[
            "said 'secure processor'",
            "said 'secure processor'",
            "said qemu+ssh://a && said qemu+ssh://b",
            "virt-sev host --host-root report/ > said && said 'secure processor'",
            "jq -e .schema said",
            "said 'secure processor'",
            "grep -q ^virt_sev_ virt-sev.prom",
        ],
    ),
    (
        "virt-sev-keys.1",
        "echo '{kind: VirtualMachineInstance, spec: {domain: {launchSecurity: {sev: {}}}}}' > vmi.yaml\n\
         echo '[{name: sev, config: {security.sev: \"true\"}}]' > profiles.yaml",
        &[
            "said '`security.sev.policy.es`'",
            "grep -q 'security.sev: \"true\"' keys.yaml",
            "said 'security.sev.policy.es: \"true\"'",
            "said security.sev.policy.noks",
        ],
    ),
    (
        "virt-sev-launch.1",
        "virt-sev session --chain chain.cert --policy 0x1 -o keys/ --bundle bundle.json\n\
         virt-sev session --chain chain.cert --policy 0x1 -o session/\nvirsh define web1.xml",
        &[
            "[ $(virsh domstate guest) = paused ] && jq -e .measurement evidence.json",
            "[ $(virsh domstate web1) = running ] && holds web1",
            "[ $(virsh domstate guest) = paused ]",
        ],
    ),
    (
        "virt-sev-lint.1",
        "mkdir guests\nvirt-sev apply --config keys.yaml web1.xml -o guests/web1.xml\nvirsh define guests/web1.xml\n\
         virt-sev apply --config keys.yaml -i guest.xml",
        &["said memory-lock", "said source", "said web1", "jq -e '.runs[0].tool.driver.name' lint.sarif"],
    ),
    ("virt-sev-measurement.1", MEASURED, &["said measurement", "jq -e .measurement evidence.json"]),
    (
        "virt-sev-policy.5",
        "virt-sev apply --config keys.yaml -i guest.xml",
        &["! VIRT_SEV_SITE_POLICY=example $HOOK guest prepare begin - < guest.xml 2> said && said sev-es"],
    ),
    (
        "virt-sev-secret-build.1",
        "virt-sev session --chain chain.cert --policy 0x1 -o session/\ncat session/tek.bin session/tik.bin > session.tk\n\
         mkdir keys\ncp disk.key keys/\nBASE64=$(head -c 48 /dev/zero | base64 -w 0)",
        &["jq -e .payload packet.json", "[ $(base64 -d header.b64 | wc -c) = 52 ] && test -s payload.b64"],
    ),
    (
        "virt-sev-secret-inject.1",
        ANSWERED,
        &[
            "[ $(virsh domstate web1) = running ] && holds web1 && virsh destroy web1 && answered",
            "[ $(virsh domstate web1) = paused ] && holds web1",
        ],
    ),
    (
        "virt-sev-session.1",
        "",
        &["test -s session/tik.bin && rm -r session", "test -s session/tik.bin && jq -e .config bundle.json"],
    ),
    (
        "virt-sev-snp-id-block.1",
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out id.pem",
        &["test -s id/keys.yaml", "said '<idBlock>'"],
    ),
    (
        "virt-sev-snp-report.1",
        "",
        &[
            "mv report.bin theirs.bin && mv vcek.der theirs.der && cp own.bin report.bin && cp own.pem vcek.der",
            "said '^verified: ' && mv theirs.bin report.bin && mv theirs.der vcek.der",
            "said '^verified: '",
        ],
    ),
    (
        "virt-sev-verify.1",
        "virt-sev session --chain chain.cert --policy 0x1 -o session/\n\
         virt-sev launch guest.xml --config session/keys.yaml --evidence evidence.json\n\
         cp own.bin report.bin\ncp own.pem vcek.der",
        &[
            "jq -e .payload packet.json && [ $(virsh domstate guest) = paused ]",
            "[ $(virsh domstate guest) = running ] && holds guest",
            "said '^verified: '",
        ],
    ),
];

/// What a page's script begins with.
const BEGIN: &str = r#"
trap 'cat said >&2' ERR
said() { grep -q -e "$1" said; }
defined() { virsh dumpxml --inactive $1 > defined.xml && grep -q -e "$2" defined.xml; }
holds() { grep -q "the disk's key" $VIRT_SEV_LAB_STATE/guests/$1/secrets/001.bin; }
virt-sev() {
  case "$*" in *report*--num-cpus*) set -- "$@" --ca ark.pem ;; esac
  command virt-sev "$@"
}
cp -a $(find ../.. -maxdepth 1 -not -type d) .
for guest in $(virsh list --name); do virsh destroy $guest; done
for guest in $(virsh list --all --name); do virsh undefine $guest; done
"#;

/// The examples of a page, in the language of shell.
fn examples(page: &str) -> Vec<String> {
    let (mut all, mut is_inside, mut goes_on) = (Vec::<String>::new(), false, false);
    for line in page.lines() {
        match line {
            ".EX" => is_inside = true,
            ".EE" => is_inside = false,
            _ if is_inside => {
                let line = line.replace("\\-", "-").replace("\\\\", "\\");
                if !goes_on {
                    all.push(String::new());
                }
                goes_on = line.ends_with('\\');
                *all.last_mut().unwrap() += &format!("{line}\n");
            }
            _ => {}
        }
    }
    all
}

/// A reader who has what only another machine has.
pub(crate) fn reader() -> Reader {
    let reader = Reader::new();
    reader.play_the_chip();
    reader.world();
    reader.program("lxc", "echo '{name: web1, profiles: [sev], config: {security.sev: \"true\", security.sev.policy.es: \"true\"}}'");
    reader.program("qm", "echo 'amd-sev: type=es,no-debug=1,no-key-sharing=1'");
    reader.program("systemctl", "[ $2 != virtqemud ] && echo $2 >> told");

    // What AMD's chips sign no test can make: the report of the guest that the examples expect is another platform's.
    let platform = Platform::shared();
    let digest = "virt-sev digest --mode snp --firmware OVMF.amdsev.fd --num-cpus 4 --vcpu-type EPYC-Milan";
    let digest = hex::decode(said(&reader.run(digest)).trim()).unwrap();
    let report = platform.report("vcek", |report| report[MEASUREMENT].copy_from_slice(&digest));
    fs::write(reader.path("own.bin"), report).unwrap();
    let [vcek, ask] = ["vcek.pem", "ask.pem"].map(|name| fs::read_to_string(platform.path(name)).unwrap());
    fs::write(reader.path("own.pem"), vcek + &ask).unwrap();
    fs::copy(platform.path("ark.pem"), reader.path("ark.pem")).unwrap();
    reader
}

/// A page as one script, in a folder of its own, without the guests of the page before.
pub(crate) fn script(
    reader: &Reader,
    name: &str,
    before: &str,
    examples: &[String],
    checks: &[&str],
) -> String {
    assert_eq!(examples.len(), checks.len(), "{name}: each example needs a check: {examples:#?}");
    let mut script = format!(
        "HEX={} HOST={} HOOK={} ROOT={} PROGRAMS={}\nmkdir -p pages/{name}\ncd pages/{name}{BEGIN}{before}\n",
        hex::encode(&REPORT[MEASUREMENT]),
        root().join("tests/roots/genoa-snp").display(),
        program("virt-sev-libvirt-hook").display(),
        root().display(),
        program("virt-sev").parent().unwrap().display(),
    );
    for (example, check) in examples.iter().zip(checks) {
        let example = reader.here(example).replace(" HEX", " $HEX").replace(" BASE64", " $BASE64");
        script += &format!("cat >&2 <<'SHOWN'\n+ {example}SHOWN\n{{\n{example}}} > said\n{check}\n");
    }
    script
}

#[test]
fn every_example_of_the_manual_is_run() {
    let reader = reader();
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    let pages = ["man", "src/sim/man"].map(|folder| fs::read_dir(root().join(folder)).unwrap());
    for file in pages.into_iter().flatten().map(|entry| entry.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let mut examples = examples(&fs::read_to_string(&file).unwrap());
        if examples.is_empty() {
            continue;
        }
        // Section 5 shows files.
        if name.ends_with(".5") {
            examples = vec![format!("cat > example <<'FILE'\n{}FILE\n", examples.concat())];
        }
        let page = PAGES.iter().find(|(page, ..)| *page == name);
        let (page, before, checks) = page.unwrap_or_else(|| panic!("{name}: PAGES has no row"));
        let out = reader.run(&script(&reader, page, before, &examples, checks));
        if !out.status.success() {
            let told = String::from_utf8_lossy(&out.stderr);
            wrong.push(format!("{name}: {}\n{told}", out.status));
        }
        seen.insert(*page);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen.len(), PAGES.len(), "a row without its page");
}
