//! What the loaded SELinux policy lets libvirt's guests do with `/dev/sev`. In: the node's label. Out: a rule as
//! sesearch(1) prints it. Never: a change: `/sys/fs/selinux/access` answers a question, to anybody whom the policy
//! lets ask (libselinux `src/compute_av.c`; Linux `security/selinux/selinuxfs.c`, `sel_write_access`).
//!
//! The version of the package selinux-policy would say less: a site may have rules of its own.

use super::facts::Fact;
use super::probe::lost;
use std::fs::{OpenOptions, read_to_string};
use std::io::{Error, ErrorKind, Read as _, Write as _};
use std::path::Path;

/// The extended attribute that holds a node's label.
pub(super) const ATTRIBUTE: &str = "security.selinux";
/// The label of `/dev/sev` since selinux-policy 3.14.2.40 (libvirt `docs/kbase/launch_security_sev.rst`).
const DEVICE: &str = "system_u:object_r:sev_device_t:s0";
/// The label of QEMU under libvirt, where no file says otherwise.
const GUEST: &str = "system_u:system_r:svirt_t:s0";
/// What QEMU does with the device.
const NEEDED: [&str; 4] = ["open", "read", "write", "ioctl"];

/// The rules about one pair of types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelinuxRule {
    /// The type of libvirt's guests.
    pub guest: String,
    /// The type of `/dev/sev`.
    pub device: String,
    /// What the one may do with the other.
    pub allowed: Vec<String>,
}

impl SelinuxRule {
    /// Whether QEMU may do all that it does with the device.
    #[must_use]
    pub fn enough(&self) -> bool {
        NEEDED.iter().all(|needed| self.allowed.iter().any(|a| a == needed))
    }
}

/// From lines such as `allow svirt_t sev_device_t:chr_file { ioctl open read write };`.
pub(super) fn from_text(text: &str) -> Option<SelinuxRule> {
    let mut found: Option<SelinuxRule> = None;
    for line in text.lines() {
        let Some((guest, rest)) = line.trim().strip_prefix("allow ").and_then(|l| l.split_once(' ')) else {
            continue;
        };
        let Some((device, rights)) = rest.split_once(":chr_file") else { continue };
        let rule = found.get_or_insert_with(|| SelinuxRule {
            guest: guest.trim().into(),
            device: device.trim().into(),
            allowed: Vec::new(),
        });
        rule.allowed.extend(rights.split(['{', '}', ';', ' ']).filter(|w| !w.is_empty()).map(str::to_owned));
    }
    found
}

/// Asks the kernel.
pub(super) fn ask(label: Option<&str>) -> Fact<String> {
    let folder = Path::new("/sys/fs/selinux");
    let path = folder.join("access");
    let (guest, device) = (guest_label(), label.unwrap_or(DEVICE));
    let class = folder.join("class/chr_file");
    let number = |path: &Path| read_to_string(path).ok()?.trim().parse::<u16>().ok();
    let index = class.join("index");
    let answer = OpenOptions::new().read(true).write(true).open(&path).and_then(|mut file| {
        // Without a policy there are no classes, and the answer is no to everything.
        let Some(class) = number(&index) else { return Err(Error::other("no policy is loaded")) };
        file.write_all(format!("{guest} {device} {class} ffffffff").as_bytes())?;
        let mut answer = [0; 256];
        let length = file.read(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    });
    match answer {
        Ok(answer) => {
            let bit = |name: &str| number(&class.join("perms").join(name));
            match allowed(&answer, bit) {
                Some(allowed) => Fact::Known(rule(&guest, device, &allowed)),
                None => Fact::Unreadable(format!("{}: no access decision", path.display())),
            }
        }
        Err(e) if e.kind() == ErrorKind::InvalidInput => Fact::Unreadable(format!(
            "{}: the loaded policy does not know {} or {}",
            path.display(),
            kind(&guest),
            kind(device)
        )),
        Err(e) => lost(&path, &e),
    }
}

/// `ALLOWED DECIDED AUDITALLOW AUDITDENY NUMBER FLAGS`, hexadecimal but for the number. Each permission is a bit,
/// counted from 1; flag 0 is set where the guest's type is permissive.
fn allowed(answer: &str, bit: impl Fn(&str) -> Option<u16>) -> Option<Vec<&'static str>> {
    let words: Vec<&str> = answer.trim_matches(['\0', '\n', ' ']).split_whitespace().collect();
    let allowed = u32::from_str_radix(words.first()?, 16).ok()?;
    let flags = words.get(5).and_then(|w| u32::from_str_radix(w, 16).ok()).unwrap_or(0);
    let has = |name: &&&str| {
        let mask = bit(name).and_then(|n| 1_u32.checked_shl(u32::from(n).checked_sub(1)?));
        flags & 1 == 1 || mask.is_some_and(|mask| allowed & mask != 0)
    };
    Some(NEEDED.iter().filter(has).copied().collect())
}

