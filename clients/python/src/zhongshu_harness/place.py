"""How far a stream was read. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from zhongshu_harness.events import Event, Ready, Reset


@dataclass
class Place:
    """The server's epoch and the number of the last event that was read whole."""

    epoch: str | None = None
    seq: int | None = None

    @classmethod
    def of(cls, cursor: str | None) -> Place:
        """A place as `cursor` names it."""
        if cursor is None:
            return cls()
        epoch, dot, seq = cursor.rpartition(".")
        return cls(epoch, int(seq)) if dot and seq.isdecimal() else cls(cursor)

    @property
    def cursor(self) -> str | None:
        return self.epoch if self.epoch is None or self.seq is None else f"{self.epoch}.{self.seq}"

    def read(self, event: Event) -> None:
        """Moves behind an event. Where a stream begins counts only when nothing was read before: what is replayed comes after it."""
        if isinstance(event, Reset) or (isinstance(event, Ready) and self.epoch is None):
            at = Place.of(event.cursor)
            self.epoch, self.seq = at.epoch, at.seq
        elif event.seq is not None:
            self.seq = event.seq
