# Made from aio/api.py by clients/python/generate.
"""Requests and their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from zhongshu_harness._generated.calls import Calls
from zhongshu_harness.blocking.doing import asleep
from zhongshu_harness.blocking.wire import Wire
from zhongshu_harness.manner import Manner
from zhongshu_harness.operation import UNSET, Operation, Request
from zhongshu_harness.reply import Reply

T = TypeVar("T")


class Api(Calls):
    """Every operation of the API, each as a method with its id in the document."""

    def __init__(self, wire: Wire, manner: Manner) -> None:
        self.wire = wire
        self.manner = manner

    def call(
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
        reply = self.send(operation.request(path, query, body))
        return operation.answer(reply.status, reply.content, strict=self.manner.strict)

    def send(self, request: Request) -> Reply:
        """Sends a request, again where the server says when; the answer is a yes."""
        tried = 0
        while True:
            reply = self.wire.send(request)
            tried += 1
            if reply.is_yes:
                return reply
            refused = reply.refusal()
            pause = self.manner.pause_after(request, refused, tried)
            if pause is None:
                raise refused
            asleep(pause)
