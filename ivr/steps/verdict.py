"""Within, over, or still open: the judgement on one timing."""

from __future__ import annotations


def verdict(elapsed: int | None, standard_seconds: int | None, *, ended: bool) -> str:
    """`within`, `over` or `open`; elapsed in microseconds, of an unended step as far as it went.

    A step that never ended but has already taken longer than its standard is `over`: nothing that
    could still happen mends it.
    """
    if elapsed is None or standard_seconds is None:
        return "open"
    if elapsed > standard_seconds * 1_000_000:
        return "over"
    return "within" if ended else "open"
