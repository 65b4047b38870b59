//! What the bytes of a mailbox file say: a plan, a result, a verdict, or a sentence about what is wrong with them.
//!
//! Pure. Types are strict, so that a mistake comes back to its writer and never becomes an empty report. Limits are
//! applied while reading, so a hostile file costs no more than its own size. Unknown fields are ignored.

use self::limited::{Limited, Path};
use crate::domain::blank;
use crate::domain::flow::plan_reviews::Opinion;
use crate::domain::ids::SessionId;
use crate::domain::limits;
use crate::domain::plan::{PlannedAssignment, Proposal};
use crate::domain::result::Findings;
use crate::domain::sentence::say;
use serde::de::DeserializeSeed as _;
use serde_json::error::Category;
use serde_json::{Map, Value};

mod limited;
mod verdict;

/// Why bytes are no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// They end too early; the writer may still be at it.
    #[error("{}", say!("reason.file.unfinished"))]
    Unfinished,
    /// They can never become one; a sentence for the writer.
    #[error("{0}")]
    Wrong(String),
}

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// A planner's plan.
    Plan {
        /// The planner that it names, with the field; may be absent, since the folder says it.
        claimed: Option<(&'static str, SessionId)>,
        /// What it proposes.
        proposal: Proposal,
    },
    /// A department's result.
    Result {
        /// The planner that it names.
        parent_session_id: SessionId,
        /// The session that it claims to come from.
        department_session_id: SessionId,
        /// The department that it names.
        department: String,
        /// Which of its reports this is, by its own count.
        number: Option<u32>,
        /// What it says.
        findings: Findings,
    },
    /// A verdict about a plan.
    Verdict {
        /// The planner that it names.
        parent_session_id: SessionId,
        /// The session that it claims to come from.
        department_session_id: SessionId,
        /// What it says.
        opinion: Opinion,
    },
}

/// Reads the bytes of a file. A name that begins with `plan-` makes it a plan, and so does a list of assignments; a name
/// that begins with `verdict-` makes it a verdict, and so does one about a plan's digest.
///
/// # Errors
/// When they are cut short, or are no report.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Parsed, ParseError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => return Err(ParseError::Unfinished),
        Err(error) => {
            return Err(ParseError::Wrong(
                say!("reason.file.not_utf8", at = error.valid_up_to()).to_string(),
            ));
        }
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    let at = Path::default();
    let value = Limited::at(&at)
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| match error.classify() {
            Category::Eof => ParseError::Unfinished,
            Category::Data => ParseError::Wrong(at.sentence(&error)),
            _ => ParseError::Wrong(say!("reason.file.not_json", error).to_string()),
        })?;
    let Value::Object(fields) = value else {
        return Err(ParseError::Wrong(say!("reason.file.no_object").to_string()));
    };
    let is_plan = name.starts_with("plan-")
        || fields.contains_key("assignments")
        || fields.contains_key("plan");
    let is_verdict = name.starts_with("verdict-")
        || (fields.contains_key("verdict") && fields.contains_key("plan_sha256"));
    let parsed = if is_verdict {
        verdict::verdict(fields)
    } else if is_plan {
        plan(fields)
    } else {
        result(fields)
    };
    parsed.map_err(ParseError::Wrong)
}

fn plan(fields: Map<String, Value>) -> Result<Parsed, String> {
    let mut outer = Fields::new(fields, "");
    let claimed = planner_id(&mut outer)?;
    let mut inner = match outer.take("plan") {
        None => outer,
        Some(Value::Object(plan)) => Fields::new(plan, "plan."),
        Some(other) => return Err(outer.wrong_type("plan", "an object", &other)),
    };
    let summary = inner.required_text("summary")?;
    let assignments = match inner.take("assignments") {
        Some(Value::Array(items)) => items,
        Some(other) => return Err(inner.wrong_type("assignments", "a list", &other)),
        None => return Err(inner.missing("assignments")),
    };
    let assignments = assignments
        .into_iter()
        .enumerate()
        .map(|(index, item)| assignment(&format!("{}assignments[{index}]", inner.at), item))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Parsed::Plan {
        claimed,
        proposal: Proposal {
            summary,
            assignments,
        },
    })
}

fn assignment(at: &str, item: Value) -> Result<PlannedAssignment, String> {
    let Value::Object(fields) = item else {
        return Err(say!("reason.file.item_no_object", at, found = kind(&item)).to_string());
    };
    let mut fields = Fields::new(fields, &format!("{at}."));
    Ok(PlannedAssignment {
        id: fields.text("id")?.filter(|id| !id.is_empty()),
        after: fields.list(&["after"], true)?,
        department: fields.required_text("department")?,
        task: fields.required_text("task")?,
        model: fields.text("model")?.filter(|model| !model.is_empty()),
        files: fields.list(&["files"], false)?,
        verify: fields.list(&["verify", "verify_commands"], true)?,
        reason: fields.text("reason")?.unwrap_or_default(),
        model_reason: fields.text("model_reason")?.unwrap_or_default(),
        selected: fields.flag("selected")?.unwrap_or(true),
    })
}

