//! Answers as JSON: what the command and the C ABI both say. In: plans, findings, errors. Out: values.
//! Never: prints.

use crate::domain::Domain;
use crate::plan::Plan;
use crate::{Error, report};
use serde_json::{Map, Value, json};

/// A whole answer: `schema` first, then its fields.
#[must_use]
pub fn document(kind: &str, mut fields: Value) -> Value {
    let mut document = Map::new();
    document.insert("schema".into(), format!("virt-sev/{kind}/1").into());
    if let Some(fields) = fields.as_object_mut() {
        document.append(fields);
    }
    document.into()
}

/// The edits of a plan, as `apply` answers them; none where nothing was planned.
#[must_use]
pub fn edits(plan: Option<&Plan>, domain: &Domain<'_>) -> Vec<Value> {
    let edits = plan.map_or(&[][..], Plan::edits).iter();
    edits
        .map(|e| {
            json!({
                "rule": e.rule(), "reason": e.reason(), "places": e.places(domain), "text": e.text(),
            })
        })
        .collect()
}

/// An error, with its problems one by one.
#[must_use]
pub fn error(error: &Error) -> Value {
    let code = error.kind().code();
    let problem = |p: &Error| {
        let code = p.kind().code();
        json!({
            "code": code.number,
            "name": code.c_name,
            "message": p.line().to_string(),
            "place": p.place().map(report::clean),
            "hint": p.hint_text().map(report::clean_lines),
        })
    };
    document(
        "error",
        json!({
            "code": code.number,
            "name": code.c_name,
            "problems": error.problems().map(problem).collect::<Vec<_>>(),
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn an_error_tells_each_problem_in_its_parts() {
        let problems = vec![
            Error::new(Kind::Config, "not a boolean").at("security.sev").found("'x'").hint("Write true."),
            Error::new(Kind::Domain, "no memory"),
        ];
        let answer = error(&Error::many(problems).unwrap()).to_string();
        assert_eq!(
            answer,
            "{\"schema\":\"virt-sev/error/1\",\"code\":-4,\"name\":\"VIRTSEV_ERR_CONFIG\",\"problems\":[\
             {\"code\":-4,\"name\":\"VIRTSEV_ERR_CONFIG\",\"message\":\"not a boolean: found 'x'\",\
             \"place\":\"security.sev\",\"hint\":\"Write true.\"},\
             {\"code\":-5,\"name\":\"VIRTSEV_ERR_DOMAIN\",\"message\":\"no memory\",\"place\":null,\"hint\":null}]}"
        );
    }
}
