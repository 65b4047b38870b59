"""Houses for tests: one that is shared by all that leave it as it was, and others for those that do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from house import House, calls, rule, runs, says, writes

from zhongshu_harness import Harness

RULES = [
    rule("hang", "STAND STILL", {"hang": True}),
    rule("weather", "WEATHER", calls("weather", place="Luoyang"), says("Sunny in Luoyang.")),
    rule("wrong", "WRONG CALL", calls("weather", town="Luoyang"), says("That went wrong.")),
    rule("raises", "RAISE", calls("raises"), says("It raised.")),
    rule("both", "BOTH", {"calls": [calls("first")["calls"][0], calls("second")["calls"][0]]}, says("Both.")),
    rule("nested", "NESTED", calls("book", trip={"to": "Xi'an", "days": 2}), says("Booked.")),
    rule("picture", "PICTURE", calls("picture"), says("Seen.")),
    rule(
        "first", "Note the weather", calls("weather", place="Luoyang"), writes("weather.txt", "Sunny."), says("Noted.")
    ),
    rule("file", "WRITE A FILE", writes("notes.txt", "Sunny."), says("Written.")),
    rule("command", "RUN A COMMAND", runs("true"), says("Ran.")),
    rule("fails", "FAIL", {"fail": {"status": 400, "body": {"error": {"message": "The model is unwell."}}}}),
    rule("slow", "SLOWLY", {"say": "one two three four five", "chunk_delay_ms": 20}),
]


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    shared = House(RULES)
    try:
        shared.start()
        yield shared
    finally:
        shared.close()


@pytest.fixture
def own_house() -> Iterator[House]:
    """One that a test may crash."""
    own = House(RULES)
    try:
        own.start()
        yield own
    finally:
        own.close()


@pytest.fixture(scope="session")
def token(house: House) -> str:
    return house.token("tests")


@pytest.fixture
def harness(house: House, token: str) -> Iterator[Harness]:
    """A client with a token. It reads strictly, so that whatever these tests do proves the document as well."""
    with Harness(house.url, token, strict=True) as client:
        yield client


@pytest.fixture
def person(house: House) -> Iterator[Harness]:
    """A client that is the person, by the socket."""
    with Harness(socket=house.socket, strict=True) as client:
        yield client


@pytest.fixture
def fresh_token(house: House, request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Tokens that a test may take away."""
    return lambda name: house.token(name)
