"""How far the tickets that others touched were read.

Roundup orders them by the second of their last touch. A transaction may end later than it began, so
that each look goes back a little and leaves out what was seen there; where more was touched than
one answer holds, the next ones go on from the last second of the one before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from crm_bridge.connectors.port import Rejected
from crm_bridge.connectors.roundup.values import moment

LATE: Final = timedelta(seconds=30)
"""A touch counts from when it began; its transaction may end so much later."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """`seen`: id → look (`2026-11-24.04:05:06 resolved`) of what must not be told again."""

    since: datetime
    page: int = 0
    """0: all was read up to `since`; else the next page of what begins at `since`."""
    seen: Mapping[str, str] = field(default_factory=dict)

    @property
    def begin(self) -> datetime:
        """From when on tickets are asked for."""
        return self.since if self.page else self.since - LATE

    def next(self, looks: Sequence[str], more: bool) -> Cursor:
        """After a page with these looks in their order, and `more` behind it."""
        last = moment(looks[-1]) if looks else self.since
        if not more:
            return Cursor(max(self.since, last))
        if last > self.begin:
            return Cursor(last, 1)
        return Cursor(self.begin, max(self.page, 1) + 1)  # a whole page of one second

    def with_seen(self, seen: Mapping[str, str]) -> Cursor:
        """With those looks of `seen` that a later page may show again."""
        oldest = self.since - LATE
        again = {record: look for record, look in seen.items() if moment(look) >= oldest}
        return replace(self, seen=again)

    def written(self) -> str:
        """As text, for whoever keeps it."""
        return json.dumps([self.since.isoformat(), self.page, self.seen], separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> Cursor:
        """What `written` made; raises Rejected."""
        try:
            since, page, seen = json.loads(text)
            return cls(datetime.fromisoformat(since), int(page), dict(seen))
        except (ValueError, TypeError) as error:
            raise Rejected("ask for changes: this cursor is of no Roundup") from error
