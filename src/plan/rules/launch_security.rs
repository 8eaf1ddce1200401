//! `launch-security`: `<launchSecurity>` says what the keys say. In: keys, the element. Out: edits.
//! Never: the attribute `kernelHashes`, which `kernel-hashes` writes.

use super::{Ctx, Out, Rule};
use crate::config::{SevPolicy, SnpLaunch, Technology};
use crate::domain::{ElementId, LaunchSecurityFacts, Node};
use crate::error::Error;
use crate::finding::Severity;
use crate::plan::render::Value;
use crate::plan::template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(super) static RULE: Rule = Rule {
    id: "launch-security",
    title: "<launchSecurity> is what the keys say, and nothing else",
    text: "This element makes libvirt start QEMU with a sev-guest or sev-snp-guest object. The policy is always \
           written, since libvirt has no default for it. cbitpos and reducedPhysBits are left out unless a key \
           sets them: they are the host's, libvirt fills them in at the start, and a 47 copied from an older \
           processor fails on a newer one. What an earlier configuration left behind is taken away: a stale \
           session makes the firmware refuse the launch with 'Bad measurement'.",
    without: "The guest starts unencrypted, or with another policy or session than the one asked for.",
    source: "libvirt src/conf/domain_conf.c, virDomainSecDefParseXML; src/qemu/qemu_process.c, \
             qemuProcessUpdateSEVInfo",
    severity: Some(Severity::Error),
    run,
};

/// Everything that libvirt reads below the element (libvirt 11.3; the last four are TDX's, since 11.6).
const CHILDREN: &[&str] = &[
    "cbitpos",
    "reducedPhysBits",
    "policy",
    "handle",
    "dhCert",
    "session",
    "guestVisibleWorkarounds",
    "idBlock",
    "idAuth",
    "hostData",
    "mrConfigId",
    "mrOwner",
    "mrOwnerConfig",
    "quoteGenerationService",
];

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    let now = ctx.facts.launch_security.as_ref();
    let same_kind = |kind: &str| now.is_some_and(|n| n.kind.as_deref() == Some(kind));
    let (wanted, reason) = match &ctx.config.technology {
        Technology::Sev { policy, .. } => {
            let keep = now.filter(|_| same_kind("sev"));
            (sev(ctx, *policy, keep)?, format!("security.sev asks for {}", ctx.mode().as_str()))
        }
        Technology::Snp(snp) => {
            let keep = now.filter(|_| same_kind("sev-snp"));
            (self::snp(ctx, snp, keep)?, "security.sev.snp asks for sev-snp".to_owned())
        }
    };
    let (fragment, kept) = wanted;
    if let Some(now) = now {
        clean(ctx, out, now, &fragment, &kept);
    }
    out.in_domain(fragment, reason);
    Ok(())
}

/// The fragment, and the children that are right as they stand although their text differs from ours.
type Wanted = (Node, Vec<&'static str>);

/// A number or a blob of a fragment: left out where the document already has it in another writing.
struct Parts<'a> {
    values: Vec<(&'static str, Option<Value<'a>>)>,
    kept: Vec<&'static str>,
}

impl<'a> Parts<'a> {
    fn put(&mut self, slot: &'static str, element: &'static str, value: Option<Value<'a>>, already: bool) {
        let keep = already && value.is_some();
        if keep {
            self.kept.push(element);
        }
        self.values.push((slot, value.filter(|_| !keep)));
    }

    fn number(
        &mut self,
        slot: &'static str,
        element: &'static str,
        value: Option<Value<'a>>,
        now: Option<u64>,
    ) {
        let wanted = value.and_then(|v| match v {
            Value::Uint(n) | Value::Hex(n, _) => Some(n),
            Value::Base64(_)
            | Value::YesNo(_)
            | Value::Path(_)
            | Value::Word(_)
            | Value::Text(_)
            | Value::Empty => None,
        });
        self.put(slot, element, value, now.is_some() && now == wanted);
    }

    fn blob(
        &mut self,
        slot: &'static str,
        element: &'static str,
        value: Option<&'a [u8]>,
        now: Option<&String>,
    ) {
        let already = value.is_some() && now.and_then(|t| decode(t)).as_deref() == value;
        self.put(slot, element, value.map(Value::Base64), already);
    }
}

