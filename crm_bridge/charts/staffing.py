"""Days to come side by side: expected calls between their bounds, and officers beside the plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from crm_bridge.charts.svg import (
    BLUE,
    INK,
    LINE,
    RED,
    SKY,
    SOFT,
    Words,
    drawing,
    element,
    hatch,
    line,
    rect,
    said,
    text,
    ticks,
)

_LEFT, _RIGHT, _TOP, _BOTTOM = 48.0, 12.0, 40.0, 44.0
_BAND = "#d3e8f6"
_SHADE = "#f1f3f6"
_FREE: Words = ("ไม่ทราบ", "not known")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is expected of a half-hour."""

    low: float
    expected: float
    high: float


@dataclass(frozen=True, slots=True)
class Column:
    """A day: its name, a word on it below, and its half-hours from `first` (0 at midnight) on."""

    label: Words
    below: Words | None
    closed: bool
    first: int
    slots: tuple[Bounds, ...]


@dataclass(frozen=True, slots=True)
class Fan:
    """Expected calls as a line in the band that four of five lie in."""

    title: Words
    days: tuple[Column, ...]
    width: int = 1240
    height: int = 270

    def svg(self, lang: str, name: str) -> str:
        """The picture."""
        top = max((s.high for day in self.days for s in day.slots), default=0.0)
        frame = _Frame(self.width, self.height, len(self.days), top, whole=False)
        parts = [*frame.ground(self.days, lang)]
        for place, day in enumerate(self.days):
            if not day.slots:
                parts.append(frame.nothing(place, lang))
                continue
            xs = frame.middles(place, len(day.slots))
            over = [f"{x:.1f},{frame.y(s.high):.1f}" for x, s in zip(xs, day.slots, strict=True)]
            under = [f"{x:.1f},{frame.y(s.low):.1f}" for x, s in zip(xs, day.slots, strict=True)]
            parts.append(element("path", d=f"M{'L'.join([*over, *reversed(under)])}Z", fill=_BAND))
            path = [
                f"{x:.1f},{frame.y(s.expected):.1f}" for x, s in zip(xs, day.slots, strict=True)
            ]
            parts.append(element("path", d=f"M{'L'.join(path)}", fill="none", stroke=BLUE,
                                 stroke_width=2.2, stroke_linejoin="round"))  # fmt: skip
            parts += self._pointers(frame, place, day, lang)
        parts += self._legend(lang)
        return drawing(name, self.width, self.height, parts, title=said(self.title, lang),
                       told=self._told(lang))  # fmt: skip

    def _pointers(self, frame: _Frame, place: int, day: Column, lang: str) -> Iterator[str]:
        """Unseen columns that tell of their half-hour where a pointer rests on them."""
        wide = frame.slot(len(day.slots))
        for n, (x, slot) in enumerate(zip(frame.middles(place, len(day.slots)), day.slots,
                                          strict=True)):  # fmt: skip
            told = (
                f"{said(day.label, lang)} {clock(day.first + n)}: {slot.expected:.1f} "
                f"({slot.low:.0f}–{slot.high:.0f})"
            )
            yield element(
                "rect", element("title", escape(told)), x=x - wide / 2, y=_TOP, width=wide,
                height=frame.tall, fill="none", pointer_events="all",
            )  # fmt: skip

    def _legend(self, lang: str) -> list[str]:
        line_name = said(("สายที่คาดต่อครึ่งชั่วโมง", "calls expected in a half-hour"), lang)
        band = said(("ช่วงที่สี่ในห้าครั้งจะอยู่", "between which four of five lie"), lang)
        at = _LEFT + 62 + 6.6 * len(line_name)
        return [
            line(_LEFT, 16, _LEFT + 28, 16, stroke=BLUE, width=2.2),
            text(_LEFT + 35, 20, line_name),
            rect(at, 9, 28, 14, fill=_BAND, stroke=SKY),
            text(at + 35, 20, band),
        ]

    def _told(self, lang: str) -> str:
        known = [(sum(s.expected for s in day.slots), day) for day in self.days if day.slots]
        if not known:
            return said(("ไม่มีข้อมูล", "Nothing to tell of"), lang)
        return ", ".join(f"{said(day.label, lang)}: {total:,.0f}" for total, day in known)


@dataclass(frozen=True, slots=True)
class Officers:
    """Officers of a half-hour; `planned` is None where there is no plan."""

    needed: int
    planned: float | None


@dataclass(frozen=True, slots=True)
class Shifted:
    """A day's officers by half-hours from `first` on; none where nobody is to be there."""

    label: Words
    below: Words | None
    closed: bool
    first: int
    slots: tuple[Officers, ...]


