"""The files that are dropped: good ones, the same again, and every kind of bad one; each with what has to become of it."""

from __future__ import annotations

import hashlib
import json
import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

from .ground import Ground


@dataclass
class Sent:
    """One file that was dropped."""

    name: str
    kind: str
    planner: str
    session: str
    sha256: str
    summary: str = ""
    # When it had its name, in seconds since the epoch.
    at: float = 0.0


# What is in the reason of a file of each bad kind.
REASONS = {
    "not_json": "not valid JSON",
    "cut": "ends in the middle",
    "too_large": "larger than",
    "not_utf8": "not UTF-8",
    "nested": "nested deeper",
    "nul": "not valid JSON",
    "capital": "must end in `.json`",
    "link": "symbolic link",
    "hard_link": "more than one name",
    "folder": "not a plain file",
    "foreign": "is not a department of planner",
    "unknown": "there is no session",
    "department": "belongs to",
    "empty": "this field is missing",
    "huge_number": "must be a whole number",
}

# They stay where they are: somebody's unfinished work, or nothing of ours.
IGNORED = ("hidden", "draft", "text")


class Writer:
    """Drops files into mailboxes and remembers each."""

    def __init__(self, ground: Ground, chance: random.Random) -> None:
        self.ground, self.chance = ground, chance
        self.sent: list[Sent] = []
        self._last: dict[str, tuple[bytes, str]] = {}

    def good(self, session: str, planner: str, slowly: bool = False) -> None:
        """A result, renamed into its place, or written there piece by piece."""
        number = len(self.sent)
        summary = f"result {number} of {session}"
        result = self.result(session, planner, summary, number)
        self._last[session] = (result, summary)
        name = f"r-{number:06}.json"
        if slowly:
            self._slowly(planner, name, result)
        else:
            self._drop(planner, name, result)
        self._note(name, "slow" if slowly else "good", planner, session, result, summary)

    def again(self, session: str, planner: str) -> None:
        """The bytes of a session's last result once more, under another name."""
        result, summary = self._last[session]
        name = f"r-{len(self.sent):06}.json"
        self._drop(planner, name, result)
        self._note(name, "again", planner, session, result, summary)

    def ignored(self, planner: str) -> None:
        """What is no file for the mailbox."""
        number = len(self.sent)
        kind = self.chance.choice(IGNORED)
        name = {"hidden": f".x-{number:06}.json", "draft": f"x-{number:06}.json.tmp", "text": f"x-{number:06}.txt"}[
            kind
        ]
        (self._incoming(planner) / name).write_bytes(b"{")
        self._note(name, kind, planner, "", b"{")

    def bad(self, session: str, planner: str, strangers: str | None) -> None:
        """What has to be rejected. `strangers` is a session of another planner."""
        number = len(self.sent)
        kind = self.chance.choice([kind for kind in REASONS if kind != "foreign" or strangers])
        name = f"x-{number:06}.json" if kind != "capital" else f"x-{number:06}.JSON"
        result = self.result(session, planner, f"bad {number}", number)
        incoming = self._incoming(planner)
        content = {
            "not_json": b'{"summary": oops %d}' % number,
            "cut": result[: self.chance.randrange(1, len(result))],
            "not_utf8": result.replace(b"bad", b"b\xff\xfed"),
            "nested": b'{"summary":' + b"[" * 200 + b"]" * 200 + b"}",
            "nul": result.replace(b"bad", b"b\0d"),
            "empty": b'{"n": %d}' % number,
            "huge_number": result.replace(b'"revision": ', b'"revision": 1' + b"0" * 40),
            "foreign": self.result(strangers or session, planner, f"bad {number}", number),
            "unknown": self.result("lingyubu-nobody", planner, f"bad {number}", number),
            "department": result.replace(b'"department": "', b'"department": "x'),
            "capital": result,
        }.get(kind, b"")
        target = self.ground.root / "tmp" / f"t-{number}"
        if kind == "too_large":
            # Of holes: it takes no room.
            draft = incoming / ".large.tmp"
            with draft.open("wb") as file:
                file.truncate(1024 * 1024 + 1 + self.chance.randrange(10**6))
            draft.rename(incoming / name)
        elif kind == "folder":
            (incoming / name).mkdir()
        elif kind == "link":
            (incoming / name).symlink_to(self.ground.repo / "README.md")
        elif kind == "hard_link":
            target.write_bytes(result)
            os.link(target, incoming / name)
        else:
            # One that ends in the middle has half a minute to become whole, unless it is old.
            self._drop(planner, name, content, age=100 if kind == "cut" else 0)
        self._note(name, kind, planner, session, content)

    def _incoming(self, planner: str) -> Path:
        return self.ground.mailbox(planner) / "incoming"

    def _drop(self, planner: str, name: str, content: bytes, age: float = 0) -> None:
        incoming = self._incoming(planner)
        draft = incoming / ".draft.tmp"
        draft.write_bytes(content)
        if age:
            old = time.time() - age
            os.utime(draft, (old, old))
        draft.rename(incoming / name)

    def _slowly(self, planner: str, name: str, content: bytes) -> None:
        with (self._incoming(planner) / name).open("wb", buffering=0) as file:
            half = len(content) // 2
            file.write(content[:half])
            time.sleep(self.chance.uniform(0.0, 0.04))
            file.write(content[half:])

    def _note(self, name: str, kind: str, planner: str, session: str, content: bytes, summary: str = "") -> None:
        digest = hashlib.sha256(content).hexdigest()
        self.sent.append(Sent(name, kind, planner, session, digest, summary, time.time()))

    def result(self, session: str, planner: str, summary: str, number: int) -> bytes:
        """The bytes of a result."""
        words = {
            "parent_session_id": planner,
            "department_session_id": session,
            "department": session.rpartition("-")[0],
            "revision": number,
            "summary": summary,
            "changed_files": ["README.md"],
            "verification": "looked at it",
            "risks": ["none known"],
        }
        return json.dumps(words, ensure_ascii=False).encode()
