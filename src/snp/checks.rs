//! The checks of a report, each as its own finding. In: report, whose key signed, what is expected. Out: findings.
//! Never: a comparison whose time tells where the difference is.
//!
//! AMD SEV-SNP ABI (56860), section 7.3; 57230, chapter 3.

use super::cert::Role;
use super::chain::Endorsement;
use super::policy::GuestPolicy;
use super::report::{Report, SigningKey};
use super::same;
use super::tcb::{Product, Tcb};
use super::verify::Expected;
use crate::finding::{Finding, Severity};
use crate::hex;
use p384::ecdsa::signature::Verifier as _;

const ABI: &str = "AMD 56860, section 7.3, ATTESTATION_REPORT";
const KDS: &str = "AMD 57230, chapter 3";
/// Bits of PLATFORM_INFO.
const SMT_ENABLED: u64 = 1;
const RAPL_DISABLED: u64 = 1 << 3;
const CIPHERTEXT_HIDING: u64 = 1 << 4;

fn finding(id: &'static str, part: &str, severity: Severity, title: impl Into<String>) -> Finding {
    Finding::new(id, severity, title).path(part).source(ABI)
}

/// The report's own signature.
pub(super) fn signature(report: &Report, endorsement: Option<&Endorsement>) -> Finding {
    let say = |severity, title: String| finding("snp-signature", "signature", severity, title);
    let Some(endorsement) = endorsement else {
        return match report.signing_key() {
            SigningKey::Unknown(n) => {
                say(Severity::Error, format!("signed with a key of an unknown kind: {n}"))
            }
            SigningKey::None | SigningKey::Vcek | SigningKey::Vlek => {
                say(Severity::Error, "the report is not signed".into())
                    .fix("Ask the host's administrator for signatures: the guest asks for VCEK or VLEK.")
            }
        };
    };
    let name = &endorsement.path[0];
    let Some(signature) = report.signature() else {
        let text = if report.masks_chip_key() {
            "the report is not signed: the host has switched off the chip's key (MASK_CHIP_KEY)"
        } else {
            "the report has no signature: its numbers are none of P-384"
        };
        return say(Severity::Error, text.into());
    };
    if endorsement.key.verify(report.signed(), &signature).is_ok() {
        return say(Severity::Ok, format!("the report is signed with the key of {name}"));
    }
    say(Severity::Error, format!("the report's signature is not that of {name}"))
        .detail("The report was changed after it was signed, or the certificate is of another chip or TCB.")
        .fix(match endorsement.role {
            Role::Vlek => "Take the certificate that the guest got with the report.",
            Role::Ark | Role::Signer | Role::Vcek => {
                "Fetch the certificate for this report's chip and TCB; --kds-address prints where."
            }
        })
}

/// The TCB that the key is made for is the one that the report names.
pub(super) fn same_tcb(report: &Report, endorsement: &Endorsement) -> Finding {
    let say = |severity, title| finding("snp-endorsed-tcb", "signature", severity, title).source(KDS);
    let reported = report.reported_tcb().read(endorsement.product);
    let differences = endorsement.tcb.differences("certificate", reported, "report");
    if differences.is_empty() {
        return say(Severity::Ok, format!("the key is made for the TCB that the report names: {reported}"));
    }
    say(Severity::Error, format!("the key is made for another TCB: {}", differences.join("; ")))
        .fix("Fetch the certificate for this report's TCB.")
}

/// The certificate's chip and generation are the report's.
pub(super) fn same_chip(report: &Report, endorsement: &Endorsement) -> Finding {
    let say = |severity, title: String| finding("snp-chip", "signature", severity, title).source(KDS);
    if let Some(product) = report.product().filter(|p| *p != endorsement.product) {
        let title = format!("the certificate is of a {}, the report of a {product}", endorsement.product);
        return say(Severity::Error, title).fix("Fetch the certificate for this report's chip.");
    }
    if endorsement.role == Role::Vlek {
        let of = endorsement.provider.as_deref().unwrap_or("a cloud provider");
        return say(Severity::Info, format!("the key is {of}'s, the same in all its chips of this TCB"));
    }
    match (report.chip_id(), &endorsement.hwid) {
        (None, _) => say(Severity::Warning, "the host hides its chip's identity (MASK_CHIP_ID)".into())
            .detail("The key is one chip's all the same, and its certificate names it."),
        (Some(id), Some(hwid))
            if same(&id[..hwid.len()], hwid) && id[hwid.len()..].iter().all(|b| *b == 0) =>
        {
            say(Severity::Ok, format!("certificate and report name the same {}", endorsement.product))
        }
        (Some(_), _) => say(Severity::Error, "the certificate is another chip's".into())
            .fix("Fetch the certificate for this report's chip."),
    }
}

