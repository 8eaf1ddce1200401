//! Where templates come from: compiled in, or a folder that is named. In: names, folders. Out: templates, their list.
//! Never: a folder that nobody named, so that an answer depends on the command line alone.

use crate::cmd::files;
use crate::output::{Answer, Output};
use serde_json::json;
use std::path::{Path, PathBuf};
use virt_sev::generate::Template;
use virt_sev::{Error, Kind, Result};

/// The template of this name; those of folders come first, in the order of the folders.
pub(super) fn find(name: &str, folders: &[PathBuf]) -> Result<Template> {
    let files = files_of(folders)?;
    if let Some((_, path)) = files.iter().find(|(n, _)| n == name) {
        return read(name, path);
    }
    let built_in = Template::built_in()?;
    let known: Vec<String> =
        files.iter().map(|(n, _)| n.clone()).chain(built_in.iter().map(|t| t.name().to_owned())).collect();
    built_in.into_iter().find(|t| t.name() == name).ok_or_else(|| {
        Error::new(Kind::Usage, "there is no such template")
            .at("--template")
            .found(format!("{name:?}"))
            .wanted(known.join(", "))
            .hint("Templates of your own are DIR/NAME.xml, with --template-dir DIR.")
    })
}

fn read(name: &str, path: &Path) -> Result<Template> {
    Template::parse(name, &path.display().to_string(), &files::read_text("template", path)?)
}

/// Name and place of every template in these folders. A name that two folders have is the first one's.
fn files_of(folders: &[PathBuf]) -> Result<Vec<(String, PathBuf)>> {
    let mut all: Vec<(String, PathBuf)> = Vec::new();
    for folder in folders {
        let fail = |e| {
            Error::new(Kind::File, "the folder of templates cannot be read")
                .at(folder.display().to_string())
                .because(e)
        };
        let mut here = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            let name = path.file_stem().and_then(|n| n.to_str()).unwrap_or_default();
            if path.extension().is_some_and(|x| x == "xml") && !name.is_empty() && !name.starts_with('.') {
                here.push((name.to_owned(), path));
            }
        }
        here.sort();
        here.retain(|(name, _)| !all.iter().any(|(n, _)| n == name));
        all.extend(here);
    }
    Ok(all)
}

/// `--list`.
pub(super) fn list(folders: &[PathBuf], out: Output) -> Result<Answer> {
    let mut wrong = Vec::new();
    let mut all: Vec<Template> =
        files_of(folders)?.iter().filter_map(|(n, p)| read(n, p).map_err(|e| wrong.push(e)).ok()).collect();
    if let Some(e) = Error::many(wrong) {
        return Err(e);
    }
    let built_in = Template::built_in()?;
    let hidden = |t: &Template| all.iter().any(|own| own.name() == t.name());
    let seen: Vec<_> = built_in.into_iter().filter(|t| !hidden(t)).collect();
    all.extend(seen);
    if out.is_json() {
        let rows: Vec<_> = all
            .iter()
            .map(|t| {
                json!({
                    "name": t.name(),
                    "title": t.title(),
                    "file": t.file(),
                    "needs": t.needs().collect::<Vec<_>>(),
                    "takes": t.takes().collect::<Vec<_>>(),
                })
            })
            .collect();
        out.answer_json("templates", json!({ "templates": rows }))?;
        return Ok(Answer::Yes);
    }
    let line = |t: &Template| match t.file() {
        Some(file) => format!("{} ({file})", t.title()).trim_start().to_owned(),
        None => t.title().to_owned(),
    };
    let rows: Vec<_> = all.iter().map(|t| (t.name(), line(t))).collect();
    out.answer(&virt_sev::report::list(&rows, out.table_width()))?;
    Ok(Answer::Yes)
}
