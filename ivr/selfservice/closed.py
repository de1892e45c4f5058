"""Before the menu: whether the office is open; where it is not, what a caller can do all the same.

He hears why and when it opens next, and is offered a call back (1), to leave a message (2), the
status of a ticket (4), the marketing guide (5), the other language (9), all of it again (*), and at
lunch, while officers are signed in, to wait for one (0). Twice no key, or three wrong ones:
goodbye.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from typing import Final

from ivr.selfservice import saying
from ivr.selfservice.port import Message, OfficeDesk, Shut, Unanswered
from ivr.selfservice.server import Gone, Line
from ivr.selfservice.session import FIRST, NO_KEY, OFFER_WAIT, WRONG_KEY, Session
from ivr.selfservice.wish import ANSWER_WITHIN, FAILED, LEFT, RUNNING, SERVICE, TRIES, Wish

NAME: Final = "hours"
"""The script Asterisk asks for."""
MENU: Final = "closed"
"""The menu's name in the markers."""
MESSAGE: Final = "voicemail"
"""The service in the markers, of who leaves a message; of a wish to be called back: `wish`."""
CONTEXT: Final = "1203-hours"
"""The dialplan's side: dialplan/hours.conf."""

NO_KEYS: Final = 2
WRONG_KEYS: Final = 3
SPOKEN: Final = 120
"""Seconds a message may last."""
BEEP: Final = 3.0
"""Seconds the tone before it may take."""

OPEN: Final = "open"
TOLD_SHUT: Final = "shut"
KEPT: Final = "kept"
EMPTY: Final = "empty"

FOR_MENU: Final = "menu"
FOR_OFFICER: Final = "officer"
FOR_STATUS: Final = "status"
FOR_GUIDE: Final = "guide"
GOODBYE: Final = "goodbye"

CHOOSE: Final = "hotline/message-choose"
RECORDED: Final = frozenset({"DTMF", "TIMEOUT", "SILENCE"})
"""What Asterisk says of a recording that is there."""

REASONS: Final = {
    why: f"hotline/closed-{why}"
    for why in ("before", "lunch", "after", "weekend", "holiday", "closure")
}
"""Why it is closed → the sound that says it."""


class HoursService:
    """Receives callers before the menu, as the desk knows the hours."""

    def __init__(self, desk: OfficeDesk) -> None:
        self._desk = desk

    async def session(self, line: Line) -> None:
        """One caller, from the first word to where he goes next.

        Asterisk's first argument is how many officers are signed in, its second whether this
        caller was told before that it is closed.
        """
        caller = Session(line)
        try:
            shut = self._desk.shut()
        except Unanswered:
            shut = None  # hours that are not known close no door
        if shut is None:
            await caller.wait_for_us(FIRST)
            await caller.end(OPEN, FOR_MENU)
            return
        await caller.begin()
        officers = line.request.get("arg_1")
        again = bool(line.request.get("arg_2"))
        if not again:
            await caller.run(CONTEXT, "closed", shut.why)
        waits = shut.why == "lunch" and officers.isdecimal() and int(officers) > 0
        following = await _Closed(caller, self._desk, shut, waits).run(again)
        await caller.end(TOLD_SHUT, following)


class _Closed:
    """A caller out of hours."""

    def __init__(self, caller: Session, desk: OfficeDesk, shut: Shut, waits: bool) -> None:
        self._caller = caller
        self._desk = desk
        self._shut = shut
        self._waits = waits

    async def run(self, again: bool) -> str:
        """Where he goes next."""
        unpressed = wrong = 0
        said = ["hotline/closed-now"] if again else self._all()
        while True:
            await self._caller.mark("menu", MENU)
            key = await self._caller.keys([*said, *self._offer()], 1, OFFER_WAIT)
            if not key:
                await self._caller.mark("no_key", MENU)
                unpressed += 1
                if unpressed == NO_KEYS:
                    return GOODBYE
                said = [NO_KEY]
                continue
            known = key in self._keys()
            await self._caller.mark("key" if known else "wrong_key", f"{MENU}:{key}")
            if not known:
                wrong += 1
                if wrong == WRONG_KEYS:
                    return GOODBYE
                said = [WRONG_KEY]
                continue
            following = await self._chosen(key)
            if following is not None:
                return following
            said = [] if key in "12" else self._all()

    async def _chosen(self, key: str) -> str | None:
        """Where he goes; None where he hears the offer again."""
        if key == "1":
            return await _wishes(self._caller, self._desk)
        if key == "2":
            return await _Spoken(self._caller, self._desk).run()
        if key == "9":
            await self._caller.speak("th" if self._caller.language == "en" else "en")
        return {"0": FOR_MENU, "4": FOR_STATUS, "5": FOR_GUIDE}.get(key)

    def _keys(self) -> str:
        message = "2" if self._desk.takes_messages else ""
        return "1459*" + message + ("0" if self._waits else "")

    def _all(self) -> list[str]:
        return ["hotline/menu-language", *sentences(self._shut, self._caller.language)]

    def _offer(self) -> list[str]:
        wait = ["hotline/closed-wait"] if self._waits else []
        message = ["hotline/closed-message"] if self._desk.takes_messages else []
        return [
            *wait, "hotline/closed-call-back", *message, "hotline/menu-status",
            "hotline/menu-market", "hotline/menu-repeat",
        ]  # fmt: skip


