"""One figure of a table of figures: which form, days, counts and keys; and how much it is."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.figures.forms import Form
from crm_bridge.figures.histogram import plain, within
from crm_bridge.figures.tallies import Tallies, Tally
from crm_bridge.reports.period import Period
from crm_bridge.reports.reading import added_up
from ivr.calls.call import Micros


@dataclass(frozen=True, slots=True)
class Figure:
    """Which figure; ValueError where its form has no such counts or keys."""

    form: Form
    period: Period
    counts: tuple[str, ...]
    """Counts that are added up; or one histogram, of which `above` and `upto` (µs) bound a part."""
    only: Mapping[str, str]
    above: int | None = None
    upto: int | None = None

    def __post_init__(self) -> None:
        known = {*self.form.counts, *self.form.spans}
        if not self.counts or not known.issuperset(self.counts):
            raise ValueError(f"{self.form.name} has no counts {self.counts}")
        if not set(self.form.keys).issuperset(self.only):
            raise ValueError(f"{self.form.name} has no keys {tuple(self.only)}")

    def of(self, tally: Tally) -> int:
        """The figure of this tally."""
        found = 0
        for name in self.counts:
            if name in self.form.counts:
                found += tally.counts[self.form.counts.index(name)]
                continue
            spans = tally.spans[self.form.spans.index(name)]
            all_of_them = (
                sum(plain(spans).values()) if self.upto is None else within(spans, self.upto)
            )
            found += all_of_them - (0 if self.above is None else within(spans, self.above))
        return found

    def in_(self, tallies: Tallies, begun: Container[Micros]) -> int:
        """What these add to it in the rows that begin then."""
        places = [1 + self.form.keys.index(name) for name in self.only]
        wanted = tuple(self.only.values())
        return sum(
            self.of(tally)
            for key, tally in tallies.rows[self.form].items()
            if key[0] in begun and tuple(key[n] for n in places) == wanted
        )


async def total_of(connection: AsyncConnection, figure: Figure) -> int:
    """The figure, from the tables of figures."""
    spans = any(name in figure.form.spans for name in figure.counts)
    sums = await added_up(
        connection, figure.form, (), since=figure.period.since, until=figure.period.until,
        only=figure.only, spans=spans,
    )  # fmt: skip
    return sum(figure.of(tally) for tally in sums.values())
