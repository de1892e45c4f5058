"""What a mapping is given of our records, read when it is sent.

Never in it, whatever a mapping names: the number and name of a withheld call; an erased call or
person; of a case whose complainant is not to be known (`Case.hidden_complainant`), who complains,
the call that would tell it, and the complainant's name, number and e-mail wherever the texts
repeat them; a case's internal entries. `None` is: there is nothing (any more) to be told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases.call_words import SEEN, WRITTEN
from crm_bridge.cases.subjects import SERVICES
from crm_bridge.config import Config
from crm_bridge.connectors.facts import (
    CallFacts,
    ContactFacts,
    Facts,
    Named,
    StepFacts,
    WrapupFacts,
)
from crm_bridge.people.matching import match
from crm_bridge.people.persons import numbers_of
from crm_bridge.records.calls import StoredCall, with_lists
from crm_bridge.records.desk_tables.accounts import accounts
from crm_bridge.records.desk_tables.agents import agent_sessions
from crm_bridge.records.desk_tables.cases import cases
from crm_bridge.records.desk_tables.people import erased_calls, persons
from crm_bridge.records.desk_tables.wrapups import call_back_wishes, subjects, wrapups
from crm_bridge.records.tables import (
    agency_legs,
    agent_parts,
    calls,
    gaps,
    holds,
    menu_choices,
    queue_passages,
    step_timings,
)
from ivr.calls.call import Call, Micros
from ivr.steps.standards import load_standards

NOTHING: Final[Named] = ("", "")
_SECOND: Final = 1_000_000
_LISTS: Final = (
    agency_legs, agent_parts, gaps, holds, menu_choices, queue_passages, step_timings,
)  # fmt: skip
"""What is told of a call stands in these; the rest is not read."""


async def person_facts(connection: AsyncConnection, config: Config, person_id: str) -> Facts | None:
    """The person, or the one it was merged into; None where it is erased."""
    found = await person(connection, config, person_id)
    return None if found is None else Facts(contact=found)


async def call_facts(connection: AsyncConnection, config: Config, call_id: str) -> Facts | None:
    """The call and who called; None where it is not on disk, or its caller is erased."""
    stored = await _stored(connection, call_id)
    if stored is None:
        return None
    call = stored.call
    number = None if call.withheld else stored.caller_number
    contact = None if number is None else await of_number(connection, config, number)
    return Facts(contact=contact, call=await _call(connection, config, stored))


async def wrapup_facts(
    connection: AsyncConnection, config: Config, call_id: str, agent: str
) -> Facts | None:
    """What this officer wrote of the call as it stands now, with the call."""
    facts = await call_facts(connection, config, call_id)
    query = select(wrapups).where(wrapups.c.call_id == call_id, wrapups.c.agent == agent)
    row = (await connection.execute(query)).one_or_none()
    if facts is None or row is None:
        return None
    wrapup = WrapupFacts(
        key=f"wrapup:{call_id}/{agent}/{row.version}",
        agent=agent,
        officer=await officer(connection, row.account_id),
        subject=await subject(connection, row.subject_id),
        service=SERVICES.get(row.service, (row.service, row.service)),
        outcome=WRITTEN.get(row.outcome, (row.outcome, row.outcome)),
        summary=row.summary,
        follow_up=(row.follow_up, row.follow_up),
        follow_up_on=None if row.follow_up_done else row.follow_up_on,
        saved_at=row.updated_us,
    )
    return Facts(contact=facts.contact, call=facts.call, wrapup=wrapup)


async def closed(connection: AsyncConnection, call_id: str) -> bool | None:
    """Whether nothing more comes of this call; None where it is not on disk."""
    found = await connection.scalar(select(calls.c.closed).where(calls.c.call_id == call_id))
    return None if found is None else bool(found)


async def person(
    connection: AsyncConnection, config: Config, person_id: str
) -> ContactFacts | None:
    """The person as a contact; None where it is unknown or erased."""
    other = persons.alias("other")
    root = select(other.c.root_id).where(other.c.id == person_id).scalar_subquery()
    query = select(persons).where(persons.c.id == root)
    row = (await connection.execute(query)).one_or_none()
    if row is None or row.erased_us is not None:
        return None
    numbers = tuple(number.e164 for number in await numbers_of(connection, row.id))
    return ContactFacts(
        key=f"person:{row.id}",
        number=numbers[0] if numbers else None,
        numbers=numbers,
        name=row.name,
        email=row.email,
        province=row.province,
        address=row.address,
        language=row.language,
        link=link(config, "people", row.id),
    )


async def of_number(connection: AsyncConnection, config: Config, e164: str) -> ContactFacts:
    """The contact behind a number: the person where it is one's alone, else the number."""
    found = await match(connection, e164)
    if found.level == "known":
        known = await person(connection, config, found.persons[0].id)
        if known is not None:
            return known
    return ContactFacts(key=f"number:{e164}", number=e164, numbers=(e164,))


