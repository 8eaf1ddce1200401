//! What a launch starts from, as the command line names it. In: options. Out: a document, and options that would be ignored.

use crate::args::{VerifyArgs, given};
use crate::cmd::prepare;
use std::path::{Path, PathBuf};
use virt_sev::domain::Domain;
use virt_sev::launch::{Asking, Guest as _, find};
use virt_sev::{Error, Kind, Result};
use virt_sev_sys::Libvirt;

/// Where the document comes from.
#[derive(Debug)]
pub(in crate::online) enum Source {
    /// A file, or standard input.
    File(PathBuf),
    /// A defined domain.
    Name(String),
}

impl Source {
    /// A file where there is one of that name, or where only a file can be meant; else a domain's name.
    pub(in crate::online) fn of(text: &str) -> Self {
        let path = Path::new(text);
        if text == "-" || text.contains('/') || path.extension().is_some_and(|x| x == "xml") || path.is_file()
        {
            Source::File(path.to_owned())
        } else {
            Source::Name(text.to_owned())
        }
    }

    pub(in crate::online) fn is_stdin(&self) -> bool {
        self.file() == Some(Path::new("-"))
    }

    pub(in crate::online) fn file(&self) -> Option<&Path> {
        match self {
            Source::File(path) => Some(path),
            Source::Name(_) => None,
        }
    }

    /// The document, where it is a file.
    pub(in crate::online) fn read_file(&self) -> Result<Option<Domain<'static>>> {
        self.file().map(prepare::read_domain).transpose()
    }

    /// The document, where it is a defined domain.
    pub(in crate::online) fn read_defined(&self, asking: &Asking<'_, Libvirt>) -> Result<Domain<'static>> {
        let Source::Name(name) = self else {
            return Err(Error::new(Kind::Bug, "a file was taken for a domain's name"));
        };
        let wanted = name.clone();
        let xml = asking.ask("reading the domain", move |hv| {
            find(&hv, &wanted).map_err(neither).and_then(|guest| guest.definition())
        })?;
        Domain::parse(xml).map_err(|e| e.at(name.clone()))
    }
}

fn neither(e: Error) -> Error {
    if e.kind() != Kind::State {
        return e;
    }
    Error::new(Kind::State, "there is neither such a file nor such a domain")
        .at(e.place().unwrap_or_default())
        .hint(e.hint_text().unwrap_or_default())
}

/// Options that would be ignored are refused: somebody believes that they do something.
pub(super) fn useless_options(v: &VerifyArgs) -> Option<Error> {
    let others = given([
        ("--api-major", v.api_major.is_some()),
        ("--api-minor", v.api_minor.is_some()),
        ("--build-id", v.build_id.is_some()),
        ("--policy", v.policy.is_some()),
        ("--policy-file", v.policy_file.is_some()),
        ("--inject-secret", !v.inject_secret.is_empty()),
    ]);
    if v.measurement.is_some() {
        return Some(Error::new(Kind::Usage, "--measurement is what launch reads from the guest itself"));
    }
    let (boot, cpus) = (v.boot.files(), v.cpus.cpus());
    let mut all = boot.given().chain(cpus.given()).chain(others);
    let first = all.find(|_| !v.keys.files().any())?;
    Some(
        Error::new(Kind::Usage, format!("{first} needs the guest owner's keys"))
            .wanted("--tk FILE, or --tik FILE and --tek FILE")
            .hint("Without them nothing is verified, and an unverified guest gets no secret."),
    )
}
