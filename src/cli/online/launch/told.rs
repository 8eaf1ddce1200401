//! What a launch says. In: its steps. Out: a line each on stderr, and the answer on stdout.

use super::inputs::Security;
use crate::online::measurement;
use crate::output::{Answer, Output};
use serde_json::{Value, json};
use std::path::Path;
use virt_sev::Result;
use virt_sev::launch::{Guest as _, Hypervisor as _, Launch, Measured, Running, Unmeasured};
use virt_sev::measure::evidence::LaunchReport;
use virt_sev::measure::verify::{Evidence, Verdict};
use virt_sev::report::clean;
use virt_sev_sys::{Libvirt, LibvirtGuest};

/// Speaks of one launch.
#[derive(Debug)]
pub(super) struct Told<'a> {
    name: String,
    security: &'a Security,
    out: Output,
}

impl<'a> Told<'a> {
    pub(super) fn new(name: String, security: &'a Security, out: Output) -> Self {
        // What a document calls itself is shown.
        Self { name: clean(&name), security, out }
    }

    /// One step done.
    pub(super) fn step(&self, text: &str) {
        self.out.say(&format!("{}: {text}", self.name));
    }

    fn evidence(&self, guest: &LibvirtGuest, evidence: &Evidence) -> Result<Value> {
        let session = self.security.session.as_ref().map(|s| s.bytes().to_vec());
        let report =
            LaunchReport { domain: self.name.clone(), uuid: guest.uuid()?, evidence: *evidence, session };
        Ok(Value::Object(report.fields()))
    }

    fn answer(&self, guest: &LibvirtGuest, state: &str, verified: bool, more: Value) -> Result<Answer> {
        if self.out.is_json() {
            let mut value = json!({
                "domain": self.name,
                "uuid": guest.uuid()?,
                "mode": self.security.mode.unwrap_or("sev-snp"),
                "state": state,
                "verified": verified,
            });
            if let (Some(value), Value::Object(mut more)) = (value.as_object_mut(), more) {
                value.append(&mut more);
            }
            self.out.answer_json("launch", value)?;
        } else {
            self.out.answer(&format!(
                "{}: {state}{}\n",
                self.name,
                if verified { ", verified" } else { ", not verified" }
            ))?;
        }
        Ok(Answer::Yes)
    }

    /// The guest runs. Where nobody can be told so, the launch has failed and is undone, as its exit code says.
    pub(super) fn running(
        &self,
        launch: Launch<Running, Libvirt>,
        proof: Option<(&Evidence, &Verdict)>,
    ) -> Result<Answer> {
        let mut more = json!({});
        if let Some((evidence, verdict)) = proof {
            more = match self.evidence(launch.guest(), evidence) {
                Ok(fields) => fields,
                Err(e) => return Err(launch.abandon(e)),
            };
            if let Verdict::Matched { digest, .. } = verdict {
                more["digest"] = virt_sev::hex::encode(digest).into();
            }
        }
        self.answer(launch.guest(), "running", proof.is_some(), more).map_err(|e| launch.abandon(e))
    }

    /// SEV-SNP: the guest attests itself.
    pub(super) fn unmeasured(&self, launch: Launch<Unmeasured, Libvirt>) -> Result<Answer> {
        self.step("started, paused");
        let launch = launch.resume()?;
        self.step("resumed. A SEV-SNP guest attests itself from inside; nothing was verified from here.");
        self.running(launch, None)
    }

    /// Nobody holds keys for this launch.
    pub(super) fn unverified(&self, launch: Launch<Measured, Libvirt>) -> Result<Answer> {
        let launch = launch.resume_unverified()?;
        self.step("resumed. Without a session nothing can be verified: the memory is encrypted, and the host is trusted for the rest.");
        self.running(launch, None)
    }

    /// The owner verifies elsewhere. Where the evidence cannot be written or told, the launch has failed.
    pub(super) fn handed_over(
        &self,
        launch: Launch<Measured, Libvirt>,
        libvirt: &Libvirt,
        file: Option<&Path>,
    ) -> Result<Answer> {
        let told = || -> Result<Answer> {
            let value = self.evidence(launch.guest(), launch.evidence())?;
            if let Some(path) = file {
                measurement::write_evidence(path, &value)?;
            } else if !self.out.is_json() {
                self.out.answer(&measurement::text(&value))?;
            }
            self.answer(launch.guest(), "paused", false, value)
        };
        match told() {
            Ok(answer) => {
                launch.hand_over();
                self.step(&format!(
                    "waits for its owner, who verifies it and lets it run:\n  {}",
                    next_command(libvirt.uri(), &self.name, self.security, file)
                ));
                Ok(answer)
            }
            Err(e) => Err(launch.abandon(e)),
        }
    }
}

/// What the owner types: from elsewhere, so with an address that reaches this host from there.
fn next_command(uri: &str, name: &str, security: &Security, evidence: Option<&Path>) -> String {
    let uri = uri.strip_prefix("qemu:///").map_or(uri.to_owned(), |rest| format!("qemu+ssh://HOST/{rest}"));
    let mut more = String::new();
    if security.kernel {
        more += " --kernel FILE --initrd FILE --cmdline TEXT";
    }
    if security.mode == Some("sev-es") {
        more += " --num-cpus N";
        // With --domain the host says which processor it has; off line the owner does.
        if evidence.is_some() {
            more += " --vcpu-type MODEL";
        }
    }
    if let Some(path) = evidence {
        return format!(
            "virt-sev verify --evidence {} --tik tik.bin --tek tek.bin --firmware FILE{more} --inject-secret luks-key:FILE --packet packet.json",
            path.display()
        );
    }
    format!(
        "virt-sev verify -c '{uri}' --domain {name} --tik tik.bin --tek tek.bin --firmware FILE{more} --inject-secret luks-key:FILE"
    )
}
