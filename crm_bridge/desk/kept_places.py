"""Places that callers keep in queues, on disk: who is to be called back when it is his turn.

A kept place is a wish to be called back with a queue (`call_back_wishes`). It ends once, with a
named reason; each time the line sets out to call is a try, on disk before anything rings, so that
one who was reached is never called again, whatever crashes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.records.callback_figures import OUTCOME_OF_NUMBERS
from crm_bridge.records.desk_tables.wrapups import (
    call_back_tries,
    call_back_wishes,
    lost_call_ends,
)
from crm_bridge.records.tables import agent_parts, calls
from ivr.calls.call import Micros, Outcome

TOPIC: Final = "kept places"
"""Topic and kind of what tells that one is kept, is tried or has ended, once that is on disk."""


class Ended(StrEnum):
    """Why the line calls a kept place back no more."""

    REACHED = "reached"
    SPOKEN = "spoken"
    """An officer has spoken with that number otherwise since."""
    GIVEN_UP = "given_up"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"
    """These three: as often as it is tried, and how the last try came out."""
    EXPIRED = "expired"
    OFFICE_CLOSED = "office_closed"


class Came(StrEnum):
    """How one try came out."""

    REACHED = "reached"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"
    NO_OFFICER = "no_officer"
    """No officer took it for as long as it waited in the queue; the number was not called."""
    OFFICER_LEFT = "officer_left"
    """The officer hung up before the number answered."""
    NOT_PLACED = "not_placed"
    """Asterisk did not take the order."""
    UNKNOWN = "unknown"
    """The line broke meanwhile; Asterisk's own note says that the number did not answer."""


COUNTED: Final = (Came.BUSY, Came.NO_ANSWER, Came.UNREACHABLE)
"""Tries that rang the number in vain; the others are no fault of the caller's."""

ENDED_WORDS: Final[dict[str, tuple[str, str]]] = {
    Ended.REACHED: ("โทรกลับแล้ว", "called back"),
    Ended.SPOKEN: ("ได้คุยกับเจ้าหน้าที่แล้ว", "has spoken with an officer"),
    Ended.GIVEN_UP: ("ยุติโดยเจ้าหน้าที่", "given up by an officer"),
    Ended.BUSY: ("สายไม่ว่าง", "busy"),
    Ended.NO_ANSWER: ("ไม่รับสาย", "no answer"),
    Ended.UNREACHABLE: ("ติดต่อไม่ได้", "cannot be reached"),
    Ended.EXPIRED: ("เกินเวลาที่กำหนด", "time is up"),
    Ended.OFFICE_CLOSED: ("หมดเวลาทำการ", "the office closed"),
}
"""Why it ended, Thai and English."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A place that is still kept."""

    call_id: str
    number: str
    """E.164."""
    queue: str
    place_us: Micros
    asked_us: Micros
    until_us: Micros
    next_us: Micros
    tried: int
    """How often the number was rung in vain."""
    last: str | None
    """How the last of these came out."""
    trying: int | None
    """The try under way."""
    trying_us: Micros
    """When it, or the last one, began; 0 where there was none."""
    spoken: bool
    """An officer has spoken with that number since he asked."""
    given_up: bool


async def keep(
    connection: AsyncConnection, clock: Clock, call_id: str, number: str, *, queue: str,
    place_us: Micros, until_us: Micros,
) -> bool:  # fmt: skip
    """Keeps the call's place, in place of an earlier wish of it, within a writing transaction.

    False where another call keeps one for that number: at most one is open for a number.
    """
    now = clock.now_us()
    others = [
        kept
        for kept in await kept_places(connection, number=number)
        if kept.call_id != call_id and not kept.spoken and not kept.given_up
        and kept.until_us > now
    ]  # fmt: skip
    if others:
        return False
    await connection.execute(delete(call_back_wishes).where(call_back_wishes.c.call_id == call_id))
    await connection.execute(
        insert(call_back_wishes).values(
            call_id=call_id, number=number, asked_us=now, queue=queue, place_us=place_us,
            until_us=until_us, next_us=0,
        )
    )  # fmt: skip
    return True


