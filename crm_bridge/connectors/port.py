"""The port to another CRM: what the delivery asks of it, in this house's words.

A connector keeps nothing: it is given external keys (`call:…`, `case:…`, `person:…`, `number:…`)
and finds by them what it wrote before, so that the same request twice makes one record. Every write
is read back before it counts as done. One writer per external key is the caller's duty.

ConnectorError            what the other side did not do; `then` says how to go on
├── Unreachable   RETRY   no answer, or a broken one: whether it took effect is unknown
├── Unsettled     RETRY   taken, but not so when read back, or another wrote at the same moment
├── Busy          WAIT    it asks for time: `wait` seconds, for everything
├── Denied        WAIT    login or right refused: everything waits until somebody mends it
├── Rejected      GIVE_UP this record is not taken as it is: a person must look at it
│   └── Gone      GIVE_UP the record that was meant is not there any more
└── Unsupported   GIVE_UP the other side has no such thing

The text of an error names the host, the act and the mend, and nothing of a caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

from crm_bridge.errors import HotlineError
from ivr.calls.call import Micros

Value = str | int | float | bool | None
Fields = Mapping[str, Value]
"""Field of the other CRM → what goes there, as the mapping made it."""


class Then(StrEnum):
    """How to go on after a failure."""

    RETRY = "retry"
    WAIT = "wait"
    GIVE_UP = "give_up"


class ConnectorError(HotlineError):
    """The other CRM did not do what was asked; `wait`: seconds it asked for, if it did."""

    then: ClassVar[Then] = Then.RETRY

    def __init__(
        self, what: str, *, where: str = "", mend: str = "", wait: float | None = None
    ) -> None:
        super().__init__(what, where=where, mend=mend)
        self.wait = wait


class Unreachable(ConnectorError):
    """No answer, or a broken one; what was asked may have taken effect all the same."""

    retry = True


class Unsettled(ConnectorError):
    """The write was taken and is not there when read back, or another wrote the same meanwhile."""

    retry = True


class Busy(ConnectorError):
    """It wants to be left alone for `wait` seconds."""

    retry = True
    then = Then.WAIT


class Denied(ConnectorError):
    """The login, a right or the address is wrong: no request will pass until that is mended."""

    then = Then.WAIT


class Rejected(ConnectorError):
    """The record will never be taken as it is."""

    then = Then.GIVE_UP


class Gone(Rejected):
    """The record that was named is not there any more."""


class Unsupported(ConnectorError):
    """The other CRM has no such thing; its capabilities say so beforehand."""

    then = Then.GIVE_UP


class Kind(StrEnum):
    """The records of another CRM."""

    CONTACT = "contact"
    TICKET = "ticket"
    NOTE = "note"


class Status(StrEnum):
    """Where a ticket stands, in words that every CRM has; the mapping has its own name of each."""

    NEW = "new"
    OPEN = "open"
    WAITING = "waiting"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the other side can do; the delivery asks for nothing else."""

    contacts: bool = True
    """Contacts can be written."""
    lookup: bool = True
    """Contacts can be found by number; without it `find_contacts` finds nobody."""
    tickets: bool = True
    """Tickets, notes and statuses can be written."""
    call_events: bool = False
    """It wants to hear of calls while they ring."""
    changes: bool = False
    """It can be asked which tickets changed their status."""
    setup: bool = False
    """`setup` can make, or at least judge, what must be there."""


