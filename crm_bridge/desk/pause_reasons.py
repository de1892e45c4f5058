"""The reasons for a pause, as the administrator keeps them: added, changed, put out of use.

A code is never changed or taken away: it stands in what agents did before, and in the queues.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.errors import Refused
from crm_bridge.plain_text import plain_line
from crm_bridge.records.desk_tables.agents import pause_reasons


@dataclass(frozen=True, slots=True)
class PauseReason:
    """One row of `pause_reasons`."""

    code: str
    name_th: str
    name_en: str
    position: int
    active: bool
    version: int


async def every(connection: AsyncConnection) -> list[PauseReason]:
    """All of them, those out of use too, in the order in which they are offered."""
    table = pause_reasons.c
    rows = await connection.execute(select(pause_reasons).order_by(table.position, table.code))
    return [_of_row(row) for row in rows]


async def find(connection: AsyncConnection, code: str) -> PauseReason:
    """The reason of this code; Refused (404) where there is none."""
    query = select(pause_reasons).where(pause_reasons.c.code == code)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise Refused("no-such-reason", "ไม่มีเหตุผลการพักนี้", "there is no such reason", 404)
    return _of_row(row)


async def add(connection: AsyncConnection, *, name_th: str, name_en: str) -> PauseReason:
    """A new reason behind all others, with a code of its own."""
    name_th, name_en = _named(name_th, name_en)
    last = await connection.scalar(select(func.max(pause_reasons.c.position)))
    made = PauseReason(uuid.uuid4().hex[:12], name_th, name_en, (last or 0) + 1, True, 1)
    await connection.execute(
        insert(pause_reasons).values(
            code=made.code, name_th=name_th, name_en=name_en, position=made.position,
            active=True, version=1,
        )
    )  # fmt: skip
    return made


async def change(
    connection: AsyncConnection, code: str, based_on: int, *, name_th: str, name_en: str,
    position: int, active: bool,
) -> PauseReason:  # fmt: skip
    """The reason as it is from now on; whoever pauses for one put out of use goes on doing so.

    Refused (412) where it was changed since `based_on`.
    """
    before = await find(connection, code)
    if before.version != based_on:
        raise Refused(
            "changed-meanwhile",
            "มีผู้อื่นแก้ไขข้อมูลนี้ไปแล้ว โปรดโหลดใหม่แล้วแก้ไขอีกครั้ง",
            "somebody else has changed this meanwhile: load it again, then repeat the edit",
            412,
        )
    name_th, name_en = _named(name_th, name_en)
    await connection.execute(
        update(pause_reasons)
        .where(pause_reasons.c.code == code)
        .values(
            name_th=name_th, name_en=name_en, position=position, active=active,
            version=before.version + 1,
        )
    )  # fmt: skip
    return await find(connection, code)


def _named(th: str, en: str) -> tuple[str, str]:
    th, en = plain_line(th).strip(), plain_line(en).strip()
    if not th:
        why = ("กรุณาระบุชื่อภาษาไทย", "a Thai name is needed")
        raise Refused("name-missing", *why, 422, {"name_th": why})
    return th, en or th


def _of_row(row: Row[tuple[str, str, str, int, bool, int]]) -> PauseReason:
    return PauseReason(row.code, row.name_th, row.name_en, row.position, row.active, row.version)
