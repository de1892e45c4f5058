"""Calls as they happen, for CRMs that want to hear of them: ringing, answered, ended.

Worth little a minute later: they wait in memory, in order, for two minutes at the most, and are
counted where they were given up. What must not be lost goes through the outbox.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import Final

import structlog

from crm_bridge.clock import Clock
from crm_bridge.config import Config
from crm_bridge.connectors.port import CallEvent, Connector, ConnectorError, Moment, Then
from crm_bridge.delivery.contents import link
from crm_bridge.records.callers import normalise
from ivr.calls.call import OUTBOUND, Call, Micros
from ivr.events.types import Event

_log = structlog.get_logger(__name__)

KEPT: Final = 120 * 1_000_000
"""µs after which an event is worth nothing."""
WAITING: Final = 1000
"""Events that may wait; beyond, the oldest are given up."""
TRIES: Final = 3
PAUSE: Final = 1.0
"""Seconds between the tries of one event."""
LONGEST: Final = 10.0
"""Seconds that others wait for one event, however long the CRM asks for."""

_Told = tuple[Moment, str | None]


class CallEvents:
    """Tells one CRM of calls; `run` it as a task."""

    def __init__(self, connector: Connector, config: Config, clock: Clock) -> None:
        self.given_up = 0
        """Events that were too late, too many, or refused."""
        self.sent = 0
        self._connector = connector
        self._config = config
        self._clock = clock
        self._told: dict[str, set[_Told]] = {}
        self._waiting: deque[CallEvent] = deque()
        self._wake = asyncio.Event()

    def changed(self, call: Call, event: Event) -> None:
        """Takes in that a call has changed; never waits or raises."""
        told = self._told.setdefault(call.call_id, set())
        for moment, agent, at in _happened(call):
            if (moment, agent) in told:
                continue
            told.add((moment, agent))
            if len(self._waiting) >= WAITING:
                self._waiting.popleft()
                self.given_up += 1
            self._waiting.append(self._event(call, moment, agent, at or event.at))
            self._wake.set()
        if call.closed:
            del self._told[call.call_id]

    async def run(self) -> None:
        """Tells until cancelled, one after another."""
        while True:
            while self._waiting:
                await self._tell(self._waiting.popleft())
            self._wake.clear()
            await self._wake.wait()

    async def _tell(self, event: CallEvent) -> None:
        for attempt in range(TRIES):
            if self._clock.now_us() - event.at > KEPT:
                break
            try:
                await self._connector.call_event(event)
            except ConnectorError as error:
                _log.info("a call event did not arrive", connector=self._connector.name,
                          call=event.call_id, moment=event.moment.value,
                          why=type(error).__name__)  # fmt: skip
                if error.then is Then.GIVE_UP:
                    break
                if attempt + 1 < TRIES:
                    await self._clock.sleep(min(error.wait or PAUSE, LONGEST))
            except Exception as bug:
                _log.error("a call event failed", connector=self._connector.name,
                           call=event.call_id, why=type(bug).__name__)  # fmt: skip
                break
            else:
                self.sent += 1
                return
        self.given_up += 1

    def _event(self, call: Call, moment: Moment, agent: str | None, at: Micros) -> CallEvent:
        number = normalise(call.caller_presented)
        withheld = call.withheld or number.withheld
        hidden = withheld and call.direction == OUTBOUND
        return CallEvent(
            moment,
            call.call_id,
            at,
            call.direction,
            None if withheld else number.e164 or call.caller_presented,
            None if withheld else call.caller_name,
            "" if hidden else call.dialled,
            agent,
            call.passages[-1].queue if call.passages else None,
            call.service,
            call.outcome.value if call.outcome is not None and moment is Moment.ENDED else None,
            link(self._config, "calls", call.call_id),
        )


def _happened(call: Call) -> Iterator[tuple[Moment, str | None, Micros | None]]:
    """What has happened with the call so far, in order of kind; the moment where it is known."""
    for passage in call.passages:
        for attempt in passage.attempts:
            yield Moment.RINGING, attempt.agent, attempt.rang_at
    for part in call.agents:
        yield Moment.ANSWERED, part.agent, part.connected_at
    if call.ended_at is not None or call.closed:
        yield Moment.ENDED, None, call.ended_at
