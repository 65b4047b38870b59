"""The stream: events as they happen. After a cut it goes on behind the last one."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

from zhongshu_harness.aio.doing import asleep
from zhongshu_harness.aio.wire import AsyncSocket, AsyncWire
from zhongshu_harness.errors import Refused, StreamLost, Unreachable
from zhongshu_harness.events import Event, decode
from zhongshu_harness.manner import Manner, may_pass, pauses
from zhongshu_harness.place import Place


class AsyncStream:
    """Events of one session, or of all.

    It is opened when it is entered, or when its first event is asked for. What cannot be opened at first raises; what was open and is cut
    comes back by itself, and says so (`Ready`). `Reset` says that something was missed. It ends with its credential: the next event is then
    `Unauthorized`.
    """

    def __init__(self, wire: AsyncWire, manner: Manner, thread_id: str | None = None, after: str | None = None) -> None:
        self._wire = wire
        self._manner = manner
        self._thread_id = thread_id
        self._place = Place.of(after)
        self._socket: AsyncSocket | None = None
        self._was_open = False
        self._is_closed = False
        self._lost_at: float | None = None
        self._pauses = pauses()
        self._why: Exception | None = None

    @property
    def cursor(self) -> str | None:
        """The place behind the last event, for `after` of another stream."""
        return self._place.cursor

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        event = await self.next()
        if event is None:
            raise StopAsyncIteration
        return event

    async def next(self, timeout: float | None = None) -> Event | None:
        """The next event; `None` once the stream was closed.

        Raises TimeoutError when nothing comes for so many seconds, StreamLost when it was cut and did not come back.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._is_closed:
            socket = self._socket
            if socket is None:
                await self._connect(deadline)
                continue
            try:
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                text = await socket.receive(left)
            except Unreachable as error:
                self._socket, self._why = None, error
                continue
            self._lost_at = None
            event = decode(text, strict=self._manner.strict)
            self._place.read(event)
            return event
        return None

    async def aclose(self) -> None:
        """Ends it; whoever waits for an event gets none."""
        self._is_closed = True
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.aclose()

    def _target(self) -> str:
        query = {"frames": "one"}
        if self._thread_id is not None:
            query["threadId"] = self._thread_id
        if (cursor := self._place.cursor) is not None:
            query["after"] = cursor
        return f"/stream?{urlencode(query, quote_via=quote)}"

    async def _connect(self, deadline: float | None = None) -> None:
        """Opens it, after a pause when it was open before."""
        while not self._is_closed and self._socket is None:
            if self._was_open:
                await self._pause(deadline)
            try:
                socket = await self._wire.open_socket(self._target())
            except (Refused, Unreachable) as error:
                if not self._was_open or (isinstance(error, Refused) and not may_pass(error)):
                    raise
                self._why = error
            else:
                self._socket, self._was_open = socket, True
        if self._is_closed:
            # From elsewhere, meanwhile.
            await self.aclose()

    async def _pause(self, deadline: float | None) -> None:
        """Waits before another try. Whether one is left is counted from the first cut after which nothing was told any more: a server that
        lets everybody in and cuts them off again does not keep them for ever."""
        now = time.monotonic()
        if self._lost_at is None:
            self._lost_at, self._pauses = now, pauses()
        if now - self._lost_at > self._manner.patience:
            self._lost_at = None
            raise StreamLost(f"the stream did not come back within {self._manner.patience:g} s: {self._why}")
        seconds = next(self._pauses)
        if deadline is not None and now + seconds > deadline:
            await asleep(max(0.0, deadline - now))
            raise TimeoutError
        await asleep(seconds)
