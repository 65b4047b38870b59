//! What a thread may do, as the harness API names it, and the settings that belong to it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Named values of extensions and clients; the server keeps them and reads only those of its own features.
pub type Settings = Map<String, Value>;

/// The largest settings of one scope, as JSON text in bytes.
pub const MAX_SETTINGS_BYTES: usize = 64 * 1024;

/// When Codex asks before it acts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalPolicy {
    /// Before every command and every patch.
    Untrusted,
    /// When something failed in the sandbox. Codex has no such policy any more: it is kept as said, and given to it as `on-request`.
    OnFailure,
    /// When the model asks for more than the sandbox allows.
    OnRequest,
    /// Never: what the sandbox does not allow fails.
    Never,
}

impl ApprovalPolicy {
    /// What Codex is told.
    pub fn for_codex(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::OnFailure | Self::OnRequest => "on-request",
            Self::Never => "never",
        }
    }

    /// What Codex says; a finer policy counts as `on-request`.
    pub fn of_codex(said: &Value) -> Self {
        match said.as_str() {
            Some("untrusted") => Self::Untrusted,
            Some("never") => Self::Never,
            _ => Self::OnRequest,
        }
    }
}

/// Whether commands reach the network.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkAccess {
    /// They do not.
    Restricted,
    /// They do.
    Enabled,
}

/// What commands may write.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum FilesystemSandbox {
    /// Nothing.
    ReadOnly,
    /// The working directory and temporary folders.
    WorkspaceWrite,
    /// Everything.
    DangerFullAccess,
}

impl FilesystemSandbox {
    /// Its name in Codex, which is the same.
    pub fn for_codex(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::WorkspaceWrite => "workspace-write",
            Self::DangerFullAccess => "danger-full-access",
        }
    }
}

/// What holds for the next turn of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Controls {
    /// The model; `null` leaves the choice to Codex.
    pub model: Option<String>,
    /// When it asks.
    pub approval_policy: ApprovalPolicy,
    /// Whether commands reach the network.
    pub network_access: NetworkAccess,
    /// What commands may write.
    pub filesystem_sandbox: FilesystemSandbox,
}

impl Default for Controls {
    /// What a new thread has when nobody says otherwise.
    fn default() -> Self {
        Self {
            model: None,
            approval_policy: ApprovalPolicy::OnRequest,
            network_access: NetworkAccess::Restricted,
            filesystem_sandbox: FilesystemSandbox::WorkspaceWrite,
        }
    }
}

impl Controls {
    /// The sandbox as `turn/start` and `thread/settings/update` take it.
    pub fn sandbox_policy(&self) -> Value {
        let network = self.network_access == NetworkAccess::Enabled;
        match self.filesystem_sandbox {
            FilesystemSandbox::ReadOnly => {
                serde_json::json!({"type": "readOnly", "networkAccess": network})
            }
            FilesystemSandbox::WorkspaceWrite => {
                serde_json::json!({"type": "workspaceWrite", "networkAccess": network})
            }
            FilesystemSandbox::DangerFullAccess => serde_json::json!({"type": "dangerFullAccess"}),
        }
    }
}
