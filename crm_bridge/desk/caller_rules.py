"""Rules by which callers are received at queues: first, last, or not at all.

A rule is of a number, or of a person with all numbers that are the person's. It is made by name and
ends by itself or by somebody's word; nothing of it is changed otherwise, and what has ended stays
on the list. No rule turns away whom another one puts first, nor who calls from an agency.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.people.persons import group_ids
from crm_bridge.plain_text import plain_line
from crm_bridge.records.callers import normalise
from crm_bridge.records.desk_tables.accounts import accounts
from crm_bridge.records.desk_tables.caller_rules import caller_rules
from crm_bridge.records.desk_tables.people import person_numbers, persons
from crm_bridge.records.tables import calls
from ivr.calls.call import Micros
from ivr.calls.directory import Directory

LONGEST_REASON: Final = 300
LONGEST: Final = timedelta(days=90)
"""Nobody is turned away, or put last, for longer by one word."""

_rules = caller_rules.c
_MICROS: Final = timedelta(microseconds=1)


class Kind(StrEnum):
    """Why a caller is received otherwise."""

    VULNERABLE = "vulnerable"
    VIP = "vip"
    NUISANCE = "nuisance"


class Treatment(StrEnum):
    """How."""

    FIRST = "first"
    LAST = "last"
    REFUSE = "refuse"
    """He hears so and is bid goodbye."""


KINDS: Final[dict[Kind, tuple[str, str]]] = {
    Kind.VULNERABLE: ("กลุ่มเปราะบาง", "Vulnerable"),
    Kind.VIP: ("บุคคลสำคัญ", "VIP"),
    Kind.NUISANCE: ("โทรก่อกวน", "Nuisance"),
}
TREATMENTS: Final[dict[Treatment, tuple[str, str]]] = {
    Treatment.FIRST: ("รับสายก่อน", "taken first"),
    Treatment.LAST: ("รับสายหลังผู้อื่น", "taken last"),
    Treatment.REFUSE: ("ไม่รับสาย", "not taken"),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; of a number or of a person."""

    id: str
    kind: Kind
    treatment: Treatment
    e164: str | None
    person_id: str | None
    person_name: str | None
    call_id: str | None
    reason: str
    begun_us: Micros
    begun_by: str
    until_us: Micros | None
    ended_us: Micros | None = None
    ended_by: str | None = None

    def holds(self, now: Micros) -> bool:
        """It is in force."""
        return self.ended_us is None and (self.until_us is None or now < self.until_us)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A rule to be made: of `number` as written, of a person, or of the number that called."""

    kind: Kind
    treatment: Treatment
    reason: str
    until_us: Micros | None
    number: str | None = None
    person_id: str | None = None
    call_id: str | None = None


def spared_by(directory: Directory) -> frozenset[str]:
    """Our own numbers and those of agencies (E.164): none is ever put last or turned away."""
    numbers = [*directory.numbers, *(n for one in directory.agencies for n in one.numbers)]
    return frozenset(found for number in numbers if (found := normalise(number).e164) is not None)


async def make(
    connection: AsyncConnection, clock: Clock, by: Account, wanted: Wanted,
    spared: Collection[str] = (),
) -> Rule:  # fmt: skip
    """A new rule. `spared`: numbers (E.164) that are never put last or turned away.

    Raises Refused.
    """
    now = clock.now_us()
    reason = plain_line(wanted.reason)[:LONGEST_REASON]
    if not reason:
        why = ("กรุณาระบุเหตุผล", "a reason is needed")
        raise Refused("reason-missing", *why, 422, {"reason": why})
    if (wanted.kind is Kind.NUISANCE) == (wanted.treatment is Treatment.FIRST):
        why = (
            "ผู้โทรก่อกวนรับสายหลังผู้อื่นหรือไม่รับสาย นอกนั้นรับสายก่อน",
            "a nuisance is taken last or not at all, all others first",
        )
        raise Refused("kind-treatment", *why, 422, {"treatment": why})
    _check_end(wanted, now)
    e164, person = await _whose(connection, wanted)
    if wanted.treatment is not Treatment.FIRST and e164 in spared:
        why = ("หมายเลขของหน่วยงานหรือของสายด่วนเอง", "this is an agency's number, or our own")
        raise Refused("number-spared", *why, 422, {"number": why})
    same = _rules.e164 == e164 if person is None else _rules.person_id == person
    double = select(_rules.id).where(_in_force(now), same).limit(1)
    if (await connection.execute(double)).first() is not None:
        why = ("มีกฎของหมายเลขหรือบุคคลนี้อยู่แล้ว ยกเลิกกฎเดิมก่อน", "there is a rule already: end it first")
        raise Refused("rule-there", *why, 409)
    rule_id = uuid.uuid4().hex[:12]
    await connection.execute(
        insert(caller_rules).values(
            id=rule_id, kind=wanted.kind.value, treatment=wanted.treatment.value, e164=e164,
            person_id=person, call_id=wanted.call_id, reason=reason, begun_us=now, begun_by=by.id,
            until_us=wanted.until_us,
        )
    )  # fmt: skip
    return (await named(connection, [rule_id]))[rule_id]


def _check_end(wanted: Wanted, now: Micros) -> None:
    until = wanted.until_us
    if until is None and wanted.treatment is Treatment.FIRST:
        return
    latest = now + LONGEST // _MICROS
    if (
        until is None
        or until <= now
        or (wanted.treatment is not Treatment.FIRST and until > latest)
    ):
        why = (
            f"กรุณาระบุเวลาสิ้นสุดในอนาคต ไม่เกิน {LONGEST.days} วัน",
            f"its end must be in the future, {LONGEST.days} days ahead at most",
        )
        raise Refused("until-out-of-range", *why, 422, {"until": why})


async def _whose(connection: AsyncConnection, wanted: Wanted) -> tuple[str | None, str | None]:
    """The number or the person that the rule is of."""
    if wanted.person_id is not None:
        query = select(persons.c.root_id).where(
            persons.c.id == wanted.person_id, persons.c.erased_us.is_(None)
        )
        person = (await connection.execute(query)).scalar_one_or_none()
        if person is None:
            raise Refused("no-such-person", "ไม่พบผู้ติดต่อ", "there is no such person", 404)
        return None, str(person)
    e164: str | None = None
    if wanted.number is not None:
        e164 = normalise(wanted.number).e164
    elif wanted.call_id is not None:
        query = select(calls.c.caller_e164).where(calls.c.call_id == wanted.call_id)
        e164 = (await connection.execute(query)).scalar_one_or_none()
    if e164 is None:
        why = (
            "ต้องเป็นหมายเลขโทรศัพท์เต็ม หมายเลขฉุกเฉิน หมายเลขสั้น และสายที่ไม่แสดงหมายเลขใช้ไม่ได้",
            "this takes a whole telephone number: none withheld, no short or emergency number",
        )
        raise Refused("no-number", *why, 422, {"number": why})
    return e164, None


async def end(connection: AsyncConnection, clock: Clock, by: Account, rule_id: str) -> Rule:
    """Ends a rule that is in force. Raises Refused."""
    now = clock.now_us()
    done = await connection.execute(
        update(caller_rules)
        .where(_rules.id == rule_id, _in_force(now))
        .values(ended_us=now, ended_by=by.id)
    )
    if not done.rowcount:
        raise Refused("no-such-rule", "ไม่มีกฎนี้ หรือสิ้นสุดแล้ว", "there is no such rule in force", 404)
    return (await named(connection, [rule_id]))[rule_id]


async def page(
    connection: AsyncConnection, now: Micros, *, ended: bool = False, limit: int = 200
) -> list[Rule]:
    """Those in force, or those that have ended; the newest first."""
    in_force = _in_force(now)
    return await _found(connection, ~in_force if ended else in_force, limit)


async def named(connection: AsyncConnection, rule_ids: Collection[str]) -> dict[str, Rule]:
    """Rules by their ids."""
    found = await _found(connection, _rules.id.in_(list(rule_ids)), len(rule_ids) or 1)
    return {rule.id: rule for rule in found}


async def by_number(
    connection: AsyncConnection, now: Micros, spared: Collection[str] = ()
) -> Mapping[str, tuple[Rule, ...]]:
    """Every rule in force by each number that it is of; of `spared` only those that put first."""
    found: dict[str, list[Rule]] = {}
    theirs: dict[str, list[str]] = {}
    rules = await _found(connection, _in_force(now), 20_000)
    roots = [rule.person_id for rule in rules if rule.person_id is not None]
    if roots:
        rule_person, root = persons.alias("of_rule"), persons.alias("root")
        query = (
            select(rule_person.c.id, person_numbers.c.e164)
            .select_from(rule_person)
            .join(root, root.c.id == rule_person.c.root_id)
            .join(persons, persons.c.root_id == root.c.id)
            .join(person_numbers, person_numbers.c.person_id == persons.c.id)
            .where(
                rule_person.c.id.in_(select(_rules.person_id).where(_in_force(now))),
                root.c.erased_us.is_(None),
            )
        )
        for person, number in await connection.execute(query):
            theirs.setdefault(person, []).append(number)
    for rule in rules:
        numbers = [rule.e164] if rule.e164 else theirs.get(rule.person_id or "", [])
        for number in dict.fromkeys(numbers):
            if number in spared and rule.treatment is not Treatment.FIRST:
                continue
            found.setdefault(number, []).append(rule)
    return {number: tuple(held) for number, held in found.items()}


async def of_person(connection: AsyncConnection, now: Micros, person_id: str) -> list[Rule]:
    """Those in force that are of the person, merged ones included, or of a number."""
    ids = await group_ids(connection, person_id)
    return await _found(connection, _in_force(now) & _rules.person_id.in_(ids), 20)


async def of_number(connection: AsyncConnection, now: Micros, e164: str) -> list[Rule]:
    """Those in force that are of this very number."""
    return await _found(connection, _in_force(now) & (_rules.e164 == e164), 20)


def _in_force(now: Micros) -> ColumnElement[bool]:
    return _rules.ended_us.is_(None) & or_(_rules.until_us.is_(None), _rules.until_us > now)


async def _found(connection: AsyncConnection, which: ColumnElement[bool], limit: int) -> list[Rule]:
    began, ended = accounts.alias("began"), accounts.alias("ended")
    root = persons.alias("root_person")
    query = (
        select(
            caller_rules, root.c.name.label("person_name"), began.c.name_th.label("began_name"),
            ended.c.name_th.label("ended_name"),
        )
        .select_from(caller_rules)
        .join(began, began.c.id == _rules.begun_by)
        .outerjoin(ended, ended.c.id == _rules.ended_by)
        .outerjoin(persons, persons.c.id == _rules.person_id)
        .outerjoin(root, root.c.id == persons.c.root_id)
        .where(which)
        .order_by(_rules.begun_us.desc(), _rules.id)
        .limit(limit)
    )  # fmt: skip
    return [_of_row(row) for row in await connection.execute(query)]


def _of_row(row: Any) -> Rule:
    return Rule(
        row.id, Kind(row.kind), Treatment(row.treatment), row.e164, row.person_id, row.person_name,
        row.call_id, row.reason, row.begun_us, row.began_name, row.until_us, row.ended_us,
        row.ended_name,
    )  # fmt: skip
