"""Figures of all officers, agencies and cases by one key; those of one step lie together."""

from __future__ import annotations

import json
from collections import Counter
from itertools import groupby
from struct import Struct, error

import sqlalchemy as sa
from alembic import op

from crm_bridge.records.migrations.longer_spans import count_anew

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_ENTRY = Struct("<HI")
_CASES = ("cases", "settled", "settled_within", "settled_over", "first_contact", "reopened")
_TIMINGS = ("within", "over", "open", "observed", "declared", "inferred", "unknown", "elapsed_us")
_HOURS = ("timings", "within", "over", "offered", "answered", "abandoned")
_STEP = ("step", "service", "queue")
_MOVED = {"figures_agent_steps", "figures_hours"}
_ROWS = {
    "figures_agent_steps": "1000000 500000 4000 400 400 100 1",
    "ix_figures_agent_steps_agent": "1000000 500000 1200 10",
}
"""Rows of a large office, and those that share the first columns of an index: without them SQLite
looks through all officers of the days for one."""


def upgrade() -> None:
    _table("figures_handlings", ("queue",), ("parts", "talk_us", "hold_us", "wrap_us"), ())
    _table("figures_transfers_ended", ("kind", "outcome"), ("transfers", "asked_us"), ("whole",))
    _table("figures_cases_by", ("what", "value"), _CASES, ("working_time",))
    _table("figures_agency_cases", ("agency", "what", "value"), _CASES, ("working_time",))
    _order_anew("figures_agent_steps", (*_STEP, "agent"), _TIMINGS, ("elapsed",))
    _order_anew("figures_hours", (*_STEP, "hour_of_week"), _HOURS, ())
    op.create_index(
        "ix_figures_agent_steps_agent", "figures_agent_steps", ["level", "agent", "from_us"]
    )
    op.create_index("ix_figures_agents_from_us", "figures_agents", ["level", "from_us", "agent"])
    try:
        _order_added()
        _fill()
    except (error, ValueError, TypeError):
        count_anew()  # what is there is damaged
    if op.get_bind().dialect.name == "sqlite":
        op.execute("ANALYZE figures_state")  # makes the table of statistics
        for index, rows in _ROWS.items():
            op.execute(
                "INSERT INTO sqlite_stat1 (tbl, idx, stat) "  # noqa: S608  constants only
                f"VALUES ('figures_agent_steps', '{index}', '{rows}')"
            )


def _fill() -> None:
    op.execute(
        "INSERT INTO figures_handlings (level, from_us, queue, parts, talk_us, hold_us, wrap_us) "
        "SELECT level, from_us, queue, sum(parts), sum(talk_us), sum(hold_us), sum(wrap_us) "
        "FROM figures_agents GROUP BY level, from_us, queue"
    )
    _add_up("figures_transfers", "figures_transfers_ended", ("kind", "outcome"), ("transfers",
            "asked_us"), "whole")  # fmt: skip
    for what in ("kind", "agency", "province", "subject"):
        _add_up("figures_cases", "figures_cases_by", (what,), _CASES, "working_time", what)
        if what != "agency":
            _add_up("figures_cases", "figures_agency_cases", ("agency", what), _CASES,
                    "working_time", what)  # fmt: skip


def _table(
    name: str, keys: tuple[str, ...], counts: tuple[str, ...], spans: tuple[str, ...]
) -> None:
    op.create_table(
        name,
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("from_us", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(key, sa.Text(), nullable=False) for key in keys),
        *(sa.Column(count, sa.BigInteger(), nullable=False) for count in counts),
        *(sa.Column(span, sa.LargeBinary(), nullable=False) for span in spans),
        sa.PrimaryKeyConstraint("level", "from_us", *keys, name=op.f(f"pk_{name}")),
        sqlite_with_rowid=False,
    )


def _order_anew(
    name: str, keys: tuple[str, ...], counts: tuple[str, ...], spans: tuple[str, ...]
) -> None:
    """The same rows, their keys in this order."""
    columns = ", ".join(("level", "from_us", *keys, *counts, *spans))
    op.execute(f"CREATE TABLE {name}_before AS SELECT {columns} FROM {name}")  # noqa: S608  constants only
    op.drop_table(name)
    _table(name, keys, counts, spans)
    op.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {name}_before")  # noqa: S608  constants only
    op.drop_table(f"{name}_before")


def _order_added() -> None:
    """What things that are no calls have added names its rows by their keys."""
    connection = op.get_bind()
    moved = " OR ".join(f"tallies LIKE '%\"{name}\"%'" for name in sorted(_MOVED))
    rows = connection.execute(
        sa.text(f"SELECT kind, id, tallies FROM figures_added WHERE {moved}")  # noqa: S608  constants only
    ).all()
    for kind, thing, told in rows:
        added = json.loads(told)
        for entry in added:
            if entry[0] in _MOVED:
                at, who, queue, service, step = entry[1]
                entry[1] = [at, step, service, queue, who]
        connection.execute(
            sa.text("UPDATE figures_added SET tallies = :told WHERE kind = :kind AND id = :id"),
            {
                "told": json.dumps(added, ensure_ascii=False, separators=(",", ":")),
                "kind": kind, "id": thing,
            },
        )  # fmt: skip


def _add_up(
    source: str, into: str, keys: tuple[str, ...], counts: tuple[str, ...], span: str,
    what: str | None = None,
) -> None:  # fmt: skip
    """Fills a table with sums of another over its other keys; of `what` name and value apart."""
    connection = op.get_bind()
    by = ("level", "from_us", *keys)
    rows = connection.execute(
        sa.text(f"SELECT {', '.join((*by, *counts, span))} FROM {source} ORDER BY {', '.join(by)}")  # noqa: S608  constants only
    )
    names = by if what is None else (*by[:-1], "what", "value")
    found = []
    for key, of in groupby(rows, lambda row: tuple(row[: len(by)])):
        sums, spans = [0] * len(counts), Counter[int]()
        for row in of:
            sums = [a + b for a, b in zip(sums, row[len(by) : -1], strict=True)]
            for number, count in _ENTRY.iter_unpack(bytes(row[-1])):
                spans[number] += count
        packed = b"".join(_ENTRY.pack(*entry) for entry in sorted(spans.items()))
        place = key if what is None else (*key[:-1], what, key[-1])
        found.append(dict(zip((*names, *counts, span), (*place, *sums, packed), strict=True)))
    if found:
        table = sa.table(into, *(sa.column(name) for name in found[0]))
        connection.execute(table.insert(), found)
