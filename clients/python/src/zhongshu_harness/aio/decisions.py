"""What waits for somebody, and how it is decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zhongshu_harness._generated.models import (
    ApprovalDecided,
    PendingApproval,
    PendingToolCall,
    PendingToolInput,
    QuestionAnswers,
    RequestDecided,
)
from zhongshu_harness._generated.words import ScopeWord
from zhongshu_harness.aio.api import AsyncApi
from zhongshu_harness.errors import NotFound, SessionDeleted
from zhongshu_harness.operation import UNSET, Unset
from zhongshu_harness.waits import Pending


class AsyncDecisions:
    """Everything that waits. Whoever decides first is the one; all others get `AlreadyDecided`, or another `Conflict`."""

    def __init__(self, api: AsyncApi) -> None:
        self.api = api

    async def pending(self, session_id: str | None = None) -> list[Pending]:
        """What waits in a session, or in all: approvals, questions and calls of tools, each the oldest first."""
        if session_id is not None:
            approvals = (await self.api.approvals_list(session_id)).data
            questions = (await self.api.tool_input_list(session_id)).data
            calls = (await self.api.tool_calls_list(session_id)).data
            return [*approvals, *questions, *calls]
        found: list[Pending] = []
        cursor: str | Unset = UNSET
        while True:
            page = await self.api.sessions_list(limit=200, cursor=cursor)
            for session in page.data:
                if session.pending > 0:
                    try:
                        found += await self.pending(session.session_id)
                    except (NotFound, SessionDeleted):
                        # It went meanwhile, with whatever waited in it.
                        continue
            if page.next_cursor is None:
                return found
            cursor = page.next_cursor

    async def accept(
        self, approval: PendingApproval | str, *, scope: ScopeWord | Unset = UNSET, amendment: Any | Unset = UNSET
    ) -> ApprovalDecided:
        """Says yes: once, for the session (`scope="session"`), or by one of its `available_decisions` as a rule for later."""
        return await self.api.approvals_decide(
            approval_of(approval), decision="accept", scope=scope, amendment=amendment
        )

    async def decline(self, approval: PendingApproval | str, words: str | Unset = UNSET) -> ApprovalDecided:
        """Says no, and the turn goes on; the agent is told the words."""
        return await self.api.approvals_decide(approval_of(approval), decision="decline", words=words)

    async def cancel(self, approval: PendingApproval | str, words: str | Unset = UNSET) -> ApprovalDecided:
        """Says no, and breaks the turn off."""
        return await self.api.approvals_decide(approval_of(approval), decision="cancel", words=words)

    async def answer(
        self, question: PendingToolInput | str, answers: Mapping[str, str | Sequence[str]]
    ) -> RequestDecided:
        """Answers questions by their ids. Of several texts for one the first is the answer, the others are notes to it."""
        given = {
            name: QuestionAnswers(answers=[it] if isinstance(it, str) else list(it)) for name, it in answers.items()
        }
        return await self.api.tool_input_decide(request_of(question), decision="accept", answers=given)

    async def leave_unanswered(self, question: PendingToolInput | str) -> RequestDecided:
        """Answers nothing, and breaks the turn off."""
        return await self.api.tool_input_decide(request_of(question), decision="decline")

    async def respond(self, call: PendingToolCall | str, text: str, *, success: bool = True) -> RequestDecided:
        """Answers a call of a tool by hand; `session.serve_tools` does it with functions."""
        return await self.api.tool_calls_respond(request_of(call), text=text, success=success)


def approval_of(approval: PendingApproval | str) -> str:
    return approval if isinstance(approval, str) else approval.approval_id


def request_of(asked: PendingToolInput | PendingToolCall | str) -> str:
    return asked if isinstance(asked, str) else asked.request_id
