"""The models of all schemas, by datamodel-code-generator."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from datamodel_code_generator import DataModelType, InputFileType, LiteralType, PythonVersion, generate
from datamodel_code_generator.format import Formatter

from .document import Document, snake


def text(document: Document) -> str:
    from pydantic.alias_generators import to_camel

    for schema in document.schemas.values():
        for name in schema.get("properties", {}):
            # Names are made from each other by one rule (`_base.Model`), so that no field carries two.
            if to_camel(snake(name)) != name:
                raise SystemExit(
                    f"the field `{name}` cannot be found again from `{snake(name)}`: rename it in the document"
                )
    whole = {
        "openapi": "3.1.0",
        "info": {"title": "zhongshu harness", "version": "0"},
        "paths": {},
        "components": {"schemas": document.schemas},
    }
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "models.py"
        generate(
            json.dumps(whole),
            input_file_type=InputFileType.OpenAPI,
            input_filename="docs/openapi-harness.json",
            output=made,
            output_model_type=DataModelType.PydanticV2BaseModel,
            target_python_version=PythonVersion.PY_311,
            base_class="zhongshu_harness._base.Model",
            snake_case_field=True,
            no_alias=True,
            enum_field_as_literal=LiteralType.All,
            collapse_root_models=True,
            use_standard_collections=True,
            use_union_operator=True,
            use_annotated=True,
            use_title_as_name=True,
            use_schema_description=True,
            use_field_description=True,
            disable_timestamp=True,
            formatters=[Formatter.BUILTIN],
        )
        return made.read_text(encoding="utf-8")
