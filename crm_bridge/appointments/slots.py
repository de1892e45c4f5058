"""When an officer at the centre and a room in a province are both free.

Time is booked in quarters of an hour (ticks, counted since the epoch); an appointment keeps within
one half of the office day, within the officer's hours and the room's, on a working day to come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Final

from crm_bridge.cases.working_days import office_day, start_of
from ivr.calls.call import Micros

MINUTE: Final = 60_000_000
TICK: Final = 15 * MINUTE
OFFICE_HOURS: Final = ((8 * 60 + 30, 12 * 60), (13 * 60, 16 * 60 + 30))
"""Government offices: 08:30 to 16:30 with the midday hour; minutes since midnight in Bangkok."""
LENGTHS: Final = (30, 45, 60, 90, 120)
"""How long an appointment may be, minutes."""
USUAL: Final = 60
STEP: Final = 30
"""Minutes between the beginnings that are offered; any quarter of an hour may be agreed."""

IsWorkingDay = Callable[[date], bool]
"""Whether offices work on a day; ValueError for a day the calendar does not know."""

Spans = Sequence[tuple[int, int]]
"""Parts of a day: from minute to minute since midnight."""


@dataclass(frozen=True, slots=True)
class Officer:
    """An officer at the centre; `hours` by weekday (Monday 0), none at all: all office hours."""

    id: str
    unit: str
    name_th: str
    name_en: str
    email: str | None
    active: bool
    version: int
    hours: tuple[tuple[int, int, int], ...] = ()

    @property
    def resource(self) -> str:
        """Its name in the book of ticks."""
        return f"officer:{self.id}"

    def on(self, day: date) -> Spans:
        """When the officer is to be had on this weekday."""
        if not self.hours:
            return OFFICE_HOURS
        return [(start, end) for weekday, start, end in self.hours if weekday == day.weekday()]

    def name(self, language: str = "th") -> str:
        """The name to show."""
        return (self.name_en or self.name_th) if language == "en" else self.name_th


@dataclass(frozen=True, slots=True)
class Room:
    """A room with VDO conference at a provincial commerce office; `capacity` in persons."""

    id: str
    province: str
    name_th: str
    name_en: str
    capacity: int
    opens: int
    closes: int
    active: bool
    version: int

    @property
    def resource(self) -> str:
        """Its name in the book of ticks."""
        return f"room:{self.id}"

    def on(self, _day: date) -> Spans:
        """When the room is open."""
        return [(self.opens, self.closes)]

    def name(self, language: str = "th") -> str:
        """The name to show."""
        return (self.name_en or self.name_th) if language == "en" else self.name_th


@dataclass(frozen=True, slots=True)
class Slot:
    """A time of a day, with the ids of the officers and rooms that are free in all of it."""

    starts: Micros
    ends: Micros
    officers: tuple[str, ...]
    rooms: tuple[str, ...]

    @property
    def free(self) -> bool:
        """Whether an appointment can be made here."""
        return bool(self.officers and self.rooms)


def ticks(starts: Micros, ends: Micros) -> range:
    """The quarters of an hour that this time touches."""
    return range(starts // TICK, -(-ends // TICK))


def minutes_of(moment: Micros) -> int:
    """Minutes since midnight in Bangkok."""
    return (moment - start_of(office_day(moment))) // MINUTE


def within(spans: Spans, start: int, end: int) -> bool:
    """Whether one of the spans holds all of it."""
    return any(opens <= start and end <= closes for opens, closes in spans)


def slots(
    day: date,
    minutes: int,
    *,
    officers: Iterable[Officer],
    rooms: Iterable[Room],
    party: int = 1,
    taken: Set[tuple[str, int]],
    working: IsWorkingDay,
    now: Micros,
) -> list[Slot]:
    """The times of this day still to come, free or not; none on a day offices do not work.

    `taken`: ticks by resource. Raises ValueError for a day the calendar does not know.
    """
    if not working(day):
        return []
    midnight = start_of(day)
    officers = [officer for officer in officers if officer.active]
    rooms = [room for room in rooms if room.active and room.capacity >= party]
    found = []
    for opens, closes in OFFICE_HOURS:
        for start in range(opens, closes - minutes + 1, STEP):
            starts = midnight + start * MINUTE
            if starts <= now:
                continue
            ends = starts + minutes * MINUTE
            needed = ticks(starts, ends)

            def free(one: Officer | Room, start: int = start, needed: range = needed) -> bool:
                return within(one.on(day), start, start + minutes) and not any(
                    (one.resource, tick) in taken for tick in needed
                )

            found.append(
                Slot(
                    starts,
                    ends,
                    tuple(officer.id for officer in officers if free(officer)),
                    tuple(room.id for room in rooms if free(room)),
                )
            )
    return found
