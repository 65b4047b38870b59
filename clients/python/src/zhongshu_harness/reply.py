"""What both ways to a server have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import websockets.exceptions

from zhongshu_harness.address import Address
from zhongshu_harness.errors import Refused, Unreachable, refusal

CONNECT_SECONDS = 10.0
"""To reach a server on this machine, or a forwarded port of another one."""

OPENING: dict[str, Any] = {
    "open_timeout": CONNECT_SECONDS,
    # A server that is gone without a word is noticed.
    "ping_interval": 20.0,
    "ping_timeout": 20.0,
    "close_timeout": 1.0,
    # The largest event is as large as what Codex says, and the server keeps 8 MiB in all.
    "max_size": 64 << 20,
    "compression": None,
}
"""How a stream is opened."""


@dataclass(frozen=True)
class Reply:
    """An answer, whatever it says."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_yes(self) -> bool:
        return 200 <= self.status < 300

    def refusal(self) -> Refused:
        return refusal(self.status, self.headers, self.content)


def nobody(address: Address, error: BaseException) -> Unreachable:
    return Unreachable(f"{address}: {error or type(error).__name__}")


def cut_short(error: websockets.exceptions.ConnectionClosed) -> Unreachable:
    said = error.rcvd.reason if error.rcvd is not None else ""
    return Unreachable(f"the stream ended: {said or error}")


def said_no(error: websockets.exceptions.InvalidStatus) -> Refused:
    """A stream that was refused; the server says why in a body like any other."""
    answer = error.response
    return refusal(answer.status_code, answer.headers, bytes(answer.body or b""))
