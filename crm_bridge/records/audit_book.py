"""Reading the audit log: pages of it, whether it is whole, its head; and cutting its front."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.records.audit import Entry, note
from crm_bridge.records.chain import Anchor, Break, Row, follows
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.audit import audit_cuts, audit_log

_PAGE: Final = 1_000
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
) -> AsyncGenerator[Row, None]:
    """Rows in their order, all of one unmoving view; `until` is not included."""
    async with database.reading() as connection:
        async for found in _pages(connection, since, until):
            for row in found:
                yield row


async def _pages(
    connection: AsyncConnection, since: int | None = None, until: int | None = None
) -> AsyncIterator[list[Row]]:
    wanted: list[ColumnElement[bool]] = []
    if since is not None:
        wanted.append(audit_log.c.at_us >= since)
    if until is not None:
        wanted.append(audit_log.c.at_us < until)
    after = 0
    while True:
        query = select(audit_log).where(audit_log.c.seq > after, *wanted)
        query = query.order_by(audit_log.c.seq).limit(_PAGE)
        found = [Row(*row) for row in (await connection.execute(query)).all()]
        yield found
        if len(found) < _PAGE:
            return
        after = found[-1].seq


async def verify(database: Database, anchor: Anchor | None = None) -> Verdict:
    """Reads the whole log; its end can only be vouched for by an anchor that was kept elsewhere.

    Rows are hashed in a thread: calls go on meanwhile.
    """
    # cuts and rows of one view: a cut in between would look like rows that were deleted
    async with database.reading() as connection:
        query = select(audit_cuts.c.upto, audit_cuts.c.hash)
        cuts = {row.upto: row.hash for row in await connection.execute(query)}
        check = _Check(cuts, anchor)
        if check.broken is None:
            async for found in _pages(connection):
                if not await asyncio.to_thread(check.take, found):
                    break
    return check.verdict()


class _Check:
    """What is known of the log so far, row after row; no I/O."""

    def __init__(self, cuts: Mapping[int, str], anchor: Anchor | None) -> None:
        self._start = max(cuts, default=0)
        self._before = Anchor(self._start, cuts[self._start]) if self._start else None
        self._last = self._before
        self._anchor = anchor
        self._anchored = anchor is None
        self._said = not self._start
        """Whether the newest cut is a row of the log."""
        self._checked = 0
        self.broken: Break | None = None
        if anchor is not None and anchor.seq <= self._start:
            self._anchored = True
            if cuts.get(anchor.seq) != anchor.hash:
                self.broken = _out_of_reach(anchor, self._start)

    def take(self, found: Sequence[Row]) -> bool:
        """The next rows; the first that is not right ends it. Whether to go on."""
        for row in found:
            if row.seq <= self._start:  # a cut was broken off: what it names is still there
                continue
            self.broken = follows(self._last, row)
            if self.broken is not None:
                return False
            self._checked, self._last = self._checked + 1, Anchor(row.seq, row.hash)
            if row.act == CUT and self._before is not None:
                self._said = self._said or row.about == _named(self._before)
            if self._anchor is not None and row.seq == self._anchor.seq:
                self._anchored = True
                if row.hash != self._anchor.hash:
                    self.broken = _other(self._anchor)
                    return False
        return True

    def verdict(self) -> Verdict:
        """What was found, after the last row."""
        broken = self.broken
        if broken is None and not self._said:
            broken = _unsaid(self._start)
        if broken is None and self._anchor is not None and not self._anchored:
            broken = _tail(self._anchor, self._last)
        return Verdict(self._checked, self._start + 1, self._last, broken)


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
        CUT, now_us, _named(Anchor(upto, found)),
        {"count": count, "oldest_us": oldest, "newest_us": newest}, "retention",
    ))  # fmt: skip
    return count


def _named(cut: Anchor) -> str:
    return f"audit:{cut.seq}:{cut.hash}"


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
