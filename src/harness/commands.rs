//! A command in the sandbox without a thread, and what a person tells Codex's makers.

use super::ceilings::By;
use super::{Harness, Refused};
use crate::domain::harness::ceilings::Act;
use crate::domain::sentence::say;
use serde_json::Value;

impl Harness {
    /// Runs a command to its end. Nobody gets that for now: Codex 0.169 was seen to run such a command without its sandbox in the
    /// app-server that we start, and in one started by hand with it. Until it is known why, what cannot be promised is not done.
    ///
    /// # Errors
    /// Always.
    pub async fn execute(&self, by: &By, cwd: Option<&str>) -> Result<Value, Refused> {
        self.allows_act(by, Act::Exec).await?;
        self.folder(by, cwd).await?;
        Err(Refused::above_ceiling(say!("refusal.harness.exec_off")))
    }

    /// Sends words, and if wanted logs, to Codex's makers.
    ///
    /// # Errors
    /// While a person has not switched that on; else what Codex says, by cause.
    pub async fn send_feedback(&self, by: &By, params: Value) -> Result<Value, Refused> {
        self.allows_act(by, Act::Feedback).await?;
        self.call("feedback/upload", params).await
    }
}
