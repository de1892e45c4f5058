"""The rights of a person under the PDPA: a copy of everything held, and erasure.

A supervisor asks, an administrator acts; who, when, why and what the law kept is recorded. What an
act leaves on record says nothing of who the person was.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Literal

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.people.export import archive
from crm_bridge.people.holds import Hold
from crm_bridge.people.names import plain
from crm_bridge.people.persons import get, listed
from crm_bridge.people.rooms import ROOMS
from crm_bridge.people.subject import Subject, subject_of
from crm_bridge.records import audit
from crm_bridge.records.audit import Entry
from crm_bridge.records.callers import clean
from crm_bridge.records.desk_tables.people import persons, privacy_acts

Kind = Literal["export", "erasure"]
State = Literal["asked", "done", "declined"]


class Identity(StrEnum):
    """How it was made sure who asks; it stands on the audit log with the act."""

    ID_CARD = "id_card"
    IN_PERSON = "in_person"
    CALLED_BACK = "called_back"
    SIGNED_LETTER = "signed_letter"
    NOT_STATED = "not_stated"


IDENTITIES: Final[dict[Identity, tuple[str, str]]] = {
    Identity.ID_CARD: ("ตรวจบัตรประชาชนหรือหนังสือเดินทาง", "Identity card or passport seen"),
    Identity.IN_PERSON: ("มาด้วยตนเองและเจ้าหน้าที่รู้จัก", "In person, known to the officer"),
    Identity.CALLED_BACK: ("โทรกลับไปยังหมายเลขของบุคคลนั้น", "Called back at the own number"),
    Identity.SIGNED_LETTER: ("หนังสือลงลายมือชื่อ", "Signed letter"),
    Identity.NOT_STATED: ("ไม่ได้ระบุ", "Not stated"),
}

ASKS = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})
ACTS = frozenset({Role.ADMINISTRATOR})
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class PrivacyAct:
    """One export or erasure: asked for, done or declined; `done` counts records by room."""

    id: str
    person_id: str
    kind: Kind
    state: State
    why: str
    asked_us: int
    asked_by: str
    done_us: int | None
    done_by: str | None
    holds: Sequence[Mapping[str, str | None]]
    done: Mapping[str, int]


async def ask(
    connection: AsyncConnection, clock: Clock, by: Account, person_id: str, kind: Kind, why: str
) -> PrivacyAct:
    """Ask for an export or erasure; asked for already, it is the same request."""
    _may(by, ASKS)
    person = await get(connection, person_id)
    reason = _reason(why)
    for act in await acts_of(connection, person.id):
        if act.kind == kind and act.state == "asked":
            return act
    made = PrivacyAct(
        uuid.uuid4().hex,
        person.id,
        kind,
        "asked",
        reason,
        clock.now_us(),
        by.id,
        None,
        None,
        (),
        {},
    )
    await _write(connection, made)
    return made


async def decline(
    connection: AsyncConnection, clock: Clock, by: Account, act_id: str, why: str
) -> PrivacyAct:
    """Say no to a request, with the reason that the person is told."""
    _may(by, ACTS)
    act = await _asked(connection, act_id)
    reason = f"{act.why} → {_reason(why)}"
    done = replace(act, state="declined", why=reason, done_us=clock.now_us(), done_by=by.id)
    await _end(connection, done)
    return done


async def export(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    person_id: str,
    why: str,
    act_id: str | None = None,
    *,
    identity: Identity = Identity.NOT_STATED,
) -> tuple[PrivacyAct, bytes]:
    """Everything held of the person as a zip (data.json, record.html); recorded as done.

    `act_id` is the request this answers, if it was asked for.
    """
    _may(by, ACTS)
    person = await get(connection, person_id)
    act = await _done(connection, clock, by, person.id, "export", why, act_id)
    subject = await subject_of(connection, person.id)
    rooms: dict[str, list[dict[str, Any]]] = {
        room.key: await room.held(connection, subject) for room in ROOMS
    }
    kept = [h for h in await holds_of(connection, clock, subject) if h.ref in subject.shared]
    act = replace(
        act,
        holds=[h.as_json() for h in kept],
        done={key: len(records) for key, records in rooms.items()},
    )
    await _end(connection, act, identity)
    packed = archive(
        clock.now_us(),
        [(room.key, room.th, room.en, rooms[room.key]) for room in ROOMS],
        [h.as_json() for h in kept],
    )
    return act, packed


async def erase(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    person_id: str,
    why: str,
    act_id: str | None = None,
    *,
    identity: Identity = Identity.NOT_STATED,
) -> PrivacyAct:
    """Erase what may be erased of the person; the act names what the law keeps, and until when."""
    _may(by, ACTS)
    person = await get(connection, person_id)
    act = await _done(connection, clock, by, person.id, "erasure", why, act_id)
    subject = await subject_of(connection, person.id)
    kept = await holds_of(connection, clock, subject)
    refs = frozenset(h.ref for h in kept)
    done = {room.key: await room.erase(connection, clock, subject, refs) for room in ROOMS}
    act = replace(act, holds=[h.as_json() for h in kept], done=done)
    await _end(connection, act, identity)
    return act


async def holds_of(connection: AsyncConnection, clock: Clock, subject: Subject) -> list[Hold]:
    """What the law would keep of the person if it were erased now."""
    now = clock.now_us()
    return [hold for room in ROOMS for hold in await room.holds(connection, subject, now)]


async def preview(
    connection: AsyncConnection, clock: Clock, person_id: str
) -> tuple[dict[str, int], list[Hold]]:
    """How many records each room holds of the person, and what an erasure would keep."""
    subject = await subject_of(connection, (await get(connection, person_id)).id)
    counts = {room.key: len(await room.held(connection, subject)) for room in ROOMS}
    return counts, await holds_of(connection, clock, subject)


async def acts_of(connection: AsyncConnection, person_id: str) -> list[PrivacyAct]:
    """What was asked for and done of a person, erased or not; the newest first."""
    root = (await listed(connection, person_id)).id
    whose = select(persons.c.id).where(
        persons.c.root_id == select(persons.c.root_id).where(persons.c.id == root).scalar_subquery()
    )
    query = select(privacy_acts).where(privacy_acts.c.person_id.in_(whose))
    latest = func.coalesce(privacy_acts.c.done_us, privacy_acts.c.asked_us)
    query = query.order_by(latest.desc(), privacy_acts.c.kind == "export", privacy_acts.c.id)
    return [_act(tuple(row)) for row in (await connection.execute(query)).all()]


async def asked(connection: AsyncConnection) -> list[PrivacyAct]:
    """Requests that nobody has answered yet, the oldest first: the law gives thirty days."""
    query = select(privacy_acts).where(privacy_acts.c.state == "asked")
    query = query.order_by(privacy_acts.c.asked_us, privacy_acts.c.id)
    return [_act(tuple(row)) for row in (await connection.execute(query)).all()]


def _may(by: Account, roles: frozenset[Role]) -> None:
    if by.role not in roles:
        raise Refused(
            "not-allowed",
            "ผู้ดูแลระบบเป็นผู้ดำเนินการ หัวหน้างานเป็นผู้ยื่นคำขอ",
            "An administrator does this; a supervisor asks for it.",
            403,
        )


def _reason(why: str) -> str:
    reason = plain(clean(why, _LONGEST_REASON))
    if not reason:
        th, en = "กรุณาระบุเหตุผล", "Give the reason."
        raise Refused("reason", th, en, 422, {"why": (th, en)})
    return reason


async def _asked(connection: AsyncConnection, act_id: str) -> PrivacyAct:
    row = (
        await connection.execute(select(privacy_acts).where(privacy_acts.c.id == act_id))
    ).first()
    if row is None:
        raise Refused("no-such-request", "ไม่พบคำขอนี้", "There is no such request.", 404)
    act = _act(tuple(row))
    if act.state != "asked":
        raise Refused(
            "request-answered", "คำขอนี้ดำเนินการแล้ว", "This request has been answered already."
        )
    return act


async def _done(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    person_id: str,
    kind: Kind,
    why: str,
    act_id: str | None,
) -> PrivacyAct:
    """The act as done now: the request it answers, or a new one of the administrator's own."""
    now = clock.now_us()
    if act_id is not None:
        act = await _asked(connection, act_id)
        if act.kind != kind or act.person_id not in (await subject_of(connection, person_id)).ids:
            raise Refused(
                "other-request", "คำขอนี้เป็นของเรื่องอื่น", "This request is for something else."
            )
        return replace(act, state="done", done_us=now, done_by=by.id)
    act = PrivacyAct(
        uuid.uuid4().hex, person_id, kind, "done", _reason(why), now, by.id, now, by.id, (), {}
    )
    await _write(connection, act)
    return act


