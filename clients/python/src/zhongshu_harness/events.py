"""What a stream tells: a class for each name, and `Event` itself for names that are not known here."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, ValidationError
from pydantic_core import from_json

from zhongshu_harness._base import Model
from zhongshu_harness._generated.models import (
    PendingApproval,
    PendingToolCall,
    PendingToolInput,
    Project,
    SessionControls,
    TranscriptEntry,
)
from zhongshu_harness.errors import UnexpectedAnswer


class Event(Model):
    """Something that happened."""

    type: str
    thread_id: str | None = None
    """The session that it is about."""
    payload: Any = None
    seq: int | None = None
    """Its number; all of a server's start have different ones."""


class Ready(Event):
    """The stream is there: told at its beginning and each time that it came back after a cut. Nothing was missed in between."""

    cursor: str | None = None


class Reset(Event):
    """Something was missed: what happened has to be read from the other operations. The stream goes on from here."""

    cursor: str


class Context(Model):
    """What a signal is about."""

    thread_id: str | None = None
    turn_id: str | None = None


class OfSession(Model):
    """The session of a signal."""

    id: str
    title: str | None = None
    project_id: str | None = None


class SignalPayload(Model):
    """What Codex said, in its words."""

    source: str
    signal_type: str
    event_type: str
    method: str
    received_at: AwareDatetime
    context: Context
    params: Any
    session: OfSession | None = None
    request_id: Any = None


class Signal(Event):
    """Codex said something by itself."""

    payload: SignalPayload

    @property
    def method(self) -> str:
        return self.payload.method

    @property
    def params(self) -> Any:
        return self.payload.params

    @property
    def turn_id(self) -> str | None:
        return self.payload.context.turn_id


class TextDelta(Signal):
    """A piece of an answer."""

    @property
    def text(self) -> str:
        return str(self.params.get("delta", ""))


class TurnStarted(Signal):
    """A turn began."""


class TurnCompleted(Signal):
    """A turn is over; `status` says how."""

    @property
    def status(self) -> str:
        return str(self.params.get("turn", {}).get("status", "unknown"))


class ItemStarted(Signal):
    """An item of a turn began."""

    @property
    def item(self) -> Any:
        return self.params.get("item")


class ItemCompleted(ItemStarted):
    """An item of a turn is whole."""


class Notification(Event):
    """What Codex said, as it came."""


class ServerRequest(Event):
    """A request of Codex of a kind that the server does not know."""


class ApprovalRequested(Event):
    """A session wants to do something, and asks."""

    payload: PendingApproval


class ToolInputRequested(Event):
    """A session has questions."""

    payload: PendingToolInput


class ToolCallRequested(Event):
    """A session calls a tool that a client performs."""

    payload: PendingToolCall


class Resolution(Model):
    """What came of something that waited."""

    status: Literal["resolved", "expired"]
    decision: str | None = None
    scope: str | None = None
    success: bool | None = None


class ApprovalResolution(Resolution):
    approval_id: str


class RequestResolution(Resolution):
    request_id: str


class ApprovalResolved(Event):
    payload: ApprovalResolution


class ToolInputResolved(Event):
    payload: RequestResolution


class ToolCallResolved(Event):
    payload: RequestResolution


class RowChange(Model):
    """A row of a transcript; without `message_id` those of a turn are gone."""

    thread_id: str
    turn_id: str | None = None
    message_id: str | None = None
    type: str | None = None
    entry: TranscriptEntry | None = None


class TranscriptUpdated(Event):
    payload: RowChange


class SuggestionChange(Model):
    session_id: str
    request_key: str
    status: str
    suggestion: str | None = None
    error: str | None = None


class SuggestionUpdated(Event):
    payload: SuggestionChange


class OfProject(Model):
    project: Project


class ProjectUpserted(Event):
    payload: OfProject


class GoneProject(Model):
    project_id: str
    session_ids: list[str]


class ProjectDeleted(Event):
    payload: GoneProject


class SessionChange(Model):
    """What is said of a session as a whole; each event says what it is about."""

    session_id: str
    title: str | None = None
    project_id: str | None = None
    previous_project_id: str | None = None
    forked_from: str | None = None
    status: str | None = None
    code: str | None = None
    message: str | None = None
    deleted_at: AwareDatetime | None = None


class SessionEvent(Event):
    """Something was done to a session as a whole, whoever did it."""

    payload: SessionChange


class SessionCreated(SessionEvent):
    pass


class SessionArchived(SessionEvent):
    pass