fn result(fields: Map<String, Value>) -> Result<Parsed, String> {
    let mut fields = Fields::new(fields, "");
    let (_, parent_session_id) =
        planner_id(&mut fields)?.ok_or_else(|| fields.missing("parent_session_id"))?;
    let department_session_id = fields.required_id("department_session_id")?;
    let department = fields.required_text("department")?;
    let summary = fields.required_text("summary")?;
    if summary.trim().is_empty() {
        return Err("summary: it is empty; say what was done, or why nothing was".into());
    }
    Ok(Parsed::Result {
        parent_session_id,
        department_session_id,
        department,
        number: fields.number("revision")?,
        findings: Findings {
            summary,
            changed_files: fields.list(&["changed_files", "files"], false)?,
            verifications_run: fields.list(&["verifications_run", "verification"], true)?,
            verifications_skipped: fields.list(&["verifications_skipped"], true)?,
            risks: fields.list(&["risks"], false)?,
            needs_user_confirmation: fields.flag("needs_user_confirmation")?.unwrap_or(false),
            next_action: fields.text("next_action")?.and_then(blank::some),
        },
    })
}

/// The planner under any of its names; several must agree.
fn planner_id(fields: &mut Fields) -> Result<Option<(&'static str, SessionId)>, String> {
    let mut found: Option<(&'static str, SessionId)> = None;
    for name in ["parent_session_id", "zhongshu_session_id", "session_id"] {
        let Some(id) = fields.id(name)? else { continue };
        match &found {
            Some((first, other)) if *other != id => {
                return Err(say!("reason.file.sessions_differ", first, name).to_string());
            }
            Some(_) => {}
            None => found = Some((name, id)),
        }
    }
    Ok(found)
}

/// The fields of an object that have not been looked at yet, and where the object stands.
struct Fields {
    left: Map<String, Value>,
    at: String,
}

impl Fields {
    fn new(left: Map<String, Value>, at: &str) -> Self {
        Self {
            left,
            at: at.to_owned(),
        }
    }

    /// The field; `null` is as good as absent.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => {
                let field = format!("{}{name}", self.at);
                limits::check_text(&text, &field).map_err(|refusal| refusal.to_string())?;
                Ok(Some(text))
            }
            Some(other) => Err(self.wrong_type(name, "a string", &other)),
        }
    }

    fn required_text(&mut self, name: &str) -> Result<String, String> {
        self.text(name)?.ok_or_else(|| self.missing(name))
    }

    fn id(&mut self, name: &str) -> Result<Option<SessionId>, String> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let parsed = SessionId::parse(&text);
        parsed
            .map(Some)
            .map_err(|error| format!("{}{name}: {error}", self.at))
    }

    fn required_id(&mut self, name: &str) -> Result<SessionId, String> {
        self.id(name)?.ok_or_else(|| self.missing(name))
    }

    fn flag(&mut self, name: &str) -> Result<Option<bool>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(self.wrong_type(name, "true or false", &other)),
        }
    }

    fn number(&mut self, name: &str) -> Result<Option<u32>, String> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(self.wrong_type(name, "a whole number from 0 to 4294967295", &value)),
        }
    }

    /// A list of strings under one of its names. `one` says whether a single string may stand for a list.
    fn list(&mut self, names: &[&str], one: bool) -> Result<Vec<String>, String> {
        let mut found = None;
        for name in names {
            let Some(value) = self.take(name) else {
                continue;
            };
            if found.is_some() {
                return Err(say!(
                    "reason.file.same_field",
                    field = format!("{}{name}", self.at),
                    first = names[0]
                )
                .to_string());
            }
            found = Some(match value {
                Value::Array(items) => items
                    .into_iter()
                    .map(|item| match item {
                        Value::String(text) => Ok(text),
                        other => Err(self.wrong_type(name, "a list of strings", &other)),
                    })
                    .collect::<Result<Vec<_>, _>>()?,
                Value::String(text) if one => {
                    Vec::from_iter(Some(text).filter(|text| !text.trim().is_empty()))
                }
                other => {
                    let wanted = if one {
                        "a list of strings or a string"
                    } else {
                        "a list of strings"
                    };
                    return Err(self.wrong_type(name, wanted, &other));
                }
            });
        }
        let list = found.unwrap_or_default();
        let field = format!("{}{}", self.at, names[0]);
        limits::check_list(&list, &field).map_err(|refusal| refusal.to_string())?;
        Ok(list)
    }

    fn missing(&self, name: &str) -> String {
        say!(
            "reason.file.missing_field",
            field = format!("{}{name}", self.at)
        )
        .to_string()
    }

    fn wrong_type(&self, name: &str, wanted: &str, found: &Value) -> String {
        say!(
            "reason.file.wrong_type",
            field = format!("{}{name}", self.at),
            wanted,
            found = kind(found)
        )
        .to_string()
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
