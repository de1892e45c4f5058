"""Who is calling, as the other CRMs know it: asked beside our own records, waited for by nobody.

| what happens | what the board is told |
|---|---|
| it answers within `IN_TIME`, or the cache knows | found or none, and nothing before |
| it has not answered by then | late; found, none or failed when that comes |
| a fault, a time-out, a CRM that is left alone, too many questions | failed |

One request a number at a time, a few a CRM; the rest wait, the newest first, those whose telephone
rings before all. `ask` only takes notes: whatever a CRM does, the reader of the line, the pop and
our own cards go on as without it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from crm_bridge.clock import Clock
from crm_bridge.connectors.port import (
    Busy,
    Connector,
    ConnectorError,
    Contact,
    Denied,
    Then,
    Unreachable,
)
from crm_bridge.delivery.faults import leaves, raised_at
from crm_bridge.delivery.findings import SHOWN, Finding, State, checked
from ivr.calls.call import Micros

_log = structlog.get_logger(__name__)

IN_TIME: Final = 0.5
"""Seconds in which an answer goes out with the pop; after them the pop says that none is there."""

AT_ONCE: Final = 4
"""Requests to one CRM at a time."""

WAITING: Final = 200
"""Numbers that wait for one CRM; beyond, the oldest are given up."""

KEPT: Final = 2000
"""Numbers of which one CRM's answer is remembered."""

FOUND_FOR: Final = 300.0
NONE_FOR: Final = 60.0
"""Seconds for which an answer is remembered."""

FAULTS: Final = 3
"""So many in a row, and the CRM is left alone for `ALONE` seconds, or as long as it asked for."""

ALONE: Final = 30.0
LONGEST_ALONE: Final = 600.0


@dataclass(slots=True)
class Counters:
    """What has become of the questions to one CRM since the start."""

    asked: int = 0
    """Requests sent."""
    in_time: int = 0
    late: int = 0
    failed: int = 0
    cached: int = 0
    """Questions that the memory answered."""
    unasked: int = 0
    """Questions given up without a request: left alone, too many, the call was over."""
    last_error: str = ""
    last_error_us: Micros | None = None


@dataclass(slots=True)
class _Request:
    """One number that a CRM is, or will be, asked for."""

    e164: str
    asked: float
    """When its first question came, on the monotonic clock."""
    calls: dict[str, None]
    """Calls that want to know, in order."""
    late: bool = False


Told = Callable[[str, Finding], None]
"""Is told the call's id and what was found; must not wait or raise."""


