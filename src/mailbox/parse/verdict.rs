//! A verdict about a plan, as it is written.

use super::{Fields, Parsed, kind, planner_id};
use crate::domain::flow::plan_reviews::{LineRef, Opinion};
use crate::domain::plan_review::Judgement;
use crate::domain::sentence::say;
use serde_json::{Map, Value};

pub(super) fn verdict(fields: Map<String, Value>) -> Result<Parsed, String> {
    let mut fields = Fields::new(fields, "");
    let (_, parent_session_id) =
        planner_id(&mut fields)?.ok_or_else(|| fields.missing("parent_session_id"))?;
    let department_session_id = fields.required_id("department_session_id")?;
    let plan_version = match fields.take("plan_version") {
        Some(Value::Number(number)) if number.is_u64() => number.as_u64().unwrap_or_default(),
        Some(other) => return Err(fields.wrong_type("plan_version", "a whole number", &other)),
        None => return Err(fields.missing("plan_version")),
    };
    let plan_sha256 = fields.required_text("plan_sha256")?;
    let verdict = match fields.required_text("verdict")?.as_str() {
        "approve" => Judgement::Approve,
        "veto" => Judgement::Veto,
        _ => return Err(say!("reason.file.verdict").to_string()),
    };
    let checked = match fields.take("checked") {
        Some(Value::Array(points)) => points,
        Some(other) => return Err(fields.wrong_type("checked", "a list", &other)),
        None => return Err(fields.missing("checked")),
    };
    let checked = checked
        .into_iter()
        .enumerate()
        .map(|(index, item)| point(&format!("checked[{index}]"), item))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Parsed::Verdict {
        parent_session_id,
        department_session_id,
        opinion: Opinion {
            plan_version,
            plan_sha256,
            verdict,
            checked,
            reasons: fields.list(&["reasons"], true)?,
        },
    })
}

fn point(at: &str, item: Value) -> Result<(LineRef, String), String> {
    let Value::Object(fields) = item else {
        return Err(say!("reason.file.item_no_object", at, found = kind(&item)).to_string());
    };
    let mut fields = Fields::new(fields, &format!("{at}."));
    let line = match fields.take("line") {
        Some(Value::String(id)) => LineRef::Id(id),
        Some(Value::Number(number)) if number.is_u64() => {
            LineRef::Number(number.as_u64().unwrap_or_default())
        }
        Some(other) => {
            let wanted = "the number of a line, from 1, or its id";
            return Err(fields.wrong_type("line", wanted, &other));
        }
        None => return Err(fields.missing("line")),
    };
    Ok((line, fields.required_text("point")?))
}
