//! Who may open a device node. In: its mode, owner and access control list; a user. Out: yes or no.
//! Never: a question to the file system.
//!
//! acl(5), "Access check algorithm"; the attribute's form: Linux `include/uapi/linux/posix_acl_xattr.h`.

use super::facts::Fact;
use super::machine::{Access, QemuUser};

/// The extended attribute that holds the list.
pub(super) const ATTRIBUTE: &str = "system.posix_acl_access";
/// Read and write.
const READ_WRITE: u32 = 6;

/// What an access control list adds to the mode. Without one a node has none of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acl {
    /// Users by name, with their permissions.
    pub users: Vec<(u32, u32)>,
    /// Groups by name.
    pub groups: Vec<(u32, u32)>,
    /// The node's own group; the mode holds the mask in its place.
    pub own_group: u32,
    /// The most that named users and any group get.
    pub mask: u32,
}

/// From the attribute's bytes: a version, then tag, permissions and id of each entry.
pub(super) fn from_attribute(bytes: &[u8]) -> Option<Acl> {
    let (version, entries) = bytes.split_first_chunk::<4>()?;
    let (entries, rest) = entries.as_chunks::<8>();
    if u32::from_le_bytes(*version) != 2 || !rest.is_empty() {
        return None;
    }
    let mut acl = Acl { mask: 7, ..Acl::default() };
    for &[t0, t1, p0, p1, i0, i1, i2, i3] in entries {
        let permissions = u32::from(u16::from_le_bytes([p0, p1]));
        let id = u32::from_le_bytes([i0, i1, i2, i3]);
        match u16::from_le_bytes([t0, t1]) {
            0x02 => acl.users.push((id, permissions)),
            0x04 => acl.own_group = permissions,
            0x08 => acl.groups.push((id, permissions)),
            0x10 => acl.mask = permissions,
            // Owner and others stand in the mode.
            _ => {}
        }
    }
    Some(acl)
}

