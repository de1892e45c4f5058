"""One connection to an Asterisk: panoramisk's Manager over a protocol of our own.

panoramisk matches replies to actions. Reading is ours: one preallocated buffer, the framer and its
filter, and one synchronous callback that gets whole messages in order. panoramisk's own reading
loses split UTF-8 letters and empty last headers, and its Manager would reconnect by itself, every
two seconds, also after a wrong password: both are switched off here.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import ssl
import time
from collections.abc import Callable
from typing import Any, Final

from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager
from panoramisk.message import Message as Reply

from ivr.ami import actions
from ivr.ami.address import NodeAddress
from ivr.ami.errors import (
    ActionRefused,
    ActionTimeout,
    AuthenticationFailed,
    ConnectFailed,
    LinkLost,
)
from ivr.ami.feed import Feed
from ivr.ami.message import fields

OnMessages = Callable[[list[bytes], float], None]
"""Gets whole messages in order and their arrival in epoch seconds; must not raise or wait."""
OnBytes = Callable[[bytes, float], None]
"""Gets what one read gave, before it is looked at; for captures."""
OnCut = Callable[[float], None]
"""Gets the moment (epoch seconds) at which the connection was lost."""

READ_BUFFER: Final = 1 << 18
REST: Final = 0.03
"""Seconds that reading rests after a read that found little.

