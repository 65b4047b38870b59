//! What an extension answers to an event.

use crate::domain::sentence::{Sentence, say};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The most that one event may bring about.
pub const MAX_RESULTS: usize = 32;

/// One result.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Something shall be done.
    Action {
        /// What kind of thing.
        action_type: String,
        /// With what.
        payload: Value,
        /// Under this name it is done once.
        idempotency_key: Option<String>,
    },
    /// A job shall be queued.
    Enqueue {
        /// The job.
        job: Value,
        /// Under this name it is queued once.
        idempotency_key: Option<String>,
    },
    /// It is done; there is nothing to do.
    Done,
    /// It went wrong, in its own words.
    Failed(String),
    /// It is none of these.
    Invalid(Sentence),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Said {
    kind: String,
    action_type: Option<String>,
    payload: Option<Value>,
    job: Option<Value>,
    idempotency_key: Option<String>,
    message: Option<String>,
    error: Option<String>,
}

/// Reads `structuredContent`: `{"results": [{"kind": …, …}]}`. Nothing at all is nothing to do.
pub fn read(content: Option<&Value>) -> Vec<Reply> {
    let Some(content) = content.filter(|it| !it.is_null()) else {
        return Vec::new();
    };
    match content.get("results") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(all)) if all.len() > MAX_RESULTS => {
            let most = MAX_RESULTS;
            vec![Reply::Invalid(say!("reason.extension.results_count", most))]
        }
        Some(Value::Array(all)) => all.iter().map(one).collect(),
        Some(_) => vec![Reply::Invalid(say!("reason.extension.results_unreadable"))],
    }
}

fn one(said: &Value) -> Reply {
    let unreadable = || Reply::Invalid(say!("reason.extension.results_unreadable"));
    let Ok(said) = Said::deserialize(said) else {
        return unreadable();
    };
    let idempotency_key = said.idempotency_key;
    match said.kind.as_str() {
        "action_request" => match said.action_type {
            Some(action_type) => Reply::Action {
                action_type,
                payload: said.payload.unwrap_or_else(|| Map::new().into()),
                idempotency_key,
            },
            None => unreadable(),
        },
        "enqueue_result" | "enqueue_request" => match said.job.or(said.payload) {
            Some(job) => Reply::Enqueue {
                job,
                idempotency_key,
            },
            None => unreadable(),
        },
        "handler_result" => Reply::Done,
        "handler_error" => {
            let message = said.message.or(said.error).unwrap_or_default();
            Reply::Failed(message.chars().take(2000).collect())
        }
        "action_result" => Reply::Invalid(say!("reason.extension.ready_made_result")),
        _ => unreadable(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn each_kind_is_read_and_whatever_else_is_invalid() {
        let content = json!({"results": [
            {"kind": "action_request", "actionType": "transcript.upsert", "payload": {"a": 1}, "idempotencyKey": "k"},
            {"kind": "enqueue_result", "job": {"type": "agent_instruction"}},
            {"kind": "handler_result"},
            {"kind": "handler_error", "message": "no"},
            {"kind": "action_result", "status": "performed"},
            {"kind": "action_request"},
            7,
        ]});
        let all = read(Some(&content));
        assert_eq!(
            all[0],
            Reply::Action {
                action_type: "transcript.upsert".to_owned(),
                payload: json!({"a": 1}),
                idempotency_key: Some("k".to_owned()),
            }
        );
        assert!(matches!(all[1], Reply::Enqueue { .. }));
        assert_eq!(all[2], Reply::Done);
        assert_eq!(all[3], Reply::Failed("no".to_owned()));
        for wrong in &all[4..] {
            assert!(matches!(wrong, Reply::Invalid(_)), "{wrong:?}");
        }
    }

    #[test]
    fn nothing_is_nothing_and_too_much_is_refused_whole() {
        for nothing in [None, Some(json!(null)), Some(json!({})), Some(json!(3))] {
            assert_eq!(read(nothing.as_ref()), []);
        }
        for wrong in [
            json!({"results": 1}),
            json!({"results": vec![json!({"kind": "handler_result"}); 33]}),
        ] {
            let all = read(Some(&wrong));
            assert!(matches!(all[..], [Reply::Invalid(_)]), "{all:?}");
        }
    }
}
