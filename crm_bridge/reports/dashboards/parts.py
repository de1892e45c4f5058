"""What dashboards are put together from: trends, heat maps and the choices of their filters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.charts.heat import Heat
from crm_bridge.charts.histogram import SpanHistogram, binned
from crm_bridge.charts.svg import Unit
from crm_bridge.charts.trend import Point, Trend
from crm_bridge.config import Config
from crm_bridge.figures.forms import AGENCY_STEPS, AGENTS, HOURS, QUEUES, Form
from crm_bridge.figures.levels import DAY, WEEK, month_after, month_of, week_of
from crm_bridge.figures.tallies import Tally
from crm_bridge.reports.dashboard import Chart, Choice
from crm_bridge.reports.filters import Filters, Grain
from crm_bridge.reports.links import calls_behind, days_of, of_calls
from crm_bridge.reports.names import agency_name, edition_of
from crm_bridge.reports.period import Period
from crm_bridge.reports.reading import names_in, series
from crm_bridge.reports.sheets import Cell, Column, Kind, Sheet, Words
from crm_bridge.written import (
    day_text,
    hour_words,
    length_text,
    month_text,
    office_time,
    short_day_text,
)
from ivr.calls.call import Micros

KINDS: dict[Unit, Kind] = {"count": Kind.COUNT, "share": Kind.SHARE, "span": Kind.SPAN}
Value = float | int | None
FEW: Final = 5
"""Of fewer a share or a percentile is not drawn."""
FEW_NOTE: Final[Words] = (
    f"ช่วงที่มีน้อยกว่า {FEW} รายการไม่ลากเส้นหรือระบายสี ดูได้ในตัวเลขของแผนภูมิ",
    f"What is of fewer than {FEW} is not drawn or coloured; its figure is in the table.",
)


async def through_time(
    connection: AsyncConnection,
    form: Form,
    by: tuple[str, ...],
    period: Period,
    grain: Grain,
    only: Mapping[str, str],
    *,
    spans: bool = True,
) -> list[tuple[Micros, dict[tuple[Any, ...], Tally]]]:
    """The tallies of every day, week or month of the period, in order, also of those of nothing."""
    found: dict[Micros, dict[tuple[Any, ...], Tally]] = {s: {} for s in starts(period, grain)}
    sums = await series(
        connection, form, by, since=period.since, until=period.until, only=only, grain=grain,
        spans=spans,
    )  # fmt: skip
    for key, tally in sums.items():
        found[int(key[0])][key[1:]] = tally
    return list(found.items())


def starts(period: Period, grain: Grain) -> list[Micros]:
    """The beginnings of the days, weeks (Monday) or months that the period touches."""
    if grain == "day":
        return list(range(period.since, period.until, DAY))
    if grain == "week":
        return list(range(week_of(period.since), period.until, WEEK))
    found = [month_of(period.since)]
    while (after := month_after(found[-1])) < period.until:
        found.append(after)
    return found


def piece(start: Micros, period: Period, grain: Grain) -> Period:
    """The days of the period that lie in the day, week or month that begins then."""
    if grain == "day":
        end = start + DAY
    else:
        end = start + WEEK if grain == "week" else month_after(start)
    first = office_time(max(start, period.since)).date()
    return Period(first, office_time(min(end, period.until) - 1).date())


def trend(
    name: str,
    title: Words,
    value: Words,
    unit: Unit,
    now: Iterable[tuple[Micros, Value]],
    then: Iterable[tuple[Micros, Value]],
    filters: Filters,
    *,
    board: str,
    goal: float | None = None,
    goal_name: Words = ("เป้าหมาย", "target"),
    of: tuple[Sequence[int], Sequence[int]] | None = None,
) -> Chart:
    """A figure through time beside the compared days; without rows where all is unknown.

    `of`: of how many each figure is, now and then. Those of fewer than `FEW` are in the table and
    not on the line, which would leap from nothing to all for a call or two.
    """
    grain, period = filters.drawn_by, filters.period
    before = [figure for _, figure in then]
    if not any(before):
        before = [None] * len(before)  # nothing is known of those days
    lead = days_of(board, filters)
    points, rows, few = [], [], False
    for n, (start, figure) in enumerate(now):
        days = piece(start, period, grain)
        was = before[n] if n < len(before) else None
        drawn, drawn_then = figure, was
        if of is not None:
            drawn = figure if of[0][n] >= FEW else None
            drawn_then = was if n < len(of[1]) and of[1][n] >= FEW else None
            few = few or drawn is not figure or drawn_then is not was
        points.append(Point(_label(days, grain), drawn, drawn_then))
        rows.append(
            (
                Cell(when_words(days, grain), lead(days)),
                figure,
                was,
            )
        )
    nothing = {None, 0} if unit == "count" else {None}
    known = any(not nothing.issuperset(row[1:]) for row in rows)
    return Chart(
        name,
        title,
        Trend(title, tuple(points), unit, _days(period), _days(filters.other), goal,
              goal_name),
        Sheet(
            name,
            title,
            (
                Column("when", ("เมื่อ", "When"), Kind.TEXT),
                Column("figure", value, KINDS[unit], suppressible=unit == "count"),
                Column("figure_then", ("ช่วงที่เทียบ", "Compared"), KINDS[unit], then_of="figure",
                       suppressible=unit == "count"),
            ),
            tuple(rows) if known else (),
        ),
        (FEW_NOTE,) if few else (),
    )  # fmt: skip


def heat(
    name: str,
    title: Words,
    value: Words,
    unit: Unit,
    sums: Mapping[tuple[Any, ...], Tally],
    figure: Callable[[dict[str, int]], Value],
    dark: Words,
    filters: Filters,
    counts: tuple[str, ...],
    only: Mapping[str, str],
    *,
    low_is_dark: bool = False,
    of: Callable[[dict[str, int]], int] | None = None,
) -> Chart:
    """A figure by hour and weekday, from rows of `HOURS` added up by hour of the week."""
    fields: dict[tuple[int, int], float] = {}
    few: set[tuple[int, int]] = set()
    base, behind = calls_behind(HOURS, filters.period, counts, only), of_calls(only.get("step", ""))
    rows = []
    for (hour_of_week,), tally in sums.items():
        counts_of = dict(zip(HOURS.counts, tally.counts, strict=True))
        found = figure(counts_of)
        if found is None:
            continue
        day, hour = divmod(int(hour_of_week), 24)
        if of is not None and of(counts_of) < FEW:
            few.add((day, hour))
        fields[day, hour] = found
        href = f"{base}&hour_of_week={hour_of_week}" if behind else None
        rows.append((hour_words(day, hour), Cell(found, href)))
    return Chart(
        name,
        title,
        Heat(title, fields, unit, dark, low_is_dark, frozenset(few)),
        Sheet(
            name,
            title,
            (
                Column("hour", ("วันและชั่วโมง", "Day and hour"), Kind.TEXT),
                Column("figure", value, KINDS[unit], suppressible=unit == "count"),
            ),
            tuple(rows),
        ),
        (FEW_NOTE,) if few else (),
    )


def spans_chart(
    name: str,
    title: Words,
    spans: Mapping[int, int],
    standard: Micros | None,
    behind: Callable[[Micros | None, Micros | None], str] | None,
    standard_name: Words = ("มาตรฐาน", "Standard"),
) -> Chart:
    """A histogram with its standard; `behind(above, upto)` leads from a bar to its calls."""
    bars = binned(spans, standard)
    rows, before = [], None
    for bar in bars:
        end = "…" if bar.upto is None else length_text(bar.upto)
        words = f"{length_text(before or 0)} – {end}"
        href = behind(before, bar.upto) if behind and bar.count else None
        rows.append((words, Cell(bar.count, href)))
        before = bar.upto
    return Chart(
        name,
        title,
        SpanHistogram(title, bars, standard, standard_name),
        Sheet(
            name,
            title,
            (
                Column("span", ("ใช้เวลา", "Took"), Kind.TEXT),
                Column("count", ("จำนวน", "How many"), suppressible=True),
            ),
            tuple(rows),
        ),
    )


def together(form: Form, tallies: Iterable[Tally]) -> Tally:
    """All of them as one; histograms stay as they are stored until somebody looks at them."""
    every = [Tally(list(tally.counts), list(tally.spans)) for tally in tallies]
    if not every:
        return Tally.of(form)
    for tally in every[1:]:
        every[0].add(tally)
    return every[0]


async def choices_of(
    connection: AsyncConnection, config: Config, filters: Filters, takes: Iterable[str]
) -> dict[str, tuple[Choice, ...]]:
    """What the filters can be set to: names that the figures know of the months of these days."""
    period = filters.period
    found: dict[str, tuple[Choice, ...]] = {}
    services = edition_of(period).services
    for name in takes:
        if name == "service":
            found[name] = tuple(
                Choice(s.service, (s.name_th, s.name_en)) for s in services.values()
            )
        elif name == "step":
            known = (
                [services[filters.service]] if filters.service in services else services.values()
            )
            steps = {step.step: (step.th, step.en) for s in known for step in s.steps.values()}
            found[name] = tuple(Choice(step, words) for step, words in steps.items())
        elif name in _KNOWN_BY:
            found_then = await names_in(
                connection, _KNOWN_BY[name], name, since=period.since, until=period.until
            )
            values = found_then | {getattr(filters, name)} - {""}
            found[name] = tuple(
                Choice(v, agency_name(config, v) if name == "agency" else (v, v))
                for v in sorted(values)
            )
    return found


_KNOWN_BY: dict[str, Form] = {"queue": QUEUES, "agent": AGENTS, "agency": AGENCY_STEPS}


def _label(days: Period, grain: Grain) -> Words:
    if grain == "month":
        return (month_text(days.first, "th"), month_text(days.first, "en"))
    return (short_day_text(days.first, "th"), short_day_text(days.first, "en"))


def when_words(days: Period, grain: Grain) -> Words:
    """A day, week or month, or what of it is meant, written out."""
    if grain == "day" or days.days == 1:
        return (day_text(days.first, "th"), day_text(days.first, "en"))
    return _days(days)


def _days(days: Period) -> Words:
    if days.days == 1:
        return (day_text(days.first, "th"), day_text(days.first, "en"))
    return (
        f"{day_text(days.first, 'th')} – {day_text(days.last, 'th')}",
        f"{day_text(days.first, 'en')} – {day_text(days.last, 'en')}",
    )
