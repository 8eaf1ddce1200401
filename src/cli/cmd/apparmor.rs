//! Whether AppArmor lets libvirt's daemon run a hook that lies outside `/etc/libvirt/hooks`. In: the loaded profiles, the
//! site's additions to them. Out: the profile that stands in the way. Never: a profile changed.
//!
//! The profile lets the daemon run what is below `/etc/libvirt/hooks` (libvirt `src/security/apparmor/usr.sbin.libvirtd.in`),
//! and AppArmor goes by the file that a link leads to. A hook that cannot be run fails every guest's start, and ends the
//! guests that run when the daemon begins again.

use std::path::{Path, PathBuf};
use virt_sev::{Error, Kind};

/// The profiles that the kernel holds, a line each: `libvirtd (enforce)`.
const LOADED: &str = "/sys/kernel/security/apparmor/profiles";
/// What a site adds to the profiles of its distribution.
const LOCAL: &str = "/etc/apparmor.d/local";
const DAEMONS: [&str; 2] = ["libvirtd", "virtqemud"];

/// Why the program cannot be a hook here; `None` where nothing is in its way.
pub(crate) fn forbids(program: &Path) -> Option<Error> {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let daemon = confined(&read(Path::new(LOADED)), program, |local| read(local))?;
    let local = local(daemon);
    Some(
        Error::new(Kind::State, format!("AppArmor's profile of {daemon} does not let it run the hook"))
            .at(program.display().to_string())
            .because("no guest would start, with SEV or without")
            .hint(format!(
                "Put `{} rmix,` into {}, do `apparmor_parser -r /etc/apparmor.d/usr.sbin.{daemon}`, and install again.",
                program.display(),
                local.display()
            )),
    )
}

fn local(daemon: &str) -> PathBuf {
    Path::new(LOCAL).join(format!("usr.sbin.{daemon}"))
}

/// The daemon whose enforced profile has no rule for the program. Profiles had the program's path as their name before.
fn confined(loaded: &str, program: &Path, read: impl Fn(&Path) -> String) -> Option<&'static str> {
    let program = program.to_string_lossy();
    let is_enforced = |daemon: &str| {
        let names = [format!("{daemon} (enforce)"), format!("/usr/sbin/{daemon} (enforce)")];
        loaded.lines().any(|line| names.iter().any(|name| name == line.trim()))
    };
    let has_rule = |daemon: &str| {
        read(&local(daemon))
            .lines()
            .any(|line| !line.trim_start().starts_with('#') && line.contains(program.as_ref()))
    };
    DAEMONS.into_iter().find(|daemon| is_enforced(daemon) && !has_rule(daemon))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_that_could_not_run_the_hook_is_named() {
        let program = Path::new("/usr/local/libexec/virt-sev/virt-sev-libvirt-hook");
        let rule = format!("  {} rmix,\n", program.display());
        let both = "lsb_release (enforce)\nlibvirtd (enforce)\nlibvirtd//qemu_bridge_helper (enforce)\nvirtqemud (enforce)\n";
        let of_libvirtd =
            |path: &Path| if path.ends_with("usr.sbin.libvirtd") { rule.clone() } else { String::new() };
        for (loaded, has_rule, daemon) in [
            ("", false, None),
            ("lsb_release (enforce)\n", false, None),
            ("libvirtd (complain)\n", false, None),
            ("libvirtd//qemu_bridge_helper (enforce)\n", false, None),
            ("/usr/sbin/libvirtd (enforce)\n", false, Some("libvirtd")),
            (both, false, Some("libvirtd")),
            (both, true, Some("virtqemud")),
        ] {
            let read = |path: &Path| if has_rule { of_libvirtd(path) } else { format!("# {rule}") };
            assert_eq!(confined(loaded, program, read), daemon, "{loaded}");
        }
        assert_eq!(confined(both, program, |_| rule.clone()), None);
    }
}
