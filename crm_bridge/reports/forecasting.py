"""Days to come, with the calls they are likely to bring and the officers these need.

What is asked (`Asked`) stands in an address: other calls, other handling, other targets, a number
of officers: what if. `Forecasts` remembers for five minutes what was learnt of the past, since days
that are over hardly change; it reckons beside the event loop, on which the line runs.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from typing import Any, Final, Literal
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases import calendars
from crm_bridge.cases.working_days import Calendar, office_day
from crm_bridge.clock import Clock
from crm_bridge.config import Config
from crm_bridge.forecast.backtest import Backtest, backtest
from crm_bridge.forecast.days import HALF_HOURS, Day, Kind, PastDay, kind_of
from crm_bridge.forecast.model import Expected, Model, fit
from crm_bridge.forecast.staffing import Need, Outcome, Terms, needs, together
from crm_bridge.planning import campaigns, shifts
from crm_bridge.planning.campaigns import Campaign
from crm_bridge.planning.shift import Shift, present
from crm_bridge.records.database import Database
from crm_bridge.records.figures_walk import whole
from crm_bridge.reports.forecast_source import HISTORY, Lately, lately, past_days, works_in
from crm_bridge.reports.sheets import Words

DAYS: Final = 7
MOST_DAYS: Final = 28
OPENS: Final = 17
CLOSES: Final = 33
"""Half-hours of the day between which offices are open: 08:30 to 16:30."""

_KEPT_SECONDS: Final = 300.0
_KEPT: Final = 24
_DAY: Final = timedelta(days=1)

Hours = Literal["office", "day", "all"]
Method = Literal["a", "c"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a forecast is asked for; None: as it is known or set."""

    first: date
    days: int = DAYS
    queue: str = ""
    calls: float = 0.0
    """Per cent more (or, below 0, fewer) calls."""
    handling: float = 0.0
    """Per cent longer handling."""
    target: float | None = None
    """Per cent to be answered in time."""
    within: float | None = None
    """Seconds."""
    occupancy: float = 85.0
    """Per cent of their time that officers may be busy."""
    shrinkage: float = 25.0
    """Per cent of officers' time in the house in which they take no calls."""
    patience: float | None = None
    """Seconds."""
    agents: int | None = None
    """Officers in the house, in place of the plan."""
    method: Method = "a"
    hours: Hours = "office"
    """When officers are there: office hours on working days, on every day, or always."""

    @property
    def last(self) -> date:
        """The last day shown."""
        return self.first + timedelta(days=self.days - 1)

    @property
    def as_usual(self) -> Asked:
        """The same days without any if."""
        return Asked(self.first, self.days, self.queue, hours=self.hours)

    def query(self, **changes: Any) -> str:
        """As it stands in an address, with these changed; what is as usual is left out."""
        values = {f.name: getattr(self, f.name) for f in fields(self)} | changes
        usual = {f.name: f.default for f in fields(self) if f.name != "first"}
        found = {
            name: f"{value:g}" if isinstance(value, float) else value
            for name, value in values.items()
            if value is not None and value != usual.get(name)
        }
        return urlencode(found)

    def staffed(self, kind: Kind, half_hour: int) -> bool:
        """Whether officers are to be there."""
        if self.hours == "all":
            return True
        return OPENS <= half_hour < CLOSES and (kind.working or self.hours == "day")


@dataclass(frozen=True, slots=True)
class HalfHour:
    """A half-hour of a day to come; `at` counts from 0 at midnight."""

    at: int
    calls: float
    low: float
    high: float
    need: Need | None
    """None where nobody is to be there, or handling is not known."""


