"""Requests and their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from zhongshu_harness._generated.calls import AsyncCalls
from zhongshu_harness.aio.doing import asleep
from zhongshu_harness.aio.wire import AsyncWire
from zhongshu_harness.manner import Manner
from zhongshu_harness.operation import UNSET, Operation, Request
from zhongshu_harness.reply import Reply

T = TypeVar("T")


class AsyncApi(AsyncCalls):
    """Every operation of the API, each as a method with its id in the document."""

    def __init__(self, wire: AsyncWire, manner: Manner) -> None:
        self.wire = wire
        self.manner = manner

    async def call(
        self,
        operation: Operation[T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = UNSET,
    ) -> T:
        """Sends a request and reads its answer.

        Raises Refused (or one of its kinds) when the server says no, Unreachable when nobody answers, UnexpectedAnswer when the answer is
        not as it is described.
        """
        reply = await self.send(operation.request(path, query, body))
        return operation.answer(reply.status, reply.content, strict=self.manner.strict)

    async def send(self, request: Request) -> Reply:
        """Sends a request, again where the server says when; the answer is a yes."""
        tried = 0
        while True:
            reply = await self.wire.send(request)
            tried += 1
            if reply.is_yes:
                return reply
            refused = reply.refusal()
            pause = self.manner.pause_after(request, refused, tried)
            if pause is None:
                raise refused
            await asleep(pause)
