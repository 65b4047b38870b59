//! From what Codex says to what a client is told: one table, the first row that fits holds. Codex numbers nearly every refusal -32600, so
//! most rows go by its words; `tests/codex_client/causes.rs` takes those from the real one.

use super::refused::{RETRY_AFTER_SECONDS, Refused};
use crate::codex::CallError;
use crate::codex::wire::{METHOD_NOT_FOUND, OVERLOADED};
use crate::domain::sentence::{Sentence, say};
use serde_json::{Map, Value, json};

/// JSON-RPC's number for parameters that do not fit.
const INVALID_PARAMS: i64 = -32602;
/// What stands before the words of Codex's reader of requests. What it quotes is the client's, and says nothing about the cause.
const UNREADABLE: &str = "Invalid request: ";
/// A list of all methods, for example, helps nobody.
const LONGEST: usize = 2_000;

/// A refusal of Codex.
struct Said<'a> {
    method: &'a str,
    code: i64,
    message: &'a str,
    data: Option<&'a Value>,
}

impl Said<'_> {
    /// A name that Codex gives to the cause, for programs.
    fn named(&self, field: &str) -> Option<&str> {
        self.data?.get(field)?.as_str()
    }

    fn is_unreadable(&self) -> bool {
        self.message.starts_with(UNREADABLE)
    }

    fn lacks_method(&self) -> bool {
        let unknown = format!("{UNREADABLE}unknown variant `{}`,", self.method);
        self.code == METHOD_NOT_FOUND || self.message.starts_with(&unknown)
    }

    /// Whether its own words, in no matter which case, hold one of these. What comes from a file or a request that is quoted does not count.
    fn says(&self, words: &[&str]) -> bool {
        if self.is_unreadable() || self.named(CONFIG_CODE).is_some() {
            return false;
        }
        let message = self.message.to_lowercase();
        words.iter().any(|word| message.contains(word))
    }
}

/// Where Codex names what is wrong with a change of its configuration.
const CONFIG_CODE: &str = "config_write_error_code";
/// Where Codex names what is wrong with a message.
const INPUT_CODE: &str = "input_error_code";

/// One row: when it holds, and what is answered.
struct Cause {
    holds: fn(&Said<'_>) -> bool,
    http: u16,
    code: &'static str,
}

/// Every cause that a refusal may have.
const CAUSES: [Cause; 8] = [
    Cause {
        holds: |it| it.code == OVERLOADED,
        http: 503,
        code: "codex_busy",
    },
    Cause {
        holds: |it| it.says(&["authentication required", "unauthorized", "missing bearer"]),
        http: 401,
        code: "auth_required",
    },
    Cause {
        holds: |it| {
            it.says(&[
                "thread not found",
                "thread not loaded",
                "no rollout found",
                "no archived rollout found",
                "turn not found",
                "no mcp server named",
                "invalid thread id",
                "invalid session id",
                "invalid login id",
            ])
        },
        http: 404,
        code: "not_found",
    },
    Cause {
        holds: |it| it.lacks_method() || it.says(&["requires experimentalapi capability"]),
        http: 501,
        code: "method_not_supported",
    },
    Cause {
        holds: |it| {
            it.named(CONFIG_CODE) == Some("configVersionConflict")
                || it.says(&[
                    "is archived",
                    "requires a loaded source",
                    "no active turn",
                    "expected active turn",
                    "active writer",
                    "still references",
                    "must be idle",
                    "must be the latest finished turn",
                    "cannot steer",
                    "notsteerable",
                    // A turn that ended before Codex wrote its beginning.
                    "persisted start boundary",
                ])
        },
        http: 409,
        code: "invalid_state",
    },
    Cause {
        holds: |it| it.named(INPUT_CODE) == Some("input_too_large"),
        http: 413,
        code: "too_large",
    },
    Cause {
        holds: |it| {
            it.code == INVALID_PARAMS
                || it.is_unreadable()
                || it.named(CONFIG_CODE).is_some()
                || it.says(&[
                    "invalid cursor",
                    "exceeds total",
                    "nul byte",
                    "must not be empty",
                    "only supported for",
                    "dynamic tool name",
                    "dynamic tool input schema",
                ])
        },
        http: 400,
        code: "invalid_params",
    },
    Cause {
        holds: |_| true,
        http: 500,
        code: "codex_error",
    },
];

impl Refused {
    /// What came of a call to Codex, by cause.
    pub fn of_codex(error: &CallError) -> Self {
        match error {
            CallError::Closed { reason } => Self::codex_unavailable(reason.clone()),
            CallError::TimedOut { method, seconds } => {
                let message = say!("refusal.harness.codex_timeout", method, seconds);
                Self::new(504, "codex_timeout", message).with("details", json!({"method": method}))
            }
            CallError::TooLarge { .. } => {
                Self::new(413, "too_large", Sentence::recognised(&error.to_string()))
            }
            CallError::Outdated => Self::invalid_state(say!("reason.codex.outdated")),
            CallError::Malformed { method, .. } => {
                Self::new(500, "codex_error", Sentence::recognised(&error.to_string()))
                    .with("details", json!({"method": method}))
            }
            CallError::Refused {
                method,
                code,
                message,
                data,
            } => Self::by_cause(&Said {
                method,
                code: *code,
                message,
                data: data.as_ref(),
            }),
        }
    }

