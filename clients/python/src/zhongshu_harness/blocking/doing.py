"""Waiting, and doing several things at once, without asyncio. The ones for it are written by hand as well."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

from zhongshu_harness.tools import AnyTool

LINGER = 5.0
"""Seconds that are waited for tools that run when everything shall end. A thread cannot be broken off."""


def asleep(seconds: float) -> None:
    """Waits."""
    time.sleep(seconds)


def performed(tool: AnyTool, arguments: dict[str, Any]) -> Any:
    """What a tool's function gives. A coroutine runs in a loop of its own."""
    if tool.is_async:
        return asyncio.run(tool.function(**arguments))
    return tool.function(**arguments)


class Background:
    """Things that are done beside the program's own, each in a thread. The first one that fails is kept."""

    def __init__(self) -> None:
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self.error: BaseException | None = None

    def start(self, function: Callable[..., None], *arguments: Any) -> None:
        # A tool that never returns does not keep the program from its end.
        thread = threading.Thread(target=self._run, args=(function, arguments), daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def _run(self, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        try:
            function(*arguments)
        except BaseException as error:
            with self._lock:
                self.error = self.error or error
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def stop(self, leave: Callable[[], None]) -> None:
        """Has everything end: what waits is told to by `leave`, what still runs is given some seconds."""
        leave()
        deadline = time.monotonic() + LINGER
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
