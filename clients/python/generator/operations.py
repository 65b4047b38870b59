"""The table of operations."""

from __future__ import annotations

from .document import Document, Operation

HEAD = '''"""Every operation of the harness API: its address, the model of its body, and those of its answers by status."""

from __future__ import annotations

from typing import Any

from zhongshu_harness._generated import models
from zhongshu_harness.operation import Operation
'''


def answer_type(operation: Operation, module: str = "models") -> str:
    """What a method of this operation gives back."""
    names = list(dict.fromkeys(operation.answers.values()))
    return " | ".join(f"{module}.{name}" if name else "Any" for name in names) or "Any"


def text(document: Document) -> str:
    parts = [HEAD]
    for it in document.operations:
        answers = ", ".join(f"{status}: models.{name}" for status, name in it.answers.items() if name)
        query = " ".join(f"{field.name!r}," for field in it.of("query"))
        more = f", query=({query})" if query else ""
        more += f", body=models.{it.body}" if it.body else ""
        more += f", answers={{{answers}}}" if answers else ""
        kind = f"Operation[{answer_type(it)}]"
        parts.append(f"{it.id.upper()}: {kind} = Operation({it.id!r}, {it.method!r}, {it.path!r}{more})\n")
    names = "".join(f"{it.id.upper()}, " for it in document.operations)
    parts.append(f"\nALL: dict[str, Operation[Any]] = {{it.id: it for it in ({names})}}\n")
    return "\n".join(parts)