fn rule(guest: &str, device: &str, allowed: &[&str]) -> String {
    let rights: String = allowed.iter().map(|right| format!("{right} ")).collect();
    format!("allow {} {}:chr_file {{ {rights}}};\n", kind(guest), kind(device))
}

/// The type in a label.
fn kind(label: &str) -> &str {
    label.split(':').nth(2).unwrap_or(label)
}

/// The first line of the policy's `virtual_domain_context` (libvirt `src/security/security_selinux.c`).
fn guest_label() -> String {
    let config = read_to_string("/etc/selinux/config").unwrap_or_default();
    let policy =
        config.lines().find_map(|l| l.trim().strip_prefix("SELINUXTYPE=")).unwrap_or("targeted").trim();
    let contexts =
        read_to_string(format!("/etc/selinux/{policy}/contexts/virtual_domain_context")).unwrap_or_default();
    let first = contexts.lines().map(str::trim).find(|line| line.split(':').count() > 2);
    first.map_or_else(|| GUEST.to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_as_sesearch_prints_them() {
        let rule = from_text("allow svirt_t sev_device_t:chr_file { ioctl open read write };\n").unwrap();
        assert_eq!(
            (rule.guest.as_str(), rule.device.as_str(), rule.enough()),
            ("svirt_t", "sev_device_t", true)
        );
        let two = "allow virt_domain sev_device_t:chr_file open;\nallow svirt_t sev_device_t:chr_file { ioctl read write };";
        assert!(from_text(two).unwrap().enough());
        let none = from_text("allow svirt_t device_t:chr_file { };\n").unwrap();
        assert!(none.allowed.is_empty() && !none.enough());
        let one = from_text("allow svirt_t device_t:chr_file getattr;").unwrap();
        assert_eq!(one.allowed, ["getattr"]);
        for text in ["", "allow a b:file { read };", "deny a b:chr_file { read };", "allow"] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }

    #[test]
    fn a_decision_is_bits_that_the_policy_numbers() {
        // As Linux 6.1 numbers them for chr_file: common file permissions first.
        let bit = |name: &str| {
            Some(match name {
                "ioctl" => 1,
                "read" => 2,
                "write" => 3,
                "open" => 20,
                _ => return None,
            })
        };
        assert_eq!(allowed("80007 ffffffff 0 fffffffa 1 0\0", bit), Some(NEEDED.to_vec()));
        assert_eq!(allowed("6 ffffffff 0 ffffffff 1 0", bit), Some(vec!["read", "write"]));
        assert_eq!(allowed("0 ffffffff 0 ffffffff 1 1", bit), Some(NEEDED.to_vec()), "a permissive type");
        assert_eq!(allowed("0 ffffffff 0 ffffffff 1", bit), Some(vec![]));
        assert_eq!(allowed("ffffffff 0 0 0 0 0", |_| None), Some(vec![]));
        assert_eq!(allowed("ffffffff 0 0 0 0 0", |_| Some(99)), Some(vec![]));
        assert_eq!(allowed("", bit), None);
        let text = rule(GUEST, DEVICE, &["open", "read", "write", "ioctl"]);
        assert_eq!(text, "allow svirt_t sev_device_t:chr_file { open read write ioctl };\n");
        assert!(from_text(&text).unwrap().enough());
    }
}
