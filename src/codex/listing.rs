//! Owns the call that lists the threads that Codex keeps.

use serde::Serialize;

/// Threads that one page holds at most, whatever is asked for.
const PAGE: u32 = 100;

/// Every kind of client and of helper: what is left out means those that people type in.
const SOURCES: [&str; 7] = [
    "cli",
    "vscode",
    "exec",
    "appServer",
    "subAgent",
    "subAgentThreadSpawn",
    "unknown",
];

/// A page of the threads that have had a turn, newest first, of every provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadList {
    archived: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    limit: u32,
    /// Reading each file beside the database makes a page ten times as slow.
    use_state_db_only: bool,
    model_providers: [&'static str; 0],
    source_kinds: [&'static str; 7],
}

impl ThreadList {
    /// Those that are put away, or those that are not, from `cursor` on.
    pub fn new(archived: bool, cursor: Option<String>) -> Self {
        Self {
            archived,
            cursor,
            limit: PAGE,
            use_state_db_only: true,
            model_providers: [],
            source_kinds: SOURCES,
        }
    }
}
