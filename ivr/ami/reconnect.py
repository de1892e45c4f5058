"""Keeps one Asterisk connected: connect, log in, filter, snapshot, watch; and again after a loss.

A wrong password is not a network fault: it ends the link with AuthenticationFailed at once.
Everything runs in the one task that awaits `Link.run`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ivr.ami import actions
from ivr.ami.address import NodeAddress
from ivr.ami.client import REST, Client, OnBytes, OnCut, OnMessages
from ivr.ami.errors import ActionRefused, ActionTimeout, LinkError, LinkLost, NotConnected
from ivr.ami.feed import Feed
from ivr.ami.framing import Keep
from ivr.ami.snapshot import take_snapshot

_PATIENCE: Final = 6
"""Attempts in a row after which what an Asterisk does not know is taken as missing for good."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReconnectPolicy:
    """How long to wait before another attempt; seconds.

    Grows by `factor` up to `cap`; each wait is shortened by up to the share `jitter`, so that
    bridges that lost one Asterisk together do not come back together.
    """

    first: float = 0.5
    factor: float = 2.0
    cap: float = 30.0
    jitter: float = 0.5

    def delay(self, failures: int, chance: float) -> float:
        """Seconds to wait after `failures` attempts in a row have failed; `chance` in [0, 1)."""
        grown = self.first * self.factor ** min(max(failures - 1, 0), 64)
        return min(self.cap, grown) * (1 - self.jitter * chance)


@dataclass(frozen=True, slots=True)
class LinkTiming:
    """Time limits of a link; seconds."""

    connect: float = 5.0
    action: float = 10.0
    act: float = 4.0
    """For what a person asks for and waits for."""
    listing: float = 60.0
    ping_every: float = 10.0
    ping_answer: float = 5.0
    settled: float = 30.0
    """A connection that stood so long starts the back-off anew."""


class LinkState(StrEnum):
    """Where a link stands."""

    WAITING = "waiting"
    CONNECTING = "connecting"
    SNAPSHOT = "snapshot"
    UP = "up"
    STOPPED = "stopped"


