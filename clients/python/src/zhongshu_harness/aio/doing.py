"""Waiting, and doing several things at once, for asyncio. The blocking ones beside it are written by hand as well."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from zhongshu_harness.tools import AnyTool


async def asleep(seconds: float) -> None:
    """Waits."""
    await asyncio.sleep(seconds)


async def performed(tool: AnyTool, arguments: dict[str, Any]) -> Any:
    """What a tool's function gives. One that is no coroutine runs in a thread, so that it holds nothing up."""
    if tool.is_async:
        return await tool.function(**arguments)
    return await asyncio.to_thread(tool.function, **arguments)


class AsyncBackground:
    """Things that are done beside the program's own. The first one that fails is kept."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.error: BaseException | None = None

    def start(self, function: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
        task = asyncio.create_task(function(*arguments))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and self.error is None:
            self.error = task.exception()

    async def stop(self, leave: Callable[[], Awaitable[None]]) -> None:
        """Has everything end: what waits is told to by `leave`, what does not hear of that is broken off."""
        await leave()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks))
