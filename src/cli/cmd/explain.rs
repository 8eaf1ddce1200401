//! `virt-sev explain`. In: a rule's or a check's name. Out: what there is to know of it.

use crate::args::{ExplainArgs, Format};
use crate::output::{Answer, Output};
use serde_json::json;
use virt_sev::config::is_our_key;
use virt_sev::{Error, Kind, Result, explain};

pub(crate) fn run(args: &ExplainArgs, out: Output) -> Result<Answer> {
    let Some(code) = args.code.as_deref() else {
        match out.format {
            Format::Json => {
                out.answer_json("explain", json!({ "topics": explain::topics().collect::<Vec<_>>() }))?
            }
            Format::Md => out.answer(&explain::markdown())?,
            Format::Text | Format::Sarif | Format::Prometheus => out.answer(&explain::list())?,
        }
        return Ok(Answer::Yes);
    };
    let about = explain::find(code).ok_or_else(|| {
        Error::new(Kind::Usage, "there is no such rule").found(format!("'{}'", code.escape_debug())).hint(
            if is_our_key(code) {
                "This is the name of a key: `virt-sev keys` tells what each means."
            } else {
                "`virt-sev explain --list` names all of them."
            },
        )
    })?;
    if out.is_json() {
        out.answer_json("explain", json!({ "topics": [about] }))?;
    } else {
        out.answer(&explain::text(&about, out.width()))?;
    }
    Ok(Answer::Yes)
}
