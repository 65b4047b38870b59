//! Owns how the protocol says when Codex asks and what its commands may touch.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// When Codex asks before it acts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalPolicy {
    /// Before every command and every patch.
    Untrusted,
    /// When the model asks for more than the sandbox allows.
    OnRequest,
    /// Never; what the sandbox does not allow fails.
    Never,
    /// A finer policy, passed through.
    #[serde(untagged)]
    Other(Value),
}

/// What commands may touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxMode {
    /// Nothing is written.
    ReadOnly,
    /// The working directory and temporary folders are written.
    WorkspaceWrite,
    /// Everything.
    DangerFullAccess,
}

/// What commands may touch, in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum SandboxPolicy {
    /// Nothing is written.
    #[serde(rename_all = "camelCase")]
    ReadOnly {
        /// Whether commands reach the network.
        #[serde(default)]
        network_access: bool,
    },
    /// The working directory, temporary folders and these are written.
    #[serde(rename_all = "camelCase")]
    WorkspaceWrite {
        /// Further folders.
        #[serde(default)]
        writable_roots: Vec<PathBuf>,
        /// Whether commands reach the network.
        #[serde(default)]
        network_access: bool,
    },
    /// Everything.
    DangerFullAccess,
}
