"""What is written for asyncio, as it is without."""

from __future__ import annotations

import re
from pathlib import Path

BY_HAND = {"__init__.py", "doing.py", "wire.py"}
"""What each of the two has of its own."""

NOTE = "# Made from aio/{name} by clients/python/generate.\n"

WORDS = [
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAsync(?=[A-Z])", ""),
    (r"\b__a(enter|exit|iter|next)__\b", r"__\1__"),
    (r"\baclose\b", "close"),
    (r"\bStopAsyncIteration\b", "StopIteration"),
    (r"\bzhongshu_harness\.aio\b", "zhongshu_harness.blocking"),
]


def texts(package: Path) -> dict[str, str]:
    """The blocking modules by their name below the package."""
    made = {}
    for path in sorted((package / "aio").glob("*.py")):
        if path.name in BY_HAND:
            continue
        text = path.read_text(encoding="utf-8")
        for pattern, word in WORDS:
            text = re.sub(pattern, word, text)
        made[f"blocking/{path.name}"] = NOTE.format(name=path.name) + text
    return made
