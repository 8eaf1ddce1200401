//! Launches against a hypervisor that is told when to fail, to be late, or to be changed by somebody else.

#![allow(clippy::unwrap_used)]

use super::journal::Journal;
use super::*;
use crate::Kind;
use crate::error::{Error, Result};
use crate::host::{NodeSev, RealProbe};
use crate::inject::packet::Packet;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tempfile::TempDir;

const UUID: &str = "4dea22b3-1d52-48f3-a516-782e98ab3fa0";
const OLD: &str = "<domain><name>g</name><uuid>4dea22b3-1d52-48f3-a516-782e98ab3fa0</uuid></domain>";
const NEW: &str =
    "<domain><name>g</name><uuid>4dea22b3-1d52-48f3-a516-782e98ab3fa0</uuid><memory>1</memory></domain>";

type Hook = Box<dyn FnOnce(&Fake) + Send>;

#[derive(Default)]
struct World {
    /// UUID to definition and state.
    domains: BTreeMap<String, (String, GuestState)>,
    /// The daemon: nobody connects any more.
    is_gone: bool,
    /// What happens once, in the middle of the call of this name.
    hooks: Vec<(&'static str, Hook)>,
}

/// A hypervisor, or one domain of it.
#[derive(Clone, Default)]
struct Fake {
    world: Arc<Mutex<World>>,
    uuid: String,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn during(&self, call: &'static str, hook: impl FnOnce(&Fake) + Send + 'static) {
        self.world().hooks.push((call, Box::new(hook)));
    }

    fn call(&self, name: &str) {
        let found = {
            let mut world = self.world();
            let at = world.hooks.iter().position(|(n, _)| *n == name);
            at.map(|at| world.hooks.remove(at).1)
        };
        if let Some(hook) = found {
            hook(self);
        }
    }

    fn put(&self, xml: &str, state: GuestState) {
        self.world().domains.insert(UUID.into(), (xml.into(), state));
    }

    fn now(&self) -> Option<(String, GuestState)> {
        self.world().domains.values().next().cloned()
    }

    fn set(&self, state: GuestState) -> Result<()> {
        let mut world = self.world();
        let domain = world.domains.get_mut(&self.uuid).ok_or_else(|| refused("no such domain"))?;
        domain.1 = state;
        Ok(())
    }
}

fn refused(why: &str) -> Error {
    Error::new(Kind::Hypervisor, why)
}

impl Hypervisor for Fake {
    type Guest = Fake;

