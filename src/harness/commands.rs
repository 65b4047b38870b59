//! A command in the sandbox without a thread, and what a person tells Codex's makers.

use super::ceilings::By;
use super::{Harness, Refused};
use crate::domain::harness::ceilings::Act;
use crate::domain::harness::controls::{Controls, FilesystemSandbox, NetworkAccess};
use serde_json::{Value, json};
use std::time::Duration;

/// What a command may take when nobody says, in milliseconds.
const OTHERWISE_MS: u64 = 60_000;
/// How much longer than the command its answer may take.
const MARGIN: Duration = Duration::from_secs(10);

impl Harness {
    /// Runs a command to its end: in the repository, without network, writing no more than new threads may, and at most to its folder and
    /// to temporary ones. `{exitCode, stdout, stderr}`; 124 is the exit code of one that ran out of time.
    ///
    /// # Errors
    /// When a person does not let the caller run commands, or not in this folder; else what Codex says, by cause.
    pub async fn execute(
        &self,
        by: &By,
        command: &[String],
        cwd: Option<&str>,
        timeout_ms: Option<u64>,
    ) -> Result<Value, Refused> {
        self.allows_act(by, Act::Exec).await?;
        let cwd = self.folder(by, cwd).await?;
        let of_new = self.ledger.read(|state| state.defaults.filesystem_sandbox);
        let most = self.core.policy().ceilings.sandbox;
        let sandbox = Controls {
            filesystem_sandbox: of_new.min(most).min(FilesystemSandbox::WorkspaceWrite),
            network_access: NetworkAccess::Restricted,
            ..Controls::default()
        };
        let timeout_ms = timeout_ms.unwrap_or(OTHERWISE_MS);
        let params = json!({
            "command": command,
            "cwd": cwd,
            "timeoutMs": timeout_ms,
            "sandboxPolicy": sandbox.sandbox_policy(),
        });
        let limit = Duration::from_millis(timeout_ms) + MARGIN;
        self.call_within("command/exec", params, limit).await
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