@dataclass(frozen=True, slots=True)
class ForecastDay:
    """A day to come."""

    day: date
    kind: Kind
    holiday: Words | None
    campaign: Campaign | None
    total: float | None
    """None where no day of its kind was ever seen."""
    low: float
    high: float
    half_hours: tuple[HalfHour, ...]
    outcome: Outcome | None

    @property
    def busiest(self) -> HalfHour | None:
        """The half-hour with the most calls."""
        return max(self.half_hours, key=lambda h: h.calls, default=None)

    @property
    def most(self) -> int | None:
        """Officers in the house that its busiest half-hour needs."""
        return max((h.need.present for h in self.half_hours if h.need), default=None)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Everything one page shows."""

    asked: Asked
    model: Model
    history: tuple[date, date]
    """Days that were looked at."""
    lately: Lately
    terms: Terms | None
    """None where handling is not known."""
    days: tuple[ForecastDay, ...]
    outcome: Outcome | None
    plan: bool
    """Somebody is planned in these days."""
    tested: Backtest
    """The last forecast that could be held against what came."""
    whole: bool
    """All calls on record are counted: else the figures lack some."""


@dataclass(frozen=True, slots=True)
class _Past:
    """What was learnt."""

    model: Model
    tested: Backtest
    lately: Lately
    read: float
    """On the monotonic clock."""


@dataclass(slots=True)
class Forecasts:
    """Makes forecasts, and remembers the past for a few minutes; one for each application."""

    _past: OrderedDict[tuple[Any, ...], _Past] = field(default_factory=OrderedDict)

    async def make(
        self, database: Database, config: Config, clock: Clock, asked: Asked
    ) -> Forecast:
        """The forecast that is asked for; raises StorageError."""
        today = office_day(clock.now_us())
        async with database.reading() as connection:
            complete = await whole(connection)
            calendar = await calendars.current(connection, clock)
            named = {one.day: one for one in await campaigns.every(connection)}
            past = await self._learn(connection, config, clock, calendar, named, asked)
            planned = await shifts.between(connection, asked.first, asked.last)
        terms = _terms(config, asked, past.lately)
        # officers are planned for all queues together
        plan = [] if asked.queue else planned
        days = await asyncio.to_thread(_days, asked, past, terms, calendar, named, plan)
        staffed = [h.need for day in days for h in day.half_hours if h.need is not None]
        return Forecast(
            asked,
            past.model,
            (today - HISTORY, today - _DAY),
            past.lately,
            terms,
            days,
            together(staffed, terms) if terms is not None and staffed else None,
            bool(plan),
            past.tested,
            complete,
        )

    async def _learn(
        self, connection: AsyncConnection, config: Config, clock: Clock, calendar: Calendar,
        named: Mapping[date, Campaign], asked: Asked,
    ) -> _Past:  # fmt: skip
        today, now = office_day(clock.now_us()), clock.monotonic()
        within, short = _within(config, asked), config.line.short_wait_seconds
        factors = {day: one.factor for day, one in named.items()}
        key = (asked.queue, today, calendar.version, within, short, tuple(factors.items()))
        held = self._past.get(key)
        if held is not None and 0 <= now - held.read < _KEPT_SECONDS:
            return held
        days = await past_days(
            connection, works_in(calendar), today - HISTORY, today - _DAY, asked.queue
        )
        model, tested = await asyncio.to_thread(_learnt, days, factors)
        went = await lately(
            connection, today, asked.queue, short_us=round(short * 1e6),
            target_us=round(within * 1e6),
        )  # fmt: skip
        found = self._past[key] = _Past(model, tested, went, now)
        self._past.move_to_end(key)
        while len(self._past) > _KEPT:
            self._past.popitem(last=False)
        return found


def _learnt(days: list[PastDay], factors: Mapping[date, float]) -> tuple[Model, Backtest]:
    return fit(days, factors), backtest(days, factors, last=1)


def _days(
    asked: Asked, past: _Past, terms: Terms | None, calendar: Calendar,
    named: Mapping[date, Campaign], plan: list[Shift],
) -> tuple[ForecastDay, ...]:  # fmt: skip
    return tuple(
        _day(asked, past, terms, calendar, day, named.get(day), plan)
        for day in (asked.first + timedelta(days=n) for n in range(asked.days))
    )


def _within(config: Config, asked: Asked) -> float:
    """Seconds of the service level; of all queues together those of the most demanding."""
    if asked.within is not None:
        return asked.within
    queues = [config.queue[asked.queue]] if asked.queue in config.queue else config.queue.values()
    return min((queue.service_level_seconds for queue in queues), default=20.0)


def _level(config: Config, asked: Asked) -> float:
    if asked.target is not None:
        return asked.target / 100
    queues = [config.queue[asked.queue]] if asked.queue in config.queue else config.queue.values()
    # all of them at once is no target that any number of officers reaches
    return min(0.999, max((queue.service_level_target for queue in queues), default=0.8))


def _terms(config: Config, asked: Asked, known: Lately) -> Terms | None:
    if known.handling is None:
        return None
    patience = asked.patience if asked.patience is not None else known.patience
    return Terms(
        handling=known.handling * (1 + asked.handling / 100),
        patience=patience if asked.method == "a" else None,
        level=_level(config, asked),
        within=_within(config, asked),
        occupancy=asked.occupancy / 100,
        shrinkage=asked.shrinkage / 100,
    )


def _day(
    asked: Asked, past: _Past, terms: Terms | None, calendar: Calendar, day: date,
    campaign: Campaign | None, plan: list[Shift],
) -> ForecastDay:  # fmt: skip
    kind = kind_of(day, works_in(calendar))
    # who hangs up at once is nobody to be served
    changed = (1 + asked.calls / 100) * (1 - past.lately.short)
    found = past.model.expected(Day(day, kind), campaign.factor if campaign else 1.0)
    special = calendar.days.get(day)
    half_hours = _half_hours(asked, terms, found, changed, plan)
    staffed = [h.need for h in half_hours if h.need is not None]
    return ForecastDay(
        day,
        kind,
        (special.name_th, special.name_en) if special and special.closed else None,
        campaign,
        None if found.total is None else found.total * changed,
        found.total_low * changed,
        found.total_high * changed,
        half_hours,
        together(staffed, terms) if terms is not None and staffed else None,
    )


def _half_hours(
    asked: Asked, terms: Terms | None, found: Expected, changed: float, plan: list[Shift]
) -> tuple[HalfHour, ...]:
    if found.calls is None:
        return ()
    calls = [each * changed for each in found.calls]
    staffed = [n for n in range(HALF_HOURS) if asked.staffed(found.kind, n)]
    needed: dict[int, Need] = {}
    if terms is not None:
        there: list[float | None] = [_planned(asked, plan, found.day, n) for n in staffed]
        needed = dict(zip(staffed, needs([calls[n] for n in staffed], terms, there), strict=True))
    return tuple(
        HalfHour(n, calls[n], found.low[n] * changed, found.high[n] * changed, needed.get(n))
        for n in range(HALF_HOURS)
    )


def _planned(asked: Asked, plan: list[Shift], day: date, half_hour: int) -> float | None:
    if asked.agents is not None:
        return float(asked.agents)
    return present(plan, day, half_hour * 30, half_hour * 30 + 30) if plan else None
