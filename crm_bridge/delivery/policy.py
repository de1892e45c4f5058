"""When another CRM is asked again, and when an entry is given up: decisions without I/O.

Two things are told apart. A *failure of the CRM* (Unreachable, Busy, Denied) opens its breaker:
nothing is sent for a while, then `health()` is asked before anything else, then one entry is tried.
A *failure of an entry* is charged to it, and after so many it is dead. Any failure is the entry's
only where the CRM worked for others since the entry's last try, so that a CRM which is down for a
day kills no entry:

| since the entry's last try | the failure is charged |
|---|---|
| others went through, at least twice as many as failed | yes |
| others failed, or as many as went through | no |
| nothing went through, `FEW` entries at most have failed, and `health()` is well | yes |
| nothing else was tried, and nobody asked | no: ask (`Breaker.unsure`) |

An entry is dead after `dead_after` charges. Where nothing beside it goes through, its failures may
still be the CRM's (one that drops a fifth of its requests fails most entries of several requests),
and it holds nobody up: it is dead only after `alone_after`.

What the CRM refuses for good (GIVE_UP) is dead at once. Waits grow from `first` to `most` and are
drawn between the half and the whole of that, so that not everything comes back at one moment; a
wait that the CRM asks for is heard.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from crm_bridge.connectors.port import Busy, ConnectorError, Denied, Then, Unreachable
from ivr.calls.call import Micros

SECOND: Final = 1_000_000
FEW: Final = 2
"""Entries that may fail one after the other without the CRM being at fault, if it says it is well:
with none beside them that goes through, nothing else would ever end them."""
_DOUBLINGS: Final = 32

Draw = Callable[[], float]
"""A number from 0 to 1, another each time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and counts of the delivery."""

    first: float = 5.0
    most: float = 1800.0
    dead_after: int = 12
    """Charged failures after which an entry is dead, others going through beside it."""
    alone_after: int = 36
    """The same where nothing else goes through: the CRM's word that it is well is weak evidence."""
    trip: int = 5
    """Different entries that fail one after the other before the CRM is left alone; or twice as
    many failures of fewer, but not of one alone."""
    rest_first: float = 5.0
    rest_most: float = 600.0
    denied_first: float = 60.0
    denied_most: float = 1800.0
    asked_most: float = 3600.0
    """A CRM is not left alone for longer because it asks so."""


