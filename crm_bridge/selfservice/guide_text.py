"""The marketing guide's address as a text message: once a day a number, through the messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from sqlalchemy import select

from crm_bridge.clock import Clock
from crm_bridge.errors import Refused, StorageError
from crm_bridge.figures.levels import day_of
from crm_bridge.outgoing.messages import enqueue
from crm_bridge.records.callers import normalise
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.messages import messages
from ivr.selfservice.port import TextRequest, Unanswered

_log = structlog.get_logger(__name__)

ABOUT: Final = "guide"
"""What such a message tells of."""
SENT_WITHIN: Final = 1.4
"""Seconds in which a caller has his answer, or none."""
_TEXTS: Final = {
    "th": "ข้อมูลการตลาด กระทรวงพาณิชย์ {address} (สายด่วน 1203)",
    "en": "Marketing information, Ministry of Commerce: {address} (hotline 1203)",
}
_EXPIRES: Final = 6 * 3_600_000_000
"""A text that comes later than this (µs) is of no use to who asked for it."""


class GuideText:
    """Answers the line; without an address nothing is sent."""

    def __init__(
        self, database: Database, clock: Clock, address: str, *, within: float = SENT_WITHIN
    ) -> None:
        self._database = database
        self._clock = clock
        self._address = address
        self._within = within
        self.call_of: Callable[[str], str] = str
        """The id of a call by its channel's; the bridge sets it."""

    def mobile(self, number: str) -> tuple[str, str] | None:
        """E.164 and national, of a Thai mobile."""
        found = normalise(number)
        if found.e164 is None or found.kind != "mobile":
            return None
        return found.e164, "0" + found.e164.removeprefix("+66")

    async def send(self, request: TextRequest) -> bool:
        """Writes the message, once a call; False where the number had one today (Bangkok)."""
        call_id = self.call_of(request.uniqueid)
        if not self._address:
            _log.error(
                "a caller wants the guide's address, and there is none", call=call_id,
                mend="set selfservice.guide_address, or take the key out of the menu file",
            )  # fmt: skip
            raise Unanswered
        try:
            async with asyncio.timeout(self._within):
                return await self._write(request, call_id)
        except (TimeoutError, StorageError, Refused) as fault:
            what = fault.what if isinstance(fault, StorageError | Refused) else "it took too long"
            _log.warning("the guide's address was not sent", call=call_id, what=what)
            raise Unanswered from None

    async def _write(self, request: TextRequest, call_id: str) -> bool:
        now = self._clock.now_us()
        text = _TEXTS.get(request.language, _TEXTS["th"]).format(address=self._address)
        async with self._database.writing() as connection:
            had = await connection.scalar(
                select(messages.c.id)
                .where(
                    messages.c.recipient == request.number,
                    messages.c.about_kind == ABOUT,
                    messages.c.created_us >= day_of(now),
                )
                .limit(1)
            )
            if had is not None:
                return False
            await enqueue(
                connection, self._clock, kind="sms", to=request.number, text=text,
                about=(ABOUT, call_id), dedupe=f"{ABOUT}:{call_id}", expires=now + _EXPIRES,
            )  # fmt: skip
        return True
