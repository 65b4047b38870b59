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
    /// Its name here.
    pub fn name(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::OnFailure => "on-failure",
            Self::OnRequest => "on-request",
            Self::Never => "never",
        }
    }

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

impl NetworkAccess {
    /// Its name here.
    pub fn name(self) -> &'static str {
        match self {
            Self::Restricted => "restricted",
            Self::Enabled => "enabled",
        }
    }
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
    /// What Codex calls so; what has no name here counts as no sandbox at all.
    pub fn of_codex(name: &str) -> Self {
        match name {
            "read-only" => Self::ReadOnly,
            "workspace-write" => Self::WorkspaceWrite,
            _ => Self::DangerFullAccess,
        }
    }

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

/// Which of them somebody wants otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Another model.
    pub model: Option<String>,
    /// Another policy.
    pub approval_policy: Option<ApprovalPolicy>,
    /// The network, or not.
    pub network_access: Option<NetworkAccess>,
    /// Another sandbox.
    pub filesystem_sandbox: Option<FilesystemSandbox>,
}

/// Controls, with the settings that go with them.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionControls {
    /// What holds for the next turn.
    #[serde(flatten)]
    pub controls: Controls,
    /// Named values of extensions and clients.
    #[schema(value_type = Object)]
    pub settings: Settings,
}

impl Controls {
    /// What Codex says is in force.
    pub fn said(model: &str, approval: &str, sandbox: &str, network: bool) -> Self {
        Self {
            model: Some(model.to_owned()),
            approval_policy: ApprovalPolicy::of_codex(&Value::from(approval)),
            network_access: match network {
                true => NetworkAccess::Enabled,
                false => NetworkAccess::Restricted,
            },
            filesystem_sandbox: FilesystemSandbox::of_codex(sandbox),
        }
    }

    /// Whether a thread that holds `held` in Codex runs as these say.
    pub fn is_held_as(&self, held: &Self) -> bool {
        // No sandbox has no network of its own to speak of.
        let open = self.filesystem_sandbox == FilesystemSandbox::DangerFullAccess;
        self.filesystem_sandbox == held.filesystem_sandbox
            && self.approval_policy.for_codex() == held.approval_policy.for_codex()
            && (open || self.network_access == held.network_access)
            && (self.model.is_none() || self.model == held.model)
    }

    /// The same, but for what is wished otherwise.
    #[must_use]
    pub fn with(self, wish: Wish) -> Self {
        Self {
            model: wish.model.or(self.model),
            approval_policy: wish.approval_policy.unwrap_or(self.approval_policy),
            network_access: wish.network_access.unwrap_or(self.network_access),
            filesystem_sandbox: wish.filesystem_sandbox.unwrap_or(self.filesystem_sandbox),
        }
    }

    /// In one line, in the words of the API.
    pub fn words(&self) -> String {
        let model = self.model.as_deref().unwrap_or("default");
        let names = [
            model,
            self.approval_policy.name(),
            self.network_access.name(),
            self.filesystem_sandbox.for_codex(),
        ];
        names.join(" | ")
    }

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
