//! `virt-sev verify --domain`. In: a paused guest and the owner's files. Out: the verdict; with secrets, a running guest.

use super::connect;
use crate::args::{Format, VerifyCommand};
use crate::cmd::{self, packet};
use crate::output::{Answer, Output};
use std::time::Duration;
use virt_sev::Result;
use virt_sev::launch::{
    Deliver, Guest as _, GuestState, Holder, Hypervisor as _, LOCAL_VERDICT, Terms, active, appraise,
};
use virt_sev::owner::secrets;
use virt_sev::session::registry::Registry;

pub(crate) fn run(args: &VerifyCommand, uri: Option<&str>, mut out: Output) -> Result<Answer> {
    if args.json {
        out.format = Format::Json;
    }
    let v = &args.verify;
    cmd::verify::check_usage(args)?;
    let holder = Holder {
        keys: v.keys.files().read()?,
        table: secrets::table(&v.inject_secret)?,
        expectation: v.expectation(),
    };
    let name = args.domain.clone().unwrap_or_default();
    let limit = Duration::from_secs(args.wait.timeout.into());
    let cancel = connect::patience();
    let libvirt = connect::open(uri, limit, &cancel)?;
    let asking = connect::asking(&libvirt, limit, &cancel);
    let local = asking.refuse_local(LOCAL_VERDICT, v.insecure)?;
    let wanted = name.clone();
    let guest = asking.ask("looking for the guest", move |hv| active(&hv, &wanted))?;
    let deliver = if packet::wanted(&args.to) { Deliver::Packet } else { Deliver::Inject };
    let state = Registry::default_folder()?;
    let terms = Terms { deliver, ignore_config: args.ignore_config, local, state: &state };
    let done = appraise(&asking, &guest, &name, &holder, terms, &|_| {})?;
    if let Some(made) = &done.packet {
        packet::write(&args.to, made, done.evidence.measurement)?;
    }
    let answer = cmd::verify::tell(&done.judgement, &done.evidence, out)?;
    if done.packet.is_some() {
        out.say(&cmd::verify::written(args, args.domain.as_deref()));
    } else if done.resumed {
        out.say("secret injected, guest resumed");
    } else if done.judgement.accepted() && done.before == GuestState::Paused {
        let uri = libvirt.uri();
        out.say(&format!("the guest stays paused; it runs with: virsh -c '{uri}' resume {}", guest.name()?));
    }
    Ok(answer)
}
