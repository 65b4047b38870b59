"""Functions of this program as tools of a session."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from house import House, wait_for
from pydantic import BaseModel, Field

from zhongshu_harness import AsyncHarness, Harness, Image, Session, ToolError, errors, tool
from zhongshu_harness._generated.models import PendingToolCall

PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Trip(BaseModel):
    to: str
    days: int = 1


@tool
def weather(place: Annotated[str, Field(description="A city.")], unit: Literal["C", "F"] = "C") -> str:
    """Tells the weather of a place."""
    return f"Sunny in {place}, 20 {unit}."


@tool
def raises() -> str:
    """Does not do what it should."""
    raise KeyError("nothing is found")


@tool
async def book(trip: Trip, call: PendingToolCall) -> Trip:
    """Books a trip."""
    await asyncio.sleep(0)
    assert call.tool == "book"
    return Trip(to=trip.to, days=trip.days + 1)


@tool
def picture() -> list[Image | str]:
    """Shows a picture."""
    return ["A dot:", Image(url=PIXEL)]


def outcome_of(session: Session, name: str) -> tuple[bool, str]:
    """How a call of a tool ended, as Codex has it: whether it succeeded, and what the model was told."""

    def look() -> Any:
        for row in session.transcript():
            details = json.loads(row.details or "null")
            if row.type == "dynamicToolCall" and details["tool"] == name and details["status"] != "inProgress":
                return details
        return None

    details = wait_for(f"the end of a call of {name}", look)
    return details["success"], json.dumps(details["contentItems"], ensure_ascii=False)


def test_a_signature_is_what_the_model_is_told() -> None:
    told = weather.definition
    assert (told.name, told.description) == ("weather", "Tells the weather of a place.")
    assert told.input_schema == {
        "type": "object",
        "properties": {
            "place": {"type": "string", "description": "A city."},
            "unit": {"type": "string", "enum": ["C", "F"], "default": "C"},
        },
        "required": ["place"],
        "additionalProperties": False,
    }
    assert list(book.definition.input_schema["properties"]) == ["trip"]
    # It is still the function that it was.
    assert weather("Kaifeng") == "Sunny in Kaifeng, 20 C."


def test_what_can_be_no_tool_is_refused_at_once() -> None:
    def silent(a: int) -> int:
        return a

    def many(*places: str) -> str:
        """Takes many."""
        return ""

    for function in (silent, many):
        with pytest.raises(TypeError):
            tool(function)
    with pytest.raises(ValueError, match="two tools"):
        Harness("http://127.0.0.1:1").sessions.create(tools=[weather, tool(name="weather")(raises.function)])


def test_results_are_held_to_what_was_promised() -> None:
    @tool
    def number() -> int:
        """Gives a number."""
        return "7"  # type: ignore[return-value]

    @tool
    def long() -> str:
        """Says much."""
        return "x" * (1 << 20)

    for one, words in ((number, "something else than it promises"), (long, "too long")):
        outcome = one.outcome(one())
        assert not outcome.success
        assert words in outcome.items[0].model_dump_json()
    wrong = PendingToolCall.model_construct(arguments={"town": "x", "unit": "K"})
    with pytest.raises(ToolError, match="place: Field required"):
        weather.arguments(wrong)
    assert book.outcome(Trip(to="a")).items[0].model_dump() == {"type": "inputText", "text": '{"to":"a","days":1}'}


@pytest.mark.parametrize(
    ("message", "name", "success", "told"),
    [
        ("WEATHER", "weather", True, "Sunny in Luoyang, 20 C."),
        ("WRONG CALL", "weather", False, "place: Field required"),
        ("RAISE", "raises", False, "KeyError"),
        ("NESTED", "book", True, '\\"days\\":3'),
        ("PICTURE", "picture", True, "A dot:"),
    ],
)
def test_calls_are_performed(harness: Harness, message: str, name: str, success: bool, told: str) -> None:
    session = harness.sessions.create(tools=[weather, raises, book, picture])
    with session.serve_tools():
        assert session.ask(message, timeout=60).status == "completed"
    ended = outcome_of(session, name)
    assert ended[0] is success
    assert told in ended[1]


def test_the_same_with_asyncio(house: House, token: str) -> None:
    async def whole() -> None:
        async with AsyncHarness(house.url, token, strict=True) as harness:
            session = await harness.sessions.create(tools=[weather, book])
            async with session.serve_tools():
                for message, answer in (("WEATHER", "Sunny in Luoyang."), ("NESTED", "Booked.")):
                    async with session.run(message) as turn:
                        types = [event.type async for event in turn]
                        assert (await turn.result()).answer == answer
                    assert "tool_call_requested" in types
                    assert "tool_call_resolved" in types
            assert session.id in [it.session_id async for it in harness.sessions.all()]

    asyncio.run(whole())


def test_two_calls_at_once_are_performed_at_once(harness: Harness) -> None:
    both = threading.Barrier(2, timeout=30)

    @tool
    def first() -> None:
        """Waits for the second."""
        both.wait()

    @tool
    def second() -> None:
        """Waits for the first."""
        both.wait()

    session = harness.sessions.create(tools=[first, second])
    with session.serve_tools():
        assert session.ask("BOTH", timeout=60).answer == "Both."
    assert outcome_of(session, "first")[0]


def test_of_two_clients_one_answers(house: House, harness: Harness, token: str) -> None:
    meeting = threading.Barrier(2, timeout=30)

    @tool(name="weather")
    def slow(place: str) -> str:
        """Tells the weather once both have the call."""
        meeting.wait()
        return f"Rain in {place}."

    session = harness.sessions.create(tools=[slow])
    with Harness(house.url, token) as other, session.serve_tools(), other.sessions.open(session.id).serve_tools(slow):
        assert session.ask("WEATHER", timeout=60).answer == "Sunny in Luoyang."
    assert outcome_of(session, "weather") == (True, '[{"text": "Rain in Luoyang.", "type": "inputText"}]')


def test_a_call_that_waited_before_is_answered_and_those_of_others_are_left(harness: Harness) -> None:
    session = harness.sessions.create(tools=[weather, raises])
    turn = session.send("WEATHER")
    call = session.wait_for_pending("call", timeout=30)
    with session.serve_tools(raises):
        with pytest.raises(TimeoutError):
            session.wait_for_turn(turn, timeout=0.5)
        assert session.pending() == [call]
    with session.serve_tools(weather):
        assert session.wait_for_turn(turn, timeout=60).status == "completed"


def test_a_cut_loses_no_call_and_performs_none_twice(own_house: House) -> None:
    performed: list[str] = []
    may_end = threading.Event()

    @tool(name="weather")
    def slow(place: str) -> str:
        """Tells the weather, when it is allowed to."""
        performed.append(place)
        assert may_end.wait(60)
        return "Fog."

    with Harness(own_house.url, own_house.token("cut"), strict=True) as harness:
        session = harness.sessions.create(tools=[slow])
        with session.serve_tools() as serving:
            turn = session.send("WEATHER")
            wait_for("the call", lambda: performed or None)
            own_house.kill()
            # The answer finds nobody at first.
            may_end.set()
            own_house.start()
            assert session.wait_for_turn(turn, timeout=60).status == "completed"
            assert serving.error is None
        assert outcome_of(session, "weather")[0]
    assert performed == ["Luoyang"]


def test_serving_ends_with_its_token(house: House) -> None:
    token = house.token("short")
    with Harness(house.url, token) as harness:
        session = harness.sessions.create(tools=[weather])
        server = session.serve_tools()
        server.__enter__()
        house.run("token", "revoke", "short")
        wait_for("the end of the serving", lambda: server.error)
        with pytest.raises(errors.Unauthorized):
            server.__exit__(None, None, None)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    wait_for("the end of all threads", lambda: True if threading.active_count() == 1 else None, 10)
