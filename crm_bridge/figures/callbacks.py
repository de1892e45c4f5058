"""Lost callers: who was called back, and after how long; pure, from the calls of one number.

A lost call is settled by the first call with its number in which an officer spoke, within a week:
made by an officer it is a call back, made by the caller he called again. Where nobody did, it is
given up if somebody said so of it or of a later lost call of that number within that week.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
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
    # found by halving: a switchboard's number has thousands of both, and the writer waits
    begun = [one.entered for one in spoken]
    given_up = [call.entered for call in lost if call.given_up]
    for call in lost:
        latest = call.ended + WORTH
        next_one = bisect_right(begun, call.entered)
        some = next_one < len(begun) and begun[next_one] <= latest
        answer = spoken[next_one] if some else None
        said = bisect_left(given_up, call.entered)
        if answer is not None:
            state = "called_back" if answer.out else "called_again"
        elif said < len(given_up) and given_up[said] <= latest:
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
