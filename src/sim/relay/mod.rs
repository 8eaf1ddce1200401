//! The relay: it holds the monitor between libvirt and QEMU.
//! In: a request on standard input's socket, then QMP; the listening socket on standard output. Out: QMP.
//! Never: a guest that outlives it (see `warden`).

pub mod chip;
pub mod warden;
pub mod wire;

use crate::crypto::platform::Platform;
use crate::crypto::vmsa;
use crate::error::{Context, Error, Result};
use crate::guest::processor;
use crate::launch::Prepared;
use crate::settings::{Fault, Settings, Step, path_beside};
use crate::start::{ROLE, Request, Verdict};
use crate::state::State;
use chip::{Answer, Chip, Memory};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, getpid, getppid, pidfd_open, pidfd_send_signal};
use serde_json::{Value, json};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use wire::{Message, Upstream, Wire};

struct Relay {
    upstream: Upstream,
    greeting: Vec<u8>,
    chip: Chip,
    client: Option<Wire>,
    listener: Option<UnixListener>,
    qemu: Option<(Pid, OwnedFd)>,
    warden: Option<OwnedFd>,
}

/// Runs the relay until QEMU ends.
///
/// # Errors
/// QEMU's monitor cannot be had.
pub fn run() -> Result<()> {
    let qemu = getppid().ok_or_else(|| Error::new("the relay has no parent"))?;
    let stream = UnixStream::from(rustix::stdio::stdin().try_clone_to_owned()?);
    // Without a listening socket standard output is /dev/null.
    let out = rustix::stdio::stdout();
    let listens = rustix::net::sockopt::socket_acceptconn(out).unwrap_or(false);
    let listener = if listens { Some(UnixListener::from(out.try_clone_to_owned()?)) } else { None };
    let mut wire = Wire::new(stream)?;

    let request = loop {
        match wire.line() {
            Some(message) => break serde_json::from_slice::<Request>(&message.raw).at("the request")?,
            None if wire.fill()? => {}
            None => return Ok(()),
        }
    };
    let (chip, prepared) = match prepare(&request) {
        Ok(ready) => ready,
        Err(e) => return give(&mut wire, &Verdict { refusal: Some(e.to_string()), arguments: Vec::new() }),
    };
    let mut verdict = Verdict::default();
    if let Some((file, address)) = prepared.as_ref().and_then(|p| p.hashes_file.as_ref()) {
        let file = file.display().to_string().replace(',', ",,");
        verdict.arguments =
            vec!["-device".into(), format!("loader,file={file},addr={address:#x},force-raw=on")];
    }
    if chip.guest.sev.as_ref().is_some_and(|sev| sev.snp || sev.es()) {
        // The state of such a guest's processors cannot be reset.
        verdict.arguments.push("-no-reboot".into());
    }
    // A probe's QEMU goes to the background under another process id; the end of its socket is the end of it.
    let qemu = match request.probe {
        true => None,
        false => Some((qemu, pidfd_open(qemu, PidfdFlags::empty()).at("QEMU's process")?)),
    };
    let warden = match &qemu {
        Some((pid, _)) => Some(start_warden(*pid)?),
        None => None,
    };
    give(&mut wire, &verdict)?;

    let mut relay = Relay {
        upstream: Upstream::new(wire),
        greeting: Vec::new(),
        chip,
        client: None,
        listener,
        qemu,
        warden,
    };
    let result = relay.start(prepared).and_then(|ready| if ready { relay.serve() } else { Ok(()) });
    if let Err(e) = result {
        relay.chip.state.log(&relay.chip.guest.name, &format!("the relay ends: {e}"));
        relay.kill();
    }
    Ok(())
}

fn give(wire: &mut Wire, verdict: &Verdict) -> Result<()> {
    let text = serde_json::to_vec(verdict).at("the verdict")?;
    wire.send(&text, &[])
}

fn prepare(request: &Request) -> Result<(Chip, Option<Prepared>)> {
    let settings = Settings::beside(&request.program)?;
    let state = State::new(&settings.state)?;
    let platform = Platform::load(&settings)?;
    let guest = request.guest.clone();
    let prepared = match &guest.sev {
        Some(sev) => match Prepared::new(sev, &guest, &settings, &platform, &state, &request.qemu) {
            Ok(prepared) => Some(prepared),
            Err(e) => {
                state.log(&guest.name, &format!("refused: {e}"));
                return Err(e);
            }
        },
        None => None,
    };
    let settings_file = path_beside(&request.program);
    let running = false;
    Ok((Chip { settings_file, settings, platform, state, guest, launch: None, running }, prepared))
}

