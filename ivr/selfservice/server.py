"""Where Asterisk connects for self-service: bounded, each session apart from every other.

A session that fails, lasts too long or is spoken to in no FastAGI is closed; the dialplan then
takes the caller on (`dialplan/selfservice.conf`). Nothing of a caller goes into the log.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

import structlog

from ivr.selfservice.agi import SUCCESS, TRYING, AgiFault, Framer, HungUp, Reply, Request, command

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
_UNASKED: Final = 8
"""Events that wait to be read; we ask one thing at a time, and HANGUP may come with its reply."""


class Gone(Exception):
    """The caller has hung up, or Asterisk has closed the connection."""


class Line(asyncio.Protocol):
    """A call as a session speaks to it.

    A protocol and not a stream: between a caller's last digit and the first word of the answer lie
    replies of Asterisk, and a hundred callers may be there.
    """

    def __init__(self, taken: Callable[[Line], None]) -> None:
        self._taken = taken
        self._framer = Framer()
        self._events: deque[Request | Reply | HungUp] = deque()
        self._ended: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._owed = False
        self._told: deque[tuple[str, Sequence[str]]] = deque()
        self.request = Request({})

    # --- the wire

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asterisk has connected."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("FastAGI is spoken over TCP")
        self._transport = transport
        self._taken(self)

    def data_received(self, data: bytes) -> None:
        """Frames what Asterisk says."""
        try:
            self._events += self._framer.feed(data)
            if len(self._events) > _UNASKED:
                raise AgiFault("replies that nobody asked for")
        except AgiFault as fault:
            self._end(fault)
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        self._end(Gone())

    def _end(self, why: Exception) -> None:
        self._ended = self._ended or why
        if self._transport is not None:
            self._transport.close()
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    @property
    def peer(self) -> str:
        """The address of the other side; empty where there is none."""
        name = self._transport.get_extra_info("peername") if self._transport else None
        return str(name[0]) if name else ""

    def close(self) -> None:
        """Ends the connection once what was written is sent."""
        self._end(Gone())

    # --- what a session does

    async def begin(self) -> Request:
        """What Asterisk wants; raises Gone, AgiFault, TimeoutError."""
        event = await self._next(REQUEST_WITHIN)
        if not isinstance(event, Request):
            raise Gone
        self.request = event
        return event

    def tell(self, verb: str, *words: str) -> None:
        """Gives a command without awaiting its reply, which the next `ask` looks at first.

        So that Asterisk carries it out while we look something up. A second one waits for the reply
        to the first: Asterisk reads one command at a time, and would answer the first alone. Raises
        Gone where the caller is.
        """
        if self._owed:
            self._told.append((verb, words))
            return
        self._write(verb, words)
        self._owed = True

    async def ask(
        self,
        verb: str,
        *words: str,
        seconds: float = 0.0,
        begun: Callable[[], None] | None = None,
    ) -> Reply:
        """Asterisk's reply to a command that takes `seconds` at the most.

        `begun` is called once: when Asterisk says so of a subroutine, else with the reply. Raises
        Gone where the caller is, AgiFault, and TimeoutError where no reply comes.
        """
        while self._owed:
            reply = await self._reply(0.0)
            if reply.code != SUCCESS:
                raise AgiFault(f"a command was answered {reply.code}")
            if self._told:
                self._write(*self._told.popleft())
            else:
                self._owed = False
        self._write(verb, words)
        return await self._reply(seconds, begun)

    async def ask_after(
        self, first: Sequence[str], then: Sequence[str], *, seconds: float
    ) -> Reply:
        """Asterisk's reply to a command that follows one of `seconds`; both are verb and words.

        The second is given when Asterisk says that the first has begun, so that no turn is lost
        when it is over: by then it has read the first, and does not take both for one. Raises as
        `ask`, and AgiFault where the first did not succeed.
        """
        reply = await self.ask(
            *first, seconds=seconds, begun=lambda: self._write(then[0], then[1:])
        )
        if reply.code != SUCCESS:
            raise AgiFault(f"{first[0]} was answered {reply.code}")
        return await self._reply(0.0)

    def _write(self, verb: str, words: Sequence[str]) -> None:
        if self._transport is None or self._transport.is_closing():
            raise self._ended or Gone()
        self._transport.write(command(verb, *words))

    async def _reply(self, seconds: float, begun: Callable[[], None] | None = None) -> Reply:
        while True:
            event = await self._next(seconds + REPLY_LATE)
            if isinstance(event, HungUp) or (isinstance(event, Reply) and event.gone):
                raise Gone
            if not isinstance(event, Reply):
                raise AgiFault("a request where a reply was due")
            if begun is not None:
                begun()
                begun = None
            if event.code != TRYING:
                return event

    async def _next(self, seconds: float) -> Request | Reply | HungUp:
        while not self._events:
            if self._ended is not None:
                raise self._ended
            loop = asyncio.get_running_loop()
            self._waiting = waiting = loop.create_future()
            timer = loop.call_later(seconds, _late, waiting)
            try:
                await waiting
            finally:
                timer.cancel()
                self._waiting = None
        return self._events.popleft()


def _late(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError())


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

    @property
    def listening(self) -> bool:
        """Asterisk can connect."""
        return self._server is not None and self._server.is_serving()

    async def start(self, host: str, port: int) -> int:
        """Listens from now on; returns the port. Raises OSError where that cannot be."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Line(self._take), host, port)
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

    def _take(self, line: Line) -> None:
        task = asyncio.create_task(self._run(line), name="self-service session")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, line: Line) -> None:
        try:
            self.counts[await self._serve(line)] += 1
        finally:
            line.close()

    async def _serve(self, line: Line) -> str:
        """One session to its end; how it ended."""
        if not self._known(line.peer):
            _log.warning(
                "self-service was asked for by an address that is no Asterisk of ours",
                mend="put the Asterisk's address into selfservice.peers, or keep others out",
            )
            return "refused"
        if len(self._running) > self._most:
            _log.warning("too many callers at once in self-service", most=self._most)
            return "full"
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

    def _known(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._peers)
