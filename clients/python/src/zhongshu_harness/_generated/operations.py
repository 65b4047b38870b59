"""Every operation of the harness API: its address, the model of its body, and those of its answers by status."""

from __future__ import annotations

from typing import Any

from zhongshu_harness._generated import models
from zhongshu_harness.operation import Operation

ACCOUNT: Operation[Any] = Operation("account", "GET", "/account")

ACCOUNT_LOGIN_CANCEL: Operation[models.CodexDone] = Operation(
    "account_login_cancel", "POST", "/account/login/cancel", body=models.LoginCancel, answers={200: models.CodexDone}
)

ACCOUNT_LOGIN_START: Operation[models.CodexDone] = Operation(
    "account_login_start", "POST", "/account/login/start", body=models.LoginStart, answers={200: models.CodexDone}
)

ACCOUNT_LOGOUT: Operation[models.CodexDone] = Operation(
    "account_logout", "POST", "/account/logout", answers={200: models.CodexDone}
)

ACCOUNT_RATE_LIMITS: Operation[Any] = Operation("account_rate_limits", "GET", "/account/rate-limits")

APPROVAL_POLICY_SET: Operation[models.ApprovalPolicySet] = Operation(
    "approval_policy_set",
    "POST",
    "/sessions/{sessionId}/approval-policy",
    body=models.SetApprovalPolicy,
    answers={200: models.ApprovalPolicySet},
)

APPROVALS_DECIDE: Operation[models.ApprovalDecided] = Operation(
    "approvals_decide",
    "POST",
    "/approvals/{approvalId}/decision",
    body=models.DecideApproval,
    answers={200: models.ApprovalDecided},
)

APPROVALS_LIST: Operation[models.Approvals] = Operation(
    "approvals_list", "GET", "/sessions/{sessionId}/approvals", answers={200: models.Approvals}
)

APPS: Operation[models.ListPage] = Operation(
    "apps",
    "GET",
    "/apps",
    query=(
        "cursor",
        "limit",
        "threadId",
        "forceRefetch",
    ),
    answers={200: models.ListPage},
)

BACKGROUND_TERMINALS_CLEAN: Operation[models.Performed] = Operation(
    "background_terminals_clean",
    "POST",
    "/sessions/{sessionId}/background-terminals/clean",
    answers={200: models.Performed},
)

CAPABILITIES: Operation[models.CapabilitiesView] = Operation(
    "capabilities", "GET", "/capabilities", query=("refresh",), answers={200: models.CapabilitiesView}
)

COLLABORATION_MODES: Operation[models.ListPage] = Operation(
    "collaboration_modes",
    "GET",
    "/collaboration/modes",
    query=(
        "cursor",
        "limit",
    ),
    answers={200: models.ListPage},
)

COMMANDS_EXEC: Operation[models.Executed] = Operation(
    "commands_exec", "POST", "/commands/exec", body=models.Execute, answers={200: models.Executed}
)

CONFIG: Operation[Any] = Operation(
    "config",
    "GET",
    "/config",
    query=(
        "cwd",
        "includeLayers",
    ),
)

CONFIG_REQUIREMENTS: Operation[Any] = Operation("config_requirements", "GET", "/config/requirements")

CONFIG_WRITE_BATCH: Operation[models.CodexDone] = Operation(
    "config_write_batch", "POST", "/config/batch", body=models.ConfigBatch, answers={200: models.CodexDone}
)

CONFIG_WRITE_VALUE: Operation[models.CodexDone] = Operation(
    "config_write_value", "POST", "/config/value", body=models.ConfigWrite, answers={200: models.CodexDone}
)

CONTROLS_GET: Operation[models.ControlsAnswer] = Operation(
    "controls_get", "GET", "/sessions/{sessionId}/session-controls", answers={200: models.ControlsAnswer}
)

CONTROLS_SET: Operation[models.ControlsSet] = Operation(
    "controls_set",
    "POST",
    "/sessions/{sessionId}/session-controls",
    body=models.SetControls,
    answers={200: models.ControlsSet},
)

EXPERIMENTAL_FEATURES: Operation[models.ListPage] = Operation(
    "experimental_features",
    "GET",
    "/features/experimental",
    query=(
        "cursor",
        "limit",
    ),
    answers={200: models.ListPage},
)

EXTENSIONS_LIST: Operation[models.Extensions] = Operation(
    "extensions_list", "GET", "/agents/extensions", answers={200: models.Extensions}
)

EXTENSIONS_RELOAD: Operation[models.Reloaded] = Operation(
    "extensions_reload", "POST", "/agents/extensions/reload", answers={200: models.Reloaded}
)

