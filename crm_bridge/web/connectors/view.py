"""Other CRMs gathered for pages and API: how each stands, what waits, what failed and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.delivery import links, outbox
from crm_bridge.delivery.case_contents import EVENTS
from crm_bridge.delivery.links import Link
from crm_bridge.delivery.lookup import Source
from crm_bridge.delivery.outbox import Attempt, Count, Entry, State
from crm_bridge.delivery.policy import Breaker, Stage
from crm_bridge.errors import Refused
from crm_bridge.records import outbox as kinds
from crm_bridge.records.desk_tables.alerts import alerts
from crm_bridge.records.desk_tables.cases import case_events, cases
from crm_bridge.records.desk_tables.connectors import connectors, delivery_attempts
from crm_bridge.records.desk_tables.connectors import outbox as entries
from crm_bridge.records.tables import calls
from crm_bridge.web.connectors.words import WHAT, title
from crm_bridge.web.context import Context
from ivr.calls.call import Micros

HOUR: Final = 3600 * 1_000_000
DAY: Final = 24 * HOUR

STANDS: Final[dict[str, tuple[str, str, str]]] = {
    "works": ("ทำงานปกติ", "Works", "good"),
    "waiting": ("หยุดส่งชั่วคราว รอให้ระบบนั้นกลับมา", "Waits for it to come back", "near"),
    "denied": ("ถูกปฏิเสธการเข้าใช้ ต้องแก้ไข", "Login refused: to be mended", "bad"),
    "unknown": ("ยังไม่เริ่มส่ง", "Delivery is not running", ""),
    "inactive": ("ไม่ได้ตั้งค่าแล้ว", "No longer configured", ""),
}
"""How a CRM stands: Thai, English, colour."""


@dataclass(frozen=True, slots=True)
class Crm:
    """One other CRM as it stands now."""

    count: Count
    title: str
    section: ConnectorSection | None
    """Its part of hotline.toml; `None`: named no more."""
    stands: str
    """A key of `STANDS`."""
    since: Micros | None
    why: str | None
    next_us: Micros | None
    """When it is asked again whether it is well."""
    done_hour: int
    done_day: int
    polls: bool
    """It is asked which tickets changed their status."""
    polled_us: Micros | None
    source: Source | None
    """Its look-up of callers; `None`: it is not asked."""

    @property
    def name(self) -> str:
        """As hotline.toml names it."""
        return self.count.connector


@dataclass(frozen=True, slots=True)
class Line:
    """An entry and the record of ours it is of; `path`: its page, where the account may see it."""

    entry: Entry
    what: tuple[str, str]
    about: tuple[str, str]
    """Which: a ticket with what was done, or the moment of a call (µs as text)."""
    at: Micros | None
    path: str | None
    outcome: str | None
    """The name of the last try's error."""


@dataclass(frozen=True, slots=True)
class Whole:
    """One entry with its tries and where its record stands there."""

    line: Line
    attempts: list[Attempt]
    held: int
    """Entries that wait for it."""
    there: list[Link]


def breaker(held: Context, name: str) -> Breaker | None:
    """What the delivery knows of this CRM; `None` where none runs."""
    worker = held.deliveries.workers.get(name) if held.deliveries is not None else None
    return worker.breaker if worker is not None else None


async def crms(connection: AsyncConnection, held: Context) -> list[Crm]:
    """Every CRM that is or was configured, those that are first."""
    now = held.clock.now_us()
    table = entries.c
    query = (
        select(
            table.connector,
            func.sum(case((table.done_us > now - HOUR, 1), else_=0)),
            func.count(),
        )
        .where(
            table.connector.in_(select(connectors.c.name)),
            table.state == State.DONE,
            table.done_us > now - DAY,
        )
        .group_by(table.connector)
    )
    done = {name: (hour, day) for name, hour, day in await connection.execute(query)}
    seen = select(connectors.c.name, connectors.c.polled_us)
    polled = {row.name: row.polled_us for row in await connection.execute(seen)}
    counts = {one.connector: one for one in await outbox.counts(connection)}
    for name, named in held.config.connector.items():
        if name not in counts:  # configured, and the bridge has not taken it in yet
            counts[name] = Count(name, named.kind, True, 0, 0, 0, 0, None)
    found = []
    for name, count in counts.items():
        section = held.config.connector.get(name)
        stands, since, why, next_us = _stands(breaker(held, name), section)
        found.append(
            Crm(
                count, title(name, count.kind), section, stands, since, why, next_us,
                *done.get(name, (0, 0)), _polls(held, name), polled.get(name),
                held.lookup.sources.get(name),
            )
        )  # fmt: skip
    return sorted(found, key=lambda crm: (crm.section is None, crm.name))


def _polls(held: Context, name: str) -> bool:
    return held.deliveries is not None and name in held.deliveries.polls


async def crm(connection: AsyncConnection, held: Context, name: str) -> Crm:
    """The CRM of this name; Refused (404) where none was ever called so."""
    for one in await crms(connection, held):
        if one.name == name:
            return one
    raise Refused("no-such-connector", "ไม่พบระบบนี้", "There is no such CRM.", 404)


