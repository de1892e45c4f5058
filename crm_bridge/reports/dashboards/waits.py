"""Told and real: what callers were told of their wait, band by band, and how it came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from crm_bridge.figures.forms import WAITS_TOLD
from crm_bridge.figures.tallies import Tally
from crm_bridge.figures.told import band_of
from crm_bridge.reports.dashboards.parts import together
from crm_bridge.reports.desk_metrics import told_figures
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.links import calls_behind
from crm_bridge.reports.sheets import Cell, Column, Kind, Sheet, Words

_JUDGED: Final = ("held", "sooner", "later", "unjudged")
_COLUMNS: Final = (
    Column("told", ("ที่แจ้งผู้โทร", "Callers were told"), Kind.TEXT),
    Column("callers", ("ผู้โทร", "Callers"), suppressible=True),
    Column("held", ("รอจริงตามที่แจ้ง", "Wait as told"), suppressible=True),
    Column("sooner", ("เร็วกว่าที่แจ้ง", "Sooner"), suppressible=True),
    Column("later", ("ช้ากว่าที่แจ้ง", "Later"), suppressible=True),
    Column("unjudged", ("ไม่ทราบ", "Not known"), suppressible=True),
    Column("held_share", ("ร้อยละที่ตรง", "Share as told"), Kind.SHARE, "wait_held"),
)
_SAID: Final[Mapping[str, Words]] = {
    "now": ("มีเจ้าหน้าที่ว่าง (ไม่ได้แจ้ง)", "an officer is free (nothing said)"),
    "unknown": ("ประมาณเวลาไม่ได้", "it cannot be told"),
    "nobody": ("ยังไม่มีเจ้าหน้าที่รับสาย", "nobody takes calls yet"),
}
ALL_BANDS: Final[Words] = ("ทุกช่วงเวลา", "All bands")
_ORDER: Final = ("now", "unknown", "nobody")


def told_words(told: str) -> Words:
    """What was told, in words."""
    band = band_of(told)
    if band is None:
        return _SAID.get(told, (told, told))
    low, high = band
    if high is None:
        return (f"มากกว่า {low} นาที", f"more than {low} min")
    if low == 0:
        return (f"ไม่เกิน {high} นาที", f"up to {high} min")
    return (f"{low}–{high} นาที", f"{low}–{high} min")


def waits_told(
    sums: Mapping[tuple[Any, ...], Tally], filters: Filters, only: Mapping[str, str]
) -> Sheet:
    """One row a told wait, the shortest first, then those without a band, then all bands.

    `sums`: rows of `WAITS_TOLD` by (told).
    """
    each = {str(told): tally for (told,), tally in sums.items() if any(tally.counts)}
    bands = sorted((told for told in each if band_of(told)), key=_length)
    others = sorted(each.keys() - set(bands), key=_place)
    rows = [
        (told_words(told), *_cells(each[told], filters, {**only, "told": told}))
        for told in (*bands, *others)
    ]
    if len(bands) > 1:
        every = together(WAITS_TOLD, (each[told] for told in bands))
        n = told_figures(every)
        rows.append(
            (
                ("ทุกช่วงเวลา", "All bands"),
                n.told,
                n.held,
                n.sooner,
                n.later,
                n.unjudged,
                n.held_share,
            )
        )
    return Sheet(
        "waits_told",
        ("เวลารอที่แจ้งกับเวลารอจริง", "Told and real waits"),
        _COLUMNS,
        tuple(rows),
        (
            (
                "ไม่ทราบ: วางสายหรือออกจากคิวก่อนถึงปลายช่วงที่แจ้ง หรือไม่ได้แจ้งเป็นช่วงเวลา",
                "Not known: gone before the end of what was told, or told no band.",
            ),
        ),
        sums=(("callers", _JUDGED),),
    )


def _length(told: str) -> tuple[int, float]:
    low, high = band_of(told) or (0, None)
    return (low, float("inf") if high is None else high)


def _place(told: str) -> tuple[int, str]:
    return (_ORDER.index(told) if told in _ORDER else len(_ORDER), told)


def _cells(tally: Tally, filters: Filters, only: Mapping[str, str]) -> tuple[Any, ...]:
    n = told_figures(tally)

    def count(value: int, *counts: str) -> Cell:
        link = calls_behind(WAITS_TOLD, filters.period, counts, only) if value else None
        return Cell(value, link)

    return (
        count(n.told, *_JUDGED),
        *(count(getattr(n, name), name) for name in _JUDGED),
        n.held_share,
    )
