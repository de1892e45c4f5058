"""Figures of all officers, agencies and cases by one key; one step's timings are found at once."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from struct import Struct

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_ENTRY = Struct("<HI")
_CASES = ("cases", "settled", "settled_within", "settled_over", "first_contact", "reopened")
_ROWS = {
    ("figures_agent_steps", "figures_agent_steps"): "1000000 500000 4000 10 3 3 1",
    ("figures_agent_steps", "ix_figures_agent_steps_step"): "1000000 500000 80000 400",
    ("figures_hours", "figures_hours"): "100000 50000 300 15 4 2 1",
    ("figures_hours", "ix_figures_hours_step"): "100000 50000 8000 60",
}
"""Rows of a table of a large office, and rows that share the first columns of an index: without
them SQLite looks through all rows of the days for those of one step."""


def upgrade() -> None:
    _table("figures_handlings", ("queue",), ("parts", "talk_us", "hold_us", "wrap_us"), ())
    _table("figures_transfers_ended", ("kind", "outcome"), ("transfers", "asked_us"), ("whole",))
    op.create_index(
        "ix_figures_agent_steps_step",
        "figures_agent_steps",
        ["level", "step", "from_us"],
    )
    op.create_index("ix_figures_hours_step", "figures_hours", ["level", "step", "from_us"])
    op.execute(
        "INSERT INTO figures_handlings (level, from_us, queue, parts, talk_us, hold_us, wrap_us) "
        "SELECT level, from_us, queue, sum(parts), sum(talk_us), sum(hold_us), sum(wrap_us) "
        "FROM figures_agents GROUP BY level, from_us, queue"
    )
    _add_up("figures_transfers", "figures_transfers_ended", ("kind", "outcome"), ("transfers",
            "asked_us"), "whole")  # fmt: skip
    for table, keys, each in (
        ("figures_cases_by", (), ("kind", "agency", "province", "subject")),
        ("figures_agency_cases", ("agency",), ("kind", "province", "subject")),
    ):
        _table(table, (*keys, "what", "value"), _CASES, ("working_time",))
        for what in each:
            _add_up("figures_cases", table, (*keys, what), _CASES, "working_time", what)
    if op.get_bind().dialect.name == "sqlite":
        op.execute("ANALYZE figures_state")  # makes the table of them
        for (table, index), rows in _ROWS.items():
            op.execute(
                f"INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('{table}', '{index}', '{rows}')"  # noqa: S608  constants only
            )


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
