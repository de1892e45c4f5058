"""How long something took: bars of unequal spans of time, the standard drawn in."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from crm_bridge.charts.svg import (
    BLUE,
    INK,
    RED,
    SOFT,
    Words,
    drawing,
    hatch,
    line,
    rect,
    said,
    text,
    ticks,
)
from crm_bridge.figures.histogram import bucket, plain, upper
from crm_bridge.written import length_text

EDGES: Final = (
    1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1200, 1800, 2700,
    3600, 5400, 7200, 10800, 21600, 43200, 86400,
)  # fmt: skip
"""Seconds at which bars end: each a third to a half longer, all of three digits and so exact."""
_SECOND: Final = 1_000_000
_FEWEST: Final = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """Spans above the end of the bar before, up to and with `upto` µs; None: all longer ones."""

    upto: int | None
    count: int
    over: bool
    """Longer than the standard."""


def binned(spans: Mapping[int, int], standard: int | None) -> tuple[Bar, ...]:
    """A histogram of `figures.histogram` as bars; `standard` in µs is the end of one of them."""
    spans = plain(spans)
    if not spans:
        return ()
    edges = sorted({s * _SECOND for s in EDGES} | ({standard} if standard else set()))
    shortest, longest = upper(min(spans)), upper(max(spans))
    low = max((n for n, edge in enumerate(edges) if edge < shortest), default=0)
    high = next((n for n, edge in enumerate(edges) if edge >= longest), len(edges) - 1)
    if standard:
        low, high = min(low, edges.index(standard)), max(high, edges.index(standard))
    low, high = max(0, min(low, high - _FEWEST)), min(len(edges) - 1, max(high, low + _FEWEST))
    ends: list[int | None] = list(edges[low : high + 1])
    if longest > edges[high]:
        ends.append(None)
    limits = [bucket(end) for end in ends if end is not None]
    counts = [0] * len(ends)
    for number, count in spans.items():
        counts[bisect_left(limits, number)] += count
    return tuple(
        Bar(end, count, standard is not None and (end is None or end > standard))
        for end, count in zip(ends, counts, strict=True)
    )


@dataclass(frozen=True, slots=True)
class SpanHistogram:
    """The bars and the standard, in microseconds."""

    title: Words
    bars: tuple[Bar, ...]
    standard: int | None
    standard_name: Words = ("มาตรฐาน", "Standard")
    width: int = 660
    height: int = 280

    def svg(self, lang: str, name: str) -> str:
        """The picture."""
        left, right, top, bottom = 52.0, 18.0, 34.0, 46.0
        tall, wide = self.height - top - bottom, self.width - left - right
        steps = ticks(max((bar.count for bar in self.bars), default=0), whole=True)
        each = wide / max(1, len(self.bars))

        def y(count: float) -> float:
            return top + tall * (1 - count / steps[-1])

        parts: list[str] = []
        for step in steps:
            parts.append(line(left, y(step), self.width - right, y(step)))
            parts.append(text(left - 8, y(step) + 4, f"{step:,.0f}", anchor="end", fill=SOFT))
        before = length_text(0, lang)
        for n, bar in enumerate(self.bars):
            x, end = left + n * each, "…" if bar.upto is None else length_text(bar.upto, lang)
            fill = f"url(#{name}-over)" if bar.over else BLUE
            told = f"{before} – {end}: {bar.count:,}"
            parts.append(rect(x + 1.5, y(bar.count), each - 3, top + tall - y(bar.count), fill=fill,
                              stroke=RED if bar.over else BLUE, title=told))  # fmt: skip
            if bar.count:
                parts.append(text(x + each / 2, y(bar.count) - 5, _short(bar.count),
                                  anchor="middle", size=10, halo=True))  # fmt: skip
            if bar.upto is not None:
                floor, x2 = top + tall, x + each
                parts.append(line(x2, floor, x2, floor + 5, stroke=SOFT))
                parts.append(text(x2, floor + 18, end, anchor="middle", size=10, fill=SOFT))
            before = end
        parts.append(line(left, top + tall, self.width - right, top + tall, stroke=INK))
        parts += self._standard(lang, left, each, top, tall)
        axis = said(
            ("ใช้เวลาไม่เกิน (ช่องเวลากว้างขึ้นเรื่อย ๆ)", "took up to (each bar a longer span)"), lang
        )
        parts.append(text(left + wide / 2, self.height - 8, axis, anchor="middle", fill=SOFT))
        return drawing(
            name, self.width, self.height, parts, title=said(self.title, lang),
            told=self._told(lang), definitions=hatch(f"{name}-over", RED),
        )  # fmt: skip

    def _standard(self, lang: str, left: float, each: float, top: float, tall: float) -> list[str]:
        place = next((n for n, bar in enumerate(self.bars) if bar.upto == self.standard), None)
        if self.standard is None or place is None:
            return []
        x = left + (place + 1) * each
        word = said(self.standard_name, lang)
        late = x > self.width * 0.7
        return [
            line(x, top - 16, x, top + tall, stroke=INK, width=2, dashes="6 3"),
            text(x + (-7 if late else 7), top - 7, f"{word} {length_text(self.standard, lang)}",
                 anchor="end" if late else "start", bold=True, halo=True),
        ]  # fmt: skip

    def _told(self, lang: str) -> str:
        all_of_them = sum(bar.count for bar in self.bars)
        over = sum(bar.count for bar in self.bars if bar.over)
        if self.standard is None:
            return said((f"{all_of_them:,} รายการ", f"{all_of_them:,} in all"), lang)
        limit = length_text(self.standard, lang)
        return said(
            (f"{all_of_them:,} รายการ นานกว่า {limit} จำนวน {over:,} (แท่งลายเส้นเฉียง)",
             f"{all_of_them:,} in all, {over:,} longer than {limit} (hatched)"),
            lang,
        )  # fmt: skip


def _short(count: int) -> str:
    if count >= 1_000_000:
        return f"{count / 1_000_000:.1f}M"
    return f"{count / 1000:.1f}k" if count >= 10_000 else f"{count:,}"
