"""The letters of a chart, lifted out of it and set by the page.

In an SVG the PDF engine sets one letter at a time, so that Thai vowels and tone marks lose their
places; on the page itself it sets them right. What stood in `<text>` stands over the chart instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

_SVG: Final = "http://www.w3.org/2000/svg"
_BASELINE: Final = 0.918
"""Of an em, from the top of a line one em high to Sarabun's baseline."""
_MIDDLE: Final = 0.33
"""Of an em, from the middle of the letters to the baseline."""
_SIZE: Final = 12.0
"""Of letters that say none."""
_ANCHORS: Final = {"middle": "-50%", "end": "-100%"}
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{3,6}$|[a-z]+$")
_INK: Final = "#14202e"
_NUMBER: Final = re.compile(r"\s*(-?\d+(?:\.\d+)?)")
_MOVED: Final = re.compile(r"translate\(\s*(-?[\d.]+)(?:[\s,]+(-?[\d.]+))?\s*\)")
_LEFT_OUT: Final = frozenset({"script", "foreignObject", "image", "use"})
"""Parts that none of our charts has: a paper asks for nothing."""


@dataclass(frozen=True, slots=True)
class Letters:
    """One text: its place in shares of the chart's width and height, its size of the width."""

    text: str
    left: float
    top: float
    size: float
    shift: str
    bold: bool
    turned: bool
    colour: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart without its letters, and the letters."""

    svg: str
    ratio: float
    """Height to width."""
    letters: tuple[Letters, ...]
    title: str


def lifted(svg: str) -> Picture:
    """The chart apart from its letters; ValueError where it is no SVG with a viewBox."""
    try:
        root = ET.fromstring(svg)  # noqa: S314  made by our own templates
    except ET.ParseError as error:
        raise ValueError(f"no SVG: {error}") from error
    box = [float(n) for n in (root.get("viewBox") or "").replace(",", " ").split()]
    if len(box) != 4 or box[2] <= 0 or box[3] <= 0:
        raise ValueError("an SVG without a viewBox")
    found = tuple(_taken_out(root, box, 0.0, 0.0, _SIZE))
    title = next((e.text or "" for e in root if _name(e) == "title"), "")
    ET.register_namespace("", _SVG)
    root.attrib.pop("width", None)
    root.attrib.pop("height", None)
    return Picture(ET.tostring(root, encoding="unicode"), box[3] / box[2], found, title)


def _taken_out(
    parent: ET.Element, box: list[float], x: float, y: float, size: float
) -> Iterator[Letters]:
    for child in list(parent):
        name = _name(child)
        if name in _LEFT_OUT:
            parent.remove(child)
            continue
        dx, dy = _moved(child)
        inherited = _number(child.get("font-size"), size)
        if name == "text":
            yield from _letters(child, box, x + dx, y + dy, inherited)
            parent.remove(child)
        else:
            yield from _taken_out(child, box, x + dx, y + dy, inherited)


def _letters(
    text: ET.Element, box: list[float], x: float, y: float, size: float
) -> Iterator[Letters]:
    lines = [e for e in text if _name(e) == "tspan" and ("x" in e.attrib or "dy" in e.attrib)]
    fill = text.get("fill", "")
    at = y + _number(text.get("y"), 0.0)
    for part in lines or [text]:
        words = "".join(part.itertext()).strip()
        at = y + _number(part.get("y"), at - y) + (_number(part.get("dy"), 0.0) if lines else 0.0)
        left = x + _number(part.get("x"), _number(text.get("x"), 0.0))
        middle = text.get("dominant-baseline") in {"middle", "central"}
        top = at - (_BASELINE - (_MIDDLE if middle else 0.0)) * size
        if words:
            yield Letters(
                words,
                (left - box[0]) / box[2],
                (top - box[1]) / box[3],
                size / box[2],
                _ANCHORS.get(text.get("text-anchor", ""), "0"),
                text.get("font-weight") in {"bold", "600", "700"},
                "rotate(-90" in text.get("transform", ""),
                fill if _COLOUR.match(fill) else _INK,
            )


def _moved(element: ET.Element) -> tuple[float, float]:
    found = _MOVED.search(element.get("transform", ""))
    return (float(found[1]), float(found[2] or 0)) if found else (0.0, 0.0)


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _number(text: str | None, otherwise: float) -> float:
    found = _NUMBER.match(text or "")
    return float(found[1]) if found else otherwise
