"""Hour by weekday: one colour from pale to dark, the number in each field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from crm_bridge.charts.svg import INK, LINE, SOFT, Unit, Words, drawing, figure, rect, said, text
from crm_bridge.written import WEEKDAYS_EN, WEEKDAYS_TH

_PALE: Final = (231, 240, 248)
_DARK: Final = (0, 72, 122)
_LIGHT_LETTERS: Final = 0.5
"""From this share of the darkest on, letters are white."""


@dataclass(frozen=True, slots=True)
class Heat:
    """Fields by (weekday from 0 for Monday, hour); one that is missing holds nothing."""

    title: Words
    fields: Mapping[tuple[int, int], float]
    unit: Unit
    dark: Words
    """What a dark field is: many calls, few in time."""
    low_is_dark: bool = False
    few: frozenset[tuple[int, int]] = frozenset()
    """Fields of so few that they say little: their number stands there, without colour."""
    width: int = 660

    def svg(self, lang: str, name: str) -> str:
        """The picture."""
        hours = sorted({hour for _, hour in self.fields}) or [8, 16]
        span = range(hours[0], hours[-1] + 1)
        left, top, tall = 36.0, 24.0, 29.0
        wide = min(64.0, (self.width - left - 8) / len(span))
        values = [value for place, value in self.fields.items() if place not in self.few]
        low, high = min(values, default=0.0), max(values, default=0.0)
        if self.unit != "share":
            low = 0.0
        days = WEEKDAYS_EN if lang == "en" else WEEKDAYS_TH
        parts = []
        for place, hour in enumerate(span):
            parts.append(text(left + (place + 0.5) * wide, top - 8, f"{hour:02}", anchor="middle",
                              size=12, fill=SOFT))  # fmt: skip
        for day in range(7):
            y = top + day * tall
            parts.append(text(left - 10, y + 20, days[day], anchor="end"))
            for place, hour in enumerate(span):
                x, value = left + place * wide, self.fields.get((day, hour))
                if value is None:
                    parts.append(
                        rect(x + 1, y + 1, wide - 2, tall - 2, fill="#fff", stroke="#e9edf2")
                    )
                    continue
                if (day, hour) in self.few:
                    parts += [rect(x + 1, y + 1, wide - 2, tall - 2, fill="#fff", stroke=LINE),
                              text(x + wide / 2, y + 20, _in_field(value, self.unit, lang, wide),
                                   anchor="middle", size=10, fill=SOFT)]  # fmt: skip
                    continue
                share = (value - low) / (high - low) if high > low else 1.0
                share = 1 - share if self.low_is_dark else share
                told = f"{days[day]} {hour:02}:00: {figure(value, self.unit, lang)}"
                parts.append(rect(x + 1, y + 1, wide - 2, tall - 2, fill=_shade(share), title=told))
                parts.append(text(x + wide / 2, y + 20, _in_field(value, self.unit, lang, wide),
                                  anchor="middle", size=12 if wide >= 40 else 10,
                                  fill="#fff" if share >= _LIGHT_LETTERS else INK))  # fmt: skip
        height = top + 7 * tall + 26
        parts.append(text(left, height - 8, said(self.dark, lang), size=12, fill=SOFT))
        return drawing(name, self.width, height, parts, title=said(self.title, lang),
                       told=self._told(lang, days))  # fmt: skip

    def _told(self, lang: str, days: tuple[str, ...]) -> str:
        known = {place: v for place, v in self.fields.items() if place not in self.few}
        if not known:
            return said(("ไม่มีข้อมูล", "Nothing to tell of"), lang)
        pick = min if self.low_is_dark else max
        (day, hour), value = pick(known.items(), key=lambda item: item[1])
        shown = f"{days[day]} {hour:02}:00 {figure(value, self.unit, lang)}"
        word = ("ต่ำสุด", "lowest") if self.low_is_dark else ("มากที่สุด", "highest")
        return f"{said(word, lang)}: {shown}"


def _shade(share: float) -> str:
    parts = [round(pale + (dark - pale) * share) for pale, dark in zip(_PALE, _DARK, strict=True)]
    return "#" + "".join(f"{part:02x}" for part in parts)


def _in_field(value: float, unit: Unit, lang: str, wide: float) -> str:
    if unit == "share":
        return f"{value * 100:.0f}"
    if unit == "count" and value >= 1_000 and wide < 40:  # four digits do not fit
        return f"{value / 1000:.0f}k" if value >= 10_000 else f"{value / 1000:.1f}k"
    return figure(value, unit, lang)