/// Blanks and line breaks inside base64 mean nothing, neither to libvirt's users nor to QEMU.
fn decode(text: &str) -> Option<Vec<u8>> {
    let solid: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(solid).ok()
}

fn common<'a>(ctx: &Ctx<'_>, now: Option<&LaunchSecurityFacts>, policy: Value<'a>) -> Parts<'a> {
    let mut parts = Parts { values: Vec::with_capacity(8), kept: Vec::new() };
    let uint = |v: Option<u32>| v.map(|n| Value::Uint(n.into()));
    parts.number("cbitpos", "cbitpos", uint(ctx.config.cbitpos), now.and_then(|n| n.cbitpos));
    let bits = uint(ctx.config.reduced_phys_bits);
    parts.number("reduced_phys_bits", "reducedPhysBits", bits, now.and_then(|n| n.reduced_phys_bits));
    parts.number("policy", "policy", Some(policy), now.and_then(|n| n.policy));
    parts
}

fn sev(ctx: &Ctx<'_>, policy: SevPolicy, now: Option<&LaunchSecurityFacts>) -> Result<Wanted, Error> {
    // libvirt formats it with %04x (virDomainSEVDefFormat).
    let mut parts = common(ctx, now, Value::Hex(policy.0.into(), 4));
    let session = ctx.config.session();
    let cert = session.map(|s| s.dh_cert.as_slice());
    parts.blob("dh_cert", "dhCert", cert, now.and_then(|n| n.dh_cert.as_ref()));
    let blob = session.map(|s| s.session.as_slice());
    parts.blob("session", "session", blob, now.and_then(|n| n.session.as_ref()));
    Ok((template::LAUNCH_SECURITY_SEV.fill(&parts.values)?, parts.kept))
}

fn snp(ctx: &Ctx<'_>, snp: &SnpLaunch, now: Option<&LaunchSecurityFacts>) -> Result<Wanted, Error> {
    // libvirt formats it with %08llx (virDomainSEVSNPDefFormat).
    let mut parts = common(ctx, now, Value::Hex(snp.policy.0, 8));
    parts.values.push(("author_key", snp.author_key.map(Value::YesNo)));
    parts.values.push(("vcek", snp.vcek.map(Value::YesNo)));
    let (block, auth) = match &snp.id {
        Some((block, auth)) => (Some(block.as_slice()), Some(auth.as_slice())),
        None => (None, None),
    };
    let data = snp.host_data.as_ref().map(<[u8; 32]>::as_slice);
    let workarounds = snp.guest_visible_workarounds.as_ref().map(<[u8; 16]>::as_slice);
    parts.blob("id_block", "idBlock", block, now.and_then(|n| n.id_block.as_ref()));
    parts.blob("id_auth", "idAuth", auth, now.and_then(|n| n.id_auth.as_ref()));
    parts.blob("host_data", "hostData", data, now.and_then(|n| n.host_data.as_ref()));
    let there = now.and_then(|n| n.guest_visible_workarounds.as_ref());
    parts.blob("guest_visible_workarounds", "guestVisibleWorkarounds", workarounds, there);
    Ok((template::LAUNCH_SECURITY_SNP.fill(&parts.values)?, parts.kept))
}

/// Takes away what the keys do not say.
fn clean(ctx: &Ctx<'_>, out: &mut Out<'_>, now: &LaunchSecurityFacts, wanted: &Node, kept: &[&str]) {
    let stays = |name: &str| kept.contains(&name) || wanted.children.iter().any(|c| c.name == name);
    let stale: Vec<(ElementId, &str)> = ctx
        .domain
        .children(now.element)
        .map(|c| (c, ctx.domain.name(c)))
        .filter(|(_, name)| CHILDREN.contains(name) && !stays(name))
        .collect();
    for (element, name) in stale {
        let reason = match name {
            "cbitpos" | "reducedPhysBits" => {
                format!("no key sets <{name}>: libvirt fills in the host's own at the start")
            }
            _ => format!("no key gives <{name}>: it is of an earlier configuration"),
        };
        out.remove(element, reason);
    }
    for name in ["authorKey", "vcek"] {
        if !wanted.attributes.iter().any(|(n, _)| n == name) {
            let reason = format!("no key sets {name}: it is of an earlier configuration");
            out.remove_attribute(now.element, name, reason);
        }
    }
}
