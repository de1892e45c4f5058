"""What self-service asks of the desk. Nothing here holds data or knows where it is kept."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Slip(StrEnum):
    """What is wrong with a number as it was keyed, whoever it belongs to."""

    LENGTH = "length"
    """Too many digits or too few."""
    DIGIT = "digit"
    """A digit is wrong, or two are swapped."""


@dataclass(frozen=True, slots=True)
class Question:
    """Whose case a caller asks for."""

    ticket: str
    """As keyed, without a slip."""
    number: str | None
    """The calling number as the line presents it; None where it is withheld."""
    last_four: str | None = None
    """Keyed by the caller: the last digits of the complainant's telephone number."""


@dataclass(frozen=True, slots=True)
class Status:
    """How far a case is, and nothing of what it is about or whose it is."""

    kind: str
    """`complaint` or `advice`."""
    state: str
    days_left: int | None
    """Working days until its deadline, today not counted; None where none runs."""
    overdue: bool
    """The deadline is past; `-days_left` working days ago, 0 where none has passed since."""
    last_act: str | None
    """What was done last, of what a complainant is told of."""
    last_day: dt.date | None
    """Its day in Bangkok."""


@dataclass(frozen=True, slots=True)
class Unproved:
    """There is no such case, or it is not shown to be the caller's: he is told the same of both."""

    known: bool
    """Whether there is one; for the record alone, never for the caller."""
    shut: bool = False
    """Too many wrong digits were keyed of late: none are looked at any more."""


class Unanswered(Exception):
    """The desk cannot tell in time."""


class StatusDesk(Protocol):
    """Who knows of cases."""

    def slip(self, ticket: str) -> Slip | None:
        """What is wrong with a number as keyed; asks nobody."""
        ...

    async def status(self, question: Question) -> Status | Unproved:
        """The status, where number or digits show that it is the caller's to hear.

        Raises Unanswered where that cannot be told within the desk's time limit.
        """
        ...


@dataclass(frozen=True, slots=True)
class Shut:
    """The office is closed."""

    why: str
    """`before`, `lunch`, `after`, `weekend`, `holiday` or `closure`."""
    now: dt.datetime
    """In Bangkok, as `opens`."""
    opens: dt.datetime | None
    """When it opens next; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a caller stands in a queue."""

    queue: str
    joined: int
    """The second by which the queue orders him, since the epoch: who has an earlier one is before
    him. Of most callers the second in which he joined it, by Asterisk's clock."""


@dataclass(frozen=True, slots=True)
class CallBack:
    """A caller's wish to be called."""

    uniqueid: str
    """Asterisk's own id of the caller's channel."""
    number: str
    """E.164, as `CallBackDesk.number` gave it."""
    place: Place | None = None
    """His place in a queue, that he keeps; None where he was in none."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that a caller has spoken: Asterisk's file of his channel."""

    uniqueid: str
    """Asterisk's own id of the caller's channel, which names the file."""
    number: str | None
    """E.164, as `OfficeDesk.number` gave it; None where he cannot be called back there."""


class CallBackDesk(Protocol):
    """Who takes callers' wishes to be called back."""

    def number(self, keyed: str) -> tuple[str, str] | None:
        """E.164 and as it is said, where this is a Thai telephone that can be called back."""
        ...

    async def call_back(self, wish: CallBack) -> bool:
        """Keeps the wish, one a call: a later one of the same call stands in its place.

        False where another call keeps a place for that number already: that one stands. Raises
        Unanswered where it is not known to be kept within the desk's time limit.
        """
        ...


class OfficeDesk(CallBackDesk, Protocol):
    """Who knows when the office is open, and takes what callers leave while it is not."""

    @property
    def takes_messages(self) -> bool:
        """Whether callers may leave a message."""
        ...

    def shut(self) -> Shut | None:
        """None while it is open; asks nobody. Raises Unanswered where that is not known."""
        ...

    async def keep_message(self, message: Message) -> bool:
        """Keeps what the caller has spoken; False where nothing is said in it.

        Raises Unanswered where it is not known to be kept within the desk's time limit.
        """
        ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """A caller who is about to stand in a queue."""

    uniqueid: str
    """Asterisk's own id of the caller's channel."""
    queue: str
    number: str | None = None
    """The calling number as the line presents it; None where it is withheld."""


class Expect(StrEnum):
    """What a caller can be told of his wait."""

    AT_ONCE = "now"
    """An officer is free for him."""
    BAND = "band"
    UNKNOWN = "unknown"
    NOBODY = "nobody"
    """No officer takes calls of this queue."""


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a caller will stand in a queue; minutes where it is a band."""

    expect: Expect
    low: int = 0
    high: int | None = None
    """None: more than `low`."""

    @property
    def text(self) -> str:
        """As it stands on the record: `now`, `1-3`, `10-`, `unknown`, `nobody`."""
        if self.expect is not Expect.BAND:
            return self.expect.value
        return f"{self.low}-{'' if self.high is None else self.high}"


@dataclass(frozen=True, slots=True)
class Welcome:
    """How a caller is received at a queue."""

    wait: Wait
    priority: int = 0
    """Who has more is taken first; below 0: after all others."""
    why: str = ""
    """Why he has a priority, or is refused: KIND:RULE, for the record alone."""
    refused: bool = False
    officer: str = ""
    """Who knows him and is free, by extension: rung first."""
    officer_why: str = ""
    """`case` (of his is open) or `call` (they spoke of late)."""
    officer_seconds: int = 0
    """So long he is rung."""


class DoorDesk(Protocol):
    """Who knows of queues and of those who come to them."""

    def welcome(self, arrival: Arrival) -> Welcome:
        """How this caller is received; from memory: nobody is asked and nothing waited for."""
        ...


@dataclass(frozen=True, slots=True)
class TextRequest:
    """A caller who wants the guide's address by text message."""

    uniqueid: str
    """Asterisk's own id of the caller's channel."""
    number: str
    """E.164, as `TextDesk.mobile` gave it."""
    language: str
    """th or en."""


class TextDesk(Protocol):
    """Who has text messages sent."""

    def mobile(self, number: str) -> tuple[str, str] | None:
        """E.164 and as it is said, where this is a Thai mobile; asks nobody."""
        ...

    async def send(self, request: TextRequest) -> bool:
        """Has it sent; False where this number had one today.

        Raises Unanswered where that is not known within the desk's time limit.
        """
        ...
