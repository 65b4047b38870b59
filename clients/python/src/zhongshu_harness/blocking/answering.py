# Made from aio/answering.py by clients/python/generate.
"""Answers the calls of a session's tools with functions of this program."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from zhongshu_harness._generated.models import PendingToolCall
from zhongshu_harness.blocking.doing import Background, asleep, performed
from zhongshu_harness.errors import Conflict, NotFound, Refused, SessionDeleted, TooLarge, Unreachable
from zhongshu_harness.events import Event, Ready, Reset, RuntimeState, ToolCallRequested, ToolCallResolved
from zhongshu_harness.manner import may_pass, pauses
from zhongshu_harness.tools import AnyTool, Outcome, by_name, failure

if TYPE_CHECKING:
    from zhongshu_harness.blocking.session import Session

log = logging.getLogger("zhongshu_harness")


class ToolServer:
    """Performs the calls of a session's tools for as long as it is entered.

    Each call is performed once, several at the same time. What waited before, or came while the connection was cut, is asked for when it is
    there (again). A tool that raises has failed, and the model is told why; a call of a tool that is not given here is left to others; so is
    one that somebody else answers first. When it cannot go on (the token was revoked), leaving it raises the reason.
    """

    def __init__(self, session: Session, tools: Iterable[AnyTool]) -> None:
        self._session = session
        self._tools = by_name(tools)
        self._stream = session.stream()
        self._background = Background()
        # What each call came to; nothing yet while it is performed. Forgotten when the server says that it is over.
        self._calls: dict[str, Outcome | None] = {}
        self._is_leaving = False

    def __enter__(self) -> Self:
        self._stream.__enter__()
        self._background.start(self._serve)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._background.stop(self._leave)
        if error is None and self.error is not None:
            raise self.error

    @property
    def error(self) -> BaseException | None:
        """Why it does not go on, when it does not."""
        return self._background.error

    def _leave(self) -> None:
        self._is_leaving = True
        self._stream.close()

    def _serve(self) -> None:
        for event in self._stream:
            try:
                self._take(event)
            except (NotFound, SessionDeleted):
                # Without the session there is nothing to answer.
                return
            except Refused as error:
                if not may_pass(error):
                    raise
                log.warning("what waits could not be asked for: %s", error)
            except Unreachable as error:
                # The stream is cut as well, and says when it is back.
                log.info("what waits could not be asked for: %s", error)

    def _take(self, event: Event) -> None:
        match event:
            case ToolCallRequested():
                self._begin(event.payload)
            case ToolCallResolved():
                self._calls.pop(event.payload.request_id, None)
            case Ready() | Reset() | RuntimeState():
                waiting = (self._session.api.tool_calls_list(self._session.id)).data
                for call in waiting:
                    self._begin(call)
            case _:
                pass

    def _begin(self, call: PendingToolCall) -> None:
        tool = self._tools.get(call.tool)
        if tool is None or call.thread_id != self._session.id:
            return
        if call.request_id not in self._calls:
            self._calls[call.request_id] = None
            self._background.start(self._perform, tool, call)
        elif (outcome := self._calls[call.request_id]) is not None:
            # It is done, and the answer was lost on its way.
            self._background.start(self._answer, call, outcome)

    def _perform(self, tool: AnyTool, call: PendingToolCall) -> None:
        try:
            outcome = tool.outcome(performed(tool, tool.arguments(call)))
        except Exception as error:
            log.warning("the tool %s failed", tool.name, exc_info=error)
            outcome = failure(tool, error)
        # Somebody else may have answered meanwhile.
        if call.request_id in self._calls:
            self._calls[call.request_id] = outcome
            self._answer(call, outcome)

    def _answer(self, call: PendingToolCall, outcome: Outcome) -> None:
        for pause in pauses():
            try:
                self._session.api.tool_calls_respond(
                    call.request_id, success=outcome.success, content_items=outcome.items
                )
                return
            except (Conflict, NotFound, SessionDeleted) as error:
                log.info("the call %s of %s is over: %s", call.request_id, call.tool, error)
                return
            except TooLarge:
                outcome = Outcome.failed(f"The result of {call.tool} is too long to be sent.")
            except Refused as error:
                if not may_pass(error):
                    raise
                log.warning("a result of %s could not be sent yet: %s", call.tool, error)
            except Unreachable as error:
                log.info("a result of %s could not be sent yet: %s", call.tool, error)
            if self._is_leaving:
                return
            asleep(pause)
