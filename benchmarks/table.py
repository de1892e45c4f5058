"""Figures as a person reads them: aligned columns, medians with their range."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they must be; the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for row in (head, ["─" * width for width in widths], *rows):
        first, *rest = zip(row, widths, strict=True)
        lines.append("  ".join([first[0].ljust(first[1]), *[c.rjust(w) for c, w in rest]]).rstrip())
    return "\n".join(lines)


def middle(values: Sequence[float], form: str = ",.2f") -> str:
    """The median, the least and the greatest beside it: `1.20 (1.10–1.40)`."""
    if len(values) == 1:
        return format(values[0], form)
    least, most = format(min(values), form), format(max(values), form)
    return f"{format(statistics.median(values), form)} ({least}–{most})"


def verdict(good: bool) -> str:
    """How an aim came out."""
    return "met" if good else "NOT MET"
