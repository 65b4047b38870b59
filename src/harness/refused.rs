//! Everything that the harness says no to: the names, numbers and extra fields of each no stand here and nowhere else.

use crate::domain::harness::job::Job;
use crate::domain::harness::queue::{Full, MAX_IN_ALL, MAX_PER_PROJECT};
use crate::domain::harness::state::Tombstone;
use crate::domain::sentence::{Sentence, say};
use crate::domain::shown::short;
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

    /// What stands in its body, for whoever is told of it otherwise than by an answer.
    pub fn body(&self) -> Map<String, Value> {
        let mut body = self.fields.clone();
        body.insert("status".to_owned(), self.status.into());
        body.insert("code".to_owned(), self.code.into());
        body.insert("message".to_owned(), self.message.to_string().into());
        body
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

    /// QERR: no further job fits in.
    pub fn queue_full(full: Full, session_id: Option<&str>) -> Self {
        let message = match full {
            Full::Project => say!("refusal.harness.queue_full_project", most = MAX_PER_PROJECT),
            Full::All => say!("refusal.harness.queue_full", most = MAX_IN_ALL),
        };
        let refused = Self {
            retry_after: Some(RETRY_AFTER_FULL_SECONDS),
            ..Self::new(429, "queue_full", message)
        };
        match session_id {
            Some(id) => refused.of_session(id),
            None => refused,
        }
    }

    /// QERR: no job is of this type.
    pub fn unknown_job_type(kind: &str) -> Self {
        let message = say!("refusal.harness.unknown_job_type", kind = short(kind));
        Self::new(409, "job_conflict", message)
    }

    /// QERR: a payload that its type of job does not take.
    pub fn invalid_payload(path: &str, reason: Sentence) -> Self {
        let issue = json!([{"path": path, "message": reason.to_string()}]);
        let message = say!("refusal.harness.invalid", path, reason => reason);
        Self::new(409, "invalid_payload", message).with("issues", issue)
    }

    /// 404: no such job.
    pub fn unknown_job(job_id: &str) -> Self {
        Self::new(404, "not_found", say!("refusal.harness.unknown_job"))
            .named("not_found")
            .with("jobId", job_id)
    }

    /// 409: a job is over, and cannot be taken back.
    pub fn job_is_over(job: &Job) -> Self {
        let message = say!("refusal.harness.job_is_over");
        Self::new(409, "already_terminal", message)
            .named("already_terminal")
            .with("job", json!(job))
    }

    /// 409: a job waits, runs or has its result, and is not done again.
    pub fn job_is_not_to_be_retried(job: &Job) -> Self {
        let message = say!("refusal.harness.job_not_retried");
        Self::new(409, "job_conflict", message).with("job", json!(job))
    }

    /// 409: another job does the same.
    pub fn job_is_there_already(other: &Job) -> Self {
        let message = say!("refusal.harness.job_there_already");
        Self::new(409, "job_conflict", message).with("job", json!(other))
    }

    /// 503: there is no connection to Codex.
    pub fn codex_unavailable(reason: String) -> Self {
        let message = match (reason.is_empty(), Sentence::recognised(&reason)) {
            (true, _) => say!("refusal.harness.codex_unavailable"),
            (false, known) if known.is_ours() => known,
            // What a system call said is no sentence by itself.
            (false, _) => say!("refusal.harness.codex_lost", reason),
        };
        let refused = Self::new(503, "codex_unavailable", message);
        Self {
            retry_after: Some(RETRY_AFTER_SECONDS),
            ..refused
        }
    }

    /// 409: no person has allowed Codex to work here.
    pub fn trust_required() -> Self {
        Self::new(409, "trust_required", say!("refusal.trust_required"))
    }

    /// 404: no such project.
    pub fn unknown_project(project_id: &str) -> Self {
        Self::new(404, "not_found", say!("refusal.harness.unknown_project"))
            .named("not_found")
            .with("projectId", project_id)
    }

    /// 404: a session cannot go into a project that is not there.
    pub fn no_project_for(session_id: &str, project_id: &str) -> Self {
        let message = say!("refusal.harness.unknown_project");
        Self::new(404, "project_not_found", message)
            .named("project_not_found")
            .of_session(session_id)
            .with("projectId", project_id)
    }

    /// 409: another project has the name.
    pub fn duplicate_name(project_id: &str) -> Self {
        Self::new(
            409,
            "duplicate_name",
            say!("refusal.harness.duplicate_name"),
        )
        .named("duplicate_name")
        .with("projectId", project_id)
    }

    /// 409: a project with sessions in it is not deleted.
    pub fn project_not_empty(project_id: &str, count: usize) -> Self {
        let message = say!("refusal.harness.project_not_empty", count);
        Self::new(409, "project_not_empty", message)
            .named("project_not_empty")
            .with("projectId", project_id)
            .with("sessionCount", count)
    }

    /// 409: a session without a turn cannot be put away.
    pub fn not_materialized(session_id: &str) -> Self {
        Self::new(
            409,
            "not_materialized",
            say!("refusal.harness.not_materialized"),
        )
        .named("not_materialized")
        .of_session(session_id)
    }

    /// 409: sessions of a project have had no turn, and cannot be put away.
    pub fn not_materialized_sessions(project_id: &str, session_ids: Vec<String>) -> Self {
        let message = say!("refusal.harness.not_materialized_sessions");
        Self::new(409, "not_materialized_sessions", message)
            .named("not_materialized_sessions")
            .with("projectId", project_id)
            .with("sessionIds", session_ids)
    }
}

