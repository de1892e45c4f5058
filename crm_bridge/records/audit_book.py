"""Reading the audit log: pages of it, whether it is whole, its head; and cutting its front."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.records.audit import Entry, note
from crm_bridge.records.chain import Anchor, Break, Row, follows
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.audit import audit_cuts, audit_log

_PAGE: Final = 5_000
CUT: Final = "audit.cut"
"""The act of the row that says where the front was cut."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many rows were looked at, from which to which, and the first that is not right."""

    checked: int
    first: int
    head: Anchor | None
    broken: Break | None


async def head(connection: AsyncConnection) -> Anchor | None:
    """The last row and its hash; `None` where nothing is on record."""
    query = select(audit_log.c.seq, audit_log.c.hash).order_by(audit_log.c.seq.desc()).limit(1)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else Anchor(row.seq, row.hash)


async def rows(
    database: Database, *, since: int | None = None, until: int | None = None
) -> AsyncIterator[Row]:
    """Rows in their order, a page at a time; `until` is not included."""
    wanted: list[ColumnElement[bool]] = []
    if since is not None:
        wanted.append(audit_log.c.at_us >= since)
    if until is not None:
        wanted.append(audit_log.c.at_us < until)
    after = 0
    while True:
        query = select(audit_log).where(audit_log.c.seq > after, *wanted)
        async with database.reading() as connection:
            page = (await connection.execute(query.order_by(audit_log.c.seq).limit(_PAGE))).all()
        for row in page:
            yield Row(*row)
        if len(page) < _PAGE:
            return
        after = page[-1].seq


async def verify(database: Database, anchor: Anchor | None = None) -> Verdict:
    """Reads the whole log; its end can only be vouched for by an anchor that was kept elsewhere."""
    async with database.reading() as connection:
        cuts = {
            row.upto: row.hash for row in await connection.execute(select(audit_cuts))
        }  # fmt: skip
    start = max(cuts, default=0)
    before = Anchor(start, cuts[start]) if start else None
    first, checked, anchored = start + 1, 0, None if anchor is None else False
    said: set[tuple[int, str]] = set()
    last: Row | None = None
    if anchor is not None and anchor.seq <= start:
        if cuts.get(anchor.seq) != anchor.hash:
            return Verdict(0, first, before, _out_of_reach(anchor, start))
        anchored = True
    async for row in rows(database):
        if row.seq <= start:  # a cut was broken off: what it names is still there
            continue
        broken = follows(last or before, row)
        if broken is not None:
            return Verdict(checked, first, _anchor(last, before), broken)
        checked, last = checked + 1, row
        if row.act == CUT and row.about is not None:
            said.add(_cut(row))
        if anchor is not None and row.seq == anchor.seq:
            if row.hash != anchor.hash:
                return Verdict(checked, first, _anchor(last, before), _other(anchor))
            anchored = True
    end = _anchor(last, before)
    if start and (start, cuts[start]) not in said:
        return Verdict(checked, first, end, _unsaid(start))
    if anchor is not None and not anchored:
        return Verdict(checked, first, end, _tail(anchor, end))
    return Verdict(checked, first, end, None)


async def page(
    connection: AsyncConnection,
    *,
    kind: str = "",
    by: str = "",
    about: str = "",
    act: str = "",
    since: int | None = None,
    until: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Row]:
    """Rows, the newest first; `about` finds an id also where a row names many."""
    wanted: list[ColumnElement[bool]] = []
    if kind:
        wanted.append(audit_log.c.kind == kind)
    if by:
        wanted.append(audit_log.c.by_account == by)
    if about:
        inside = audit_log.c.detail.contains(about, autoescape=True)
        wanted.append(
            or_(audit_log.c.about == about, audit_log.c.about.endswith(f":{about}"), inside)
        )
    if act:
        wanted.append(audit_log.c.act.contains(act, autoescape=True))
    if since is not None:
        wanted.append(audit_log.c.at_us >= since)
    if until is not None:
        wanted.append(audit_log.c.at_us < until)
    if before is not None:
        wanted.append(audit_log.c.seq < before)
    query = select(audit_log).where(*wanted).order_by(audit_log.c.seq.desc()).limit(limit)
    return [Row(*row) for row in (await connection.execute(query)).all()]


