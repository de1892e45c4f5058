"""Every dashboard by its id: the pages below /figures, and what exports can be made of.

    entry = CATALOGUE["steps"]
    shown = await entry.build(database, config, Filters(period, queue="information"))
    shown.sheets, shown.charts, shown.whole

`build(database, config, filters)` reads one unmoving view and gives a `Dashboard`
(`dashboard.py`): `blocks` in the order in which they are read, each a `Sheet` (`sheets.py`) or a
`Chart`, whose `drawing.svg(lang, name)` is an `<svg>` that bears a page or a PDF alike (its classes
are in `static/charts.css`) and whose `table` holds the same in figures. It raises StorageError. A
filter that is not in `takes` changes nothing. An href in a cell is a path of the desk, beginning
with `/`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from crm_bridge.config import Config
from crm_bridge.records.database import Database
from crm_bridge.reports.dashboard import Dashboard
from crm_bridge.reports.dashboards import (
    callbacks,
    callers,
    cases,
    officers,
    overview,
    queues,
    steps,
    survey,
)
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.sheets import Words

Build = Callable[[Database, Config, Filters], Awaitable[Dashboard]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One dashboard."""

    id: str
    title: Words
    menu: Words
    """Its name in the menu of dashboards."""
    build: Build
    takes: frozenset[str] = frozenset()
    """Which of queue, service, step, agent, agency and grain it heeds, besides the days."""
    nothing: Words = ("ไม่มีสายที่จบแล้วในช่วงนี้", "No call was over in these days.")
    """What it says where there is nothing to show."""


CATALOGUE: Final[Mapping[str, Entry]] = {
    entry.id: entry
    for entry in (
        Entry(
            "overview",
            ("ผลการให้บริการตามเวลามาตรฐาน", "How the standards are kept"),
            ("ภาพรวม", "Overview"),
            overview.build,
        ),
        Entry(
            "steps",
            ("ขั้นตอนตามมาตรฐาน", "Steps against their standards"),
            ("ขั้นตอน", "Steps"),
            steps.build,
            frozenset({*steps.TAKES, "grain"}),
        ),
        Entry(
            "queues",
            ("คิวและการรอสาย", "Queues and waiting"),
            ("คิว", "Queues"),
            queues.build,
            frozenset({*queues.TAKES, "grain"}),
        ),
        Entry(
            "officers",
            ("เจ้าหน้าที่รับสาย", "Officers"),
            ("เจ้าหน้าที่", "Officers"),
            officers.build,
            frozenset({*officers.TAKES, "grain"}),
        ),
        Entry(
            "callers",
            ("ผู้โทรและเส้นทางของสาย", "Callers and where they go"),
            ("ผู้โทร", "Callers"),
            callers.build,
            frozenset({"grain"}),
        ),
        Entry(
            "cases",
            ("เรื่องร้องเรียนและวันทำการ", "Cases against the working days"),
            ("เรื่อง", "Cases"),
            cases.build,
            frozenset({*cases.TAKES, "grain"}),
            ("ไม่มีเรื่องที่บันทึกในช่วงนี้", "No case was recorded in these days."),
        ),
        Entry(
            "callbacks",
            ("สายที่ไม่ได้รับและการโทรกลับ", "Lost callers and calls back"),
            ("โทรกลับ", "Call-backs"),
            callbacks.build,
            frozenset({"grain"}),
            ("ไม่มีสายที่ไม่ได้รับในช่วงนี้", "No caller was lost in these days."),
        ),
        Entry(
            "survey",
            ("ความพึงพอใจของผู้โทร", "What callers say of the service"),
            ("ความพึงพอใจ", "Survey"),
            survey.build,
            frozenset({*survey.TAKES, "grain"}),
            ("ไม่มีผู้โทรที่ได้รับการสอบถามในช่วงนี้", "No caller was asked in these days."),
        ),
    )
}
"""In the order of their menu."""
