"""What was not heard, on record: spans of a line, calls they touched, how far books are read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, delete, func, insert, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.records.desk_tables.books import book_places, line_gaps
from crm_bridge.records.tables import calls, gaps
from ivr.books.tail import Place
from ivr.calls.call import Gap, Micros

STOPPED, LINK, FULL, ASTERISK = "stopped", "link", "full", "asterisk"


@dataclass(frozen=True, slots=True)
class Touched:
    """A call of which a span was not heard."""

    call_id: str
    entered_at: Micros
    started_at: Micros
    ended_at: Micros | None
    filled_by: str | None
    end_known: bool
    """False where it is over and nobody knows since when."""

    @property
    def of_the_books(self) -> bool:
        """No event told of this call at all."""
        return self.started_at <= self.entered_at and self.filled_by is not None


@dataclass(frozen=True, slots=True)
class LineGap:
    """A span in which nothing was heard of a node; without `ended_at` it still lasts."""

    node: str
    started_at: Micros
    ended_at: Micros | None
    cause: str
    """`stopped`, `link`, `full`, `asterisk`; empty for a span known by its calls alone."""
    read_at: Micros | None
    touched: list[Touched] = field(default_factory=list)

    @property
    def checked(self) -> bool:
        """Whether the books were read over it: else there may have been calls nobody knows of."""
        return self.read_at is not None or not self.cause

    @property
    def unknown(self) -> list[Touched]:
        """The calls of which no book told the rest."""
        return [call for call in self.touched if call.filled_by is None]

    @property
    def filled_by(self) -> list[str]:
        """The books that filled it, each once."""
        return sorted({call.filled_by for call in self.touched if call.filled_by is not None})


async def keep_gap(
    connection: AsyncConnection, node: str, started: Micros, ended: Micros | None, cause: str
) -> None:
    """Puts a span on record, or its end; told twice it is once."""
    mine = and_(line_gaps.c.node == node, line_gaps.c.started_us == started)
    known = (await connection.execute(select(line_gaps).where(mine))).one_or_none()
    if known is None:
        row = {"node": node, "started_us": started, "ended_us": ended, "cause": cause}
        await connection.execute(insert(line_gaps).values(row))
    elif known.ended_us is None and ended is not None:
        await connection.execute(update(line_gaps).where(mine).values(ended_us=ended, cause=cause))


async def places(
    connection: AsyncConnection, node: str
) -> tuple[Micros, Place | None, Place | None] | None:
    """From when on calls are looked at, and the places in CEL and queue_log; `None` at first."""
    query = select(book_places).where(book_places.c.node == node)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    cel, queue_log = (Place.of_text(text) if text else None for text in (row.cel, row.queue_log))
    return row.since_us, cel, queue_log


async def keep_places(
    connection: AsyncConnection, node: str, since: Micros, cel: Place | None,
    queue_log: Place | None, now: Micros, read_to: Micros | None,
) -> None:  # fmt: skip
    """How far the books are read; every span that ended before `read_to` has been read over."""
    await connection.execute(delete(book_places).where(book_places.c.node == node))
    await connection.execute(
        insert(book_places).values(
            node=node, since_us=since, cel=cel.as_text() if cel else None,
            queue_log=queue_log.as_text() if queue_log else None, read_us=now,
        )
    )  # fmt: skip
    if read_to is not None:
        await connection.execute(
            update(line_gaps)
            .where(line_gaps.c.node == node, line_gaps.c.ended_us <= read_to)
            .where(line_gaps.c.read_us.is_(None))
            .values(read_us=now)
        )


async def first_call(connection: AsyncConnection, node: str) -> Micros | None:
    """When the first call on record entered this node."""
    query = select(func.min(calls.c.entered_us)).where(calls.c.node == node)
    found: Micros | None = (await connection.execute(query)).scalar_one()
    return found


async def line_gaps_of(
    connection: AsyncConnection, since: Micros | None = None, until: Micros | None = None,
    most: int = 200,
) -> list[LineGap]:  # fmt: skip
    """The spans of that time, the latest first, each with the calls it touched."""
    query = select(line_gaps).order_by(line_gaps.c.started_us.desc()).limit(most)
    if since is not None:
        query = query.where(or_(line_gaps.c.ended_us.is_(None), line_gaps.c.ended_us >= since))
    if until is not None:
        query = query.where(line_gaps.c.started_us < until)
    found = [LineGap(*row) for row in (await connection.execute(query)).all()]
    touched = await _touched(connection, since, until, most * 50)
    alone: list[tuple[str, Touched]] = []
    for node, call in touched:
        homes = [gap for gap in found if gap.node == node and _meets(gap, call)]
        for gap in homes:
            gap.touched.append(call)
        if not homes:
            alone.append((node, call))
    for gap in found:
        gap.touched.sort(key=lambda call: call.entered_at)
    found += [LineGap(node, c.started_at, c.ended_at, "", None, [c]) for node, c in alone]
    return sorted(found, key=lambda gap: gap.started_at, reverse=True)[:most]


async def _touched(
    connection: AsyncConnection, since: Micros | None, until: Micros | None, most: int
) -> Iterable[tuple[str, Touched]]:
    query: Any = (
        select(calls.c.node, gaps.c.call_id, calls.c.entered_us, gaps.c.started_us,
               gaps.c.ended_us, gaps.c.filled_by,
               or_(calls.c.ended_us.is_not(None), not_(calls.c.closed)))
        .join(calls, calls.c.call_id == gaps.c.call_id)
        .order_by(gaps.c.started_us.desc())
        .limit(most)
    )  # fmt: skip
    if since is not None:
        query = query.where(or_(gaps.c.ended_us.is_(None), gaps.c.ended_us >= since))
    if until is not None:
        query = query.where(gaps.c.started_us < until)
    rows = (await connection.execute(query)).all()
    return [
        (node, Touched(call_id, entered, started, ended, filled, bool(known)))
        for node, call_id, entered, started, ended, filled, known in rows
    ]


async def causes_of(connection: AsyncConnection, node: str, missed: list[Gap]) -> list[str]:
    """Why each of a call's gaps came to be; empty for one that no span of its line meets."""
    if not missed:
        return []
    query = select(line_gaps).where(line_gaps.c.node == node)
    query = query.where(
        or_(
            line_gaps.c.ended_us.is_(None),
            line_gaps.c.ended_us >= min(gap.started_at for gap in missed),
        )
    )
    if all(gap.ended_at is not None for gap in missed):
        query = query.where(line_gaps.c.started_us <= max(gap.ended_at or 0 for gap in missed))
    spans = [LineGap(*row) for row in (await connection.execute(query)).all()]
    found = []
    for gap in missed:
        homes = [span for span in spans if _meets(span, gap)]
        nearest = min(homes, key=lambda s: abs(s.started_at - gap.started_at), default=None)
        found.append(nearest.cause if nearest else "")
    return found


def _meets(span: LineGap, missed: Touched | Gap) -> bool:
    begins = missed.ended_at is None or missed.ended_at >= span.started_at
    return begins and (span.ended_at is None or missed.started_at <= span.ended_at)