async def cuttable(
    connection: AsyncConnection, before_us: int
) -> tuple[int, int | None, int | None]:
    """How many rows `cut` would take away, and the moments of the oldest and the newest of them."""
    upto = await _upto(connection, before_us)
    query = select(
        func.count(audit_log.c.seq), func.min(audit_log.c.at_us), func.max(audit_log.c.at_us)
    ).where(audit_log.c.seq <= upto)
    count, oldest, newest = (await connection.execute(query)).one()
    return count, oldest, newest


async def _upto(connection: AsyncConnection, before_us: int) -> int:
    """The last row before the first that is young, and never the last of all."""
    top = await head(connection)
    if top is None:
        return 0
    young = select(func.min(audit_log.c.seq)).where(audit_log.c.at_us >= before_us)
    return min((await connection.scalar(young) or top.seq) - 1, top.seq - 1)


async def cut(connection: AsyncConnection, now_us: int, before_us: int) -> int:
    """Takes away the rows at the front that are older; the rest still verifies. Returns how many.

    The last row of before is named by the cut and by a row of the log itself. Rows behind a younger
    one stay: a clock that was wrong must not open a gap.
    """
    upto = await _upto(connection, before_us)
    query = select(audit_log.c.hash).where(audit_log.c.seq == upto)
    found = await connection.scalar(query)
    if found is None:
        return 0
    count, oldest, newest = await cuttable(connection, before_us)
    await connection.execute(insert(audit_cuts).values(upto=upto, hash=found, at_us=now_us))
    await connection.execute(delete(audit_log).where(audit_log.c.seq <= upto))
    note(connection, Entry(
        CUT, now_us, f"audit:{upto}:{found}",
        {"count": count, "oldest_us": oldest, "newest_us": newest}, "retention",
    ))  # fmt: skip
    return count


def _anchor(last: Row | None, before: Anchor | None) -> Anchor | None:
    return before if last is None else Anchor(last.seq, last.hash)


def _cut(row: Row) -> tuple[int, str]:
    _, upto, found = (row.about or "").split(":")
    return int(upto), found


def _out_of_reach(anchor: Anchor, start: int) -> Break:
    return Break(
        anchor.seq,
        f"แถว {anchor.seq} ที่บันทึกไว้ถูกตัดออกตามกำหนดเก็บรักษาแล้ว (ถึงแถว {start}) จึงตรวจกับค่านี้ไม่ได้",
        f"row {anchor.seq} of the anchor was cut by retention (up to {start}):"
        " it cannot be checked by this anchor",
    )


def _other(anchor: Anchor) -> Break:
    return Break(
        anchor.seq,
        f"แถว {anchor.seq} มีค่าแฮชต่างจากที่บันทึกไว้: แถวนี้หรือแถวก่อนหน้าถูกเขียนใหม่ทั้งสาย",
        f"row {anchor.seq} has another hash than the anchor: it, or rows before, were written anew",
    )


def _tail(anchor: Anchor, end: Anchor | None) -> Break:
    at = 0 if end is None else end.seq
    return Break(
        at + 1,
        f"บันทึกจบที่แถว {at} แต่ค่าที่บันทึกไว้คือแถว {anchor.seq}: ส่วนท้ายถูกตัดออก",
        f"the log ends at row {at}, the anchor names row {anchor.seq}: its end was cut off",
    )


def _unsaid(start: int) -> Break:
    return Break(
        start,
        f"แถวถึง {start} ถูกตัดออกโดยไม่มีแถวในบันทึกที่ระบุการตัดนั้น",
        f"rows up to {start} were cut, and no row of the log says so",
    )