@dataclass(frozen=True, slots=True)
class Health:
    """The other side answers, and lets this login in."""

    product: str
    """As it names itself, with its version: `Odoo 14.0`."""
    login: str = ""
    """As whom it knows us."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A record there; `url` opens it in a browser. `made`: this very act created it."""

    id: str
    url: str | None = None
    made: bool = False


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact found there, its number re-checked to be the one that was asked for."""

    id: str
    name: str
    numbers: tuple[str, ...] = ()
    """E.164."""
    key: str | None = None
    """Our external key, where it bears one."""
    url: str | None = None
    lines: tuple[str, ...] = ()
    """What else the mapping wants an officer to see: a company, a class of customer."""


@dataclass(frozen=True, slots=True)
class ContactDraft:
    """A contact as it shall stand there."""

    key: str
    numbers: tuple[str, ...] = ()
    """E.164, the main one first."""
    fields: Fields = field(default_factory=dict)
    known: str | None = None
    """Its id there, as far as we know; without one it is searched for by key."""
    theirs: bool = False
    """It was there before us: only our key, and fields that are empty, are written."""
    revision: int | None = None
    """Which state of our record this is; the same one sent again is known by it (webhooks)."""


@dataclass(frozen=True, slots=True)
class TicketDraft:
    """A call or a case as a ticket there."""

    key: str
    fields: Fields = field(default_factory=dict)
    contact: str | None = None
    """The id there of the contact whose ticket it is."""
    status: Status | None = None
    """Where a new ticket begins; a ticket that is there already keeps its own (`set_status`)."""
    known: str | None = None
    """Its id there, as far as we know; without one it is searched for by key."""
    revision: int | None = None
    """Which state of our record this is; the same one sent again is known by it (webhooks)."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something said of a ticket; the same key is the same note. `text` is plain, with breaks."""

    key: str
    text: str
    at: Micros
    by: str = ""
    """The officer, as the other CRM's readers know the person."""


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A ticket's status as it is there now; `native` in their own word, `status` in ours."""

    id: str
    key: str
    native: str
    status: Status | None
    at: Micros
    by: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since a cursor, oldest first; `cursor` is where to go on."""

    items: tuple[StatusChange, ...]
    cursor: str
    more: bool = False
    """There is more to be had at once."""


class Moment(StrEnum):
    """What happens with a call."""

    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class CallEvent:
    """A call while it happens; worth little a minute later, so that it is never kept for long."""

    moment: Moment
    call_id: str
    at: Micros
    direction: str
    """`inbound` or `outbound`."""
    number: str | None
    """E.164 where it is one, else as presented; `None` where withheld."""
    name: str | None
    dialled: str
    agent: str | None = None
    """The officer whose telephone rings, or who answered."""
    queue: str | None = None
    service: str | None = None
    outcome: str | None = None
    """How it came out, once it has ended."""
    link: str | None = None
    """Our page of the call."""


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """Something that those who oversee the hotline are alerted to; names no caller."""

    id: str
    rule: str
    kind: str
    """`wait`, `waiting`, `step`, `service_level`, `case_due`, …"""
    level: str
    """`notice`, `warning` or `critical`."""
    subject: str
    """A queue, a step, a ticket, a system."""
    text: tuple[str, str]
    """In Thai and English."""
    value: float
    threshold: float
    unit: str
    raised_at: Micros
    cleared_at: Micros | None
    test: bool
    """Somebody tries whether it arrives; it was never so."""
    link: str | None = None


@runtime_checkable
class TakesAlerts(Protocol):
    """A connector that also takes alerts; the others are never sent one."""

    async def alert(self, alert: AlertFacts, *, cleared: bool) -> None:
        """Tells it that this was raised, or is over. Twice is no harm. Raises ConnectorError."""
        ...


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One thing that must be there: `there` already, `made` now, or `by_hand` with what to do."""

    what: str
    state: str
    text: tuple[str, str] = ("", "")
    """In Thai and English: what it is for, or what an administrator must do."""


class Connector(Protocol):
    """Another CRM. Every method raises ConnectorError; no other error is expected of it."""

    name: str
    """As hotline.toml names it: `[connector.NAME]`."""
    kind: str
    """The vendor: `odoo`, `rt`, `roundup`, `webhook`, `zammad`, …"""
    capabilities: Capabilities

    async def health(self) -> Health:
        """Asks whether it is there and lets us in."""
        ...

    async def find_contacts(self, e164: str) -> Sequence[Contact]:
        """Contacts that really have this number (a handful at most, the last changed first)."""
        ...

    async def upsert_contact(self, draft: ContactDraft) -> Ref:
        """Makes the contact of this key, or brings it up to date; Gone where `known` is no more."""
        ...

    async def upsert_ticket(self, draft: TicketDraft) -> Ref:
        """Makes the ticket of this key, or brings it up to date; Gone where `known` is no more."""
        ...

    async def add_note(self, ticket: str, note: Note) -> str:
        """Adds the note to the ticket of this id, once, and returns the note's id there."""
        ...

    async def set_status(self, ticket: str, status: Status) -> str:
        """Brings the ticket of this id there, and returns the status in their own word."""
        ...

    def record_url(self, kind: Kind, record: str) -> str | None:
        """The address that opens this record in a browser; `None` where it has none."""
        ...

    async def call_event(self, event: CallEvent) -> None:
        """Tells it what happens with a call. Twice is no harm."""
        ...

    async def changes(self, cursor: str | None) -> Changes:
        """Our tickets whose status changed since `cursor`; `None`: from now on, with no items."""
        ...

    async def setup(self) -> Sequence[SetupStep]:
        """Makes the fields that we write, where it lets us, and says what is left to do by hand."""
        ...

    async def remove(self, kind: Kind, record: str) -> None:
        """Takes away what `hotline connector check` made; that it is gone already is no error.

        Archives or closes it where the other CRM deletes nothing.
        """
        ...

    async def close(self) -> None:
        """Gives back its connections."""
        ...
