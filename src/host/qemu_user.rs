//! Whom libvirt's system daemon starts QEMU as. In: `qemu.conf`, `/etc/passwd`, `/etc/group`. Out: [`QemuUser`].
//! Never: users that other services know; then it is absent.

use super::facts::Fact;
use super::machine::QemuUser;

/// What packages set at build time (libvirt `meson_options.txt`, `qemu_user`): Debian and Ubuntu; Fedora, RHEL, SUSE.
const USUAL: [&str; 2] = ["libvirt-qemu", "qemu"];

/// A setting of `qemu.conf`: `NAME = VALUE`, the value perhaps in quotes.
pub(super) fn setting<'a>(conf: &'a str, name: &str) -> Option<&'a str> {
    let value = conf
        .lines()
        .rev()
        .find_map(|line| line.trim().strip_prefix(name)?.trim_start().strip_prefix('=').map(str::trim))?;
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value.get(1..)?.split(quote).next(),
        _ => value.split(['#', ' ', '\t']).next(),
    }
}

/// The user, with every group that QEMU gets: libvirt takes all of them (`virGetGroupList`).
pub(super) fn find(conf: &Fact<String>, passwd: &Fact<String>, group: &Fact<String>) -> Fact<QemuUser> {
    let passwd = match passwd {
        Fact::Known(text) => text,
        Fact::Absent => return Fact::Absent,
        Fact::Unreadable(why) => return Fact::Unreadable(why.clone()),
        Fact::NotAsked => return Fact::NotAsked,
    };
    let told = |name: &str| conf.known().and_then(|text| setting(text, name)).filter(|v| !v.is_empty());
    let entries: Vec<Vec<&str>> = passwd.lines().map(|line| line.split(':').collect()).collect();
    let by = |field: usize, value: &str| entries.iter().find(|e| e.get(field) == Some(&value));
    let wanted = told("user");
    let entry = match wanted.map(|w| w.strip_prefix('+').map_or((0, w), |id| (2, id))) {
        Some((field, value)) => by(field, value).or_else(|| by(2, value)),
        None => USUAL.iter().find_map(|name| by(0, name)),
    };
    let Some([name, _, uid, gid, ..]) = entry.map(Vec::as_slice) else {
        return match wanted {
            Some(name) => Fact::Unreadable(format!("/etc/passwd: no user {}", name.escape_debug())),
            None => Fact::Absent,
        };
    };
    let (Ok(uid), Ok(gid)) = (uid.parse(), gid.parse()) else {
        return Fact::Unreadable(format!("/etc/passwd: no numbers for {}", name.escape_debug()));
    };
    let mut groups = vec![gid];
    for line in group.known().map_or("", String::as_str).lines() {
        let mut fields = line.split(':');
        let (Some(this), Some(id), members) = (fields.next(), fields.nth(1), fields.next()) else { continue };
        let member = members.is_some_and(|m| m.split(',').any(|m| m == *name));
        let chosen = told("group").is_some_and(|g| g == this || g.trim_start_matches('+') == id);
        if let (true, Ok(id)) = (member || chosen, id.parse()) {
            groups.push(id);
        }
    }
    groups.sort_unstable();
    groups.dedup();
    Fact::Known(QemuUser { name: (*name).to_owned(), uid, groups, configured: wanted.is_some() })
}

/// The part of `/etc/passwd` that [`find`] needs: names and numbers.
pub(super) fn passwd_lines(conf: &str, passwd: &str) -> String {
    let wanted = setting(conf, "user").map(|w| w.trim_start_matches('+'));
    let mut out = String::new();
    for line in passwd.lines() {
        let [name, _, uid, gid, ..] = line.split(':').collect::<Vec<_>>()[..] else { continue };
        if USUAL.contains(&name) || wanted.is_some_and(|w| w == name || w == uid) {
            out += &format!("{name}:x:{uid}:{gid}:::\n");
        }
    }
    out
}

/// The part of `/etc/group` that [`find`] needs: groups of these users, without their other members.
pub(super) fn group_lines(conf: &str, passwd: &str, group: &str) -> String {
    let users: Vec<&str> = passwd.lines().filter_map(|line| line.split(':').next()).collect();
    let chosen = setting(conf, "group").map(|g| g.trim_start_matches('+'));
    let mut out = String::new();
    for line in group.lines() {
        let [name, _, id, members] = line.splitn(4, ':').collect::<Vec<_>>()[..] else { continue };
        let ours: Vec<&str> = members.split(',').filter(|m| users.contains(m)).collect();
        if !ours.is_empty() || chosen.is_some_and(|g| g == name || g == id) {
            out += &format!("{name}:x:{id}:{}\n", ours.join(","));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nqemu:x:107:107:qemu user:/:/sbin/nologin\n\
                          alice:x:1000:1000:Alice,,,:/home/alice:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nkvm:x:36:alice,qemu\nqemu:x:107:\nsevusers:x:900:\nalice:x:1000:\n";

    fn known(text: &str) -> Fact<String> {
        Fact::Known(text.to_owned())
    }

    fn find_with(conf: &Fact<String>) -> Fact<QemuUser> {
        find(conf, &known(PASSWD), &known(GROUP))
    }

    #[test]
    fn the_packages_user_unless_the_configuration_names_one() {
        let usual = find_with(&Fact::Absent).known().cloned().unwrap();
        assert_eq!(
            (usual.name.as_str(), usual.uid, usual.groups, usual.configured),
            ("qemu", 107, vec![36, 107], false)
        );
        for conf in
            ["user = \"alice\"\n", "user='alice' # her\n", "user = \"+1000\"", "user = 1000", "user=\"1000\""]
        {
            let user = find_with(&known(conf)).known().cloned().unwrap();
            assert_eq!((user.name.as_str(), user.configured), ("alice", true), "{conf}");
            assert_eq!(user.groups, [36, 1000]);
        }
        let group = find_with(&known("group = \"sevusers\"\n#user = \"alice\"\n")).known().cloned().unwrap();
        assert_eq!((group.name.as_str(), group.groups), ("qemu", vec![36, 107, 900]));
        assert!(matches!(find_with(&known("user = \"bob\"")), Fact::Unreadable(why) if why.contains("bob")));
        assert_eq!(find(&Fact::Absent, &known("root:x:0:0:::\n"), &Fact::Absent), Fact::Absent);
        assert_eq!(find(&Fact::Absent, &Fact::Absent, &Fact::Absent), Fact::Absent);
        for broken in ["qemu\n", "qemu:x:a:b:::\n", "qemu:x:1\n"] {
            assert!(find(&Fact::Absent, &known(broken), &Fact::Absent).known().is_none(), "{broken}");
        }
    }

    #[test]
    fn what_is_kept_names_nobody_else_and_says_the_same() {
        for conf in ["", "user = \"alice\"\ngroup = \"sevusers\""] {
            let passwd = passwd_lines(conf, PASSWD);
            let group = group_lines(conf, &passwd, GROUP);
            assert_eq!(find(&known(conf), &known(&passwd), &known(&group)), find_with(&known(conf)));
            assert!(!conf.is_empty() || !(passwd + &group).contains("alice"));
        }
    }
}
