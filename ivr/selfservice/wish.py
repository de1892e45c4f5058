"""A caller who wants to be called back: at which number, and whether the desk has kept it.

The calling number is read out, 1 right, 2 another one; a withheld or foreign one is keyed. Only
numbers the desk calls are taken, three tries. Whatever stands around it (out of hours, in a queue)
says what comes of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from ivr.selfservice import saying
from ivr.selfservice.port import CallBack, CallBackDesk, Place, Unanswered
from ivr.selfservice.session import KEY_WAIT, NO_KEY, WRONG_KEY, Session

SERVICE: Final = "callback"
"""The service in the markers."""
RUNNING: Final = "HOTLINE_HOURS_IN"
"""The dialplan's variable: which service a caller is in; it marks how that came out if he goes."""

HUNG: Final = "HOTLINE_HOURS_HUNG"
"""The dialplan's variable: how it marks what a caller is in who hangs up."""

ANSWER_WITHIN: Final = 4.0
"""Seconds for the desk to keep a wish, of which the caller is told that it takes a moment: a wish
that is late is better than a queue in which nobody sits."""
TRIES: Final = 3
LONGEST: Final = 12
"""Keys of a telephone number that are taken: 0066 is keyed before it now and then."""

ASKED: Final = "asked"
ALREADY: Final = "already"
"""The number has a kept place from an earlier call: that one stands."""
LEFT: Final = "left"
FAILED: Final = "failed"


class Wish:
    """One caller's wish; with a place, that of the queue he stands in is to be kept."""

    def __init__(self, caller: Session, desk: CallBackDesk, place: Place | None = None) -> None:
        self._caller = caller
        self._desk = desk
        self._place = place

    async def run(self) -> str:
        """How it came out, marked at that moment: whoever hangs up then has still asked."""
        caller = self._caller
        number = self._desk.number(caller.number) if caller.number else None
        await caller.set(HUNG, LEFT)
        asked = await self._settled(number)
        outcome = LEFT if asked is None else await self._kept(asked)
        await caller.mark("self_end", f"{SERVICE}:{outcome}")
        await caller.set(RUNNING, "")
        return outcome

    async def _kept(self, number: str) -> str:
        """Keeps the wish while the caller hears of it; also of one who hangs up meanwhile."""
        wish = CallBack(self._caller.uniqueid, number, self._place)
        await self._caller.set(HUNG, ASKED)
        keeping = asyncio.create_task(self._desk.call_back(wish))
        outcome = FAILED
        try:
            await self._caller.play(["hotline/callback-moment"])
        finally:
            with contextlib.suppress(TimeoutError, Unanswered):
                in_time = asyncio.wait_for(keeping, ANSWER_WITHIN)
                outcome = ASKED if await self._caller.meanwhile(in_time) else ALREADY
        return outcome

    async def _settled(self, number: tuple[str, str] | None) -> str | None:
        """The number that the caller has confirmed, E.164; None after too many tries."""
        fault: list[str] = []
        for _ in range(TRIES):
            if number is None:
                number, fault = await self._keyed(fault)
                if number is None:
                    continue
            confirm = ["hotline/callback-number", *saying.digits(number[1]),
                       "hotline/callback-confirm"]  # fmt: skip
            key = await self._caller.keys([*fault, *confirm], 1, KEY_WAIT)
            if key == "1":
                return number[0]
            fault = [] if key == "2" else [WRONG_KEY if key else NO_KEY]
            if key == "2":
                number = None
        return None

    async def _keyed(self, fault: list[str]) -> tuple[tuple[str, str] | None, list[str]]:
        """The number he keys, or what to say of it before he tries again."""
        keyed = await self._caller.keys([*fault, "hotline/callback-enter"], LONGEST, KEY_WAIT)
        if not keyed:
            return None, [NO_KEY]
        number = self._desk.number(keyed)
        if number is None:
            wrong = "hotline/callback-not-thai"
            return None, ["hotline/status-you-keyed", *saying.digits(keyed), wrong]
        return number, []
