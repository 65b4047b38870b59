"""What goes over the network, for asyncio. The blocking one beside it is written by hand as well."""

from __future__ import annotations

import asyncio

import httpx
import websockets.asyncio.client
import websockets.exceptions

from zhongshu_harness.address import Address
from zhongshu_harness.operation import Request
from zhongshu_harness.reply import CONNECT_SECONDS, OPENING, Reply, cut_short, nobody, said_no


class AsyncSocket:
    """A stream that is open."""

    def __init__(self, connection: websockets.asyncio.client.ClientConnection) -> None:
        self._connection = connection

    async def receive(self, timeout: float | None) -> str | bytes:
        """The next frame.

        Raises Unreachable when the connection is cut, TimeoutError when nothing comes for so many seconds.
        """
        try:
            return await asyncio.wait_for(self._connection.recv(), timeout)
        except websockets.exceptions.ConnectionClosed as error:
            raise cut_short(error) from error

    async def aclose(self) -> None:
        await self._connection.close()


class AsyncWire:
    """The way to a server."""

    def __init__(self, address: Address, timeout: float) -> None:
        self.address = address
        transport = httpx.AsyncHTTPTransport(uds=address.socket)
        limits = httpx.Timeout(timeout, connect=CONNECT_SECONDS)
        # Nothing of the environment: a proxy or a .netrc would see the token.
        self._client = httpx.AsyncClient(transport=transport, timeout=limits, trust_env=False, headers=address.headers)

    async def send(self, request: Request) -> Reply:
        """Sends a request.

        Raises Unreachable when there is no answer.
        """
        try:
            answer = await self._client.request(
                request.method, self.address.http(request.target), content=request.content, headers=request.headers
            )
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise nobody(self.address, error) from error
        return Reply(answer.status_code, answer.headers, answer.content)

    async def open_socket(self, target: str) -> AsyncSocket:
        """Opens a stream.

        Raises Unreachable when nobody is there, Refused when the server says no.
        """
        url, headers, path = self.address.websocket(target), self.address.headers, self.address.socket
        try:
            if path is not None:
                connecting = websockets.asyncio.client.unix_connect(path, url, additional_headers=headers, **OPENING)
            else:
                connecting = websockets.asyncio.client.connect(url, additional_headers=headers, proxy=None, **OPENING)
            # Entered by hand: it lives longer than a block, and is closed by `aclose`.
            return AsyncSocket(await connecting.__aenter__())
        except websockets.exceptions.InvalidStatus as error:
            raise said_no(error) from error
        except (OSError, TimeoutError, websockets.exceptions.WebSocketException) as error:
            raise nobody(self.address, error) from error

    async def aclose(self) -> None:
        await self._client.aclose()
