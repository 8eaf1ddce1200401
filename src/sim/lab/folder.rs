//! The lab's folder.
//! In: options. Out: a short private folder: `bin/` (simulator, settings), `files/`, `state/`, `home/`, `run/`, `log/`.
//! Never: a path too long for a Unix socket.

use serde::{Deserialize, Serialize};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};
use virt_sev_sim::cpuid::LIBRARY;
use virt_sev_sim::error::{Context, Error, Result};
use virt_sev_sim::settings::{FILE, Settings};

/// The longest folder. A Unix socket's path has 107 bytes at most, and a guest's monitor is at
/// `config/libvirt/qemu/lib/domain-ID-NAME/monitor.sock` below it, where NAME has up to 20.
const LONGEST: usize = 36;
const RECORD: &str = "lab.json";
/// Where libvirt was built to look for hooks (`src/util/virhook.c`).
pub(crate) const HOOKS: &str = "/etc/libvirt/hooks";
/// The simulator's name in the lab, so that libvirt finds it for QEMU.
pub(crate) const EMULATOR: &str = "qemu-system-x86_64";

/// A lab.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Lab {
    pub(crate) dir: PathBuf,
    pub(crate) daemon: PathBuf,
    pub(crate) user: Option<User>,
    pub(crate) kvm: bool,
    /// The daemon gets a `/dev/kvm` of its own.
    pub(crate) private_kvm: bool,
    /// The daemon has a folder of hooks of its own.
    #[serde(default)]
    pub(crate) hooks: bool,
    pub(crate) simulator: bool,
}

/// The ordinary user that the daemon runs as when root starts the lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Lab {
    /// The lab that COMMAND runs in.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let file = dir.join(RECORD);
        serde_json::from_slice(&fs::read(&file).at(file.display())?).at(file.display())
    }

    /// Makes the folder.
    pub(crate) fn create(
        dir: Option<&Path>,
        simulator: bool,
        private_kvm: bool,
        hooks: bool,
    ) -> Result<Self> {
        let user = user()?;
        let dir = match dir {
            Some(dir) => {
                fs::create_dir(dir).at(dir.display())?;
                fs::canonicalize(dir).at(dir.display())?
            }
            None => fresh()?,
        };
        let usable = can_use_kvm(user.as_ref());
        let private_kvm = private_kvm && !usable;
        let kvm = usable || private_kvm;
        let lab = Self { dir, daemon: daemon_program()?, user, kvm, private_kvm, hooks, simulator };
        let made = lab.fill();
        if made.is_err() {
            lab.remove();
        }
        made.map(|()| lab)
    }

    fn fill(&self) -> Result<()> {
        if self.dir.as_os_str().len() > LONGEST {
            let found = self.dir.display();
            return Err(Error::new(format!(
                "{found} is longer than {LONGEST} bytes, too long for libvirt's sockets"
            )));
        }
        fs::set_permissions(&self.dir, fs::Permissions::from_mode(0o700)).at(self.dir.display())?;
        for name in ["bin", "files", "state", "home", "run", "log", "config/libvirt", "cache"] {
            let folder = self.dir.join(name);
            fs::create_dir_all(&folder).at(folder.display())?;
        }
        if self.private_kvm && (self.user.is_none() || !Path::new("/dev/kvm").exists()) {
            return Err(Error::new("--private-kvm needs root and a /dev/kvm"));
        }
        if self.hooks && (self.user.is_none() || !Path::new(HOOKS).is_dir()) {
            return Err(Error::new(format!("--hook needs root and {HOOKS}")));
        }
        self.write("config/libvirt/qemu.conf", "stdio_handler = \"file\"\n")?;
        let log = self.dir.join("log/libvirtd.log");
        let text = format!("log_outputs = \"3:file:{}\"\n", log.display());
        self.write("config/libvirt/libvirtd.conf", &text)?;
        self.write("config/libvirt/virtqemud.conf", &text)?;
        let record = serde_json::to_string_pretty(self).at(RECORD)?;
        self.write(RECORD, &record)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let file = self.dir.join(name);
        fs::write(&file, text).at(file.display())
    }

    /// Gives everything in the folder to the daemon's user.
    pub(crate) fn give(&self) -> Result<()> {
        fn all(path: &Path, user: &User) -> Result<()> {
            chown(path, Some(user.uid), Some(user.gid)).at(path.display())?;
            if fs::symlink_metadata(path).at(path.display())?.is_dir() {
                for entry in fs::read_dir(path).at(path.display())? {
                    all(&entry.at(path.display())?.path(), user)?;
                }
            }
            Ok(())
        }
        self.user.as_ref().map_or(Ok(()), |user| all(&self.dir, user))
    }

    /// Copies a file so that the daemon's user can read it.
    pub(crate) fn copy(&self, from: &Path, to: &Path, mode: u32) -> Result<()> {
        fs::copy(from, to).at(format!("{} to {}", from.display(), to.display()))?;
        fs::set_permissions(to, fs::Permissions::from_mode(mode)).at(to.display())
    }

    pub(crate) fn settings_file(&self) -> PathBuf {
        self.dir.join("bin").join(FILE)
    }

    pub(crate) fn emulator(&self) -> PathBuf {
        self.dir.join("bin").join(EMULATOR)
    }

    /// What the daemon loads first, where it is there.
    pub(crate) fn preload(&self) -> PathBuf {
        self.dir.join("bin").join(LIBRARY)
    }

    /// What stands in the place of [`HOOKS`].
    pub(crate) fn hooks(&self) -> PathBuf {
        self.dir.join("hooks")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.join("state")
    }

    pub(crate) fn pid_file(&self) -> PathBuf {
        self.dir.join("run/daemon.pid")
    }

    /// A file that is there while `sev-lab restart` waits for `sev-lab run`.
    pub(crate) fn restart_request(&self) -> PathBuf {
        self.dir.join("run/restart")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        let name = if self.daemon.ends_with("virtqemud") { "virtqemud-sock" } else { "libvirt-sock" };
        self.dir.join("run/libvirt").join(name)
    }

    pub(crate) fn uri(&self) -> String {
        format!("qemu:///session?socket={}", self.socket().display())
    }

    /// Changes the simulator's settings in one step, and makes libvirt forget what it knows of the emulator where its
    /// capabilities depend on them: modes, and faults such as `no-sev`.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Settings)) -> Result<()> {
        if !self.simulator {
            return Err(Error::new("this lab runs without the simulator, so nothing can be told to it"));
        }
        let file = self.settings_file();
        let mut settings = Settings::read(&file)?;
        let of = |s: &Settings| (s.faults.clone(), s.modes.clone());
        let before = of(&settings);
        change(&mut settings);
        settings.write(&file)?;
        if of(&settings) == before { Ok(()) } else { self.touch_emulator() }
    }

    /// libvirt's cache of capabilities compares the emulator's change time in whole seconds.
    fn touch_emulator(&self) -> Result<()> {
        use std::os::unix::fs::MetadataExt;
        let path = self.emulator();
        let before = fs::metadata(&path).at(path.display())?.ctime();
        let file = fs::File::options().append(true).open(&path).at(path.display());
        for _ in 0..30 {
            match &file {
                Ok(file) => file.set_modified(SystemTime::now()).at(path.display())?,
                // A running program cannot be opened for writing; its permissions can be set again.
                Err(_) => fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).at(path.display())?,
            }
            if fs::metadata(&path).at(path.display())?.ctime() > before {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(Error::new(format!("{}: its change time stands still", path.display())))
    }

    /// Removes the folder.
    pub(crate) fn remove(&self) {
        // A process that is just ending may still write into it.
        for _ in 0..20 {
            match fs::remove_dir_all(&self.dir) {
                Err(_) if self.dir.exists() => std::thread::sleep(Duration::from_millis(100)),
                _ => return,
            }
        }
        eprintln!("sev-lab: {} could not be removed", self.dir.display());
    }
}

