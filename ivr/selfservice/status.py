"""The status of a complaint or a request for advice, told to its caller; the conversation.

Ticket number (three tries), then the proof that the case is the caller's: his number, or the last
four digits of the complainant's telephone (three tries). A number that is nobody's and one that is
another's go the same way with the same words, the digits asked for in both. Then state, time left
and last act; then 1 or * again, 9 in the other language, # slowly (a pause after each word, from
then on), 0 an officer, else goodbye.
"""

from __future__ import annotations

import asyncio
from typing import Final

from ivr.selfservice import saying
from ivr.selfservice.port import Question, Slip, Status, StatusDesk, Unanswered, Unproved
from ivr.selfservice.server import Line
from ivr.selfservice.session import (
    KEY_WAIT,
    NO_KEY,
    OFFER_WAIT,
    OUTCOME,
    PAUSE,
    SLOW,
    WRONG_KEY,
    Session,
)

NAME: Final = "status"
"""The script Asterisk asks for, the menu's name, and the service in the markers."""
TRIES: Final = 3
TICKET: Final = 9
LAST: Final = 4
ANSWER_WITHIN: Final = 1.5
"""Seconds for the desk; with what the dialplan then needs the caller is on his way within two."""

TOLD: Final = "told"
NOT_FOUND: Final = "not_found"
REFUSED: Final = "refused"
FAILED: Final = "failed"
LEFT: Final = "left"

OFFICER: Final = "officer"
GOODBYE: Final = "goodbye"

KINDS: Final = {"complaint": "hotline/status-complaint", "advice": "hotline/status-advice"}
STATES: Final = {
    name: f"hotline/status-{name}"
    for name in (
        "recorded", "proposed", "returned", "assigned", "answered", "settled", "closed",
        "cancelled",
    )
}  # fmt: skip
"""State of a case → the sound that says it."""
ACTS: Final = {
    name: f"hotline/act-{name}"
    for name in (
        "record", "tell", "propose", "assign", "answer", "accept", "grant-extension", "settle",
        "close", "reopen", "cancel",
    )
}  # fmt: skip
"""Act that a complainant is told of → the sound that says it."""
SLIPS: Final = {Slip.LENGTH: "hotline/status-nine-digits", Slip.DIGIT: "hotline/status-wrong-digit"}

_STATE: Final = 1
"""Which sentence says the state: who has heard it has been told."""
_ENTER: Final = "hotline/status-enter"
_OFFER: Final = ("hotline/status-offer", "hotline/menu-language", "hotline/menu-slower")
_KEYS: Final = frozenset("019*#")


class StatusService:
    """Tells callers how far their cases are, as the desk knows it."""

    def __init__(self, desk: StatusDesk) -> None:
        self._desk = desk

    async def session(self, line: Line) -> None:
        """One caller, from the first word to where he goes next."""
        caller = Session(line)
        await caller.begin()
        try:
            outcome, following = await self._serve(caller)
        except Unanswered:
            outcome, following = FAILED, OFFICER
        await caller.end(outcome, following)

    async def _serve(self, caller: Session) -> tuple[str, str]:
        ticket = await self._ticket(caller)
        if ticket is None:
            return NOT_FOUND, OFFICER
        if not ticket:
            return LEFT, OFFICER
        found: Status | Unproved | None = await self._ask(Question(ticket, caller.number))
        if isinstance(found, Unproved):
            found = await self._proved(caller, ticket, found)
        if found is None:
            return LEFT, OFFICER
        if isinstance(found, Unproved):
            await caller.play(["hotline/status-not-found"])
            return REFUSED if found.known or found.shut else NOT_FOUND, OFFICER
        return await _Telling(caller, ticket, found).run()

    async def _ticket(self, caller: Session) -> str | None:
        """The number keyed; empty where an officer is wanted, None where it came to nothing."""
        fault: list[str] = []
        for _ in range(TRIES):
            keyed = await caller.keys([*fault, _ENTER], TICKET, KEY_WAIT)
            if keyed == "0":
                return ""
            if not keyed:
                fault = [NO_KEY]
                continue
            slip = Slip.DIGIT if not keyed.isdecimal() else self._desk.slip(keyed)
            if slip is None:
                return keyed
            fault = [*_read_back(keyed), SLIPS[slip]]
        await caller.play(fault)
        return None

    async def _proved(
        self, caller: Session, ticket: str, found: Unproved
    ) -> Status | Unproved | None:
        """The status, once the digits are right; None where an officer is wanted instead."""
        fault: list[str] = []
        for _ in range(TRIES):
            keyed = await caller.keys([*fault, "hotline/status-last-four"], LAST, KEY_WAIT)
            if keyed == "0":
                return None
            if not keyed:
                fault = [NO_KEY]
                continue
            fault = ["hotline/status-not-matched"]
            if len(keyed) != LAST or not keyed.isdecimal():
                continue
            answer = await self._ask(Question(ticket, caller.number, keyed))
            if isinstance(answer, Status):
                return answer
            found = answer
        return found

    async def _ask(self, question: Question) -> Status | Unproved:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await self._desk.status(question)
        except TimeoutError:
            raise Unanswered from None


