"""A day of an office in a database whose outbox is kept for one CRM, and what must stand there.

Calls as the line saves them, callers who call again, persons, officers' records of calls by the
desk's own functions, cases with their timelines.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

from sqlalchemy import select

from crm_bridge.access import accounts
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases import complaints, proceedings, subjects
from crm_bridge.clock import SystemClock
from crm_bridge.config import Config
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.mapping import Mapping
from crm_bridge.connectors.port import Connector, Kind, Status
from crm_bridge.delivery import case_contents, outbox
from crm_bridge.delivery.carrier import Carrier
from crm_bridge.delivery.policy import Breaker, Limits
from crm_bridge.delivery.worker import Worker
from crm_bridge.desk.declare import Declare
from crm_bridge.desk.wrapup import Entry
from crm_bridge.desk.wrapups import Wrapups
from crm_bridge.people import persons
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.connectors import connector_links, delivery_attempts
from crm_bridge.records.desk_tables.connectors import outbox as outbox_table
from crm_bridge.records.rows import snapshot
from crm_bridge.records.writer import Writer, batch_of
from ivr.calls.call import Outcome
from ivr.steps.timeline import timeline
from tests.contract.connectors.suite import Site, new_number
from tests.faults.carrying import Outcome as Found
from tests.support.cases import form
from tests.support.desk_calls import SECOND, STANDARDS, directory, lost, served
from tests.support.scenario import config_of

NAME = "office"
QUICK = Limits(first=0.005, most=0.05, rest_first=0.005, rest_most=0.02, asked_most=1.0)
"""The delivery's own decisions, with waits that a test can sit through."""
_PAGE = 200


@dataclass(slots=True)
class Expected:
    """Tickets of one contact in the order in which they must have been made."""

    contact: str
    tickets: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Office:
    """A database, its configuration, and what of it must stand in the CRM."""

    database: Database
    config: Config
    calls: int = 0
    callers: dict[str, Expected] = field(default_factory=dict)
    """By number."""
    notes: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Ticket's key → its notes in order: key, and what of the text to look for."""
    statuses: dict[str, Status] = field(default_factory=dict)
    wanted: dict[str, str] = field(default_factory=dict)
    """Call's key → its outcome."""


async def open_office(database: Database, section: ConnectorSection | None = None) -> Office:
    """An empty office that tells one CRM what happens."""
    base = config_of("ours")
    section = section or ConnectorSection(kind="rt", url="https://crm.example", token="x")
    config = base.model_copy(update={"connector": {NAME: section}})
    async with database.writing() as connection:
        await outbox.sync_connectors(connection, SystemClock(), config)
    return Office(database, config)


async def fill(office: Office, calls: int, *, written: bool = True) -> None:
    """So many calls, of callers who call again; `written`: officers write of them, make cases."""
    clock = SystemClock()
    by, subject = await _house(office, clock)
    loop = CommitLoop(Writer(office.database, tells=True), Policy(linger=0))
    running = asyncio.create_task(loop.run())
    declare = Declare(office.database, loop, [], directory(), STANDARDS, clock)
    save = Wrapups(office.database, clock, declare).save
    begun = clock.now_us() - 40 * 24 * 3600 * SECOND
    try:
        for first in range(0, calls, _PAGE):
            made = await _page(office, clock, by, first, min(_PAGE, calls - first), begun)
            for call_id, agents, number in made:
                for agent in agents if written else ():
                    key = f"wrapup:{call_id}/{agent}/1"
                    summary = f"เรื่องของ {agent} {call_id.replace('-', '').replace('.', '')}"
                    entry = Entry("information", "answered", subject, summary)
                    await save(by, call_id, agent, entry)
                    office.notes[f"call:{call_id}"].append((key, summary))
                if written and office.calls % 10 == 0:
                    await _case(office, clock, by, number)
                office.calls += 1
    finally:
        loop.stop()
        await running


async def _house(office: Office, clock: SystemClock) -> tuple[Account, str]:
    async with office.database.writing() as connection:
        by = await accounts.create(
            connection, clock, login="somying", role=Role.AGENT, name_th="สมหญิง แสงทอง"
        )
        head = await subjects.add(connection, clock, name_th="ราคาสินค้า", name_en="Prices")
        below = await subjects.add(connection, clock, name_th="ขายเกินราคา", parent_id=head.id)
    return by, below.id


async def _page(
    office: Office, clock: SystemClock, by: Account, first: int, count: int, begun: int
) -> list[tuple[str, tuple[str, ...], str]]:
    """Saves a page of calls; their ids, the officers who are to write of them, the numbers."""
    made, rows = [], []
    for n in range(first, first + count):
        # the last few callers call again now and then, every third call is somebody's new
        numbers = list(office.callers)
        again = n % 3 != 0 and numbers
        number = numbers[-1 - n % min(3, len(numbers))] if again else new_number()
        if number not in office.callers:
            office.callers[number] = Expected(await _person(office, clock, by, number, n))
        presented, at = "0" + number[3:], begun + n * 60 * SECOND
        agents = (("1001",), ("1001", "1002"), ())[n % 3]
        call = (
            served(n, at, presented=presented, agents=agents)
            if agents
            else lost(n, at, Outcome.ABANDONED_QUEUE, presented=presented)
        )
        rows.append(snapshot(call, timeline(call, directory(), STANDARDS)))
        key = f"call:{call.call_id}"
        office.callers[number].tickets.append(key)
        office.notes[key] = []
        office.wanted[key] = str(call.outcome)
        made.append((call.call_id, agents, number))
    writer = Writer(office.database, tells=True)
    try:
        await writer.commit(batch_of(calls=rows))
    finally:
        await writer.close()
    return made


