"""The calls behind a figure: those that add to it, by the very counting that made it.

A figure is the sum of some counts (or of a part of a histogram) over the rows of a form with some
keys. The rows themselves say when there is something to find; the calls entered up to a day before
are looked through from the latest back, each is counted alone, and those that add to the row are
its calls. So what is found adds up to the figure, whatever a form counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.figures.counting import LISTS
from crm_bridge.figures.forms import (
    AGENCY_STEPS,
    AGENT_STEPS,
    AGENTS,
    CALLBACKS,
    CALLS,
    HOURS,
    MENUS,
    QUEUES,
    REPEATS,
    STEPS,
    SURVEYS,
    TRANSFERS,
    WAITS_TOLD,
    Form,
)
from crm_bridge.figures.histogram import Packed
from crm_bridge.figures.levels import DAY, HOUR, QUARTER, Level
from crm_bridge.figures.tallies import Tallies, Tally
from crm_bridge.records.calls import StoredCall, with_lists
from crm_bridge.records.figure_tables import FIGURES, figures_state
from crm_bridge.records.tables import CHILDREN, calls
from crm_bridge.reports.alone import each_alone
from crm_bridge.reports.figure import Figure, total_of
from crm_bridge.reports.sought import sought
from ivr.calls.call import Micros

OF_CALLS: Final[Mapping[str, Form]] = {
    form.name.removeprefix("figures_"): form
    for form in (
        STEPS,
        AGENT_STEPS,
        AGENCY_STEPS,
        QUEUES,
        CALLS,
        AGENTS,
        HOURS,
        TRANSFERS,
        MENUS,
        CALLBACKS,
        REPEATS,
        SURVEYS,
        WAITS_TOLD,
    )
}
"""Forms whose rows are counted from calls, by the name that they have in an address."""

_MOST: Final = 500
"""Calls looked at for one page: what is rarer is found on the next."""
_ROWS: Final = (400, 3_000)
"""Rows of figures read for one page: the fewer fill most pages, what is rare needs the more."""
_NEAR: Final = HOUR
"""Rows that begin no further from each other are looked for together."""
_WIDTHS: Final[dict[Level, Micros]] = {"quarter": QUARTER, "day": DAY, "month": 31 * DAY}
"""The longest that a row of the finest level may be."""
_READ: Final = frozenset(CHILDREN[n] for n in LISTS)

Place = tuple[Micros, Micros, Micros, str, int]
"""Where a page ends: the beginnings of the latest and the earliest row that are looked for, the
last call's entering and id, and how much of them is still to come."""


@dataclass(frozen=True, slots=True)
class Found:
    """A call, and how often it is counted in the figure."""

    stored: StoredCall
    times: int
    alone: Tallies
    """What it adds to all figures."""


@dataclass(frozen=True, slots=True)
class Behind:
    """A page of the calls behind a figure, the latest first; `next` is where the next one begins.

    A page may be short, or empty, though there is a next one: so far back it was looked.
    """

    total: int
    """The figure."""
    calls: tuple[Found, ...]
    next: Place | None


async def behind(
    connection: AsyncConnection, figure: Figure, *, after: Place | None = None, limit: int = 50
) -> Behind:
    """A page of the calls behind a figure; raises StorageError."""
    total = await total_of(connection, figure)
    generation = int((await connection.execute(select(figures_state.c.generation))).scalar_one())
    for most in _ROWS:
        rows, cut = await _rows(connection, figure, after, most)
        if not cut or sum(count for _, count in rows) >= 2 * limit:
            break
    looks = _looks(rows, after, limit)
    search = _Search(connection, figure, generation)
    found: list[Found] = []
    looked = 0
    # what the first look brings is read at once: one query a list for the whole page
    for look in looks[:limit]:
        if looked >= limit:
            break
        look.heads = await search.heads(look, limit)
        looked += len(look.heads)
    await search.read([head for look in looks for head in look.heads])
    for look in looks:
        while look.left > 0:
            if not look.heads:
                look.heads = await search.heads(look, limit)
                await search.read(look.heads)
                looked += len(look.heads)
                if not look.heads:
                    break  # figures of what is no longer on record: they are counted anew
            for head in look.heads:
                if look.left <= 0 or len(found) >= limit:
                    break
                stored = search.stored[head[0]]
                look.last = (stored.call.entered_at, stored.call.call_id)
                alone = search.alone[head[0]]
                if times := figure.in_(alone, look.begun):
                    look.left -= times
                    found.append(Found(stored, times, alone))
            else:
                look.heads = []
            if look.left > 0 and (len(found) >= limit or looked >= _MOST):
                return Behind(total, tuple(found), look.place)
        if len(found) >= limit and (look is not looks[-1] or cut):
            return Behind(total, tuple(found), look.place)
    return Behind(total, tuple(found), looks[-1].place if cut else None)


