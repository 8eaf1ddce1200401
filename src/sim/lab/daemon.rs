//! The private libvirtd.
//! In: the lab. Out: a daemon that answers. Never: the machine's own.

use crate::folder::{HOOKS, Lab, User};
use crate::processes;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use virt_sev_sim::cpuid::SETTINGS;
use virt_sev_sim::error::{Context, Error, Result};

/// Cold, libvirt probes every emulator first.
const PATIENCE: Duration = Duration::from_secs(90);

/// Starts the daemon and notes its process id.
pub(crate) fn start(lab: &Lab) -> Result<u32> {
    let log = fs::File::options().append(true).create(true).open(lab.dir.join("log/daemon.err"))?;
    let own = lab.private_kvm || lab.hooks;
    let mut command = match (&lab.user, own) {
        (Some(user), true) => with_own_files(lab, user)?,
        _ => Command::new(&lab.daemon),
    };
    environment(lab, &mut command);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).current_dir("/");
    if let (Some(user), false) = (&lab.user, own) {
        // Setting the user also drops the supplementary groups.
        command.uid(user.uid).gid(user.gid);
    }
    // A group of its own: a terminal's interrupt is for COMMAND; the lab takes the daemon down afterwards.
    command.process_group(0);
    let child = command.spawn().at(lab.daemon.display())?;
    fs::write(lab.pid_file(), format!("{}\n", child.id()))?;
    Ok(child.id())
}

/// Asks `sev-lab run` to start the daemon again. Only what is below that process ends with the lab, so it must be the
/// one that starts it.
pub(crate) fn ask_for_another(lab: &Lab) -> Result<u32> {
    let request = lab.restart_request();
    fs::write(&request, "").at(request.display())?;
    let end = Instant::now() + PATIENCE;
    while request.exists() {
        if Instant::now() > end {
            return Err(Error::new(
                "the lab does not start its daemon again: does its `sev-lab run` still live?",
            ));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let file = lab.pid_file();
    let text = fs::read_to_string(&file).at(file.display())?;
    text.trim().parse().map_err(|_| Error::new(format!("{}: no process id", file.display())))
}

/// Starts the daemon again where somebody asked for it.
pub(crate) fn start_if_asked(lab: &Lab) -> Result<()> {
    let request = lab.restart_request();
    if request.exists() {
        start(lab)?;
        fs::remove_file(&request).at(request.display())?;
    }
    Ok(())
}

/// The daemon in a mount namespace of its own, where `/dev/kvm` is a second node for the same device that its user may
/// open, and the folder of hooks is the lab's. Each step replaces the process, so the process id stays.
fn with_own_files(lab: &Lab, user: &User) -> Result<Command> {
    const SCRIPT: &str = r#"set -e
hooks=$1 dev=$2 major=$3 minor=$4 uid=$5 gid=$6 daemon=$7
if [ "$hooks" ]; then mount --bind "$hooks" "$8"; fi
if [ "$dev" ]; then
  mount -t tmpfs -o mode=755,size=64k sev-lab "$dev"
  mknod -m 600 "$dev/kvm" c "$major" "$minor"
  chown "$uid:$gid" "$dev/kvm"
  mount --bind "$dev/kvm" /dev/kvm
fi
exec setpriv --reuid "$uid" --regid "$gid" --clear-groups -- "$daemon""#;
    let (mut folder, mut device) = (OsString::new(), 0);
    if lab.private_kvm {
        let path = lab.dir.join("dev");
        fs::create_dir_all(&path).at(path.display())?;
        device = fs::metadata("/dev/kvm").at("/dev/kvm")?.rdev();
        folder = path.into();
    }
    let hooks = if lab.hooks { lab.hooks().into() } else { OsString::new() };
    let numbers = [rustix::fs::major(device), rustix::fs::minor(device), user.uid, user.gid];
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh"]).arg(hooks).arg(folder);
    command.args(numbers.map(|n| n.to_string())).arg(&lab.daemon).arg(HOOKS);
    Ok(command)
}

/// What the daemon and the guests see of the world.
fn environment(lab: &Lab, command: &mut Command) {
    let path = std::env::var("PATH").unwrap_or_default();
    let bin = lab.dir.join("bin");
    let dir = |name: &str| lab.dir.join(name);
    command.env_clear();
    command.env(
        "PATH",
        format!("{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{path}", bin.display()),
    );
    command.env("HOME", dir("home")).env("TMPDIR", "/tmp").env("LC_ALL", "C");
    command.env("XDG_RUNTIME_DIR", dir("run"));
    command.env("XDG_CONFIG_HOME", dir("config"));
    command.env("XDG_CACHE_HOME", dir("cache"));
    command.env("XDG_DATA_HOME", dir("home")).env("XDG_STATE_HOME", dir("home"));
    if let Some(user) = &lab.user {
        command.env("USER", &user.name).env("LOGNAME", &user.name);
    }
    if lab.preload().exists() {
        command.env("LD_PRELOAD", lab.preload()).env(SETTINGS, lab.settings_file());
    }
    // Hosts that keep libvirt outside the usual folders need this to load it.
    for name in ["LD_LIBRARY_PATH", "LIBVIRT_DRIVER_DIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
}

/// Waits until the daemon answers, ends, or somebody interrupts.
pub(crate) fn wait(lab: &Lab, pid: u32, interrupted: impl Fn() -> bool) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    while Instant::now() < end {
        if interrupted() {
            return Err(Error::new("interrupted"));
        }
        if answers(lab) {
            return Ok(());
        }
        // Not `kill -0`: a daemon that has ended and is not yet reaped still has its id.
        if processes::reap(pid).is_some() {
            return Err(Error::new(format!("the daemon ended: {}", complaint(lab))));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(Error::new(format!("the daemon does not answer after {} s: {}", PATIENCE.as_secs(), complaint(lab))))
}

fn answers(lab: &Lab) -> bool {
    if UnixStream::connect(lab.socket()).is_err() {
        return false;
    }
    // Without virsh the open socket has to do.
    processes::run_quietly(Command::new("virsh").args(["-c", &lab.uri(), "version"]))
        .is_none_or(|status| status.exit_status() == Some(0))
}

fn complaint(lab: &Lab) -> String {
    let mut text = String::new();
    for name in ["log/daemon.err", "log/libvirtd.log"] {
        let all = fs::read_to_string(lab.dir.join(name)).unwrap_or_default();
        let lines: Vec<&str> = all.lines().collect();
        text.push_str(&lines[lines.len().saturating_sub(5)..].join("\n"));
    }
    if text.is_empty() { "it said nothing".to_owned() } else { text }
}