async def _person(office: Office, clock: SystemClock, by: Account, number: str, n: int) -> str:
    """The key of a caller: some are persons of ours, the rest are numbers."""
    if n % 2:
        return f"number:{number}"
    async with office.database.writing() as connection:
        person = await persons.create(
            connection, clock, by, fields={"name": f"นายทดสอบ เลขที่{n}"}, numbers=[number]
        )
    return f"person:{person.id}"


async def _case(office: Office, clock: SystemClock, by: Account, number: str) -> None:
    """A case with a note, before the Director."""
    key = office.callers[number].contact
    person = key.removeprefix("person:") if key.startswith("person:") else None
    written = form(complainant_number=number, person_id=person)
    async with office.database.writing() as connection:
        case = await complaints.record(connection, clock, by, written)
        await complaints.note(connection, clock, by, case.ticket, text=f"หมายเหตุ {case.ticket}ก")
        await complaints.note(connection, clock, by, case.ticket, text=f"หมายเหตุ {case.ticket}ข")
        done = await proceedings.propose(connection, clock, by, case.ticket)
        move = await case_contents.move(connection, done.id, 3)
    assert move is not None
    ticket = f"case:{case.ticket}"
    office.callers[number].tickets.append(ticket)
    office.notes[ticket] = [
        (f"event:{case.ticket}/1", f"หมายเหตุ {case.ticket}ก"),
        (f"event:{case.ticket}/2", f"หมายเหตุ {case.ticket}ข"),
    ]
    office.statuses[ticket] = move.status


def worker_of(
    office: Office, connector: Connector, mapping: Mapping, *, concurrent: int = 4,
    limits: Limits = QUICK,
) -> Worker:  # fmt: skip
    """The delivery's own worker for this office."""
    clock, section = SystemClock(), office.config.connector[NAME]
    carrier = Carrier(connector, mapping, section, office.config, office.database, clock)
    return Worker(
        connector, carrier, office.database, clock, concurrent=concurrent, breaker=Breaker(limits)
    )


async def audit(office: Office, site: Site, found: Found) -> None:
    """Counts in the CRM itself what is there twice, not at all, or in another order."""
    async with office.database.reading() as connection:
        rows = await connection.execute(
            select(connector_links.c.key, connector_links.c.id).where(
                connector_links.c.connector == NAME
            )
        )
        ids = dict(tuple(row) for row in rows)
    found.calls = len(office.wanted)
    for expected in office.callers.values():
        await _count(site, Kind.CONTACT, expected.contact, found)
        for ticket in expected.tickets:
            await _count(site, Kind.TICKET, ticket, found)
            for key, _ in office.notes[ticket]:
                await _count(site, Kind.NOTE, key, found)
            if ticket not in ids:
                continue
            if await site.contact_of(ids[ticket]) != ids.get(expected.contact):
                found.lost += 1
                found.wrong.append(f"{ticket} is not its caller's")
            words = [text for _, text in office.notes[ticket]]
            read = [w for text in await site.notes(ids[ticket]) for w in words if w in text]
            if read != words:
                found.disordered += 1
                found.wrong.append(f"notes of {ticket}")
            status = office.statuses.get(ticket, Status.CLOSED)
            if await site.status(ids[ticket]) != site.mapping.native(status):
                found.lost += 1
                found.wrong.append(f"status of {ticket}")
        calls = [ids[t] for t in expected.tickets if t.startswith("call:") and t in ids]
        if calls != sorted(calls, key=_number):
            found.disordered += 1
            found.wrong.append(f"calls of {expected.contact}")


async def tries(office: Office) -> int:
    """How often an entry was tried in vain."""
    async with office.database.reading() as connection:
        return len(
            (
                await connection.execute(
                    select(delivery_attempts.c.seq).where(delivery_attempts.c.outcome != "done")
                )
            ).all()
        )


async def left(office: Office) -> dict[str, int]:
    """How many entries are in each state but done."""
    async with office.database.reading() as connection:
        states = (await connection.execute(select(outbox_table.c.state))).scalars()
        found: dict[str, int] = {}
        for state in states:
            if state != "done":
                found[state] = found.get(state, 0) + 1
        return found


def _number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


async def _count(site: Site, kind: Kind, key: str, found: Found) -> None:
    there = await site.count(kind, key)
    if there != 1:
        found.duplicates += max(0, there - 1)
        found.lost += there == 0
        found.wrong.append(f"{kind} {key}: {there}")
