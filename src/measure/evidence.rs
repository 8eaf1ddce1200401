//! What a host says of a launched guest, as a file. In: [`LaunchReport`], or the text of one. Out: the other. Never: belief:
//! whoever reads it holds it against the keys of the session.

use super::verify::Evidence;
use super::{from_base64, to_base64};
use crate::{Error, Kind, Result, files};
use serde_json::{Map, Value};

/// `schema` of the file.
pub const EVIDENCE_SCHEMA: &str = "virt-sev/measurement/1";
/// The answer of `launch --format json` has the same fields.
const LAUNCH_SCHEMA: &str = "virt-sev/launch/1";
/// Bit 2 of the policy: SEV-ES.
const ES: u32 = 1 << 2;

/// What a host says of one launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchReport {
    /// The domain's name.
    pub domain: String,
    /// The domain's UUID.
    pub uuid: String,
    /// What its chip has measured.
    pub evidence: Evidence,
    /// The session blob that the guest was launched with, where the host tells it.
    pub session: Option<Vec<u8>>,
}

impl LaunchReport {
    /// `sev` or `sev-es`, as the policy says.
    #[must_use]
    pub fn mode(&self) -> &'static str {
        if self.evidence.policy & ES == 0 { "sev" } else { "sev-es" }
    }

    /// The fields of the file, without its schema.
    #[must_use]
    pub fn fields(&self) -> Map<String, Value> {
        let evidence = &self.evidence;
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("mode", self.mode().into());
        put("domain", self.domain.as_str().into());
        put("uuid", self.uuid.as_str().into());
        put("measurement", to_base64(&evidence.measurement).into());
        put("api-major", evidence.api_major.into());
        put("api-minor", evidence.api_minor.into());
        put("build-id", evidence.build_id.into());
        put("policy", format!("{:#x}", evidence.policy).into());
        if let Some(session) = &self.session {
            put("session", to_base64(session).into());
        }
        fields
    }

    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut document = Map::new();
        document.insert("schema".to_owned(), EVIDENCE_SCHEMA.into());
        document.append(&mut self.fields());
        format!("{:#}\n", Value::Object(document))
    }

    /// Reads a file of evidence.
    ///
    /// # Errors
    /// `Kind::File`: it is not one, or not whole. What it says is not judged.
    pub fn parse(text: &str) -> Result<Self> {
        files::short("evidence", text)?;
        let document: Value = serde_json::from_str(text)
            .map_err(|e| Error::new(Kind::File, "the evidence is not JSON").because(e).hint(HOW))?;
        let schema = document["schema"].as_str().unwrap_or_default();
        if ![EVIDENCE_SCHEMA, LAUNCH_SCHEMA].contains(&schema) {
            return Err(Error::new(Kind::File, "this is not evidence of a launch")
                .found(if schema.is_empty() { "no schema".into() } else { format!("{schema:.60?}") })
                .wanted(EVIDENCE_SCHEMA)
                .hint(HOW));
        }
        let mut fields = Fields { document: &document, problems: Vec::new() };
        let mode = fields.text("mode");
        if mode == "sev-snp" {
            return Err(Error::new(Kind::File, "a SEV-SNP guest has no launch measurement")
                .hint("It attests itself from inside, with a report that its chip has signed."));
        }
        let evidence = Evidence {
            measurement: fields.measurement(),
            api_major: fields.small("api-major"),
            api_minor: fields.small("api-minor"),
            build_id: fields.small("build-id"),
            policy: fields.number("policy").try_into().unwrap_or_else(|_| fields.wrong("policy")),
        };
        let session = document.get("session").and_then(Value::as_str);
        let report = Self {
            domain: fields.text("domain"),
            uuid: fields.text("uuid"),
            evidence,
            session: session.map(|s| from_base64(s).unwrap_or_else(|| fields.wrong("session"))),
        };
        if fields.problems.is_empty() && mode != report.mode() {
            fields.problems.push(
                Error::new(Kind::File, "the evidence contradicts itself")
                    .found(format!("mode {:.20?} with policy {:#x}", mode, evidence.policy))
                    .wanted(format!("mode {}", report.mode())),
            );
        }
        Error::many(fields.problems).map_or(Ok(report), Err)
    }
}

const HOW: &str =
    "The host writes it: `virt-sev launch --evidence FILE`, or `virt-sev measurement NAME -o FILE`.";

/// Reads fields, and gathers what is wrong with them.
struct Fields<'a> {
    document: &'a Value,
    problems: Vec<Error>,
}