EXTENSIONS_TRUST: Operation[models.Extensions] = Operation(
    "extensions_trust", "POST", "/agents/extensions/trust", body=models.TrustInput, answers={200: models.Extensions}
)

FEEDBACK: Operation[models.CodexDone] = Operation(
    "feedback", "POST", "/feedback", body=models.Feedback, answers={200: models.CodexDone}
)

HEALTH: Operation[models.Health] = Operation("health", "GET", "/health", query=("ready",), answers={200: models.Health})

JOBS_CANCEL: Operation[models.JobAnswer] = Operation(
    "jobs_cancel", "POST", "/orchestrator/jobs/{jobId}/cancel", answers={200: models.JobAnswer}
)

JOBS_CREATE: Operation[models.JobQueued] = Operation(
    "jobs_create", "POST", "/orchestrator/jobs", body=models.JobWish, answers={202: models.JobQueued}
)

JOBS_LIST: Operation[models.Jobs] = Operation(
    "jobs_list", "GET", "/projects/{projectId}/orchestrator/jobs", query=("state",), answers={200: models.Jobs}
)

JOBS_READ: Operation[models.JobAnswer] = Operation(
    "jobs_read", "GET", "/orchestrator/jobs/{jobId}", answers={200: models.JobAnswer}
)

JOBS_RETRY: Operation[models.JobAnswer] = Operation(
    "jobs_retry", "POST", "/orchestrator/jobs/{jobId}/retry", answers={200: models.JobAnswer}
)

MCP_OAUTH_LOGIN: Operation[models.CodexDone] = Operation(
    "mcp_oauth_login",
    "POST",
    "/mcp/servers/{serverName}/oauth/login",
    body=models.McpLogin,
    answers={200: models.CodexDone},
)

MCP_RELOAD: Operation[models.CodexDone] = Operation(
    "mcp_reload", "POST", "/mcp/reload", answers={200: models.CodexDone}
)

MCP_SERVERS: Operation[models.ListPage] = Operation(
    "mcp_servers",
    "GET",
    "/mcp/servers",
    query=(
        "cursor",
        "limit",
    ),
    answers={200: models.ListPage},
)

MESSAGES_SEND: Operation[models.MessageAccepted] = Operation(
    "messages_send",
    "POST",
    "/sessions/{sessionId}/messages",
    body=models.SendMessage,
    answers={202: models.MessageAccepted},
)

MODELS: Operation[models.ListPage] = Operation(
    "models",
    "GET",
    "/models",
    query=(
        "cursor",
        "limit",
    ),
    answers={200: models.ListPage},
)

NAME: Operation[models.Name] = Operation("name", "GET", "", answers={200: models.Name})

PROJECTS_AGENT_SESSIONS: Operation[models.AgentSessions] = Operation(
    "projects_agent_sessions", "GET", "/projects/{projectId}/agent-sessions", answers={200: models.AgentSessions}
)

PROJECTS_CREATE: Operation[models.CreatedProject] = Operation(
    "projects_create", "POST", "/projects", body=models.ProjectFields, answers={200: models.CreatedProject}
)

PROJECTS_DELETE: Operation[models.DeletedProject] = Operation(
    "projects_delete", "DELETE", "/projects/{projectId}", answers={200: models.DeletedProject}
)

PROJECTS_DELETE_ALL: Operation[models.DeletedSessions] = Operation(
    "projects_delete_all",
    "POST",
    "/projects/{projectId}/chats/delete-all",
    body=models.Nothing,
    answers={200: models.DeletedSessions},
)

PROJECTS_LIST: Operation[models.Projects] = Operation(
    "projects_list", "GET", "/projects", answers={200: models.Projects}
)

PROJECTS_MOVE_ALL: Operation[models.MovedSessions] = Operation(
    "projects_move_all",
    "POST",
    "/projects/{projectId}/chats/move-all",
    body=models.MoveSessions,
    answers={200: models.MovedSessions},
)

PROJECTS_RENAME: Operation[models.RenamedProject] = Operation(
    "projects_rename",
    "POST",
    "/projects/{projectId}/rename",
    body=models.ProjectFields,
    answers={200: models.RenamedProject},
)

SESSIONS_ARCHIVE: Operation[models.ArchivedSession] = Operation(
    "sessions_archive",
    "POST",
    "/sessions/{sessionId}/archive",
    body=models.Nothing,
    answers={200: models.ArchivedSession},
)

SESSIONS_COMPACT: Operation[models.Performed] = Operation(
    "sessions_compact", "POST", "/sessions/{sessionId}/compact", answers={200: models.Performed}
)

