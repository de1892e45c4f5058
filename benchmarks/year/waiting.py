"""A caller in a queue until an officer has him, or until he is gone.

As `dialplan/queues.conf` has it, with this site's times: a telephone rings 20 seconds, the next
officer is tried a second later, and a queue gives up after seven minutes.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Final

from benchmarks.year.entry import Line, close
from benchmarks.year.floor import Floor, Officer
from benchmarks.year.spans import SECOND, Span
from benchmarks.year.talk import After
from ivr.calls.call import (
    Attempt,
    AttemptOutcome,
    Call,
    EndedBy,
    Leg,
    Mark,
    Micros,
    Outcome,
    PassageOutcome,
    QueuePassage,
    Role,
    TransferOutcome,
)
from ivr.lab.site import QUEUES

QUEUE_TIMEOUT: Final = 420 * SECOND
SHORT_WAIT: Final = 5 * SECOND
"""`[line] short_wait_seconds` as it is by default."""

_OFFICER_RINGS: Final = 20 * SECOND
_RETRY: Final = SECOND
_PATIENCE: Final = Span(165, 0.85)
_RING: Final = Span(4.2, 0.5)
_GREETING: Final = 3_900_000
_APOLOGY: Final = 5_600_000


@dataclass(frozen=True, slots=True)
class Joined:
    """An officer has the caller."""

    officer: Officer
    leg: Leg
    at: Micros


class Waiting:
    """The queues of a day: all officers serve each of them, who came first is served first."""

    def __init__(self, line: Line, floor: Floor) -> None:
        self._line = line
        self._random = line.random
        self._floor = floor
        self._leaving: dict[str, list[Micros]] = {queue: [] for queue in QUEUES}

    def wait(
        self, call: Call, queue: str, at: Micros, handed_on: After | None = None
    ) -> Joined | None:
        """The caller joins at `at`; None where no officer had him and the call is closed.

        `handed_on` by an officer, he is asked for no patience, and finds another officer.
        """
        random = self._random
        passage = QueuePassage(queue, at, position=self._position(queue, at))
        call.passages.append(passage)
        limit = at + QUEUE_TIMEOUT
        if random() < 0.016:
            limit = at + SECOND + int(random() * 3_900_000)
        else:
            limit = min(limit, at + _PATIENCE.draw(random))
        asked = at
        step = 900 + int(random() * 3_000)
        while True:
            found = self._officer(asked, limit, onward=handed_on is not None)
            if found is None:
                self._lost(call, passage, limit, at, step, handed_on)
                return None
            officer, rung = found
            leg = self._line.leg(officer.id, Role.AGENT, officer.id, rung + step)
            call.legs.append(leg)
            rung += 2 * step
            attempt = Attempt(officer.id, rung)
            passage.attempts.append(attempt)
            roll = random()
            if roll < 0.965:
                ends, outcome = rung + _RING.draw(random), AttemptOutcome.ANSWERED
            elif roll < 0.991:
                ends, outcome = rung + _OFFICER_RINGS, AttemptOutcome.NO_ANSWER
            else:
                ends, outcome = rung + 1_500_000 + step, AttemptOutcome.REJECTED
            if ends >= limit:
                attempt.ended_at, attempt.outcome = limit, AttemptOutcome.CANCELLED
                leg.ended_at, leg.cause = limit, 0
                self._floor.give(officer, limit + SECOND)
                self._lost(call, passage, limit, at, step, handed_on)
                return None
            attempt.ended_at, attempt.outcome = ends, outcome
            if outcome is AttemptOutcome.ANSWERED:
                leg.answered_at = ends
                return self._greeted(call, passage, officer, leg, step, handed_on)
            leg.ended_at, leg.cause = ends + step, 0 if outcome is AttemptOutcome.NO_ANSWER else 21
            self._floor.give(officer, ends + 3 * _RETRY)
            asked = ends + _RETRY

    def _officer(
        self, at: Micros, limit: Micros, *, onward: bool
    ) -> tuple[Officer, Micros] | None:  # fmt: skip
        """Who is rung and when; None where that is after `limit`, or never today."""
        if onward:
            found = self._floor.take_at(at)
            if found is not None and found[1] >= limit:
                self._floor.give(*found)
                return None
            return found
        start = self._floor.earliest(at)
        if start is None or start >= limit:
            return None
        return self._floor.take(), start

    def _greeted(
        self, call: Call, passage: QueuePassage, officer: Officer, leg: Leg, step: Micros,
        handed_on: After | None,
    ) -> Joined:  # fmt: skip
        answered = leg.answered_at or 0
        greeted = answered + step + _GREETING
        call.marks.append(Mark("greeting_start", answered + step))
        call.marks.append(Mark("greeting_end", greeted))
        passage.left_at, passage.outcome = greeted + step, PassageOutcome.ANSWERED
        heapq.heappush(self._leaving[passage.queue], passage.left_at)
        transfer = handed_on.transfer if handed_on is not None else None
        if transfer is not None and transfer.outcome is None:
            transfer.answered_at = transfer.ended_at = answered
            transfer.outcome = TransferOutcome.ANSWERED
        return Joined(officer, leg, greeted + 2 * step)

    def _lost(
        self, call: Call, passage: QueuePassage, at: Micros, joined: Micros, step: Micros,
        handed_on: After | None,
    ) -> None:  # fmt: skip
        """The caller's patience or the queue's time was over."""
        passage.left_at = at
        heapq.heappush(self._leaving[passage.queue], at)
        timed_out = at - joined >= QUEUE_TIMEOUT
        transfer = handed_on.transfer if handed_on is not None else None
        if timed_out:
            passage.outcome = PassageOutcome.TIMEOUT
            call.marks.append(Mark("queue_timeout", at + step, passage.queue))
            ended, by, outcome = at + _APOLOGY, EndedBy.SYSTEM, Outcome.QUEUE_TIMEOUT
            gone = TransferOutcome.FAILED
        else:
            passage.outcome = PassageOutcome.ABANDONED
            short = at - joined < SHORT_WAIT
            ended, by = at + step, EndedBy.CALLER
            outcome = Outcome.SHORT if short else Outcome.ABANDONED_QUEUE
            gone = TransferOutcome.ABANDONED
        if transfer is not None and transfer.outcome is None:
            transfer.outcome, transfer.ended_at = gone, ended
        close(call, ended, by, Outcome.SERVED if call.agents else outcome)

    def _position(self, queue: str, at: Micros) -> int:
        leaving = self._leaving[queue]
        while leaving and leaving[0] <= at:
            heapq.heappop(leaving)
        return len(leaving) + 1
