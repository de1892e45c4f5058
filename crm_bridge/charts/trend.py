"""A figure through time: these days as a line, those they are set beside as dashes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from math import ceil, floor
from typing import Final

from crm_bridge.charts.svg import (
    BLUE,
    INK,
    RED,
    SOFT,
    Unit,
    Words,
    drawing,
    element,
    figure,
    line,
    said,
    span_ticks,
    text,
    ticks,
)

_SMALL: Final = 0.5
"""Shares that are all below this are drawn up from nothing, not up to all."""


@dataclass(frozen=True, slots=True)
class Point:
    """One day, week or month; None where there is nothing to tell of."""

    label: Words
    now: float | None
    then: float | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """Points in order of time; `goal` is drawn where there is one."""

    title: Words
    points: tuple[Point, ...]
    unit: Unit
    now: Words
    """What the line is called: the days."""
    then: Words
    goal: float | None = None
    goal_name: Words = ("เป้าหมาย", "target")
    width: int = 660
    height: int = 280

    def svg(self, lang: str, name: str) -> str:
        """The picture."""
        left, right, top, bottom = 52.0, 12.0, 40.0, 34.0
        tall, wide = self.height - top - bottom, self.width - left - right
        steps = self._steps()
        low, high = steps[0], steps[-1]

        def y(value: float) -> float:
            return top + tall * (1 - (value - low) / (high - low))

        def x(n: int) -> float:
            return left + wide * ((n + 0.5) / len(self.points))

        parts: list[str] = []
        for step in steps:
            parts += [line(left, y(step), self.width - right, y(step)),
                      text(left - 8, y(step) + 4, figure(step, self.unit, lang), anchor="end",
                           fill=SOFT)]  # fmt: skip
        every = max(1, ceil(len(self.points) / 10))
        for n, point in enumerate(self.points):
            if n % every == 0:
                parts.append(text(x(n), self.height - 12, said(point.label, lang), anchor="middle",
                                  size=12, fill=SOFT))  # fmt: skip
        if self.goal is not None and low <= self.goal <= high:
            goal = said(self.goal_name, lang)
            parts += [line(left, y(self.goal), self.width - right, y(self.goal), stroke=INK,
                           width=1.5, dashes="2 3"),
                      text(self.width - right, y(self.goal) - 5,
                           f"{goal} {figure(self.goal, self.unit, lang)}", anchor="end", size=12,
                           halo=True)]  # fmt: skip
        then = [(x(n), None if p.then is None else y(p.then)) for n, p in enumerate(self.points)]
        now = [(x(n), None if p.now is None else y(p.now)) for n, p in enumerate(self.points)]
        parts.append(_path(then, RED, "7 4", 1.8))
        parts.append(_path(now, BLUE, None, 2.6))
        for n, point in enumerate(self.points):
            parts += self._marks(lang, x(n), y, point)
        parts += self._legend(lang, left)
        return drawing(name, self.width, self.height, parts, title=said(self.title, lang),
                       told=self._told(lang))  # fmt: skip

    def _marks(self, lang: str, x: float, y: Callable[[float], float], point: Point) -> list[str]:
        found = []
        label = said(point.label, lang)
        for value, colour, square in ((point.then, RED, True), (point.now, BLUE, False)):
            if value is None:
                continue
            place = y(value)
            told = element("title", escape(f"{label}: {figure(value, self.unit, lang)}"))
            if square:
                found.append(element("rect", told, x=x - 2.5, y=place - 2.5, width=5, height=5,
                                     fill="#fff", stroke=colour))  # fmt: skip
            else:
                found.append(element("circle", told, cx=x, cy=place, r=3.4, fill=colour))
        return found

    def _legend(self, lang: str, left: float) -> list[str]:
        now, then = said(self.now, lang), said(self.then, lang)
        found = [line(left, 16, left + 30, 16, stroke=BLUE, width=2.6),
                 element("circle", cx=left + 15, cy=16, r=3.4, fill=BLUE),
                 text(left + 37, 20, now)]  # fmt: skip
        if any(p.then is not None for p in self.points):
            at = left + 62 + 7.2 * len(now)
            found += [line(at, 16, at + 30, 16, stroke=RED, width=1.8, dashes="7 4"),
                      element("rect", x=at + 12.5, y=13.5, width=5, height=5, fill="#fff",
                              stroke=RED),
                      text(at + 37, 20, then)]  # fmt: skip
        return found

    def _steps(self) -> list[float]:
        values = [v for p in self.points for v in (p.now, p.then) if v is not None]
        if self.unit == "share" and max(values, default=1.0) <= _SMALL and self.goal is None:
            return [step / 100 for step in ticks(max(values) * 100)]
        if self.unit == "share":
            lowest = min([*values, self.goal if self.goal is not None else 1.0])
            low = max(0.0, floor(lowest * 10 - 0.2) / 10)
            parts = 4 if low < 0.6 else 2
            return [low + (1 - low) * n / parts for n in range(parts + 1)]
        top = max([*values, self.goal or 0.0])
        if self.unit == "span":
            return span_ticks(top)
        return ticks(top, whole=True)

    def _told(self, lang: str) -> str:
        known = [(p.now, p) for p in self.points if p.now is not None]
        if not known:
            return said(("ไม่มีข้อมูล", "Nothing to tell of"), lang)
        (low, lowest), (high, highest) = min(known, key=_first), max(known, key=_first)
        return said(
            (f"ต่ำสุด {figure(low, self.unit, lang)} ({lowest.label[0]}) "
             f"สูงสุด {figure(high, self.unit, lang)} ({highest.label[0]})",
             f"lowest {figure(low, self.unit, lang)} ({lowest.label[1]}), "
             f"highest {figure(high, self.unit, lang)} ({highest.label[1]})"),
            lang,
        )  # fmt: skip


def _first(pair: tuple[float, Point]) -> float:
    return pair[0]


def _path(
    places: list[tuple[float, float | None]], colour: str, dashes: str | None, width: float
) -> str:
    """A line that breaks where nothing is known."""
    steps, drawn = [], False
    for x, y in places:
        if y is None:
            drawn = False
            continue
        steps.append(f"{'L' if drawn else 'M'}{x:.1f},{y:.1f}")
        drawn = True
    return element(
        "path", d="".join(steps) or "M0,0", fill="none", stroke=colour, stroke_width=width,
        stroke_dasharray=dashes, stroke_linejoin="round",
    )  # fmt: skip
