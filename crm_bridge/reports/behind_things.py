"""The cases and the officers' records behind a figure: those whose own counting adds to it.

`figures_added` keeps what each of them added when it was counted last, and the figure is the sum of
these. So the list adds up to it, whatever has changed since; and what a thing was counted as (kind,
agency, state) is told by its count itself. Of people nothing is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases.workflow import State
from crm_bridge.figures.forms import CASES, SUBJECTS, Form
from crm_bridge.figures.tallies import read_again
from crm_bridge.records.desk_tables.cases import case_assignments, cases
from crm_bridge.records.desk_tables.wrapups import wrapups
from crm_bridge.records.figure_tables import figures_added
from crm_bridge.records.tables import calls
from crm_bridge.reports.figure import Figure, total_of
from crm_bridge.reports.sought import named
from ivr.calls.call import Micros

OF_THINGS: Final[Mapping[str, Form]] = {"cases": CASES, "subjects": SUBJECTS}
"""Forms whose rows are counted from such things, by the name that they have in an address."""

_MOST: Final = 1_000
"""Things looked at for one page: what is rarer is found on the next."""
_AT_ONCE: Final = 200

Place = tuple[Micros, str, int]
"""Where a page ends: when the thing looked at last was recorded, its id, and how much of the figure
is still to come."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A case or an officer's record, and how often it is counted in the figure."""

    counted_as: Mapping[str, str]
    """Keys of the form."""
    counts: Mapping[str, int]
    """All that it adds to the row of these keys."""
    row: Mapping[str, Any]
    """What of it stands on a list: of a case ticket and dates, of a record its call and officer."""
    times: int


@dataclass(frozen=True, slots=True)
class Things:
    """A page of what is behind a figure, the latest first; `next` is where the next one begins.

    A page may be short, or empty, though there is a next one: so far back it was looked.
    """

    total: int
    """The figure."""
    found: tuple[Thing, ...]
    next: Place | None


async def things_behind(
    connection: AsyncConnection, figure: Figure, *, after: Place | None = None, limit: int = 50
) -> Things:
    """A page of the cases or records behind a figure; raises StorageError."""
    total = await total_of(connection, figure)
    days = range(figure.period.since, figure.period.until)
    kind, query = ("case", _cases) if figure.form is CASES else ("wrapup", _records)
    found: list[Thing] = []
    looked, left = 0, total if after is None else after[2]
    while left > 0 and looked < _MOST:
        rows = (await connection.execute(query(figure, after).limit(_AT_ONCE))).mappings().all()
        added = await _added(connection, kind, [row["id"] for row in rows])
        for row in rows:
            tallies = read_again(added.get(row["id"], ""))
            times = figure.in_(tallies, days)
            left -= times
            after = (int(row["at"]), str(row["id"]), left)
            if not times:
                continue
            ((key, tally),) = tallies.rows[figure.form].items()
            counted_as = dict(zip(figure.form.keys, key[1:], strict=True))
            counts = dict(zip(figure.form.counts, tally.counts, strict=True))
            found.append(Thing(counted_as, counts, row, times))
            if len(found) == limit:
                return Things(total, tuple(found), after if left > 0 else None)
        if len(rows) < _AT_ONCE:
            return Things(total, tuple(found), None)
        looked += len(rows)
    return Things(total, tuple(found), after if left > 0 else None)


async def _added(connection: AsyncConnection, kind: str, ids: Sequence[str]) -> dict[str, str]:
    query = select(figures_added.c.id, figures_added.c.tallies).where(
        figures_added.c.kind == kind, figures_added.c.id.in_(list(ids))
    )
    return {row.id: row.tallies for row in await connection.execute(query)}


def _cases(figure: Figure, after: Place | None) -> Select[Any]:
    """Cases that may be meant, the latest first: never too few, seldom many more."""
    table, only = cases.c, figure.only
    query = (
        select(
            table.recorded_us.label("at"), table.id, table.ticket, table.due_us, table.settled_us
        )
        .where(table.recorded_us >= figure.period.since, table.recorded_us < figure.period.until)
        .order_by(table.recorded_us.desc(), table.id.desc())
    )
    if after is not None:
        query = query.where(tuple_(table.recorded_us, table.id) < after[:2])
    for name, column in (
        ("kind", table.kind), ("province", table.province), ("subject", table.subject_id),
        ("state", table.state),
    ):  # fmt: skip
        if name in only:
            query = query.where(named(column, only[name]))
    if only.get("agency"):
        query = query.where(
            table.id.in_(
                select(case_assignments.c.case_id).where(
                    case_assignments.c.agency == only["agency"]
                )
            )
        )
    if "reopened" in figure.counts and len(figure.counts) == 1:
        query = query.where(table.round > 1)
    elif "cases" not in figure.counts and "reopened" not in figure.counts:
        query = query.where(table.state.in_([State.SETTLED.value, State.CLOSED.value]))
    return query


def _records(figure: Figure, after: Place | None) -> Select[Any]:
    """Officers' records that may be meant, the latest first."""
    table, only = wrapups.c, figure.only
    query = (
        select(
            table.saved_us.label("at"), table.call_id.concat("/").concat(table.agent).label("id"),
            table.call_id, table.agent, calls.c.entered_us,
        )
        .select_from(wrapups.outerjoin(calls, calls.c.call_id == table.call_id))
        .where(table.saved_us >= figure.period.since, table.saved_us < figure.period.until)
        .order_by(table.saved_us.desc(), table.call_id.desc(), table.agent.desc())
    )  # fmt: skip
    if after is not None:
        call_id, _, agent = after[1].rpartition("/")
        query = query.where(
            tuple_(table.saved_us, table.call_id, table.agent) < (after[0], call_id, agent)
        )
    for name, column in (
        ("service", table.service), ("subject", table.subject_id), ("outcome", table.outcome),
    ):  # fmt: skip
        if name in only:
            query = query.where(named(column, only[name]))
    return query
