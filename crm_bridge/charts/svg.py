"""What all charts are written with: elements, colours that everybody can tell apart, patterns.

No inline style: a page's policy forbids it, and attributes look the same on paper.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from html import escape
from math import floor, log10
from typing import Final, Literal

from crm_bridge.written import length_text

Words = tuple[str, str]
"""Thai, English."""

Unit = Literal["count", "share", "span"]
"""Of a figure: so many, 0 to 1, microseconds."""

BLUE: Final = "#0072B2"
ORANGE: Final = "#E69F00"
RED: Final = "#D55E00"
GREEN: Final = "#009E73"
SKY: Final = "#56B4E9"
PURPLE: Final = "#CC79A7"
INK: Final = "#14202e"
SOFT: Final = "#52606f"
LINE: Final = "#d5dce4"
"""Okabe's and Ito's colours, told apart by colour-blind people, and the desk's inks."""

SIZE: Final = 13
"""Of letters, in the drawing's units."""


def said(words: Words, lang: str) -> str:
    """In the language of the page."""
    return words[lang == "en"]


def figure(value: float, unit: Unit, lang: str) -> str:
    """A figure as it stands beside a mark."""
    if unit == "share":
        return f"{value * 100:.0f} %"
    return length_text(round(value), lang) if unit == "span" else f"{value:,.0f}"


def element(name: str, content: str = "", **attributes: object) -> str:
    """One element; `_` in the name of an attribute stands for `-`, None for no attribute."""
    written = "".join(
        [
            f' {_attribute(key)}="{escape(value) if isinstance(value, str) else _number(value)}"'
            for key, value in attributes.items()
            if value is not None
        ]
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def text(
    x: float, y: float, content: str, *, anchor: str = "start", fill: str = INK, size: int = SIZE,
    bold: bool = False, halo: bool = False,
) -> str:  # fmt: skip
    """Letters; `halo`: readable on top of a line or a band."""
    return element(
        "text", escape(content), x=x, y=y, text_anchor=anchor, fill=fill, font_size=size,
        font_weight="700" if bold else None, **_HALO if halo else {},
    )  # fmt: skip


_HALO: Final = {"stroke": "#fff", "stroke_width": 3, "paint_order": "stroke"}


def line(x1: float, y1: float, x2: float, y2: float, *, stroke: str = LINE, width: float = 1,
         dashes: str | None = None) -> str:  # fmt: skip
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, stroke_width=width,
                   stroke_dasharray=dashes)  # fmt: skip


def rect(x: float, y: float, width: float, height: float, *, fill: str, stroke: str | None = None,
         title: str = "") -> str:  # fmt: skip
    """A rectangle; `title` is told where a pointer rests on it."""
    told = element("title", escape(title)) if title else ""
    return element("rect", told, x=x, y=y, width=max(0.0, width), height=max(0.0, height),
                   fill=fill, stroke=stroke)  # fmt: skip


def hatch(name: str, colour: str) -> str:
    """The definition of slanted lines in this colour, to fill with `url(#name)`."""
    return element(
        "pattern",
        element("rect", width=7, height=7, fill="#fff")
        + element("path", d="M-1,1 l3,-3 M0,7 l7,-7 M5,9 l4,-4", stroke=colour, stroke_width=2.4),
        id=name, width=7, height=7, patternUnits="userSpaceOnUse",
    )  # fmt: skip


def drawing(
    name: str, width: float, height: float, parts: Iterable[str], *, title: str, told: str,
    definitions: str = "",
) -> str:  # fmt: skip
    """The whole picture; `told` says in words what it shows, for who cannot see it."""
    head = element("title", escape(title), id=f"{name}-title")
    head += element("desc", escape(told), id=f"{name}-desc")
    if definitions:
        head += element("defs", definitions)
    return element(
        "svg", head + "".join(parts), xmlns="http://www.w3.org/2000/svg", class_="chart",
        viewBox=f"0 0 {_number(width)} {_number(height)}", width=width, height=height, role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        font_family="Sarabun, Noto Sans Thai, sans-serif",
    )  # fmt: skip


def ticks(top: float, wanted: int = 4, *, whole: bool = False) -> list[float]:
    """Round numbers from 0 to the first at or above `top`, about so many steps."""
    if top <= 0:
        return [0.0, 1.0]
    rough = top / wanted
    magnitude = 10 ** floor(log10(rough))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= rough)
    if whole:
        step = max(1.0, float(round(step)))
    found = [0.0]
    while found[-1] < top - step * 1e-9:
        found.append(found[-1] + step)
    return found


_NICE_SPANS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200,
                      86400, 7 * 86400)  # fmt: skip


def span_ticks(top: float, wanted: int = 4) -> list[float]:
    """The same of microseconds: steps that a clock knows."""
    seconds = max(top / 1_000_000, 1e-9)
    step = next((s for s in _NICE_SPANS if s * (wanted + 1) >= seconds), _NICE_SPANS[-1])
    found = [0.0]
    while found[-1] < seconds and len(found) < 50:
        found.append(found[-1] + step)
    return [s * 1_000_000 for s in found]


@cache
def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".rstrip("0").rstrip(".")
    return str(value)
