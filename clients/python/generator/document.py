"""The document, in the terms of a client: operations with their fields, schemas with Python's names."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PREFIX = "/harness/api"
"""Where the document has its operations; a client puts its own prefix before a path."""

OTHERWISE = {"stream"}
"""Operations that are no request with one answer."""

Schema = dict[str, Any]


def snake(name: str) -> str:
    """The name of a field as Python writes it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


@dataclass(frozen=True)
class Field:
    """A field of a request."""

    name: str
    place: str
    schema: Schema
    is_required: bool
    about: str

    @property
    def word(self) -> str:
        return snake(self.name)


@dataclass(frozen=True)
class Operation:
    """A request and what may come of it."""

    id: str
    method: str
    path: str
    summary: str
    fields: tuple[Field, ...]
    body: str | None
    """The schema of its body."""
    answers: dict[int, str | None]
    """The schemas of its answers, by status; `None` where the document says nothing of one."""

    def of(self, place: str) -> list[Field]:
        return [field for field in self.fields if field.place == place]


@dataclass(frozen=True)
class Document:
    """Everything that is read from the file."""

    schemas: dict[str, Schema]
    operations: tuple[Operation, ...]

    def resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].rpartition("/")[2]]
        return schema


def load(path: Path) -> Document:
    whole = inline_scalars(plain(json.loads(path.read_text(encoding="utf-8"))))
    schemas = whole["components"]["schemas"]
    name_variants(schemas)
    found = []
    for path_, methods in whole["paths"].items():
        for method, operation in methods.items():
            if operation["operationId"] not in OTHERWISE:
                found.append(read(path_, method, operation, schemas))
    return Document(schemas, tuple(sorted(found, key=lambda it: it.id)))


def plain(schema: Any) -> Any:
    """Without what only a reader of the document needs."""
    if isinstance(schema, list):
        return [plain(it) for it in schema]
    if not isinstance(schema, dict):
        return schema
    # An `example` that is a schema itself is a field with that name.
    return {key: plain(it) for key, it in schema.items() if key != "example" or (isinstance(it, dict) and "type" in it)}


def is_scalar(schema: Schema) -> bool:
    return schema.get("type") in ("string", "integer") and "enum" not in schema


def inline_scalars(whole: Any) -> Any:
    """`Text1To200` and the like are limits and not things: each is written where it is used."""
    schemas = whole["components"]["schemas"]
    scalars = {f"#/components/schemas/{name}": schemas.pop(name) for name in list(schemas) if is_scalar(schemas[name])}

    def walk(it: Any) -> Any:
        if isinstance(it, list):
            return [walk(each) for each in it]
        if not isinstance(it, dict):
            return it
        if it.get("$ref") in scalars:
            # What is sent when a field is left out is the server's affair.
            limits = {key: each for key, each in scalars[it["$ref"]].items() if key != "default"}
            return limits | {key: each for key, each in it.items() if key != "$ref"}
        done = {key: walk(each) for key, each in it.items()}
        match done.get("oneOf"):
            case [{"type": str(kind)} as scalar, {"type": "null"}] if is_scalar(scalar):
                del done["oneOf"]
                return scalar | {"type": [kind, "null"]} | done
        return done

    return walk(whole)


def name_variants(schemas: dict[str, Schema]) -> None:
    """What a union is made of is named after the word that tells one from the others."""
    for name, schema in schemas.items():
        for variant in schema.get("oneOf", []):
            words = variant.get("properties", {}).get("type", {}).get("enum", [])
            if len(words) == 1:
                variant["title"] = words[0][0].upper() + words[0][1:] + name


def reference(holder: Any) -> str | None:
    """The schema that is named; whether it may be missing is told elsewhere."""
    schema = (holder or {}).get("content", {}).get("application/json", {}).get("schema", {})
    named = [it["$ref"].rpartition("/")[2] for it in (schema, *schema.get("oneOf", [])) if "$ref" in it]
    return named[0] if len(named) == 1 else None


def read(path: str, method: str, operation: Any, schemas: dict[str, Schema]) -> Operation:
    fields = []
    for parameter in operation.get("parameters", []):
        about = parameter.get("description", "")
        needed = parameter.get("required", False)
        fields.append(Field(parameter["name"], parameter["in"], parameter["schema"], needed, about))
    body = reference(operation.get("requestBody"))
    if body is not None and "properties" in schemas[body]:
        needed = schemas[body].get("required", [])
        for name, schema in schemas[body]["properties"].items():
            fields.append(Field(name, "body", schema, name in needed, about_field(schema, schemas)))
    answers = {
        int(status): reference(answer) for status, answer in operation["responses"].items() if status.startswith("2")
    }
    return Operation(
        operation["operationId"],
        method.upper(),
        path.removeprefix(PREFIX),
        " ".join([operation["summary"], operation.get("description", "")]).strip(),
        # The order of a path is that of its words in it.
        tuple(sorted(fields, key=lambda it: path.find("{" + it.name + "}") if it.place == "path" else len(path))),
        body,
        answers,
    )


def about_field(schema: Schema, schemas: dict[str, Schema]) -> str:
    """What a field means: its own sentence, else that of what it is."""
    about: str = schema.get("description", "")
    for part in schema.get("oneOf", []):
        about = about or about_field(part, schemas)
    if not about and "$ref" in schema:
        about = schemas[schema["$ref"].rpartition("/")[2]].get("description", "")
    return about