/// A new folder with a random name: under /tmp, because sockets need a short path.
fn fresh() -> Result<PathBuf> {
    let base = Path::new("/tmp");
    loop {
        let number = u32::from_le_bytes(virt_sev_sim::crypto::random()?);
        let dir = base.join(format!("sev-lab-{number:08x}"));
        match fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e).at(dir.display()),
        }
    }
}

/// The daemon: libvirtd where it is, else virtqemud.
fn daemon_program() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/libexec", "/usr/local/sbin"].map(Into::into))
        .collect();
    ["libvirtd", "virtqemud"]
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
        .ok_or_else(|| Error::new("neither libvirtd nor virtqemud is installed"))
}

/// uid 0 always gets the system daemon: root must run the private one as somebody else.
fn user() -> Result<Option<User>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let found = ["libvirt-qemu", "qemu", "nobody"].iter().find_map(|name| passwd(name));
    found
        .map(Some)
        .ok_or_else(|| Error::new("there is no user libvirt-qemu, qemu or nobody to run the daemon as"))
}

fn passwd(name: &str) -> Option<User> {
    let out = Command::new("getent").args(["passwd", name]).output().ok()?;
    let line = String::from_utf8(out.stdout).ok()?;
    let mut fields = line.trim().split(':').skip(2);
    let uid = fields.next()?.parse().ok()?;
    let mut gid = fields.next()?.parse().ok()?;
    // The group of /dev/kvm, where a group can use it.
    if let Ok(kvm) = fs::metadata("/dev/kvm") {
        use std::os::unix::fs::MetadataExt;
        if kvm.mode() & 0o060 == 0o060 {
            gid = kvm.gid();
        }
    }
    Some(User { name: name.to_owned(), uid, gid })
}

fn can_use_kvm(user: Option<&User>) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(kvm) = fs::metadata("/dev/kvm") else { return false };
    match user {
        None => fs::OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok(),
        Some(user) => {
            let bits = if kvm.uid() == user.uid {
                kvm.mode() >> 6
            } else if kvm.gid() == user.gid {
                kvm.mode() >> 3
            } else {
                kvm.mode()
            };
            bits & 6 == 6
        }
    }
}
