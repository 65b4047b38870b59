//! Owns the typed calls about the installation: models, account, configuration and MCP servers.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::wire::ThreadId;

/// The models that Codex offers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelList {
    /// Where to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Model {
    /// Its id in the list.
    pub id: String,
    /// What `thread/start` takes.
    pub model: String,
    /// For people.
    pub display_name: String,
    /// For people.
    pub description: String,
    /// Whether it is the default.
    pub is_default: bool,
    /// Whether it is hidden from choices.
    pub hidden: bool,
    /// How long it can think, from short to long.
    pub supported_reasoning_efforts: Vec<ReasoningEffort>,
    /// How long it thinks when nobody says.
    pub default_reasoning_effort: String,
    /// The model that should be used in its place.
    pub upgrade: Option<String>,
}

/// How long a model may think.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReasoningEffort {
    /// Its name.
    pub reasoning_effort: String,
    /// For people.
    pub description: String,
}

/// Asks who is logged in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AccountRead {}

/// Asks for the limits of the account. Without an account it is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AccountRateLimitsRead {}

/// Who is logged in.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AccountStatus {
    /// The account, in the app-server's words.
    pub account: Option<Value>,
    /// Whether the configured provider needs a login.
    pub requires_openai_auth: bool,
}

impl AccountStatus {
    /// Whether turns can run at all.
    pub fn is_usable(&self) -> bool {
        self.account.is_some() || !self.requires_openai_auth
    }
}

/// Asks for the configuration in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigRead {
    /// As seen from this directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<PathBuf>,
    /// With the files that it comes from.
    pub include_layers: bool,
}

/// The configuration in force.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ConfigFound {
    /// The merged configuration.
    pub config: Value,
    /// Its sources.
    pub layers: Value,
}

impl ConfigFound {
    /// The configured model.
    pub fn model(&self) -> Option<&str> {
        self.config.get("model")?.as_str()
    }
}

/// Asks for the state of the MCP servers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct McpServerStatusList {
    /// As one thread sees them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<ThreadId>,
}

/// An MCP server.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct McpServerStatus {
    /// Its name in the configuration.
    pub name: String,
    /// Its tools by name.
    pub tools: Map<String, Value>,
    /// Why there are none.
    pub tools_error: Option<String>,
}
