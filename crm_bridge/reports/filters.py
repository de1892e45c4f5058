"""What a dashboard is asked for: the days, the days beside them, and which part of the work.

The same in an address, on a page and in an export; one that a dashboard does not know is empty.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal
from urllib.parse import urlencode

from crm_bridge.reports.period import Period

Against = Literal["before", "year"]
Grain = Literal["day", "week", "month"]

LONG_DAYS: Final = 45
"""More days than these are drawn by the week where no grain is chosen,"""
LONGER_DAYS: Final = 200
"""and more than these by the month."""
MOST_DRAWN: Final[dict[Grain, int]] = {"day": 400, "week": 1_600, "month": 100_000}
"""Days that may be drawn by a grain: what draws holds up the loop on which the line runs."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which figures; an empty text is all of them."""

    period: Period
    against: Against = "before"
    queue: str = ""
    service: str = ""
    step: str = ""
    agent: str = ""
    agency: str = ""
    grain: Grain | None = None
    """Of trends; by the length of the days where none is chosen."""

    @property
    def other(self) -> Period:
        """The days that these are set beside."""
        return self.period.a_year_ago() if self.against == "year" else self.period.before()

    @property
    def drawn_by(self) -> Grain:
        """The grain of trends."""
        if self.grain is not None and self.period.days <= MOST_DRAWN[self.grain]:
            return self.grain
        if self.period.days > LONGER_DAYS:
            return "month"
        return "week" if self.period.days > LONG_DAYS else "day"

    @property
    def narrowed(self) -> dict[str, str]:
        """What of queue, service, step, agent and agency is chosen."""
        names = ("queue", "service", "step", "agent", "agency")
        return {name: value for name in names if (value := getattr(self, name))}

    def query(self, **changes: Any) -> str:
        """These filters as they stand in an address, with these changed."""
        made = replace(self, **changes)
        values = {f.name: getattr(made, f.name) for f in fields(made) if f.name != "period"}
        found = {name: value for name, value in values.items() if value}
        if made.against == "before":
            del found["against"]
        return urlencode({"first": made.period.first, "last": made.period.last, **found})