impl Refused {
    /// 409: the set is being loaded.
    pub fn reload_in_progress() -> Self {
        let message = say!("refusal.harness.reload_in_progress");
        Self::new(409, "reload_in_progress", message)
    }

    /// 409: these are not the files that were found.
    pub fn unknown_extension(agent_id: &str) -> Self {
        let message = say!("refusal.harness.unknown_extension");
        Self::new(409, "content_changed", message).with("agentId", agent_id)
    }

    /// 503: the server is about to end.
    pub fn stopping() -> Self {
        Self::new(503, "stopping", say!("refusal.stopping"))
    }

    /// 413: settings above the bound, in KiB.
    pub fn settings_too_large(kib: usize) -> Self {
        let message = say!("refusal.harness.settings_too_large", kib);
        Self::new(413, "settings_too_large", message)
    }

    /// LOCK: the defaults stay as they are.
    pub fn locked(message: Sentence, scope: &str, settings: Map<String, Value>) -> Self {
        Self::new(423, "locked", message)
            .named("locked")
            .with("scope", scope)
            .with("settings", settings)
    }

    /// 501: tools that come with a message or a resume, which Codex would not read.
    pub fn tools_at_start() -> Self {
        let message = say!("refusal.harness.tools_at_start_only");
        Self::new(501, "method_not_supported", message)
    }

    /// 501: a review in another thread.
    pub fn review_detached() -> Self {
        let message = say!("refusal.harness.review_detached");
        Self::new(501, "method_not_supported", message)
    }

    /// 426: this is a WebSocket and nothing else.
    pub fn upgrade_required() -> Self {
        Self::new(
            426,
            "upgrade_required",
            say!("refusal.harness.upgrade_required"),
        )
    }

    /// 503: as many read the stream as can.
    pub fn too_many_streams(most: usize) -> Self {
        let message = say!("refusal.harness.too_many_streams", most);
        let refused = Self::new(503, "too_many_streams", message);
        Self {
            retry_after: Some(RETRY_AFTER_SECONDS),
            ..refused
        }
    }

    /// 401: Codex has no login.
    pub fn auth_required(message: Sentence) -> Self {
        Self::new(401, "auth_required", message)
    }

    /// 404: nothing waits, or waited, under this id.
    pub fn unknown_pending(field: &str, id: &str) -> Self {
        Self::new(404, "not_found", say!("refusal.no_such_ask"))
            .named("not_found")
            .with(field, id)
    }

    /// The same of something that waited, and is decided, is over, or cannot be decided so.
    #[must_use]
    pub fn reconciled(self, field: &str, id: &str, thread_id: &str) -> Self {
        self.named("reconciled")
            .with(field, id)
            .with("threadId", thread_id)
    }

    /// 409: a call has its answer.
    pub fn tool_call_answered(id: &str, message: Sentence) -> Self {
        Self::new(409, "in_flight", message)
            .named("conflict")
            .with("requestId", id)
    }

    /// 500: a defect of ours.
    pub fn internal() -> Self {
        Self::new(500, "internal", say!("refusal.internal"))
    }

    /// 409: no turn runs.
    pub fn no_active_turn(session_id: &str) -> Self {
        Self::new(
            409,
            "no_active_turn",
            say!("refusal.harness.no_active_turn"),
        )
        .named("no_active_turn")
        .of_session(session_id)
    }

    /// 409: words for a turn that does not run.
    pub fn steered_another(session_id: &str, turn_id: &str, said: &str) -> Self {
        Self::new(409, "conflict", say!("refusal.harness.other_turn"))
            .not_steered(session_id, turn_id, said)
    }

    /// 409: words for a turn that takes none.
    pub fn not_steerable(session_id: &str, turn_id: &str, said: &str) -> Self {
        Self::new(409, "not_eligible", say!("refusal.harness.not_steerable"))
            .not_steered(session_id, turn_id, said)
    }

    fn not_steered(self, session_id: &str, turn_id: &str, said: &str) -> Self {
        let result = json!({
            "actionType": "turn.steer",
            "status": self.code,
            "details": {"reason": said},
        });
        self.of_session(session_id)
            .with("turnId", turn_id)
            .with("result", result)
    }
}

/// Codex is back within a second or two.
pub(super) const RETRY_AFTER_SECONDS: u32 = 2;
/// A job takes some seconds.
const RETRY_AFTER_FULL_SECONDS: u32 = 5;

impl From<TransactError<Self>> for Refused {
    fn from(error: TransactError<Self>) -> Self {
        match error {
            TransactError::Refused(refused) => refused,
            TransactError::ReadOnly { reason } => {
                Self::new(507, "read_only", Sentence::recognised(&reason))
            }
            TransactError::Closed => Self::stopping(),
            TransactError::Panicked => Self::internal(),
        }
    }
}
