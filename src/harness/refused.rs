//! Everything that the harness says no to: the names, numbers and extra fields of each no stand here and nowhere else.

use crate::domain::harness::state::Tombstone;
use crate::domain::sentence::{Sentence, say};
use crate::ledger::TransactError;
use serde_json::{Map, Value, json};

/// A no, as the contract has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// The status of HTTP.
    pub http: u16,
    /// The field `status`.
    pub status: &'static str,
    /// The field `code`.
    pub code: &'static str,
    /// What is wrong, and what to do.
    pub message: Sentence,
    /// Further fields.
    pub fields: Map<String, Value>,
    /// When to try again, in seconds.
    pub retry_after: Option<u32>,
}

impl Refused {
    /// A no with no more than a sentence.
    pub fn new(http: u16, code: &'static str, message: Sentence) -> Self {
        Self {
            http,
            status: "error",
            code,
            message,
            fields: Map::new(),
            retry_after: None,
        }
    }

    /// The same under another `status`, which is then the `code` as well.
    #[must_use]
    pub fn named(mut self, status: &'static str) -> Self {
        self.status = status;
        self
    }

    /// The same with one more field.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(field.to_owned(), value.into());
        self
    }

    /// The same, about this session. What is not found of a session is the session.
    #[must_use]
    pub fn of_session(self, session_id: &str) -> Self {
        let named = match self.http {
            404 if self.status == "error" => self.named("not_found"),
            _ => self,
        };
        named.with("sessionId", session_id)
    }

    /// V400: a field that does not fit.
    pub fn invalid(path: &str, message: Sentence) -> Self {
        let issue = json!([{"path": path, "message": message.to_string()}]);
        let whole = say!("refusal.harness.invalid", path, reason => message);
        Self::new(400, "invalid_request", whole).with("issues", issue)
    }

    /// P410.
    pub fn deleted(session_id: &str, tombstone: &Tombstone) -> Self {
        let refused = Self::new(410, "session_deleted", say!("refusal.harness.deleted"))
            .named("deleted")
            .of_session(session_id)
            .with("deletedAt", json!(tombstone.deleted_at));
        match &tombstone.title {
            Some(title) => refused.with("title", title.as_str()),
            None => refused,
        }
    }

    /// S403.
    pub fn system_session(session_id: &str) -> Self {
        Self::new(
            403,
            "system_session",
            say!("refusal.harness.system_session"),
        )
        .of_session(session_id)
    }

    /// E404.
    pub fn unknown_session(session_id: &str) -> Self {
        Self::new(404, "not_found", say!("refusal.harness.unknown_session")).of_session(session_id)
    }

    /// 403 beyond what the person allows.
    pub fn above_ceiling(message: Sentence) -> Self {
        Self::new(403, "above_ceiling", message)
    }

    /// 409: the wrong moment.
    pub fn invalid_state(message: Sentence) -> Self {
        Self::new(409, "invalid_state", message)
    }

    /// 501: this Codex has no such thing.
    pub fn not_supported(method: &str) -> Self {
        let message = say!("refusal.harness.not_supported", method);
        Self::new(501, "method_not_supported", message)
    }

    /// Q503: the queue of jobs is off.
    pub fn queue_is_off() -> Self {
        Self::new(503, "job_conflict", say!("refusal.harness.queue_off"))
    }

    /// 503: there is no connection to Codex.
    pub fn codex_unavailable(reason: String) -> Self {
        let message = match reason.is_empty() {
            true => say!("refusal.harness.codex_unavailable"),
            false => Sentence::recognised(&reason),
        };
        let refused = Self::new(503, "codex_unavailable", message);
        Self {
            retry_after: Some(RETRY_AFTER_SECONDS),
            ..refused
        }
    }
}

/// Codex is back within a second or two.
pub(super) const RETRY_AFTER_SECONDS: u32 = 2;

impl From<TransactError<Self>> for Refused {
    fn from(error: TransactError<Self>) -> Self {
        match error {
            TransactError::Refused(refused) => refused,
            TransactError::ReadOnly { reason } => {
                Self::new(507, "read_only", Sentence::recognised(&reason))
            }
            TransactError::Closed => Self::new(503, "stopping", say!("refusal.stopping")),
            TransactError::Panicked => Self::new(500, "internal", say!("refusal.internal")),
        }
    }
}
