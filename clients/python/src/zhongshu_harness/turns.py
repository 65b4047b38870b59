"""How a turn stands, by what is read of its session. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from zhongshu_harness._generated.models import TranscriptEntry, WholeSession
from zhongshu_harness.errors import TurnEnded

SURE = 4
"""Looks in a row at which a turn that was broken off must be over: one that has just begun looks the same at first."""


class Course(Enum):
    """How a turn looks."""

    RUNS = "runs"
    BROKEN_OFF = "broken off"
    COMPLETED = "completed"
    FAILED = "failed"


def course(whole: WholeSession, turn_id: str) -> Course:
    """How a turn looks in its session."""
    turns = whole.thread.get("turns") or []
    status = next((it.get("status") for it in turns if it.get("id") == turn_id), None)
    if status in ("completed", "failed"):
        return Course(status)
    if whole.session.status in ("running", "waiting_approval", "waiting_input"):
        return Course.RUNS
    # A session that has failed tells so even before its turn does.
    return Course.BROKEN_OFF if status == "interrupted" or (status is None and turns) else Course.RUNS


@dataclass(frozen=True)
class TurnResult:
    """What became of a turn."""

    status: Literal["completed", "failed", "interrupted"]
    session_id: str
    turn_id: str
    answer: str
    """What was said in the end."""
    rows: list[TranscriptEntry] = field(repr=False)
    """Everything that was said and done in it, oldest first."""

    @property
    def error(self) -> str | None:
        """Why it failed, or that it was broken off."""
        ends = [it.content for it in self.rows if it.type in ("turn.error", "turn.interrupted")]
        return ends[-1] if ends else None

    def checked(self) -> TurnResult:
        """Itself, when it was completed.

        Raises TurnEnded when it was not.
        """
        if self.status != "completed":
            raise TurnEnded(f"turn {self.turn_id} was {self.status}: {self.error or 'nothing is known of the reason'}")
        return self


def result(whole: WholeSession, turn_id: str, how: Course) -> TurnResult:
    """What became of a turn that is over."""
    rows = [it for it in whole.transcript if it.turn_id == turn_id]
    said = [it.content for it in rows if it.type == "agentMessage"]
    status: Literal["completed", "failed", "interrupted"] = "interrupted"
    if how is Course.COMPLETED:
        status = "completed"
    elif how is Course.FAILED:
        status = "failed"
    return TurnResult(status, whole.session.session_id, turn_id, said[-1] if said else "", rows)
