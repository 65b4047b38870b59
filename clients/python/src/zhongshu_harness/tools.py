"""Tools that a session may call and that this program performs: a function with its signature.

@tool
def weather(place: Annotated[str, Field(description="A city.")]) -> str:
    \"\"\"Tells the weather of a place.\"\"\"
    return f"Sunny in {place}."
"""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar, overload

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic_core import PydanticSerializationError

from zhongshu_harness._generated.models import (
    DynamicTool,
    InputImageContentItem,
    InputTextContentItem,
    PendingToolCall,
)

P = ParamSpec("P")
R = TypeVar("R")
Item = InputTextContentItem | InputImageContentItem

MOST = 700 << 10
"""The longest result in bytes. The server takes 1 MiB at once, in which quotes and the like take more room."""


class ToolError(Exception):
    """What a tool raises to fail with words for the model."""


class Image(BaseModel):
    """A picture as a result: its address, or itself as a `data:` address."""

    url: str


@dataclass(frozen=True)
class Outcome:
    """What a call came to, for the model."""

    success: bool
    items: list[Item]

    @classmethod
    def failed(cls, words: str) -> Outcome:
        return cls(False, [text_item(words)])


def text_item(text: str) -> InputTextContentItem:
    return InputTextContentItem(type="inputText", text=text)


class Tool(Generic[P, R]):
    """A function as a tool. It can still be called as the function that it is."""

    def __init__(self, function: Callable[P, R], name: str | None = None, description: str | None = None) -> None:
        self.function = function
        self.__doc__ = function.__doc__
        self.name = name or function.__name__
        self.description = description or inspect.getdoc(function) or ""
        if not self.description:
            raise TypeError(f"the tool {self.name} needs a sentence that tells the model what it does: its docstring")
        hints = typing.get_type_hints(function, include_extras=True)
        fields: dict[str, Any] = {}
        self._words: dict[str, str] = {}
        self._call_word: str | None = None
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise TypeError(f"the tool {self.name}: {parameter} cannot be given by its name")
            kind = hints.get(parameter.name, Any)
            if kind is PendingToolCall:
                self._call_word = parameter.name
                continue
            default = ... if parameter.default is parameter.empty else parameter.default
            # By a name of our own, since a parameter may be called like something that every model has.
            word = f"p{len(fields)}"
            fields[word] = (kind, Field(default, alias=parameter.name))
            self._words[word] = parameter.name
        self._arguments = create_model("Arguments", __config__=ConfigDict(extra="forbid"), **fields)
        self._result: TypeAdapter[Any] = TypeAdapter(hints.get("return", Any))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.function)

    @property
    def definition(self) -> DynamicTool:
        """What a session is told of it at its start."""
        schema = without_titles(self._arguments.model_json_schema(by_alias=True))
        return DynamicTool(name=self.name, description=self.description, input_schema=schema)

    def arguments(self, call: PendingToolCall) -> dict[str, Any]:
        """What the function is called with.

        Raises ToolError when the model's arguments do not fit the signature.
        """
        given = {} if call.arguments is None else call.arguments
        if isinstance(given, str):
            # Some models write the object as a text.
            try:
                given = json.loads(given)
            except ValueError as error:
                raise ToolError(f"The arguments are no JSON: {error}") from error
        try:
            read = self._arguments.model_validate(given)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, it['loc'])) or 'arguments'}: {it['msg']}" for it in error.errors())
            raise ToolError(f"The arguments do not fit: {wrong}") from error
        found = {name: getattr(read, word) for word, name in self._words.items()}
        if self._call_word is not None:
            found[self._call_word] = call
        return found

    def outcome(self, result: Any) -> Outcome:
        """A result for the model, checked against what the function says that it returns."""
        try:
            checked = self._result.validate_python(result, strict=True)
            items = self._items(checked)
        except (ValidationError, PydanticSerializationError, ValueError) as error:
            kind = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            return Outcome.failed(f"The tool {self.name} gave something else than it promises: {kind}")
        size = sum(len(it.model_dump_json()) for it in items)
        if size > MOST:
            return Outcome.failed(f"The result of {self.name} is too long: {size >> 10} KiB, {MOST >> 10} are taken.")
        return Outcome(True, items)

    def _items(self, result: Any) -> list[Item]:
        if isinstance(result, list | tuple) and any(isinstance(it, Image) for it in result):
            return [item for it in result for item in self._items(it)]
        if isinstance(result, Image):
            return [InputImageContentItem(type="inputImage", image_url=result.url)]
        if isinstance(result, str):
            return [text_item(result)]
        if result is None:
            return [text_item("Done.")]
        return [text_item(self._result.dump_json(result).decode())]


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(*, name: str | None = None, description: str | None = None) -> Callable[[Callable[P, R]], Tool[P, R]]: ...
def tool(
    function: Callable[P, R] | None = None, /, *, name: str | None = None, description: str | None = None
) -> Tool[P, R] | Callable[[Callable[P, R]], Tool[P, R]]:
    """Makes a tool of a function. Its signature says what it takes, its docstring what it does, its return type is held to.

    A parameter of type `PendingToolCall` gets the call itself, and is nothing that the model gives.
    """
    if function is not None:
        return Tool(function, name, description)
    return lambda it: Tool(it, name, description)


AnyTool = Tool[..., Any]


def by_name(tools: Iterable[AnyTool]) -> dict[str, AnyTool]:
    """Tools by what the model calls them.

    Raises ValueError when two have one name.
    """
    found: dict[str, AnyTool] = {}
    for it in tools:
        if it.name in found:
            raise ValueError(f"two tools are called {it.name}")
        found[it.name] = it
    return found


def failure(tool: AnyTool, error: BaseException) -> Outcome:
    """What the model is told of a tool that raised."""
    if isinstance(error, ToolError):
        return Outcome.failed(str(error) or f"The tool {tool.name} failed.")
    return Outcome.failed(f"The tool {tool.name} failed: {type(error).__name__}: {error}")


def without_titles(schema: Any) -> Any:
    """The schema without the titles that pydantic makes of names: the model reads every word."""
    if isinstance(schema, list):
        return [without_titles(it) for it in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: without_titles(it) for name, it in value.items()}
        if key in ("properties", "$defs")
        else without_titles(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }
