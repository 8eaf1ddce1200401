//! `virt-sev explain`. In: a rule's or a check's name, a code, or a message. Out: what there is to know of it.

use crate::args::{ExplainArgs, Format};
use crate::output::{Answer, Output};
use serde_json::{Value, json};
use virt_sev::codes::{CODES, Code};
use virt_sev::config::is_our_key;
use virt_sev::explain::{self, Topic};
use virt_sev::{About, Error, Kind, Result};

pub(crate) fn run(args: &ExplainArgs, out: Output) -> Result<Answer> {
    if args.code.is_empty() {
        return listed(args, out);
    }
    let text = args.code.join(" ");
    let rule: Vec<About> = explain::find(text.trim()).into_iter().collect();
    let (codes, messages) = (explain::codes(&text), explain::look_up(&text));
    if rule.is_empty() && codes.is_empty() && messages.is_empty() {
        return Err(Error::new(Kind::Usage, "nothing is known of this rule, code or message")
            .found(format!("'{}'", text.escape_debug()))
            .hint(if is_our_key(&text) {
                "This is the name of a key: `virt-sev keys` tells what each means."
            } else {
                "`virt-sev explain --list` names all rules, --list-messages all messages. Of a log, give the lines of \
                 QEMU and the kernel that name SEV."
            }));
    }
    if out.is_json() {
        out.answer_json("explain", as_json(&rule, &codes, &messages))?;
        return Ok(Answer::Yes);
    }
    let width = out.width();
    let pages = rule
        .iter()
        .map(|about| explain::text(about, width))
        .chain(codes.iter().map(|code| explain::code_text(code, width)))
        .chain(messages.iter().map(|topic| explain::message_text(topic, width)));
    out.answer(&pages.collect::<Vec<_>>().join("\n"))?;
    Ok(Answer::Yes)
}

fn listed(args: &ExplainArgs, out: Output) -> Result<Answer> {
    let messages: Vec<&Topic> = explain::messages().collect();
    match (out.format, args.list_messages) {
        (Format::Json, false) => {
            out.answer_json("explain", as_json(&explain::topics().collect::<Vec<_>>(), &[], &[]))?;
        }
        (Format::Json, true) => out.answer_json("explain", as_json(&[], CODES, &messages))?,
        (Format::Md, false) => out.answer(&explain::markdown())?,
        (Format::Md, true) => out.answer(&explain::message_markdown())?,
        (Format::Text | Format::Sarif | Format::Prometheus, false) => {
            out.answer(&explain::list(out.table_width()))?
        }
        (Format::Text | Format::Sarif | Format::Prometheus, true) => {
            out.answer(&explain::message_list(out.table_width()))?
        }
    }
    Ok(Answer::Yes)
}

fn as_json(rules: &[About], codes: &[Code], messages: &[&Topic]) -> Value {
    let codes: Vec<Value> = codes
        .iter()
        .map(|c| {
            json!({
                "number": c.number,
                "exit": c.exit,
                "c-name": c.c_name,
                "title": c.text,
                "text": explain::advice(c.kind),
            })
        })
        .collect();
    json!({ "topics": rules, "codes": codes, "messages": messages })
}
