"""How a client asks: how strictly it reads, how long it waits, and when it tries again. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from zhongshu_harness.errors import Refused, TooManyRequests, Unavailable
from zhongshu_harness.operation import Request

PAUSES = (0.2, 1.0, 5.0)
"""Between two tries: soon at first, as for a server that is started anew."""


@dataclass(frozen=True)
class Manner:
    """What holds for all requests of a client."""

    strict: bool = False
    """Whether an answer may have no field that is not described, and none of another type."""
    timeout: float = 150.0
    """Seconds for one answer. Codex has 120 of them."""
    tries: int = 3
    """How often the same is asked at most, where the server says when to try again."""
    patience: float = 60.0
    """Seconds for which a stream that was cut tries to come back, and the longest pause that is waited."""

    def pause_after(self, request: Request, refused: Refused, tried: int) -> float | None:
        """How long to wait before the same is asked again; `None`: it is not.

        Only where the server names a time. A 429 was refused before anything was done, so it is asked again whatever it is; a 503 may
        have come in the middle, so only what changes nothing is.
        """
        pause = refused.retry_after
        if pause is None or tried >= self.tries or pause > self.patience:
            return None
        is_safe = isinstance(refused, TooManyRequests) or (isinstance(refused, Unavailable) and request.method == "GET")
        return pause if is_safe else None


def may_pass(refused: Refused) -> bool:
    """Whether a server that says this may say something else later."""
    return refused.status in (429, 502, 503, 504)


def pauses() -> Iterator[float]:
    """The pauses between tries, without an end."""
    yield from PAUSES
    while True:
        yield PAUSES[-1]
