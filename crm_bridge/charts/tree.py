"""A tree of places with how many went where: boxes from left to right, filled by their share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from crm_bridge.charts.svg import (
    INK,
    RED,
    SKY,
    SOFT,
    Words,
    drawing,
    element,
    figure,
    hatch,
    rect,
    said,
    text,
)

_BOX: Final = 390.0
_TALL: Final = 30.0
_EACH: Final = 38.0
_BETWEEN: Final = 58.0
_LONGEST: Final = 40
"""Letters of a name that are drawn; the list beside the picture has it whole."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A place and what it leads to; `share` of those who were in the place before (0 to 1)."""

    label: Words
    count: int
    share: float | None = None
    """None where it is of nothing."""
    lost: int = 0
    """Of `count`, who gave up here."""
    former: bool = False
    """It is there no more."""
    branches: tuple[Branch, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """The picture of a branch and all below it."""

    title: Words
    root: Branch

    def svg(self, lang: str, name: str) -> str:
        """The picture."""
        parts: list[str] = []
        bottom, right = self._draw(self.root, 6.0, 6.0, lang, name, parts)
        return drawing(
            name, right + 6, bottom + 6, parts, title=said(self.title, lang), told=self._told(lang),
            definitions=hatch(f"{name}-lost", RED),
        )  # fmt: skip

    def _draw(
        self, branch: Branch, x: float, y: float, lang: str, name: str, parts: list[str]
    ) -> tuple[float, float]:
        """Draws a branch and what is below it; where the next may begin, and how far it reached."""
        parts += _box(branch, x, y, lang, name)
        down, right, below = y, x + _BOX, y + _EACH
        for number, child in enumerate(branch.branches):
            at = down if not number else below
            parts.append(_joined(x + _BOX, y + _TALL / 2, x + _BOX + _BETWEEN, at + _TALL / 2))
            below, far = self._draw(child, x + _BOX + _BETWEEN, at, lang, name, parts)
            right = max(right, far)
        return below, right

    def _told(self, lang: str) -> str:
        lost = [branch for branch in walk(self.root) if branch.lost]
        word = said(("ผู้โทรที่วางสาย", "Callers who gave up"), lang)
        told = "; ".join(f"{said(branch.label, lang)} {branch.lost:,}" for branch in lost)
        return f"{word}: {told}" if told else said(("ไม่มีผู้โทรวางสาย", "Nobody gave up"), lang)


def walk(branch: Branch) -> Iterator[Branch]:
    """The branch and all below it, in the order in which they are drawn."""
    yield branch
    for child in branch.branches:
        yield from walk(child)


def _box(branch: Branch, x: float, y: float, lang: str, name: str) -> list[str]:
    label = said(branch.label, lang)
    share = 1.0 if branch.share is None else min(1.0, branch.share)
    filled = (_BOX - 2) * share if branch.count else 0.0
    lost = filled * branch.lost / branch.count if branch.count else 0.0
    gave_up = said(("วางสาย", "gave up"), lang)
    told = f"{label}: {branch.count:,}" + (f", {gave_up} {branch.lost:,}" if branch.lost else "")
    shown = label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"
    number = f"{branch.count:,}"
    if branch.share is not None:
        number += f" · {figure(branch.share, 'share', lang)}"
    if branch.lost:
        number += f" · {gave_up} {branch.lost:,}"
    return [
        rect(x, y, _BOX, _TALL, fill="#fff", title=told),
        rect(x + 1, y + 1, filled - lost, _TALL - 2, fill=SKY),
        rect(x + 1 + filled - lost, y + 1, lost, _TALL - 2, fill=f"url(#{name}-lost)"),
        element("rect", x=x, y=y, width=_BOX, height=_TALL, fill="none",
                stroke=SOFT if branch.former else INK,
                stroke_dasharray="5 4" if branch.former else None),
        text(x + 9, y + 20, shown, fill=SOFT if branch.former else INK, halo=True),
        text(x + _BOX - 9, y + 20, number, anchor="end", bold=True, halo=True),
    ]  # fmt: skip


def _joined(x1: float, y1: float, x2: float, y2: float) -> str:
    middle = (x1 + x2) / 2
    path = f"M{x1:.1f},{y1:.1f} C{middle:.1f},{y1:.1f} {middle:.1f},{y2:.1f} {x2:.1f},{y2:.1f}"
    return element("path", d=path, fill="none", stroke=SOFT)