async def _write(connection: AsyncConnection, act: PrivacyAct) -> None:
    await connection.execute(
        insert(privacy_acts).values(
            id=act.id,
            person_id=act.person_id,
            kind=act.kind,
            state=act.state,
            why=act.why,
            asked_us=act.asked_us,
            asked_by=act.asked_by,
            done_us=act.done_us,
            done_by=act.done_by,
            holds="[]",
            done="{}",
        )
    )
    if act.state == "asked":
        _note(connection, act, "asked", act.asked_us, act.asked_by)


async def _end(
    connection: AsyncConnection, act: PrivacyAct, identity: Identity | None = None
) -> None:
    await connection.execute(
        update(privacy_acts)
        .where(privacy_acts.c.id == act.id)
        .values(
            state=act.state,
            why=act.why,
            done_us=act.done_us,
            done_by=act.done_by,
            holds=json.dumps(list(act.holds), ensure_ascii=False),
            done=json.dumps(dict(act.done)),
        )
    )
    at_us = act.done_us or act.asked_us
    _note(connection, act, act.state, at_us, act.done_by, identity)


def _note(
    connection: AsyncConnection, act: PrivacyAct, came: str, at_us: int, by: str | None,
    identity: Identity | None = None,
) -> None:  # fmt: skip
    """What was asked or done, on the audit log: by room how many records, what was kept by rule."""
    told = {
        "privacy_act": act.id,
        "done": dict(act.done),
        "kept": sorted({str(hold["rule"]) for hold in act.holds}),
    } | ({} if identity is None else {"identity": identity.value})
    entry = Entry(f"privacy.{act.kind}.{came}", at_us, f"person:{act.person_id}", told, "act", by)
    audit.note(connection, entry)


def _act(row: tuple[Any, ...]) -> PrivacyAct:
    *head, holds, done = row
    return PrivacyAct(*(*head, json.loads(holds), json.loads(done)))
