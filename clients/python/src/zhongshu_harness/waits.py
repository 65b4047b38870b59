"""What waits for somebody, and how long that is waited for. Pure but for the clock."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Literal

from zhongshu_harness._generated.models import PendingApproval, PendingToolCall, PendingToolInput
from zhongshu_harness.events import ApprovalRequested, Event, Ready, Reset, ToolCallRequested, ToolInputRequested

Pending = PendingApproval | PendingToolInput | PendingToolCall
"""Something that waits."""

Kind = Literal["approval", "question", "call"]

KINDS: dict[Kind, type[Pending]] = {
    "approval": PendingApproval,
    "question": PendingToolInput,
    "call": PendingToolCall,
}


def opens(event: Event) -> bool:
    """Whether something may wait since then."""
    return isinstance(event, ApprovalRequested | ToolInputRequested | ToolCallRequested | Ready | Reset)


def wanted(pending: Pending, kinds: Iterable[Kind]) -> bool:
    """Whether it is of one of these kinds; of any, if none is named."""
    named = tuple(KINDS[it] for it in kinds)
    return not named or isinstance(pending, named)


def deadline_in(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


def left(deadline: float | None) -> float | None:
    """Seconds until then; 0 when it is past."""
    return None if deadline is None else max(0.0, deadline - time.monotonic())
