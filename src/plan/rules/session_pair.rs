//! `session-pair`: the guest owner's certificate and session are what the firmware takes. In: the decoded blobs.
//! Out: findings. Never: an edit; a look at what is wrapped inside.

use super::{Ctx, Out, Rule};
use crate::config;
use crate::error::Error;

pub(super) static RULE: Rule = Rule {
    id: "session-pair",
    title: "the owner's certificate and session are a pair that the firmware takes",
    text: "libvirt hands <dhCert> and <session> to QEMU without a look, and the firmware then refuses the launch \
           with a bare number. So both or none are given, the session has 128 bytes, and the certificate is a \
           version 1 SEV certificate of 2084 bytes for a Diffie-Hellman key (usage 0x1003) on the curve P-384. A \
           session belongs to one launch on one platform: a session in the document that no key gives is dropped.",
    without: "The firmware refuses the launch with a bare number, such as 'Bad measurement'.",
    source: "AMD 55766, appendix C.4 (SEV certificate format) and section 6.2 (LAUNCH_START)",
    severity: None,
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    if let Some(now) = &ctx.facts.launch_security
        && ctx.config.session().is_none()
        && (now.dh_cert.is_some() || now.session.is_some())
    {
        out.warn("the document has a session that no key gives", |f| {
            f.path("/domain/launchSecurity")
                .detail("It is dropped: a session is good for one launch, and this one's age is not known.")
                .fix("Give security.sev.session.dh and security.sev.session.data to keep one.")
        });
    }
    let Some(session) = ctx.config.session() else { return Ok(()) };
    for (key, problem) in [
        ("security.sev.session.dh", config::check_dh_cert(&session.dh_cert)),
        ("security.sev.session.data", config::check_session(&session.session)),
    ] {
        if let Err(e) = problem {
            out.error(e.message(), |f| f.path(key).fix(e.hint_text().unwrap_or_default()));
        }
    }
    Ok(())
}