    fn uri(&self) -> &str {
        "fake:///"
    }
    fn another(&self) -> Result<Self> {
        if self.world().is_gone { Err(refused("nobody there")) } else { Ok(self.clone()) }
    }
    fn is_local(&self) -> Result<bool> {
        Ok(false)
    }
    fn domain_capabilities(&self, _: &CapsQuery) -> Result<String> {
        Err(refused("not here"))
    }
    fn capabilities(&self) -> Result<String> {
        Err(Error::new(Kind::Hypervisor, "not asked"))
    }
    fn versions(&self) -> [Option<(u32, u32, u32)>; 2] {
        [None; 2]
    }
    fn node_sev(&self) -> Result<NodeSev> {
        Err(refused("not here"))
    }
    fn find(&self, name: &str) -> Result<Option<Fake>> {
        let found = {
            let world = self.world();
            let named = |xml: &str| xml.contains(&format!("<name>{name}</name>"));
            world.domains.iter().find(|(_, d)| named(&d.0)).map(|(uuid, _)| uuid.clone())
        };
        Ok(found.map(|uuid| Fake { uuid, ..self.clone() }))
    }
    fn find_uuid(&self, uuid: &str) -> Result<Option<Fake>> {
        let there = self.world().domains.contains_key(uuid);
        self.call("find_uuid");
        Ok(there.then(|| Fake { uuid: uuid.into(), ..self.clone() }))
    }
    fn find_id(&self, _: u32) -> Result<Option<Fake>> {
        Ok(None)
    }
    fn define(&self, xml: &str) -> Result<Fake> {
        self.call("define");
        let (uuid, _) = identity::identified(xml.into())?;
        let mut world = self.world();
        let state = world.domains.get(&uuid).map_or(GuestState::Off, |d| d.1);
        world.domains.insert(uuid.clone(), (xml.into(), state));
        drop(world);
        Ok(Fake { uuid, ..self.clone() })
    }
}

impl Guest for Fake {
    fn name(&self) -> Result<String> {
        Ok("g".into())
    }
    fn uuid(&self) -> Result<String> {
        Ok(self.uuid.clone())
    }
    fn definition(&self) -> Result<String> {
        Ok(self.now().ok_or_else(|| refused("gone"))?.0)
    }
    fn live_xml(&self) -> Result<String> {
        self.definition()
    }
    fn state(&self) -> Result<GuestState> {
        Ok(self.now().ok_or_else(|| refused("gone"))?.1)
    }
    fn has_saved_state(&self) -> Result<bool> {
        Ok(false)
    }
    fn start_paused(&self) -> Result<()> {
        self.call("start");
        if self.state()? != GuestState::Off {
            return Err(Error::new(Kind::State, "already running"));
        }
        self.set(GuestState::Paused)
    }
    fn launch_info(&self) -> Result<LaunchInfo> {
        Err(refused("not here"))
    }
    fn query_sev(&self) -> Result<String> {
        Err(refused("not here"))
    }
    fn inject(&self, _: &Packet, _: Option<u64>) -> Result<()> {
        Ok(())
    }
    fn note(&self, _: &str, _: &str, _: &str) -> Result<()> {
        Err(refused("not here"))
    }
    fn resume(&self) -> Result<()> {
        self.set(GuestState::Running)
    }
    fn destroy(&self) -> Result<()> {
        self.set(GuestState::Off)
    }
    fn undefine(&self) -> Result<()> {
        self.world().domains.remove(&self.uuid);
        Ok(())
    }
}

fn request(state: &TempDir, xml: &str, limit: u64) -> Request {
    Request {
        name: "g".into(),
        xml: xml.into(),
        limit: Duration::from_millis(limit),
        journal: Journal::below(state.path()),
        cancel: Cancel::default(),
    }
}

fn records(state: &TempDir) -> usize {
    std::fs::read_dir(state.path().join("launches")).map_or(0, Iterator::count)
}

/// The loser of two launches of a domain that nobody had defined destroyed the winner's guest.
#[test]
fn two_launches_at_once_leave_the_first_ones_guest_alone() {
    let (fake, state) = (Fake::default(), Arc::new(tempfile::tempdir().unwrap()));
    let winner: Arc<Mutex<Option<Launch<Paused, Fake>>>> = Arc::default();
    let (place, folder) = (Arc::clone(&winner), Arc::clone(&state));
    // Between the second one's look and its record the first one does everything.
    fake.during("find_uuid", move |fake| {
        let first = Launch::define(fake, request(&folder, NEW, 5000)).unwrap().start_paused().unwrap();
        *place.lock().unwrap() = Some(first);
    });
    let e = Launch::define(&fake, request(&state, NEW, 5000)).unwrap_err();
    assert_eq!(e.kind(), Kind::State);
    assert_eq!(fake.now(), Some((NEW.into(), GuestState::Paused)));
    let first = winner.lock().unwrap().take().unwrap();
    let e = first.abandon(refused("enough"));
    assert!(e.to_string().contains("was removed"), "{e}");
    assert_eq!((fake.now(), records(&state)), (None, 0));
}

#[test]
fn a_launch_that_ended_between_look_and_record_is_seen() {
    let (fake, state) = (Fake::default(), tempfile::tempdir().unwrap());
    fake.put(OLD, GuestState::Off);
    fake.during("find_uuid", |fake| fake.put(NEW, GuestState::Running));
    let e = Launch::define(&fake, request(&state, NEW, 5000)).unwrap_err();
    assert!(e.to_string().contains("active already"), "{e}");
    assert_eq!(fake.now(), Some((NEW.into(), GuestState::Running)));
    assert_eq!(records(&state), 0);
}

/// A guest that somebody else started between our define and our start was destroyed.
#[test]
fn a_guest_that_somebody_else_started_is_left_alone() {
    for before in [None, Some(OLD)] {
        let (fake, state) = (Fake::default(), tempfile::tempdir().unwrap());
        if let Some(xml) = before {
            fake.put(xml, GuestState::Off);
        }
        let launch = Launch::define(&fake, request(&state, NEW, 5000)).unwrap();
        fake.put(NEW, GuestState::Running);
        let e = launch.start_paused().unwrap_err();
        assert_eq!(e.kind(), Kind::State);
        assert!(e.to_string().contains("started by somebody else"), "{e}");
        assert_eq!(fake.now(), Some((before.unwrap_or(NEW).into(), GuestState::Running)));
        assert_eq!(records(&state), 0);
    }
}

/// The same where the launch was cancelled before it asked for a start: it had started nothing, and destroyed the guest.
#[test]
fn a_launch_that_is_cancelled_before_its_start_leaves_somebody_elses_guest_alone() {
    let (fake, state) = (Fake::default(), tempfile::tempdir().unwrap());
    fake.put(OLD, GuestState::Off);
    let asked = request(&state, NEW, 5000);
    let cancel = asked.cancel.clone();
    let launch = Launch::define(&fake, asked).unwrap();
    fake.put(NEW, GuestState::Running);
    cancel.cancel();
    let e = launch.start_paused().unwrap_err();
    assert_eq!(e.kind(), Kind::Cancelled);
    assert!(e.to_string().contains("started by somebody else"), "{e}");
    assert_eq!(fake.now(), Some((OLD.into(), GuestState::Running)));
    assert_eq!(records(&state), 0);
}

/// A cancelled start that came through after everything was put back left a paused guest.
#[test]
fn a_start_that_comes_late_is_undone_too() {
    let (fake, state) = (Fake::default(), tempfile::tempdir().unwrap());
    fake.put(OLD, GuestState::Off);
    fake.during("start", |_| std::thread::sleep(Duration::from_millis(600)));
    let e = Launch::define(&fake, request(&state, NEW, 200)).unwrap().start_paused().unwrap_err();
    assert_eq!(e.kind(), Kind::Timeout);
    assert_eq!(fake.now(), Some((OLD.into(), GuestState::Off)), "{e}");
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(fake.now(), Some((OLD.into(), GuestState::Off)));
    assert_eq!(records(&state), 0);
}

/// A definition that came through after the time was up stayed, and the error spoke of an invalid UUID.
#[test]
fn a_definition_that_comes_late_is_undone_too() {
    for (before, xml) in [(None, "<domain><name>g</name></domain>"), (Some(OLD), NEW)] {
        let (fake, state) = (Fake::default(), tempfile::tempdir().unwrap());
        if let Some(xml) = before {
            fake.put(xml, GuestState::Off);
        }
        fake.during("define", |_| std::thread::sleep(Duration::from_millis(600)));
        let e = Launch::define(&fake, request(&state, xml, 200)).unwrap_err();
        assert_eq!(e.kind(), Kind::Timeout);
        std::thread::sleep(Duration::from_millis(600));
        assert_eq!(fake.now(), before.map(|xml| (xml.into(), GuestState::Off)), "{e}");
        assert_eq!(records(&state), 0);
    }
}

/// `kill -9` between define and record left a definition that `--recover` knew nothing of.
#[test]
fn a_domain_without_a_uuid_is_recorded_before_it_is_defined() {
    let (fake, state) = (Fake::default(), Arc::new(tempfile::tempdir().unwrap()));
    let folder = Arc::clone(&state);
    let seen = Arc::new(Mutex::new(0));
    let count = Arc::clone(&seen);
    fake.during("define", move |_| *count.lock().unwrap() = records(&folder));
    let launch = Launch::define(&fake, request(&state, "<domain><name>g</name></domain>", 5000)).unwrap();
    assert_eq!(*seen.lock().unwrap(), 1);
    drop(launch);
    assert_eq!((fake.now(), records(&state)), (None, 0));
}

#[test]
fn another_domain_of_that_uuid_is_never_touched() {
    let (fake, state) = (Fake::default(), tempfile::tempdir().unwrap());
    let other = OLD.replace("<name>g<", "<name>other<");
    fake.put(&other, GuestState::Off);
    let mut asked = request(&state, NEW, 5000);
    asked.name = "new".into();
    let e = Launch::define(&fake, asked).unwrap_err();
    assert_eq!(e.kind(), Kind::State);
    assert_eq!(fake.now(), Some((other, GuestState::Off)));
}

/// Of a connection that had died the answer was that the host can do nothing.
#[test]
fn a_hypervisor_that_is_gone_is_an_error_and_no_fact() {
    let (fake, cancel) = (Fake::default(), Cancel::default());
    let limit = Duration::from_secs(5);
    let asking = Asking { hypervisor: &fake, limit, cancel: &cancel, machine: |_| RealProbe::system() };
    let e = asking.facts(None, CapsQuery::default(), &[]).unwrap_err();
    assert_eq!((e.kind(), e.message()), (Kind::Hypervisor, "not here"));
}

/// One damaged record kept every other launch from being recovered.
#[test]
fn recovery_goes_on_after_a_damaged_record() {
    let (fake, state) = (Fake::default(), tempfile::tempdir().unwrap());
    fake.put(NEW, GuestState::Paused);
    let folder = state.path().join("launches");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("0.json"), "").unwrap();
    let dead = format!(
        r#"{{"uri":"fake:///","uuid":"{UUID}","name":"g","previous":"{OLD}","pid":1,"pid_start":4294967295}}"#
    );
    std::fs::write(folder.join(format!("{UUID}.json")), dead).unwrap();
    let done = recover(&fake, &Journal::below(state.path())).unwrap();
    assert_eq!((done.told.len(), done.problems.len()), (1, 1));
    assert!(done.problems[0].to_string().contains("0.json"), "{}", done.problems[0]);
    assert_eq!(fake.now(), Some((OLD.into(), GuestState::Off)));
    assert_eq!(records(&state), 1, "the damaged one stays for a person to look at");
}

/// A program that lives on, such as a manager with the C library, took its own failed launch for one that is under way.
#[test]
fn a_launch_that_could_not_be_undone_is_recovered_by_its_own_process() {
    let (fake, state) = (Fake::default(), tempfile::tempdir().unwrap());
    fake.put(OLD, GuestState::Off);
    let launch = Launch::define(&fake, request(&state, NEW, 100)).unwrap().start_paused().unwrap();
    fake.world().is_gone = true;
    let e = launch.abandon(refused("enough"));
    assert!(e.to_string().contains("not everything could be undone"), "{e}");
    assert_eq!((fake.now(), records(&state)), (Some((NEW.into(), GuestState::Paused)), 1));
    // Until then the domain is not launched again.
    fake.world().is_gone = false;
    let e = Launch::define(&fake, request(&state, NEW, 100)).unwrap_err();
    assert_eq!(e.kind(), Kind::State);
    let done = recover(&fake, &Journal::below(state.path())).unwrap();
    assert!(done.told[0].contains("The guest was destroyed") && done.problems.is_empty(), "{done:?}");
    assert_eq!((fake.now(), records(&state)), (Some((OLD.into(), GuestState::Off)), 0));
}