def _stands(
    found: Breaker | None, section: ConnectorSection | None
) -> tuple[str, Micros | None, str | None, Micros | None]:
    if section is None:
        return "inactive", None, None, None
    if found is None:
        return "unknown", None, None, None
    if found.stage is Stage.CLOSED:
        return "works", None, found.why, None
    stands = "denied" if found.denied else "waiting"
    return stands, found.since, found.why, found.until if found.stage is Stage.OPEN else None


async def lines(connection: AsyncConnection, me: Account, found: Sequence[Entry]) -> list[Line]:
    """Entries with what each is of."""
    wanted = {e.subject for e in found if e.kind == kinds.CASE}
    tickets: dict[str, str] = {}
    acts: dict[tuple[str, int], str] = {}
    if wanted:
        query = select(cases.c.id, cases.c.ticket).where(cases.c.id.in_(wanted))
        tickets = {row.id: row.ticket for row in await connection.execute(query)}
        told = select(case_events.c.case_id, case_events.c.ordinal, case_events.c.kind).where(
            case_events.c.case_id.in_(wanted),
            case_events.c.ordinal.in_({e.revision for e in found if e.kind == kinds.CASE}),
        )
        acts = {(id_, ordinal): kind for id_, ordinal, kind in await connection.execute(told)}
    ids = {call for e in found if (call := _call_of(e)) is not None}
    entered: dict[str, Micros] = {}
    if ids:
        heard = select(calls.c.call_id, calls.c.entered_us).where(calls.c.call_id.in_(ids))
        entered = {row.call_id: row.entered_us for row in await connection.execute(heard)}
    outcomes = await _outcomes(connection, [e.seq for e in found])
    said = await _said(connection, [e.subject for e in found if e.kind == kinds.ALERT])
    made = []
    for one in found:
        call = _call_of(one)
        about = ("", "")
        if one.kind == kinds.CASE:
            act = acts.get((one.subject, one.revision), "")
            words = EVENTS.get(act, (act, act))
            ticket = tickets.get(one.subject, one.subject)
            about = (f"{ticket} · {words[0]}", f"{ticket} · {words[1]}")
        if one.kind == kinds.ALERT:
            about = said.get(one.subject, about)
        path = _path(me, one, tickets.get(one.subject))
        at = entered.get(call) if call else None
        words = WHAT.get(one.kind, (one.kind, one.kind))
        made.append(Line(one, words, about, at, path, outcomes.get(one.seq)))
    return made


async def whole(connection: AsyncConnection, me: Account, name: str, seq: int) -> Whole:
    """One entry of this CRM; Refused (404) where it has none of this number."""
    found, attempts = await of_crm(connection, name, seq)
    (line,) = await lines(connection, me, [found])
    key = await _key(connection, found)
    there = [link for link in await links.of_keys(connection, [key]) if link.connector == name]
    held = await outbox.held_behind(connection, found) if found.state is State.DEAD else 0
    return Whole(line, attempts, held, there)


async def of_crm(connection: AsyncConnection, name: str, seq: int) -> tuple[Entry, list[Attempt]]:
    """The entry, if it is this CRM's; else Refused (404)."""
    found, attempts = await outbox.entry(connection, seq)
    if found.connector != name:
        raise Refused("no-such-entry", "ไม่พบรายการนี้", "There is no such entry.", 404)
    return found, attempts


async def _key(connection: AsyncConnection, one: Entry) -> str:
    if (call := _call_of(one)) is not None:
        return f"call:{call}"
    if one.kind == kinds.CASE:
        query = select(cases.c.ticket).where(cases.c.id == one.subject)
        return f"case:{await connection.scalar(query)}"
    if one.kind == kinds.ALERT:
        return f"alert:{one.subject}"
    return f"person:{one.subject}"


def _call_of(one: Entry) -> str | None:
    if one.kind == kinds.CALL:
        return one.subject
    return one.subject.rpartition("/")[0] if one.kind == kinds.WRAPUP else None


def _path(me: Account, one: Entry, ticket: str | None) -> str | None:
    call = _call_of(one)
    if call is not None:
        # an administrator of the system may not read calls
        readers = {Role.AGENT, Role.SUPERVISOR, Role.AUDITOR}
        return f"/calls/{quote(call, safe='')}" if me.role in readers else None
    if one.kind == kinds.CASE:
        return f"/cases/{quote(ticket, safe='')}" if ticket else None
    if one.kind == kinds.ALERT:
        return "/alerts"
    return f"/people/{quote(one.subject, safe='')}"


async def _said(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """What each alert says, in Thai and English."""
    if not ids:
        return {}
    query = select(alerts.c.id, alerts.c.text_th, alerts.c.text_en).where(alerts.c.id.in_(ids))
    return {row.id: (row.text_th, row.text_en) for row in await connection.execute(query)}


async def _outcomes(connection: AsyncConnection, seqs: Sequence[int]) -> dict[int, str]:
    """The last error of each entry by its name."""
    if not seqs:
        return {}
    table = delivery_attempts.c
    query = (
        select(table.seq, table.outcome)
        .where(table.seq.in_(seqs), table.outcome.not_in(("done", "skipped", "resent")))
        .order_by(table.attempt)
    )
    return {row.seq: row.outcome for row in await connection.execute(query)}