fn start_warden(qemu: Pid) -> Result<OwnedFd> {
    let own = getpid().as_raw_nonzero().to_string();
    let child = Command::new(std::env::current_exe()?)
        .args([ROLE, "warden", &own, &qemu.as_raw_nonzero().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .at("the warden")?;
    let pid =
        i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| Error::new("no process id"))?;
    pidfd_open(pid, PidfdFlags::empty()).at("the warden")
}

impl Relay {
    /// The greeting, our own session, the processors' signature, the measurement. `false` when QEMU did not start.
    fn start(&mut self, prepared: Option<Prepared>) -> Result<bool> {
        loop {
            if let Some(greeting) = self.upstream.wire.line() {
                self.greeting = greeting.raw;
                break;
            }
            if !self.upstream.wire.fill()? {
                return Ok(false);
            }
        }
        self.upstream.ask("qmp_capabilities", None)?;
        let Some(prepared) = prepared else { return Ok(true) };
        if self.chip.faults().contains(&Fault::CrashAt(Step::Start)) {
            self.crash(Step::Start);
            return Ok(false);
        }
        if self.chip.faults().contains(&Fault::HangAt(Step::Start)) {
            while self.upstream.wire.fill()? {}
            return Ok(false);
        }
        let hashes = prepared.hashes_file.clone();
        let signature = self.signature()?;
        let launch = prepared.measure(signature, &self.chip.settings, &self.chip.state)?;
        let record = launch.record(&self.chip.guest, signature);
        let file = self.chip.state.guest(&self.chip.guest.name)?.join("launch.json");
        fs::write(&file, format!("{record:#}\n")).at(file.display())?;
        self.chip.state.log(&self.chip.guest.name, &format!("launched, simulated, not encrypted: {record}"));
        if let Some((file, _)) = hashes {
            // QEMU has read it.
            let _ = fs::remove_file(file);
        }
        self.chip.launch = Some(launch);
        if !self.chip.guest.paused {
            self.chip.finish();
        }
        Ok(true)
    }

    /// CPUID function 1, EAX, of the first processor: the host's own, or from QEMU's model of it.
    fn signature(&mut self) -> Result<u32> {
        if self.chip.guest.host_cpu {
            return processor::of_this_machine();
        }
        let cpus = self.upstream.ask("query-cpus-fast", None)?;
        let path = cpus.pointer("/0/qom-path").cloned().unwrap_or_default();
        let mut ask = |property: &str| -> Result<u32> {
            let value = self.upstream.ask("qom-get", Some(json!({"path": path, "property": property})))?;
            value
                .as_u64()
                .and_then(|n| u32::try_from(n).ok())
                .ok_or_else(|| Error::new(format!("no {property}")))
        };
        Ok(vmsa::signature(ask("family")?, ask("model")?, ask("stepping")?))
    }

    fn serve(&mut self) -> Result<()> {
        loop {
            while let Some(message) = self.upstream.next_line() {
                self.tell_client(&message.raw);
            }
            let (from_qemu, from_client, knock, ended) = self.wait()?;
            if from_qemu && !self.upstream.wire.fill()? {
                return Ok(());
            }
            if ended {
                return Err(Error::new("the warden ended, so the guest ends"));
            }
            if knock {
                self.greet()?;
            }
            if from_client && !self.hear_client()? {
                return Ok(());
            }
        }
    }

    fn wait(&self) -> Result<(bool, bool, bool, bool)> {
        let mut fds = vec![PollFd::new(&self.upstream.wire.stream, PollFlags::IN)];
        let client = self.client.as_ref().map(|c| c.stream.as_fd());
        let listener = if client.is_none() { self.listener.as_ref().map(AsFd::as_fd) } else { None };
        let warden = self.warden.as_ref().map(AsFd::as_fd);
        for fd in [client, listener, warden].into_iter().flatten() {
            fds.push(PollFd::from_borrowed_fd(fd, PollFlags::IN));
        }
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        let qemu = ready.next() == Some(true);
        let mut when = |there: bool| there && ready.next() == Some(true);
        Ok((qemu, when(client.is_some()), when(listener.is_some()), when(warden.is_some())))
    }

    fn greet(&mut self) -> Result<()> {
        let Some(listener) = &self.listener else { return Ok(()) };
        let (stream, _) = listener.accept().at("the monitor's socket")?;
        let mut client = Wire::new(stream)?;
        if client.send(&self.greeting, &[]).is_ok() {
            self.client = Some(client);
        }
        Ok(())
    }

    fn tell_client(&mut self, raw: &[u8]) {
        // Events without a client are lost, as with QEMU.
        if let Some(client) = &mut self.client
            && client.send(raw, &[]).is_err()
        {
            self.client = None;
        }
    }

    /// `false` when QEMU was killed.
    fn hear_client(&mut self) -> Result<bool> {
        let Some(client) = &mut self.client else { return Ok(true) };
        if !client.fill().unwrap_or(false) {
            self.client = None;
            return Ok(true);
        }
        while let Some(message) = self.client.as_mut().and_then(Wire::message) {
            if !self.command(&message)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn command(&mut self, message: &Message) -> Result<bool> {
        let value = message.value.clone().unwrap_or_default();
        let name = value.get("execute").and_then(Value::as_str).unwrap_or_default();
        let arguments = value.get("arguments").cloned().unwrap_or_else(|| json!({}));
        let id = value.get("id");
        if name == "qmp_capabilities" {
            // The session with QEMU is ours; a client that comes later starts with the same greeting.
            self.reply(id, "return", json!({}));
            return Ok(true);
        }
        let pid = self.qemu.as_ref().map(|(pid, _)| *pid);
        let mut memory = ProcessMemory { upstream: &mut self.upstream, pid };
        match self.chip.answer(name, &arguments, &mut memory) {
            Ok(Answer::Pass) => {
                let descriptors = self.client.as_mut().map(Wire::take_descriptors).unwrap_or_default();
                self.upstream.wire.send(&message.raw, &descriptors)?;
            }
            Ok(Answer::Return(answer)) => self.reply(id, "return", answer),
            Ok(Answer::WithoutTypes(hidden)) => {
                let arguments = value.get("arguments").cloned();
                let mut types = self.upstream.ask(name, arguments)?;
                if let Some(types) = types.as_array_mut() {
                    types.retain(|t| {
                        !hidden.iter().any(|name| t.get("name").and_then(Value::as_str) == Some(name))
                    });
                }
                self.reply(id, "return", types);
            }
            Ok(Answer::Silence) => {}
            Ok(Answer::Die(step)) => {
                self.crash(step);
                return Ok(false);
            }
            Err(e) => {
                self.chip.state.log(&self.chip.guest.name, &format!("{name}: refused: {e}"));
                self.reply(id, "error", json!({"class": "GenericError", "desc": e.to_string()}));
            }
        }
        Ok(true)
    }

    fn reply(&mut self, id: Option<&Value>, kind: &str, content: Value) {
        let mut reply = json!({kind: content});
        if let Some(id) = id {
            reply["id"] = id.clone();
        }
        self.tell_client(reply.to_string().as_bytes());
    }

    fn crash(&self, step: Step) {
        let text = format!("fault: the emulator is killed ({})", Fault::CrashAt(step));
        self.chip.state.log(&self.chip.guest.name, &text);
        eprintln!("qemu-sev-sim: {text}");
        self.kill();
    }

    fn kill(&self) {
        if let Some((_, pidfd)) = &self.qemu {
            // A signal to a process that has ended fails, and that is as well.
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
    }
}

/// Guest memory through QEMU's own: the monitor gives the host address of a guest address.
struct ProcessMemory<'a> {
    upstream: &'a mut Upstream,
    pid: Option<Pid>,
}

impl Memory for ProcessMemory<'_> {
    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<()> {
        let pid = self.pid.ok_or_else(|| Error::new("the guest's process is not known"))?;
        let last =
            address.checked_add(bytes.len() as u64).ok_or_else(|| Error::new("the address is too high"))? - 1;
        let (first, last) = (self.host_address(address)?, self.host_address(last)?);
        if last - first != bytes.len() as u64 - 1 {
            return Err(Error::new(format!("there is not enough memory at {address:#x}")));
        }
        let path = format!("/proc/{}/mem", pid.as_raw_nonzero());
        let memory = fs::OpenOptions::new().read(true).write(true).open(&path).at(&path)?;
        memory.write_all_at(bytes, first).at(&path)
    }
}

impl ProcessMemory<'_> {
    /// "Host virtual address for 0x810000 (pc.ram) is 0x7f…", or why there is none.
    fn host_address(&mut self, address: u64) -> Result<u64> {
        let line = json!({"command-line": format!("gpa2hva {address:#x}")});
        let answer = self.upstream.ask("human-monitor-command", Some(line))?;
        let text = answer.as_str().unwrap_or_default().trim().to_owned();
        let number = text.rsplit_once(" is 0x").and_then(|(_, hex)| u64::from_str_radix(hex, 16).ok());
        number.ok_or_else(|| Error::new(text))
    }
}
