//! A session as lists and answers show it: what Codex tells of the thread, and what only the harness knows.

use super::Harness;
use super::index::Known;
use crate::domain::harness::controls::{ApprovalPolicy, SessionControls};
use crate::domain::harness::project::ProjectId;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One session.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionSummary {
    /// Codex's thread.
    pub session_id: String,
    /// The thread's name, else how it begins, else `New chat`.
    pub title: String,
    /// Whether it has had a turn.
    pub materialized: bool,
    /// Who answers.
    pub model_provider: String,
    /// When it asks; the same as in its controls.
    pub approval_policy: ApprovalPolicy,
    /// What holds for its next turn.
    pub session_controls: SessionControls,
    /// When it was begun, in seconds since 1970.
    pub created_at: i64,
    /// When something last happened in it, in seconds since 1970.
    pub updated_at: i64,
    /// Where its commands run.
    pub cwd: String,
    /// What began it: `cli`, `vscode`, `exec`, …, `subAgent`, `unknown`.
    pub source: String,
    /// Its project.
    pub project_id: Option<ProjectId>,
    /// What it does.
    pub status: SessionStatus,
    /// How much in it waits for a person.
    pub pending: usize,
    /// Whether it is put away.
    pub archived: bool,
}

/// What a session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub enum SessionStatus {
    /// It is not in Codex's memory.
    #[serde(rename = "notLoaded")]
    NotLoaded,
    /// It waits for a message.
    #[serde(rename = "idle")]
    Idle,
    /// A turn runs.
    #[serde(rename = "running")]
    Running,
    /// A turn waits for a permission.
    #[serde(rename = "waiting_approval")]
    WaitingApproval,
    /// A turn waits for an answer.
    #[serde(rename = "waiting_input")]
    WaitingInput,
    /// The last turn failed.
    #[serde(rename = "error")]
    Error,
}

impl SessionStatus {
    /// The word for it in the dictionary of the pages.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotLoaded => "not_loaded",
            Self::Idle => "idle",
            Self::Running => "running",
            Self::WaitingApproval => "waiting_approval",
            Self::WaitingInput => "waiting_input",
            Self::Error => "error",
        }
    }

    /// Whether a turn runs, or waits in the middle.
    pub fn is_active(self) -> bool {
        matches!(
            self,
            Self::Running | Self::WaitingApproval | Self::WaitingInput
        )
    }

    /// What Codex's `{type, activeFlags?}` means.
    fn of(said: &Value) -> Self {
        let flags = said["activeFlags"].as_array();
        let waits_on = |flag: &str| flags.is_some_and(|flags| flags.iter().any(|it| it == flag));
        match said["type"].as_str() {
            Some("active") if waits_on("waitingOnApproval") => Self::WaitingApproval,
            Some("active") if waits_on("waitingOnUserInput") => Self::WaitingInput,
            Some("active") => Self::Running,
            Some("idle") => Self::Idle,
            Some("systemError") => Self::Error,
            _ => Self::NotLoaded,
        }
    }
}

impl Harness {
    /// A session as it is shown.
    pub fn summary(&self, known: &Known) -> SessionSummary {
        let (controls, project_id) = self.ledger.read(|state| {
            let own = state.sessions.get(&known.id);
            let project = own.and_then(|it| it.project_id.clone());
            (state.session_controls(&known.id), project)
        });
        SessionSummary {
            session_id: known.id.clone(),
            title: known.title().to_owned(),
            materialized: known.is_materialized(),
            model_provider: known.model_provider.clone(),
            approval_policy: controls.controls.approval_policy,
            session_controls: controls,
            created_at: known.created_at,
            updated_at: known.updated_at,
            cwd: known.cwd.to_string_lossy().into_owned(),
            source: known.source.clone(),
            project_id,
            status: SessionStatus::of(&known.status),
            pending: self.waiting(&known.id),
            archived: known.archived,
        }
    }

    /// A session as it is shown now, if it is known still.
    pub fn summary_now(&self, known: &Known) -> SessionSummary {
        let now = self.index.get(&known.id);
        self.summary(now.as_ref().unwrap_or(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_waits_for_a_person_is_told_from_what_works() {
        let flagged = |flags: &[&str]| json!({ "type": "active", "activeFlags": flags });
        let told = [
            (json!({ "type": "notLoaded" }), "notLoaded"),
            (json!({ "type": "idle" }), "idle"),
            (json!({ "type": "systemError" }), "error"),
            (flagged(&[]), "running"),
            (flagged(&["waitingOnApproval"]), "waiting_approval"),
            (flagged(&["waitingOnUserInput"]), "waiting_input"),
            (Value::Null, "notLoaded"),
        ];
        for (said, shown) in told {
            let status = SessionStatus::of(&said);
            assert_eq!(
                serde_json::to_value(status).ok(),
                Some(json!(shown)),
                "{said}"
            );
        }
    }
}
