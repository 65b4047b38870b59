"""One turn of a session, from a message to its end."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from zhongshu_harness.aio.doing import asleep
from zhongshu_harness.aio.stream import AsyncStream
from zhongshu_harness.errors import NoActiveTurn
from zhongshu_harness.events import Event, Ready, Reset, RuntimeState, TurnCompleted
from zhongshu_harness.turns import SURE, Course, TurnResult, course, result

if TYPE_CHECKING:
    from zhongshu_harness.aio.session import AsyncSession

LOOK_AGAIN = 0.3
"""Seconds between two looks at a turn of which it is not clear whether it is over."""
LOOK_ANYWAY = 15.0
"""Seconds without an event after which it is looked all the same: an app-server that died ends its turns without a word."""


class AsyncTurn:
    """A turn and what happens in its session until its end.

    Entering it opens the stream and then says the message, if there is one, so that nothing is missed. Iterating gives every event until
    the turn is over; `result` waits for that and tells what became of it.
    """

    def __init__(self, session: AsyncSession, turn_id: str | None, message: dict[str, Any] | None) -> None:
        self._session = session
        self._message = message
        self._stream: AsyncStream | None = None
        self._result: TurnResult | None = None
        self._ended: Course | None = None
        self._broken = 0
        self._looks_soon = message is None
        self.turn_id = turn_id or ""
        """The turn; empty before the message was said."""
        self.steered = False
        """Whether the message went into a turn that ran already."""

    async def __aenter__(self) -> Self:
        self._stream = self._session.stream()
        await self._stream.__aenter__()
        try:
            if self._message is not None:
                accepted = await self._session.api.messages_send(self._session.id, **self._message)
                self.turn_id, self.steered = accepted.turn_id, bool(accepted.steered)
                # The stream's own beginning says nothing new.
                self._looks_soon = False
        except BaseException:
            await self._stream.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            await self._stream.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        event = await self.next()
        if event is None:
            raise StopAsyncIteration
        return event

    async def next(self, timeout: float | None = None) -> Event | None:
        """The next event; `None` once the turn is over.

        Raises TimeoutError when there is neither for so many seconds.
        """
        if self._stream is None:
            raise RuntimeError("a turn is entered (`with`) before its events are read")
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._result is None:
            if self._ended is not None:
                await self._finish(self._ended)
                break
            if self._looks_soon:
                await self._look()
                continue
            pause = LOOK_AGAIN if self._broken else LOOK_ANYWAY
            left = pause if deadline is None else min(pause, max(0.0, deadline - time.monotonic()))
            try:
                event = await self._stream.next(left)
            except TimeoutError:
                if deadline is not None and time.monotonic() >= deadline:
                    raise
                self._looks_soon = True
                continue
            if event is None:
                return None
            self._notice(event)
            return event
        return None

    async def result(self, timeout: float | None = None) -> TurnResult:
        """Waits for the end of the turn and tells what became of it. Events that come meanwhile are left out.

        Raises TimeoutError when it is not over within so many seconds; the turn runs on.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._result is None:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if await self.next(left) is None and self._result is None:
                raise RuntimeError("the turn was left before its end")
        return self._result

    async def interrupt(self) -> None:
        """Breaks the turn off. One that has just begun is not known to Codex at once, so it is said again for a moment.

        Raises NoActiveTurn when it was over before.
        """
        for left in reversed(range(SURE + 1)):
            try:
                await self._session.interrupt(self.turn_id)
                return
            except NoActiveTurn:
                if left == 0 or self._ended is not None:
                    raise
            await asleep(LOOK_AGAIN)

    async def steer(self, text: str) -> None:
        """Says something to the turn while it runs."""
        await self._session.steer(self.turn_id, text)

    def _notice(self, event: Event) -> None:
        if isinstance(event, TurnCompleted) and event.turn_id == self.turn_id:
            kinds = {"completed": Course.COMPLETED, "failed": Course.FAILED}
            self._ended = kinds.get(event.status, Course.BROKEN_OFF)
        elif isinstance(event, Reset | RuntimeState) or (isinstance(event, Ready) and self._message is None):
            self._looks_soon = True
        elif isinstance(event, Ready):
            # The next one is told after a cut.
            self._message = None

    async def _look(self) -> None:
        """Reads how it stands; it is over once that is sure."""
        self._looks_soon = False
        how = course(await self._session.read(turns=20), self.turn_id)
        self._broken = self._broken + 1 if how is Course.BROKEN_OFF else 0
        if how in (Course.COMPLETED, Course.FAILED) or self._broken > SURE:
            self._ended = how

    async def _finish(self, how: Course) -> None:
        """Reads what became of it. What was told a moment ago may be on its way into the history."""
        for _ in range(SURE):
            whole = await self._session.read(turns=20)
            if how is Course.BROKEN_OFF or course(whole, self.turn_id) is how:
                break
            await asleep(LOOK_AGAIN)
        self._result = result(whole, self.turn_id, how)