SESSIONS_CREATE: Operation[models.SessionThread] = Operation(
    "sessions_create", "POST", "/sessions", body=models.BeginSession, answers={200: models.SessionThread}
)

SESSIONS_DELETE: Operation[models.DeletedSession] = Operation(
    "sessions_delete", "DELETE", "/sessions/{sessionId}", answers={200: models.DeletedSession}
)

SESSIONS_FORK: Operation[models.Forked] = Operation(
    "sessions_fork", "POST", "/sessions/{sessionId}/fork", answers={200: models.Forked}
)

SESSIONS_GET: Operation[models.WholeSession] = Operation(
    "sessions_get", "GET", "/sessions/{sessionId}", query=("turns",), answers={200: models.WholeSession}
)

SESSIONS_LIST: Operation[models.SessionPage] = Operation(
    "sessions_list",
    "GET",
    "/sessions",
    query=(
        "archived",
        "cursor",
        "limit",
        "includeSystemOwned",
    ),
    answers={200: models.SessionPage},
)

SESSIONS_PROJECT: Operation[models.AssignedSession] = Operation(
    "sessions_project",
    "POST",
    "/sessions/{sessionId}/project",
    body=models.AssignSession,
    answers={200: models.AssignedSession},
)

SESSIONS_RENAME: Operation[models.RenamedSession] = Operation(
    "sessions_rename",
    "POST",
    "/sessions/{sessionId}/rename",
    body=models.RenameSession,
    answers={200: models.RenamedSession},
)

SESSIONS_RESUME: Operation[models.SessionThread] = Operation(
    "sessions_resume",
    "POST",
    "/sessions/{sessionId}/resume",
    body=models.ResumeSession,
    answers={200: models.SessionThread},
)

SESSIONS_REVIEW: Operation[models.Performed] = Operation(
    "sessions_review", "POST", "/sessions/{sessionId}/review", body=models.Review, answers={200: models.Performed}
)

SESSIONS_ROLLBACK: Operation[models.RolledBack] = Operation(
    "sessions_rollback",
    "POST",
    "/sessions/{sessionId}/rollback",
    body=models.RollBack,
    answers={200: models.RolledBack},
)

SESSIONS_UNARCHIVE: Operation[models.UnarchivedSession] = Operation(
    "sessions_unarchive",
    "POST",
    "/sessions/{sessionId}/unarchive",
    body=models.Nothing,
    answers={200: models.UnarchivedSession},
)

SETTINGS_GET: Operation[models.SettingsAnswer] = Operation(
    "settings_get",
    "GET",
    "/sessions/{sessionId}/settings",
    query=(
        "scope",
        "key",
    ),
    answers={200: models.SettingsAnswer},
)

SETTINGS_REMOVE: Operation[models.SettingRemoved] = Operation(
    "settings_remove",
    "DELETE",
    "/sessions/{sessionId}/settings/{key}",
    query=(
        "scope",
        "actor",
        "source",
    ),
    answers={200: models.SettingRemoved},
)

SETTINGS_SET: Operation[models.SettingsSet] = Operation(
    "settings_set", "POST", "/sessions/{sessionId}/settings", body=models.SetSettings, answers={200: models.SettingsSet}
)

SKILLS: Operation[models.ListPage] = Operation(
    "skills",
    "GET",
    "/skills",
    query=(
        "forceReload",
        "cwd",
    ),
    answers={200: models.ListPage},
)

SKILLS_CONFIGURE: Operation[models.CodexDone] = Operation(
    "skills_configure", "POST", "/skills/config", body=models.SkillSwitch, answers={200: models.CodexDone}
)

SKILLS_REMOTE: Operation[Any] = Operation("skills_remote", "GET", "/skills/remote")

SKILLS_REMOTE_WRITE: Operation[Any] = Operation(
    "skills_remote_write", "POST", "/skills/remote", body=models.RemoteSkill
)

SUGGESTED_REQUEST: Operation[models.SuggestionMade | models.SuggestionQueued] = Operation(
    "suggested_request",
    "POST",
    "/sessions/{sessionId}/suggested-request",
    body=models.SuggestionWish,
    answers={200: models.SuggestionMade, 202: models.SuggestionQueued},
)

SUGGESTED_REQUEST_ENQUEUE: Operation[models.SuggestionQueued] = Operation(
    "suggested_request_enqueue",
    "POST",
    "/sessions/{sessionId}/suggested-request/jobs",
    body=models.SuggestionWish,
    answers={202: models.SuggestionQueued},
)

