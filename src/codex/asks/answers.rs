//! The way back: a decision as Codex is told it, and the answer of another client as what it decided.

use super::{access, decision, text, words};
use crate::domain::ask::decision::Decision;
use crate::domain::ask::given::{Answers, Checked, Reply};
use crate::domain::ask::{Access, Ask, What};
use serde_json::{Map, Value, json};
use std::fmt;

/// How Codex is told of a decision. May hold secrets, so it shows nothing of itself.
#[derive(Clone, PartialEq)]
pub enum Told {
    /// By this result.
    Result(Value),
    /// By the end of the turn that waits.
    Interrupt,
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Result(_) => "Result",
            Self::Interrupt => "Interrupt",
        })
    }
}

/// How Codex is told of a decision.
pub fn answer(what: &What, checked: &Checked) -> Told {
    match what.is_broken_off_by(&checked.decision) {
        true => Told::Interrupt,
        false => Told::Result(result(what, checked)),
    }
}

fn result(what: &What, checked: &Checked) -> Value {
    match what {
        What::Command { .. } | What::Patch { .. } => {
            json!({"decision": approval(&checked.decision)})
        }
        What::Permissions { .. } => {
            let granted = checked.permissions.as_ref();
            let granted = granted.filter(|_| checked.decision.allows());
            let scope = match checked.decision {
                Decision::GrantSession => "session",
                _ => "turn",
            };
            json!({"permissions": granted.map_or_else(|| json!({}), profile), "scope": scope})
        }
        What::Questions { .. } => {
            let one =
                |(id, texts): (&String, &Vec<String>)| (id.clone(), json!({"answers": texts}));
            let answers: Map<String, Value> = checked.answers.iter().map(one).collect();
            json!({"answers": answers})
        }
        What::Form { .. } | What::Url { .. } | What::McpTool { .. } => {
            let mut result = Map::new();
            let (action, persist) = match checked.decision {
                Decision::Decline => ("decline", None),
                Decision::Cancel => ("cancel", None),
                Decision::AcceptForSession => ("accept", Some("session")),
                Decision::AcceptAlways => ("accept", Some("always")),
                _ => ("accept", None),
            };
            result.insert("action".to_owned(), action.into());
            if let (What::Form { .. }, "accept") = (what, action) {
                let content = checked.content.clone().unwrap_or_else(|| json!({}));
                result.insert("content".to_owned(), content);
            }
            if let Some(persist) = persist {
                result.insert("_meta".to_owned(), json!({"persist": persist}));
            }
            Value::Object(result)
        }
        What::ToolCall { .. } => checked.content.clone().unwrap_or_default(),
        // Nothing is offered for these.
        What::Unknown { .. } => Value::Null,
    }
}

pub(super) fn approval(decision: &Decision) -> Value {
    let host = |host: &str, action: &str| {
        let amendment = json!({"host": host, "action": action});
        json!({"applyNetworkPolicyAmendment": {"network_policy_amendment": amendment}})
    };
    match decision {
        Decision::AcceptForSession => json!("acceptForSession"),
        Decision::AcceptWithRule { rule } => {
            json!({"acceptWithExecpolicyAmendment": {"execpolicy_amendment": rule}})
        }
        Decision::AllowHost { host: name } => host(name, "allow"),
        Decision::DenyHost { host: name } => host(name, "deny"),
        Decision::Decline => json!("decline"),
        Decision::Cancel => json!("cancel"),
        _ => json!("accept"),
    }
}

pub(super) fn profile(access: &Access) -> Value {
    let mut files = Map::new();
    for (name, paths) in [("read", &access.read), ("write", &access.write)] {
        if !paths.is_empty() {
            files.insert(name.to_owned(), json!(paths));
        }
    }
    if !access.entries.is_empty() {
        files.insert("entries".to_owned(), json!(access.entries));
        if let Some(depth) = access.scan_depth {
            files.insert("globScanMaxDepth".to_owned(), json!(depth));
        }
    }
    let mut profile = Map::new();
    if !files.is_empty() {
        profile.insert("fileSystem".to_owned(), Value::Object(files));
    }
    if access.network == Some(true) {
        profile.insert("network".to_owned(), json!({"enabled": true}));
    }
    Value::Object(profile)
}

/// What an answer of another client decided, as far as it can be read, without what is secret in it.
pub fn read_answer(ask: &Ask, result: &Value) -> Option<Reply> {
    let told = |decision: Decision| Checked {
        decision,
        answers: Answers::new(),
        content: None,
        permissions: None,
        words: None,
    };
    let checked = match &ask.what {
        What::Command { .. } | What::Patch { .. } => told(decision(result.get("decision")?)?),
        What::Permissions { .. } => {
            let granted = result.get("permissions").and_then(access);
            let by_scope = match text(result, "scope").as_deref() {
                Some("session") => Decision::GrantSession,
                _ => Decision::GrantTurn,
            };
            Checked {
                permissions: granted.clone(),
                ..told(granted.map_or(Decision::Decline, |_| by_scope))
            }
        }
        What::Questions { .. } => {
            let given = result.get("answers")?.as_object()?;
            let one = |(id, it): (&String, &Value)| Some((id.clone(), words(it.get("answers")?)?));
            let answers: Answers = given.iter().filter_map(one).collect();
            let decision = match answers.is_empty() {
                true => Decision::Decline,
                false => Decision::Answer,
            };
            Checked {
                answers,
                ..told(decision)
            }
        }
        What::Form { .. } | What::Url { .. } | What::McpTool { .. } => {
            let persist = result.get("_meta").and_then(|meta| text(meta, "persist"));
            let decision = match (result.get("action")?.as_str()?, persist.as_deref()) {
                ("accept", Some("session")) => Decision::AcceptForSession,
                ("accept", Some("always")) => Decision::AcceptAlways,
                ("accept", _) => Decision::Accept,
                ("cancel", _) => Decision::Cancel,
                _ => Decision::Decline,
            };
            Checked {
                content: result.get("content").filter(|it| !it.is_null()).cloned(),
                ..told(decision)
            }
        }
        What::ToolCall { .. } => Checked {
            content: Some(result.clone()),
            ..told(Decision::Answer)
        },
        What::Unknown { .. } => return None,
    };
    Some(checked.kept(&ask.what))
}
