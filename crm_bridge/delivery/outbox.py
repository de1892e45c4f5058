"""What waits to reach other CRMs, as people and pages see it: listed, mended, sent again, skipped.

An entry is due where no earlier one of its lane is waiting or dead, and no earlier one of its
contact is waiting: a dead ticket holds back its notes, and nothing else. How the delivery takes
entries and what becomes of them is in `turns.py`; everything here that changes something wants a
connection of `Database.writing`, and `Deliveries.wake` after the commit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.clock import Clock
from crm_bridge.config import Config
from crm_bridge.connectors.port import Value
from crm_bridge.delivery import links
from crm_bridge.errors import Refused
from crm_bridge.plain_text import plain_line
from crm_bridge.records.desk_tables.connectors import connectors, delivery_attempts, outbox
from ivr.calls.call import Micros

KEPT: Final = 30 * 24 * 3600 * 1_000_000
"""µs for which an entry that is through is kept."""

OVERRIDABLE: Final = ("contact.", "ticket.", "note.text")
"""What a person may set by hand: `contact.FIELD`, `ticket.FIELD` of the other CRM, `note.text`."""

_LONGEST: Final = 500


class State(StrEnum):
    """How far an entry is."""

    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"
    SKIPPED = "skipped"


class Behind(StrEnum):
    """Why a waiting entry is not looked at yet."""

    WAITING = "waiting"
    """An earlier one of its lane or contact is not through."""
    DEAD = "dead"
    """An earlier one of its lane is dead: a person must look at that first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change that one CRM shall hear of; times in microseconds since the epoch, UTC."""

    seq: int
    connector: str
    kind: str
    subject: str
    revision: int
    lane: str
    contact: str | None
    state: State
    behind: Behind | None
    made_us: Micros
    next_us: Micros
    """Not before; 0: at once."""
    attempts: int
    charged: int
    last_error: str | None
    done_us: Micros | None
    overrides: Mapping[str, Value]
    version: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of an entry; `outcome` is `done`, `skipped`, `resent`, or the name of the error."""

    attempt: int
    at_us: Micros
    took_us: int
    outcome: str
    error: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """How much stands in one CRM's outbox; `held`: of the waiting, those behind a dead one."""

    connector: str
    kind: str
    active: bool
    waiting: int
    held: int
    dead: int
    skipped: int
    oldest_us: Micros | None
    """When the oldest that waits was made."""


def entry_of(row: Row[Any]) -> Entry:
    """The entry that a row of the table holds."""
    given = {name: getattr(row, name) for name in Entry.__dataclass_fields__}
    behind = given["behind"]
    return Entry(
        **{
            **given,
            "state": State(given["state"]),
            "behind": None if behind is None else Behind(behind),
            "overrides": json.loads(given["overrides"] or "{}"),
        }
    )


async def sync_connectors(connection: AsyncConnection, clock: Clock, config: Config) -> None:
    """Makes the rows of `connectors` what hotline.toml names.

    One that is named no more becomes inactive: nothing new is put in its outbox, and what waits
    there stays. One that comes back goes on with it.
    """
    known = {row.name: row for row in await connection.execute(select(connectors))}
    for name, section in config.connector.items():
        row = known.get(name)
        place = f"{section.url} {section.database}".rstrip()
        if row is None:
            await connection.execute(
                insert(connectors).values(
                    name=name, kind=section.kind, place=place, active=True,
                    since_us=clock.now_us(),
                )
            )  # fmt: skip
            continue
        # another kind or address under an old name is another CRM: its cursor says nothing, and
        # the ids known of the old one may be anybody's; ours are found again by their keys
        same = (row.kind, row.place) == (section.kind, place)
        if not row.active or not same:
            await connection.execute(
                update(connectors)
                .where(connectors.c.name == name)
                .values(
                    kind=section.kind, place=place, active=True, since_us=clock.now_us(),
                    cursor=row.cursor if same else None, polled_us=None,
                )
            )  # fmt: skip
            if not same:
                await links.forget_all(connection, name)
    gone = [name for name, row in known.items() if row.active and name not in config.connector]
    if gone:
        await connection.execute(
            update(connectors).where(connectors.c.name.in_(gone)).values(active=False)
        )


