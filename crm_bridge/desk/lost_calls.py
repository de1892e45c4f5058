"""Callers who were lost before an officer spoke with them, until somebody has.

Lost is an inbound call that was abandoned in a queue, ended there by the queue's time, hung up
between queues, or came to nothing out of office hours; not one of the menu alone, and not a `short`
one. One line is one number: who tried three times is called back once. A later call with that
number that was served, in or out, settles them all. A call without a number cannot be called back
and is not here.

A caller who asked the line to be called back is here with the number he confirmed, in place of the
one he called from, however his call came out and even where its record never came; also one who
keeps his place in a queue, whom the line calls by itself (`desk/kept_places.py`). One who
left a message is not here: the message is the task (`crm_bridge.recordings.voicemail`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.plain_text import plain_line
from crm_bridge.records import audit
from crm_bridge.records.callback_figures import NUMBERS
from crm_bridge.records.callers import normalise
from crm_bridge.records.desk_tables.recordings import voicemails
from crm_bridge.records.desk_tables.wrapups import call_back_wishes, lost_call_ends
from crm_bridge.records.figure_sources import changed
from crm_bridge.records.tables import agent_parts, calls, marks, queue_passages
from ivr.calls.call import INBOUND, OUTBOUND, Micros, Outcome

DAYS: Final = 7
"""How long a lost call is worth calling back."""

TASKS: Final = "tasks"
"""Topic and kind of what tells every desk that what waits has changed."""

_DAY: Final = 86_400_000_000
_IN_QUEUE: Final = (Outcome.ABANDONED_QUEUE.value, Outcome.QUEUE_TIMEOUT.value)
_AFTER_QUEUE: Final = Outcome.ABANDONED_MENU.value


class State(StrEnum):
    """How far the calling back is."""

    OPEN = "open"
    CALLING = "calling"
    """Somebody calls the number just now, or the caller is on the line again."""
    REACHED = "reached"
    GIVEN_UP = "given_up"


STATES: Final[dict[State, tuple[str, str]]] = {
    State.OPEN: ("รอติดต่อกลับ", "To be called back"),
    State.CALLING: ("กำลังติดต่อ", "In contact now"),
    State.REACHED: ("ติดต่อได้แล้ว", "Reached"),
    State.GIVEN_UP: ("ยุติการติดต่อกลับ", "Given up"),
}


@dataclass(frozen=True, slots=True)
class LostCall:
    """A number whose calls were lost; `call_id` and the times are of the newest of them."""

    call_id: str
    e164: str
    presented: str | None
    name: str | None
    service: str | None
    outcome: str
    entered_us: Micros
    ended_us: Micros | None
    times: int
    """How many calls of this number were lost and not yet answered."""
    state: State
    tried: int
    """How often it was called since, in vain."""
    settled_by: str | None = None
    """The call that settled it."""
    settled_us: Micros | None = None
    officer: str | None = None
    """Who reached the caller, or is calling."""
    reason: str = ""
    """Why it was given up."""
    asked_us: Micros | None = None
    """When the caller asked to be called back; None where he did not."""
    out_of_hours: bool = False
    """The office was closed when he called."""
    keeps_place: bool = False
    """He keeps his place in a queue: the line calls him when it is his turn."""
    not_called: str | None = None
    """Why the line calls him no more where it did not reach him (`kept_places.Ended`)."""

    @property
    def other_number(self) -> bool:
        """He called from a telephone that is not the one to be called, and did not hide it."""
        shown = normalise(self.presented)
        return not shown.withheld and shown.e164 != self.e164


async def lost_calls(
    connection: AsyncConnection,
    clock: Clock,
    *,
    settled: bool = False,
    days: int = DAYS,
    limit: int = 500,
) -> list[LostCall]:
    """Numbers to call back, who waits longest first; with those that are settled if asked.

    At most `limit` lost calls and as many wishes are looked at, the newest.
    """
    since = clock.now_us() - days * _DAY
    lost: list[Row[Any]] = []
    for query, at in (
        (_lost().where(calls.c.entered_us >= since), calls.c.entered_us),
        (_wished().where(call_back_wishes.c.asked_us >= since), call_back_wishes.c.asked_us),
    ):
        lost += (await connection.execute(query.order_by(at.desc()).limit(limit))).all()
    if not lost:
        return []
    audit.shows(*(f"call:{row.call_id}" for row in lost))
    lost.sort(key=lambda row: (row.entered_us, row.call_id), reverse=True)
    numbers = {row.number for row in lost}
    later = await _contacts(connection, numbers, since)
    ends = await _ends(connection, [row.call_id for row in lost])
    found = []
    by_number: dict[str, list[Row[Any]]] = {}
    for row in lost:
        by_number.setdefault(row.number, []).append(row)
    for number, rows in by_number.items():
        line = _line(rows, [row for row in later if row.caller_e164 == number], ends)
        if settled or line.state in {State.OPEN, State.CALLING}:
            found.append(line)
    return sorted(found, key=lambda line: (line.entered_us, line.call_id))


async def give_up(
    connection: AsyncConnection, clock: Clock, by: Account, call_id: str, reason: str
) -> None:
    """Nobody calls this lost call back any more, for this reason; again: the newer reason stands.

    Raises Refused (404) where it is no lost call, (422) without a reason.
    """
    wished = call_back_wishes.c.call_id == call_id
    number = await connection.scalar(select(call_back_wishes.c.number).where(wished))
    if number is None:
        query = select(calls.c.caller_e164).where(_is_lost(), calls.c.call_id == call_id)
        number = await connection.scalar(query)
    if number is None:
        raise Refused("no-lost-call", "ไม่พบสายที่ไม่ได้รับนี้", "there is no such lost call", 404)
    reason = plain_line(reason)[:300]
    if not reason:
        why = ("กรุณาระบุเหตุผล", "say why")
        raise Refused("reason-missing", *why, 422, {"reason": why})
    await connection.execute(lost_call_ends.delete().where(lost_call_ends.c.call_id == call_id))
    await connection.execute(
        lost_call_ends.insert().values(
            call_id=call_id, account_id=by.id, reason=reason, at_us=clock.now_us()
        )
    )
    changed(connection, NUMBERS, number)


_QUEUED: Final = (
    select(queue_passages.c.call_id).where(queue_passages.c.call_id == calls.c.call_id).exists()
)
_CLOSED: Final = (
    select(marks.c.call_id)
    .where(marks.c.call_id == calls.c.call_id, marks.c.name == "closed")
    .exists()
)


_SPOKEN: Final = (
    select(voicemails.c.call_id).where(voicemails.c.call_id == calls.c.call_id).exists()
)


def _is_lost() -> ColumnElement[bool]:
    ended_there = and_(calls.c.outcome == _AFTER_QUEUE, or_(_QUEUED, _CLOSED))
    return and_(
        calls.c.direction == INBOUND,
        calls.c.caller_e164.is_not(None),
        or_(calls.c.outcome.in_(_IN_QUEUE), ended_there),
    )


def _lost() -> Select[Any]:
    """Lost calls whose caller asked for nothing."""
    wished = select(call_back_wishes.c.call_id).where(call_back_wishes.c.call_id == calls.c.call_id)
    return select(
        calls.c.call_id, calls.c.caller_e164.label("number"), calls.c.caller_presented,
        calls.c.caller_name, calls.c.service, calls.c.outcome, calls.c.entered_us,
        calls.c.ended_us, literal(None).label("asked_us"), _CLOSED.label("closed"),
        literal(None).label("queue"), literal(None).label("reason"),
    ).where(_is_lost(), ~wished.exists(), ~_SPOKEN)  # fmt: skip


def _wished() -> Select[Any]:
    """Wishes to be called back, with their calls where these are on disk."""
    wishes = call_back_wishes
    return select(
        wishes.c.call_id, wishes.c.number, calls.c.caller_presented, calls.c.caller_name,
        calls.c.service, func.coalesce(calls.c.outcome, _AFTER_QUEUE).label("outcome"),
        func.coalesce(calls.c.entered_us, wishes.c.asked_us).label("entered_us"),
        calls.c.ended_us, wishes.c.asked_us, wishes.c.queue.is_(None).label("closed"),
        wishes.c.queue, wishes.c.reason,
    ).select_from(wishes.outerjoin(calls, calls.c.call_id == wishes.c.call_id))  # fmt: skip


async def _contacts(
    connection: AsyncConnection, numbers: Iterable[str], since: Micros
) -> list[Any]:
    """Calls with these numbers that may settle a lost one, or try to, in order."""
    query = (
        select(
            calls.c.call_id, calls.c.caller_e164, calls.c.direction, calls.c.entered_us,
            calls.c.outcome, calls.c.answered_us, calls.c.ended_us, agent_parts.c.agent,
            agent_parts.c.connected_us,
        )
        .select_from(
            calls.outerjoin(
                agent_parts,
                and_(agent_parts.c.call_id == calls.c.call_id, agent_parts.c.ordinal == 0),
            )
        )
        .where(
            calls.c.caller_e164.in_(sorted(numbers)),
            calls.c.entered_us >= since,
            or_(
                calls.c.direction == OUTBOUND,
                calls.c.outcome == Outcome.SERVED.value,
                calls.c.outcome.is_(None),
            ),
        )
        .order_by(calls.c.entered_us, calls.c.call_id)
    )  # fmt: skip
    return list((await connection.execute(query)).all())


async def _ends(connection: AsyncConnection, ids: list[str]) -> dict[str, Row[Any]]:
    query = select(lost_call_ends).where(lost_call_ends.c.call_id.in_(ids))
    return {row.call_id: row for row in (await connection.execute(query)).all()}


def _line(rows: list[Row[Any]], later: list[Row[Any]], ends: dict[str, Row[Any]]) -> LostCall:
    """One number: its lost calls, the newest first, and what came with it since."""
    newest = rows[0]
    after = [row for row in later if row.entered_us > newest.entered_us]
    served = next((row for row in after if _spoke(row)), None)
    now = next((row for row in after if row.outcome is None), None)
    end = ends.get(newest.call_id)
    last_served = max(
        (row.entered_us for row in later if _spoke(row) and row.entered_us < newest.entered_us),
        default=0,
    )
    unanswered = [row for row in rows if row.entered_us > last_served]
    asked = [row.asked_us for row in unanswered if row.asked_us is not None]
    kept = [row for row in unanswered if row.queue is not None]
    state, settled_by, settled_us, officer, reason = State.OPEN, None, None, None, ""
    if served is not None:
        state, settled_by, officer = State.REACHED, served.call_id, served.agent
        settled_us = served.connected_us or served.answered_us
    elif now is not None:
        state, officer = State.CALLING, now.agent
    elif end is not None:
        state, settled_us, reason = State.GIVEN_UP, end.at_us, end.reason
    return LostCall(
        newest.call_id, newest.number, newest.caller_presented, newest.caller_name,
        newest.service, newest.outcome, newest.entered_us, newest.ended_us,
        len(unanswered), state,
        sum(row.direction == OUTBOUND and row.outcome == Outcome.FAILED.value for row in after),
        settled_by, settled_us, officer, reason, max(asked, default=None),
        any(bool(row.closed) for row in unanswered),
        any(row.reason is None for row in kept), kept[0].reason if kept else None,
    )  # fmt: skip


def _spoke(row: Row[Any]) -> bool:
    """An officer spoke with the caller: a guide read to its end serves, but is nobody."""
    return row.outcome == Outcome.SERVED.value and row.agent is not None
