//! Is this the host that the guest owner's bundle was made for? In: [`SevConfig`], [`HostFacts`]. Out: a finding.
//! Never: a proof: that it is, the Secure Processor alone can show, by opening the session.

use crate::config::{Bundle, SevConfig};
use crate::finding::{About, Finding, Severity};
use crate::hex::encode as hex;
use crate::host::{Fact, HostFacts};

/// The check's name.
pub const BUNDLE: &str = "bundle";

/// What `explain` tells of it.
pub static ABOUT_BUNDLE: About = About {
    id: BUNDLE,
    title: "the guest owner's bundle was made for this platform and this firmware image",
    text: "A session is made for the Diffie-Hellman key (PDH) of one platform, and the owner expects one firmware image. \
           A bundle names both, so that a host sees before the start what would fail after it. Keys that come without a \
           bundle are not looked at here.",
    without: "The Secure Processor refuses the session (LAUNCH_START: bad measurement), or the owner the measurement, and \
              the session is used up.",
    source: "AMD SEV API (55766), LAUNCH_START; docs/owner.md",
    severity: None,
};

/// The bundle that the session came in.
#[must_use]
pub fn of(config: &SevConfig) -> Option<&Bundle> {
    config.session().and_then(|s| s.bundle.as_ref())
}

/// Compares the platform.
#[must_use]
pub(super) fn platform(config: &SevConfig, host: &HostFacts) -> Option<Finding> {
    let bundle = of(config)?;
    let finding = |severity, title: &str| {
        Finding::new(BUNDLE, severity, title)
            .path("platform certificates")
            .source(ABOUT_BUNDLE.source)
            .of_host()
    };
    let unread = |why: &str| {
        finding(Severity::Warning, "whether the bundle was made for this platform could not be seen")
            .detail(why)
    };
    match &host.node_sev {
        Fact::NotAsked => None,
        Fact::Unreadable(why) => Some(unread(why)),
        Fact::Absent => Some(unread("libvirt gives no certificates of the platform")),
        Fact::Known(node) => Some(match node.pdh_fingerprint() {
            None => unread("libvirt gives no PDH of the platform"),
            Some(own) if own == bundle.platform => {
                finding(Severity::Ok, "the bundle was made for this platform")
            }
            Some(own) => finding(Severity::Error, "the bundle was made for another platform")
                .detail(format!("It names the PDH {}, and this platform has {}.", hex(&bundle.platform), hex(&own)))
                .fix("Take it to the host that it was made for; or have the owner make one from what `virt-sev chain fetch` \
                      gives here now: a platform that was reset or rotated has a new PDH."),
        }),
    }
}

/// Compares the firmware image that the guest would get.
#[must_use]
pub fn firmware(config: &SevConfig, image: &str, digest: &[u8; 32]) -> Option<Finding> {
    let wanted = of(config)?.firmware?;
    let finding = |severity, title: &str| Finding::new(BUNDLE, severity, title).path(image).of_host();
    Some(if wanted == *digest {
        finding(Severity::Ok, "this is the firmware image that the owner expects")
    } else {
        finding(Severity::Error, "this is not the firmware image that the owner expects")
            .detail(format!("Its SHA-256 is {}, and the bundle names {}.", hex(digest), hex(&wanted)))
            .fix("Name the right one with security.sev.firmware: `virt-sev firmware list` shows each image's SHA-256.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LaunchSession, SevPolicy, Technology};
    use crate::host::NodeSev;

    fn config(bundle: Option<Bundle>) -> SevConfig {
        let session = Some(LaunchSession { dh_cert: Vec::new(), session: Vec::new(), bundle });
        SevConfig::new(Technology::Sev { policy: SevPolicy(1), session })
    }

    fn bundle(platform: [u8; 32]) -> Option<Bundle> {
        Some(Bundle { session: [0; 32], platform, firmware: Some([3; 32]) })
    }

    #[test]
    fn the_platform_is_told_by_its_pdh() {
        let node = NodeSev { pdh: vec![7; 2084], ..NodeSev::default() };
        let own = node.pdh_fingerprint().unwrap();
        let at = |bundle, node_sev| {
            platform(&config(bundle), &HostFacts { node_sev, ..HostFacts::not_asked() })
                .map(|f| (f.severity, f.title + &f.detail))
        };
        assert_eq!(at(None, Fact::Known(node.clone())), None);
        assert_eq!(at(bundle(own), Fact::NotAsked), None);
        assert_eq!(at(bundle(own), Fact::Known(node.clone())).unwrap().0, Severity::Ok);
        let (severity, text) = at(bundle([1; 32]), Fact::Known(node)).unwrap();
        assert_eq!(severity, Severity::Error);
        assert!(
            text.contains("another platform") && text.contains(&"01".repeat(32)) && text.contains(&hex(&own))
        );
        for unknown in [Fact::Absent, Fact::Unreadable("no".into()), Fact::Known(NodeSev::default())] {
            assert_eq!(at(bundle(own), unknown).unwrap().0, Severity::Warning);
        }
    }

    #[test]
    fn the_image_is_told_by_its_digest() {
        let at = |bundle, digest| firmware(&config(bundle), "/x.fd", &digest).map(|f| f.severity);
        assert_eq!(at(bundle([1; 32]), [3; 32]), Some(Severity::Ok));
        assert_eq!(at(bundle([1; 32]), [4; 32]), Some(Severity::Error));
        assert_eq!(at(None, [4; 32]), None);
        let none = Bundle { session: [0; 32], platform: [0; 32], firmware: None };
        assert_eq!(at(Some(none), [4; 32]), None);
    }
}
