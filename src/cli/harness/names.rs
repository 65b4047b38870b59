//! What each operation of the harness is called on the command line, and which of its fields stand without a flag. The document knows
//! neither: its ids are for programs.

/// A group of commands and what it is about.
pub(super) const GROUPS: [(&str, &str); 20] = [
    (
        "sessions",
        "Sessions: begin one, talk to it, read it, put it away",
    ),
    (
        "approvals",
        "What sessions want to do and may not without a yes",
    ),
    ("tool-input", "Questions that sessions ask"),
    (
        "tool-calls",
        "Tools that sessions call and a client performs",
    ),
    (
        "controls",
        "Model, approvals, network and sandbox of a session",
    ),
    (
        "settings",
        "Named values that extensions and clients keep with a session",
    ),
    ("projects", "Projects: groups of sessions"),
    ("transcript", "Rows that a client adds to a transcript"),
    ("suggestions", "Suggestions of what to ask next"),
    ("jobs", "The queue of jobs"),
    ("extensions", "Extensions of the harness"),
    ("models", "Models that are on offer"),
    ("skills", "Skills that sessions have"),
    ("apps", "Apps that Codex may use"),
    ("mcp", "MCP servers of Codex"),
    ("account", "The account that Codex works with"),
    ("config", "Codex's configuration"),
    ("commands", "Single commands in the sandbox"),
    ("feedback", "Words for Codex's makers"),
    ("system", "The server, and what Codex can do"),
];

/// What one operation is called.
pub(super) struct Name {
    /// The id in the document.
    pub(super) id: &'static str,
    pub(super) group: &'static str,
    pub(super) verb: &'static str,
    /// Fields that stand without a flag, in their order, behind those of the path.
    pub(super) words: &'static [&'static str],
}

const fn name(
    id: &'static str,
    group: &'static str,
    verb: &'static str,
    words: &'static [&'static str],
) -> Name {
    Name {
        id,
        group,
        verb,
        words,
    }
}

/// Every operation that is called otherwise than its id says, or has words.
pub(super) const NAMES: [Name; 73] = [
    name("sessions_list", "sessions", "list", &[]),
    name("sessions_create", "sessions", "create", &[]),
    name("sessions_get", "sessions", "get", &[]),
    name("messages_send", "sessions", "send", &["text"]),
    name("turns_steer", "sessions", "steer", &["input"]),
    name("turns_interrupt", "sessions", "interrupt", &[]),
    name("sessions_rename", "sessions", "rename", &["title"]),
    name("sessions_project", "sessions", "project", &["projectId"]),
    name("sessions_archive", "sessions", "archive", &[]),
    name("sessions_unarchive", "sessions", "unarchive", &[]),
    name("sessions_resume", "sessions", "resume", &[]),
    name("sessions_delete", "sessions", "delete", &[]),
    name("sessions_fork", "sessions", "fork", &[]),
    name("sessions_compact", "sessions", "compact", &[]),
    name("sessions_rollback", "sessions", "rollback", &[]),
    name("sessions_review", "sessions", "review", &[]),
    name(
        "background_terminals_clean",
        "sessions",
        "clean-terminals",
        &[],
    ),
    name("approvals_list", "approvals", "list", &[]),
    name("approvals_decide", "approvals", "decide", &["decision"]),
    name("tool_input_list", "tool-input", "list", &[]),
    name("tool_input_decide", "tool-input", "decide", &["decision"]),
    name("tool_calls_list", "tool-calls", "list", &[]),
    name("tool_calls_respond", "tool-calls", "respond", &[]),
    name("controls_get", "controls", "get", &[]),
    name("controls_set", "controls", "set", &[]),
    name(
        "approval_policy_set",
        "controls",
        "set-approval-policy",
        &["approvalPolicy"],
    ),
    name("settings_get", "settings", "get", &[]),
    name("settings_set", "settings", "set", &[]),
    name("settings_remove", "settings", "remove", &[]),
    name("projects_list", "projects", "list", &[]),
    name("projects_create", "projects", "create", &["name"]),
    name("projects_rename", "projects", "rename", &["name"]),
    name("projects_delete", "projects", "delete", &[]),
    name("projects_agent_sessions", "projects", "agents", &[]),
    name(
        "projects_move_all",
        "projects",
        "move-sessions",
        &["destination"],
    ),
    name("projects_delete_all", "projects", "delete-sessions", &[]),
    name("transcript_upsert", "transcript", "upsert", &[]),
    name("suggested_request", "suggestions", "request", &[]),
    name("suggested_request_enqueue", "suggestions", "enqueue", &[]),
    name("suggested_request_upsert", "suggestions", "upsert", &[]),
    name("jobs_list", "jobs", "list", &[]),
    name("jobs_read", "jobs", "get", &[]),
    name("jobs_create", "jobs", "create", &["type"]),
    name("jobs_cancel", "jobs", "cancel", &[]),
    name("jobs_retry", "jobs", "retry", &[]),
    name("extensions_list", "extensions", "list", &[]),
    name("extensions_reload", "extensions", "reload", &[]),
    name("extensions_trust", "extensions", "trust", &["agentId"]),
    name("models", "models", "list", &[]),
    name("skills", "skills", "list", &[]),
    name("skills_configure", "skills", "configure", &["path"]),
    name("skills_remote", "skills", "list-remote", &[]),
    name(
        "skills_remote_write",
        "skills",
        "fetch-remote",
        &["hazelnutId"],
    ),
    name("apps", "apps", "list", &[]),
    name("mcp_servers", "mcp", "list", &[]),
    name("mcp_reload", "mcp", "reload", &[]),
    name("mcp_oauth_login", "mcp", "login", &[]),
    name("account", "account", "get", &[]),
    name("account_login_start", "account", "login", &["type"]),
    name(
        "account_login_cancel",
        "account",
        "cancel-login",
        &["loginId"],
    ),
    name("account_logout", "account", "logout", &[]),
    name("account_rate_limits", "account", "rate-limits", &[]),
    name("config", "config", "get", &[]),
    name("config_requirements", "config", "requirements", &[]),
    name("config_write_value", "config", "set", &["keyPath", "value"]),
    name("config_write_batch", "config", "set-many", &[]),
    name("commands_exec", "commands", "exec", &["command"]),
    name("feedback", "feedback", "send", &[]),
    name("name", "system", "version", &[]),
    name("health", "system", "health", &[]),
    name("capabilities", "system", "capabilities", &[]),
    name("experimental_features", "system", "features", &[]),
    name("collaboration_modes", "system", "collaboration-modes", &[]),
];