@dataclass(slots=True)
class _Look:
    """Rows that are looked for together: their beginnings, the latest first, and what is left."""

    begun: tuple[Micros, ...]
    left: int
    last: tuple[Micros, str] | None = None
    """The call looked at last."""
    heads: list[tuple[Any, ...]] = field(default_factory=list)
    """Calls found and not yet looked at."""

    @property
    def place(self) -> Place:
        """Where a page that ends here ends."""
        entered, call_id = self.last or (0, "")
        return (self.begun[0], self.begun[-1], entered, call_id, max(0, self.left))


def _looks(rows: list[tuple[Micros, int]], after: Place | None, limit: int) -> list[_Look]:
    looks: list[_Look] = []
    near: Micros | None = None
    if after is not None:
        begun = tuple(at for at, _ in rows if at >= after[1])
        looks.append(_Look(begun or (after[0], after[1]), after[4], (after[2], after[3])))
        rows = [(at, count) for at, count in rows if at < after[1]]
    for at, count in rows:
        if not count:
            continue
        if near is not None and near - at <= _NEAR and looks[-1].left < limit:
            looks[-1].begun += (at,)
            looks[-1].left += count
        else:
            looks.append(_Look((at,), count))
        near = at
    return looks


async def _rows(
    connection: AsyncConnection, figure: Figure, after: Place | None, most: int
) -> tuple[list[tuple[Micros, int]], bool]:
    """Beginnings of rows, the latest first, with their figures; whether there are earlier ones."""
    form, table = figure.form, FIGURES[figure.form]
    spans = [name for name in figure.counts if name in form.spans]
    query = (
        select(table.c.from_us, *(table.c[name] for name in (*form.counts, *spans)))
        .where(
            table.c.level == form.levels[0],
            table.c.from_us >= figure.period.since,
            table.c.from_us < figure.period.until if after is None else table.c.from_us <= after[0],
            *(table.c[name] == value for name, value in figure.only.items()),
        )
        .order_by(table.c.from_us.desc())
        .limit(most)
    )
    read = (await connection.execute(query)).all()
    sums: dict[Micros, int] = {}
    width = 1 + len(form.counts)
    for row in read:
        packed = dict(zip(spans, row[width:], strict=True))
        tally = Tally(list(row[1:width]), [Packed(packed.get(name, b"")) for name in form.spans])
        sums[row[0]] = sums.get(row[0], 0) + figure.of(tally)
    cut = len(read) == most and len(sums) > 1
    if cut:
        del sums[read[-1][0]]  # perhaps not all of its rows were read
    return list(sums.items()), cut


class _Search:
    """Looks for calls that may add to rows, and reads them."""

    def __init__(self, connection: AsyncConnection, figure: Figure, generation: int) -> None:
        self.stored: dict[str, StoredCall] = {}
        self.alone: dict[str, Tallies] = {}
        self._connection = connection
        self._form = figure.form
        self._width = _WIDTHS[figure.form.levels[0]]
        self._wanted: list[ColumnElement[bool]] = [
            calls.c.closed,
            calls.c.counted == generation,
            *sought(figure),
        ]

    async def heads(self, look: _Look, limit: int) -> list[tuple[Any, ...]]:
        """The next calls, the latest first; no more than are left, so that it stops at the last."""
        place = (calls.c.entered_us, calls.c.call_id)
        query = (
            select(calls)
            .where(
                calls.c.entered_us >= look.begun[-1] - DAY,
                calls.c.entered_us < look.begun[0] + self._width,
                *self._wanted,
            )
            .order_by(*(column.desc() for column in place))
            .limit(min(limit, look.left))
        )
        if look.last is not None:
            query = query.where(tuple_(*place) < look.last)
        return [tuple(row) for row in (await self._connection.execute(query)).all()]

    async def read(self, heads: list[tuple[Any, ...]]) -> None:
        """Reads these calls into `stored`, and what each adds into `alone`."""
        new = list({head[0]: head for head in heads if head[0] not in self.stored}.values())
        stored = await with_lists(self._connection, new, _READ)
        self.stored.update({one.call.call_id: one for one in stored})
        self.alone.update(await each_alone(self._connection, self._form, stored))
