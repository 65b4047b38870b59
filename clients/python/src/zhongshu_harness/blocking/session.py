# Made from aio/session.py by clients/python/generate.
"""Sessions: threads of Codex."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from zhongshu_harness._generated.models import (
    Controls,
    ControlsAnswer,
    ControlsInput,
    ControlsSet,
    SessionSummary,
    SessionThread,
    TranscriptEntry,
    WholeSession,
)
from zhongshu_harness._generated.words import (
    ApprovalPolicy,
    FilesystemSandbox,
    NetworkAccess,
    ReviewTargetType,
    Role,
    RowStatus,
    ScopeName,
)
from zhongshu_harness.blocking.answering import ToolServer
from zhongshu_harness.blocking.api import Api
from zhongshu_harness.blocking.decisions import Decisions
from zhongshu_harness.blocking.settings import Settings
from zhongshu_harness.blocking.stream import Stream
from zhongshu_harness.blocking.turn import Turn
from zhongshu_harness.operation import UNSET, Unset
from zhongshu_harness.tools import AnyTool, by_name
from zhongshu_harness.turns import TurnResult
from zhongshu_harness.waits import Kind, Pending, deadline_in, left, opens, wanted


class Session:
    """One session, by its id. What is asked of it is asked of the server each time."""

    def __init__(self, api: Api, session_id: str, tools: Iterable[AnyTool] = ()) -> None:
        self.api = api
        self.id = session_id
        self.tools = tuple(tools)
        """The tools that it was begun with here."""
        self.decisions = Decisions(api)
        self.settings = Settings(api, session_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"

    def read(self, turns: int | Unset = UNSET) -> WholeSession:
        """The session with its newest turns and their transcript."""
        return self.api.sessions_get(self.id, turns=turns)

    def summary(self) -> SessionSummary:
        """How it stands."""
        return (self.read(turns=1)).session

    def transcript(self, turns: int | Unset = UNSET) -> list[TranscriptEntry]:
        """What was said and done, oldest first."""
        return (self.read(turns)).transcript

    def stream(self, after: str | None = None) -> Stream:
        """What happens in it."""
        return Stream(self.api.wire, self.api.manner, self.id, after)

    # Turns

    def run(
        self,
        text: str,
        *,
        model: str | None | Unset = UNSET,
        effort: str | None | Unset = UNSET,
        approval_policy: ApprovalPolicy | None | Unset = UNSET,
        network_access: NetworkAccess | None | Unset = UNSET,
        filesystem_sandbox: FilesystemSandbox | None | Unset = UNSET,
    ) -> Turn:
        """A message and what comes of it; it is said when what this gives is entered (`with`). What it wants otherwise holds from now on."""
        message: dict[str, Any] = {
            "text": text,
            "model": model,
            "effort": effort,
            "approval_policy": approval_policy,
            "network_access": network_access,
            "filesystem_sandbox": filesystem_sandbox,
        }
        return Turn(self, None, message)

    def ask(self, text: str, timeout: float | None = None) -> TurnResult:
        """Says something and waits for the end of the turn."""
        with self.run(text) as turn:
            return turn.result(timeout)

    def send(self, text: str) -> str:
        """Says something and waits for nothing; the turn that has it."""
        return (self.api.messages_send(self.id, text=text)).turn_id

    def turn(self, turn_id: str) -> Turn:
        """A turn that was begun elsewhere, to be followed from now on."""
        return Turn(self, turn_id, None)

    def wait_for_turn(self, turn_id: str, timeout: float | None = None) -> TurnResult:
        """Waits for the end of a turn, which may be over.

        Raises TimeoutError when it is not over within so many seconds.
        """
        with self.turn(turn_id) as turn:
            return turn.result(timeout)

    def wait_for_pending(self, *kinds: Kind, timeout: float | None = None) -> Pending:
        """Waits until something in it waits for somebody: an `approval`, a `question`, a `call`, whatever is first if none is named.

        Raises TimeoutError when nothing does within so many seconds.
        """
        deadline = deadline_in(timeout)
        with self.stream() as stream:
            while (event := stream.next(left(deadline))) is not None:
                if not opens(event):
                    continue
                for pending in self.decisions.pending(self.id):
                    if wanted(pending, kinds):
                        return pending
        raise TimeoutError

    def pending(self) -> list[Pending]:
        """What in it waits for somebody."""
        return self.decisions.pending(self.id)

    def interrupt(self, turn_id: str | Unset = UNSET) -> str:
        """Breaks off the turn that runs; that turn."""
        return (self.api.turns_interrupt(self.id, turn_id=turn_id)).turn_id

    def steer(self, turn_id: str, text: str) -> None:
        """Says something to this turn and to no other."""
        self.api.turns_steer(self.id, turn_id, input=text)

    def compact(self) -> None:
        """Sums its history up."""
        self.api.sessions_compact(self.id)

    def rollback(self, turns: int = 1) -> None:
        """Takes its newest turns back. Files stay as they are."""
        self.api.sessions_rollback(self.id, num_turns=turns)

    def review(
        self,
        target_type: ReviewTargetType | Unset = UNSET,
        *,
        branch: str | Unset = UNSET,
        sha: str | Unset = UNSET,
        title: str | Unset = UNSET,
        instructions: str | Unset = UNSET,
    ) -> str:
        """Begins a review; the turn that it is."""
        answer = self.api.sessions_review(
            self.id, target_type=target_type, branch=branch, sha=sha, title=title, instructions=instructions
        )
        return str(answer.result["turn"]["id"])

    def serve_tools(self, *tools: AnyTool) -> ToolServer:
        """Answers calls of its tools while what this gives is entered (`with`): of these, else of those that it was begun with here."""
        return ToolServer(self, tools or self.tools)

    # Life

    def resume(self) -> SessionThread:
        """Has Codex load it."""
        return self.api.sessions_resume(self.id)

    def rename(self, title: str) -> SessionSummary:
        """Gives it a name."""
        return (self.api.sessions_rename(self.id, title=title)).session

    def move_to(self, project_id: str | None) -> None:
        """Puts it into a project, or into none."""
        self.api.sessions_project(self.id, project_id=project_id)

    def archive(self) -> None:
        """Puts it away."""
        self.api.sessions_archive(self.id)

    def unarchive(self) -> None:
        """Fetches it back."""
        self.api.sessions_unarchive(self.id)

    def fork(self) -> Session:
        """A copy of it."""
        return Session(self.api, (self.api.sessions_fork(self.id)).session.session_id, self.tools)

    def delete(self) -> None:
        """Deletes it for good."""
        self.api.sessions_delete(self.id)

    # What it runs with

    def controls(self) -> ControlsAnswer:
        """What it runs with, and what new sessions begin with."""
        return self.api.controls_get(self.id)

    def set_controls(
        self,
        *,
        model: str | None | Unset = UNSET,
        approval_policy: ApprovalPolicy | Unset = UNSET,
        network_access: NetworkAccess | Unset = UNSET,
        filesystem_sandbox: FilesystemSandbox | Unset = UNSET,
        scope: ScopeName = "session",
        actor: str | Unset = UNSET,
    ) -> ControlsSet:
        """Changes what is given, from the next turn on; the rest stays as it is read just before."""
        read = self.controls()
        now: Controls = read.controls if scope == "session" else read.defaults
        controls = ControlsInput(
            model=now.model if isinstance(model, Unset) else model,
            approval_policy=now.approval_policy if isinstance(approval_policy, Unset) else approval_policy,
            network_access=now.network_access if isinstance(network_access, Unset) else network_access,
            filesystem_sandbox=now.filesystem_sandbox if isinstance(filesystem_sandbox, Unset) else filesystem_sandbox,
        )
        return self.api.controls_set(self.id, scope=scope, controls=controls, actor=actor)

    def put_row(
        self,
        message_id: str,
        turn_id: str,
        content: str,
        *,
        type: str,
        role: Role = "system",
        status: RowStatus = "complete",
        details: str | None | Unset = UNSET,
    ) -> TranscriptEntry:
        """Writes a row of this program's own into its transcript, or what is new of one."""
        answer = self.api.transcript_upsert(
            self.id,
            message_id=message_id,
            turn_id=turn_id,
            content=content,
            type=type,
            role=role,
            status=status,
            details=details,
        )
        return answer.entry