class SessionUnarchived(SessionEvent):
    pass


class SessionRenamed(SessionEvent):
    pass


class SessionMoved(SessionEvent):
    """A session is in another project."""


class SessionGone(SessionEvent):
    """A session was deleted."""


class SettingsChange(Model):
    scope: str
    session_id: str | None = None
    controls: SessionControls | None = None
    settings: dict[str, Any] | None = None
    actor: str | None = None
    source: str | None = None


class ControlsUpdated(Event):
    payload: SettingsChange


class SettingsUpdated(Event):
    payload: SettingsChange


class JobChange(Model):
    job_id: str
    project_id: str
    job_type: str
    state: str
    source_session_id: str | None = None
    result: Any = None
    error: Any = None
    progress: Any = None


class JobEvent(Event):
    """Something became of a job; `type` says what."""

    payload: JobChange


class ExtensionsReload(Model):
    reload_id: str
    result: str
    version_before: int | None = None
    version_after: int | None = None


class ExtensionsReloaded(Event):
    payload: ExtensionsReload


class ExtensionEnd(Model):
    agent_id: str
    reason: str
    retry_at: AwareDatetime | None = None


class ExtensionEnded(Event):
    """The process of an extension is gone, and comes back."""

    payload: ExtensionEnd


class Runtime(Model):
    state: str
    running: bool
    pid: int | None = None
    reason: str | None = None
    retry_at: AwareDatetime | None = None


class RuntimeState(Event):
    """How Codex's app-server stands."""

    payload: Runtime


class OfCodex(Event):
    """The parameters of one kind of notification, which `type` names."""


KINDS: dict[str, type[Event]] = {
    "ready": Ready,
    "reset": Reset,
    "app_server.item.agent_message.delta": TextDelta,
    "app_server.turn.started": TurnStarted,
    "app_server.turn.completed": TurnCompleted,
    "app_server.item.started": ItemStarted,
    "app_server.item.completed": ItemCompleted,
    "notification": Notification,
    "server_request": ServerRequest,
    "approval": ApprovalRequested,
    "approval_resolved": ApprovalResolved,
    "tool_user_input_requested": ToolInputRequested,
    "tool_user_input_resolved": ToolInputResolved,
    "tool_call_requested": ToolCallRequested,
    "tool_call_resolved": ToolCallResolved,
    "transcript_updated": TranscriptUpdated,
    "suggested_request_updated": SuggestionUpdated,
    "project_upserted": ProjectUpserted,
    "project_deleted": ProjectDeleted,
    "session_created": SessionCreated,
    "session_archived": SessionArchived,
    "session_unarchived": SessionUnarchived,
    "session_renamed": SessionRenamed,
    "session_project_updated": SessionMoved,
    "session_deleted": SessionGone,
    "session_controls_updated": ControlsUpdated,
    "session_settings_updated": SettingsUpdated,
    "extensions_reloaded": ExtensionsReloaded,
    "extension_ended": ExtensionEnded,
    "runtime_state": RuntimeState,
    **dict.fromkeys(
        (
            f"orchestrator_job_{it}"
            for it in ("queued", "started", "progress", "completed", "failed", "canceled", "retried")
        ),
        JobEvent,
    ),
    **dict.fromkeys(
        (
            "turn_plan_updated",
            "turn_diff_updated",
            "thread_token_usage_updated",
            "app_list_updated",
            "mcp_oauth_completed",
            "account_updated",
            "account_login_completed",
            "account_rate_limits_updated",
        ),
        OfCodex,
    ),
}
"""Every name that the server's documentation has, but for signals, of which Codex has more each month."""


def decode(text: str | bytes, *, strict: bool = False) -> Event:
    """Reads a frame. One of a name that is not known is an `Event`; so is one that is not as its name says, unless that is strictly read.

    Raises UnexpectedAnswer when it is no frame at all.
    """
    try:
        told = from_json(text)
    except ValueError as error:
        raise UnexpectedAnswer(f"a frame is no JSON: {error}", text) from error
    name = told.get("type") if isinstance(told, dict) else None
    if not isinstance(name, str):
        raise UnexpectedAnswer("a frame has no type", text)
    kind = KINDS.get(name) or (Signal if name.startswith("app_server.") else Event)
    try:
        return kind.model_validate_json(text, strict=strict, extra="forbid" if strict else None)
    except ValidationError as error:
        if strict:
            raise UnexpectedAnswer(f"a frame `{name}` is not as it should be: {error}", text) from error
        return Event.model_validate(told)
