"""Schemas as Python's types."""

from __future__ import annotations

from .document import Document, Schema

PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def of(document: Document, schema: Schema) -> str:
    """The type that a caller gives for this schema."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        resolved = document.schemas[name]
        # A thing is its model; words and numbers are themselves.
        if "enum" in resolved:
            return f"_w.{name}"
        return f"_m.{name}" if "properties" in resolved else of(document, resolved)
    if "title" in schema:
        return f"_m.{schema['title']}"
    if "oneOf" in schema:
        return joined(of(document, it) for it in schema["oneOf"])
    if "enum" in schema:
        return f"Literal[{', '.join(repr(it) for it in schema['enum'])}]"
    kinds = schema.get("type")
    if kinds is None:
        return "Any"
    if isinstance(kinds, list):
        return joined(of(document, schema | {"type": it}) for it in kinds)
    if kinds == "array":
        return f"Sequence[{of(document, schema.get('items', {}))}]"
    if kinds == "object":
        inner = schema.get("additionalProperties")
        return f"Mapping[str, {of(document, inner) if inner else 'Any'}]"
    return PLAIN[kinds]


def joined(parts: object) -> str:
    found = list(dict.fromkeys(parts))  # type: ignore[call-overload]
    # `None` stands last, as everywhere.
    return " | ".join(sorted(found, key=lambda it: it == "None"))