    fn by_cause(said: &Said<'_>) -> Self {
        let cause = CAUSES.iter().find(|cause| (cause.holds)(said));
        let cause = cause.expect("the last row holds always");
        let message = match cause.code {
            "codex_busy" => say!("refusal.harness.codex_busy"),
            "method_not_supported" => say!("refusal.harness.not_supported", method = said.method),
            _ => Sentence::verbatim(shortened(said.message)),
        };
        let mut details = Map::new();
        details.insert("method".to_owned(), said.method.into());
        details.insert("code".to_owned(), said.code.into());
        if let Some(data) = said.data {
            details.insert("data".to_owned(), data.clone());
        }
        let refused = Self::new(cause.http, cause.code, message).with("details", details);
        Self {
            retry_after: (cause.http == 503).then_some(RETRY_AFTER_SECONDS),
            ..refused
        }
    }
}

fn shortened(message: &str) -> String {
    let message = message.trim();
    match message.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn refused(method: &str, code: i64, message: &str, data: Option<Value>) -> Refused {
        Refused::of_codex(&CallError::Refused {
            method: method.to_owned(),
            code,
            message: message.to_owned(),
            data,
        })
    }

    #[test]
    fn a_lost_connection_is_told_in_a_sentence_whatever_the_system_says() {
        let lost = |reason: &str| {
            let reason = reason.to_owned();
            Refused::of_codex(&CallError::Closed { reason })
        };
        let refused = lost("reading failed: Connection reset by peer (os error 104)");
        assert_eq!((refused.http, refused.code), (503, "codex_unavailable"));
        let said = refused.message.both();
        assert!(said.en.starts_with("Codex cannot be reached"), "{said:?}");
        assert!(said.en.contains("os error 104"), "{said:?}");
        assert!(said.zh.starts_with("暂时无法连接 Codex"), "{said:?}");
        // What is a sentence of ours stays as it is.
        let starting = lost(&say!("reason.codex.starting").to_string());
        assert_eq!(starting.message, say!("reason.codex.starting"));
    }

    /// What the tests with the real Codex cannot have it say.
    #[test]
    fn a_busy_codex_is_asked_again_and_what_a_client_wrote_is_no_cause() {
        let busy = refused(
            "model/list",
            -32001,
            "Server overloaded; retry later.",
            None,
        );
        assert_eq!((busy.http, busy.code), (503, "codex_busy"));
        assert_eq!(busy.retry_after, Some(RETRY_AFTER_SECONDS));
        let unauthorized = refused(
            "turn/start",
            -32600,
            "401 Unauthorized: Missing bearer",
            None,
        );
        assert_eq!(
            (unauthorized.http, unauthorized.code),
            (401, "auth_required")
        );
        let quoted = "Invalid request: unknown variant `thread not found`, expected `a`";
        let quoted = refused("thread/start", -32600, quoted, None);
        assert_eq!((quoted.http, quoted.code), (400, "invalid_params"));
        let file = "Invalid configuration: unknown variant `turn not found`";
        let code = json!({"config_write_error_code": "configValidationError"});
        let file = refused("config/value/write", -32600, file, Some(code.clone()));
        assert_eq!((file.http, file.code), (400, "invalid_params"));
        assert_eq!(file.fields["details"]["data"], code);
        let late = Refused::of_codex(&CallError::TimedOut {
            method: "model/list".to_owned(),
            seconds: 120,
        });
        assert_eq!((late.http, late.code), (504, "codex_timeout"));
        let long = refused("a", -32603, &"é".repeat(3_000), None);
        assert_eq!(long.http, 500);
        assert_eq!(long.message.to_string().chars().count(), LONGEST + 1);
    }
}
