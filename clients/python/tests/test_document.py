"""The client has every operation of the document, can read every example in it, and knows every word of its documentation."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest
from house import ROOT

from zhongshu_harness import Harness, errors, events, operations
from zhongshu_harness._generated.calls import AsyncCalls, Calls
from zhongshu_harness.operation import sent

DOCUMENT = json.loads((ROOT / "docs" / "openapi-harness.json").read_text())
PREFIX = "/harness/api"
TOLD = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if operation["operationId"] != "stream"
}


def example(holder: Any) -> Any:
    return holder.get("content", {}).get("application/json", {}).get("example")


def test_every_operation_is_there_under_its_own_name() -> None:
    assert len(TOLD) > 60
    assert set(operations.ALL) == set(TOLD)
    for name, (method, path, _) in TOLD.items():
        operation = operations.ALL[name]
        assert (operation.method, PREFIX + operation.path) == (method, path)
    for calls in (Calls, AsyncCalls):
        assert {it for it in vars(calls) if not it.startswith("_")} - {"call"} == set(TOLD)


@pytest.mark.parametrize("name", sorted(TOLD))
def test_examples_are_read_strictly_and_sent_as_they_stand(name: str) -> None:
    operation = operations.ALL[name]
    _, _, told = TOLD[name]
    for status, answer in told["responses"].items():
        there = example(answer)
        content = json.dumps(there).encode()
        if status.startswith("2") and there is not None:
            operation.answer(int(status), content, strict=True)
        elif status[0] in "45":
            refused = errors.refusal(int(status), {}, content)
            assert type(refused) not in (errors.Refused, errors.HarnessError), status
            assert refused.code == there.get("code", "unknown")
    body = example(told.get("requestBody", {}))
    if body is not None:
        read = operation.body.model_validate_json(json.dumps(body), strict=True, extra="forbid")
        assert sent(read) == body


def test_every_code_of_the_documentation_has_a_class() -> None:
    text = (ROOT / "docs" / "harness.md").read_text()
    table = re.findall(r"^\| `(\w+)` \| (\d{3}) \|", text.partition("## Error codes")[2], re.MULTILINE)
    assert len(table) > 20
    known = {code for kind in errors._every(errors.Refused) for code in kind.codes}
    for code, status in table:
        kind = errors.kind_of(int(status), code)
        assert kind is not errors.Refused, f"{code} {status}"
        if code in known:
            assert code in kind.codes, f"{code} {status}: {kind}"


def test_every_name_of_the_stream_has_a_class() -> None:
    text = (ROOT / "docs" / "harness.md").read_text()
    table = text.partition("| `type` | `payload` |")[2].partition("\n\n")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines()[2:]]
    names = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    assert len(names) > 20
    assert names <= set(events.KINDS)


def test_a_method_says_what_it_takes() -> None:
    create = inspect.signature(Calls.sessions_create)
    assert "dynamic_tools" in create.parameters
    assert Calls.sessions_create.__doc__ is not None
    with pytest.raises(TypeError):
        Harness("http://127.0.0.1:1").api.sessions_create(colour="red")  # type: ignore[call-arg]
