"""Handlings of all officers, transfers of all agencies; one step's timings are found at once."""

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
    _add_up_transfers()
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


def _add_up_transfers() -> None:
    connection = op.get_bind()
    rows = connection.execute(
        sa.text(
            "SELECT level, from_us, kind, outcome, transfers, asked_us, whole "
            "FROM figures_transfers ORDER BY level, from_us, kind, outcome"
        )
    )
    found = []
    for key, of in groupby(rows, lambda row: tuple(row[:4])):
        transfers, asked, whole = 0, 0, Counter[int]()
        for row in of:
            transfers, asked = transfers + row[4], asked + row[5]
            for number, count in _ENTRY.iter_unpack(bytes(row[6])):
                whole[number] += count
        packed = b"".join(_ENTRY.pack(*entry) for entry in sorted(whole.items()))
        names = ("level", "from_us", "kind", "outcome", "transfers", "asked_us", "whole")
        found.append(dict(zip(names, (*key, transfers, asked, packed), strict=True)))
    if found:
        table = sa.table("figures_transfers_ended", *(sa.column(name) for name in found[0]))
        connection.execute(table.insert(), found)
