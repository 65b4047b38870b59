//! A command in the sandbox without a thread, and what a person tells Codex's makers.

use super::ceilings::By;
use super::{Harness, Refused};
use crate::domain::harness::ceilings::Act;
use crate::domain::harness::controls::FilesystemSandbox;
use crate::process::terminate_marked;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument as _;
use uuid::Uuid;

/// What tells a command's processes from all others, in their environment.
const MARK: &str = "ZHONGSHU_COMMAND";

/// How long a command may take when nothing is said.
const USUAL_LIMIT: Duration = Duration::from_secs(60);
/// What Codex needs besides, to start a sandbox and to end a command that ran out of time.
const ALLOWANCE: Duration = Duration::from_secs(30);

/// What is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where it runs; without it in the repository.
    pub cwd: Option<String>,
    /// How long it may take.
    pub limit: Option<Duration>,
}

impl Harness {
    /// Runs a command to its end, in the sandbox and without network, also when nobody waits for it any more. It may write to its folder,
    /// unless a person lets the caller write nowhere. Nothing that it began goes on after it.
    ///
    /// # Errors
    /// When a person does not allow it; else what Codex says, by cause.
    pub async fn execute(self: Arc<Self>, by: &By, wish: Wish) -> Result<Value, Refused> {
        self.allows_act(by, Act::Exec).await?;
        let cwd = self.folder(by, wish.cwd.as_deref()).await?;
        let most = self.core.policy().ceilings.sandbox;
        let sandbox = match most {
            FilesystemSandbox::ReadOnly if !by.is_person => json!({"type": "readOnly"}),
            // Codex adds the folder that the app-server runs in, and not the command's.
            _ => json!({"type": "workspaceWrite", "writableRoots": [cwd], "networkAccess": false}),
        };
        let limit = wish.limit.unwrap_or(USUAL_LIMIT);
        let mark = Uuid::new_v4().to_string();
        let params = json!({
            "command": wish.command,
            "cwd": cwd,
            "env": {MARK: mark},
            "timeoutMs": limit.as_millis(),
            "sandboxPolicy": sandbox,
        });
        let run = async move {
            let ended = self.call_within("command/exec", params, limit + ALLOWANCE);
            let ended = ended.await;
            // Codex leaves behind what ran out of time while its sandbox started.
            if let Err(error) = terminate_marked(MARK, HashSet::from([mark])).await {
                tracing::error!(%error, "a command without a session left processes behind");
            }
            ended
        };
        // It is known in the log by the request that wants it.
        let run = tokio::spawn(run.in_current_span());
        run.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a command without a session was not seen to its end");
            Err(Refused::codex_unavailable(String::new()))
        })
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
