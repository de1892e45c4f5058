"""Officers' time at the desk: signed in, paused, occupied, and how they kept to their shifts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.figures.forms import AGENT_TIMES
from crm_bridge.reports import adherence
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.links import times_behind
from crm_bridge.reports.overview import Officer
from crm_bridge.reports.reading import added_up
from crm_bridge.reports.sheets import Cell, Column, Kind, Rows, Sheet, Words
from ivr.calls.call import Micros

ON_PAGE: Final = 40
"""Officers of a page; an office of hundreds is read by filters and files."""
LONGEST: Final = 62
"""Days for which adherence is worked out: it is read from every state of every sitting."""


async def time_table(
    connection: AsyncConnection, officers: list[Officer], filters: Filters, now: Micros
) -> Sheet:
    """Of whoever sat at the desk in these days; adherence only where shifts are planned."""
    period = filters.period
    only = {"agent": filters.agent} if filters.agent else {}
    sums = await added_up(
        connection, AGENT_TIMES, ("agent", "state"), since=period.since, until=period.until,
        only=only,
    )  # fmt: skip
    times: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (agent, state), tally in sums.items():
        times[str(agent)][str(state)] = tally.counts[0]
    kept: Mapping[str, adherence.Adherence] = {}
    if period.days <= LONGEST:
        kept = await adherence.of_days(connection, period.first, period.last, now)
    planned = {agent: one for agent, one in kept.items() if one.shift_us}
    handled = {o.agent: o.figures.talk + o.figures.hold + o.figures.wrap_up for o in officers}
    behind = times_behind(period)

    def row(of: tuple[str, dict[str, int]]) -> tuple[Any, ...]:
        agent, spent = of
        paused = spent.get("paused", 0)
        signed_in = sum(spent.values())
        free = signed_in - paused
        href = f"{behind}&agent={quote(agent)}"
        cells = (
            agent,
            Cell(signed_in, href),
            Cell(paused, f"{href}&state=paused") if paused else paused,
            paused / signed_in if signed_in else None,
            handled.get(agent, 0) / free if free else None,
        )  # fmt: skip
        if not planned:
            return cells
        one = planned.get(agent)
        return (*cells, one.shift_us if one else None, one.share if one else None)

    columns = list(_COLUMNS)
    if planned:
        columns += _SHIFTS
    notes: tuple[Words, ...] = (_OCCUPANCY,)
    if period.days > LONGEST:
        notes += (_TOO_LONG,)
    return Sheet(
        "officer_times",
        ("เวลาที่โต๊ะ", "Time at the desk"),
        tuple(columns),
        Rows(sorted(times.items()), row),
        notes,
        on_page=ON_PAGE,
    )


_COLUMNS: Final = (
    Column("agent", ("เจ้าหน้าที่", "Officer"), Kind.TEXT),
    Column("signed_in", ("ลงชื่อเข้าโต๊ะ", "Signed in"), Kind.SPAN),
    Column("paused", ("พัก", "Paused"), Kind.SPAN),
    Column("paused_share", ("ร้อยละที่พัก", "Share paused"), Kind.SHARE),
    Column("occupancy", ("เวลาที่ไม่ว่าง", "Occupancy"), Kind.SHARE, "occupancy"),
)
_SHIFTS: Final = (
    Column("shift", ("เวลาของเวร", "Shifts"), Kind.SPAN),
    Column("adherence", ("อยู่ตามเวร", "Adherence"), Kind.SHARE, "adherence"),
)
_OCCUPANCY: Final[Words] = (
    "ไม่นับช่วงที่ยังไม่สิ้นสุด เวลาให้บริการนับในวันที่บันทึกเสร็จ อาจไม่ใช่วันเดียวกับเวลาที่โต๊ะ",
    "What is not over is left out. Handling counts on the day its wrap-up ended.",
)
_TOO_LONG: Final[Words] = (
    f"การอยู่ตามเวรแสดงเมื่อเลือกไม่เกิน {LONGEST} วัน",
    f"Adherence is shown for up to {LONGEST} days.",
)
