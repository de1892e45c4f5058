"""Bars beside each other, each of one part or of several laid end to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from crm_bridge.charts.svg import (
    BLUE,
    INK,
    ORANGE,
    RED,
    SKY,
    SOFT,
    Unit,
    Words,
    drawing,
    figure,
    hatch,
    line,
    rect,
    said,
    text,
)

_FILLS: Final = (BLUE, "hatch", SKY, "hatch2")
_LONGEST: Final = 30
"""Letters of a name that are drawn; the table has it whole."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name and its parts, in the order of the legend."""

    label: Words
    parts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars from the top down; `legend` names the parts where there are several."""

    title: Words
    bars: tuple[Bar, ...]
    unit: Unit
    legend: tuple[Words, ...] = ()
    width: int = 660

    def svg(self, lang: str, name: str) -> str:
        """The picture."""
        right, each = 70.0, 26.0
        letters = max((len(said(bar.label, lang)) for bar in self.bars), default=0)
        left = 24.0 + 6.4 * min(letters, _LONGEST)
        top = 34.0 if len(self.legend) > 1 else 8.0
        height = top + each * len(self.bars) + 10
        longest = max((sum(bar.parts) for bar in self.bars), default=0) or 1.0
        scale = (self.width - left - right) / longest
        parts: list[str] = []
        fills = [self._fill(n, name) for n in range(max(1, len(self.legend)))]
        if len(self.legend) > 1:
            at = left
            for fill, words in zip(fills, self.legend, strict=True):
                shown = said(words, lang)
                parts += [rect(at, 7, 22, 13, fill=fill, stroke=INK), text(at + 29, 18, shown)]
                at += 56 + 7.4 * len(shown)
        for n, bar in enumerate(self.bars):
            y, x = top + n * each, left
            label = said(bar.label, lang)
            shown = label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"
            parts.append(text(left - 10, y + 17, shown, anchor="end"))
            for fill, value in zip(fills, bar.parts, strict=False):
                told = f"{label}: {figure(value, self.unit, lang)}"
                parts.append(rect(x, y + 4, value * scale, each - 8, fill=fill, stroke=INK,
                                  title=told))  # fmt: skip
                x += value * scale
            parts.append(text(x + 7, y + 17, figure(sum(bar.parts), self.unit, lang), fill=INK))
        parts.append(line(left, top, left, height - 8, stroke=SOFT))
        return drawing(
            name, self.width, height, parts, title=said(self.title, lang), told=self._told(lang),
            definitions=hatch(f"{name}-h", RED) + hatch(f"{name}-h2", ORANGE),
        )  # fmt: skip

    def _fill(self, n: int, name: str) -> str:
        fill = _FILLS[n % len(_FILLS)]
        return f"url(#{name}-h{fill.removeprefix('hatch')})" if fill.startswith("hatch") else fill

    def _told(self, lang: str) -> str:
        return "; ".join(
            f"{said(bar.label, lang)} {figure(sum(bar.parts), self.unit, lang)}"
            for bar in self.bars[:12]
        )