/// Whether the versions are high enough, and whether the host can still go back.
pub(super) fn tcb(report: &Report, product: Option<Product>, expected: &Expected) -> Vec<Finding> {
    let say = |id, severity, title: String| finding(id, "tcb", severity, title);
    let mut out = Vec::new();
    if let Some(product) = product {
        let tcbs: [(&str, Tcb); 3] = [
            ("reported", report.reported_tcb().read(product)),
            ("at launch", report.launch_tcb().read(product)),
            ("committed", report.committed_tcb().read(product)),
        ];
        out.push(match &expected.min_tcb {
            // All three: a guest that was launched below the floor, or whose host can go back below it, may have been
            // looked into there.
            Some(floor) => {
                let below: Vec<String> = tcbs
                    .iter()
                    .flat_map(|(which, tcb)| {
                        floor.below(*tcb).into_iter().map(move |b| format!("{which}: {b}"))
                    })
                    .collect();
                if below.is_empty() {
                    say("snp-min-tcb", Severity::Ok, format!("{} is not below {floor}", tcbs[0].1))
                } else {
                    say("snp-min-tcb", Severity::Error, format!("below the floor: {}", below.join("; "))).fix(
                        "The host's firmware or microcode must be updated, then the guest launched again.",
                    )
                }
            }
            None => say("snp-min-tcb", Severity::Info, format!("{}; no floor was asked for", tcbs[0].1)),
        });
    }
    let (current, committed) = (report.current_firmware(), report.committed_firmware());
    if current != committed || report.current_tcb() != report.committed_tcb() {
        out.push(
            say(
                "snp-provisional",
                Severity::Warning,
                format!("the firmware is provisional: {current} runs, {committed} is committed"),
            )
            .detail("The host can go back to the committed version without a reboot.")
            .fix("On the host: `snphost commit`."),
        );
    }
    out
}

/// One value that the owner may know. `silence` weighs what it means when nobody asks.
struct Value<'a> {
    id: &'static str,
    name: &'a str,
    option: &'a str,
    found: &'a [u8],
    wanted: Option<&'a [u8]>,
    silence: Severity,
}

impl Value<'_> {
    fn check(&self) -> Finding {
        let say = |severity, title| finding(self.id, "identity", severity, title);
        let found =
            if self.found.iter().all(|b| *b == 0) { "zeroes".into() } else { hex::encode(self.found) };
        match self.wanted {
            Some(wanted) if same(self.found, wanted) => {
                say(Severity::Ok, format!("{} as wanted: {found}", self.name))
            }
            Some(wanted) => say(
                Severity::Error,
                format!("{} differs: found {found}, wanted {}", self.name, hex::encode(wanted)),
            ),
            None if self.silence == Severity::Warning => {
                say(Severity::Warning, format!("{} was not checked: {found}", self.name))
                    .fix(format!("Give {}.", self.option))
            }
            None => say(self.silence, format!("{}: {found}", self.name)),
        }
    }
}

