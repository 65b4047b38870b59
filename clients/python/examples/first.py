"""Begins a session, prints what it says as it comes, answers what it asks, and performs a tool of its own."""

from typing import Annotated

from pydantic import Field

from zhongshu_harness import Harness, events, tool


@tool
def weather(place: Annotated[str, Field(description="A city.")]) -> str:
    """Tells the weather of a place."""
    return f"Sunny in {place}."


with Harness() as harness:
    session = harness.sessions.create(tools=[weather], filesystem_sandbox="read-only", approval_policy="on-request")
    with session.serve_tools(), session.run("Note the weather of Luoyang in weather.txt.") as turn:
        for event in turn:
            match event:
                case events.TextDelta():
                    print(event.text, end="", flush=True)
                case events.ApprovalRequested():
                    print(f"may it: {event.payload.summary}")
                    session.decisions.accept(event.payload)
        print(f"\n{turn.result().checked().answer}")
