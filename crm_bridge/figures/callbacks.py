"""Lost callers: who was called back, and after how long; pure, from the calls of one number.

A lost call is settled by the first call with its number in which an officer spoke, within a week:
made by an officer it is a call back, made by the caller he called again. Where nobody did, it is
given up if somebody said so of it or of a later lost call of that number within that week.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from crm_bridge.figures.forms import CALLBACKS
from crm_bridge.figures.levels import DAY, day_of
from crm_bridge.figures.tallies import Tallies

WORTH: Final = 7 * DAY
"""How long after a lost call another one concerns it."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A call that was lost; `given_up`: nobody shall call back any more."""

    entered: int
    ended: int
    given_up: bool


@dataclass(frozen=True, slots=True)
class Spoken:
    """A call in which an officer spoke, and from when; `out`: the officer made it."""

    entered: int
    connected: int
    out: bool


def count_number(lost: Sequence[Lost], spoken: Sequence[Spoken]) -> Tallies:
    """What the lost calls of one number add to the figures; each in order of entering."""
    found = Tallies()
    for call in lost:
        latest = call.ended + WORTH
        answer = next((s for s in spoken if call.entered < s.entered <= latest), None)
        if answer is not None:
            state = "called_back" if answer.out else "called_again"
        elif any(c.given_up for c in lost if call.entered <= c.entered <= latest):
            state = "given_up"
        else:
            state = "waiting"
        tally = found.at(CALLBACKS, (day_of(call.entered), state))
        tally.counts[0] += 1
        if answer is not None and answer.out:
            after = max(0, answer.connected - call.ended)
            tally.counts[1] += after
            tally.note(0, after, 1)
    return found
