"""The machine's clock is put forward and back while all runs: what has to last so long, does."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from crm_bridge.access.throttle import FAILURES, Throttle
from crm_bridge.connectors.port import Unreachable
from crm_bridge.delivery.policy import Breaker, Stage
from crm_bridge.errors import Refused, StorageUnavailable
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.journal import Piece
from crm_bridge.records.writer import Batch, Committed
from crm_bridge.selfservice.guesses import TICKET, Guesses
from tests.support.desk_clock import HeldClock

HOUR = 3600.0
STEPS = [HOUR, -HOUR]


class SteppedClock(HeldClock):
    """Its wall clock can be put forward or back; the other one goes on."""

    stepped = 0.0

    def now_us(self) -> int:
        return self.at + round(self.stepped * 1_000_000)


@pytest.mark.parametrize("step", STEPS)
def test_who_signed_in_wrongly_waits_as_long_as_he_would(step: float) -> None:
    clock, throttle = SteppedClock(), Throttle()
    for _ in range(FAILURES):
        throttle.enter(clock, "192.0.2.1")
    clock.stepped = step
    with pytest.raises(Refused):
        throttle.enter(clock, "192.0.2.1")
    clock.forward(minutes=16)
    throttle.enter(clock, "192.0.2.1")


@pytest.mark.parametrize("step", STEPS)
def test_wrong_digits_are_counted_as_long_as_they_would_be(step: float) -> None:
    clock, guesses = SteppedClock(), Guesses()
    while guesses.enter(clock, "T-1", "+66812345678"):
        pass
    clock.stepped = step
    assert not guesses.enter(clock, "T-1", None)
    clock.forward(hours=25)
    assert guesses.enter(clock, "T-1", "+66812345678")
    assert TICKET > 0


def test_a_crm_is_asked_again_though_the_clock_was_put_back() -> None:
    clock = SteppedClock()
    breaker = Breaker()
    breaker.was_ill(clock.now_us(), Unreachable("refused"))
    assert breaker.stage is Stage.OPEN
    assert not breaker.may_ask(clock.now_us())
    rest = breaker.rest(clock.now_us())
    clock.stepped = -HOUR
    assert breaker.may_ask(clock.now_us())
    breaker.was_ill(clock.now_us(), Unreachable("refused"))  # and rests from now on, no hour more
    assert 0 < breaker.rest(clock.now_us()) < 4 * rest
    clock.stepped = 0.0
    assert breaker.may_ask(clock.now_us())


@pytest.mark.parametrize("step", STEPS)
async def test_how_long_nothing_could_be_saved_is_no_matter_of_the_wall_clock(step: float) -> None:
    clock, tries = SteppedClock(), itertools.count()
    enough = asyncio.Event()

    class Down:
        async def commit(self, _batch: Any) -> Committed:
            if next(tries) < 3:
                raise StorageUnavailable("locked", where="x", mend="wait")
            clock.stepped = step
            seen.append(loop.failing_for)
            enough.set()
            return Committed(0, 0, 0, 0)

        async def close(self) -> None:
            """Nothing to give back."""

    seen: list[float] = []
    loop = CommitLoop(Down(), Policy(linger=0), clock)
    running = asyncio.create_task(loop.run())
    loop.offer(Batch([Piece("pbx1", 0, 1, 1, 0, b"")]))
    await asyncio.wait_for(enough.wait(), 5)
    loop.stop()
    await running
    assert 0 < seen[0] < 10
    assert loop.failing_for == 0.0
