//! An action: something that an extension, or an agent in its answer, wants done in one session. What it may reach is its scope: the session,
//! the turn and the project that it is about, and nothing else.

use super::extension::manifest::AgentId;
use super::project::ProjectId;
use crate::domain::hex::hex;
use crate::domain::sentence::Sentence;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Characters of a key.
pub const MAX_KEY: usize = 400;

/// What kinds there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ActionType {
    /// Writes a row of the transcript.
    #[serde(rename = "transcript.upsert")]
    TranscriptUpsert,
    /// Decides about an approval.
    #[serde(rename = "approval.decide")]
    ApprovalDecide,
    /// Says something in the turn that runs.
    #[serde(rename = "turn.steer.create")]
    TurnSteer,
    /// Queues a job.
    #[serde(rename = "queue.enqueue")]
    QueueEnqueue,
    /// Names a session that has no name.
    #[serde(rename = "session.name")]
    SessionName,
}

impl ActionType {
    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name))
            .ok()
    }

    /// Whether it decides something, of which one event takes one.
    pub const fn decides(self) -> bool {
        matches!(self, Self::ApprovalDecide | Self::TurnSteer)
    }
}

/// Who wants something done. None of them is a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doer {
    /// An extension.
    Extension(AgentId),
    /// The agent of this name, which does a job.
    Worker(String),
}

impl Doer {
    /// What the journal names as the actor of what it does.
    pub fn actor(&self) -> String {
        match self {
            Self::Extension(agent_id) => agent_id.actor(),
            Self::Worker(agent) => format!("worker:{agent}"),
        }
    }

    /// What it is, in the journal.
    pub const fn role(&self) -> &'static str {
        match self {
            Self::Extension(_) => "extension",
            Self::Worker(_) => "worker",
        }
    }
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// One of the names of [`ActionType`]; whoever wants it may have got it wrong.
    pub action_type: String,
    /// What its kind asks for.
    #[serde(default)]
    pub payload: Value,
    /// Under this key it is done once; without one, each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

impl Action {
    /// What tells two actions under the same key apart.
    pub fn digest(&self) -> String {
        let told = serde_json::json!([self.action_type, self.payload]);
        hex(&Sha256::digest(told.to_string()))
    }
}

/// What an action may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The project; what stands for one where the session is in none.
    pub project_id: ProjectId,
    /// The session.
    pub session_id: String,
    /// The turn; `None`: any of the session.
    pub turn_id: Option<String>,
}

impl Scope {
    /// Whether what a payload names, where it names anything, is in it.
    pub fn has(&self, payload: &Value) -> bool {
        let is = |fields: &[&str], wanted: Option<&str>| {
            fields.iter().all(|field| match (&payload[*field], wanted) {
                (Value::Null, _) | (_, None) => true,
                (named, Some(wanted)) => named.as_str() == Some(wanted),
            })
        };
        is(
            &["sessionId", "threadId", "sourceSessionId"],
            Some(&self.session_id),
        ) && is(&["turnId"], self.turn_id.as_deref())
            && is(&["projectId"], Some(&self.project_id.0))
    }
}

/// Whose key it is, and the key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyId {
    /// Who wanted the action, as the journal names them.
    pub actor: String,
    /// The session that it was about.
    pub session_id: String,
    /// The key.
    pub key: String,
}

/// How an action went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionStatus {
    /// It was done.
    Performed,
    /// Somebody else was first.
    AlreadyResolved,
    /// It cannot be done there.
    NotEligible,
    /// Something else is the case, or was done under the same key.
    Conflict,
    /// It is not in its scope, or above what a person allows.
    Forbidden,
    /// It is no action, or its payload does not fit.
    Invalid,
    /// It could not be done.
    Failed,
}

impl ActionStatus {
    /// Its name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Performed => "performed",
            Self::AlreadyResolved => "already_resolved",
            Self::NotEligible => "not_eligible",
            Self::Conflict => "conflict",
            Self::Forbidden => "forbidden",
            Self::Invalid => "invalid",
            Self::Failed => "failed",
        }
    }
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionResult {
    /// Its kind, as it was named.
    pub action_type: String,
    /// How it went.
    pub status: ActionStatus,
    /// What was done, or is in the way.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub details: Value,
}

impl ActionResult {
    /// It was done.
    pub fn performed(action_type: &str, details: Value) -> Self {
        Self {
            action_type: action_type.to_owned(),
            status: ActionStatus::Performed,
            details,
        }
    }

    /// It was not.
    pub fn not(action_type: &str, status: ActionStatus, reason: &Sentence) -> Self {
        Self {
            action_type: action_type.chars().take(80).collect(),
            status,
            details: serde_json::json!({ "reason": reason.to_string() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn kinds_have_their_names() {
        for name in [
            "transcript.upsert",
            "approval.decide",
            "turn.steer.create",
            "queue.enqueue",
            "session.name",
        ] {
            let kind = ActionType::named(name);
            assert_eq!(json!(kind), name);
        }
        assert_eq!(ActionType::named("transcript.delete"), None);
    }

    #[test]
    fn a_scope_holds_what_is_named() {
        let scope = Scope {
            project_id: ProjectId("p".to_owned()),
            session_id: "s".to_owned(),
            turn_id: Some("t".to_owned()),
        };
        assert!(scope.has(&json!({})));
        assert!(scope.has(&json!({"sessionId": "s", "turnId": "t", "projectId": "p"})));
        for outside in [
            json!({"sessionId": "o"}),
            json!({"threadId": "o"}),
            json!({"turnId": "o"}),
            json!({"turnId": 5}),
            json!({"projectId": "o"}),
            json!({"sessionId": "s", "sourceSessionId": "o"}),
        ] {
            assert!(!scope.has(&outside), "{outside}");
        }
    }
}
