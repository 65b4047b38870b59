"""What can go wrong, a class for each cause. Whoever catches `HarnessError` has them all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar


class HarnessError(Exception):
    """The root of all errors of this package."""


class Unreachable(HarnessError):
    """Nobody answers at the address, or the connection broke before the answer was whole: what was asked may have happened."""


class StreamLost(Unreachable):
    """The stream was cut and could not be opened again in time."""


class UnexpectedAnswer(HarnessError):
    """An answer, or a frame of the stream, that is not as it is described."""

    def __init__(self, message: str, content: bytes | str = b"") -> None:
        super().__init__(message)
        self.content = content


class TurnEnded(HarnessError):
    """A turn failed or was broken off, where its end was awaited by somebody who needs its answer."""


class Refused(HarnessError):
    """The server said no."""

    codes: ClassVar[tuple[str, ...]] = ()
    """The codes that this class is for."""
    http: ClassVar[tuple[int, ...]] = ()
    """The statuses that it is for, whatever the code is."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        body: Mapping[str, Any],
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(f"{message} ({status} {code})")
        self.status = status
        self.code = code
        """Stable name of the reason."""
        self.message = message
        self.body = body
        """Everything that was said: by kind `sessionId`, `issues`, `details`, …"""
        self.retry_after = retry_after
        """Seconds after which another try may be granted, where the server says so."""
        self.request_id = request_id
        """Under this id the server's log has it."""


class InvalidRequest(Refused):
    """400, 415, 426: the request is not as it should be; `issues` names the fields that do not fit."""

    http = (400, 415, 426)

    @property
    def issues(self) -> list[dict[str, Any]]:
        found = self.body.get("issues", [])
        return found if isinstance(found, list) else []


class Unauthorized(Refused):
    """401: no token, or one that does not hold (any more)."""

    http = (401,)


class LoginRequired(Unauthorized):
    """401: Codex has no login for this."""

    codes = ("auth_required",)


class Forbidden(Refused):
    """403: the token allows less than this."""

    http = (403,)


class AboveCeiling(Forbidden):
    """403: more than the person allows; `ceiling` is the key in governance.yaml."""

    codes = ("above_ceiling",)

    @property
    def ceiling(self) -> str | None:
        return self.body.get("ceiling")


class SystemSession(Forbidden):
    """403: the session belongs to the launcher."""

    codes = ("system_session",)


class NotFound(Refused):
    """404, 405: there is no such thing."""

    http = (404, 405)


class Conflict(Refused):
    """409: the right request at the wrong moment."""

    http = (409,)


class AlreadyDecided(Conflict):
    """409: somebody else decided first, or what waited is over."""

    codes = ("already_resolved", "in_flight")


class NotEligible(Conflict):
    """409: it cannot be decided so, or the turn takes no words."""

    codes = ("not_eligible",)


class NoActiveTurn(Conflict):
    """409: no turn runs in the session."""

    codes = ("no_active_turn",)


class InvalidState(Conflict):
    """409: the session is not in a state for this."""

    codes = ("invalid_state", "not_materialized", "not_materialized_sessions")


class DuplicateName(Conflict):
    """409: another project has the name."""

    codes = ("duplicate_name",)


class ProjectNotEmpty(Conflict):
    """409: sessions are in the project."""

    codes = ("project_not_empty",)


class TrustRequired(Conflict):
    """409: nobody has allowed Codex to work in this repository."""

    codes = ("trust_required",)


class JobConflict(Conflict):
    """409: there is no such kind of job, or it cannot be tried again or beside another."""

    codes = ("job_conflict",)


class TooSlow(Refused):
    """408: the request did not arrive in time."""

    http = (408,)


class SessionDeleted(Refused):
    """410: the session was deleted here."""

    http = (410,)


class TooLarge(Refused):
    """413: too much at once."""

    http = (413,)


class Locked(Refused):
    """423: what new sessions begin with is locked."""

    http = (423,)


class TooManyRequests(Refused):
    """429: not now; `retry_after` says when."""

    http = (429,)


class ServerFault(Refused):
    """500 and whatever else begins with 5: the server, or Codex, could not."""


class NotSupported(ServerFault):
    """501: the installed Codex has no such thing."""

    http = (501,)


class Unavailable(ServerFault):
    """503: not at the moment; `retry_after` says when where that is known."""

    http = (503,)


class QueueOff(Unavailable):
    """503: the queue of jobs is switched off."""

    codes = ("job_conflict",)


class CodexTimeout(ServerFault):
    """504: Codex did not answer in time; what was asked may still happen."""

    http = (504,)


class NoRoom(ServerFault):
    """507: it cannot be written down."""

    http = (507,)


def _every(kind: type[Refused]) -> list[type[Refused]]:
    return [kind, *(each for below in kind.__subclasses__() for each in _every(below))]


def kind_of(status: int, code: str) -> type[Refused]:
    """The class for a no: by its code where the status fits as well, else by its status."""
    kinds = _every(Refused)
    by_status = next((it for it in kinds if status in it.http), None)
    for it in kinds:
        if code in it.codes and (by_status is None or issubclass(it, by_status)):
            return it
    return by_status or (ServerFault if status >= 500 else Refused)


def refusal(status: int, headers: Mapping[str, str], content: bytes) -> Refused:
    """Reads a no; one that is no JSON as well, since it may come from something in between."""
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {}
    code, message = body.get("code"), body.get("message")
    code = code if isinstance(code, str) else "unknown"
    message = message if isinstance(message, str) else f"The server answered with status {status}."
    kind = kind_of(status, code)
    return kind(status, code, message, body, seconds(headers.get("retry-after")), headers.get("x-request-id"))


def seconds(text: str | None) -> float | None:
    """A `Retry-After`. The server says seconds, never a date."""
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if 0 <= found < float("inf") else None