@dataclass(frozen=True, slots=True)
class Cover:
    """Officers needed as steps over bars of who is planned; what is lacking hatched."""

    title: Words
    days: tuple[Shifted, ...]
    width: int = 1240
    height: int = 250

    def svg(self, lang: str, name: str) -> str:
        """The picture."""
        slots = [slot for day in self.days for slot in day.slots]
        top = max((max(s.needed, s.planned or 0.0) for s in slots), default=0.0)
        frame = _Frame(self.width, self.height, len(self.days), top, whole=True)
        parts = [*frame.ground(self.days, lang)]
        for place, day in enumerate(self.days):
            parts += self._day(frame, place, day, lang, name)
        parts += self._legend(lang, name)
        return drawing(
            name, self.width, self.height, parts, title=said(self.title, lang),
            told=self._told(lang), definitions=hatch(f"{name}-lack", RED),
        )  # fmt: skip

    def _day(self, frame: _Frame, place: int, day: Shifted, lang: str, name: str) -> Iterator[str]:
        wide = frame.slot(len(day.slots)) if day.slots else 0.0
        steps = []
        for n, (x, slot) in enumerate(zip(frame.middles(place, len(day.slots)), day.slots,
                                          strict=True)):  # fmt: skip
            left, planned = x - wide / 2, slot.planned
            if planned is not None:
                told = said(
                    (f"ต้องการ {slot.needed} มีตามแผน {planned:g}",
                     f"needed {slot.needed}, planned {planned:g}"),
                    lang,
                )  # fmt: skip
                told = f"{said(day.label, lang)} {clock(day.first + n)}: {told}"
                yield rect(left + 0.5, frame.y(planned), wide - 1, frame.y(0) - frame.y(planned),
                           fill=SKY, title=told)  # fmt: skip
                if planned < slot.needed:
                    yield rect(left + 0.5, frame.y(slot.needed), wide - 1,
                               frame.y(planned) - frame.y(slot.needed),
                               fill=f"url(#{name}-lack)", title=told)  # fmt: skip
            height = frame.y(slot.needed)
            steps.append(f"{left:.1f},{height:.1f}L{left + wide:.1f},{height:.1f}")
        if steps:
            yield element("path", d=f"M{'L'.join(steps)}", fill="none", stroke=INK, stroke_width=2)

    def _legend(self, lang: str, name: str) -> list[str]:
        needed = said(("ต้องการ (คนในที่ทำงาน)", "needed (in the house)"), lang)
        found = [line(_LEFT, 16, _LEFT + 28, 16, stroke=INK, width=2),
                 text(_LEFT + 35, 20, needed)]  # fmt: skip
        if any(slot.planned is not None for day in self.days for slot in day.slots):
            at = _LEFT + 62 + 7 * len(needed)
            planned, lacking = said(("ตามแผน", "planned"), lang), said(("ขาด", "lacking"), lang)
            then = at + 62 + 7 * len(planned)
            found += [rect(at, 9, 28, 14, fill=SKY), text(at + 35, 20, planned),
                      rect(then, 9, 28, 14, fill=f"url(#{name}-lack)", stroke=RED),
                      text(then + 35, 20, lacking)]  # fmt: skip
        return found

    def _told(self, lang: str) -> str:
        known = [(max(s.needed for s in day.slots), day) for day in self.days if day.slots]
        if not known:
            return said(("ไม่มีข้อมูล", "Nothing to tell of"), lang)
        return ", ".join(f"{said(day.label, lang)}: {most}" for most, day in known)


def clock(half_hour: int) -> str:
    """`08:30` of 17."""
    return f"{half_hour // 2:02}:{half_hour % 2 * 30:02}"


class _Frame:
    """Where things lie: days side by side over one scale."""

    def __init__(self, width: int, height: int, days: int, top: float, *, whole: bool) -> None:
        self.steps = ticks(top, whole=whole)
        self.tall = height - _TOP - _BOTTOM
        self.wide = (width - _LEFT - _RIGHT) / max(1, days)
        self._width, self._height = width, height

    def y(self, value: float) -> float:
        return _TOP + self.tall * (1 - value / self.steps[-1])

    def slot(self, count: int) -> float:
        return (self.wide - 6) / count

    def middles(self, place: int, count: int) -> list[float]:
        begin = _LEFT + self.wide * place + 3
        return [begin + self.slot(count) * (n + 0.5) for n in range(count)]

    def nothing(self, place: int, lang: str) -> str:
        return text(_LEFT + self.wide * (place + 0.5), _TOP + self.tall / 2, said(_FREE, lang),
                    anchor="middle", fill=SOFT, size=11)  # fmt: skip

    def ground(self, days: Sequence[Column | Shifted], lang: str) -> Iterator[str]:
        for place, day in enumerate(days):
            left = _LEFT + self.wide * place
            if day.closed:
                yield rect(left, _TOP, self.wide, self.tall, fill=_SHADE)
        for step in self.steps:
            yield line(_LEFT, self.y(step), self._width - _RIGHT, self.y(step))
            yield text(_LEFT - 7, self.y(step) + 4, f"{step:g}", anchor="end", fill=SOFT)
        for place, day in enumerate(days):
            left = _LEFT + self.wide * place
            yield line(left, _TOP, left, self._height - _BOTTOM + 6, stroke=LINE)
            yield text(left + self.wide / 2, self._height - _BOTTOM + 17, said(day.label, lang),
                       anchor="middle", bold=not day.closed,
                       fill=SOFT if day.closed else INK)  # fmt: skip
            if day.below is not None:
                most = max(6, int(self.wide / 6.4))
                words = said(day.below, lang)
                shown = words if len(words) <= most else f"{words[: most - 1]}…"
                yield text(left + self.wide / 2, self._height - 10, shown, anchor="middle",
                           size=11, fill=SOFT)  # fmt: skip
