"""Lost callers: who was called back, and after how long; pure, from the calls of one number.

A lost call is settled by the first call with its number in which an officer spoke, within a week:
made by an officer it is a call back, made by the caller he called again. Where nobody did, it is
given up if somebody said so of it or of a later lost call of that number within that week.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
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
    for call, state, after in _became(lost, spoken):
        _count(found, call, state, after)
    return found


def count_each(lost: Sequence[Lost], spoken: Sequence[Spoken]) -> Iterator[Tallies]:
    """What each of the lost calls of one number adds, in their order."""
    for call, state, after in _became(lost, spoken):
        found = Tallies()
        _count(found, call, state, after)
        yield found


def _count(into: Tallies, call: Lost, state: str, after: int | None) -> None:
    tally = into.at(CALLBACKS, (day_of(call.entered), state))
    tally.counts[0] += 1
    if after is not None:
        tally.counts[1] += after
        tally.note(0, after, 1)


def _became(
    lost: Sequence[Lost], spoken: Sequence[Spoken]
) -> Iterator[tuple[Lost, str, int | None]]:
    """Each with what became of it, and after how long it was called back."""
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
            after = max(0, answer.connected - call.ended) if answer.out else None
            yield call, "called_back" if answer.out else "called_again", after
        elif said < len(given_up) and given_up[said] <= latest:
            yield call, "given_up", None
        else:
            yield call, "waiting", None
