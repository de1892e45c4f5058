"""Callers who keep their places in queues, as one row of the wall: how many wait, and since when.

That a place is kept, or has ended, stands on disk; that an officer has its caller is heard on the
line before it does, and counts at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from crm_bridge.clock import Clock
from crm_bridge.desk.calling_back import called_back
from crm_bridge.desk.kept_places import Kept, kept_places
from crm_bridge.desk.wall_rows import Row, millis
from crm_bridge.records.callers import normalise
from crm_bridge.records.database import Database
from ivr.calls.call import Call, Micros


@dataclass(frozen=True, slots=True)
class Places:
    """The places that are kept, as of `at`."""

    at: Micros
    kept: tuple[Kept, ...]


async def read_places(database: Database, clock: Clock) -> Places:
    """Raises StorageError."""
    at = clock.now_us()
    async with database.reading() as connection:
        return Places(at, tuple(await kept_places(connection)))


class StillWaiting:
    """Whose caller no officer has had since he asked."""

    def __init__(self) -> None:
        self._places: Places | None = None
        self._had: set[str] = set()
        """Places, by the call that asked, whose callers an officer has or had."""

    def read(self, places: Places | None, calls: Iterable[Call]) -> None:
        """Takes in what stands on disk, and the calls in progress."""
        self._places = places
        self._had &= {one.call_id for one in places.kept} if places is not None else set()
        for call in calls:
            self.heard(call)

    def heard(self, call: Call) -> None:
        """Takes in a call that has changed: the line's call back, or one that came or went out."""
        if self._places is None or not self._places.kept or not call.agents:
            return
        number, place = normalise(call.caller_presented).e164, called_back(call)
        self._had.update(
            one.call_id
            for one in self._places.kept
            if one.call_id == place or (one.number == number and call.entered_at > one.asked_us)
        )

    def row(self, now: Micros, *, failed: bool) -> Row:
        """How many wait, and since when the longest does; what is not known is left out."""
        places = self._places
        if places is None:
            return {"state": "failed" if failed else "reading"}
        since = [
            one.place_us
            for one in places.kept
            if one.call_id not in self._had
            and not one.spoken
            and not one.given_up
            and one.until_us > now
        ]
        return {
            "state": "failed" if failed else "ok",
            "waiting": len(since),
            "since": millis(min(since, default=None)),
            "at": millis(places.at) if failed else None,
        }
