"""What a caller was told of his wait, held against what came: the one definition of it.

The told wait is the mark `wait` (`1-3` minutes, `10-` more than ten, `now`, `unknown`, `nobody`).
The real one runs from joining the queue after it until an officer answered there, a moment outside
to leave a number included. Who was not answered waited at least until he was gone: if that is
longer than he was told, it was told wrong; else nobody knows how long it would have been.
"""

from __future__ import annotations

import re
from typing import Final, Literal

Came = Literal["held", "sooner", "later", "unjudged"]
CAME: Final[tuple[Came, ...]] = ("held", "sooner", "later", "unjudged")

_MINUTE: Final = 60_000_000
_BAND: Final = re.compile(r"([0-9]{1,4})-([0-9]{0,4})")


def band_of(told: str) -> tuple[int, int | None] | None:
    """Minutes, from and to (None: no end); None where no band was told."""
    found = _BAND.fullmatch(told)
    return None if found is None else (int(found[1]), int(found[2]) if found[2] else None)


def came(told: str, waited: int | None, *, answered: bool) -> Came:
    """How it came; `waited` in µs, None where not known."""
    band = band_of(told)
    if band is None or waited is None:
        return "unjudged"
    low, high = band
    if high is not None and waited > high * _MINUTE:
        return "later"
    if not answered:
        return "unjudged"
    return "sooner" if waited < low * _MINUTE else "held"
