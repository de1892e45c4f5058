"""What calls and cases are about: a catalogue of two levels that an administrator edits.

A subject is never deleted, for records name it; one that is no longer used is put out of use.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.records.callers import clean
from crm_bridge.records.desk_tables.wrapups import subjects

SERVICES: Final[dict[str, tuple[str, str]]] = {
    "information": ("ให้ข้อมูล / คำปรึกษา", "Information and advice"),
    "complaint": ("รับเรื่องร้องเรียน", "Complaint"),
    "appointment": ("นัดหมาย VDO Conference", "VDO conference appointment"),
    "market_information": ("ข้อมูลการตลาด", "Market information"),
}
"""The hotline's services by their shortest name, Thai and English."""

_LONGEST: Final = 120


@dataclass(frozen=True, slots=True)
class Subject:
    """One entry of the catalogue; `service` `None`: of every service."""

    id: str
    parent_id: str | None
    service: str | None
    name_th: str
    name_en: str
    active: bool
    ordinal: int
    version: int

    def name(self, language: str = "th") -> str:
        """The name to show; the other language's where there is none."""
        return (self.name_en if language == "en" else self.name_th) or self.name_th or self.name_en


@dataclass(frozen=True, slots=True)
class Heading:
    """A subject of the first level and those below it."""

    subject: Subject
    below: tuple[Subject, ...]


async def catalogue(
    connection: AsyncConnection, *, service: str | None = None, unused: bool = False
) -> list[Heading]:
    """The catalogue in its order; of one service where it is named, with those out of use if asked.

    A subject below a heading out of use is out of use.
    """
    query = select(subjects).order_by(subjects.c.ordinal, subjects.c.id)
    found = [_of_row(row) for row in (await connection.execute(query)).all()]
    wanted = [s for s in found if unused or s.active]
    below: dict[str, list[Subject]] = {}
    for subject in wanted:
        if subject.parent_id is not None:
            below.setdefault(subject.parent_id, []).append(subject)
    return [
        Heading(subject, tuple(below.get(subject.id, ())))
        for subject in wanted
        if subject.parent_id is None and (service is None or subject.service in {None, service})
    ]


async def names(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Names to show, Thai and English, by id, out of use or not: `ธงฟ้า › ราคาสินค้าธงฟ้า`."""
    wanted = set(ids)
    if not wanted:
        return {}
    above = subjects.alias("above")
    query = (
        select(
            subjects.c.id, subjects.c.name_th, subjects.c.name_en,
            above.c.name_th.label("above_th"), above.c.name_en.label("above_en"),
        )
        .select_from(subjects.outerjoin(above, above.c.id == subjects.c.parent_id))
        .where(subjects.c.id.in_(wanted))
    )  # fmt: skip
    return {
        row.id: (_path(row.above_th, row.name_th), _path(row.above_en, row.name_en or row.name_th))
        for row in (await connection.execute(query)).all()
    }


async def find(connection: AsyncConnection, subject_id: str) -> Subject:
    """One entry; Refused (404) where there is none."""
    query = select(subjects).where(subjects.c.id == subject_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise Refused("no-such-subject", "ไม่พบหัวข้อเรื่องนี้", "there is no such subject", 404)
    return _of_row(row)


async def usable(connection: AsyncConnection, subject_id: str) -> Subject:
    """One entry that a new record may name; Refused (422) where it is out of use or unknown."""
    query = select(subjects).where(subjects.c.id == subject_id)
    row = (await connection.execute(query)).one_or_none()
    parent = None
    if row is not None and row.active and row.parent_id is not None:
        parent = (
            await connection.execute(select(subjects).where(subjects.c.id == row.parent_id))
        ).one_or_none()
    if row is None or not row.active or (parent is not None and not parent.active):
        th, en = "หัวข้อเรื่องนี้ไม่มีในรายการที่ใช้อยู่", "this subject is not in use"
        raise Refused("subject-not-in-use", th, en, 422, {"subject_id": (th, en)})
    return _of_row(row)


async def add(
    connection: AsyncConnection,
    clock: Clock,
    *,
    name_th: str,
    name_en: str = "",
    parent_id: str | None = None,
    service: str | None = None,
) -> Subject:
    """A new entry behind its neighbours; Refused where it lacks a name or stands too deep."""
    name_th, name_en = _named(name_th, name_en)
    _known_service(service)
    if parent_id is not None:
        parent = await find(connection, parent_id)
        if parent.parent_id is not None:
            th, en = "รายการหัวข้อเรื่องมีได้สองระดับ", "the catalogue has two levels"
            raise Refused("too-deep", th, en, 422, {"parent_id": (th, en)})
        service = parent.service
    last = select(func.max(subjects.c.ordinal)).where(
        subjects.c.parent_id.is_not_distinct_from(parent_id)
    )
    made = Subject(
        uuid.uuid4().hex, parent_id, service, name_th, name_en, active=True,
        ordinal=((await connection.execute(last)).scalar() or 0) + 1, version=1,
    )  # fmt: skip
    await connection.execute(
        insert(subjects).values(
            id=made.id, parent_id=parent_id, service=service, name_th=name_th, name_en=name_en,
            active=True, ordinal=made.ordinal, updated_us=clock.now_us(), version=1,
        )
    )  # fmt: skip
    return made


async def change(
    connection: AsyncConnection,
    clock: Clock,
    subject_id: str,
    *,
    name_th: str,
    name_en: str,
    active: bool,
    ordinal: int,
    service: str | None = None,
) -> Subject:
    """An entry as it is from now on; what stands below a heading follows it to its service.

    The version is the caller's to check, in the same transaction.
    """
    before = await find(connection, subject_id)
    name_th, name_en = _named(name_th, name_en)
    _known_service(service)
    if before.parent_id is not None:
        service = before.service
    now = clock.now_us()
    await connection.execute(
        update(subjects)
        .where(subjects.c.id == subject_id)
        .values(
            name_th=name_th, name_en=name_en, active=active, ordinal=ordinal, service=service,
            updated_us=now, version=before.version + 1,
        )
    )  # fmt: skip
    if service != before.service:
        await connection.execute(
            update(subjects).where(subjects.c.parent_id == subject_id).values(service=service)
        )
    return await find(connection, subject_id)


def _named(th: str, en: str) -> tuple[str, str]:
    th, en = clean(th, _LONGEST).strip(), clean(en, _LONGEST).strip()
    if not th:
        why = ("กรุณาระบุชื่อภาษาไทย", "a Thai name is needed")
        raise Refused("name-missing", *why, 422, {"name_th": why})
    return th, en


def _known_service(service: str | None) -> None:
    if service is not None and service not in SERVICES:
        why = ("ไม่มีบริการนี้", "there is no such service")
        raise Refused("no-such-service", *why, 422, {"service": why})


def _path(above: str | None, name: str) -> str:
    return f"{above} › {name}" if above else name


def _of_row(row: Row[Any]) -> Subject:
    return Subject(
        row.id, row.parent_id, row.service, row.name_th, row.name_en, row.active, row.ordinal,
        row.version,
    )  # fmt: skip
