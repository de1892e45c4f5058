"""What of a person stands in other CRMs, as far as we know, and what waits to go there.

Nothing is erased there by us: an officer does that, and is told where. Here the links are
forgotten, and of what waits nothing goes: it is read when it is sent, and is not there any more.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import and_, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.people import room_calls, room_cases
from crm_bridge.people.holds import Hold, load_rules
from crm_bridge.people.subject import Subject
from crm_bridge.records.desk_tables.cases import cases
from crm_bridge.records.desk_tables.connectors import connector_links, outbox

_SHOWN: Final = ("connector", "kind", "id", "url", "key", "native", "made_us")
_PAGE: Final = 500
_NAMED: Final = 20
"""Tickets of one CRM that are named one by one to who erases; beyond, they are counted."""


async def held(connection: AsyncConnection, subject: Subject) -> list[dict[str, Any]]:
    """Each record there, with its address."""
    keys = await _keys(connection, subject, frozenset())
    return [{name: row[name] for name in _SHOWN} for row in await _links(connection, keys)]


async def holds(connection: AsyncConnection, subject: Subject, _now: int) -> list[Hold]:
    """Where else the person must be erased: each contact, and the tickets of calls and cases."""
    rule = load_rules()["elsewhere"]
    rows = await _links(connection, await _keys(connection, subject, frozenset()))
    found = [
        Hold("connectors", f"{row['connector']}: contact {row['url'] or row['id']}", rule, None)
        for row in rows
        if row["kind"] == "contact"
    ]
    for connector in dict.fromkeys(row["connector"] for row in rows):
        tickets = [
            str(row["url"] or row["id"])
            for row in rows
            if row["kind"] == "ticket" and row["connector"] == connector
        ]
        found += [
            Hold("connectors", f"{connector}: ticket {ticket}", rule, None)
            for ticket in tickets[:_NAMED]
        ]
        if len(tickets) > _NAMED:
            more = len(tickets) - _NAMED
            found.append(Hold("connectors", f"{connector}: +{more} tickets", rule, None))
    return found


async def erase(
    connection: AsyncConnection, clock: Clock, subject: Subject, kept: frozenset[str]
) -> int:
    """Forget where the person stands; of a case that is kept the ticket stays known.

    The rows of the outbox stay, without the number and without what was set by hand.
    """
    keys = await _keys(connection, subject, kept)
    forgotten = 0
    for start in range(0, len(keys), _PAGE):
        page = keys[start : start + _PAGE]
        result = await connection.execute(
            delete(connector_links).where(connector_links.c.key.in_(page))
        )
        forgotten += result.rowcount
        lanes = [await _lane(connection, key) for key in page]
        await connection.execute(
            update(outbox).where(outbox.c.lane.in_(lanes)).values(overrides=None)
        )
    if subject.numbers:
        query = select(cases.c.id).where(cases.c.ticket.in_(sorted(kept)))
        keep = [f"case:{i}" for i in (await connection.execute(query)).scalars()]
        theirs = and_(outbox.c.contact.in_(subject.numbers), outbox.c.lane.not_in(keep))
        # what was set aside behind another of the number is looked at by its lane alone now
        await connection.execute(update(outbox).where(theirs).values(contact=None, behind=None))
    return forgotten


async def _keys(connection: AsyncConnection, subject: Subject, kept: frozenset[str]) -> list[str]:
    """The external keys of the person, the numbers, their calls, and the cases not kept."""
    tickets = select(cases.c.ticket).where(
        room_cases.belongs(subject), cases.c.ticket.not_in(sorted(kept))
    )
    return [
        *(f"person:{i}" for i in subject.ids),
        *(f"number:{number}" for number in subject.numbers),
        *(f"call:{i}" for i in await room_calls.calls_of(connection, subject.numbers)),
        *(f"case:{ticket}" for ticket in (await connection.execute(tickets)).scalars()),
    ]


async def _links(connection: AsyncConnection, keys: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    columns = [connector_links.c[name] for name in _SHOWN]
    for start in range(0, len(keys), _PAGE):
        query = select(*columns).where(connector_links.c.key.in_(keys[start : start + _PAGE]))
        found += [dict(row) for row in (await connection.execute(query)).mappings().all()]
    return sorted(found, key=lambda row: (row["connector"], row["kind"], row["made_us"], row["id"]))


async def _lane(connection: AsyncConnection, key: str) -> str:
    """The lane of the outbox in which the record of this key goes."""
    kind, _, ticket = key.partition(":")
    if kind != "case":
        return key
    found = await connection.scalar(select(cases.c.id).where(cases.c.ticket == ticket))
    return f"case:{found}"
