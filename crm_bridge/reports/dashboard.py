"""What a dashboard is made of: tables and charts, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from crm_bridge.reports.sheets import Sheet, Words


class Drawing(Protocol):
    """A chart as it is drawn; the forms are in `crm_bridge.charts`."""

    def svg(self, lang: str, name: str) -> str:
        """An `<svg>` element without inline style; `name` begins the ids within it."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing and the same in figures, for who cannot see it and for files without pictures."""

    id: str
    title: Words
    drawing: Drawing
    table: Sheet
    notes: tuple[Words, ...] = ()
    wide: bool = False
    """Needs the breadth of the page."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter that the figures know: as it stands in an address, and in words."""

    value: str
    name: Words


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything one dashboard shows for one set of filters."""

    blocks: tuple[Sheet | Chart, ...]
    whole: bool
    """All calls on record are counted: else the figures lack some, and it is said."""
    calls: int | None = None
    """Callers' calls in these days: the demand; None where the dashboard is not of calls."""
    calls_before: int | None = None
    """Those of the days beside."""
    choices: Mapping[str, tuple[Choice, ...]] | None = None
    """What can be chosen for each filter that the dashboard takes, by the filter's name."""

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        """The tables alone."""
        return tuple(block for block in self.blocks if isinstance(block, Sheet))

    @property
    def charts(self) -> tuple[Chart, ...]:
        """The charts alone."""
        return tuple(block for block in self.blocks if isinstance(block, Chart))

    @property
    def empty(self) -> bool:
        """No table has a row and no chart a figure."""
        tables = (*self.sheets, *(chart.table for chart in self.charts))
        return not any(table.rows for table in tables)
