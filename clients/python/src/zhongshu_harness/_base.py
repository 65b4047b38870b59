"""What all models have in common: names as Python writes them, and answers of a server that is newer than this client."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, core_schema


def with_new_words(schema: Any) -> Any:
    """The schema in which one of several words may be another one, unless it is strictly read."""
    if isinstance(schema, list | tuple):
        return type(schema)(with_new_words(it) for it in schema)
    if not isinstance(schema, dict):
        return schema
    match schema:
        case {"type": "lax-or-strict"}:
            return schema
        # One word alone tells one thing from another, and is what makes it that.
        case {"type": "literal", "expected": [_, _, *_] as words} if all(isinstance(it, str) for it in words):
            lax = core_schema.union_schema([schema, core_schema.str_schema()], mode="left_to_right")
            return core_schema.lax_or_strict_schema(lax, schema)
    return {key: with_new_words(it) for key, it in schema.items()}


class Model(BaseModel):
    """An object of the API.

    Fields that are not known are kept (`model_extra`), and a word that is not known yet is taken as it is, unless it is strictly read.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow", protected_namespaces=())

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: CoreSchema = with_new_words(handler(source))
        return schema
