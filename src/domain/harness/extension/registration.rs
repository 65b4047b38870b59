//! What an extension wants to hear of: its tool for events says so in `_meta`.

use super::fault::{Code, Fault};
use crate::domain::sentence::{Sentence, say};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// The tool that events are given to.
pub const TOOL: &str = "handle_event";

/// What a session asks for its next request.
pub const SUGGEST_REQUESTED: &str = "suggest_request.requested";
/// A change of files waits for somebody's yes.
pub const FILE_CHANGE_REQUESTED: &str = "file_change.approval_requested";
/// A turn is over.
pub const TURN_COMPLETED: &str = "turn.completed";
/// How the names of signals begin.
pub const SIGNALS: &str = "app_server.";

/// The most registrations of one extension: there are some hundred methods.
const MAX_REGISTRATIONS: usize = 512;
/// The most bytes of the name of a handler.
const MAX_HANDLER: usize = 80;
/// What holds when nothing is said, and the most that may be said.
const LIMIT: Duration = Duration::from_secs(30);
/// Less than this nobody can keep on a busy machine.
const LEAST_LIMIT: Duration = Duration::from_millis(50);
/// What holds when nothing is said.
const PRIORITY: i64 = 100;

/// An event that an extension wants to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Its name.
    pub event: String,
    /// The lower, the earlier.
    pub priority: i64,
    /// How long the handler may take.
    pub limit: Duration,
    /// Which of its handlers is meant, where several hear of the same.
    pub handler: Option<String>,
}

/// Whether something says what Codex said, word by word; such events come in great numbers, and one that is lost is no harm.
pub fn is_signal(event: &str) -> bool {
    event.starts_with(SIGNALS)
}

fn exists(event: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c);
    let is_signal = is_signal(event) && event.len() > SIGNALS.len() && event.len() <= 120;
    matches!(
        event,
        SUGGEST_REQUESTED | FILE_CHANGE_REQUESTED | TURN_COMPLETED
    ) || is_signal && event.chars().all(is_plain)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Name(String),
    #[serde(rename_all = "camelCase")]
    Whole {
        event: String,
        priority: Option<i64>,
        timeout_ms: Option<u64>,
        handler: Option<String>,
    },
}

/// Reads `_meta` of the tool: `{"events": ["turn.completed", {"event": …, "priority": …, "timeoutMs": …, "handler": …}]}`.
///
/// # Errors
/// When it is not so, names an event that does not exist, or one twice for the same handler.
pub fn read(meta: &Value) -> Result<Vec<Registration>, Fault> {
    let failed = |message: Sentence| Fault::new(Code::RegistrationFailed, message);
    let said: Vec<Said> = serde_json::from_value(meta["events"].clone())
        .map_err(|error| failed(say!("reason.extension.events_unreadable", error)))?;
    if said.is_empty() || said.len() > MAX_REGISTRATIONS {
        let most = MAX_REGISTRATIONS;
        return Err(failed(say!("reason.extension.events_count", most)));
    }
    let mut all: Vec<Registration> = Vec::new();
    for said in said {
        let (event, priority, timeout_ms, handler) = match said {
            Said::Name(event) => (event, None, None, None),
            Said::Whole {
                event,
                priority,
                timeout_ms,
                handler,
            } => (event, priority, timeout_ms, handler),
        };
        if !exists(&event) {
            let event: String = event.chars().take(120).collect();
            return Err(failed(say!("reason.extension.unknown_event", event)));
        }
        if handler.as_ref().is_some_and(|it| it.len() > MAX_HANDLER) {
            let most = MAX_HANDLER;
            return Err(failed(say!("reason.extension.handler_name", event, most)));
        }
        if all
            .iter()
            .any(|it| it.event == event && it.handler == handler)
        {
            return Err(failed(say!("reason.extension.event_twice", event)));
        }
        let limit = timeout_ms.map_or(LIMIT, Duration::from_millis);
        all.push(Registration {
            event,
            priority: priority.unwrap_or(PRIORITY),
            limit: limit.clamp(LEAST_LIMIT, LIMIT),
            handler,
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_registration_has_a_name_and_says_the_rest_if_it_likes() {
        let meta = json!({"events": [
            "turn.completed",
            {"event": "app_server.item.agent_message.delta", "priority": -3, "timeoutMs": 900_000},
            {"event": "file_change.approval_requested", "timeoutMs": 0},
        ]});
        let all = read(&meta).unwrap();
        let plain: Vec<_> = all
            .iter()
            .map(|it| (it.priority, it.limit.as_millis()))
            .collect();
        assert_eq!(plain, [(100, 30_000), (-3, 30_000), (100, 50)]);
        assert!(is_signal(&all[1].event) && !is_signal(&all[0].event));
    }

    #[test]
    fn several_handlers_hear_of_the_same_when_they_have_names() {
        let one = |handler: &str| json!({"event": "turn.completed", "handler": handler});
        let all = read(&json!({"events": ["turn.completed", one("a"), one("b")]})).unwrap();
        let names: Vec<_> = all.iter().map(|it| it.handler.as_deref()).collect();
        assert_eq!(names, [None, Some("a"), Some("b")]);
        for wrong in [json!([one("a"), one("a")]), json!([one(&"a".repeat(81))])] {
            assert!(read(&json!({ "events": wrong })).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_that_never_happens_is_waited_for() {
        for events in [
            json!(null),
            json!([]),
            json!("turn.completed"),
            json!(["*"]),
            json!(["app_server."]),
            json!(["app_server.Item"]),
            json!(["turn.begun"]),
            json!([1]),
            json!(["turn.completed", {"event": "turn.completed"}]),
            json!(vec!["turn.completed"; 513]),
        ] {
            let fault = read(&json!({"events": events})).unwrap_err();
            assert_eq!(fault.code, Code::RegistrationFailed, "{events}");
        }
    }
}