/// As `getfacl -n` prints it.
pub(super) fn from_text(text: &str) -> Option<Acl> {
    let mut acl = Acl { mask: 7, ..Acl::default() };
    let mut lines = 0;
    for line in text.lines().map(|line| line.split('#').next().unwrap_or("").trim()) {
        let mut fields = line.splitn(3, ':');
        let (Some(tag), Some(id), Some(rights)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let permissions =
            "rwx".chars().zip([4, 2, 1]).filter(|(c, _)| rights.contains(*c)).map(|(_, bit)| bit).sum();
        match (tag, id) {
            ("group", "") => acl.own_group = permissions,
            ("mask", "") => acl.mask = permissions,
            ("user", "") | ("other", "") => {}
            ("user", id) => acl.users.push((id.parse().ok()?, permissions)),
            ("group", id) => acl.groups.push((id.parse().ok()?, permissions)),
            _ => return None,
        }
        lines += 1;
    }
    (lines > 0).then_some(acl)
}

/// The text that [`from_text`] reads.
pub(super) fn to_text(access: &Access, acl: &Acl) -> String {
    let rights = |bits: u32| -> String {
        "rwx".chars().zip([4, 2, 1]).map(|(c, bit)| if bits & bit == 0 { '-' } else { c }).collect()
    };
    let mut lines = vec![format!("user::{}", rights(access.mode >> 6))];
    lines.extend(acl.users.iter().map(|(id, bits)| format!("user:{id}:{}", rights(*bits))));
    lines.push(format!("group::{}", rights(acl.own_group)));
    lines.extend(acl.groups.iter().map(|(id, bits)| format!("group:{id}:{}", rights(*bits))));
    lines.push(format!("mask::{}", rights(acl.mask)));
    lines.push(format!("other::{}", rights(access.mode)));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

impl Access {
    /// Whether this user may read and write the node, without any capability: libvirt takes them from QEMU.
    #[must_use]
    pub fn open_to(&self, user: &QemuUser) -> bool {
        let enough = |bits: u32| bits & READ_WRITE == READ_WRITE;
        if self.uid == user.uid {
            return enough(self.mode >> 6);
        }
        let acl = match &self.acl {
            Fact::Known(acl) => acl.clone(),
            Fact::Absent | Fact::Unreadable(_) | Fact::NotAsked => {
                Acl { own_group: self.mode >> 3 & 7, mask: 7, ..Acl::default() }
            }
        };
        if let Some((_, bits)) = acl.users.iter().find(|(id, _)| *id == user.uid) {
            return enough(bits & acl.mask);
        }
        let groups = acl.groups.iter().copied().chain([(self.gid, acl.own_group)]);
        let mut ours = groups.filter(|(id, _)| user.groups.contains(id)).peekable();
        if ours.peek().is_some() {
            return ours.any(|(_, bits)| enough(bits & acl.mask));
        }
        enough(self.mode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(uid: u32, groups: &[u32]) -> QemuUser {
        QemuUser { name: "qemu".into(), uid, groups: groups.to_vec(), configured: false }
    }

    fn node(mode: u32, acl: Option<&str>) -> Access {
        let acl = acl.map_or(Fact::Absent, |text| Fact::Known(from_text(text).unwrap()));
        Access { mode, uid: 0, gid: 107, acl, ours: None }
    }

    #[test]
    fn the_first_entry_that_fits_decides() {
        assert!(node(0o660, None).open_to(&user(9, &[5, 107])));
        assert!(!node(0o640, None).open_to(&user(9, &[107])));
        assert!(!node(0o660, None).open_to(&user(9, &[5])));
        assert!(node(0o666, None).open_to(&user(9, &[])));
        assert!(!node(0o606, None).open_to(&user(9, &[107])), "the group decides before others do");
        assert!(node(0o600, None).open_to(&user(0, &[])) && !node(0o060, None).open_to(&user(0, &[107])));
    }

    #[test]
    fn a_list_adds_users_and_groups_up_to_its_mask() {
        // The mode's group bits are the mask here: the own group has nothing.
        let list = "# file: dev/sev\n# owner: 0\nuser::rw-\nuser:9:rw-\ngroup::---\ngroup:5:rw-\nmask::rw-\nother::---\n";
        assert!(node(0o660, Some(list)).open_to(&user(9, &[])));
        assert!(node(0o660, Some(list)).open_to(&user(8, &[107, 5])));
        assert!(!node(0o660, Some(list)).open_to(&user(8, &[107])));
        let masked = list.replace("mask::rw-", "mask::r--");
        assert!(!node(0o640, Some(&masked)).open_to(&user(9, &[])));
        let effective = "user::rw-\nuser:9:rw-\t#effective:r--\ngroup::---\nmask::r--\nother::---\n";
        assert!(!node(0o640, Some(effective)).open_to(&user(9, &[])));
        for text in ["", "nobody::rw-\n", "user:me:rw-\n", "# file: dev/sev\n"] {
            assert_eq!(from_text(text), None, "{text:?}");
        }
    }

    #[test]
    fn text_and_attribute_say_the_same() {
        let entry = |tag: u16, bits: u16, id: u32| {
            [&tag.to_le_bytes()[..], &bits.to_le_bytes(), &id.to_le_bytes()].concat()
        };
        let none = u32::MAX;
        let entries = [
            entry(1, 6, none),
            entry(2, 6, 9),
            entry(4, 0, none),
            entry(8, 4, 5),
            entry(16, 6, none),
            entry(32, 0, none),
        ];
        let bytes = [2u32.to_le_bytes().to_vec(), entries.concat()].concat();
        let acl = from_attribute(&bytes).unwrap();
        assert_eq!(acl, Acl { users: vec![(9, 6)], groups: vec![(5, 4)], own_group: 0, mask: 6 });
        assert_eq!(from_text(&to_text(&node(0o660, None), &acl)), Some(acl));
        for bytes in [&bytes[..3], &bytes[..9], &[1, 0, 0, 0]] {
            assert_eq!(from_attribute(bytes), None);
        }
    }
}