class Link:
    """One node's connection, kept up until `stop`, cancellation or a refused login."""

    def __init__(
        self,
        node: str,
        address: NodeAddress,
        keep: Keep | None,
        on_messages: OnMessages,
        *,
        on_bytes: OnBytes | None = None,
        on_cut: OnCut | None = None,
        server_filter: bool = True,
        policy: ReconnectPolicy | None = None,
        timing: LinkTiming | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        rest: float = REST,
    ) -> None:
        """`keep=None` takes every event (for a full capture); `sleep` replaces the back-off's."""
        self._rest = rest
        self.node = node
        self.feed = Feed(keep)
        """Counters of the stream are in `feed.framer`."""
        self.state = LinkState.WAITING
        self.connects = 0
        """Connections that reached their snapshot's end."""
        self.failures = 0
        """Attempts in a row that failed."""
        self.last_error: str | None = None
        """Why the last connection ended or could not be made."""
        self.gaps = 0
        """Times a connection that was up was lost."""
        self._unheard = 0.0
        self._lost_at: float | None = None
        self._address = address
        self._keep = keep
        self._on_messages = on_messages
        self._on_bytes = on_bytes
        self._on_cut = on_cut
        self._server_filter = server_filter and keep is not None
        self._policy = policy or ReconnectPolicy()
        self._timing = timing or LinkTiming()
        self._clock = clock
        self._monotonic = monotonic
        self._chance = chance
        self._sleep = sleep
        self._client: Client | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Keep the link up until `stop`. Raises AuthenticationFailed; cancel it to end at once."""
        try:
            while not self._stopping.is_set():
                began = self._monotonic()
                try:
                    await self._connection()
                except (LinkError, ActionTimeout, ActionRefused) as error:
                    if self._stopping.is_set():
                        break
                    stood = self._monotonic() - began
                    settled = self.state is LinkState.UP and stood >= self._timing.settled
                    if self.state is LinkState.UP:
                        self.gaps += 1
                        self._lost_at = self._monotonic()
                    self.failures = 1 if settled else self.failures + 1
                    self.last_error = str(error)
                    self.state = LinkState.WAITING
                    seconds = self._policy.delay(self.failures, self._chance())
                    _log.warning("node %s: %s; next attempt in %.1f s", self.node, error, seconds)
                    await self._wait(seconds)
        finally:
            self.state = LinkState.STOPPED

    async def act(self, action: actions.Action, *, seconds: float | None = None) -> dict[str, str]:
        """Send an action on the connection as it is now; headers of Asterisk's response.

        Safe while events flow and beside other actions; an empty `ActionID` gets one of the
        connection's own. Nothing is sent twice: after ActionTimeout or LinkLost it is unknown
        whether Asterisk did it. Raises NotConnected (nothing was sent), ActionRefused,
        ActionTimeout, LinkLost, UnsafeAction.
        """
        client, action = self._ready(action)
        return await client.act(action, seconds=seconds or self._timing.act)

    async def listed(self, action: actions.Action) -> list[bytes]:
        """Send a list action as `act` does; the events of its list, those that the feed keeps."""
        client, action = self._ready(action)
        return await client.listed(action, seconds=self._timing.act)

    def _ready(self, action: actions.Action) -> tuple[Client, actions.Action]:
        """The connection as it is now, and the action with an id of it."""
        client = self._client
        if client is None or self.state is not LinkState.UP:
            raise NotConnected(f"node {self.node} is not connected ({self.state.value})")
        if not action.get("ActionID"):
            action = {**action, "ActionID": client.new_id(action["Action"])}
        return client, action

    @property
    def unheard(self) -> float:
        """Seconds without a connection since the first one, up to now."""
        now = 0.0 if self._lost_at is None else self._monotonic() - self._lost_at
        return self._unheard + now

    @property
    def rest(self) -> float:
        """Seconds that reading may rest after a read that found little; see `client.REST`."""
        return self._rest

    @rest.setter
    def rest(self, seconds: float) -> None:
        self._rest = seconds
        if self._client is not None:
            self._client.rest(seconds)

    def drop(self, why: str) -> None:
        """Close the connection on purpose and let `run` make a new one.

        May be called from `on_messages`: nothing more is read, and `HotlineLinkLost` follows once
        that has returned. Does nothing while there is no connection.
        """
        if self._client is not None:
            asyncio.get_running_loop().call_soon(self._client.close, why)

    def stop(self) -> None:
        """Log off and let `run` return; what was read before has been handed on."""
        self._stopping.set()
        if self._client is not None:
            self._client.close("stopped", politely=True)

    async def _connection(self) -> None:
        """One connection from its making to its end, which is always an error."""
        self.state = LinkState.CONNECTING
        timing = self._timing
        client = await Client.connect(
            self._address,
            self.feed,
            self._on_messages,
            on_bytes=self._on_bytes,
            on_cut=self._on_cut,
            clock=self._clock,
            seconds=timing.connect,
            rest=self._rest,
        )
        self._client = client
        why = "the bridge closed the connection"
        try:
            if self._stopping.is_set():
                raise LinkLost("stopped")
            await client.login(self._address, seconds=timing.action)
            await self._filter(client)
            self.state = LinkState.SNAPSHOT
            await take_snapshot(
                client, list_seconds=timing.listing, patient=self.failures < _PATIENCE
            )
            self.state = LinkState.UP
            self._unheard, self._lost_at = self.unheard, None
            self.connects += 1
            self.last_error = None
            _log.info("node %s: connected", self.node)
            while not await client.lost(timing.ping_every):
                await self._ping(client)
            raise LinkLost(client.why or why)
        except (LinkError, ActionTimeout) as error:
            why = str(error)
            raise
        finally:
            self._client = None
            client.close(why)

    async def _filter(self, client: Client) -> None:
        """Have Asterisk send the needed events only; without that privilege, read them all."""
        if not self._server_filter or self._keep is None:
            return
        # Replies to actions, the snapshot's among them, are sent past the filter.
        regex = actions.event_filter(self._keep)
        action = actions.add_filter(client.new_id("filter"), regex)
        try:
            await client.act(action, seconds=self._timing.action)
        except ActionRefused as refused:
            self._server_filter = False
            # Our own AMI user has not that privilege, and eventfilter lines in its stead.
            _log.info(
                "node %s: %s; what comes is sorted out here. eventfilter lines for the AMI"
                " user in manager.conf, as `hotline install` lays them down, do the same without"
                " the privilege system",
                self.node,
                refused,
            )

    async def _ping(self, client: Client) -> None:
        """Raise LinkLost where neither the answer nor anything else comes in time."""
        before = self.feed.framer.bytes_fed
        action = actions.ping(client.new_id("ping"))
        try:
            await client.act(action, seconds=self._timing.ping_answer)
        except ActionRefused:
            pass  # an answer all the same
        except ActionTimeout:
            # A busy Asterisk answers late, but then its events come.
            if self.feed.framer.bytes_fed == before:
                raise LinkLost(
                    f"no sign of life within {self._timing.ping_answer:g} s of a Ping"
                ) from None

    async def _wait(self, seconds: float) -> None:
        if self._sleep is not None:
            await self._sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
