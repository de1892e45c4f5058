"""Where callers go: columns of places, bands between them as broad as the calls are many."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from html import escape
from typing import Final

from crm_bridge.charts.svg import (
    BLUE,
    INK,
    RED,
    SKY,
    Words,
    drawing,
    element,
    hatch,
    rect,
    said,
    text,
)

_GAP: Final = 14.0
_NODE: Final = 16.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where calls are or end; `lost`: callers gave up there."""

    id: str
    column: int
    label: Words
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """So many calls from one place to another, of a later column."""

    source: str
    target: str
    calls: int


@dataclass(frozen=True, slots=True)
class Flow:
    """Places in the order in which they are drawn from the top, and the bands between them."""

    title: Words
    places: tuple[Place, ...]
    bands: tuple[Band, ...]
    width: int = 1240
    height: int = 440

    def svg(self, lang: str, name: str) -> str:
        """The picture."""
        size: dict[str, int] = {}
        for place in self.places:
            into = sum(b.calls for b in self.bands if b.target == place.id)
            out = sum(b.calls for b in self.bands if b.source == place.id)
            size[place.id] = max(into, out)
        columns: dict[int, list[Place]] = defaultdict(list)
        for place in self.places:
            if size[place.id]:
                columns[place.column].append(place)
        top, bottom, left, right = 12.0, 12.0, 6.0, 170.0
        tall = self.height - top - bottom
        fullest = max((sum(size[p.id] for p in ps) for ps in columns.values()), default=1) or 1
        crowd = max((len(ps) for ps in columns.values()), default=1)
        scale = max(0.0, tall - (crowd - 1) * 2 * _GAP) / fullest
        last = max(columns, default=1) or 1
        at: dict[str, tuple[float, float]] = {}
        for column, places in columns.items():
            y, x = top, left + (self.width - left - right - _NODE) * column / last
            for place in places:
                at[place.id] = (x, y)
                y += max(size[place.id] * scale, 18.0) + _GAP
        lost = {p.id for p in self.places if p.lost}
        parts = self._bands(lang, at, scale, lost)
        for place in self.places:
            if place.id not in at:
                continue
            x, y = at[place.id]
            height = max(size[place.id] * scale, 2.0)
            fill = f"url(#{name}-lost)" if place.lost else BLUE
            label = f"{said(place.label, lang)}: {size[place.id]:,}"
            parts.append(rect(x, y, _NODE, height, fill=fill, stroke=RED if place.lost else INK,
                              title=label))  # fmt: skip
            parts.append(text(x + _NODE + 6, y + max(height / 2, 6) + 5, label, halo=True,
                              bold=place.lost))  # fmt: skip
        return drawing(
            name, self.width, self._height(at, size, scale), parts, title=said(self.title, lang),
            told=self._told(lang, size), definitions=hatch(f"{name}-lost", RED),
        )  # fmt: skip

    def _height(
        self, at: dict[str, tuple[float, float]], size: dict[str, int], scale: float
    ) -> float:
        ends = [y + max(size[i] * scale, 18.0) for i, (_, y) in at.items()]
        return max([*ends, 60.0]) + 12

    def _bands(
        self, lang: str, at: dict[str, tuple[float, float]], scale: float, lost: set[str]
    ) -> list[str]:
        names = {p.id: said(p.label, lang) for p in self.places}
        out: dict[str, float] = defaultdict(float)
        into: dict[str, float] = defaultdict(float)
        parts = []
        order = {p.id: n for n, p in enumerate(self.places)}
        for band in sorted(self.bands, key=lambda b: (order[b.source], order[b.target])):
            if not band.calls:
                continue
            (x1, y1), (x2, y2) = at[band.source], at[band.target]
            thick = band.calls * scale
            x1 += _NODE
            y1 += out[band.source]
            y2 += into[band.target]
            out[band.source] += thick
            into[band.target] += thick
            middle = (x1 + x2) / 2
            y3, y4, m = y1 + thick, y2 + thick, f"{middle:.1f}"
            path = (
                f"M{x1:.1f},{y1:.1f} C{m},{y1:.1f} {m},{y2:.1f} {x2:.1f},{y2:.1f} "
                f"L{x2:.1f},{y4:.1f} C{m},{y4:.1f} {m},{y3:.1f} {x1:.1f},{y3:.1f} Z"
            )
            told = f"{names[band.source]} → {names[band.target]}: {band.calls:,}"
            parts.append(
                element("path", element("title", escape(told)), d=path,
                        fill="#f0b48f" if band.target in lost else SKY,
                        fill_opacity="0.55" if band.target in lost else "0.4")
            )  # fmt: skip
        return parts

    def _told(self, lang: str, size: dict[str, int]) -> str:
        gone = [p for p in self.places if p.lost and size[p.id]]
        told = "; ".join(f"{said(p.label, lang)} {size[p.id]:,}" for p in gone)
        word = said(("ผู้โทรที่วางสาย", "Callers who gave up"), lang)
        return f"{word}: {told}" if told else said(("ไม่มีผู้โทรวางสาย", "Nobody gave up"), lang)
