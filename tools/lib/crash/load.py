"""The load: sessions that begin and end, files at a rate, and a server that is killed meanwhile at moments that nobody chose."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field

from .files import IGNORED, Sent, Writer
from .ground import DEPARTMENTS, Ground
from .server import PATIENCE, Server

# Of one session so many count that nobody is known to have written (20); some room is left.
GOOD_OF_ONE = 18
# So many rejected files of one mailbox are kept (1,000).
BAD_OF_ONE = 700
BAD_SHARE = 0.12
AGAIN_SHARE = 0.05
IGNORED_SHARE = 0.01


@dataclass
class Figures:
    """What is told of the load."""

    files: int = 0
    kills: int = 0
    kills_before_ready: int = 0
    sessions: int = 0
    seconds: float = 0.0
    settled_seconds: float = 0.0
    asked_ms: list[float] = field(default_factory=list)


class Killer(threading.Thread):
    """Kills the server and starts it again, so many times."""

    def __init__(self, server: Server, times: int, chance: random.Random, longest: float) -> None:
        super().__init__(name="killer")
        self.server, self.times, self.chance, self.longest = server, times, chance, longest
        self.figures = Figures()
        self.failed: BaseException | None = None
        self._over = threading.Event()

    def end(self) -> None:
        """Kills no more, and starts nothing."""
        self._over.set()
        if self.is_alive():
            self.join()

    def run(self) -> None:
        try:
            for _ in range(self.times):
                if self._over.is_set():
                    return
                # Some never come to serve.
                if self.chance.random() < 0.25 and self.figures.kills:
                    time.sleep(self.chance.uniform(0.0, 0.15))
                    self.figures.kills_before_ready += 1
                else:
                    self._until_ready()
                    time.sleep(self._life())
                self.server.kill()
                self.figures.kills += 1
                if self.chance.random() < 0.3:
                    # Files come in that nobody sees coming.
                    time.sleep(self.chance.uniform(0.0, 0.2))
                self.server.spawn()
            self._until_ready()
        except BaseException as error:
            self.failed = error

    def _life(self) -> float:
        """How long a server lives. On a slow machine longer, and now and then long enough to get something done whatever happens."""
        slower = max(1.0, self.server.starts[-1] / 0.2)
        longest = self.longest * (6 if self.chance.random() < 0.1 else 1)
        return self.chance.uniform(0.0, longest * min(slower, 10.0))

    def _until_ready(self) -> None:
        if self.figures.kills or not self.server.starts:
            self.server.until_ready()


class Load:
    """One load from its beginning until everything is settled."""

    def __init__(
        self, ground: Ground, server: Server, seed: int, files: int, kills: int, rate: float, longest: float
    ) -> None:
        self.ground, self.server = ground, server
        self.chance = random.Random(seed)
        self.writer = Writer(ground, self.chance)
        self.files, self.rate = files, rate
        self.killer = Killer(server, kills, random.Random(seed + 1), longest)
        self.figures = self.killer.figures
        self.planners: list[str] = []
        self._asked = 0
        self._good: dict[str, int] = {}
        self._busy: dict[str, Sent] = {}
        self._over: set[str] = set()

    def run(self) -> list[Sent]:
        """Drops everything, waits until it is settled; what was sent."""
        bad = self.files * BAD_SHARE
        for number in range(max(3, int(bad / BAD_OF_ONE) + 1)):
            said = self.server.insist("POST", "/api/start_zhongshu_session", {"task": f"plan {number}"})
            self.planners.append(said["session"]["id"])
        self._assign()
        begin = time.monotonic()
        self.killer.start()
        try:
            self._drop_all(begin)
            while self.killer.is_alive():
                # Kills that are left fall into a house that has to put away what is there.
                self.killer.join(0.1)
                self._look()
        finally:
            self.killer.end()
        if self.killer.failed:
            raise self.killer.failed
        self.figures.seconds = time.monotonic() - begin
        self.figures.files = len(self.writer.sent)
        self.figures.sessions = len(self._good)
        self._settle()
        self.figures.settled_seconds = time.monotonic() - begin - self.figures.seconds
        return self.writer.sent

    def _assign(self) -> None:
        """Keeps enough work in the queue."""
        needed = int(self.files / GOOD_OF_ONE) + 8
        while self._asked < min(needed, len(self._good) + 40):
            planner = self.planners[(self._asked // 10) % len(self.planners)]
            tasks = [
                {"department": DEPARTMENTS[number % len(DEPARTMENTS)], "task": f"task {number}"}
                for number in range(self._asked, self._asked + 10)
            ]
            wish = {"parent_session_id": planner, "assignments": tasks, "allow_overlap": True}
            said = self.server.insist("POST", "/api/start_assignments", wish, key=f"tasks-{self._asked}")
            assert said["ok"], said
            self._asked += 10

    def _drop_all(self, begin: float) -> None:
        waits = time.monotonic()
        while len(self.writer.sent) < self.files:
            if self.killer.failed:
                raise self.killer.failed
            live = self._live()
            if not live:
                if time.monotonic() - waits > PATIENCE:
                    raise SystemExit(f"no session comes:\n{self.server.log()}")
                time.sleep(0.02)
                continue
            waits = time.monotonic()
            # Now and then many at once.
            burst = self.chance.randrange(50, 200) if self.chance.random() < 0.01 else self.chance.randrange(1, 10)
            for _ in range(burst):
                if live:
                    self._one(live)
            due = begin + len(self.writer.sent) / self.rate
            time.sleep(max(0.0, min(0.5, due - time.monotonic())))
            self._look()

    def _live(self) -> dict[str, str]:
        """Sessions that may still be given something to say, with their planners."""
        ready = self.ground.ready()
        planners = set(self.planners)
        live = {}
        for session, planner in ready.items():
            if session in planners:
                continue
            if session in self._over:
                # Of two programs of one session, after a kill, the wrong one may have heard it.
                self.ground.tell(session, "exit 0")
                continue
            self._good.setdefault(session, 0)
            live[session] = planner
        return live

    def _one(self, live: dict[str, str]) -> None:
        session = self.chance.choice(list(live))
        planner, writer = live[session], self.writer
        dice = self.chance.random()
        good = self._good[session]
        if dice < BAD_SHARE:
            writer.bad(session, planner, next((other for other, whose in live.items() if whose != planner), None))
        elif dice < BAD_SHARE + IGNORED_SHARE:
            writer.ignored(planner)
        elif dice < BAD_SHARE + IGNORED_SHARE + AGAIN_SHARE and good:
            writer.again(session, planner)
        else:
            # What is written piece by piece waits a moment; nothing of the same session may come after it meanwhile.
            last = good + 1 >= GOOD_OF_ONE
            writer.good(session, planner, slowly=last and self.chance.random() < 0.5)
            self._good[session] += 1
            if last:
                self._end(session, live)

    def _end(self, session: str, live: dict[str, str]) -> None:
        self._over.add(session)
        live.pop(session, None)
        self.ground.tell(session, "exit 0")

    def _look(self) -> None:
        """What a person does meanwhile: more work, and a look at the status."""
        if len(self._good) + 20 > self._asked:
            self._assign()
        if self.chance.random() < 0.2:
            self.server.look(self.figures.asked_ms)

    def _settle(self) -> None:
        """Waits until nothing is left to put away."""
        deadline = time.monotonic() + PATIENCE * 2
        ignored = {sent.name for sent in self.writer.sent if sent.kind in IGNORED}
        while left := [name for name in self._incoming() if name not in ignored]:
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(left)} files are not put away: {left[:10]}\n{self.server.log()}")
            time.sleep(0.05)

    def _incoming(self) -> list[str]:
        return [
            path.name for planner in self.planners for path in (self.ground.mailbox(planner) / "incoming").iterdir()
        ]
