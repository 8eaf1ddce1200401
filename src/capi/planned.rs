//! What the rules and the host say of one document. In: settings, a document. Out: edits, findings, the document made
//! right. Never: libvirt.
#![forbid(unsafe_code)]

use crate::settings::Settings;
use serde_json::{Value, json};
use virt_sev::answer::{document, edits};
use virt_sev::config::{RawConfig, SevConfig};
use virt_sev::domain::Domain;
use virt_sev::host::HostFacts;
use virt_sev::lint::{self, Subject};
use virt_sev::plan::{Options, Plan, plan};
use virt_sev::prepare::{images, refuse};
use virt_sev::{Finding, Result, Severity, preflight};

/// What a `virtsev_plan` holds.
#[derive(Debug)]
pub(crate) struct Planned {
    domain: Domain<'static>,
    /// `None`: nothing asks for SEV.
    wanted: Option<(SevConfig, Plan)>,
    /// Of the documents of keys, of the host's layers.
    notes: Vec<Finding>,
    layers: Vec<Finding>,
}

impl Planned {
    /// Asks the rules; what they find, errors too, is for whoever reads the plan.
    pub(crate) fn new(
        settings: &Settings,
        xml: &str,
        facts: impl FnOnce(&Domain<'_>, &SevConfig) -> Result<HostFacts>,
    ) -> Result<Self> {
        let domain = Domain::parse(xml.to_owned())?;
        let loaded = settings.resolve(Some(&domain))?;
        let (mut wanted, mut layers) = (None, Vec::new());
        if let Some(config) = loaded.config {
            let host = facts(&domain, &config)?;
            let plan = plan(&config, &domain, &host, &settings.options)?;
            layers = preflight::run(&config, &host, &settings.options.skip);
            wanted = Some((config, plan));
        }
        Ok(Self { domain, wanted, notes: loaded.notes, layers })
    }

    /// The document as it should be; as it came, where nothing asks for SEV.
    pub(crate) fn xml(&self) -> Result<String> {
        let Some((_, plan)) = &self.wanted else { return Ok(self.domain.text().to_owned()) };
        refuse(plan.error(), preflight::refuse(&self.layers).err())?;
        plan.apply(&self.domain)
    }

    /// Edits and findings, errors among them.
    pub(crate) fn json(&self) -> Value {
        let (config, plan) = self.wanted.as_ref().map(|(c, p)| (c, p)).unzip();
        let rules = plan.map_or(&[][..], Plan::findings);
        let all = self.notes.iter().chain(rules).chain(&self.layers);
        let told: Vec<&Finding> = all.filter(|f| f.severity != Severity::Ok).collect();
        document(
            "plan",
            json!({
                "mode": config.map(|c| c.mode().as_str()),
                "errors": told.iter().filter(|f| f.severity == Severity::Error).count(),
                "edits": edits(plan, &self.domain),
                "findings": told,
            }),
        )
    }
}

/// Which rules a document breaks, judged by the keys given, or by its own.
pub(crate) fn lint(settings: &Settings, xml: &str) -> Result<Value> {
    // A document that is only looked at gets no keys recorded.
    let options = Options { record: false, ..settings.options.clone() };
    let subject = Subject { name: String::new(), is_file: false, domain: Domain::parse(xml)? };
    let given: RawConfig = settings.given()?;
    let judged = lint::judge(subject, &given, settings.reads_metadata(), &options, |domain, config| {
        Ok(facts(settings, domain, config))
    })?;
    Ok(document("lint", lint::answer(&[judged], &[])))
}

/// What is known of the host: nothing, or what the files of a folder say.
pub(crate) fn facts(settings: &Settings, domain: &Domain<'_>, config: &SevConfig) -> HostFacts {
    let Some(root) = settings.root() else { return HostFacts::not_asked() };
    HostFacts::gather(&root, &images(domain, config))
}