class Sessions:
    """All sessions."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def create(
        self,
        *,
        tools: Iterable[AnyTool] = (),
        cwd: str | None | Unset = UNSET,
        model: str | None | Unset = UNSET,
        approval_policy: ApprovalPolicy | None | Unset = UNSET,
        network_access: NetworkAccess | None | Unset = UNSET,
        filesystem_sandbox: FilesystemSandbox | None | Unset = UNSET,
        title: str | None = None,
        project_id: str | None = None,
    ) -> Session:
        """Begins one. Tools can be given now and never later; `session.serve_tools` answers their calls."""
        named = by_name(tools)
        begun = self.api.sessions_create(
            cwd=cwd,
            model=model,
            approval_policy=approval_policy,
            network_access=network_access,
            filesystem_sandbox=filesystem_sandbox,
            dynamic_tools=[it.definition for it in named.values()] or UNSET,
        )
        session = Session(self.api, begun.session.session_id, named.values())
        if title is not None:
            session.rename(title)
        if project_id is not None:
            session.move_to(project_id)
        return session

    def open(self, session_id: str, tools: Iterable[AnyTool] = ()) -> Session:
        """One that is there, by its id; nothing is asked yet. Tools are those that it was begun with."""
        return Session(self.api, session_id, tools)

    def all(
        self, *, archived: bool | Unset = UNSET, include_system_owned: bool | Unset = UNSET
    ) -> Iterator[SessionSummary]:
        """Every one, newest first, page by page."""
        cursor: str | Unset = UNSET
        while True:
            page = self.api.sessions_list(
                archived=archived, include_system_owned=include_system_owned, cursor=cursor, limit=200
            )
            for session in page.data:
                yield session
            if page.next_cursor is None:
                return
            cursor = page.next_cursor
