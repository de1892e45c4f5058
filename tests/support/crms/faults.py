"""Requests to a CRM that fail at random, in the six ways in which they do.

For a CRM over HTTP the faults are real: a connection to a port where nobody listens, a TCP reset,
a silence, answers of a server that is ill. `Faults` draws from a seeded source, `Rough` stands
between the HTTP client and the CRM (a transport, and a small proxy that it starts), `Shaken` does
the same around the port where there is no HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import httpx

from crm_bridge.connectors.port import Busy, Connector, ConnectorError, Unreachable, Unsettled
from tests.support.ports import free_port


class Fault(StrEnum):
    """How a request fails; all but the first two and `BUSY` may have taken effect."""

    REFUSED = "refused"
    RESET = "reset"
    TIMEOUT = "time-out after it took effect"
    ILL = "5xx"
    BUSY = "429"
    ODD = "200 with an error text"


EFFECTIVE = frozenset({Fault.RESET, Fault.ILL, Fault.ODD})
"""Ways of which half come before the request took effect and half after."""


@dataclass(slots=True)
class Faults:
    """Which requests fail, and how: `rate` of them, in the `kinds` given, from a seed."""

    rate: float = 0.2
    kinds: Sequence[Fault] = tuple(Fault)
    seed: int = 1203
    requests: int = 0
    failed: Counter[Fault] = field(default_factory=Counter)
    on: bool = True
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def draw(self) -> tuple[Fault | None, bool]:
        """What becomes of the next request, and whether it takes effect all the same."""
        self.requests += 1
        fails, kind, late = self._random.random(), self._random.random(), self._random.random()
        if not self.on or fails >= self.rate:
            return None, True
        fault = self.kinds[int(kind * len(self.kinds))]
        self.failed[fault] += 1
        return fault, fault is Fault.TIMEOUT or (fault in EFFECTIVE and late < 0.5)

    def seconds(self) -> int:
        """What an overloaded server asks for: mostly to be asked again at once."""
        return int(self._random.random() < 0.02)

    def choose(self, among: Sequence[bytes]) -> bytes:
        """One of these."""
        return among[int(self._random.random() * len(among))]


# --- around the port ------------------------------------------------------------------------------


class Shaken:
    """A connector whose requests fail as `faults` says; everything else is the real one's."""

    def __init__(self, connector: Connector, faults: Faults) -> None:
        self.name, self.kind = connector.name, connector.kind
        self.capabilities = connector.capabilities
        self.record_url = connector.record_url
        self.close = connector.close
        self._faults = faults
        for act in (
            "health", "find_contacts", "upsert_contact", "upsert_ticket", "add_note", "set_status",
            "call_event", "changes", "setup", "remove",
        ):  # fmt: skip
            setattr(self, act, self._shaking(getattr(connector, act)))

    def _shaking(self, act: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def shaken(*args: object) -> object:
            fault, effective = self._faults.draw()
            if fault is None:
                return await act(*args)
            if effective:
                await act(*args)
            await asyncio.sleep(0)
            raise _error(fault, self._faults)

        return shaken


def _error(fault: Fault, faults: Faults) -> ConnectorError:
    if fault is Fault.BUSY:
        return Busy("429", where="shaken", wait=float(faults.seconds()))
    if fault is Fault.ODD:
        return Unsettled("200 with an error text", where="shaken")
    return Unreachable(fault.value, where="shaken")


# --- around HTTP ----------------------------------------------------------------------------------

_PAGES = (
    b"<html><head><title>Error</title></head><body>An internal error occurred</body></html>",
    b"Internal error: database is locked",
    b"",
    b'{"error": {"code": 100, "message": "temporarily out of order"}}',
)
"""Bodies of a 200 that is none, whatever the vendor."""

_WAYS = {Fault.ILL: (500, 502, 503, 504), Fault.BUSY: (429,), Fault.ODD: (200,)}
_HEADER = "x-fault"


class Rough(httpx.AsyncBaseTransport):
    """A transport on which requests fail; give it to the connector, and use it as a context.

    `port`: where the CRM really listens; `odd`: the vendor's own ways to say with a 200 that
    something went wrong.
    """

    def __init__(self, port: int, faults: Faults, *, odd: Sequence[bytes] = ()) -> None:
        self._port = port
        self._faults = faults
        self._odd = (*_PAGES, *odd)
        self._real = httpx.AsyncHTTPTransport(
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20)
        )
        self._server: asyncio.Server | None = None
        self._nobody = free_port()
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Rough:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._real.aclose()
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def aclose(self) -> None:
        """The client that used it is done; the block that made it closes it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert self._server is not None, "use it as a context"
        fault, effective = self._faults.draw()
        if fault is None:
            return await self._real.handle_async_request(request)
        port = self._nobody
        if fault is not Fault.REFUSED:
            port = int(self._server.sockets[0].getsockname()[1])
            request.headers[_HEADER] = f"{fault.name} {int(effective)}"
            request.headers["Connection"] = "close"
        request.url = request.url.copy_with(port=port)  # the header Host stays the CRM's
        return await self._real.handle_async_request(request)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._spoil(reader, writer)
        finally:
            self._open.discard(task)
            writer.close()

    async def _spoil(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        given = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines[1:] if line)}
        body = await reader.readexactly(int(given.get("content-length", 0)))
        name, effective = given[_HEADER].split()
        fault = Fault[name]
        if effective == "1":
            kept = [line for line in lines if not line.lower().startswith(_HEADER)]
            await self._pass_on("\r\n".join(kept).encode("latin-1") + body)
        if fault is Fault.RESET:
            linger = struct.pack("ii", 1, 0)  # closing now sends RST
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        elif fault is Fault.TIMEOUT:
            await reader.read()  # silent until the other side gives up
        else:
            writer.write(self._answer(fault))
            await writer.drain()

    async def _pass_on(self, request: bytes) -> None:
        """The CRM does what was asked; what it says is lost."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(request)
            await reader.read(-1)
        finally:
            writer.close()

    def _answer(self, fault: Fault) -> bytes:
        statuses = [str(one).encode() for one in _WAYS[fault]]
        status = self._faults.choose(statuses)
        body = self._faults.choose(self._odd) if fault is Fault.ODD else _PAGES[0]
        kind = b"application/json" if body[:1] in (b"{", b"[") else b"text/html"
        extra = b"Retry-After: %d\r\n" % self._faults.seconds() if fault is Fault.BUSY else b""
        return (
            b"HTTP/1.1 %b Spoiled\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b"
            b"Connection: close\r\n\r\n%b" % (status, kind, len(body), extra, body)
        )