async def officer(connection: AsyncConnection, account_id: str | None) -> str:
    """The name of an account in Thai, where it has one."""
    if account_id is None:
        return ""
    query = select(accounts.c.name_th, accounts.c.name_en).where(accounts.c.id == account_id)
    row = (await connection.execute(query)).one_or_none()
    return "" if row is None else row.name_th or row.name_en


async def subject(connection: AsyncConnection, subject_id: str | None) -> Named:
    """A subject of the catalogue by its names."""
    if subject_id is None:
        return NOTHING
    query = select(subjects.c.name_th, subjects.c.name_en).where(subjects.c.id == subject_id)
    row = (await connection.execute(query)).one_or_none()
    return NOTHING if row is None else (row.name_th or row.name_en, row.name_en or row.name_th)


def agency(config: Config, agency_id: str) -> Named:
    """An agency by its names in hotline.toml."""
    section = config.agency.get(agency_id)
    if section is None:
        return (agency_id, agency_id)
    th, en = section.name_th or agency_id, section.name_en or agency_id
    return (th, en)


def link(config: Config, *parts: str) -> str | None:
    """Our own page of a record; None where nobody said how browsers reach the desk."""
    address = config.web.address.rstrip("/")
    return (address and f"{address}/{'/'.join(quote(part, safe='') for part in parts)}") or None


async def _stored(connection: AsyncConnection, call_id: str) -> StoredCall | None:
    query = select(calls).where(
        calls.c.call_id == call_id,
        calls.c.call_id.not_in(select(erased_calls.c.call_id)),
    )
    heads = [tuple(row) for row in (await connection.execute(query)).all()]
    found = await with_lists(connection, heads, _LISTS)
    return found[0] if found else None


async def _call(connection: AsyncConnection, config: Config, stored: StoredCall) -> CallFacts:
    call = stored.call
    outcome = None if call.outcome is None else call.outcome.value
    asked_at, number = await _call_back(connection, call.call_id)
    sat = [await _who_sat(connection, p.agent, p.connected_at) for p in call.agents]
    return CallFacts(
        key=f"call:{call.call_id}",
        call_id=call.call_id,
        revision=call.revision,
        direction=call.direction,
        dialled=_dialled(call),
        number=None if call.withheld else stored.caller_number,
        presented=None if call.withheld else call.caller_presented,
        name=None if call.withheld else call.caller_name,
        withheld=call.withheld,
        entered_at=call.entered_at,
        answered_at=call.answered_at,
        ended_at=call.ended_at,
        ended_by=None if call.ended_by is None else call.ended_by.value,
        outcome=outcome,
        outcome_name=NOTHING if call.outcome is None else SEEN[call.outcome],
        service=call.service,
        service_name=SERVICES.get(call.service or "", NOTHING),
        language=call.language,
        queue=call.passages[-1].queue if call.passages else None,
        agents=_once(part.agent for part in call.agents),
        officers=_once(name for name in sat if name),
        wait_seconds=_seconds(_waited(call)),
        talk_seconds=_seconds(_talked(call)),
        total_seconds=_seconds(None if call.ended_at is None else call.ended_at - call.entered_at),
        menu=" ".join(choice.key for choice in call.menu),
        transfers=tuple(
            agency(config, one) for one in _once(leg.agency for leg in call.agency_legs)
        ),
        steps=_steps(stored),
        observed=not call.gaps and not call.times_inferred,
        cases=await _told_cases(connection, call.call_id),
        call_back_asked_at=asked_at,
        call_back_number=None if call.withheld else number,
        link=link(config, "calls", call.call_id),
    )


