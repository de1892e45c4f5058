"""Calls carried to a CRM whose requests fail, and what stands there afterwards.

`Work` is what the office did: callers who call several times, officers who write of the calls,
statuses. `carry` brings it there by the port alone, each request again until it passes, one writer
a contact. `audit` looks into the CRM by the other way (`Site`) and counts what is wrong.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from crm_bridge.connectors.mapping import Mapping
from crm_bridge.connectors.port import (
    Connector,
    ConnectorError,
    ContactDraft,
    Kind,
    Note,
    Status,
    Then,
    TicketDraft,
)
from tests.contract.connectors.suite import AT, Site, new_number
from tests.support.crms import facts
from tests.support.crms.faults import Faults

AT_ONCE = 4
"""Contacts under way at the same time."""
MOST_TRIES = 200


@dataclass(frozen=True, slots=True)
class OneCall:
    """A call, the notes written of it in order, and the status it was brought to."""

    key: str
    notes: tuple[str, ...]
    status: Status | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls, and the calls in order."""

    key: str
    number: str
    calls: tuple[OneCall, ...]


@dataclass(slots=True)
class Outcome:
    """What came of one run; `wrong` names the first things that are."""

    calls: int = 0
    acts: int = 0
    retries: int = 0
    duplicates: int = 0
    lost: int = 0
    disordered: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    """Key → id there, as the connector said."""


def work(calls: int) -> list[Caller]:
    """Callers who call one to four times, as many calls in all; most are written of, some twice."""
    callers, made = [], 0
    while made < calls:
        count = min(1 + len(callers) % 4, calls - made)
        number, mine = new_number(), []
        for _ in range(count):
            run = secrets.token_hex(6)
            notes = tuple(f"wrapup:{run}/1001/{n}" for n in range(1, 1 + made % 4))
            status = list(Status)[made % 6] if made % 5 == 0 else None
            mine.append(OneCall(f"call:{run}", notes, status))
            made += 1
        callers.append(Caller(f"number:{number}", number, tuple(mine)))
    return callers


def words(key: str) -> str:
    """The text of a note, by which its order is read."""
    return f"บันทึก {key.removeprefix('wrapup:').replace('/', '.')} ราคา <60 บาท> & ใบเสร็จ"


async def carry(connector: Connector, mapping: Mapping, callers: Sequence[Caller]) -> Outcome:
    """Brings everything there; each act again until it is done."""
    found, gate = Outcome(), asyncio.Semaphore(AT_ONCE)
    began = time.monotonic()

    async def done(act: Callable[[], Awaitable[Any]]) -> Any:
        found.acts += 1
        for _ in range(MOST_TRIES):
            try:
                return await act()
            except ConnectorError as error:
                if error.then is Then.GIVE_UP:
                    raise
                found.retries += 1
                await asyncio.sleep(min(error.wait or 0.0, 1.0))
        raise AssertionError(f"not done in {MOST_TRIES} tries")

    async def one(caller: Caller) -> None:
        async with gate:
            person = facts.person(caller.number, key=caller.key)
            contact = ContactDraft(caller.key, (caller.number,), mapping.contact(person))
            there = await done(lambda: connector.upsert_contact(contact))
            found.ids[caller.key] = there.id
            for call in caller.calls:
                told = facts.call(call.key.removeprefix("call:"), caller.number)
                draft = TicketDraft(call.key, mapping.call(told), there.id, Status.NEW)
                ticket = await done(lambda d=draft: connector.upsert_ticket(d))
                found.ids[call.key] = ticket.id
                for n, key in enumerate(call.notes):
                    said = Note(key, words(key), AT + n * 1_000_000, "สมหญิง แสงทอง")
                    await done(lambda s=said, t=ticket: connector.add_note(t.id, s))
                again = replace(draft, known=ticket.id)
                await done(lambda d=again: connector.upsert_ticket(d))
                if call.status is not None:
                    await done(lambda t=ticket, s=call.status: connector.set_status(t.id, s))
                found.calls += 1

    async with asyncio.TaskGroup() as group:
        for caller in callers:
            group.create_task(one(caller))
    found.seconds = time.monotonic() - began
    return found


async def audit(site: Site, callers: Sequence[Caller], found: Outcome) -> None:
    """Counts in the CRM itself what is there twice, not at all, or in another order."""
    for caller in callers:
        await _count(site, Kind.CONTACT, caller.key, found)
        ids = []
        for call in caller.calls:
            await _count(site, Kind.TICKET, call.key, found)
            for key in call.notes:
                await _count(site, Kind.NOTE, key, found)
            ticket = found.ids[call.key]
            ids.append(ticket)
            if await site.contact_of(ticket) != found.ids[caller.key]:
                found.lost += 1
                found.wrong.append(f"{call.key} is not its caller's")
            wanted = [words(key) for key in call.notes]
            read = [w for text in await site.notes(ticket) for w in wanted if w in text]
            if read != wanted:
                found.disordered += 1
                found.wrong.append(f"notes of {call.key}")
            native = site.mapping.native(call.status or Status.NEW)
            if await site.status(ticket) != native:
                found.lost += 1
                found.wrong.append(f"status of {call.key}")
        if ids != sorted(ids, key=lambda text: int(re.sub(r"\D", "", text))):
            found.disordered += 1
            found.wrong.append(f"calls of {caller.key}")


async def _count(site: Site, kind: Kind, key: str, found: Outcome) -> None:
    there = await site.count(kind, key)
    if there != 1:
        found.duplicates += max(0, there - 1)
        found.lost += there == 0
        found.wrong.append(f"{kind} {key}: {there}")


HEAD = (
    "connector", "fault", "calls", "requests", "failed", "retries", "duplicates", "lost",
    "out of order", "seconds",
)  # fmt: skip


def row(name: str, fault: str, faults: Faults, found: Outcome) -> list[str]:
    """One run as a line of the table; requests and failures are those of the work alone."""
    failed = sum(faults.failed.values())
    return [
        name, fault, f"{found.calls:,}", f"{faults.requests:,}",
        f"{failed:,} ({100 * failed / max(1, faults.requests):.0f} %)", f"{found.retries:,}",
        f"{found.duplicates}", f"{found.lost}", f"{found.disordered}", f"{found.seconds:.1f}",
    ]  # fmt: skip
