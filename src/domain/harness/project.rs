//! A project groups threads, and says where new ones begin.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the place of a project begins with where there is none.
const SESSION: &str = "session:";

/// A project's name in the API and in the journal: a UUID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct ProjectId(pub String);

impl ProjectId {
    /// A new one.
    pub fn fresh() -> Self {
        Self(uuid::Uuid::now_v7().to_string())
    }

    /// What stands for the project of a session that is in none.
    pub fn of_session(session_id: &str) -> Self {
        Self(format!("{SESSION}{session_id}"))
    }

    /// The session that this stands for, where it is no project.
    pub fn session(&self) -> Option<&str> {
        self.0.strip_prefix(SESSION)
    }
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Its id.
    pub project_id: ProjectId,
    /// Its name, which no other project has, whatever its case.
    pub name: String,
    /// Where its new threads begin; `null`: in the repository.
    pub working_directory: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last renamed.
    pub updated_at: DateTime<Utc>,
}

/// What tells two names apart: neither case nor the spaces around and between words.
pub fn folded(name: &str) -> String {
    let words: Vec<_> = name.split_whitespace().collect();
    words.join(" ").to_lowercase()
}
