"""A typed method for each operation, for asyncio and blocking."""

from __future__ import annotations

import textwrap

from . import types
from .document import Document, Field, Operation
from .operations import answer_type

HEAD = '''"""A method for each operation. What is left out is not sent; `None` is sent as `null`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

# By names that no operation has.
from zhongshu_harness._generated import models as _m
from zhongshu_harness._generated import operations as _o
from zhongshu_harness._generated import words as _w
from zhongshu_harness.operation import UNSET, Operation, Unset

T = TypeVar("T")
'''

CLASS = '''

class {name}(ABC):
    """Every operation, by its id in the document."""

    @abstractmethod
    {a}def call(
        self,
        operation: Operation[T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = UNSET,
    ) -> T:
        """Sends a request and reads its answer."""
'''


def text(document: Document) -> str:
    parts = [HEAD]
    for name, a in (("AsyncCalls", "async "), ("Calls", "")):
        parts.append(CLASS.format(name=name, a=a))
        parts += [method(document, it, a) for it in document.operations]
    return "".join(parts)


def argument(document: Document, field: Field) -> str:
    kind = types.of(document, field.schema)
    return f"{field.word}: {kind}" if field.is_required else f"{field.word}: {kind} | Unset = UNSET"


def method(document: Document, it: Operation, a: str) -> str:
    named = sorted(it.of("body") + it.of("query"), key=lambda field: not field.is_required)
    arguments = ["self", *(f"{field.word}: str" for field in it.of("path"))]
    is_whole = it.body is not None and not it.of("body") and "oneOf" in document.schemas[it.body]
    if is_whole:
        arguments.append(f"body: _m.{it.body} | Mapping[str, Any]")
    if named:
        arguments += ["*", *(argument(document, field) for field in named)]
    sent = [f"_o.{it.id.upper()}"]
    for place in ("path", "query", "body"):
        if fields := it.of(place):
            pairs = ", ".join(f"{field.name!r}: {field.word}" for field in fields)
            sent.append(f"{place}={{{pairs}}}")
    if is_whole:
        sent.append("body=body")
    elif it.method == "POST" and not it.of("body"):
        sent.append("body={}")
    lines = [line for field in named if field.about for line in [f"{field.word}: {' '.join(field.about.split())}"]]
    about = "\n".join([it.summary, *([""] if lines else []), *lines])
    wrapped = "\n".join("\n".join(textwrap.wrap(line, 110, subsequent_indent="    ")) for line in about.split("\n"))
    doc = textwrap.indent(wrapped, "        ").lstrip()
    end = "\n        " if "\n" in doc else ""
    await_ = "await " if a else ""
    return f'''
    {a}def {it.id}({", ".join(arguments)}) -> {answer_type(it, "_m")}:
        """{doc}{end}"""
        return {await_}self.call({", ".join(sent)})
'''
