"""What callers say of the service: by queue, by officer, through time; who said nothing too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from crm_bridge.config import Config
from crm_bridge.figures.forms import SURVEYS
from crm_bridge.figures.tallies import Tally
from crm_bridge.records.database import Database
from crm_bridge.records.figures_walk import whole
from crm_bridge.reports.dashboard import Chart, Dashboard
from crm_bridge.reports.dashboards.officer_times import ON_PAGE
from crm_bridge.reports.dashboards.parts import (
    choices_of,
    piece,
    through_time,
    together,
    trend,
    when_words,
)
from crm_bridge.reports.desk_metrics import survey_figures
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.links import calls_behind, dashboard
from crm_bridge.reports.period import Period
from crm_bridge.reports.reading import added_up
from crm_bridge.reports.sheets import TOTAL, Cell, Column, Kind, Sheet, Words

TAKES: Final = ("queue", "agent")
RATINGS: Final = ("one", "two", "three", "four", "five")
ASKED: Final = ("unrated", *RATINGS)
"""The counts that together are all who were asked."""
_MATTER: Final = ("matter_settled", "matter_open")
_RATED_BY: Final[tuple[Words, ...]] = tuple((str(n), str(n)) for n in range(1, 6))
_COLUMNS: Final = (
    Column("asked", ("สอบถาม", "Asked"), suppressible=True),
    Column("unrated", ("ไม่ได้ให้คะแนน", "Not rated"), suppressible=True),
    Column("unrated_share", ("ร้อยละที่ไม่ให้คะแนน", "Share not rated"), Kind.SHARE, "not_rated"),
    Column("mean", ("คะแนนเฉลี่ย", "Mean"), Kind.NUMBER, "rating"),
    *(
        Column(name, words, suppressible=True)
        for name, words in zip(RATINGS, _RATED_BY, strict=True)
    ),
    Column("matter_said", ("ตอบเรื่องการแก้ไข", "Said if settled"), suppressible=True),
    Column("matter_settled", ("แก้ไขแล้ว", "Settled"), suppressible=True),
    Column("matter_open", ("ยังไม่ได้แก้ไข", "Not settled"), suppressible=True),
    Column("settled_share", ("ร้อยละที่แก้ไขแล้ว", "Share settled"), Kind.SHARE, "matter_settled"),
)
_SUMS: Final = (("asked", ASKED), ("matter_said", _MATTER))
"""The share of those whose matter is settled tells how many they are: they stand there, too, so
that a small count of them is withheld with what would give it away."""

Sums = Mapping[tuple[Any, ...], Tally]
Told = list[tuple[int, Tally]]


async def build(database: Database, config: Config, filters: Filters) -> Dashboard:
    """As `catalogue.Build` says."""
    period, other, grain = filters.period, filters.other, filters.drawn_by
    only = {k: v for k, v in filters.narrowed.items() if k in TAKES}
    async with database.reading() as connection:
        sums = await added_up(
            connection, SURVEYS, TAKES, since=period.since, until=period.until, only=only
        )
        now = await through_time(connection, SURVEYS, (), period, grain, only)
        then = await through_time(connection, SURVEYS, (), other, grain, only)
        days = [(at, together(SURVEYS, of.values())) for at, of in now]
        were = [(at, together(SURVEYS, of.values())) for at, of in then]
        blocks: list[Sheet | Chart] = [
            _by("queue", ("คิว", "Queue"), ("ตามคิว", "By queue"), sums, filters, only),
            *_trends(days, were, filters),
            _through_time(days, filters, only),
            _by("agent", ("เจ้าหน้าที่", "Officer"), ("ตามเจ้าหน้าที่", "By officer"), sums, filters, only),
        ]
        return Dashboard(
            tuple(blocks),
            whole=await whole(connection),
            choices=await choices_of(connection, config, filters, TAKES),
        )


def _by(
    key: str, name: Words, title: Words, sums: Sums, filters: Filters, only: Mapping[str, str]
) -> Sheet:
    """One row a queue or an officer, who was asked most first, and all of them."""
    place = TAKES.index(key)
    found: dict[str, list[Tally]] = {}
    for keys, tally in sums.items():
        found.setdefault(str(keys[place]), []).append(tally)
    each = {value: together(SURVEYS, tallies) for value, tallies in found.items()}
    rows = []
    for value, tally in sorted(each.items(), key=lambda one: (-_asked(one[1]), one[0])):
        lead = Cell(value, dashboard("survey", filters, **{key: value}))
        rows.append((lead, *_cells(tally, filters.period, {**only, key: value})))
    if len(rows) > 1:
        rows.append((TOTAL, *_cells(together(SURVEYS, each.values()), filters.period, only)))
    return Sheet(
        f"survey_{key}", title, (Column(key, name, Kind.TEXT), *_COLUMNS), tuple(rows),
        sums=_SUMS, on_page=ON_PAGE,
    )  # fmt: skip


def _through_time(days: Told, filters: Filters, only: Mapping[str, str]) -> Sheet:
    """One row a day, week or month in which somebody was asked."""
    rows = []
    for start, tally in days:
        if _asked(tally):
            of = piece(start, filters.period, filters.drawn_by)
            lead = Cell(
                when_words(of, filters.drawn_by),
                dashboard("survey", filters, period=of, grain=None),
            )
            rows.append((lead, *_cells(tally, of, only)))
    return Sheet(
        "survey_when", ("ตามช่วงเวลา", "Through time"),
        (Column("when", ("เมื่อ", "When"), Kind.TEXT), *_COLUMNS), tuple(rows),
        sums=_SUMS, on_page=ON_PAGE,
    )  # fmt: skip


def _cells(tally: Tally, period: Period, only: Mapping[str, str]) -> tuple[Any, ...]:
    """The cells below `_COLUMNS`; each count leads to its calls."""
    n = survey_figures(tally)

    def count(value: int, *counts: str) -> Cell:
        return Cell(value, calls_behind(SURVEYS, period, counts, only) if value else None)

    return (
        count(n.asked, *ASKED),
        count(n.unrated, "unrated"),
        n.unrated_share,
        n.mean,
        *(
            count(value, name)
            for name, value in zip(SURVEYS.counts, tally.counts, strict=True)
            if name in RATINGS
        ),
        count(n.matter_said, *_MATTER),
        count(n.matter_settled, "matter_settled"),
        count(n.matter_said - n.matter_settled, "matter_open"),
        n.settled_share,
    )


def _trends(now: Told, then: Told, filters: Filters) -> list[Chart]:
    satisfied: Words = ("พึงพอใจ (4 และ 5 คะแนน)", "Satisfied (rated 4 or 5)")
    unrated: Words = ("ไม่ได้ให้คะแนน", "Not rated")
    figures = [[(at, survey_figures(tally)) for at, tally in told] for told in (now, then)]

    def one(name: str, title: Words, share: str, of: str) -> Chart:
        shares, counts = (
            [[(at, getattr(n, which)) for at, n in told] for told in figures]
            for which in (share, of)
        )
        many = ([n for _, n in counts[0]], [n for _, n in counts[1]])
        return trend(
            name, title, ("ร้อยละ", "Share"), "share", shares[0], shares[1], filters,
            board="survey", of=many,
        )  # fmt: skip

    return [
        one("satisfied", satisfied, "satisfied", "rated"),
        one("unrated", unrated, "unrated_share", "asked"),
    ]


def _asked(tally: Tally) -> int:
    return survey_figures(tally).asked
