"""Where Asterisk connects for self-service: bounded, each session apart from every other.

A session that fails, lasts too long or is spoken to in no FastAGI is closed; the dialplan then
takes the caller on (`dialplan/selfservice.conf`). Nothing of a caller goes into the log.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

import structlog

from ivr.selfservice.agi import TRYING, AgiFault, Framer, HungUp, Reply, Request, command

_log = structlog.get_logger(__name__)

MOST: Final = 250
"""Sessions at a time; one more is turned away at once."""
LONGEST: Final = 600.0
"""Seconds of a whole session."""
REQUEST_WITHIN: Final = 2.0
"""Seconds for Asterisk to say what it wants: it does so in one piece."""
REPLY_LATE: Final = 5.0
"""Seconds a reply may come later than its command takes."""
STOP_WITHIN: Final = 2.0
"""Seconds in which sessions end when the server stops."""
_PIECE: Final = 4096


class Gone(Exception):
    """The caller has hung up, or Asterisk has closed the connection."""


class Line:
    """A call as a session speaks to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._framer = Framer()
        self._events: list[Request | Reply | HungUp] = []
        self.request = Request({})

    async def begin(self) -> Request:
        """What Asterisk wants; raises Gone, AgiFault, TimeoutError."""
        async with asyncio.timeout(REQUEST_WITHIN):
            event = await self._next()
        if not isinstance(event, Request):
            raise Gone
        self.request = event
        return event

    async def ask(self, verb: str, *words: str, seconds: float = 0.0) -> Reply:
        """Asterisk's reply to a command that takes `seconds` at the most.

        Raises Gone where the caller is, AgiFault, and TimeoutError where no reply comes.
        """
        self._writer.write(command(verb, *words))
        async with asyncio.timeout(seconds + REPLY_LATE):
            await self._writer.drain()
            while True:
                event = await self._next()
                if isinstance(event, HungUp) or (isinstance(event, Reply) and event.gone):
                    raise Gone
                if not isinstance(event, Reply):
                    raise AgiFault("a request where a reply was due")
                if event.code != TRYING:
                    return event

    async def _next(self) -> Request | Reply | HungUp:
        while not self._events:
            data = await self._reader.read(_PIECE)
            if not data:
                raise Gone
            self._events += self._framer.feed(data)
        return self._events.pop(0)


Session = Callable[[Line], Awaitable[None]]


class Server:
    """Takes Asterisk's connections on one address; `sessions` by the script that is asked for."""

    def __init__(
        self,
        sessions: Mapping[str, Session],
        *,
        peers: Iterable[str] = ("127.0.0.0/8", "::1/128"),
        most: int = MOST,
        longest: float = LONGEST,
    ) -> None:
        self._sessions = dict(sessions)
        self._peers = [ipaddress.ip_network(peer) for peer in peers]
        self._most = most
        self._longest = longest
        self._running: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.counts: Counter[str] = Counter()
        """How sessions ended: `done`, `gone`, `late`, `fault`, `refused`, `full`."""

    def __len__(self) -> int:
        return len(self._running)

    async def start(self, host: str, port: int) -> int:
        """Listens from now on; returns the port. Raises OSError where that cannot be."""
        self._server = await asyncio.start_server(self._take, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Takes no more, and ends what runs: those callers are taken on by the dialplan."""
        if self._server is None:
            return
        self._server.close()
        running = list(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=STOP_WITHIN)
        self._server = None

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is taken in a task")
        self._running.add(task)
        try:
            self.counts[await self._serve(reader, writer)] += 1
        except asyncio.CancelledError:
            pass  # by `stop`: whoever made this task must not hear of it as an error
        finally:
            self._running.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        """One session to its end; how it ended."""
        if not self._known(writer):
            _log.warning(
                "self-service was asked for by an address that is no Asterisk of ours",
                mend="put the Asterisk's address into selfservice.peers, or keep others out",
            )
            return "refused"
        if len(self._running) > self._most:
            _log.warning("too many callers at once in self-service", most=self._most)
            return "full"
        line = Line(reader, writer)
        try:
            async with asyncio.timeout(self._longest):
                request = await line.begin()
                session = self._sessions.get(request.get("network_script"))
                if session is None:
                    raise AgiFault("a script that is not served here")
                await session(line)
        except (Gone, ConnectionError):
            return "gone"
        except TimeoutError:
            return "late"
        except AgiFault as fault:
            _log.warning("what asked for self-service speaks no FastAGI of ours", what=str(fault))
            return "fault"
        except Exception:
            _log.exception("a session of self-service failed; its caller goes to an officer")
            return "fault"
        return "done"

    def _known(self, writer: asyncio.StreamWriter) -> bool:
        peer = writer.get_extra_info("peername")
        try:
            address = ipaddress.ip_address(peer[0].partition("%")[0])
        except (TypeError, ValueError, IndexError):
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._peers)