class Stage(StrEnum):
    """How a CRM is treated now."""

    CLOSED = "closed"
    """All is well: entries go."""
    OPEN = "open"
    """Nothing is sent until `until`, then its health is asked."""
    HALF = "half_open"
    """It answered that it is well: one entry is tried."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What the CRM had done when an entry was tried last."""

    passed: int
    failed: int
    well: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an entry that failed; `wait` None: it is dead."""

    wait: float | None
    charged: bool


@dataclass(slots=True)
class Breaker:
    """What is known of one CRM; everything is told to it with the moment it happened."""

    limits: Limits = field(default_factory=Limits)
    draw: Draw = random.random
    stage: Stage = Stage.CLOSED
    until: Micros = 0
    why: str | None = None
    """The last failure that speaks against the CRM; None while all is well."""
    since: Micros | None = None
    """Since when it has not worked."""
    denied: bool = False
    """Its last failure was a login or a right refused: a person must mend that."""
    passed: int = 0
    failed: int = 0
    well: int = 0
    """Entries through, failures of the CRM, and times that its health was good, ever."""
    _opened: int = 0
    _rests_from: Micros = 0
    _suspects: set[int] = field(default_factory=set)
    _streak: int = 0

    def mark(self) -> Mark:
        """To be kept with an entry that has just failed."""
        return Mark(self.passed, self.failed, self.well)

    def unsure(self, mark: Mark | None) -> bool:
        """Whether only its health can tell if the CRM or the entry is at fault."""
        return (
            mark is not None and (self.passed, self.failed, self.well) == (
                mark.passed, mark.failed, mark.well,
            )
        )  # fmt: skip

    def against(self, mark: Mark | None) -> bool:
        """Whether a failure now is the entry's own; `mark` is of its last try, None: the first."""
        if mark is None:
            return False
        passed, failed = self.passed - mark.passed, self.failed - mark.failed
        if passed:
            return passed >= 2 * failed
        return self.well > mark.well and len(self._suspects) <= FEW

    def judge(self, error: ConnectorError, charged: int, mark: Mark | None) -> Verdict:
        """What becomes of an entry charged so often before; tell `entry_failed` afterwards."""
        if error.then is Then.GIVE_UP:
            return Verdict(None, True)
        own = self.against(mark)
        count = charged + own
        beside = mark is not None and self.passed > mark.passed
        if count >= self.limits.alone_after or (own and beside and count == self.limits.dead_after):
            return Verdict(None, True)
        wait = self._drawn(self.limits.first, self.limits.most, max(count, 1))
        return Verdict(max(wait, self._asked(error)), own)

    def entry_passed(self) -> None:
        """An entry went through: the CRM works."""
        self.passed += 1
        self._close()

    def entry_failed(self, now: Micros, seq: int, error: ConnectorError) -> None:
        """An entry failed. What is refused for good shows that the CRM is there."""
        if isinstance(error, Unreachable | Busy | Denied):
            self.failed += 1
            self._suspects.add(seq)
            self._streak += 1
            trip, alone = self.limits.trip, len(self._suspects) == 1
            many = len(self._suspects) >= trip or (self._streak >= 2 * trip and not alone)
            if isinstance(error, Busy) or self.stage is Stage.HALF or many:
                self._open(now, error)
            elif isinstance(error, Denied):
                # of this record, or of everything? Its health tells, and at once
                self._say(now, error)
                self.stage, self.until = Stage.OPEN, now
        else:
            self._close()

    def was_well(self, now: Micros) -> None:
        """Its health is good: one entry may show whether it works."""
        self.well += 1
        if self.stage is Stage.OPEN:
            self.stage, self.until = Stage.HALF, now

    def was_ill(self, now: Micros, error: ConnectorError) -> None:
        """Its health is bad: it is left alone for longer."""
        self.failed += 1
        self._open(now, error)

    def may_ask(self, now: Micros) -> bool:
        """Whether its rest is over and its health is to be asked.

        It is, too, where the clock stands before the rest's beginning: it was put back, and the end
        could be as far away as that.
        """
        return self.stage is Stage.OPEN and self.rest(now) == 0.0

    def rest(self, now: Micros) -> float:
        """Seconds that it is still to be left alone."""
        return 0.0 if now < self._rests_from else max(0.0, (self.until - now) / SECOND)

    def _open(self, now: Micros, error: ConnectorError) -> None:
        limits = self.limits
        self._opened += 1
        denied = isinstance(error, Denied)
        first = limits.denied_first if denied else limits.rest_first
        most = limits.denied_most if denied else limits.rest_most
        wait = max(self._drawn(first, most, self._opened), self._asked(error))
        self._say(now, error)
        until = now + round(wait * SECOND)
        if now >= self._rests_from:  # else the clock was put back, and what was said is void
            until = max(self.until, until)
        self.stage, self.until, self._rests_from = Stage.OPEN, until, now

    def _close(self) -> None:
        self.stage, self.until = Stage.CLOSED, 0
        self.why = self.since = None
        self.denied = False
        self._opened = 0
        self._suspects.clear()
        self._streak = 0

    def _say(self, now: Micros, error: ConnectorError) -> None:
        self.why = str(error)
        self.denied = isinstance(error, Denied)
        self.since = now if self.since is None else self.since

    def _asked(self, error: ConnectorError) -> float:
        return min(max(error.wait or 0.0, 0.0), self.limits.asked_most)

    def _drawn(self, first: float, most: float, times: int) -> float:
        whole = min(first * 2.0 ** min(times - 1, _DOUBLINGS), most)
        return whole / 2 + whole / 2 * self.draw()
