"""Children that hide: what a session started is gone with an orderly stop, however it was started, and whatever the server went through."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from .ground import DEPARTMENTS, Ground
from .server import PATIENCE, Server

T = TypeVar("T")

# How a program leaves its terminal behind; `{sleep}` is found by the number of its seconds alone.
WAYS = {
    "setsid": "setsid {sleep} &",
    "nohup": "nohup {sleep} >/dev/null 2>&1 &",
    "double fork": "( ( {sleep} & ) & )",
    "setsid, double fork": "setsid -f setsid -f {sleep} </dev/null >/dev/null 2>&1",
    "empty environment": "env -i setsid {sleep} </dev/null >/dev/null 2>&1 &",
    "deaf": "( trap '' HUP TERM INT; {sleep} ) &",
    "dead parent": "/bin/sh -c '{sleep} & exit' &",
}
# A stop ends everything in so long.
LIMIT = 2.0


@dataclass
class Figures:
    """What is told of the cycles."""

    cycles: int = 0
    children: int = 0
    kills: int = 0
    stop_seconds: list[float] = field(default_factory=list)
    sweep_seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def cycles(ground: Ground, server: Server, seed: int, times: int) -> Figures:
    """A server, sessions with children that hide, perhaps a kill, an orderly stop; so many times."""
    chance, figures = random.Random(seed + 2), Figures()
    for number in range(times):
        server.start()
        before = set(ground.ready())
        said = server.insist("POST", "/api/start_zhongshu_session", {"task": f"hide {number}"}, key=f"hide-{number}")
        planner = said["session"]["id"]
        tasks = [{"department": department, "task": "hide"} for department in chance.sample(DEPARTMENTS, 2)]
        wish = {"parent_session_id": planner, "assignments": tasks, "allow_overlap": True}
        server.insist("POST", "/api/start_assignments", wish, key=f"hidden-{number}")
        figures.children += _hide(ground, before)
        if chance.random() < 0.6:
            time.sleep(chance.uniform(0.0, 0.3))
            server.kill()
            server.start()
            figures.kills += 1
            time.sleep(chance.uniform(0.0, 0.3))
        figures.stop_seconds.append(server.stop())
        took, left = ground.until_alone(LIMIT)
        figures.sweep_seconds.append(took)
        figures.faults += [f"cycle {number}: {it.pid} {it.command} was left" for it in left]
        for process in left:
            process.kill()
        figures.cycles += 1
    return figures


def _hide(ground: Ground, before: set[str]) -> int:
    """Has each new program leave children behind in every way; how many, once all run."""
    sessions = _until(lambda: set(ground.ready()) - before, 3, "three programs")
    sleep = f"sleep {ground.mark}"
    for session in sorted(sessions):
        for way in WAYS.values():
            ground.tell(session, way.format(sleep=sleep))
    count = len(sessions) * len(WAYS)
    _until(lambda: {it.pid for it in ground.processes() if it.command.startswith(sleep)}, count, "hidden children")
    return count


def _until(look: Callable[[], set[T]], count: int, what: str) -> set[T]:
    deadline = time.monotonic() + PATIENCE
    while len(found := look()) < count:
        if time.monotonic() > deadline:
            raise SystemExit(f"waited in vain for {what}: {found}")
        time.sleep(0.02)
    return found
