# Made from aio/client.py by clients/python/generate.
"""The client: where everything begins."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from pydantic_core import from_json

from zhongshu_harness.address import PREFIX, find
from zhongshu_harness.blocking.api import Api
from zhongshu_harness.blocking.decisions import Decisions
from zhongshu_harness.blocking.projects import Projects
from zhongshu_harness.blocking.session import Sessions
from zhongshu_harness.blocking.stream import Stream
from zhongshu_harness.blocking.wire import Wire
from zhongshu_harness.manner import Manner
from zhongshu_harness.operation import UNSET, Operation


class Harness:
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
        self._wire = Wire(address, timeout)
        self.api = Api(self._wire, manner)
        """Every operation, by its id in the document."""
        self.sessions = Sessions(self.api)
        self.projects = Projects(self.api)
        self.decisions = Decisions(self.api)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of its connections; streams end by themselves."""
        self._wire.close()

    def stream(self, thread_id: str | None = None, after: str | None = None) -> Stream:
        """What happens in all sessions, or in one; behind a place that `cursor` of a stream has named."""
        return Stream(self._wire, self.api.manner, thread_id, after)

    def request(self, method: str, path: str, body: Any = UNSET) -> Any:
        """A request as it stands, for what this version does not know: the answer is plain JSON."""
        reply = self.api.send(Operation[Any](path, method.upper(), path).request(body=body))
        return from_json(reply.content)
