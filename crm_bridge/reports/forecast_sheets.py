"""A forecast as tables and charts, in the one form that pages and files take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite
from typing import Any, Final

from crm_bridge.charts.staffing import Bounds, Cover, Fan, Officers, Shifted, clock
from crm_bridge.charts.staffing import Column as DayColumn
from crm_bridge.forecast.days import HALF_HOURS
from crm_bridge.forecast.days import Kind as DayKind
from crm_bridge.reports.dashboard import Chart
from crm_bridge.reports.forecasting import Forecast, ForecastDay, HalfHour
from crm_bridge.reports.sheets import Cell, Column, Kind, Sheet, Words
from crm_bridge.written import WEEKDAYS_EN, WEEKDAYS_TH, short_day_text

KINDS: Final[dict[DayKind, Words]] = {
    DayKind.WORKING: ("วันทำการ", "working day"),
    DayKind.AFTER_HOLIDAY: ("วันแรกหลังวันหยุด", "first day after a holiday"),
    DayKind.WEEKEND: ("วันหยุดสุดสัปดาห์", "weekend"),
    DayKind.HOLIDAY: ("วันหยุดราชการ", "public holiday"),
}
_SHOWN: Final = (14, 40)
"""Half-hours that are drawn where calls outside them are few: 07:00 to 20:00."""
_FEW: Final = 0.06
_PAPER: Final = 700
"""Wide, in a drawing's units, so that its letters can be read on paper."""
_OF_OFFICERS: Final = {"day", "most", "needed_hours", "planned_hours", "lacking"}

_EXPECTED: Final = (
    Column("service_level", ("รับทันเวลา", "In time"), Kind.SHARE),
    Column("asa", ("รอเฉลี่ย", "Mean wait"), Kind.SPAN),
    Column("abandoning", ("วางสายก่อนรับ", "Abandoning"), Kind.SHARE),
    Column("occupancy", ("เวลาที่ไม่ว่าง", "Occupancy"), Kind.SHARE),
)
_CALLS: Final = (
    Column("calls", ("สายที่คาด", "Calls expected"), Kind.NUMBER),
    Column("low", ("ต่ำ", "Low"), Kind.NUMBER),
    Column("high", ("สูง", "High"), Kind.NUMBER),
)


def day_words(day: ForecastDay) -> Words:
    """`จ. 30 พ.ย.` or `Mon 30 Nov`."""
    n = day.day.weekday()
    return (
        f"{WEEKDAYS_TH[n]} {short_day_text(day.day, 'th')}",
        f"{WEEKDAYS_EN[n]} {short_day_text(day.day, 'en')}",
    )


def _below(day: ForecastDay) -> Words | None:
    """What is to be known of a day, in few words."""
    if day.campaign is not None:
        factor = f"×{day.campaign.factor:g}"
        return f"{factor} {day.campaign.name_th}", f"{factor} {day.campaign.name_en}"
    if day.holiday is not None:
        return day.holiday
    return KINDS[day.kind] if day.kind is DayKind.AFTER_HOLIDAY else None


def days_sheet(found: Forecast) -> Sheet:
    """A day a row."""
    return Sheet(
        "forecast_days",
        ("พยากรณ์รายวัน", "The forecast by the day"),
        (
            Column("day", ("วัน", "Day"), Kind.TEXT),
            Column("kind", ("ชนิดวัน", "Kind of day"), Kind.TEXT),
            *_CALLS,
            Column("busiest", ("ครึ่งชั่วโมงที่มากสุด", "Busiest half-hour"), Kind.TEXT),
            Column("most", ("คนมากสุด", "Officers at most")),
            Column("needed_hours", ("ชั่วโมงคนที่ต้องการ", "Officer hours needed"), Kind.NUMBER),
            Column("planned_hours", ("ชั่วโมงคนตามแผน", "Officer hours planned"), Kind.NUMBER),
            Column("lacking", ("ครึ่งชั่วโมงที่ขาดคน", "Half-hours short of officers")),
            *_EXPECTED,
        ),
        tuple(_day_row(found, day) for day in found.days),
        notes(found),
    )


