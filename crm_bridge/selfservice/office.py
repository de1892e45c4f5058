"""When the office is open, as the line asks, and what callers leave while it is not.

The calendar is read again every few seconds and kept: a caller never waits for the database to
hear that it is closed, and a database that is gone leaves the hours as they were last read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases import calendars
from crm_bridge.cases.office_hours import Week, closed
from crm_bridge.cases.working_days import Calendar
from crm_bridge.clock import Clock
from crm_bridge.desk.kept_places import keep
from crm_bridge.errors import StorageError
from crm_bridge.recordings.voicemail import CALLABLE, NotKept, Voicemails
from crm_bridge.records.callers import normalise
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.wrapups import call_back_wishes
from ivr.calls.call import Micros
from ivr.selfservice.port import CallBack, Message, Shut, Unanswered
from ivr.steps.standards import OFFICE_ZONE

_log = structlog.get_logger(__name__)

READ_EVERY: Final = 5.0
"""Seconds after which a day that was closed or opened just now is known on the line."""
KEPT_WITHIN: Final = 3.5
"""Seconds in which a wish is kept, or not."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Office:
    """Answers the line; `run` keeps the calendar fresh. Without a week it is always open."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        week: Week | None,
        *,
        within: float = KEPT_WITHIN,
        messages: Voicemails | None = None,
        places_for: Micros = 0,
    ) -> None:
        """`places_for`: how long a kept place is called back (µs)."""
        self._database = database
        self._clock = clock
        self._week = week
        self._within = within
        self._messages = messages
        self._places_for = places_for
        self._calendar: Calendar | None = None
        self.call_of: Callable[[str], str] = str
        """The id of a call by its channel's; the bridge sets it."""
        self.on_wish: Callable[[], None] = _nobody
        """Told of each wish and message that was kept."""

    @property
    def known(self) -> bool:
        """Whether the line can be told if it is open."""
        return self._week is None or self._calendar is not None

    def shut(self) -> Shut | None:
        """None while it is open; Unanswered before the calendar was ever read."""
        if self._week is None:
            return None
        if self._calendar is None:
            raise Unanswered
        now = self._clock.now_us()
        found = closed(self._week, self._calendar, now)
        if found is None:
            return None
        opens = None if found.opens_us is None else _in_bangkok(found.opens_us)
        return Shut(found.why.value, _in_bangkok(now), opens)

    def why_shut(self) -> str | None:
        """Why it is closed; None while it is open, and where that is not known."""
        try:
            shut = self.shut()
        except Unanswered:
            return None
        return None if shut is None else shut.why

    def number(self, keyed: str) -> tuple[str, str] | None:
        """E.164 and national, of a Thai number that is called back."""
        found = normalise(keyed)
        if found.e164 is None or found.kind not in CALLABLE:
            return None
        return found.e164, "0" + found.e164.removeprefix("+66")

    async def call_back(self, wish: CallBack) -> bool:
        """Keeps the wish in place of an earlier one of the call; raises Unanswered.

        False where another call keeps a place for that number.
        """
        call_id = self.call_of(wish.uniqueid)
        try:
            async with asyncio.timeout(self._within), self._database.writing() as connection:
                kept = await self._keep(connection, call_id, wish)
        except (TimeoutError, StorageError) as fault:
            what = fault.what if isinstance(fault, StorageError) else "it took too long"
            _log.warning("a wish to be called back was not kept", call=call_id, what=what)
            raise Unanswered from None
        if kept:
            self.on_wish()
        return kept

    async def _keep(self, connection: AsyncConnection, call_id: str, wish: CallBack) -> bool:
        now = self._clock.now_us()
        if wish.place is not None:
            return await keep(
                connection, self._clock, call_id, wish.number, queue=wish.place.queue,
                place_us=wish.place.joined * 1_000_000, until_us=now + self._places_for,
            )  # fmt: skip
        await connection.execute(
            delete(call_back_wishes).where(call_back_wishes.c.call_id == call_id)
        )
        await connection.execute(
            insert(call_back_wishes).values(call_id=call_id, number=wish.number, asked_us=now)
        )
        return True

    @property
    def takes_messages(self) -> bool:
        """Whether there is a key to seal messages with."""
        return self._messages is not None

    async def keep_message(self, message: Message) -> bool:
        """Keeps a message; False where nothing is said in it. Raises Unanswered."""
        if self._messages is None:
            raise Unanswered
        try:
            kept = await self._messages.keep(message.uniqueid, message.number)
        except NotKept:
            raise Unanswered from None
        if kept:
            self.on_wish()
        return kept

    async def run(self) -> None:
        """Reads the calendar again and again, until cancelled."""
        while self._week is not None:
            await self.read()
            await asyncio.sleep(READ_EVERY)
        await asyncio.Event().wait()

    async def read(self) -> None:
        """Reads the calendar in force; where that fails, the last one stays."""
        try:
            async with self._database.reading() as connection:
                self._calendar = await calendars.current(connection, self._clock)
        except StorageError as fault:
            _log.warning("the calendar was not read for the line", what=fault.what)


def _nobody() -> None:
    pass


def _in_bangkok(moment: Micros) -> datetime:
    return (_EPOCH + timedelta(microseconds=moment)).astimezone(OFFICE_ZONE)
