"""One operation: how a request of it is put together, and how its answer is read. Nothing here is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote, urlencode

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_jsonable_python

from zhongshu_harness._base import Model
from zhongshu_harness.errors import UnexpectedAnswer

T = TypeVar("T")


class Unset(Enum):
    """What stands where a caller says nothing; `None` says `null`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True)
class Request:
    """A request that can be sent: its path below the prefix, with the query, and its body."""

    method: str
    target: str
    content: bytes | None

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.content is None else {"content-type": "application/json"}


@dataclass(frozen=True)
class Operation(Generic[T]):
    """What can be asked of the server; `T` is what its answer is read as."""

    id: str
    method: str
    path: str
    query: tuple[str, ...] = ()
    body: type[Model] | Any = None
    answers: Mapping[int, Any] = field(default_factory=dict)

    def request(
        self, path: Mapping[str, str] | None = None, query: Mapping[str, Any] | None = None, body: Any = UNSET
    ) -> Request:
        """Puts a request together.

        Raises ValueError when a part of the path is missing or empty.
        """
        target = self.path
        for name, value in (path or {}).items():
            target = target.replace("{" + name + "}", part(name, value))
        if "{" in target:
            raise ValueError(f"{self.id} needs everything that is named in {self.path}")
        words = {name: word(value) for name, value in (query or {}).items() if value is not UNSET and value is not None}
        if words:
            target = f"{target}?{urlencode(words, quote_via=quote)}"
        content = None if body is UNSET else json.dumps(sent(body), ensure_ascii=False, allow_nan=False).encode()
        return Request(self.method, target, content)

    def answer(self, status: int, content: bytes, *, strict: bool) -> T:
        """Reads a yes. Strictly: every field is one that is described, and of exactly the described type.

        Raises UnexpectedAnswer when it is not as described.
        """
        try:
            kind = self.answers.get(status)
            if kind is None:
                if strict and self.answers:
                    raise UnexpectedAnswer(f"{self.id}: no answer with status {status} is described", content)
                kind = next(iter(self.answers.values()), None)
            if kind is None:
                found: T = from_json(content)
                return found
            read: T = adapter(kind).validate_json(content, strict=strict, extra="forbid" if strict else None)
            return read
        except (ValidationError, ValueError) as error:
            if isinstance(error, UnexpectedAnswer):
                raise
            raise UnexpectedAnswer(f"{self.id}: the answer is not as it is described: {error}", content) from error


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """What reads a type. It is not made for each answer anew."""
    return TypeAdapter(kind)


def part(name: str, value: str) -> str:
    """A word of a path: whatever is in it, it stays one word."""
    if not value:
        raise ValueError(f"{name} is empty")
    quoted = quote(value, safe="")
    return quoted.replace(".", "%2E") if quoted in (".", "..") else quoted


def word(value: Any) -> str:
    """A word of a query."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def sent(value: Any) -> Any:
    """A body as JSON: without what is left out, models under the names of the API."""
    if isinstance(value, Model):
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, Mapping):
        return {str(key): sent(it) for key, it in value.items() if it is not UNSET}
    if isinstance(value, list | tuple):
        return [sent(it) for it in value]
    return to_jsonable_python(value)