SUGGESTED_REQUEST_UPSERT: Operation[models.SuggestionPut] = Operation(
    "suggested_request_upsert",
    "POST",
    "/sessions/{sessionId}/suggested-request/upsert",
    body=models.SuggestionUpsert,
    answers={200: models.SuggestionPut},
)

TOOL_CALLS_LIST: Operation[models.ToolCalls] = Operation(
    "tool_calls_list", "GET", "/sessions/{sessionId}/tool-calls", answers={200: models.ToolCalls}
)

TOOL_CALLS_RESPOND: Operation[models.RequestDecided] = Operation(
    "tool_calls_respond",
    "POST",
    "/tool-calls/{requestId}/response",
    body=models.AnswerToolCall,
    answers={200: models.RequestDecided},
)

TOOL_INPUT_DECIDE: Operation[models.RequestDecided] = Operation(
    "tool_input_decide",
    "POST",
    "/tool-input/{requestId}/decision",
    body=models.DecideToolInput,
    answers={200: models.RequestDecided},
)

TOOL_INPUT_LIST: Operation[models.ToolInputs] = Operation(
    "tool_input_list", "GET", "/sessions/{sessionId}/tool-input", answers={200: models.ToolInputs}
)

TRANSCRIPT_UPSERT: Operation[models.RowPut] = Operation(
    "transcript_upsert",
    "POST",
    "/sessions/{sessionId}/transcript/upsert",
    body=models.TranscriptEntry,
    answers={200: models.RowPut},
)

TURNS_INTERRUPT: Operation[models.Interrupted] = Operation(
    "turns_interrupt",
    "POST",
    "/sessions/{sessionId}/interrupt",
    body=models.Interrupt,
    answers={200: models.Interrupted},
)

TURNS_STEER: Operation[models.Steered] = Operation(
    "turns_steer",
    "POST",
    "/sessions/{sessionId}/turns/{turnId}/steer",
    body=models.Steer,
    answers={200: models.Steered},
)


ALL: dict[str, Operation[Any]] = {
    it.id: it
    for it in (
        ACCOUNT,
        ACCOUNT_LOGIN_CANCEL,
        ACCOUNT_LOGIN_START,
        ACCOUNT_LOGOUT,
        ACCOUNT_RATE_LIMITS,
        APPROVAL_POLICY_SET,
        APPROVALS_DECIDE,
        APPROVALS_LIST,
        APPS,
        BACKGROUND_TERMINALS_CLEAN,
        CAPABILITIES,
        COLLABORATION_MODES,
        COMMANDS_EXEC,
        CONFIG,
        CONFIG_REQUIREMENTS,
        CONFIG_WRITE_BATCH,
        CONFIG_WRITE_VALUE,
        CONTROLS_GET,
        CONTROLS_SET,
        EXPERIMENTAL_FEATURES,
        EXTENSIONS_LIST,
        EXTENSIONS_RELOAD,
        EXTENSIONS_TRUST,
        FEEDBACK,
        HEALTH,
        JOBS_CANCEL,
        JOBS_CREATE,
        JOBS_LIST,
        JOBS_READ,
        JOBS_RETRY,
        MCP_OAUTH_LOGIN,
        MCP_RELOAD,
        MCP_SERVERS,
        MESSAGES_SEND,
        MODELS,
        NAME,
        PROJECTS_AGENT_SESSIONS,
        PROJECTS_CREATE,
        PROJECTS_DELETE,
        PROJECTS_DELETE_ALL,
        PROJECTS_LIST,
        PROJECTS_MOVE_ALL,
        PROJECTS_RENAME,
        SESSIONS_ARCHIVE,
        SESSIONS_COMPACT,
        SESSIONS_CREATE,
        SESSIONS_DELETE,
        SESSIONS_FORK,
        SESSIONS_GET,
        SESSIONS_LIST,
        SESSIONS_PROJECT,
        SESSIONS_RENAME,
        SESSIONS_RESUME,
        SESSIONS_REVIEW,
        SESSIONS_ROLLBACK,
        SESSIONS_UNARCHIVE,
        SETTINGS_GET,
        SETTINGS_REMOVE,
        SETTINGS_SET,
        SKILLS,
        SKILLS_CONFIGURE,
        SKILLS_REMOTE,
        SKILLS_REMOTE_WRITE,
        SUGGESTED_REQUEST,
        SUGGESTED_REQUEST_ENQUEUE,
        SUGGESTED_REQUEST_UPSERT,
        TOOL_CALLS_LIST,
        TOOL_CALLS_RESPOND,
        TOOL_INPUT_DECIDE,
        TOOL_INPUT_LIST,
        TRANSCRIPT_UPSERT,
        TURNS_INTERRUPT,
        TURNS_STEER,
    )
}