def _day_row(found: Forecast, day: ForecastDay) -> tuple[Any, ...]:
    below, kind = _below(day), KINDS[day.kind]
    named = kind if below in {None, kind} else (f"{kind[0]}: {below[0]}", f"{kind[1]}: {below[1]}")
    busiest, outcome = day.busiest, day.outcome
    totals: tuple[float | None, ...] = (None, None, None)
    if day.total is not None:
        totals = (round(day.total, 1), round(day.low, 1), round(day.high, 1))
    lacking: Any = None
    if outcome is not None and outcome.planned_hours is not None:
        lacking = Cell(outcome.missing_half_hours, bad=outcome.missing_half_hours > 0)
    return (
        day_words(day),
        named,
        *totals,
        None if busiest is None else f"{clock(busiest.at)} ({busiest.calls:.0f})",
        day.most,
        None if outcome is None else outcome.needed_hours,
        None if outcome is None else outcome.planned_hours,
        lacking,
        *_expected(outcome, found),
    )


def _expected(outcome: Any, found: Forecast) -> Iterator[Any]:
    """Of an `Outcome` or a `Service`: level, wait, abandoning, occupancy."""
    if outcome is None:
        yield from (None, None, None, None)
        return
    level = outcome.service_level
    target = found.terms.level if found.terms is not None else 0.0
    yield level if level is None else Cell(level, bad=level < target)
    yield micros(outcome.asa)
    # callers with endless patience do not give up: Erlang C cannot say
    yield None if found.terms is None or found.terms.patience is None else outcome.abandoning
    yield outcome.occupancy


def micros(seconds: float | None) -> int | None:
    """A wait as sheets have it; one without an end is not known."""
    return None if seconds is None or not isfinite(seconds) else round(seconds * 1e6)


def half_hours_sheet(
    found: Forecast, days: tuple[ForecastDay, ...], *, short: bool = False
) -> Sheet:
    """A half-hour a row, of these days; `short`: without those in which hardly anybody calls."""
    first, last = window(found) if short else (0, HALF_HOURS)
    said: Words = (
        f"แสดง {clock(first)} ถึง {clock(last)} น. ไฟล์มีครบทั้งวัน",
        f"From {clock(first)} to {clock(last)}; files hold the whole day.",
    )
    return Sheet(
        "forecast_half_hours",
        ("พยากรณ์รายครึ่งชั่วโมง", "The forecast by the half-hour"),
        (
            Column("day", ("วัน", "Day"), Kind.TEXT, heads=True),
            Column("time", ("เวลา", "Time"), Kind.TEXT),
            *_CALLS,
            Column("needed", ("คนรับสาย", "Taking calls")),
            Column("present", ("คนในที่ทำงาน", "In the house")),
            Column("planned", ("ตามแผน", "Planned"), Kind.NUMBER),
            Column("lacking", ("ขาด", "Lacking")),
            *_EXPECTED,
        ),
        tuple(
            _half_hour_row(found, day, half) for day in days for half in day.half_hours[first:last]
        ),
        (said,) if last - first < HALF_HOURS else (),
    )


def _half_hour_row(found: Forecast, day: ForecastDay, half: HalfHour) -> tuple[Any, ...]:
    need = half.need
    lacking: Any = None
    if need is not None and need.planned is not None:
        lacking = Cell(need.missing, bad=need.missing > 0)
    return (
        day_words(day),
        clock(half.at),
        *(round(n, 1) for n in (half.calls, half.low, half.high)),
        None if need is None else need.needed,
        None if need is None else need.present,
        None if need is None else need.planned,
        lacking,
        *_expected(None if need is None else need.expected, found),
    )


def notes(found: Forecast) -> tuple[Words, ...]:
    """What a forecast is read with: what it is made of, and what was left out."""
    model = found.model
    written: list[Words] = []
    if model.short and model.used:
        written.append(
            (f"มีข้อมูลใช้ได้เพียง {model.used} วัน (น้อยกว่า 4 สัปดาห์) ถือเป็นค่าประมาณขั้นต้นเท่านั้น",
             f"Only {model.used} days could be used (less than 4 weeks): a first guess, no more.")
        )  # fmt: skip
    left = [
        (model.missed, "วันที่ข้อมูลขาดหรือระบบหยุด", "with gaps, or on which the line stood still"),
        (model.campaigns, "วันกิจกรรมที่ระบุไว้", "named as a campaign"),
        (model.unusual, "วันที่ผิดปกติมาก", "far out of the usual"),
    ]
    thai = ", ".join(f"{n} {th}" for n, th, _ in left if n)
    english = ", ".join(f"{n} {en}" for n, _, en in left if n)
    thai = f"เรียนรู้จาก {model.used} วัน" + (f" ไม่ใช้ {thai}" if thai else "")
    english = f"Learnt from {model.used} days" + (f"; not used: {english}" if english else "")
    written.append((thai, f"{english}."))
    return tuple(written)


