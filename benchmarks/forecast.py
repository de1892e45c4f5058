"""Forecasts of a seeded year, made on the past alone: `python -m benchmarks.forecast`.

Every four weeks, from eight weeks of history on, the next four weeks are forecast and held against
what came; beside them what a spreadsheet would have said. Then the forecasts are held against the
year's own habits, without campaigns and the chance of days and calls; and last, whoever had known
those habits is held against what came: nearer than that no forecast can be. Errors are WAPE, by
half-hours and by days.
"""

from __future__ import annotations

import argparse
import time
from datetime import date

from benchmarks.table import table, verdict
from benchmarks.year.shape import Day, days_of
from crm_bridge.forecast.backtest import LEAST_DAYS, METHODS, Backtest, backtest
from crm_bridge.forecast.days import Kind, PastDay
from crm_bridge.forecast.model import fit

AIM = 0.75
"""The model's error against the better of the spreadsheet's."""


def past(days: tuple[Day, ...]) -> list[PastDay]:
    return [PastDay(day.day, _kind(day), day.calls) for day in days]


def _kind(day: Day) -> Kind:
    if day.after_holiday:
        return Kind.AFTER_HOLIDAY
    if day.working:
        return Kind.WORKING
    return Kind.WEEKEND if day.holiday is None else Kind.HOLIDAY


def _row(name: str, found: Backtest) -> list[str]:
    hours = [found.half_hours[m].wape or 0.0 for m in METHODS]
    days = [found.days[m].wape or 0.0 for m in METHODS]
    return [
        name, *(f"{100 * e:.1f} %" for e in hours), f"{found.ratio or 0.0:.2f}",
        *(f"{100 * e:.1f} %" for e in days),
        f"{found.half_hours_within / max(1, 48 * found.judged_days):.0%}",
        f"{found.days_within / max(1, found.judged_days):.0%}",
    ]  # fmt: skip


def measure(count: int, seed: int, year: int) -> tuple[list[list[str]], float]:
    """Rows of the table, and the ratio of all days."""
    days = days_of(seed, count, year)
    history = past(days)
    campaigns: set[date] = {day.day for day in days if day.campaign is not None}
    truth = {day.day: day.expected for day in days}
    began = time.perf_counter()
    fit(history)
    took = (time.perf_counter() - began) * 1e3
    whole = backtest(history)
    name = f"{count:,}"
    rows = [
        _row(f"{name} calls, all days (made in {took:.0f} ms)", whole),
        _row(f"{name} without {len(campaigns)} campaign days", backtest(history, skip=campaigns)),
        _row(f"{name} against the year's habits", backtest(history, truth=truth)),
        _knowing(f"{name} knowing the habits", days[LEAST_DAYS:]),
    ]
    return rows, whole.ratio or 1.0


def _knowing(name: str, days: tuple[Day, ...]) -> list[str]:
    calls = sum(day.count for day in days)
    slots = sum(abs(c - e) for day in days for c, e in zip(day.calls, day.expected, strict=True))
    whole = sum(abs(day.count - sum(day.expected)) for day in days)
    errors = [f"{100 * missed / calls:.1f} %" for missed in (slots, whole)]
    return [name, errors[0], "", "", "", errors[1], "", "", "", ""]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecast", description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--seed", type=int, default=1203)
    parser.add_argument("--year", type=int, default=2026)
    options = parser.parse_args()
    rows, ratios = [], []
    for count in options.counts:
        made, ratio = measure(count, options.seed, options.year)
        rows += made
        ratios.append(ratio)
    print(
        table(
            ["year", "half-hours", "last week", "mean of 4", "ratio", "days", "last week",
             "mean of 4", "in interval", "days in it"],
            rows,
        )
    )  # fmt: skip
    worst = max(ratios)
    print(f"\nerror ÷ that of the better naive forecast: at most {worst:.2f}, aim {AIM}: "
          f"{verdict(worst <= AIM)}")  # fmt: skip


if __name__ == "__main__":
    main()