Events come in flocks of a few needed ones, and to wake up for each costs several times what it
takes to work it in. What is late by this much is only the sight of it: events tell their own time,
and an event waits for half a rest on average. While screens are open it is `WATCHED` (`Link.rest`).
"""
WATCHED: Final = 0.004
"""The rest while officers look on: a caller is to be on the screen within 30 ms (median)."""
_LITTLE: Final = 1 << 14
"""A read of more bytes than this is followed by the next at once: Asterisk is busy."""
_log = logging.getLogger(__name__)


class _Protocol(AMIProtocol, asyncio.BufferedProtocol):  # type: ignore[misc]  # panoramisk has no types
    """Reads into one buffer, hands on messages, and gives panoramisk the replies it waits for."""

    def __init__(
        self,
        feed: Feed,
        on_messages: OnMessages,
        on_bytes: OnBytes | None,
        on_cut: OnCut | None,
        clock: Callable[[], float],
        rest: float,
    ) -> None:
        self._feed = feed
        self.rest_seconds = rest
        self._on_messages = on_messages
        self._on_bytes = on_bytes
        self._on_cut = on_cut
        self._clock = clock
        self._buffer = memoryview(bytearray(READ_BUFFER))
        self._ended = False
        self._loop = asyncio.get_running_loop()
        self._rest: asyncio.TimerHandle | None = None
        self.why: str | None = None
        """Why the connection ended; `None` while it is up."""
        self.collecting: dict[str, list[bytes]] = {}
        """ActionID of a running list action → its events so far."""

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._ended:
            return
        data = self._buffer[:nbytes]
        at = self._clock()
        if self._on_bytes is not None:
            self._on_bytes(bytes(data), at)
        feed = self._feed
        messages = feed.chunk(data, at)
        replies = feed.replies
        if messages:
            self._on_messages(messages, at)
        if self.responses:
            for reply in replies:
                self._reply(reply)
        elif nbytes < _LITTLE and self.rest_seconds > 0 and not self._ended:
            self.transport.pause_reading()
            self._rest = self._loop.call_later(self.rest_seconds, self.transport.resume_reading)

    def _reply(self, raw: bytes) -> None:
        headers = fields(raw)
        action_id = headers.get("ActionID", "")
        if action_id not in self.responses:
            return
        if "Event" in headers:
            if action_id in self.collecting:
                self.collecting[action_id].append(raw)
            if headers.get("EventList") not in ("Complete", "cancelled"):
                return
        self.handle_message(Reply(headers))

    def send(self, data: Any, as_list: Any = None) -> Any:
        """The last gate: nothing that would forge a header leaves, whoever sends it."""
        actions.check(data)
        return super().send(data, as_list=as_list)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.end(f"the connection was closed ({exc})" if exc else "Asterisk closed the connection")

    def end(self, why: str, *, flush: bool = False) -> None:
        """Close, tell whoever waits, and name the gap; a second call does nothing."""
        if self._ended:
            return
        self._ended = True
        self.why = why
        at = self._clock()
        self.closed = True
        if self._rest is not None:
            self._rest.cancel()
        if flush:
            self.transport.close()
        else:
            self.transport.abort()
        for action in self.responses.values():
            if not action.future.done():
                action.future.set_exception(LinkLost(why))
                action.future.exception()  # seen: nobody need be waiting for it
        self.responses.clear()
        if not self.lost.done():
            self.lost.set_result(None)
        if self._on_cut is not None:
            self._on_cut(at)
        messages = self._feed.cut(at)
        if messages:
            self._on_messages(messages, at)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        raise AssertionError("reading goes through buffer_updated")


class _Manager(Manager):  # type: ignore[misc]  # panoramisk has no types
    """Reply matching only: no reconnect, no ping and no login of its own."""

    def connection_lost(self, exc: object) -> None:
        """The supervisor in reconnect.py decides what follows."""

    def ping(self) -> None:
        """Pings are sent, and their answers awaited, by the supervisor."""


class Client:
    """One connection, from `connect` until `close` or its loss; never used again after that."""

    def __init__(self, protocol: _Protocol, manager: _Manager) -> None:
        self._protocol = protocol
        self._manager = manager
        self._ids = itertools.count(1)

    @classmethod
    async def connect(
        cls,
        address: NodeAddress,
        feed: Feed,
        on_messages: OnMessages,
        *,
        on_bytes: OnBytes | None = None,
        on_cut: OnCut | None = None,
        clock: Callable[[], float] = time.time,
        seconds: float = 5.0,
        rest: float = REST,
    ) -> Client:
        """Open the connection, not logged in yet. Raises ConnectFailed.

        Over TLS nothing is sent, the secret least of all, to whom the certificate does not name.
        `rest` is for how long reading may rest after a read that found little, in seconds.
        """
        loop = asyncio.get_running_loop()
        # Without a username panoramisk sends no login of its own (it would not say why one fails).
        manager = _Manager(
            host=address.host,
            port=address.port,
            loop=loop,
            log=_log,
            protocol_factory=lambda: _Protocol(feed, on_messages, on_bytes, on_cut, clock, rest),
        )
        where = f"{address.host}:{address.port}"
        tls = address.tls
        try:
            async with asyncio.timeout(seconds):
                made = await loop.create_connection(
                    manager.config["protocol_factory"],
                    address.host,
                    address.port,
                    ssl=tls.context() if tls else None,
                    server_hostname=(tls.name or address.host) if tls else None,
                )
        except TimeoutError:
            raise ConnectFailed(f"no connection to {where} within {seconds:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise ConnectFailed(
                f"the certificate of {where} is not trusted: {error.verify_message}"
            ) from error
        except OSError as error:
            raise ConnectFailed(f"no connection to {where}: {error}") from error
        connected: asyncio.Future[Any] = loop.create_future()
        connected.set_result(made)
        manager.connection_made(connected)
        manager.pinger.cancel()
        return cls(made[1], manager)

    @property
    def why(self) -> str | None:
        """Why the connection ended; `None` while it is up."""
        return self._protocol.why

    def rest(self, seconds: float) -> None:
        """How long reading may rest from the next read on."""
        self._protocol.rest_seconds = seconds

    def new_id(self, what: str) -> str:
        """An ActionID of this connection's own."""
        return f"hotline-{what.lower()}-{next(self._ids)}"

    async def login(self, address: NodeAddress, *, seconds: float = 10.0) -> None:
        """Raises AuthenticationFailed, LinkLost, ActionTimeout or UnsafeAction."""
        action = actions.login(self.new_id("login"), address.username, address.secret)
        try:
            await self.act(action, seconds=seconds)
        except ActionRefused as refused:
            raise AuthenticationFailed(
                address.host, address.port, address.username, refused.said
            ) from None

    def send(self, action: actions.Action, *, listing: bool = False) -> asyncio.Future[Any]:
        """Send now; the future gives panoramisk's reply, of a `listing` when its end is there.

        Raises LinkLost and UnsafeAction.
        """
        if self._protocol.why is not None:
            raise LinkLost(self._protocol.why)
        # Told True, panoramisk would wait for ever for the list of a refused action; told nothing
        # it looks at the response, but then waits for an event after `successfully queued` too.
        as_list = None if listing else False
        future: asyncio.Future[Any] = self._manager.send_action(dict(action), as_list=as_list)
        return future

    async def reply(
        self, action: actions.Action, future: asyncio.Future[Any], *, seconds: float = 10.0
    ) -> dict[str, str]:
        """Headers of the response. Raises ActionRefused, ActionTimeout, LinkLost."""
        try:
            async with asyncio.timeout(seconds):
                answer = await future
        except TimeoutError:
            raise ActionTimeout(action["Action"], seconds) from None
        finally:
            self._protocol.responses.pop(action["ActionID"], None)
        first = answer[0] if isinstance(answer, list) else answer
        if not first.success:
            raise ActionRefused(action["Action"], first.message or "no reason given")
        return dict(first.items())

    async def act(self, action: actions.Action, *, seconds: float = 10.0) -> dict[str, str]:
        """Send and await the response.

        Raises ActionRefused, ActionTimeout, LinkLost, UnsafeAction.
        """
        return await self.reply(action, self.send(action), seconds=seconds)

    async def listed(self, action: actions.Action, *, seconds: float = 60.0) -> list[bytes]:
        """Send a list action and return its events; they go to `on_messages` as well."""
        found = self._protocol.collecting[action["ActionID"]] = []
        try:
            await self.reply(action, self.send(action, listing=True), seconds=seconds)
        finally:
            del self._protocol.collecting[action["ActionID"]]
        return found

    async def lost(self, seconds: float) -> bool:
        """Wait for the connection's end, at most so long; tells whether it has ended."""
        done, _ = await asyncio.wait({self._protocol.lost}, timeout=seconds)
        return bool(done)

    def close(self, why: str, *, politely: bool = False) -> None:
        """End the connection; `politely` logs off first. A second call does nothing."""
        if politely and self._protocol.why is None:
            self.send(actions.logoff(self.new_id("logoff")))
        self._protocol.end(why, flush=politely)