class _Telling:
    """A status being told to one caller, as often as it is asked for."""

    def __init__(self, caller: Session, ticket: str, status: Status) -> None:
        self._caller = caller
        self._ticket = ticket
        self._status = status
        self._told = False
        self._slow = False

    async def run(self) -> tuple[str, str]:
        """Tells and offers; how it came out and where the caller goes."""
        self._slow = await self._caller.get(SLOW) == "1"
        key = await self._say()
        faults = 0
        while True:
            if key is None:
                await self._caller.mark("menu", NAME)
                key = await self._caller.keys(_OFFER, 1, OFFER_WAIT, pound=True)
            if not key:
                await self._caller.mark("no_key", NAME)
                return self._outcome, GOODBYE
            await self._caller.mark("key" if key in _KEYS else "wrong_key", f"{NAME}:{key}")
            if key == "0":
                return self._outcome, OFFICER
            if key in _KEYS:
                await self._otherwise(key)
                key = await self._say()
                continue
            faults += 1
            if faults == TRIES:
                return self._outcome, OFFICER
            key = await self._caller.play([WRONG_KEY])

    @property
    def _outcome(self) -> str:
        return TOLD if self._told else LEFT

    async def _otherwise(self, key: str) -> None:
        """In the other language, or slowly, or no more so: for as long as the call lasts."""
        if key == "9":
            await self._caller.speak("th" if self._caller.language == "en" else "en")
        elif key == "#":
            self._slow = not self._slow
            await self._caller.set(SLOW, "1" if self._slow else "0")

    async def _say(self) -> str | None:
        """Says it sentence by sentence; the key with which the caller broke in, if he did."""
        pause = PAUSE if self._slow else 0.0
        said = sentences(self._ticket, self._status, self._caller.language)
        for place, sentence in enumerate(said):
            if (key := await self._caller.play(sentence, pause=pause)) is not None:
                return key
            if place == _STATE and not self._told:
                self._told = True
                await self._caller.mark("self_end", f"{NAME}:{TOLD}")
                await self._caller.set(OUTCOME, TOLD)
        return None


def sentences(ticket: str, status: Status, language: str) -> list[list[str]]:
    """What is said of a status, each sentence as the sounds that say it."""
    said = [
        [KINDS[status.kind], *saying.digits(ticket)],
        [STATES[status.state]],
    ]
    if time := _time(status, language):
        said.append(time)
    if status.last_act is not None and status.last_day is not None:
        last = ["hotline/status-last-act", ACTS[status.last_act]]
        said.append([*last, *saying.date(status.last_day, language)])
    return said


def _time(status: Status, language: str) -> list[str]:
    """The time left, or by how much it is over."""
    left = status.days_left
    if left is None:
        return []
    if status.overdue:
        past = [*saying.number(-left, language), "hotline/status-working-days"] if left < 0 else []
        return ["hotline/status-overdue", *past]
    if left == 0:
        return ["hotline/status-due-today"]
    return [
        "hotline/status-days-left", *saying.number(left, language), "hotline/status-working-days",
    ]  # fmt: skip


def _read_back(keyed: str) -> list[str]:
    return ["hotline/status-you-keyed", *saying.digits(keyed)]
