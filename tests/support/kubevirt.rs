//! Machines of KubeVirt as `virt-launcher` hands them to a hook, and the domains that its converter makes of them: written
//! from the converter's rules (KubeVirt, `pkg/virt-launcher/virtwrap/converter`), in the form of Go's encoders.

use std::path::PathBuf;

/// A machine with SEV-ES, hugepages, SR-IOV, vsock and TPM; one with SEV-SNP and a kernel of its own; one with SEV, an owner's
/// session and GPUs; one without.
pub(crate) const ALL: [&str; 4] = ["sev-es", "snp", "gpu", "plain"];
/// Stands in every machine's cloud-init.
pub(crate) const SECRET: &str = "kept-out-of-logs";

fn file(name: &str) -> String {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/hooks/kubevirt")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The machine in one line, and its domain.
pub(crate) fn machine(name: &str) -> (String, String) {
    let vmi: serde_json::Value = serde_json::from_str(&file(&format!("{name}.json"))).unwrap();
    (as_go(&vmi), file(&format!("{name}.xml")))
}

/// As Go's encoding/json writes it.
pub(crate) fn as_go(value: &serde_json::Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// The same domain with disks until it is longer than this.
pub(crate) fn longer(domain: &str, bytes: usize) -> String {
    let disk = "\t\t<disk device=\"disk\" type=\"file\" model=\"virtio-non-transitional\">\n\t\t\t<source \
                file=\"/var/run/kubevirt-private/vmi-disks/dN/disk.img\"></source>\n\t\t\t<target bus=\"virtio\" \
                dev=\"vdN\"></target>\n\t\t</disk>\n";
    let (head, tail) = domain.split_once("\t</devices>").unwrap();
    let mut text = head.to_owned();
    let mut number = 100;
    while text.len() + tail.len() <= bytes {
        text.push_str(&disk.replace("dN", &format!("d{number}")));
        number += 1;
    }
    text + "\t</devices>" + tail
}