async def counts(connection: AsyncConnection) -> list[Count]:
    """What stands in each CRM's outbox, by name; also of those that are inactive."""
    table = outbox.c
    open_states = (State.WAITING, State.DEAD, State.SKIPPED)
    held = and_(table.state == State.WAITING, table.behind == Behind.DEAD)
    query = (
        select(
            table.connector,
            func.sum(case((table.state == State.WAITING, 1), else_=0)),
            func.sum(case((held, 1), else_=0)),
            func.sum(case((table.state == State.DEAD, 1), else_=0)),
            func.sum(case((table.state == State.SKIPPED, 1), else_=0)),
            func.min(case((table.state == State.WAITING, table.made_us))),
        )
        # named, so that the index leads past what is done
        .where(table.connector.in_(select(connectors.c.name)), table.state.in_(open_states))
        .group_by(table.connector)
    )
    found = {row[0]: tuple(row[1:]) for row in await connection.execute(query)}
    rows = await connection.execute(select(connectors).order_by(connectors.c.name))
    return [
        Count(row.name, row.kind, row.active, *found.get(row.name, (0, 0, 0, 0, None)))
        for row in rows
    ]


async def listed(
    connection: AsyncConnection,
    connector: str | None = None,
    states: tuple[State, ...] = (State.DEAD,),
    *,
    lane: str | None = None,
    after: int | None = None,
    limit: int = 50,
) -> list[Entry]:
    """Entries in these states, the newest first; those behind `after` (the last `seq` seen)."""
    query = select(outbox).where(outbox.c.state.in_(states))
    if connector is not None:
        query = query.where(outbox.c.connector == connector)
    if lane is not None:
        query = query.where(outbox.c.lane == lane)
    if after is not None:
        query = query.where(outbox.c.seq < after)
    query = query.order_by(outbox.c.seq.desc()).limit(limit)
    return [entry_of(row) for row in await connection.execute(query)]


async def entry(connection: AsyncConnection, seq: int) -> tuple[Entry, list[Attempt]]:
    """One entry and every try of it that is on record; Refused (404) where there is none."""
    row = (await connection.execute(_by_seq(seq))).one_or_none()
    if row is None:
        raise Refused("no-such-entry", "ไม่พบรายการนี้", "There is no such entry.", 404)
    table = delivery_attempts.c
    query = (
        select(table.attempt, table.at_us, table.took_us, table.outcome, table.error)
        .where(table.seq == seq)
        .order_by(table.attempt)
    )
    return entry_of(row), [Attempt(*tried) for tried in await connection.execute(query)]


async def held_behind(connection: AsyncConnection, one: Entry) -> int:
    """How many entries of its lane wait for this one to be through."""
    table = outbox.c
    query = select(func.count()).where(
        table.connector == one.connector,
        table.lane == one.lane,
        table.state == State.WAITING,
        table.seq > one.seq,
    )
    return await connection.scalar(query) or 0


async def resend(connection: AsyncConnection, clock: Clock, seq: int, by: Account) -> Entry:
    """Sends it once more, and at once: one that is dead, skipped, waiting for its time, or done.

    What is there already is brought up to date, never made twice.
    """
    one, _ = await entry(connection, seq)
    if one.state is State.DONE:
        await links.forget_digests(connection, one.connector, one.kind, one.subject)
    await _again(connection, clock, one, by)
    return (await entry(connection, seq))[0]


async def resend_dead(
    connection: AsyncConnection, clock: Clock, connector: str, by: Account
) -> int:
    """Sends every dead entry of this CRM once more; returns how many."""
    query = select(outbox).where(
        outbox.c.connector == connector, outbox.c.state == State.DEAD
    ).order_by(outbox.c.seq)  # fmt: skip
    dead = [entry_of(row) for row in (await connection.execute(query)).all()]
    for one in dead:
        await _again(connection, clock, one, by)
    return len(dead)


async def hasten(connection: AsyncConnection, clock: Clock, connector: str) -> None:
    """What waits for its next time is tried at once."""
    await connection.execute(
        update(outbox)
        .where(
            outbox.c.connector == connector,
            outbox.c.state == State.WAITING,
            outbox.c.behind.is_(None),
            outbox.c.next_us > clock.now_us(),
        )
        .values(next_us=clock.now_us())
    )


async def skip(connection: AsyncConnection, clock: Clock, seq: int, why: str, by: Account) -> Entry:
    """Decides that it does not go; what waits behind it goes on. Refused for one that is done."""
    one, _ = await entry(connection, seq)
    reason = plain_line(why)[:_LONGEST]
    if not reason:
        th, en = "กรุณาระบุเหตุผล", "Give the reason."
        raise Refused("reason", th, en, 422, {"why": (th, en)})
    if one.state not in {State.WAITING, State.DEAD}:
        raise Refused("entry-through", "รายการนี้ดำเนินการเสร็จแล้ว", "This entry is through already.")
    await connection.execute(
        update(outbox)
        .where(outbox.c.seq == seq)
        .values(
            state=State.SKIPPED, behind=None, done_us=clock.now_us(), overrides=None,
            attempts=one.attempts + 1, version=one.version + 1,
        )
    )  # fmt: skip
    await _note(connection, clock, one, "skipped", f"{by.name()}: {reason}")
    await wake_lane(connection, one.connector, one.lane)
    await wake_contact(connection, one.connector, one.contact)
    return (await entry(connection, seq))[0]


