//! `session-pair`: the guest owner's certificate and session are what the firmware takes. In: the decoded blobs.
//! Out: findings. Never: an edit; a look at what is wrapped inside.

use super::{Ctx, Out, Rule};
use crate::error::Error;

pub(super) static RULE: Rule = Rule {
    id: "session-pair",
    title: "the owner's certificate and session are a pair that the firmware takes",
    text: "libvirt hands <dhCert> and <session> to QEMU without a look, and the firmware then refuses the launch \
           with a bare number. So both or none are given, the session has 128 bytes, and the certificate is a \
           version 1 SEV certificate of 2084 bytes for a Diffie-Hellman key (usage 0x1003) on the curve P-384. A \
           session belongs to one launch on one platform: a session in the document that no key gives is dropped.",
    source: "AMD 55766 (SEV API 0.24), appendix C.1 and table 55 (LAUNCH_START session)",
    run,
};

const CERTIFICATE: usize = 2084;
const SESSION: usize = 128;
/// AMD 55766, table C.2 "Public key usage": PDH.
const USAGE_PDH: u32 = 0x1003;
/// AMD 55766, table C.3: ECDH with SHA-256 and with SHA-384.
const ALGORITHMS: [u32; 2] = [0x0003, 0x0103];
/// AMD 55766, table C.5: P-384.
const CURVE_P384: u32 = 2;

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
    if session.session.len() != SESSION {
        out.error(
            format!("the session has {} bytes, and a session has {SESSION}", session.session.len()),
            |f| f.path("security.sev.session.data").fix(MAKE),
        );
    }
    let cert = &session.dh_cert;
    if cert.len() != CERTIFICATE {
        out.error(
            format!(
                "the Diffie-Hellman certificate has {} bytes, and an SEV certificate has {CERTIFICATE}",
                cert.len()
            ),
            |f| f.path("security.sev.session.dh").fix(MAKE),
        );
        return Ok(());
    }
    let word = |at: usize| {
        let bytes: Option<[u8; 4]> = cert.get(at..at + 4).and_then(|b| b.try_into().ok());
        bytes.map_or(0, u32::from_le_bytes)
    };
    // AMD 55766, table C.1: version at 0, public key usage at 8, algorithm at 12, then the key with its curve.
    let (version, usage, algorithm, curve) = (word(0), word(8), word(12), word(16));
    let wrong = if version != 1 {
        Some(format!("version {version}, and SEV certificates are of version 1"))
    } else if usage != USAGE_PDH {
        Some(format!("usage {usage:#06x}, and a Diffie-Hellman certificate is {USAGE_PDH:#06x}"))
    } else if !ALGORITHMS.contains(&algorithm) {
        Some(format!("algorithm {algorithm:#06x}, and Diffie-Hellman is 0x0003 or 0x0103"))
    } else if curve != CURVE_P384 {
        Some(format!("curve {curve}, and SEV takes P-384, which is {CURVE_P384}"))
    } else {
        None
    };
    if let Some(wrong) = wrong {
        out.error(format!("the Diffie-Hellman certificate has {wrong}"), |f| {
            f.path("security.sev.session.dh").fix(MAKE)
        });
    }
    Ok(())
}

const MAKE: &str =
    "Make a fresh pair with `virt-sev session` or `sevctl session`, and give godh.b64 and session.b64.";
