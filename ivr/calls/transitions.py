"""Where a caller is, and what may happen there: one table, state × trigger → state.

Rules
- A call begins ENTERED and ends ENDED; from every state it can be hung up or lost.
- QUEUED is waiting with nobody ringing, RINGING is waiting while an officer's phone rings.
- BETWEEN is back in the dialplan after a queue, an officer or an agency.
- A pair that the table lacks is odd: it is counted and kept in view (`Tracker.oddities`), the state
  stays, and the caller's record goes on. It is never raised and never swallowed.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Phase(StrEnum):
    """Where the caller is now."""

    ENTERED = "entered"
    MENU = "menu"
    QUEUED = "queued"
    RINGING = "ringing"
    TALKING = "talking"
    ON_HOLD = "on_hold"
    CONSULTING = "consulting"
    TRANSFERRING = "transferring"
    WITH_AGENCY = "with_agency"
    PARKED = "parked"
    BETWEEN = "between"
    ENDED = "ended"


class Trigger(StrEnum):
    """What happened to the caller."""

    MENU = "menu"
    JOINED = "joined"
    RANG = "rang"
    RANG_OUT = "rang_out"
    LEFT_QUEUE = "left_queue"
    AGENT_JOINED = "agent_joined"
    AGENCY_JOINED = "agency_joined"
    ALONE = "alone"
    HELD = "held"
    UNHELD = "unheld"
    CONSULT_BEGAN = "consult_began"
    CONSULT_ENDED = "consult_ended"
    TRANSFER_ASKED = "transfer_asked"
    PARKED = "parked"
    UNPARKED = "unparked"
    HUNG_UP = "hung_up"
    LOST = "lost"


_P, _T = Phase, Trigger

IN_DIALPLAN: Final = (_P.ENTERED, _P.MENU, _P.BETWEEN)
"""The dialplan alone has the caller."""
_WAITING = (_P.QUEUED, _P.RINGING)
_WITH_AGENT = (_P.TALKING, _P.ON_HOLD, _P.CONSULTING)
_TALKING = (*_WITH_AGENT, _P.WITH_AGENCY)
_ANYWHERE = tuple(p for p in Phase if p is not _P.ENDED)


def _rows() -> Iterable[tuple[Iterable[Phase], Trigger, Phase | None]]:
    """The table's rows; a `None` target means: stays where it is."""
    yield (_P.ENTERED, _P.MENU, _P.BETWEEN), _T.MENU, _P.MENU
    # A queue is reached from the dialplan, by a transfer, or while an officer still holds the line.
    yield (*IN_DIALPLAN, *_WAITING, _P.TRANSFERRING, _P.PARKED), _T.JOINED, _P.QUEUED
    yield _WAITING, _T.RANG, _P.RINGING
    yield _WAITING, _T.RANG_OUT, _P.QUEUED
    yield _WAITING, _T.LEFT_QUEUE, _P.BETWEEN
    yield _TALKING, _T.LEFT_QUEUE, None
    # A transfer into a queue may be told after the joining it led to.
    yield _WAITING, _T.TRANSFER_ASKED, None
    yield _ANYWHERE, _T.AGENT_JOINED, _P.TALKING
    yield _ANYWHERE, _T.AGENCY_JOINED, _P.WITH_AGENCY
    yield (_P.TRANSFERRING, _P.PARKED, _P.CONSULTING, *_WAITING, *IN_DIALPLAN), _T.ALONE, None
    yield (_P.TALKING, _P.ON_HOLD, _P.WITH_AGENCY), _T.ALONE, _P.BETWEEN
    yield (_P.TALKING, _P.ON_HOLD, _P.WITH_AGENCY), _T.HELD, _P.ON_HOLD
    yield (_P.CONSULTING,), _T.HELD, None
    yield (_P.ON_HOLD, _P.TALKING), _T.UNHELD, _P.TALKING
    yield (_P.CONSULTING, _P.WITH_AGENCY, _P.BETWEEN), _T.UNHELD, None
    yield (*_WITH_AGENT, _P.BETWEEN, _P.WITH_AGENCY), _T.CONSULT_BEGAN, _P.CONSULTING
    yield (_P.CONSULTING,), _T.CONSULT_ENDED, _P.TALKING
    yield (
        (_P.TALKING, _P.ON_HOLD, _P.WITH_AGENCY, _P.TRANSFERRING, _P.BETWEEN),
        _T.CONSULT_ENDED,
        None,
    )
    yield (*_TALKING, _P.BETWEEN, _P.TRANSFERRING), _T.TRANSFER_ASKED, _P.TRANSFERRING
    yield (*_TALKING, _P.BETWEEN, _P.TRANSFERRING), _T.PARKED, _P.PARKED
    yield (_P.PARKED,), _T.UNPARKED, _P.BETWEEN
    yield (_P.TALKING,), _T.UNPARKED, None
    yield _ANYWHERE, _T.HUNG_UP, _P.ENDED
    yield _ANYWHERE, _T.LOST, _P.ENDED
    # The other side leaves in the same breath.
    yield (_P.ENDED,), _T.ALONE, None
    # An officer's enquiry outlives the caller who hung up meanwhile.
    yield (_P.ENDED,), _T.CONSULT_ENDED, None


TRANSITIONS: Final[dict[tuple[Phase, Trigger], Phase]] = {
    (phase, trigger): target if target is not None else phase
    for phases, trigger, target in _rows()
    for phase in phases
}