/// The path of the operation that `zhongshu harness stream` is, which no request and answer can be.
pub(super) const STREAM: &str = "/stream";

/// Operations that are about one session or, without one, about all in which something waits.
pub(super) const OF_ALL: [&str; 3] = ["approvals_list", "tool_input_list", "tool_calls_list"];

/// Fields whose value nobody else may see: they are read from a file or standard input, since everybody on the machine sees arguments.
pub(super) const SECRETS: [&str; 2] = ["apiKey", "accessToken"];

/// What a field means where the document leaves it to its name.
pub(super) const MEANINGS: [(&str, &str); 16] = [
    (
        "sessionId",
        "Id of the session, as `sessions list` shows it",
    ),
    (
        "projectId",
        "Id of the project, as `projects list` shows it",
    ),
    ("turnId", "Id of the turn, as `sessions send` prints it"),
    ("jobId", "Id of the job, as `jobs list` shows it"),
    (
        "approvalId",
        "Id of what waits, as `approvals list` shows it",
    ),
    ("requestId", "Id of what waits, as its `list` shows it"),
    ("key", "Name of the setting"),
    ("title", "The name"),
    ("sha", "The commit, with `--target-type commit`"),
    ("branch", "The branch, with `--target-type baseBranch`"),
    (
        "instructions",
        "What to look at, with `--target-type custom`",
    ),
    ("destination", "What becomes of them"),
    ("decision", "What is decided"),
    ("type", "Which way"),
    ("contentItems", "What the tool came to, as Codex takes it"),
    ("messageId", "What tells the row from others of its session"),
];

/// Where an operation stands among those of its group: as the table has them, unknown ones behind.
pub(super) fn place(id: &str) -> usize {
    let place = NAMES.iter().position(|name| name.id == id);
    place.unwrap_or(NAMES.len())
}

/// What the operation is called: by the table, else by its tag and its id.
pub(super) fn of(id: &str, tag: &str) -> (String, String, &'static [&'static str]) {
    if let Some(name) = NAMES.iter().find(|name| name.id == id) {
        return (name.group.to_owned(), name.verb.to_owned(), name.words);
    }
    let verb = id.strip_prefix(tag).unwrap_or(id).trim_start_matches('_');
    let verb = if verb.is_empty() { "get" } else { verb };
    (tag.replace('_', "-"), verb.replace('_', "-"), &[])
}
