//! Every golden case meets a real libvirtd: it defines the answer, and what it prints of it then needs no further edit.

use crate::cases::{cases, host, keys, options, read};
use crate::defining::Defining;
use std::path::Path;
use virt_sev::domain::Domain;
use virt_sev::plan;

/// One line of a case's `libvirt.txt`: what libvirt itself does otherwise than the case, and why that is right.
struct Note {
    file: String,
    word: Word,
    reason: String,
}

#[derive(PartialEq)]
enum Word {
    /// libvirt does not take the document, whatever SEV is: the reason is in its words.
    Refused,
    /// The same, but of some builds of libvirt and QEMU only.
    Perhaps,
    /// What libvirt prints needs an edit more, of the rule that is named.
    Unsettled,
}

fn notes(case: &Path) -> Vec<Note> {
    let text = read(case, "libvirt.txt").unwrap_or_default();
    text.lines()
        .map(|line| {
            let (head, reason) =
                line.split_once(": ").unwrap_or_else(|| panic!("{}: {line}", case.display()));
            let (file, word) = head.split_once(' ').unwrap();
            assert!(["in.xml", "out.xml"].contains(&file), "{}: {line}", case.display());
            let word = match word {
                "refused" => Word::Refused,
                "perhaps" => Word::Perhaps,
                "unsettled" => Word::Unsettled,
                _ => panic!("{}: {line}", case.display()),
            };
            Note { file: file.into(), word, reason: reason.into() }
        })
        .collect()
}

/// What libvirt prints needs no edit more, but of the rules that are named.
fn settled(defining: &Defining, case: &Path, printed: &str, but: &[&str]) -> Result<(), String> {
    let mut options = options(case);
    options.skip.extend(defining.skipped().iter().map(|s| (*s).to_owned()));
    let domain = Domain::parse(printed).map_err(|e| e.to_string())?;
    let keys = keys(case).map_err(|e| e.to_string())?;
    let plan = plan::plan(&keys, &domain, &host(case), &options).map_err(|e| e.to_string())?;
    if let Some(error) = plan.error() {
        return Err(format!("refused as libvirt prints it: {error}\n{printed}"));
    }
    if plan.edits().iter().map(|e| e.rule()).collect::<Vec<_>>() == but {
        return Ok(());
    }
    let edits = plan.edits().iter().map(|e| format!("{} {:?} {}\n", e.rule(), e.places(&domain), e.text()));
    Err(format!("unsettled as libvirt prints it:\n{}{printed}", edits.collect::<String>()))
}

#[test]
fn every_golden_answer_is_defined_by_libvirt_and_stays_as_libvirt_prints_it() {
    let defining = Defining::open();
    let mut wrong = Vec::new();
    let mut taken = 0;
    for case in cases() {
        let notes = notes(&case);
        for file in ["in.xml", "out.xml"] {
            let Some(xml) = read(&case, file) else { continue };
            let note = |word| notes.iter().find(|n| n.file == file && n.word == word);
            let place = format!("{}/{file}", case.file_name().unwrap().display());
            match defining.define(&xml) {
                Ok(_) if note(Word::Refused).is_some() => {
                    wrong.push(format!("{place}: libvirt takes it, against libvirt.txt"));
                }
                Ok(printed) => {
                    taken += 1;
                    let but: Vec<_> = note(Word::Unsettled).iter().map(|n| n.reason.as_str()).collect();
                    if file == "out.xml"
                        && let Err(why) = settled(&defining, &case, &printed, &but)
                    {
                        wrong.push(format!("{place}: {why}"));
                    }
                }
                Err(why) => {
                    // Versions of libvirt say it in other words.
                    let known =
                        |n: &Note| n.file == file && n.word != Word::Unsettled && why.contains(&n.reason);
                    if !notes.iter().any(known) {
                        wrong.push(format!("{place}: {why}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(taken > 150, "libvirt took only {taken} documents");
}
