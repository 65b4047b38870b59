"""Where the server is, and by whose token it is asked."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from zhongshu_harness import here

PREFIX = "/harness/api"
"""Where the server has the API, unless something in between moves it."""


@dataclass(frozen=True)
class Address:
    """An address that requests and streams can be sent to."""

    base: str
    """Scheme and authority; over a socket a name that nobody looks up."""
    prefix: str = PREFIX
    token: str | None = field(default=None, repr=False)
    socket: str | None = None
    """The unix socket, on which whoever may open it is the person, without a token."""

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.token is None else {"authorization": f"Bearer {self.token}"}

    def http(self, target: str) -> str:
        return f"{self.base}{self.prefix}{target}"

    def websocket(self, target: str) -> str:
        return "ws" + self.http(target).removeprefix("http")

    def __str__(self) -> str:
        return self.socket or self.base


def find(
    url: str | None = None,
    token: str | None = None,
    *,
    socket: str | None = None,
    prefix: str = PREFIX,
    environment: Mapping[str, str] | None = None,
) -> Address:
    """The address from what is said, else from `ZHONGSHU_URL` with `ZHONGSHU_TOKEN`, else from `ZHONGSHU_SOCKET`, else that of the
    server of the repository that this program runs in.

    Raises ValueError when there is none, or a token would leave this machine unprotected.
    """
    known = os.environ if environment is None else environment
    token = token or known.get("ZHONGSHU_TOKEN") or None
    if url is None and socket is None:
        url, socket = known.get("ZHONGSHU_URL") or None, known.get("ZHONGSHU_SOCKET") or None
    if url is None and socket is None and (found := here.server(Path.cwd(), known)) is not None:
        # With a token it is asked as whoever has that, without one as the person.
        url, socket = (found.url, None) if token is not None else (None, found.socket)
    prefix = "/" + prefix.strip("/") if prefix.strip("/") else ""
    if socket is not None:
        return Address("http://localhost", prefix, None, socket)
    if url is None:
        raise ValueError(
            "No zhongshu runs for the folder that this program is in: start one there (`zhongshu serve`), or name one "
            "by its url and a token (`zhongshu token create NAME --scope harness`)."
        )
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{url!r} is no address of a server, such as http://127.0.0.1:6211")
    if parts.username is not None or parts.password is not None:
        raise ValueError("A token is given as `token`, not inside of the address.")
    if parts.scheme == "http" and token is not None and not is_here(parts.hostname):
        raise ValueError(
            f"A token does not go to {parts.hostname} over plain http: forward the port of that machine "
            "(`ssh -L 6211:127.0.0.1:6211 HOST`) and name http://127.0.0.1:6211."
        )
    return Address(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", prefix, token)


def is_here(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