/// Which guest it is, on which chip, and whether it was asked now.
pub(super) fn identity(report: &Report, expected: &Expected) -> Vec<Finding> {
    let (measurement, data) = (report.measurement(), report.report_data());
    let (host, id_key) = (report.host_data(), report.id_key_digest());
    let (author, chip) = (report.author_key_digest(), report.chip_id().unwrap_or([0; 64]));
    // Without these two a report shows some guest at some time.
    let must = |id, name, option, found, wanted| Value {
        id,
        name,
        option,
        found,
        wanted,
        silence: Severity::Warning,
    };
    let may =
        |id, name, option, found, wanted| Value { id, name, option, found, wanted, silence: Severity::Info };
    let measured = expected.measurement.as_ref().map(<[u8; 48]>::as_slice);
    // The firmware has checked the digest of an ID block, so a wanted ID key stands for the digests that it signs.
    let digest = ("snp-measurement", "launch digest", "--measurement, or --firmware to compute it");
    let digest = if measured.is_none() && expected.id_key_digest.is_some() {
        may(digest.0, digest.1, digest.2, &measurement[..], measured)
    } else {
        must(digest.0, digest.1, digest.2, &measurement[..], measured)
    };
    let values = [
        digest,
        must(
            "snp-report-data",
            "report data",
            "--report-data",
            &data,
            expected.report_data.as_ref().map(<[u8; 64]>::as_slice),
        ),
        may(
            "snp-host-data",
            "host data",
            "--host-data",
            &host,
            expected.host_data.as_ref().map(<[u8; 32]>::as_slice),
        ),
        may(
            "snp-id-key",
            "ID key digest",
            "--id-key-digest",
            &id_key,
            expected.id_key_digest.as_ref().map(<[u8; 48]>::as_slice),
        ),
        may(
            "snp-author-key",
            "author key digest",
            "--author-key-digest",
            &author,
            expected.author_key_digest.as_ref().map(<[u8; 48]>::as_slice),
        ),
        may("snp-chip-id", "chip", "--chip-id", &chip, expected.chip_id.as_ref().map(<[u8; 64]>::as_slice)),
    ];
    let mut out: Vec<Finding> = values.iter().map(Value::check).collect();
    out.push(vmpl(report, expected.vmpl));
    out
}

fn vmpl(report: &Report, wanted: Option<u32>) -> Finding {
    let say = |severity, title: String| finding("snp-vmpl", "identity", severity, title);
    match (report.vmpl(), wanted) {
        (Some(found), Some(wanted)) if found == wanted => {
            say(Severity::Ok, format!("VMPL {found} as wanted"))
        }
        (Some(found), Some(wanted)) => say(Severity::Error, format!("VMPL is {found}, wanted {wanted}")),
        (Some(found), None) => say(Severity::Info, format!("VMPL {found}")),
        (None, Some(wanted)) => {
            say(Severity::Error, format!("the host asked for the report, not VMPL {wanted} of the guest"))
        }
        (None, None) => say(Severity::Warning, "the host asked for the report, not the guest".into())
            .detail("Nothing of it comes from inside the guest: its report data are zeroes."),
    }
}

/// What the host may do with the guest, and whether the platform is what the policy demands.
pub(super) fn policy(report: &Report, expected: &Expected) -> Vec<Finding> {
    let say = |severity, title: String| finding("snp-policy", "policy", severity, title);
    let policy = report.policy();
    let mut out = Vec::new();
    if let Some(wanted) = expected.policy {
        let differences = policy.differences(wanted);
        out.push(if differences.is_empty() {
            say(Severity::Ok, format!("policy {policy} as wanted"))
        } else {
            say(Severity::Error, format!("policy {policy}, wanted {wanted}: {}", differences.join("; ")))
        });
    } else {
        out.push(say(Severity::Info, format!("policy {policy}; none was asked for")));
    }
    // A policy that is wanted and permits debugging permits it.
    let allowed = expected.allow_debug || expected.policy.is_some_and(|p| p.has(GuestPolicy::DEBUG));
    out.push(match (policy.has(GuestPolicy::DEBUG), allowed) {
        (false, _) => say(Severity::Ok, "the host cannot debug the guest".into()),
        (true, true) => say(Severity::Warning, "the host can debug the guest, as permitted".into()),
        (true, false) => say(Severity::Error, "the host can debug the guest".into())
            .detail("It reads and writes the guest's memory in the clear.")
            .fix("Launch with a policy without bit 19. For a test: --allow-debug."),
    });
    if policy.has(GuestPolicy::MIGRATE_MA) && expected.policy.is_none() {
        out.push(say(Severity::Warning, "the guest may be migrated by a migration agent".into()));
    }
    let platform = report.platform_info();
    let demands = [
        (!policy.has(GuestPolicy::SMT) && platform & SMT_ENABLED != 0, "SMT off"),
        (policy.has(GuestPolicy::RAPL_DISABLED) && platform & RAPL_DISABLED == 0, "RAPL off"),
        (
            policy.has(GuestPolicy::CIPHERTEXT_HIDING) && platform & CIPHERTEXT_HIDING == 0,
            "ciphertext hiding on",
        ),
    ];
    for (_, what) in demands.iter().filter(|(broken, _)| *broken) {
        out.push(say(
            Severity::Error,
            format!("the policy demands {what}, and the platform has it otherwise"),
        ));
    }
    out
}
