"""How the delivery takes entries and gives them back: one transaction for many.

One process at a time delivers to a CRM (`claim`); within it order is kept by looking at each entry
once. `take` goes through what is not set aside, in order; an entry that may not go yet is set aside
(`behind`) and looked at again when the one before it is through (`settle`). So a backlog costs the
same for each entry, however long it is and however few callers it is of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.delivery.outbox import Behind, Entry, State, entry_of, next_of_contact
from crm_bridge.records.desk_tables.connectors import connectors, delivery_attempts, outbox
from ivr.calls.call import Micros

_PAGES: Final = 2
"""Pages looked through in one transaction: what is set aside in it must not take long."""

_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one try; `state` waiting: again at `next_us`."""

    entry: Entry
    state: State
    at_us: Micros
    took_us: int
    outcome: str
    error: str | None = None
    next_us: Micros = 0
    charged: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What may go now; `more`: there may be more that was not looked at."""

    entries: tuple[Entry, ...]
    more: bool


async def claim(
    connection: AsyncConnection, connector: str, holder: str, now: Micros, until: Micros
) -> bool:
    """Makes this process the one that delivers to the CRM, until then; False: another is."""
    table = connectors.c
    free = or_(table.holder.is_(None), table.holder == holder, table.held_us < now)
    result = await connection.execute(
        update(connectors)
        .where(table.name == connector, table.active.is_(True), free)
        .values(holder=holder, held_us=until)
    )
    return result.rowcount == 1


async def release(connection: AsyncConnection, connector: str, holder: str) -> None:
    """Lets another process deliver to the CRM at once."""
    table = connectors.c
    await connection.execute(
        update(connectors)
        .where(table.name == connector, table.holder == holder)
        .values(holder=None, held_us=None)
    )


async def due(connection: AsyncConnection, connector: str, now: Micros) -> Micros | None:
    """When the next entry is to be looked at: now or later; None where nothing waits for a time."""
    fresh = select(outbox.c.next_us).where(*_open(connector)).order_by(outbox.c.next_us).limit(1)
    found: Micros | None = await connection.scalar(fresh)
    return None if found is None else max(found, now)


async def look_again(connection: AsyncConnection, connector: str) -> int:
    """Looks at everything that was set aside; returns how much. For a start: nothing is lost then,
    whatever was changed in the tables by hand.
    """
    result = await connection.execute(
        update(outbox)
        .where(
            outbox.c.connector == connector,
            outbox.c.state == State.WAITING,
            outbox.c.behind.is_not(None),
        )
        .values(behind=None)
    )
    return result.rowcount


async def take(
    connection: AsyncConnection, connector: str, now: Micros, limit: int, without: Collection[int]
) -> Taken:
    """Entries that may go now, at most so many: those whose time has come again before fresh ones.

    `without`: those under way. What may not go yet is set aside; give a connection of `writing`.
    """
    found: list[Entry] = []
    more = False
    again = and_(outbox.c.next_us > 0, outbox.c.next_us <= now)
    half = max(1, limit // 2)
    for when, most in ((again, half), (outbox.c.next_us == 0, limit)):
        for _ in range(_PAGES):
            wanted = most - len(found)
            if wanted <= 0:
                break
            page = 4 * most
            query = _page(connector, when, [*without, *(e.seq for e in found)], page)
            rows = (await connection.execute(query)).all()
            free = [row for row in rows if not (row.dead or row.lane_waits or row.contact_waits)]
            found += [entry_of(row) for row in free[:wanted]]
            await _set_aside(connection, connector, rows)
            more = len(rows) == page or len(free) > wanted
            if not more:
                break
    return Taken(tuple(found), more)


async def settle(connection: AsyncConnection, tried: Sequence[Tried]) -> None:
    """Writes what became of these, and lets go what waited for them."""
    through = [t for t in tried if t.state is not State.WAITING]
    done = [t for t in through if t.state is State.DONE]
    dead = [t for t in through if t.state is State.DEAD]
    table = outbox.c
    if tried:
        await connection.execute(
            update(outbox)
            .where(table.seq == bindparam("of"))
            .values(attempts=table.attempts + 1, version=table.version + 1),
            [{"of": t.entry.seq} for t in tried],
        )
    if done:
        await connection.execute(
            update(outbox)
            .where(table.seq == bindparam("of"))
            .values(
                state=State.DONE, behind=None, done_us=bindparam("at"), last_error=None,
                overrides=None,
            ),
            [{"of": t.entry.seq, "at": t.at_us} for t in done],
        )  # fmt: skip
    failed = [t for t in tried if t.state is not State.DONE]
    if failed:
        await connection.execute(
            update(outbox)
            .where(table.seq == bindparam("of"), table.state == State.WAITING)
            .values(
                state=bindparam("to"), next_us=bindparam("next"), last_error=bindparam("why"),
                charged=bindparam("count"),
            ),
            [
                {"of": t.entry.seq, "to": t.state.value, "next": t.next_us,
                 "why": _short(t.error), "count": t.charged}
                for t in failed
            ],
        )  # fmt: skip
    # one that went at once, as it should, leaves no line
    rows = [
        {"of": t.entry.seq, "at": t.at_us, "took": t.took_us, "how": t.outcome,
         "why": _short(t.error)}
        for t in tried
        if t.state is not State.DONE or t.entry.attempts or t.error
    ]  # fmt: skip
    if rows:
        # a person may have decided meanwhile, which counts as a try too
        count = select(table.attempts).where(table.seq == bindparam("of")).scalar_subquery()
        await connection.execute(
            insert(delivery_attempts).values(
                seq=bindparam("of"), attempt=count, at_us=bindparam("at"),
                took_us=bindparam("took"), outcome=bindparam("how"), error=bindparam("why"),
            ),
            rows,
        )  # fmt: skip
    for t in dead:
        await _hold(connection, t.entry)
    if done:
        await _let_go(connection, [t.entry for t in done])
    if dead:
        await _let_go(connection, [t.entry for t in dead])


def _open(connector: str) -> list[ColumnElement[bool]]:
    table = outbox.c
    return [table.connector == connector, table.state == State.WAITING, table.behind.is_(None)]


def _page(
    connector: str, when: ColumnElement[bool], without: Iterable[int], limit: int
) -> Select[Any]:
    table, earlier = outbox.c, outbox.alias("earlier")
    before = earlier.c
    lane = (
        before.connector == table.connector,
        before.lane == table.lane,
        before.seq < table.seq,
    )
    contact = exists().where(
        before.connector == table.connector,
        before.contact == table.contact,
        before.state == State.WAITING,
        before.seq < table.seq,
        or_(before.behind.is_(None), before.behind == Behind.WAITING),
    )
    return (
        select(
            outbox,
            exists().where(*lane, before.state == State.DEAD).label("dead"),
            exists().where(*lane, before.state == State.WAITING).label("lane_waits"),
            contact.label("contact_waits"),
        )
        .where(*_open(connector), when, table.seq.not_in(list(without)))
        .order_by(table.next_us, table.seq)
        .limit(limit)
    )


async def _set_aside(connection: AsyncConnection, connector: str, rows: Sequence[Any]) -> None:
    held = [row for row in rows if row.dead]
    waits = [row.seq for row in rows if not row.dead and (row.lane_waits or row.contact_waits)]
    for behind, seqs in ((Behind.DEAD, [r.seq for r in held]), (Behind.WAITING, waits)):
        if seqs:
            await connection.execute(
                update(outbox).where(outbox.c.seq.in_(seqs)).values(behind=behind)
            )
    # one that a dead one holds keeps nobody of its contact waiting
    contacts = {row.contact for row in held if row.contact is not None}
    await _wake_contacts(connection, [(connector, contact) for contact in contacts])


async def _hold(connection: AsyncConnection, dead: Entry) -> None:
    """What waits in the lane of one that died waits for a person; unless one skipped it before."""
    itself = outbox.alias("itself")
    died = select(itself.c.state).where(itself.c.seq == dead.seq).scalar_subquery()
    await connection.execute(
        update(outbox)
        .where(
            outbox.c.connector == dead.connector,
            outbox.c.lane == dead.lane,
            outbox.c.state == State.WAITING,
            outbox.c.seq > dead.seq,
            died == State.DEAD,
        )
        .values(behind=Behind.DEAD)
    )


async def _let_go(connection: AsyncConnection, through: Sequence[Entry]) -> None:
    """The next of these lanes and contacts are looked at again."""
    lanes = dict.fromkeys((one.connector, one.lane) for one in through)
    following = outbox.alias("following")
    first = (
        select(following.c.seq)
        .where(
            following.c.connector == bindparam("of_connector"),
            following.c.lane == bindparam("of_lane"),
            following.c.state == State.WAITING,
        )
        .order_by(following.c.seq)
        .limit(1)
        .scalar_subquery()
    )
    await connection.execute(
        update(outbox)
        .where(outbox.c.seq == first, outbox.c.behind == Behind.WAITING)
        .values(behind=None),
        [{"of_connector": connector, "of_lane": lane} for connector, lane in lanes],
    )
    contacts = {(one.connector, one.contact) for one in through if one.contact is not None}
    await _wake_contacts(connection, sorted(contacts))


async def _wake_contacts(
    connection: AsyncConnection, contacts: Sequence[tuple[str, str | None]]
) -> None:
    if not contacts:
        return
    following = outbox.alias("following")
    first = next_of_contact(following.c, bindparam("of_connector"), bindparam("of_contact"))
    await connection.execute(
        update(outbox)
        .where(outbox.c.seq == first.scalar_subquery(), outbox.c.behind == Behind.WAITING)
        .values(behind=None),
        [{"of_connector": connector, "of_contact": contact} for connector, contact in contacts],
    )


def _short(text: str | None) -> str | None:
    return None if text is None else text[:_LONGEST]