async def _wishes(caller: Session, desk: OfficeDesk) -> str | None:
    """Where who asks to be called back goes; None back to the offer, without a wish."""
    await caller.mark("self_begin", SERVICE)
    await caller.set(RUNNING, SERVICE)
    outcome = await Wish(caller, desk).run()
    if outcome == FAILED:
        return FOR_OFFICER
    if outcome == LEFT:
        await caller.play(["hotline/callback-not-taken"])
        return None
    await caller.play(["hotline/callback-taken"])
    return GOODBYE


class _Spoken:
    """A caller who leaves a message.

    Most hang up when they have spoken: what was spoken by then is kept.
    """

    def __init__(self, caller: Session, desk: OfficeDesk) -> None:
        self._caller = caller
        self._desk = desk

    async def run(self) -> str | None:
        """Where he goes next; None back to the offer, without a message."""
        caller = self._caller
        await caller.mark("self_begin", MESSAGE)
        await caller.set(RUNNING, MESSAGE)
        await caller.play(["hotline/message-speak"])
        try:
            if not await self._recorded():
                return await self._not_kept()
            kept = await self._kept()
        except Gone:
            with contextlib.suppress(TimeoutError, Unanswered):
                await self._keep()
            raise
        if kept is None:
            return await self._not_kept()
        await self._over(KEPT if kept else EMPTY)
        await caller.play(["hotline/message-kept" if kept else "hotline/message-empty"])
        return GOODBYE if kept else None

    async def _recorded(self) -> bool:
        """Has it spoken, until the caller is content with it; False where nothing can be kept.

        After three that he is not content with the next one is kept unasked.
        """
        for number in range(TRIES + 1):
            await self._caller.run(CONTEXT, "message", str(SPOKEN), seconds=SPOKEN + BEEP)
            if await self._caller.get("RECORD_STATUS") not in RECORDED:
                return False
            if number == TRIES or not await self._rejected():
                break
        return True

    async def _rejected(self) -> bool:
        """Whether he wants to speak it again; what he does not reject is not lost."""
        said = [CHOOSE]
        for _ in range(TRIES):
            key = await self._caller.keys(said, 1, OFFER_WAIT)
            if key in {"", "1", "#"}:
                return False
            if key == "3":
                return True
            if key == "2":
                await self._caller.run(CONTEXT, "hear", "", seconds=SPOKEN)
            said = [CHOOSE] if key == "2" else [WRONG_KEY, CHOOSE]
        return False

    async def _kept(self) -> bool | None:
        """Keeps it while the caller hears of it; None where it is not known to be kept."""
        keeping = asyncio.create_task(self._keep())
        kept = None
        try:
            await self._caller.play(["hotline/callback-moment"])
        finally:
            with contextlib.suppress(TimeoutError, Unanswered):
                kept = await self._caller.meanwhile(keeping)
        return kept

    async def _keep(self) -> bool:
        caller = self._caller
        number = self._desk.number(caller.number) if caller.number else None
        async with asyncio.timeout(ANSWER_WITHIN):
            return await self._desk.keep_message(
                Message(caller.uniqueid, number[0] if number else None)
            )

    async def _not_kept(self) -> str | None:
        """He is told so, and asked where to call him back instead."""
        await self._over(FAILED)
        await self._caller.play(["hotline/message-not-kept"])
        return await _wishes(self._caller, self._desk)

    async def _over(self, outcome: str) -> None:
        await self._caller.mark("self_end", f"{MESSAGE}:{outcome}")
        await self._caller.set(RUNNING, "")


def sentences(shut: Shut, language: str) -> list[str]:
    """Why it is closed and when it opens, as the sounds that say it."""
    said = [REASONS[shut.why]]
    if shut.opens is None:
        return said
    at = saying.clock(shut.opens.hour, shut.opens.minute, language)
    if shut.why == "lunch":
        return [*said, "hotline/closed-back", *at]
    day = shut.opens.date()
    ahead = (day - shut.now.date()) // dt.timedelta(days=1)
    if ahead == 0:
        which = ["hotline/closed-today"]
    elif ahead == 1:
        which = ["hotline/closed-tomorrow"]
    else:
        which = [*saying.date(day, language, weekday=True)]
    return [*said, "hotline/closed-opens", *which, "hotline/closed-at", *at]
