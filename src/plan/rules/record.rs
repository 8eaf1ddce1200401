//! `record`: the domain carries its keys itself. In: the configuration, `<metadata>`. Out: edits, a finding.
//! Never: a blob, another program's metadata, or anything unless it was asked for.

use super::{Ctx, Out, Rule};
use crate::config::{self, NAMESPACE, RawConfig};
use crate::domain::{Change, Node};
use crate::error::Error;
use crate::finding::Severity;
use crate::plan::render::Value;
use crate::plan::template;

pub(super) static RULE: Rule = Rule {
    id: "record",
    title: "the keys stand in the domain's metadata, where --record asks for it",
    text: "With --record the keys that hold for this domain, from whatever source, go into <metadata> as \
           <virtsev:config>. A later run reads them from there, below --config and --set, so the domain needs no \
           file beside it. What was recorded before is replaced wholly; one that means the same stays as it is. \
           Blobs are left out: a session serves one launch, and an ID block belongs to one image. The run that \
           needs them is given them again.",
    without: "The domain depends on a file or on options beside it, and the next run does not know what it is to be.",
    source: "libvirt formatdomain, 'General metadata': <metadata> holds one element of each foreign namespace",
    severity: Some(Severity::Info),
    run,
};

fn run(ctx: &Ctx<'_>, out: &mut Out<'_>) -> Result<(), Error> {
    if !ctx.options.record {
        return Ok(());
    }
    let (keys, blobs) = config::keys_without_blobs(ctx.config);
    if !blobs.is_empty() {
        out.warn(format!("not recorded, since blobs never are: {}", blobs.join(", ")), |f| {
            f.path("/domain/metadata").fix("Give them again with every run that is to keep them.")
        });
    }
    let there: Vec<_> = ctx.domain.metadata_elements(NAMESPACE, "config").collect();
    if there.len() == 1 && ctx.domain.metadata_config().is_some_and(|text| says(&text, &keys)) {
        return Ok(());
    }
    for element in there {
        out.remove(element, "recorded by an earlier run, with other keys");
    }
    let fragment = element(&keys)?;
    let (parent, fragment) = match ctx.domain.child(ctx.domain.root(), "metadata") {
        Some(metadata) => (metadata, fragment),
        None => (ctx.domain.root(), Node::around("metadata", fragment)),
    };
    out.edit(Change::Add { parent, fragment: fragment.into() }, "--record keeps the keys with the domain");
    Ok(())
}

/// True when the element says these keys, in whatever words, and none beyond them.
fn says(element: &str, keys: &RawConfig) -> bool {
    let pairs = |raw: &RawConfig| raw.entries().map(|e| (e.key.clone(), e.value.clone())).collect::<Vec<_>>();
    let Ok(raw) = config::from_metadata(element, "metadata") else { return false };
    if pairs(&raw) == pairs(keys) {
        return true;
    }
    let meant = config::resolve(&raw).ok().flatten();
    meant.is_some_and(|c| pairs(&config::keys_of(&c)) == pairs(keys))
}

/// The template has one key; each of ours brings its own.
fn element(keys: &RawConfig) -> Result<Node, Error> {
    let mut whole: Option<Node> = None;
    for entry in keys.entries() {
        let values = [("name", Some(Value::Text(&entry.key))), ("value", Some(Value::Text(&entry.value)))];
        let mut one = template::METADATA_CONFIG.fill(&values)?;
        match &mut whole {
            Some(node) => node.children.append(&mut one.children),
            None => whole = Some(one),
        }
    }
    // A configuration that asks for SEV has at least the key that does.
    Ok(whole.unwrap_or_default())
}