impl Fields<'_> {
    fn wrong<T: Default>(&mut self, name: &str) -> T {
        let what = if self.document.get(name).is_none() { "has no" } else { "has no valid" };
        self.problems.push(Error::new(Kind::File, format!("the evidence {what} {name}")).hint(HOW));
        T::default()
    }

    fn text(&mut self, name: &str) -> String {
        match self.document[name].as_str() {
            // It is shown on terminals.
            Some(text) => text.chars().filter(|c| !c.is_control()).take(256).collect(),
            None => self.wrong(name),
        }
    }

    /// A number, or its digits: `0x…` or decimal.
    fn number(&mut self, name: &str) -> u64 {
        let value = &self.document[name];
        let of_text = |text: &str| match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+')),
            None => text.parse().ok(),
        };
        let number = value.as_u64().or_else(|| of_text(value.as_str()?));
        number.unwrap_or_else(|| self.wrong(name))
    }

    fn small(&mut self, name: &str) -> u8 {
        self.number(name).try_into().unwrap_or_else(|_| self.wrong(name))
    }

    fn measurement(&mut self) -> [u8; 48] {
        let Some(text) = self.document["measurement"].as_str() else {
            self.wrong::<()>("measurement");
            return [0; 48];
        };
        Evidence::parse_measurement(text).unwrap_or_else(|e| {
            self.problems.push(e);
            [0; 48]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report(policy: u32) -> LaunchReport {
        let measurement = std::array::from_fn(|n| u8::try_from(n).unwrap());
        LaunchReport {
            domain: "web1".into(),
            uuid: "c7a5fdbd-edaf-9455-926a-d65c16db1809".into(),
            evidence: Evidence { measurement, api_major: 1, api_minor: 55, build_id: 21, policy },
            session: Some(vec![7; 128]),
        }
    }

    fn document(report: &LaunchReport) -> Value {
        serde_json::from_str(&report.to_text()).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        for policy in [0, 1, 5, 0x1801_003f, u32::MAX] {
            for session in [None, Some(vec![9; 128])] {
                let report = LaunchReport { session, ..report(policy) };
                assert_eq!(LaunchReport::parse(&document(&report).to_string()).unwrap(), report);
            }
        }
        // The answer of `launch`, and numbers as libvirt's own tools write them.
        let mut other = document(&report(3));
        other["schema"] = LAUNCH_SCHEMA.into();
        other["policy"] = 3.into();
        other["build-id"] = "21".into();
        assert_eq!(LaunchReport::parse(&other.to_string()).unwrap(), report(3));
    }

    #[test]
    fn what_is_no_evidence_is_told() {
        let changed = |name: &str, value: Value| {
            let mut document = document(&report(1));
            document[name] = value;
            LaunchReport::parse(&document.to_string()).unwrap_err().to_string()
        };
        for (name, value, says) in [
            (
                "schema",
                json!("virt-sev/bundle/1"),
                "this is not evidence of a launch: found \"virt-sev/bundle/1\", wanted virt-sev/measurement/1",
            ),
            ("schema", json!(1), "this is not evidence of a launch: found no schema"),
            ("mode", json!("sev-snp"), "a SEV-SNP guest has no launch measurement"),
            (
                "mode",
                json!("sev-es"),
                "the evidence contradicts itself: found mode \"sev-es\" with policy 0x1, wanted mode sev",
            ),
            (
                "policy",
                json!("0x5"),
                "the evidence contradicts itself: found mode \"sev\" with policy 0x5, wanted mode sev-es",
            ),
            ("policy", json!("0x1ffffffff"), "the evidence has no valid policy"),
            ("policy", json!("0x+1"), "the evidence has no valid policy"),
            ("policy", json!(-1), "the evidence has no valid policy"),
            ("api-major", json!(256), "the evidence has no valid api-major"),
            ("build-id", json!(null), "the evidence has no valid build-id"),
            ("measurement", json!("AAAA"), "the measurement has the wrong size: found 3 bytes"),
            ("measurement", json!(["x"]), "the evidence has no valid measurement"),
            ("session", json!("*"), "the evidence has no valid session"),
        ] {
            let text = changed(name, value);
            assert!(text.starts_with(says), "{text}");
        }
        for (text, says) in [
            ("", "is not JSON"),
            ("[]", "not evidence"),
            ("{", "is not JSON"),
            ("{\"schema\":\"virt-sev/measurement/1\"}", "has no mode"),
        ] {
            let e = LaunchReport::parse(text).unwrap_err();
            assert!(e.to_string().contains(says), "{e}");
            assert_eq!(e.kind(), Kind::File);
        }
        // Everything that is missing, at once; and no escape reaches a terminal.
        assert_eq!(
            LaunchReport::parse("{\"schema\":\"virt-sev/measurement/1\"}").unwrap_err().problems().count(),
            8
        );
        let mut document = document(&report(1));
        document["domain"] = "a\u{1b}[31mb".into();
        assert_eq!(LaunchReport::parse(&document.to_string()).unwrap().domain, "a[31mb");
        document["schema"] = "virt-sev/\u{1b}[31m".into();
        assert!(!LaunchReport::parse(&document.to_string()).unwrap_err().to_string().contains('\u{1b}'));
    }
}
