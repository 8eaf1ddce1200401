//! A private libvirtd with the simulator for as long as a test process lives, and the programs under test.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use tempfile::TempDir;

/// Where a needed file lies, as `make` says.
pub(crate) fn setup(name: &str) -> PathBuf {
    std::env::var_os(name).map(PathBuf::from).filter(|p| p.exists()).unwrap_or_else(|| {
        panic!("{name} is not set or names nothing: run `make check`, which does the set-up")
    })
}

/// A program of this workspace, built beside the tests by `make check`.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_virt-sev")).with_file_name(name);
    assert!(path.exists(), "{} is not built: run `cargo build --workspace --bins`", path.display());
    path
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A private libvirtd. It ends when this value is dropped, and when this process ends, however it does.
pub(crate) struct Lab {
    child: Child,
    stdin: Option<ChildStdin>,
    pub(crate) uri: String,
    pub(crate) dir: PathBuf,
    pub(crate) files: PathBuf,
    pub(crate) kvm: bool,
    pid: String,
}

impl Lab {
    /// Starts one of its own.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// One where domains can be of type 'kvm' wherever the machine has KVM at all, though it be for root only.
    pub(crate) fn start_with_kvm() -> Self {
        use std::os::unix::fs::MetadataExt;
        let root = std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0);
        let device = Path::new("/dev/kvm").exists();
        Self::start_with(if root && device { &["--private-kvm"] } else { &[] })
    }

    pub(crate) fn start_with(more: &[&str]) -> Self {
        let mut command = Command::new(program("sev-lab"));
        command.arg("run").args(more);
        for name in ["VIRT_SEV_FIRMWARE", "VIRT_SEV_KERNEL", "VIRT_SEV_INITRD"] {
            command.arg("--file").arg(setup(name));
        }
        // `cat` lives until our end of the pipe is closed.
        command.args(["--", "sh", "-c", "env | grep ^VIRT_SEV_LAB_; echo; exec cat"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sev-lab starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut env = std::collections::BTreeMap::new();
        loop {
            let line = lines.next().expect("sev-lab ended before its daemon answered").unwrap();
            match line.split_once('=') {
                Some((name, value)) => env.insert(name.to_owned(), value.to_owned()),
                None => break,
            };
        }
        let take =
            |name: &str| env.get(name).unwrap_or_else(|| panic!("sev-lab does not set {name}")).clone();
        Self {
            stdin: child.stdin.take(),
            child,
            uri: take("VIRT_SEV_LAB_URI"),
            dir: take("VIRT_SEV_LAB_DIR").into(),
            files: take("VIRT_SEV_LAB_FILES").into(),
            kvm: take("VIRT_SEV_LAB_KVM") == "yes",
            pid: take("VIRT_SEV_LAB_PID"),
        }
    }

    /// The one that most tests share.
    pub(crate) fn shared() -> &'static Self {
        static LAB: OnceLock<Lab> = OnceLock::new();
        LAB.get_or_init(Lab::start)
    }

    /// A file that the guests can read.
    pub(crate) fn file(&self, env: &str) -> PathBuf {
        self.files.join(setup(env).file_name().unwrap())
    }

    /// A file of the simulated platform: its certificates, its chip's id.
    pub(crate) fn platform(&self, name: &str) -> PathBuf {
        self.dir.join("state/platform").join(name)
    }

    /// The rules that this platform cannot keep.
    pub(crate) fn rules(&self) -> &'static [&'static str] {
        if self.kvm { &["mode-host"] } else { &["mode-host", "kvm"] }
    }

    /// `sev-lab` with this lab's environment.
    pub(crate) fn sev_lab(&self, args: &[&str]) {
        // The settings are one file: one test at a time changes it.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap();
        let status =
            Command::new(program("sev-lab")).args(args).env("VIRT_SEV_LAB_DIR", &self.dir).status().unwrap();
        assert!(status.success(), "sev-lab {args:?}");
    }

    /// Kills the daemon as a crash would. `sev-lab restart` brings it back.
    pub(crate) fn kill_daemon(&self) {
        self.signal_daemon("-KILL");
    }

    /// `-STOP`: it hangs, until `-CONT`.
    pub(crate) fn signal_daemon(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.daemon()]).status().unwrap().success());
    }

    /// The daemon's process, a restarted one's too.
    pub(crate) fn daemon(&self) -> String {
        let file = self.dir.join("run/daemon.pid");
        std::fs::read_to_string(file).map_or_else(|_| self.pid.clone(), |pid| pid.trim().to_owned())
    }

    /// virsh, its stdout; it must succeed.
    pub(crate) fn virsh(&self, args: &[&str]) -> String {
        let out = self.try_virsh(args);
        assert!(out.status.success(), "virsh {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    pub(crate) fn try_virsh(&self, args: &[&str]) -> Output {
        Command::new("virsh").args(["-q", "-c", &self.uri]).args(args).output().unwrap()
    }

    /// The state of a domain, as virsh names it; `none` where there is no such domain.
    pub(crate) fn state(&self, name: &str) -> String {
        let out = self.try_virsh(&["domstate", name]);
        if out.status.success() {
            String::from_utf8(out.stdout).unwrap().trim().to_owned()
        } else {
            "none".into()
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// One test's corner of a lab: a folder, a guest's name, a registry of its own.
pub(crate) struct Corner<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) dir: TempDir,
    pub(crate) guest: String,
}

impl<'a> Corner<'a> {
    pub(crate) fn new(lab: &'a Lab) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        Self { lab, dir: tempfile::tempdir().unwrap(), guest: format!("guest-{}-{n}", std::process::id()) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// virt-sev with these arguments.
    pub(crate) fn virt_sev(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program("virt-sev"));
        command.args(args).env("XDG_STATE_HOME", self.path("state")).env_remove("LIBVIRT_DEFAULT_URI");
        command
    }

    /// What a platform without the chip needs to be told, and said aloud in the demo.
    pub(crate) fn platform(&self) -> Vec<&'static str> {
        let mut args = vec!["--set", "security.sev.memory.lock=none"];
        args.extend(self.lab.rules().iter().flat_map(|rule| ["--skip", rule]));
        args
    }

    /// A domain document as a person would write it, without SEV.
    pub(crate) fn domain(&self, cmdline: Option<&str>) -> PathBuf {
        let kernel = cmdline.map_or_else(String::new, |cmdline| {
            format!(
                "<kernel>{}</kernel><initrd>{}</initrd><cmdline>{cmdline}</cmdline>",
                self.lab.file("VIRT_SEV_KERNEL").display(),
                self.lab.file("VIRT_SEV_INITRD").display()
            )
        });
        let kind = if self.lab.kvm { "kvm" } else { "qemu" };
        let xml = format!(
            "<domain type='{kind}'>\n  <name>{}</name>\n  <memory unit='MiB'>256</memory>\n  <vcpu>1</vcpu>\n  \
             <os>\n    <type arch='x86_64' machine='q35'>hvm</type>\n    {kernel}\n  </os>\n  <devices>\n    \
             <rng model='virtio'>\n      <backend model='random'>/dev/urandom</backend>\n    </rng>\n  </devices>\n</domain>\n",
            self.guest
        );
        let path = self.path("domain.xml");
        std::fs::write(&path, xml).unwrap();
        path
    }

    /// A session of ours for this platform, in the folder `owner`.
    pub(crate) fn session(&self, policy: &str) {
        let out = self.virt_sev(&[
            "session",
            "--chain",
            self.lab.platform("chain.cert").to_str().unwrap(),
            "--ca",
            self.lab.platform("ask_ark.cert").to_str().unwrap(),
            "--policy",
            policy,
            "-o",
            &self.text("owner"),
        ]);
        assert!(out.status.success(), "{}", err(&out));
    }

    /// A session made by sevctl, in the same files.
    pub(crate) fn sevctl_session(&self, policy: u32) {
        let owner = self.path("owner");
        std::fs::create_dir(&owner).unwrap();
        let out = Command::new(setup("VIRT_SEV_SEVCTL"))
            .current_dir(&owner)
            .args(["session", "--name", "s"])
            .arg(self.lab.platform("chain.cert"))
            .arg(policy.to_string())
            .output()
            .unwrap();
        assert!(out.status.success(), "sevctl: {}", err(&out));
        for (theirs, ours) in [
            ("s_tik.bin", "tik.bin"),
            ("s_tek.bin", "tek.bin"),
            ("s_godh.b64", "godh.b64"),
            ("s_session.b64", "session.b64"),
        ] {
            std::fs::rename(owner.join(theirs), owner.join(ours)).unwrap();
        }
    }

    /// `launch` of `domain.xml` with the session in `owner`, and more arguments.
    pub(crate) fn launch(&self, policy: &str, more: &[&str]) -> Command {
        let mut command = self.command(&["launch", "-c", &self.lab.uri, &self.text("domain.xml")]);
        let key = |name: &str, value: &str| format!("security.sev{name}={value}");
        command.args(self.platform()).args([
            "--set",
            &key("", "true"),
            "--set",
            &key(".policy", policy),
            "--set",
            &key(".firmware", self.lab.file("VIRT_SEV_FIRMWARE").to_str().unwrap()),
            "--set",
            &key(".session.dh", &format!("@{}", self.text("owner/godh.b64"))),
            "--set",
            &key(".session.data", &format!("@{}", self.text("owner/session.b64"))),
        ]);
        command.args(more);
        command
    }

    /// The owner's half on the command line.
    pub(crate) fn owner(&self, cmdline: Option<&str>) -> Vec<String> {
        let mut args = vec![
            "--insecure".into(),
            "--tik".into(),
            self.text("owner/tik.bin"),
            "--tek".into(),
            self.text("owner/tek.bin"),
            "--firmware".into(),
            setup("VIRT_SEV_FIRMWARE").to_str().unwrap().into(),
        ];
        if let Some(cmdline) = cmdline {
            for (option, value) in [
                ("--kernel", setup("VIRT_SEV_KERNEL").to_str().unwrap().to_owned()),
                ("--initrd", setup("VIRT_SEV_INITRD").to_str().unwrap().to_owned()),
                ("--cmdline", cmdline.to_owned()),
            ] {
                args.extend([option.to_owned(), value]);
            }
        }
        args
    }
}

impl Drop for Corner<'_> {
    fn drop(&mut self) {
        let _ = self.lab.try_virsh(&["destroy", &self.guest]);
        let _ = self.lab.try_virsh(&["undefine", "--keep-nvram", &self.guest]);
    }
}

pub(crate) fn err(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

pub(crate) fn code(out: &Output) -> i32 {
    out.status.code().unwrap_or(-1)
}

/// Asserts an exit code, with everything the program said.
#[track_caller]
pub(crate) fn assert_code(out: &Output, wanted: i32) {
    assert_eq!(code(out), wanted, "stdout: {}\nstderr: {}", String::from_utf8_lossy(&out.stdout), err(out));
}
