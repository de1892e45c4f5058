"""Figures of what callers were told of their wait; of the calls that are counted, too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_COUNTS = ("held", "sooner", "later", "unjudged")
_DAY, _EAST, _MINUTE = 86_400_000_000, 7 * 3_600_000_000, 60_000_000
_BAND = re.compile(r"([0-9]{1,4})-([0-9]{0,4})")
_PAGE = 500


def upgrade() -> None:
    table = op.create_table(
        "figures_waits_told",
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("from_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        *(sa.Column(count, sa.BigInteger(), nullable=False) for count in _COUNTS),
        sa.PrimaryKeyConstraint(
            "level", "from_us", "queue", "told", name=op.f("pk_figures_waits_told")
        ),
        sqlite_with_rowid=False,
    )
    sums: dict[tuple[str, int, str, str], list[int]] = {}
    for entered, passages, at, told in _counted():
        queue, how = _came(passages, at, told)
        for level, begun in _beginnings(min(at, entered + _DAY)):
            sums.setdefault((level, begun, queue, told), [0] * 4)[_COUNTS.index(how)] += 1
    names = ("level", "from_us", "queue", "told", *_COUNTS)
    rows = [dict(zip(names, (*key, *counts), strict=True)) for key, counts in sorted(sums.items())]
    if rows:
        op.bulk_insert(table, rows)


Passages = Sequence[tuple[str, int, int | None, str | None]]


def _counted() -> Iterable[tuple[int, Passages, int, str]]:
    """Calls that the figures have, in which a wait was told: entering, passages, mark."""
    connection = op.get_bind()
    generation = connection.execute(sa.text("SELECT generation FROM figures_state")).scalar()
    told = sa.text(
        "SELECT m.call_id, c.entered_us, m.at_us, m.value FROM marks m"
        " JOIN calls c ON c.call_id = m.call_id"
        " WHERE m.name = 'wait' AND c.counted = :generation"
        " ORDER BY m.call_id, m.ordinal"
    )
    first: dict[str, tuple[int, int, str]] = {}
    for call_id, entered, at, value in connection.execute(told, {"generation": generation}):
        first.setdefault(call_id, (entered, at, value))
    of_calls = sa.text(
        "SELECT call_id, queue, joined_us, left_us, outcome FROM queue_passages"
        " WHERE call_id IN :ids ORDER BY call_id, ordinal"
    ).bindparams(sa.bindparam("ids", expanding=True))
    ids = list(first)
    for start in range(0, len(ids), _PAGE):
        page = ids[start : start + _PAGE]
        passages: dict[str, list[Any]] = {call_id: [] for call_id in page}
        for call_id, *passage in connection.execute(of_calls, {"ids": page}):
            passages[call_id].append(tuple(passage))
        for call_id in page:
            entered, at, value = first[call_id]
            yield entered, passages[call_id], at, value


def _came(passages: Passages, at: int, told: str) -> tuple[str, str]:
    """The queue, and how it came."""
    joined: int | None = None
    name, left, outcome = "", None, None
    for queue, since, until, how in passages:
        if since < at:
            continue
        if joined is None:
            name, joined = queue, since
        elif queue != name or outcome != "left":
            break
        left, outcome = until, how
    found = _BAND.fullmatch(told)
    if found is None or joined is None or left is None:
        return name, "unjudged"
    waited = left - joined
    if found[2] and waited > int(found[2]) * _MINUTE:
        return name, "later"
    if outcome != "answered":
        return name, "unjudged"
    return name, "sooner" if waited < int(found[1]) * _MINUTE else "held"


def _beginnings(micros: int) -> Iterable[tuple[str, int]]:
    day = micros - (micros + _EAST) % _DAY
    yield "day", day
    month = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=day + _EAST)).replace(day=1)
    yield "month", int(month.timestamp()) * 1_000_000 - _EAST