async def kept_places(connection: AsyncConnection, number: str | None = None) -> list[Kept]:
    """Every place that is still kept, the first in line first; of one number if given."""
    wishes, tries = call_back_wishes, call_back_tries
    query = (
        select(
            wishes.c.call_id, wishes.c.number, wishes.c.queue, wishes.c.place_us,
            wishes.c.asked_us, wishes.c.until_us, wishes.c.next_us, _spoken().label("spoken"),
            _given_up().label("given_up"),
        )
        .where(wishes.c.queue.is_not(None), wishes.c.ended_us.is_(None))
        .order_by(wishes.c.place_us, wishes.c.call_id)
    )  # fmt: skip
    if number is not None:
        query = query.where(wishes.c.number == number)
    rows = (await connection.execute(query)).all()
    tried: dict[str, list[Any]] = {}
    found = await connection.execute(
        select(tries)
        .where(tries.c.call_id.in_([row.call_id for row in rows]))
        .order_by(tries.c.call_id, tries.c.ordinal)
    )
    for row in found:
        tried.setdefault(row.call_id, []).append(row)
    return [_kept(row, tried.get(row.call_id, [])) for row in rows]


def _kept(row: Any, tries: list[Any]) -> Kept:
    vain = [one.outcome for one in tries if one.outcome in COUNTED]
    last = tries[-1] if tries else None
    return Kept(
        row.call_id, row.number, row.queue, row.place_us, row.asked_us, row.until_us, row.next_us,
        len(vain), vain[-1] if vain else None,
        last.ordinal if last is not None and last.outcome is None else None,
        last.started_us if last is not None else 0, bool(row.spoken), bool(row.given_up),
    )  # fmt: skip


def _spoken() -> ColumnElement[bool]:
    """An officer spoke with the number, in a call that began since."""
    return exists().where(
        calls.c.caller_e164 == call_back_wishes.c.number,
        calls.c.entered_us > call_back_wishes.c.asked_us,
        OUTCOME_OF_NUMBERS.in_((Outcome.SERVED.value,)),
        agent_parts.c.call_id == calls.c.call_id,
    )


def _given_up() -> ColumnElement[bool]:
    """Somebody gave the number up since, on the list of lost calls."""
    number, other = call_back_wishes.c.number, call_back_wishes.alias()
    # correlated by name: else each is of every number that ever had a wish
    own = select(calls.c.call_id).where(calls.c.caller_e164 == number).correlate(call_back_wishes)
    wished = select(other.c.call_id).where(other.c.number == number).correlate(call_back_wishes)
    return exists().where(
        lost_call_ends.c.at_us >= call_back_wishes.c.asked_us,
        or_(lost_call_ends.c.call_id.in_(own), lost_call_ends.c.call_id.in_(wished)),
    )


async def begin(connection: AsyncConnection, clock: Clock, call_id: str) -> int | None:
    """Sets out to call; its ordinal. None where the place is no longer kept, or a try runs."""
    wishes, tries = call_back_wishes, call_back_tries
    open_ = await connection.scalar(
        select(wishes.c.call_id).where(
            wishes.c.call_id == call_id, wishes.c.queue.is_not(None), wishes.c.ended_us.is_(None)
        )
    )
    running = await connection.scalar(
        select(tries.c.ordinal).where(tries.c.call_id == call_id, tries.c.outcome.is_(None))
    )
    if open_ is None or running is not None:
        return None
    last = await connection.scalar(
        select(func.max(tries.c.ordinal)).where(tries.c.call_id == call_id)
    )
    ordinal = 0 if last is None else int(last) + 1
    await connection.execute(
        insert(tries).values(call_id=call_id, ordinal=ordinal, started_us=clock.now_us())
    )
    return ordinal


async def came(
    connection: AsyncConnection, clock: Clock, call_id: str, ordinal: int, outcome: Came,
    next_us: Micros,
) -> None:  # fmt: skip
    """How a try came out, and when the next may be; told twice, the first stands."""
    tries = call_back_tries
    await connection.execute(
        update(tries)
        .where(
            tries.c.call_id == call_id, tries.c.ordinal == ordinal, tries.c.outcome.is_(None)
        )
        .values(ended_us=clock.now_us(), outcome=outcome.value)
    )  # fmt: skip
    await connection.execute(
        update(call_back_wishes)
        .where(call_back_wishes.c.call_id == call_id)
        .values(next_us=next_us)
    )


async def end(connection: AsyncConnection, clock: Clock, call_id: str, reason: Ended) -> None:
    """The line calls it no more; the first reason stands."""
    wishes = call_back_wishes
    await connection.execute(
        update(wishes)
        .where(and_(wishes.c.call_id == call_id, wishes.c.ended_us.is_(None)))
        .values(ended_us=clock.now_us(), reason=reason.value)
    )
