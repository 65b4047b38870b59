"""The words that a field may be, as types with the names of the document."""

from __future__ import annotations

from .document import Document

HEAD = '''"""Words that fields may be, and nothing else."""

from __future__ import annotations

from typing import Literal

'''


def text(document: Document) -> str:
    parts = [HEAD]
    for name, schema in sorted(document.schemas.items()):
        if "enum" in schema:
            parts.append(f'{name} = Literal{schema["enum"]!r}\n"""{schema.get("description", name)}"""\n\n')
    return "".join(parts)
