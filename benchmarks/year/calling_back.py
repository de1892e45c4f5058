"""A lost caller called back: the officer's telephone first, then the caller's."""

from __future__ import annotations

from typing import Final

from benchmarks.year.entry import Line
from benchmarks.year.office import NODE
from benchmarks.year.spans import SECOND, Span
from benchmarks.year.talk import Talk
from ivr.calls.call import (
    OUTBOUND,
    AgentPart,
    Call,
    EndedBy,
    Hold,
    Mark,
    Micros,
    Outcome,
    Role,
)

_OWN_TELEPHONE: Final = Span(3, 0.4)
_PICKED_UP: Final = Span(9, 0.5)
_GIVEN_UP: Final = Span(28, 0.25)
_TALK: Final = Span(80, 0.7)
_HOLD: Final = Span(20, 0.6)


def call_back(line: Line, talk: Talk, lost: Call, officer: str, at: Micros) -> tuple[Call, Micros]:
    """The closed call that begins at `at`, and when the officer is free again."""
    random = line.random
    number = lost.caller_presented or ""
    step = 900 + int(random() * 3_000)
    own = line.leg(officer, Role.AGENT, officer, at)
    call = Call(
        f"{NODE}-{own.uniqueid}", NODE, [own.uniqueid], number, at, OUTBOUND,
        caller_presented=number, legs=[own],
    )  # fmt: skip
    picked_up = own.answered_at = at + _OWN_TELEPHONE.draw(random)
    call.marks.append(Mark("callback", picked_up + step, lost.call_id, officer))
    theirs = line.leg("trunk", Role.CALLER, None, picked_up + 2 * step)
    call.legs.append(theirs)
    roll = random()
    if roll < 0.10:
        ended, by, outcome = theirs.started_at + SECOND + step, EndedBy.CALLER, Outcome.FAILED
        own.cause = theirs.cause = 17
    elif roll < 0.32:
        ended = theirs.started_at + _GIVEN_UP.draw(random)
        by, outcome = EndedBy.AGENT, Outcome.FAILED
        own.cause, theirs.cause = 0, 16
    else:
        answered = theirs.started_at + _PICKED_UP.draw(random)
        call.answered_at = theirs.answered_at = answered
        connected = answered + step
        released = connected + _TALK.draw(random)
        if roll < 0.36:
            begun = connected + (released - connected) // 3
            back = begun + _HOLD.draw(random)
            call.holds.append(Hold(officer, begun, back))
            released += back - begun
        call.agents.append(AgentPart(officer, connected, released))
        ended, outcome = released + step, Outcome.SERVED
        by = EndedBy.AGENT if roll < 0.7 else EndedBy.CALLER
        own.cause = theirs.cause = 16
    own.ended_at = theirs.ended_at = ended
    call.ended_at, call.ended_by, call.outcome, call.closed = ended, by, outcome, True
    if outcome is Outcome.FAILED:
        return call, ended + 3 * SECOND
    return call, talk.free_at(call, officer, call.agents[-1].released_at or ended)
