"""What goes over the network, without asyncio. The one for it is written by hand as well."""

from __future__ import annotations

import httpx
import websockets.exceptions
import websockets.sync.client

from zhongshu_harness.address import Address
from zhongshu_harness.operation import Request
from zhongshu_harness.reply import CONNECT_SECONDS, OPENING, Reply, cut_short, nobody, said_no


class Socket:
    """A stream that is open."""

    def __init__(self, connection: websockets.sync.client.ClientConnection) -> None:
        self._connection = connection

    def receive(self, timeout: float | None) -> str | bytes:
        """The next frame.

        Raises Unreachable when the connection is cut, TimeoutError when nothing comes for so many seconds.
        """
        try:
            return self._connection.recv(timeout)
        except websockets.exceptions.ConnectionClosed as error:
            raise cut_short(error) from error

    def close(self) -> None:
        self._connection.close()


class Wire:
    """The way to a server."""

    def __init__(self, address: Address, timeout: float) -> None:
        self.address = address
        transport = httpx.HTTPTransport(uds=address.socket)
        limits = httpx.Timeout(timeout, connect=CONNECT_SECONDS)
        # Nothing of the environment: a proxy or a .netrc would see the token.
        self._client = httpx.Client(transport=transport, timeout=limits, trust_env=False, headers=address.headers)

    def send(self, request: Request) -> Reply:
        """Sends a request.

        Raises Unreachable when there is no answer.
        """
        try:
            answer = self._client.request(
                request.method, self.address.http(request.target), content=request.content, headers=request.headers
            )
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise nobody(self.address, error) from error
        return Reply(answer.status_code, answer.headers, answer.content)

    def open_socket(self, target: str) -> Socket:
        """Opens a stream.

        Raises Unreachable when nobody is there, Refused when the server says no.
        """
        url, headers, path = self.address.websocket(target), self.address.headers, self.address.socket
        try:
            if path is not None:
                connecting = websockets.sync.client.unix_connect(path, url, additional_headers=headers, **OPENING)
            else:
                connecting = websockets.sync.client.connect(url, additional_headers=headers, proxy=None, **OPENING)
            # Entered by hand: it lives longer than a block, and is closed by `close`.
            return Socket(connecting.__enter__())
        except websockets.exceptions.InvalidStatus as error:
            raise said_no(error) from error
        except (OSError, TimeoutError, websockets.exceptions.WebSocketException) as error:
            raise nobody(self.address, error) from error

    def close(self) -> None:
        self._client.close()