def _dialled(call: Call) -> str:
    """What was dialled; of a withheld call back that is the number that is withheld."""
    return "" if call.withheld and call.direction == "outbound" else call.dialled


def _steps(stored: StoredCall) -> tuple[StepFacts, ...]:
    services = load_standards().on(stored.call.entered_at).services
    found = []
    for timing in stored.steps:
        service = services.get(timing.service)
        step = service.steps.get(timing.step) if service else None
        name = (step.th, step.en) if step else (timing.step, timing.step)
        found.append(
            StepFacts(
                timing.step, name, _seconds(timing.elapsed), timing.standard_seconds,
                timing.state, timing.evidence.value,
            )
        )  # fmt: skip
    return tuple(found)


async def _who_sat(connection: AsyncConnection, extension: str, at: Micros) -> str:
    table = agent_sessions.c
    query = (
        select(accounts.c.name_th, accounts.c.name_en)
        .join(agent_sessions, table.account_id == accounts.c.id)
        .where(
            table.extension == extension,
            table.started_us <= at,
            or_(table.ended_us.is_(None), table.ended_us >= at),
        )
        .order_by(table.started_us.desc())
        .limit(1)
    )
    row = (await connection.execute(query)).one_or_none()
    return "" if row is None else row.name_th or row.name_en


async def _call_back(connection: AsyncConnection, call_id: str) -> tuple[Micros | None, str | None]:
    """When the caller asked the line to be called back, and where."""
    table = call_back_wishes.c
    query = select(table.asked_us, table.number).where(table.call_id == call_id)
    row = (await connection.execute(query)).one_or_none()
    return (None, None) if row is None else (row.asked_us, row.number)


async def _told_cases(connection: AsyncConnection, call_id: str) -> tuple[str, ...]:
    """Cases recorded in the call, but those whose complainant its caller would betray."""
    query = (
        select(cases.c.ticket)
        .where(
            cases.c.call_id == call_id,
            cases.c.identity == "open",
            cases.c.consent.is_(True),
            cases.c.state != "cancelled",
        )
        .order_by(cases.c.recorded_us, cases.c.id)
    )
    return tuple((await connection.execute(query)).scalars())


def _waited(call: Call) -> Micros | None:
    """From the first queue to the first officer, or to the end."""
    if not call.passages:
        return None
    start = call.passages[0].joined_at
    end = call.agents[0].connected_at if call.agents else call.passages[-1].left_at
    end = call.ended_at if end is None else end
    return None if end is None else max(0, end - start)


def _talked(call: Call) -> Micros | None:
    """Officers' parts less their holds; None where none has ended."""
    parts = [p.released_at - p.connected_at for p in call.agents if p.released_at is not None]
    held = sum(h.ended_at - h.started_at for h in call.holds if h.ended_at is not None)
    return max(0, sum(parts) - held) if parts else None


def _seconds(span: Micros | None) -> float | None:
    return None if span is None else span / _SECOND


def _once(names: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))


def scrubbed(text: str, secrets: Sequence[str]) -> str:
    """The text without these words, where it repeats them, however they are capitalised."""
    if not secrets or not text:
        return text
    return re.sub("|".join(map(re.escape, secrets)), "…", text, flags=re.IGNORECASE)
