"""Codex threads of a repository through the harness API of zhongshu.

- `Harness`, `AsyncHarness`: where everything begins
- `events`: what a stream tells; `errors`: what can go wrong; `models`: what is sent and answered; `words`: what a field may be
- `tool`: a function that a session may call
"""

from zhongshu_harness import errors, events
from zhongshu_harness._generated import models, operations, words
from zhongshu_harness.aio.answering import AsyncToolServer
from zhongshu_harness.aio.client import AsyncHarness
from zhongshu_harness.aio.session import AsyncSession
from zhongshu_harness.aio.stream import AsyncStream
from zhongshu_harness.aio.turn import AsyncTurn
from zhongshu_harness.blocking.answering import ToolServer
from zhongshu_harness.blocking.client import Harness
from zhongshu_harness.blocking.session import Session
from zhongshu_harness.blocking.stream import Stream
from zhongshu_harness.blocking.turn import Turn
from zhongshu_harness.errors import HarnessError, Refused
from zhongshu_harness.events import Event
from zhongshu_harness.tools import Image, Tool, ToolError, tool
from zhongshu_harness.turns import TurnResult
from zhongshu_harness.waits import Pending

__all__ = [
    "AsyncHarness",
    "AsyncSession",
    "AsyncStream",
    "AsyncToolServer",
    "AsyncTurn",
    "Event",
    "Harness",
    "HarnessError",
    "Image",
    "Pending",
    "Refused",
    "Session",
    "Stream",
    "Tool",
    "ToolError",
    "ToolServer",
    "Turn",
    "TurnResult",
    "errors",
    "events",
    "models",
    "operations",
    "tool",
    "words",
]
