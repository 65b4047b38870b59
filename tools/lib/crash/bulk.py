"""Many files at once: how fast they come in, and whether anybody has to wait for them meanwhile.

A session has 20 results at most that nobody is known to have written, so these are of the other kind: each has a receipt, as the tool
writes it. No program of a session has a thread, so the journal is told of some while the server is down, in its own format.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .files import Sent, Writer
from .ground import DEPARTMENTS, Ground
from .reading import Journal
from .server import PATIENCE, Server

SESSIONS = 40


@dataclass
class Figures:
    """What is told of it."""

    files: int = 0
    seconds: float = 0.0
    dropped: float = 0.0
    asked_ms: list[float] = field(default_factory=list)
    memory_before: float = 0.0
    planner: str = ""


class Bulk:
    """One flood into one mailbox."""

    def __init__(self, ground: Ground, server: Server, writer: Writer, files: int) -> None:
        self.ground, self.server, self.writer, self.files = ground, server, writer, files
        self.figures = Figures()

    def run(self) -> Figures:
        """Prepares, floods, waits."""
        self.server.start()
        before = set(self.ground.ready())
        said = self.server.insist("POST", "/api/start_zhongshu_session", {"task": "a flood"}, key="flood")
        self.figures.planner = planner = said["session"]["id"]
        sessions = self._over(planner, before)
        self.server.kill()
        threads = self._threads(sessions)
        self.server.start()
        staging = self._write(planner, sessions, threads)
        incoming = self.ground.mailbox(planner) / "incoming"
        self.figures.memory_before = self.server.memory()
        watcher = threading.Thread(target=self._watch, args=(incoming,))
        begin = time.monotonic()
        for path in sorted(staging.iterdir()):
            path.rename(incoming / path.name)
        dropped = time.monotonic()
        watcher.start()
        deadline = begin + PATIENCE * 10
        while any(incoming.iterdir()):
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(list(incoming.iterdir()))} files are not put away:\n{self.server.log()}")
            time.sleep(0.05)
        self.figures.files = self.files
        self.figures.seconds = time.monotonic() - begin
        self.figures.dropped = dropped - begin
        watcher.join()
        return self.figures

    def _over(self, planner: str, before: set[str]) -> list[str]:
        """Departments of that planner whose programs have ended."""
        tasks = [{"department": DEPARTMENTS[number % 4], "task": "ends"} for number in range(SESSIONS)]
        wish = {"parent_session_id": planner, "assignments": tasks, "allow_overlap": True}
        self.server.insist("POST", "/api/start_assignments", wish, key="flooding")
        told: set[str] = set()
        deadline = time.monotonic() + PATIENCE
        while len(told) < SESSIONS:
            for session in set(self.ground.ready()) - before - told - {planner}:
                self.ground.tell(session, "exit 0")
                told.add(session)
            if time.monotonic() > deadline:
                raise SystemExit(f"only {len(told)} programs came:\n{self.server.log()}")
            time.sleep(0.02)
        assert self.server.state
        while True:
            closed = {
                event["session_id"] for event in Journal(self.server.state / "journal.jsonl").named("session_closed")
            }
            if told <= closed:
                return sorted(told)
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(told - closed)} sessions do not end:\n{self.server.log()}")
            time.sleep(0.1)

    def _threads(self, sessions: list[str]) -> dict[str, str]:
        """Writes into the journal that each session has a thread."""
        assert self.server.state
        path = self.server.state / "journal.jsonl"
        last = Journal(path).events[-1]
        threads = {session: f"thread-of-{session}" for session in sessions}
        with path.open("ab") as file:
            for session, thread in threads.items():
                event = {"event": "session_thread_opened", "session_id": session, "thread_id": thread}
                head = {"seq": last["seq"] + 1, "ts": last["ts"], "actor": "crash", **event, "prev": last["hash"]}
                sealed = json.dumps(head, separators=(",", ":"))[:-1].encode()
                last = {**head, "hash": hashlib.sha256(sealed).hexdigest()}
                file.write(sealed + f',"hash":"{last["hash"]}"}}\n'.encode())
        return threads

    def _write(self, planner: str, sessions: list[str], threads: dict[str, str]) -> Path:
        """Writes all files beside the mailbox, with their receipts."""
        assert self.server.state
        staging = self.ground.root / "staging"
        staging.mkdir()
        receipts = self.server.state / "receipts"
        receipts.mkdir(exist_ok=True, mode=0o700)
        for number in range(self.files):
            session = sessions[number % len(sessions)]
            summary = f"result {number} of {session}"
            name = f"f-{number:06}.json"
            # One bad file in the middle.
            bad = number == self.files // 2
            content = b"{oops" + b"}" * 9 if bad else self.writer.result(session, planner, summary, number)
            digest = hashlib.sha256(content).hexdigest()
            (staging / name).write_bytes(content)
            if not bad:
                receipt: dict[str, Any] = {
                    "thread_id": threads[session],
                    "session_id": session,
                    "file": name,
                    "written_at": "2026-01-01T00:00:00Z",
                }
                (receipts / f"{digest}.json").write_text(json.dumps(receipt))
            sent = Sent(
                name, "not_json" if bad else "good", planner, session, digest, "" if bad else summary, time.time()
            )
            self.writer.sent.append(sent)
        return staging

    def _watch(self, incoming: Path) -> None:
        while any(incoming.iterdir()):
            self.server.look(self.figures.asked_ms)
            time.sleep(0.2)