async def set_overrides(
    connection: AsyncConnection, seq: int, overrides: Mapping[str, Value]
) -> Entry:
    """Sets by hand what goes to these fields (`OVERRIDABLE`) this once; an empty one takes it back.

    Refused for one that is through, and for a name that is none of these.
    """
    one, _ = await entry(connection, seq)
    if one.state not in {State.WAITING, State.DEAD}:
        raise Refused("entry-through", "รายการนี้ดำเนินการเสร็จแล้ว", "This entry is through already.")
    odd = [name for name in overrides if not _overridable(name)]
    if odd:
        wrong = dict.fromkeys(odd, ("ไม่มีช่องข้อมูลนี้", "There is no such field."))
        raise Refused("no-such-field", "ไม่มีช่องข้อมูลนี้", "There is no such field.", 422, wrong)
    kept = json.dumps(dict(overrides), ensure_ascii=False) if overrides else None
    await connection.execute(
        update(outbox)
        .where(outbox.c.seq == seq)
        .values(overrides=kept, version=one.version + 1)
    )  # fmt: skip
    return (await entry(connection, seq))[0]


async def prune(connection: AsyncConnection, clock: Clock, most: int = 1000) -> int:
    """Deletes entries that have been through for `KEPT`, `most` at a time; returns how many."""
    old = (
        select(outbox.c.seq)
        .where(
            outbox.c.state.in_((State.DONE, State.SKIPPED)),
            outbox.c.done_us < clock.now_us() - KEPT,
        )
        .order_by(outbox.c.seq)
        .limit(most)
    )
    found = list((await connection.execute(old)).scalars())
    if found:
        await connection.execute(
            delete(delivery_attempts).where(delivery_attempts.c.seq.in_(found))
        )
        await connection.execute(delete(outbox).where(outbox.c.seq.in_(found)))
    return len(found)


async def wake_lane(connection: AsyncConnection, connector: str, lane: str) -> None:
    """What waits in this lane is looked at again."""
    await connection.execute(
        update(outbox)
        .where(
            outbox.c.connector == connector,
            outbox.c.lane == lane,
            outbox.c.state == State.WAITING,
            outbox.c.behind.is_not(None),
        )
        .values(behind=None)
    )


async def wake_contact(connection: AsyncConnection, connector: str, contact: str | None) -> None:
    """The next that waits for this contact is looked at again."""
    if contact is None:
        return
    await connection.execute(
        update(outbox)
        .where(outbox.c.seq == next_of_contact(outbox.c, connector, contact).scalar_subquery())
        .where(outbox.c.behind == Behind.WAITING)
        .values(behind=None)
    )


def next_of_contact(table: Any, connector: Any, contact: Any) -> Select[Any]:
    """The first of a contact's entries that waits and is not held by a dead one."""
    waits: ColumnElement[bool] = or_(table.behind.is_(None), table.behind == Behind.WAITING)
    return select(func.min(table.seq)).where(
        table.connector == connector, table.contact == contact,
        table.state == State.WAITING, waits,
    )  # fmt: skip


async def _again(connection: AsyncConnection, clock: Clock, one: Entry, by: Account) -> None:
    await connection.execute(
        update(outbox)
        .where(outbox.c.seq == one.seq)
        .values(
            state=State.WAITING, behind=None, next_us=0, charged=0, done_us=None,
            attempts=one.attempts + 1, version=one.version + 1,
        )
    )  # fmt: skip
    await _note(connection, clock, one, "resent", by.name())
    await wake_lane(connection, one.connector, one.lane)


async def _note(
    connection: AsyncConnection, clock: Clock, one: Entry, outcome: str, error: str
) -> None:
    """What a person decided stands among the tries."""
    await connection.execute(
        insert(delivery_attempts).values(
            seq=one.seq, attempt=one.attempts + 1, at_us=clock.now_us(), took_us=0,
            outcome=outcome, error=error[:_LONGEST],
        )
    )  # fmt: skip


def _by_seq(seq: int) -> Select[Any]:
    return select(outbox).where(outbox.c.seq == seq)


def _overridable(name: str) -> bool:
    if name == "note.text":
        return True
    scope, _, field = name.partition(".")
    return scope in {"contact", "ticket"} and bool(field) and len(name) <= _LONGEST
