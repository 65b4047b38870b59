"""Sessions: threads of Codex."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
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
from zhongshu_harness.aio.answering import AsyncToolServer
from zhongshu_harness.aio.api import AsyncApi
from zhongshu_harness.aio.decisions import AsyncDecisions
from zhongshu_harness.aio.settings import AsyncSettings
from zhongshu_harness.aio.stream import AsyncStream
from zhongshu_harness.aio.turn import AsyncTurn
from zhongshu_harness.operation import UNSET, Unset
from zhongshu_harness.tools import AnyTool, by_name
from zhongshu_harness.turns import TurnResult
from zhongshu_harness.waits import Kind, Pending, deadline_in, left, opens, wanted


class AsyncSession:
    """One session, by its id. What is asked of it is asked of the server each time."""

    def __init__(self, api: AsyncApi, session_id: str, tools: Iterable[AnyTool] = ()) -> None:
        self.api = api
        self.id = session_id
        self.tools = tuple(tools)
        """The tools that it was begun with here."""
        self.decisions = AsyncDecisions(api)
        self.settings = AsyncSettings(api, session_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"

    async def read(self, turns: int | Unset = UNSET) -> WholeSession:
        """The session with its newest turns and their transcript."""
        return await self.api.sessions_get(self.id, turns=turns)

    async def summary(self) -> SessionSummary:
        """How it stands."""
        return (await self.read(turns=1)).session

    async def transcript(self, turns: int | Unset = UNSET) -> list[TranscriptEntry]:
        """What was said and done, oldest first."""
        return (await self.read(turns)).transcript

    def stream(self, after: str | None = None) -> AsyncStream:
        """What happens in it."""
        return AsyncStream(self.api.wire, self.api.manner, self.id, after)

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
    ) -> AsyncTurn:
        """A message and what comes of it; it is said when what this gives is entered (`with`). What it wants otherwise holds from now on."""
        message: dict[str, Any] = {
            "text": text,
            "model": model,
            "effort": effort,
            "approval_policy": approval_policy,
            "network_access": network_access,
            "filesystem_sandbox": filesystem_sandbox,
        }
        return AsyncTurn(self, None, message)

    async def ask(self, text: str, timeout: float | None = None) -> TurnResult:
        """Says something and waits for the end of the turn."""
        async with self.run(text) as turn:
            return await turn.result(timeout)

    async def send(self, text: str) -> str:
        """Says something and waits for nothing; the turn that has it."""
        return (await self.api.messages_send(self.id, text=text)).turn_id

    def turn(self, turn_id: str) -> AsyncTurn:
        """A turn that was begun elsewhere, to be followed from now on."""
        return AsyncTurn(self, turn_id, None)

    async def wait_for_turn(self, turn_id: str, timeout: float | None = None) -> TurnResult:
        """Waits for the end of a turn, which may be over.

        Raises TimeoutError when it is not over within so many seconds.
        """
        async with self.turn(turn_id) as turn:
            return await turn.result(timeout)

    async def wait_for_pending(self, *kinds: Kind, timeout: float | None = None) -> Pending:
        """Waits until something in it waits for somebody: an `approval`, a `question`, a `call`, whatever is first if none is named.

        Raises TimeoutError when nothing does within so many seconds.
        """
        deadline = deadline_in(timeout)
        async with self.stream() as stream:
            while (event := await stream.next(left(deadline))) is not None:
                if not opens(event):
                    continue
                for pending in await self.decisions.pending(self.id):
                    if wanted(pending, kinds):
                        return pending
        raise TimeoutError

    async def pending(self) -> list[Pending]:
        """What in it waits for somebody."""
        return await self.decisions.pending(self.id)

    async def interrupt(self, turn_id: str | Unset = UNSET) -> str:
        """Breaks off the turn that runs; that turn."""
        return (await self.api.turns_interrupt(self.id, turn_id=turn_id)).turn_id

    async def steer(self, turn_id: str, text: str) -> None:
        """Says something to this turn and to no other."""
        await self.api.turns_steer(self.id, turn_id, input=text)

    async def compact(self) -> None:
        """Sums its history up."""
        await self.api.sessions_compact(self.id)

    async def rollback(self, turns: int = 1) -> None:
        """Takes its newest turns back. Files stay as they are."""
        await self.api.sessions_rollback(self.id, num_turns=turns)

    async def review(
        self,
        target_type: ReviewTargetType | Unset = UNSET,
        *,
        branch: str | Unset = UNSET,
        sha: str | Unset = UNSET,
        title: str | Unset = UNSET,
        instructions: str | Unset = UNSET,
    ) -> str:
        """Begins a review; the turn that it is."""
        answer = await self.api.sessions_review(
            self.id, target_type=target_type, branch=branch, sha=sha, title=title, instructions=instructions
        )
        return str(answer.result["turn"]["id"])

    def serve_tools(self, *tools: AnyTool) -> AsyncToolServer:
        """Answers calls of its tools while what this gives is entered (`with`): of these, else of those that it was begun with here."""
        return AsyncToolServer(self, tools or self.tools)

    # Life

    async def resume(self) -> SessionThread:
        """Has Codex load it."""
        return await self.api.sessions_resume(self.id)

    async def rename(self, title: str) -> SessionSummary:
        """Gives it a name."""
        return (await self.api.sessions_rename(self.id, title=title)).session

    async def move_to(self, project_id: str | None) -> None:
        """Puts it into a project, or into none."""
        await self.api.sessions_project(self.id, project_id=project_id)

    async def archive(self) -> None:
        """Puts it away."""
        await self.api.sessions_archive(self.id)

    async def unarchive(self) -> None:
        """Fetches it back."""
        await self.api.sessions_unarchive(self.id)

    async def fork(self) -> AsyncSession:
        """A copy of it."""
        return AsyncSession(self.api, (await self.api.sessions_fork(self.id)).session.session_id, self.tools)

    async def delete(self) -> None:
        """Deletes it for good."""
        await self.api.sessions_delete(self.id)

    # What it runs with

    async def controls(self) -> ControlsAnswer:
        """What it runs with, and what new sessions begin with."""
        return await self.api.controls_get(self.id)

    async def set_controls(
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
        read = await self.controls()
        now: Controls = read.controls if scope == "session" else read.defaults
        controls = ControlsInput(
            model=now.model if isinstance(model, Unset) else model,
            approval_policy=now.approval_policy if isinstance(approval_policy, Unset) else approval_policy,
            network_access=now.network_access if isinstance(network_access, Unset) else network_access,
            filesystem_sandbox=now.filesystem_sandbox if isinstance(filesystem_sandbox, Unset) else filesystem_sandbox,
        )
        return await self.api.controls_set(self.id, scope=scope, controls=controls, actor=actor)

    async def put_row(
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
        answer = await self.api.transcript_upsert(
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


class AsyncSessions:
    """All sessions."""

    def __init__(self, api: AsyncApi) -> None:
        self.api = api

    async def create(
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
    ) -> AsyncSession:
        """Begins one. Tools can be given now and never later; `session.serve_tools` answers their calls."""
        named = by_name(tools)
        begun = await self.api.sessions_create(
            cwd=cwd,
            model=model,
            approval_policy=approval_policy,
            network_access=network_access,
            filesystem_sandbox=filesystem_sandbox,
            dynamic_tools=[it.definition for it in named.values()] or UNSET,
        )
        session = AsyncSession(self.api, begun.session.session_id, named.values())
        if title is not None:
            await session.rename(title)
        if project_id is not None:
            await session.move_to(project_id)
        return session

    def open(self, session_id: str, tools: Iterable[AnyTool] = ()) -> AsyncSession:
        """One that is there, by its id; nothing is asked yet. Tools are those that it was begun with."""
        return AsyncSession(self.api, session_id, tools)

    async def all(
        self, *, archived: bool | Unset = UNSET, include_system_owned: bool | Unset = UNSET
    ) -> AsyncIterator[SessionSummary]:
        """Every one, newest first, page by page."""
        cursor: str | Unset = UNSET
        while True:
            page = await self.api.sessions_list(
                archived=archived, include_system_owned=include_system_owned, cursor=cursor, limit=200
            )
            for session in page.data:
                yield session
            if page.next_cursor is None:
                return
            cursor = page.next_cursor
