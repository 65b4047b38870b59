"""Bad luck: a server that is gone, that answers by half, that says not now; answers of a newer server; a token that is taken away."""

from __future__ import annotations

import asyncio
import http.server
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import websockets.sync.server
from house import House, wait_for

from zhongshu_harness import AsyncHarness, Event, Harness, errors, events

Answer = tuple[int, dict[str, str], bytes]

HEALTH = {
    "status": "ok",
    "service": "api",
    "codex": {"running": True, "initialized": True},
    "orchestratorQueue": {"enabled": False},
    "auth": {"hasOpenAiApiKey": False, "codexHomeAuthFile": False, "likelyUnauthenticated": False},
    "timestamp": "2026-01-01T00:00:00Z",
}


def yes(body: Any) -> Answer:
    return 200, {}, json.dumps(body).encode()


def no(status: int, code: str, **headers: str) -> Answer:
    body = {"ok": False, "status": "error", "code": code, "message": "No.", "error": "No."}
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode()


class Pretender:
    """Something at an address that gives these answers, in their order."""

    def __init__(self, answers: list[Answer]) -> None:
        self.asked: list[str] = []
        left = iter(answers)

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_one(pretends) -> None:
                self.asked.append(f"{pretends.command} {pretends.path}")
                pretends.rfile.read(int(pretends.headers.get("content-length") or 0))
                status, headers, body = next(left)
                pretends.send_response(status)
                for name, value in {"content-length": str(len(body)), **headers}.items():
                    pretends.send_header(name, value)
                pretends.end_headers()
                pretends.wfile.write(body)

            do_GET = do_POST = handle_one

            def log_message(self, *words: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def pretends(*answers: Answer) -> Iterator[Pretender]:
    pretender = Pretender(list(answers))
    thread = threading.Thread(target=pretender.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield pretender
    finally:
        pretender.server.shutdown()
        thread.join()
        pretender.server.server_close()


def nowhere() -> str:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{held.getsockname()[1]}"


def test_a_server_that_is_gone_is_said_to_be_at_once() -> None:
    with Harness(nowhere(), "t") as harness:
        with pytest.raises(errors.Unreachable, match="refused"):
            harness.api.health()
        with pytest.raises(errors.Unreachable), harness.stream():
            pass

    async def the_same() -> None:
        async with AsyncHarness(nowhere(), "t") as harness:
            with pytest.raises(errors.Unreachable):
                await harness.api.health()
            with pytest.raises(errors.Unreachable):
                await harness.stream().next()

    asyncio.run(the_same())


def test_half_an_answer_is_none() -> None:
    half = (200, {"content-length": "1000"}, b'{"status":')
    with pretends(half) as there, Harness(there.url, "t") as harness, pytest.raises(errors.Unreachable):
        harness.api.health()


def test_whoever_is_told_when_asks_again_then() -> None:
    with (
        pretends(
            no(429, "queue_full", retry_after="0"), no(429, "queue_full", retry_after="0.05"), yes(HEALTH)
        ) as there,
        Harness(there.url, "t") as harness,
    ):
        assert harness.api.health().service == "api"
        assert len(there.asked) == 3
    # It is bounded, in number and in time.
    with (
        pretends(*[no(429, "queue_full", retry_after="0")] * 9, no(429, "x", retry_after="3600")) as there,
        Harness(there.url, "t") as harness,
    ):
        with pytest.raises(errors.TooManyRequests) as refused:
            harness.sessions.open("s").send("Hello")
        assert len(there.asked) == 3
        assert refused.value.retry_after == 0
    with (
        pretends(no(429, "x", retry_after="3600")) as there,
        Harness(there.url, "t") as harness,
        pytest.raises(errors.TooManyRequests) as refused,
    ):
        harness.api.health()
    assert refused.value.retry_after == 3600


def test_what_changes_something_is_not_asked_again_when_it_may_have_happened() -> None:
    unavailable = no(503, "codex_unavailable", retry_after="0")
    with pretends(unavailable, yes({})) as there, Harness(there.url, "t") as harness:
        with pytest.raises(errors.Unavailable):
            harness.sessions.open("s").send("Hello")
        assert there.asked == ["POST /harness/api/sessions/s/messages"]
    with pretends(unavailable, yes(HEALTH)) as there, Harness(there.url, "t") as harness:
        harness.api.health()
        assert len(there.asked) == 2


def test_a_no_of_something_in_between_is_a_no_as_well() -> None:
    with (
        pretends((502, {}, b"<h1>Bad gateway</h1>")) as there,
        Harness(there.url, "t") as harness,
        pytest.raises(errors.ServerFault) as refused,
    ):
        harness.api.health()
    assert (refused.value.status, refused.value.code) == (502, "unknown")


def test_a_newer_server_is_understood_unless_it_is_strictly_read() -> None:
    newer = yes({"data": [], "archived": False, "nextCursor": None, "total": 7})
    summary = {
        "sessionId": "s", "title": "t", "materialized": True, "modelProvider": "m", "approvalPolicy": "sometimes",
        "sessionControls": {"model": None, "approvalPolicy": "never", "networkAccess": "restricted",
                            "filesystemSandbox": "read-only", "settings": {}},
        "createdAt": 1, "updatedAt": 2, "cwd": "/", "source": "cli", "projectId": None, "status": "dreaming",
        "pending": 0, "archived": False,
    }  # fmt: skip
    newer_word = yes({"session": summary, "thread": {}, "transcript": []})
    with pretends(newer, newer_word) as there, Harness(there.url, "t") as harness:
        assert (harness.api.sessions_list().model_extra or {})["total"] == 7
        read = harness.sessions.open("s").summary()
        assert (read.status, read.approval_policy) == ("dreaming", "sometimes")
    with pretends(newer, newer_word) as there, Harness(there.url, "t", strict=True) as harness:
        with pytest.raises(errors.UnexpectedAnswer, match="total"):
            harness.api.sessions_list()
        with pytest.raises(errors.UnexpectedAnswer, match="approvalPolicy"):
            harness.sessions.open("s").summary()
    # Whatever it is called, what is missing is missing.
    with (
        pretends(yes({"data": []})) as there,
        Harness(there.url, "t") as harness,
        pytest.raises(errors.UnexpectedAnswer),
    ):
        harness.api.sessions_list()


Script = Callable[[websockets.sync.server.ServerConnection], None]


@contextmanager
def tells(*scripts: Script) -> Iterator[tuple[str, list[str]]]:
    """A server of streams that does this with one connection after the other."""
    asked: list[str] = []
    left = iter(scripts)

    def serve(connection: websockets.sync.server.ServerConnection) -> None:
        assert connection.request is not None
        asked.append(connection.request.path)
        next(left)(connection)

    with websockets.sync.server.serve(serve, "127.0.0.1", 0, close_timeout=0.1) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}", asked
        server.shutdown()
        thread.join()


def frame(name: str, seq: int | None = None, **more: Any) -> str:
    return json.dumps({"type": name, "threadId": None, **({"seq": seq, "payload": {}} if seq else {}), **more})


def cut(connection: websockets.sync.server.ServerConnection) -> None:
    connection.socket.shutdown(socket.SHUT_RDWR)


def first(connection: websockets.sync.server.ServerConnection) -> None:
    connection.send(frame("ready", cursor="e1.4"))
    connection.send(frame("news", 5))
    connection.send(frame("news", 7))
    # A text frame of 500 bytes, of which six come.
    connection.socket.sendall(b'\x81\x7e\x01\xf4{"type')
    cut(connection)


def second(connection: websockets.sync.server.ServerConnection) -> None:
    connection.send(frame("ready", cursor="e1.7"))
    connection.send(frame("news", 8))
    cut(connection)


def third(connection: websockets.sync.server.ServerConnection) -> None:
    connection.send(frame("ready", cursor="e2.1"))
    connection.send(frame("reset", cursor="e2.1"))
    connection.send(frame("news", 2))
    # Until the client has enough.
    with pytest.raises(websockets.exceptions.ConnectionClosed):
        connection.recv(30)


EXPECTED = ["ready", "news 5", "news 7", "ready", "news 8", "ready", "reset", "news 2"]
ASKED = [f"/harness/api/stream?frames=one{after}" for after in ("", "&after=e1.7", "&after=e1.8")]


def named(event: Event) -> str:
    return event.type if event.seq is None else f"{event.type} {event.seq}"


def test_a_stream_that_is_cut_in_a_frame_goes_on_behind_the_last_whole_one() -> None:
    with tells(first, second, third) as (url, asked), Harness(url, "t") as harness:
        with harness.stream() as stream:
            told = [named(event) for _, event in zip(EXPECTED, stream, strict=False)]
            assert stream.cursor == "e2.2"
        assert told == EXPECTED
        assert asked == ASKED


def test_the_same_with_asyncio() -> None:
    async def whole(url: str) -> list[str]:
        told = []
        async with AsyncHarness(url, "t") as harness, harness.stream() as stream:
            async for event in stream:
                told.append(named(event))
                if len(told) == len(EXPECTED):
                    return told
        return told

    with tells(first, second, third) as (url, asked):
        assert asyncio.run(whole(url)) == EXPECTED
        assert asked == ASKED


def test_a_stream_that_does_not_come_back_says_so() -> None:
    with tells(second) as (url, _), Harness(url, "t", patience=0.5) as harness:
        stream = harness.stream()
        assert named(next(stream)) == "ready"
        assert named(next(stream)) == "news 8"
    with pytest.raises(errors.StreamLost):
        next(stream)
    with pytest.raises(TimeoutError):
        stream.next(timeout=0.01)
    stream.close()
    assert stream.next() is None


def test_nonsense_is_no_event() -> None:
    def nonsense(connection: websockets.sync.server.ServerConnection) -> None:
        for text in ("nonsense", "[]", "{}", frame("approval", 3), frame("approval", 4)):
            connection.send(text)
        cut(connection)

    with tells(nonsense) as (url, _), Harness(url, "t").stream() as stream:
        for _ in range(3):
            with pytest.raises(errors.UnexpectedAnswer):
                next(stream)
        # One that is not as its name says is told as it is.
        assert type(next(stream)) is Event
    with pytest.raises(errors.UnexpectedAnswer):
        events.decode(frame("approval", 3), strict=True)


def test_a_server_that_starts_anew_is_noticed(own_house: House) -> None:
    with Harness(own_house.url, own_house.token("reader"), strict=True) as harness, harness.stream() as stream:
        assert isinstance(next(stream), events.Ready)
        harness.projects.create("Before")
        wait_for("the project", lambda: isinstance(next(stream), events.ProjectUpserted) or None)
        before = stream.cursor
        own_house.kill()
        own_house.start()
        assert isinstance(next(stream), events.Ready)
        assert isinstance(next(stream), events.Reset)
        assert str(stream.cursor).split(".")[0] != str(before).split(".")[0]
        harness.projects.create("After")
        wait_for("the project", lambda: isinstance(next(stream), events.ProjectUpserted) or None)


def test_a_token_that_was_taken_away_ends_everything(house: House) -> None:
    token = house.token("gone")
    with Harness(house.url, token) as harness, harness.stream() as stream:
        assert isinstance(next(stream), events.Ready)
        house.run("token", "revoke", "gone")
        with pytest.raises(errors.Unauthorized):
            list(stream)
        with pytest.raises(errors.Unauthorized) as refused:
            harness.api.sessions_list()
        assert not isinstance(refused.value, errors.LoginRequired)


def test_a_token_stays_on_this_machine() -> None:
    with pytest.raises(ValueError, match="ssh -L"):
        Harness("http://example.org", "t")
    for wrong in ("127.0.0.1:80", "ftp://127.0.0.1", "http://t@127.0.0.1", "http://127.0.0.1?a=b"):
        with pytest.raises(ValueError, match=r"."):
            Harness(wrong, "t")
    for here in ("http://127.0.0.1:1", "http://[::1]:1", "http://a.localhost:1/base/", "https://example.org"):
        Harness(here, "t")
