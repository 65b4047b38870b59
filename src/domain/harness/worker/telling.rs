//! A message for a worker, as it stands on record before Codex has it.

use crate::domain::harness::job::JobId;
use serde::{Deserialize, Serialize};

/// A message for a worker, which may have arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    /// Its name, which Codex carries.
    pub message_id: String,
    /// The job that it is about.
    pub job_id: JobId,
    /// Which attempt at it.
    pub attempt: u32,
    /// Whether it says what a worker is.
    #[serde(default)]
    pub orients: bool,
    /// Under this name it says something that is said once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap_key: Option<String>,
}
