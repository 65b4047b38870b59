"""The client: where everything begins."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from pydantic_core import from_json

from zhongshu_harness.address import PREFIX, find
from zhongshu_harness.aio.api import AsyncApi
from zhongshu_harness.aio.decisions import AsyncDecisions
from zhongshu_harness.aio.projects import AsyncProjects
from zhongshu_harness.aio.session import AsyncSessions
from zhongshu_harness.aio.stream import AsyncStream
from zhongshu_harness.aio.wire import AsyncWire
from zhongshu_harness.manner import Manner
from zhongshu_harness.operation import UNSET, Operation


class AsyncHarness:
    """A server of the harness API.

    Without a `url` it is found by `ZHONGSHU_URL` and `ZHONGSHU_TOKEN`, by `ZHONGSHU_SOCKET`, or as the server of the repository that this
    program runs in; a socket is asked without a token, as the person. `strict` refuses answers that are not exactly as the document
    describes them. `tries` and `patience` (seconds) bound what is tried again: where the server says when, and for a stream that was cut.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        socket: str | None = None,
        prefix: str = PREFIX,
        strict: bool = False,
        timeout: float = Manner.timeout,
        tries: int = Manner.tries,
        patience: float = Manner.patience,
    ) -> None:
        address = find(url, token, socket=socket, prefix=prefix)
        manner = Manner(strict=strict, timeout=timeout, tries=tries, patience=patience)
        self._wire = AsyncWire(address, timeout)
        self.api = AsyncApi(self._wire, manner)
        """Every operation, by its id in the document."""
        self.sessions = AsyncSessions(self.api)
        self.projects = AsyncProjects(self.api)
        self.decisions = AsyncDecisions(self.api)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Lets go of its connections; streams end by themselves."""
        await self._wire.aclose()

    def stream(self, thread_id: str | None = None, after: str | None = None) -> AsyncStream:
        """What happens in all sessions, or in one; behind a place that `cursor` of a stream has named."""
        return AsyncStream(self._wire, self.api.manner, thread_id, after)

    async def request(self, method: str, path: str, body: Any = UNSET) -> Any:
        """A request as it stands, for what this version does not know: the answer is plain JSON."""
        reply = await self.api.send(Operation[Any](path, method.upper(), path).request(body=body))
        return from_json(reply.content)
