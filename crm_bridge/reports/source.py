"""The checksum of what a report was made of: the rows of figures of its days, in one order.

What only adds up other figures is left out. Rows are whole numbers and histograms whose bytes are
always the same, so that counting anew, the other database, or another year gives the same checksum,
and one call more gives another.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.figures.forms import AGENT_STEPS, FORMS, HOURS, SURVEYS, WAITS_TOLD, Form
from crm_bridge.figures.levels import tiles
from crm_bridge.records.figure_tables import FIGURES
from crm_bridge.reports.period import Period
from crm_bridge.reports.public_counts import appointments_in, complaints_in

_KEYS: Final = {
    AGENT_STEPS: ("agent", "queue", "service", "step"),
    HOURS: ("hour_of_week", "queue", "service", "step"),
}
"""As they stood when the first checksums were printed: the same figures keep the same one."""
_LEVELS: Final = ("quarter", "day", "month")
"""Those of that time; the others are sums of these."""
_LATER: Final = frozenset({SURVEYS, WAITS_TOLD})
"""Forms that are younger than the first checksums: where there is nothing of them, they are not in
one, so that what was printed before they came keeps its own."""
_BREATH: Final = 250
"""Rows after which others have a turn."""


async def checksum(connection: AsyncConnection, period: Period) -> str:
    """SHA-256 in hexadecimal of every row of figures of these days; raises StorageError."""
    digest = hashlib.sha256(f"hotline figures 1 {period.first} {period.last}\n".encode())
    for form in sorted((f for f in FORMS if f.of is None), key=lambda form: form.name):
        lines = sorted(await _lines(connection, form, period))
        if not lines and form in _LATER:
            continue
        digest.update(f"{form.name}\n".encode())
        for n, line in enumerate(lines):
            if n % _BREATH == 0:
                await asyncio.sleep(0)
            digest.update(line)
    return digest.hexdigest()


async def published_checksum(connection: AsyncConnection, period: Period) -> str:
    """The same of the published statistics, whose complaints and appointments are in it too.

    Where there are none of them it is that of the figures. Raises StorageError.
    """
    figures = await checksum(connection, period)
    lines = []
    for name, query in (
        ("complaint", complaints_in(period)), ("appointment", appointments_in(period)),
    ):  # fmt: skip
        for n, row in enumerate(await connection.execute(query)):
            if n % _BREATH == 0:
                await asyncio.sleep(0)
            lines.append(_line((name, *row)))
    if not lines:
        return figures
    digest = hashlib.sha256(f"hotline statistics 1 {figures}\n".encode())
    for line in sorted(lines):
        digest.update(line)
    return digest.hexdigest()


async def _lines(connection: AsyncConnection, form: Form, period: Period) -> list[bytes]:
    """The coarsest rows of those levels that make up the days."""
    table = FIGURES[form]
    names = ("level", "from_us", *_KEYS.get(form, form.keys), *form.counts, *form.spans)
    found = []
    levels = tuple(level for level in form.levels if level in _LEVELS)
    for tile in tiles(levels, period.since, period.until):
        query = select(*(table.c[name] for name in names)).where(
            table.c.level == tile.level,
            table.c.from_us >= tile.since,
            table.c.from_us < tile.until,
        )
        found += [_line(row) for row in await connection.execute(query)]
    return found


def _line(row: Any) -> bytes:
    parts = [bytes(v).hex() if isinstance(v, bytes | memoryview) else str(v) for v in row]
    return "\x1f".join(parts).encode() + b"\n"
