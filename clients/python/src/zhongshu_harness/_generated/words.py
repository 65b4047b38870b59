"""Words that fields may be, and nothing else."""

from __future__ import annotations

from typing import Literal

ApprovalPolicy = Literal["untrusted", "on-failure", "on-request", "never"]
"""When Codex asks before it acts."""

Canceled = Literal["asked", "session_deleted"]
"""Why a job was taken back."""

DecisionWord = Literal["accept", "decline", "cancel"]
"""Yes or no."""

Dedupe = Literal["single_flight", "drop_duplicate", "merge_duplicate", "none"]
"""When another job with the same key takes the place of a new one."""

Deduped = Literal["enqueued", "already_queued"]
"""Whether a job is a new one."""

Delivery = Literal["inline", "detached"]
"""Where it is reviewed."""

Done = Literal["ok"]
"""What is always said with a yes."""

Expect = Literal["none", "assistant_text", "action_intents"]
"""What an agent answers with."""

FilesystemSandbox = Literal["read-only", "workspace-write", "danger-full-access"]
"""What commands may write."""

JobState = Literal["queued", "running", "completed", "failed", "canceled"]
"""How far a job is."""

MergeStrategy = Literal["replace", "upsert"]
"""What becomes of a table that is there."""

MethodStatus = Literal["available", "disabled", "unknown"]
"""Whether a method may be used."""

Mode = Literal["merge", "replace"]
"""What becomes of the settings that are not named."""

NetworkAccess = Literal["restricted", "enabled"]
"""Whether commands reach the network."""

PendingStatus = Literal["pending"]
"""How what waits is told from what does not."""

Priority = Literal["interactive", "background"]
"""Which jobs of a project go first."""

ReviewTargetType = Literal["uncommittedChanges", "baseBranch", "commit", "custom"]
"""What is reviewed."""

Role = Literal["user", "assistant", "system"]
"""Who speaks."""

RowStatus = Literal["streaming", "complete", "canceled", "error"]
"""How far it is. Of two accounts the greater holds."""

ScopeName = Literal["session", "default"]
"""Of one session, or of those that begin later."""

ScopeWord = Literal["turn", "session"]
"""How far a yes reaches."""

SessionStatus = Literal["notLoaded", "idle", "running", "waiting_approval", "waiting_input", "error"]
"""What a session does."""

Whereto = Literal["unassigned", "archive"]
"""Where sessions go."""
