"""Reads what is left on disk, by itself, and says what is wrong with it.

Of the journal it takes nothing but what `src/journal/mod.rs` says of its format; of a mailbox what `docs/api.md` says.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from .files import IGNORED, REASONS, Sent
from .ground import Ground

GENESIS = "0" * 64
GOOD = ("good", "slow")


class Journal:
    """Every record, and what is wrong with the chain."""

    def __init__(self, path: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self.faults: list[str] = []
        self._hash, self._ts = GENESIS, ""
        text = path.read_bytes()
        if not text.endswith(b"\n"):
            self.faults.append("the journal ends in the middle of a line")
        for line in text.splitlines():
            self._line(line)

    def _line(self, line: bytes) -> None:
        number = len(self.events)
        sealed, mark, rest = line.rpartition(b',"hash":"')
        event = json.loads(line)
        found = [
            (not mark or not rest.endswith(b'"}'), "is not laid out as a record"),
            (hashlib.sha256(sealed).hexdigest() != event["hash"], "does not match its hash"),
            (event["prev"] != self._hash, "does not follow the one before"),
            (event["seq"] != number, f"has seq {event['seq']}"),
            (event["ts"] < self._ts, "goes back in time"),
            (list(event)[:4] != ["seq", "ts", "actor", "event"], "begins otherwise"),
            (list(event)[-2:] != ["prev", "hash"], "ends otherwise"),
        ]
        self.faults += [f"record {number} {what}" for wrong, what in found if wrong]
        self._hash, self._ts = event["hash"], event["ts"]
        self.events.append(event)

    def named(self, *names: str) -> list[dict[str, Any]]:
        """Records of these events."""
        return [event for event in self.events if event["event"] in names]


@dataclass
class Account:
    """What became of what was sent."""

    counts: Counter[str]
    faults: list[str]


class Reader:
    """Holds what is on disk against what was sent."""

    def __init__(self, ground: Ground, state: Path, planners: list[str], sent: list[Sent]) -> None:
        self.ground, self.state, self.planners, self.sent = ground, state, planners, sent
        self.journal = Journal(state / "journal.jsonl")
        self.counts: Counter[str] = Counter()
        self.faults = list(self.journal.faults)
        self.newest: dict[str, dict[str, Any]] = {}
        self.refused: set[str] = set()

    def read(self) -> Account:
        """Everything."""
        self.counts["records"] = len(self.journal.events)
        self._results()
        self._copies()
        self._rest()
        self._pages()
        return Account(self.counts, self.faults)

    def _wrong(self, count: str, what: str) -> None:
        self.counts[count] += 1
        self.faults.append(what)

    def _results(self) -> None:
        """Each good file is in one revision, of its own session; what is not was refused for a reason that holds."""
        revisions = defaultdict(list)
        for event in self.journal.named("result_registered", "result_updated"):
            if event.get("sha256"):
                revisions[event["sha256"]].append(event)
            self.newest[event["department_session_id"]] = event
        ended = {event["session_id"]: event["ts"] for event in self.journal.named("session_closed")}
        for sent in self.sent:
            found = revisions.get(sent.sha256, [])
            if sent.kind not in GOOD:
                if sent.kind in REASONS and found:
                    self._wrong("taken though bad", f"{sent.name} ({sent.kind}) was taken")
                continue
            if len(found) > 1:
                self._wrong("double", f"{sent.name} is in {len(found)} revisions")
            for event in found:
                said = (event["department_session_id"], event["parent_session_id"], event["summary"])
                if said != (sent.session, sent.planner, sent.summary):
                    self._wrong("misattributed", f"{sent.name} of {sent.session} stands as {said}")
            if found:
                self.counts["registered"] += 1
            else:
                self._not_taken(sent, ended.get(sent.session))
        known = {sent.sha256 for sent in self.sent}
        for digest, events in revisions.items():
            if digest not in known:
                self._wrong("made up", f"nobody sent {events[0]['mailbox_file']}")

    def _not_taken(self, sent: Sent, ended: str | None) -> None:
        """Only a file that its session wrote after its end, as far as anybody knows, may be refused."""
        reason = self._reason(sent)
        self.refused.add(sent.name)
        if reason and "before this file was written" in reason and ended and _seconds(ended) <= sent.at + 0.01:
            self.counts["after its session's end"] += 1
        elif reason and "a newer report" in reason:
            self._wrong("overtaken", f"{sent.name} ({sent.kind}) of {sent.session}: {reason}")
        else:
            self._wrong("lost", f"{sent.name} ({sent.kind}) of {sent.session} is in no revision: {reason}")

    def _reason(self, sent: Sent) -> str | None:
        note = self.ground.mailbox(sent.planner) / "rejected" / f"{sent.name}.reason.txt"
        return note.read_text().strip() if note.exists() else None

    def _copies(self) -> None:
        """Each file lies where it belongs, once, with its own bytes; a rejected one with its reason."""
        for planner in self.planners:
            mailbox = self.ground.mailbox(planner)
            lies = {
                folder: {path.name for path in (mailbox / folder).iterdir()}
                for folder in ("incoming", "archive", "rejected")
            }
            for sent in (sent for sent in self.sent if sent.planner == planner):
                where = [folder for folder, names in lies.items() if sent.name in names]
                wanted = "archive"
                if sent.kind in IGNORED:
                    wanted = "incoming"
                elif sent.kind in REASONS or sent.name in self.refused:
                    wanted = "rejected"
                elif sent.kind == "again" and where == ["rejected"]:
                    # Its first may have been refused, or have come in before and be an older one by now.
                    wanted = "rejected"
                    self.counts["the same, refused"] += 1
                if where != [wanted]:
                    self._wrong("in a wrong place", f"{sent.name} ({sent.kind}) lies in {where}, not in {wanted}")
                    continue
                self.counts[wanted] += 1
                path = mailbox / wanted / sent.name
                if wanted == "archive" and hashlib.sha256(path.read_bytes()).hexdigest() != sent.sha256:
                    self._wrong("changed", f"{sent.name} has other bytes")
                if sent.kind in REASONS and REASONS[sent.kind] not in (reason := self._reason(sent) or "nothing"):
                    self._wrong("without its reason", f"{sent.name} ({sent.kind}): {reason}")
                if sent.kind == "again":
                    self.counts["duplicates"] += 1

    def _rest(self) -> None:
        """Nothing of ours that was never finished; the copy of the journal is the journal."""
        ours = [
            self.ground.mailbox(planner) / folder for planner in self.planners for folder in ("archive", "rejected")
        ]
        for folder in [*ours, self.state]:
            for path in folder.iterdir():
                if path.name.startswith(".") or path.name.endswith(".tmp"):
                    self._wrong("temp files", f"{path} was left")
        for name in ("torn", "damaged"):
            self.counts[f"journal.{name}"] = len(list(self.state.glob(f"journal.jsonl.{name}*")))
        copy = self.ground.repo / ".tmp/codex_governance_audit.jsonl"
        if copy.read_bytes() != (self.state / "journal.jsonl").read_bytes():
            self._wrong("other copies", "the audit copy is not the journal")

    def _pages(self) -> None:
        """Each result has its packet, and that says the newest words."""
        for session, event in self.newest.items():
            page = self.ground.mailbox(event["parent_session_id"]) / "archive" / f"handoff-{session}.md"
            if not page.exists() or event["summary"] not in page.read_text():
                self._wrong("packets", f"{page.name} is not as it should be")
            self.counts["packets read"] += 1


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
