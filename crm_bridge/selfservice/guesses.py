"""Four digits cannot be guessed by calling again: wrong ones are counted, by ticket and by caller.

Kept in memory and bounded; only failures count. A caller known by his number is never held up.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

from crm_bridge.clock import Clock

WITHIN: Final = 24 * 3600 * 1_000_000
"""Failures of so long (µs) count."""
TICKET: Final = 6
"""Wrong digits for one ticket number, whoever keys them, existing or not: 6 in 10,000 a day."""
NUMBER: Final = 9
"""Wrong digits from one calling number, for whatever tickets."""
WITHHELD: Final = 60
"""Wrong digits from all withheld numbers together."""
KEPT: Final = 20_000
"""Past so many the ticket or number that has been quiet longest is forgotten."""


class Guesses:
    """The wrong digits of late."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, deque[int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failures)

    def enter(self, clock: Clock, ticket: str, number: str | None) -> bool:
        """Counts a try as wrong until `right`; False where there were too many, it is then none.

        Counted before it is looked at: tries side by side are none the fewer.
        """
        now = round(clock.monotonic() * 1_000_000)  # a clock that jumps gives no tries away
        held = [self._of(key, now) for key in _keys(ticket, number)]
        most = (TICKET, WITHHELD if number is None else NUMBER)
        if any(len(failures) >= limit for failures, limit in zip(held, most, strict=True)):
            return False
        for failures in held:
            failures.append(now)
        while len(self._failures) > KEPT:
            self._failures.popitem(last=False)
        return True

    def right(self, ticket: str, number: str | None) -> None:
        """The last try was none of the wrong ones."""
        for key in _keys(ticket, number):
            if failures := self._failures.get(key):
                failures.pop()

    def _of(self, key: str, now: int) -> deque[int]:
        failures = self._failures.setdefault(key, deque())
        self._failures.move_to_end(key)
        while failures and failures[0] <= now - WITHIN:
            failures.popleft()
        return failures


def _keys(ticket: str, number: str | None) -> tuple[str, str]:
    return f"ticket {ticket}", f"number {number or ''}"