def charts(found: Forecast) -> tuple[Chart, ...]:
    """Expected calls, and officers needed beside those planned."""
    first, last = window(found)
    calls = Chart(
        "forecast_calls",
        ("สายที่คาดรายครึ่งชั่วโมง", "Calls expected by the half-hour"),
        Fan(
            ("สายที่คาดรายครึ่งชั่วโมง", "Calls expected by the half-hour"),
            tuple(
                DayColumn(
                    day_words(day), _below(day), not day.kind.working, first,
                    tuple(Bounds(h.low, h.calls, h.high) for h in day.half_hours[first:last]),
                )
                for day in found.days
            ),
        ),
        half_hours_sheet(found, found.days),
        (
            (f"แต่ละวันแสดง {clock(first)} ถึง {clock(last)} น. พื้นเทาคือวันหยุด",
             f"Each day from {clock(first)} to {clock(last)}; grey: offices are closed."),
        ),
    )  # fmt: skip
    if found.terms is None:
        return (calls,)
    staffed = [h.at for day in found.days for h in day.half_hours if h.need is not None]
    begin, end = (min(staffed), max(staffed) + 1) if staffed else (0, 0)
    cover = Chart(
        "forecast_officers",
        ("เจ้าหน้าที่ที่ต้องการเทียบกับแผน", "Officers needed and planned"),
        Cover(
            ("เจ้าหน้าที่ที่ต้องการเทียบกับแผน", "Officers needed and planned"),
            tuple(
                Shifted(
                    day_words(day), _below(day), not day.kind.working, begin,
                    tuple(
                        Officers(h.need.present, h.need.planned)
                        for h in day.half_hours[begin:end] if h.need is not None
                    ),
                )
                for day in found.days
            ),
        ),
        days_sheet(found),
        (
            (f"แต่ละวันแสดง {clock(begin)} ถึง {clock(end)} น.",
             f"Each day from {clock(begin)} to {clock(end)}."),
        ),
    )  # fmt: skip
    return (calls, cover)


def file_sheets(found: Forecast) -> tuple[Sheet, ...]:
    """What a file for programs holds: days, and every half-hour."""
    return (days_sheet(found), half_hours_sheet(found, found.days))


def paper_sheets(found: Forecast) -> tuple[Sheet, ...]:
    """What is printed: days, officers, and the half-hours of the day."""
    days = days_sheet(found)
    places = [n for n, column in enumerate(days.columns) if column.id in _OF_OFFICERS]
    officers = Sheet(
        "forecast_officers",
        ("เจ้าหน้าที่ที่ต้องการเทียบกับแผน", "Officers needed and planned"),
        tuple(days.columns[n] for n in places),
        tuple(tuple(row[n] for n in places) for row in days.rows),
    )
    return (days, officers, half_hours_sheet(found, found.days, short=True))


def paper_charts(found: Forecast, lang: str) -> dict[str, str]:
    """The charts of `paper_sheets`, drawn narrow for paper."""
    calls, *officers = charts(found)
    assert isinstance(calls.drawing, Fan)  # noqa: S101  # `charts` makes it so
    drawn = {"forecast_days": replace(calls.drawing, width=_PAPER).svg(lang, calls.id)}
    for chart in officers:
        assert isinstance(chart.drawing, Cover)  # noqa: S101  # and so
        drawn[chart.id] = replace(chart.drawing, width=_PAPER).svg(lang, chart.id)
    return drawn


def window(found: Forecast) -> tuple[int, int]:
    """Half-hours to be drawn: those of the day where nearly all calls are in them."""
    calls = [h for day in found.days for h in day.half_hours]
    inside = sum(h.calls for h in calls if _SHOWN[0] <= h.at < _SHOWN[1])
    whole = sum(h.calls for h in calls)
    return _SHOWN if inside >= whole * (1 - _FEW) else (0, HALF_HOURS)