class Source:
    """One CRM as it is asked for callers: its queue, its memory, its faults."""

    def __init__(
        self,
        connector: Connector,
        clock: Clock,
        seconds: float,
        told: Told,
        left_alone: Callable[[], bool] = lambda: False,
    ) -> None:
        """`seconds`: how long one answer may take; `left_alone`: somebody else says not to ask."""
        self.name = connector.name
        self.kind = connector.kind
        self.counters = Counters()
        self._connector = connector
        self._clock = clock
        self._seconds = seconds
        self._told = told
        self._left_alone = left_alone
        self._open: dict[str, _Request] = {}
        """Number → its request, waiting or under way."""
        self._waiting: OrderedDict[str, _Request] = OrderedDict()
        """The next to be asked last."""
        self._of_call: dict[str, _Request] = {}
        self._fresh: deque[_Request] = deque()
        """Requests that may become late, the oldest first."""
        self._kept: OrderedDict[str, tuple[float, Finding]] = OrderedDict()
        self._faults = 0
        self._alone_until = 0.0
        self._epoch = 0
        """Grows when the memory is wiped: an answer asked for before is not remembered."""
        self._wake = asyncio.Event()
        self._wake_watch = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Numbers that wait to be asked for."""
        return len(self._waiting)

    @property
    def alone(self) -> float:
        """Seconds for which it is left alone after faults; 0: it is asked."""
        return max(0.0, self._alone_until - self._clock.monotonic())

    def ask(self, call_id: str, e164: str) -> None:
        """Wants to know who this is; the answer is told, however late."""
        self._leave(call_id)
        now = self._clock.monotonic()
        if (kept := self._kept.get(e164)) is not None:
            if now < kept[0]:
                self.counters.cached += 1
                self._told(call_id, kept[1])
                return
            del self._kept[e164]
        request = self._open.get(e164)
        if request is None:
            if now < self._alone_until or self._left_alone():
                self.counters.unasked += 1
                self._told(call_id, self._finding(State.FAILED))
                return
            request = _Request(e164, now, {})
            self._open[e164] = self._waiting[e164] = request
            self._fresh.append(request)
            self._wake.set()
            self._wake_watch.set()
            if len(self._waiting) > WAITING:
                self._give_up(next(iter(self._waiting.values())))
        request.calls[call_id] = None
        self._of_call[call_id] = request
        if request.late:
            self._told(call_id, self._finding(State.LATE))

    def hurry(self, call_id: str) -> None:
        """A telephone rings for this call: it is asked for next."""
        request = self._of_call.get(call_id)
        if request is not None and request.e164 in self._waiting:
            self._waiting.move_to_end(request.e164)

    def forget(self, call_id: str) -> None:
        """The call is over: what was not asked yet is not asked any more."""
        request = self._of_call.get(call_id)
        if request is not None and request.e164 in self._waiting:
            if len(request.calls) == 1:
                self._give_up(request)
            else:
                self._leave(call_id)
                self._told(call_id, self._finding(State.FAILED))

    def wipe(self) -> None:
        """Remembers nobody any more."""
        self._kept.clear()
        self._epoch += 1

    async def run(self) -> None:
        """Asks until cancelled; a bug costs the questions that are open, and nothing else."""
        while True:
            try:
                await self._ask_all()
            except Exception as error:
                _log.error(
                    "the look-up of callers failed and is begun again",
                    connector=self.name,
                    error=repr([type(one).__name__ for one in leaves(error)]),
                    at=[raised_at(one) for one in leaves(error)],
                )
                self._open.clear()
                self._waiting.clear()
                self._of_call.clear()
                self._fresh.clear()
                await self._clock.sleep(ALONE)

    async def _ask_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work())
            group.create_task(self._watch())

    def _leave(self, call_id: str) -> None:
        request = self._of_call.pop(call_id, None)
        if request is not None:
            request.calls.pop(call_id, None)

    def _give_up(self, request: _Request) -> None:
        """Takes a request that waits out of the queue, unasked."""
        del self._waiting[request.e164]
        self.counters.unasked += 1
        self._settle(request, self._finding(State.FAILED))

    def _settle(self, request: _Request, finding: Finding) -> None:
        """Tells every call that waits for it what came of a request."""
        del self._open[request.e164]
        for call_id in request.calls:
            self._of_call.pop(call_id, None)
            self._told(call_id, finding)

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            e164, request = self._waiting.popitem()
            if not request.calls:  # the caller's number is another one by now
                del self._open[e164]
                continue
            self.counters.asked += 1
            epoch = self._epoch
            finding = await self._find(e164)
            now = self._clock.monotonic()
            if finding.state is not State.FAILED:
                if now - request.asked <= IN_TIME:
                    self.counters.in_time += 1
                else:
                    self.counters.late += 1
                if epoch == self._epoch:
                    self._keep(e164, finding, now)
            self._settle(request, finding)

    async def _find(self, e164: str) -> Finding:
        asking = asyncio.ensure_future(self._connector.find_contacts(e164))
        limit = asyncio.ensure_future(self._clock.sleep(self._seconds))
        try:
            await asyncio.wait({asking, limit}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise Unreachable(f"look up a caller: no answer in {self._seconds:g} s")
            contacts = checked(asking.result(), e164)
        except ConnectorError as error:
            self._failed(error)
            return self._finding(State.FAILED)
        except Exception as error:
            # a traceback could hold the caller's number: where it was raised must do
            _log.error(
                "a connector failed to look up a caller",
                connector=self.name,
                error=type(error).__name__,
                at=raised_at(error),
            )
            self._failed(Unreachable(f"look up a caller: {type(error).__name__}"))
            return self._finding(State.FAILED)
        finally:
            asking.cancel()
            limit.cancel()
            await asyncio.gather(asking, limit, return_exceptions=True)
        self._faults = 0
        if not contacts:
            return self._finding(State.NONE)
        shown = contacts[:SHOWN]
        return self._finding(State.FOUND, shown, len(contacts) - len(shown))

    def _finding(self, state: State, contacts: tuple[Contact, ...] = (), more: int = 0) -> Finding:
        return Finding(self.name, self.kind, state, contacts, more)

    def _failed(self, error: ConnectorError) -> None:
        self.counters.failed += 1
        self.counters.last_error = str(error)
        self.counters.last_error_us = self._clock.now_us()
        if error.then is Then.GIVE_UP:
            return  # this one number is not taken: it says nothing of the next
        self._faults += 1
        if self._faults < FAULTS and not isinstance(error, Busy | Denied):
            return
        alone = min(LONGEST_ALONE, error.wait if error.wait is not None else ALONE)
        self._alone_until = self._clock.monotonic() + alone
        _log.warning(
            "a CRM is not asked for callers for a while",
            connector=self.name,
            seconds=alone,
            error=str(error),
        )
        for request in list(self._waiting.values()):
            self._give_up(request)

    def _keep(self, e164: str, finding: Finding, now: float) -> None:
        seconds = FOUND_FOR if finding.state is State.FOUND else NONE_FOR
        self._kept[e164] = (now + seconds, finding)
        self._kept.move_to_end(e164)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    async def _watch(self) -> None:
        """Says of each request that is not answered in time that it is not."""
        while True:
            while not self._fresh:
                self._wake_watch.clear()
                await self._wake_watch.wait()
            request = self._fresh.popleft()
            if self._open.get(request.e164) is not request:
                continue
            rest = request.asked + IN_TIME - self._clock.monotonic()
            if rest > 0:
                await self._clock.sleep(rest)
            if self._open.get(request.e164) is request:
                request.late = True
                for call_id in request.calls:
                    self._told(call_id, self._finding(State.LATE))


@dataclass(frozen=True, slots=True)
class Lookup:
    """Every CRM that is asked who is calling."""

    sources: Mapping[str, Source] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        connectors: Iterable[tuple[Connector, float]],
        clock: Clock,
        told: Told,
        left_alone: Callable[[str], bool] = lambda _name: False,
    ) -> Lookup:
        """Asks those that can be asked, each with the seconds one of its answers may take."""

        def source(connector: Connector, seconds: float) -> Source:
            return Source(connector, clock, seconds, told, lambda: left_alone(connector.name))

        asked = [(c, s) for c, s in connectors if c.capabilities.lookup]
        return cls({c.name: source(c, s) for c, s in asked})

    def ask(self, call_id: str, e164: str | None, withheld: bool) -> None:
        """Asks all of them; nobody where the number is withheld, or none."""
        if e164 is not None and not withheld:
            for source in self.sources.values():
                source.ask(call_id, e164)

    def hurry(self, call_id: str) -> None:
        """A telephone rings for this call."""
        for source in self.sources.values():
            source.hurry(call_id)

    def forget(self, call_id: str) -> None:
        """The call is over."""
        for source in self.sources.values():
            source.forget(call_id)

    def wipe(self) -> None:
        """Remembers nobody any more: somebody's data is to be gone."""
        for source in self.sources.values():
            source.wipe()

    async def run(self) -> None:
        """Asks until cancelled."""
        async with asyncio.TaskGroup() as group:
            for source in self.sources.values():
                group.create_task(source.run(), name=f"look up in {source.name}")
