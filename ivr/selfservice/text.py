"""Who listens to the marketing guide may have its address by text message, on the own mobile.

The number is that of the calling telephone, read out, and sent to when the caller accepts it (1):
nobody has a text sent to somebody else, and one number has one a day. Then the guide goes on.
"""

from __future__ import annotations

from typing import Final

from ivr.selfservice import saying
from ivr.selfservice.port import TextDesk, TextRequest, Unanswered
from ivr.selfservice.server import Line
from ivr.selfservice.session import KEY_WAIT, NO_KEY, WRONG_KEY, Session

NAME: Final = "guide-text"
"""The script Asterisk asks for."""
TRIES: Final = 2

SENT: Final = "sent"
TODAY: Final = "already"
"""He had one today."""
NO_MOBILE: Final = "no_mobile"
"""The call comes from no Thai mobile, or hides its number."""
DECLINED: Final = "declined"
FAILED: Final = "failed"

ON: Final = "guide"
"""Where he goes: the guide's offer."""

SAID: Final = {
    SENT: "hotline/text-sent",
    TODAY: "hotline/text-already",
    NO_MOBILE: "hotline/text-no-mobile",
    FAILED: "hotline/text-not-sent",
}
"""How it came out → the sound that says it; of who declines nothing is said."""


class TextService:
    """Sends the guide's address to callers who ask for it."""

    def __init__(self, desk: TextDesk) -> None:
        self._desk = desk

    async def session(self, line: Line) -> None:
        """One caller; the dialplan has marked that it begins."""
        caller = Session(line)
        await caller.begin()
        outcome = await self._outcome(caller)
        # marked before it is said: whoever hangs up now has it sent all the same
        await caller.mark("self_end", f"text:{outcome}")
        await caller.set("HOTLINE_SELF_OPEN", "")
        if outcome in SAID:
            await caller.play([SAID[outcome]])
        await caller.end(outcome, ON)

    async def _outcome(self, caller: Session) -> str:
        number = self._desk.mobile(caller.number) if caller.number else None
        if number is None:
            return NO_MOBILE
        if not await _accepted(caller, number[1]):
            return DECLINED
        try:
            sent = await self._desk.send(TextRequest(caller.uniqueid, number[0], caller.language))
        except Unanswered:
            return FAILED
        return SENT if sent else TODAY


async def _accepted(caller: Session, number: str) -> bool:
    """Whether he wants it sent to this number, which is read out."""
    fault: list[str] = []
    for _ in range(TRIES):
        said = ["hotline/text-number", *saying.digits(number), "hotline/text-confirm"]
        key = await caller.keys([*fault, *said], 1, KEY_WAIT)
        if key == "1":
            return True
        if key == "2":
            return False
        fault = [WRONG_KEY if key else NO_KEY]
    return False
