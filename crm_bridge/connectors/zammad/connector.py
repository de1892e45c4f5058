"""Zammad's generic CTI: it is told of calls while they happen, and of nothing else.

One POST an event to `/api/v1/cti/TOKEN` as Zammad's documentation has it: `newCall`, `answer`,
`hangup`. The token in that address is the whole login, and stands in no log or error. What Zammad
answers (reject a caller, dial with another number) is not acted on: calls are the line's.

| Zammad answers | means |
|---|---|
| 401 | the token is wrong |
| 422 `Feature is disabled`, `Feature not configured` | the integration is not switched on |
| 422 `Invalid direction!` | it is there, on and knows the token: that is how `health` asks |
| 500 `Object already exists!` | it has heard of this call: fine |
| another 500 to an answer or hangup | it has not: the call is announced first, then told again |
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from enum import Enum
from typing import Final, NoReturn
from urllib.parse import quote

import httpx
import phonenumbers

from crm_bridge.clock import Clock
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.http import JsonHttp
from crm_bridge.connectors.mapping import Mapping
from crm_bridge.connectors.port import (
    CallEvent,
    Capabilities,
    Changes,
    Contact,
    ContactDraft,
    Denied,
    Health,
    Kind,
    Moment,
    Note,
    Ref,
    Rejected,
    SetupStep,
    Status,
    TicketDraft,
    Unreachable,
    Unsettled,
    Unsupported,
)
from crm_bridge.errors import ConfigMistake
from ivr.calls.call import Outcome

PATH: Final = "api/v1/cti/"
ANONYMOUS: Final = "anonymous"
"""A caller whose number is withheld."""

LONGEST_ID: Final = 250
"""Characters of a callId."""

CAUSES: Final[AnyMapping[str | None, str]] = {
    Outcome.SERVED: "normalClearing",
    Outcome.ABANDONED_QUEUE: "cancel",
    Outcome.ABANDONED_MENU: "cancel",
    Outcome.SHORT: "cancel",
    Outcome.QUEUE_TIMEOUT: "noAnswer",
    Outcome.FAILED: "congestion",
    Outcome.INTERRUPTED: "normalClearing",
    Outcome.UNKNOWN: "normalClearing",
}
"""How a call came out → `cause` of its hangup. Zammad shows a call as missed by its own record of
whether somebody answered, so that a cause in doubt is the plain one."""

_UNHEARD: Final = frozenset({Outcome.ABANDONED_MENU, Outcome.SHORT})
"""Calls that ended before any telephone rang: Zammad was never told of them."""

_EVENTS: Final = {Moment.RINGING: "newCall", Moment.ANSWERED: "answer", Moment.ENDED: "hangup"}
_MEND_ON: Final = "switch on Integrations → CTI (generic) in Zammad and save its settings once"


class _Told(Enum):
    TAKEN = "taken"
    KNOWN = "known"
    UNKNOWN = "unknown"


class ZammadConnector:
    """One Zammad."""

    kind = "zammad"
    capabilities = Capabilities(
        contacts=False, lookup=False, tickets=False, call_events=True, setup=True
    )

    def __init__(
        self,
        name: str,
        section: ConnectorSection,
        mapping: Mapping,
        *,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`clock` is not asked; `transport`: instead of the network. Raises ConfigMistake."""
        self.name = name
        if PATH.rstrip("/") in section.url:
            raise ConfigMistake(
                "holds the path of the CTI interface, which ends in the token",
                where="url",
                mend=f"give Zammad's address alone in url, and what follows /{PATH} in token",
            )
        token = section.secret()
        if not token.isascii() or not token.replace("-", "").replace("_", "").isalnum():
            raise ConfigMistake(
                "is no token of Zammad's CTI interface",
                where="token",
                mend=f"give what stands behind /{PATH} in Zammad's own Endpoint setting",
            )
        self._path = PATH + quote(token, safe="")
        self._own = _digits(mapping.option("own_number", "1203")) or "1203"
        self._agents = _agents(mapping)
        self._http = JsonHttp(
            section.url,
            seconds=section.timeout_seconds,
            most_bytes=64 * 1024,
            ca_file=section.ca_file,
            networks=section.networks,
            transport=transport,
        )

    async def health(self) -> Health:
        """Asks with a direction that is none: Zammad says so, and keeps nothing of it.

        That shows the address, the switch and the token; which version it is, it never tells.
        """
        act = "look at the CTI interface"
        told = await self._post({"event": "newCall", "direction": "none"}, act, probe=True)
        if told is not _Told.UNKNOWN:
            raise Unsettled(
                f"{act}: it took what is no call; whether it takes calls is unknown",
                where=self._http.host,
                mend="see that this is Zammad's own address",
            )
        return Health(product="Zammad CTI, version unknown")

    async def call_event(self, event: CallEvent) -> None:
        """Tells it one event; a call that it has not heard of is announced first."""
        if event.moment is Moment.ENDED and event.outcome in _UNHEARD and event.agent is None:
            return
        act = f"tell of a call ({_EVENTS[event.moment]})"
        told = await self._post(self._payload(event, event.moment), act)
        if told is not _Told.UNKNOWN:
            return
        if event.moment is not Moment.RINGING:
            first = await self._post(self._payload(event, Moment.RINGING), act)
            if first is _Told.TAKEN:
                told = await self._post(self._payload(event, event.moment), act)
        if told is _Told.UNKNOWN:
            raise Unreachable(
                f"{act}: HTTP 500", where=self._http.host, mend="see Zammad's production log"
            )

    def record_url(self, kind: Kind, record: str) -> str | None:
        """It keeps no records of ours."""
        return None

    async def setup(self) -> Sequence[SetupStep]:
        """Whether the interface is on, and what its administrator must do."""
        health = await self.health()
        return (
            SetupStep(health.product, "there", ("เปิดใช้ CTI (generic) แล้ว โทเคนถูกต้อง",
                      "CTI (generic) is on, and the token is right")),
            SetupStep("agents", "by_hand",
                      ("ใส่เบอร์ภายในของเจ้าหน้าที่ในช่องโทรศัพท์ของผู้ใช้ Zammad แต่ละคน"
                       " หรือระบุใน agents ของแฟ้ม mapping",
                       "write each officer's extension into the Phone field of the Zammad user,"
                       " or name the users in `agents` of the mapping")),
        )  # fmt: skip

    async def find_contacts(self, e164: str) -> Sequence[Contact]:
        """Not through this interface."""
        self._unsupported("contacts")

    async def upsert_contact(self, draft: ContactDraft) -> Ref:
        """Not through this interface."""
        self._unsupported("contacts")

    async def upsert_ticket(self, draft: TicketDraft) -> Ref:
        """Not through this interface."""
        self._unsupported("tickets")

    async def add_note(self, ticket: str, note: Note) -> str:
        """Not through this interface."""
        self._unsupported("notes")

    async def set_status(self, ticket: str, status: Status) -> str:
        """Not through this interface."""
        self._unsupported("statuses")

    async def changes(self, cursor: str | None) -> Changes:
        """Not through this interface."""
        self._unsupported("status changes")

    async def remove(self, kind: Kind, record: str) -> None:
        """Not through this interface."""
        self._unsupported("records")

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.close()

    def _unsupported(self, what: str) -> NoReturn:
        raise Unsupported(f"Zammad's CTI interface has no {what}", where=self._http.host)

    def _payload(self, event: CallEvent, moment: Moment) -> dict[str, str]:
        """The fields that this event has in Zammad's documentation, and no other."""
        them = _number(event.number)
        inbound = event.direction != "outbound"
        own = (_digits(event.dialled) if inbound else "") or self._own
        payload = {
            "event": _EVENTS[moment],
            "from": (them or ANONYMOUS) if inbound else own,
            "to": own if inbound else them or _number(event.dialled) or ANONYMOUS,
            "direction": "in" if inbound else "out",
            "callId": event.call_id[:LONGEST_ID],
        }
        if moment is Moment.RINGING:
            if event.queue:
                payload["queue"] = event.queue
            return payload
        if event.agent:
            answering, user = self._agents.get(event.agent, (event.agent, event.agent))
            payload |= {"answeringNumber": answering, "user": user}
        if moment is Moment.ENDED:
            payload["cause"] = CAUSES.get(event.outcome, "normalClearing")
        return payload

    async def _post(self, payload: dict[str, str], act: str, *, probe: bool = False) -> _Told:
        answer = await self._http.ask("POST", self._path, act=act, body=payload, accept=(422, 500))
        host = self._http.host
        body = answer.body if isinstance(answer.body, dict) else {}
        error = body.get("error")
        said = error if isinstance(error, str) else ""
        if answer.status == 422:
            if probe and said == "Invalid direction!":
                return _Told.UNKNOWN
            if said.startswith("Feature "):
                raise Denied(f"{act}: the CTI interface is off", where=host, mend=_MEND_ON)
            raise Rejected(f"{act}: HTTP 422", where=host, mend="see Zammad's production log")
        if answer.status == 500:
            return _Told.KNOWN if "already exists" in said else _Told.UNKNOWN
        if error:
            raise Unsettled(f"{act}: HTTP {answer.status}, and its JSON says error", where=host)
        return _Told.TAKEN


def _agents(mapping: Mapping) -> dict[str, tuple[str, str]]:
    """Extension → (what Zammad finds the user by, the user's name as it is shown there)."""
    found: dict[str, tuple[str, str]] = {}
    for entry in mapping.option("agents", "").split(";"):
        if not entry.strip():
            continue
        extension, equals, user = (part.strip() for part in entry.partition("="))
        who, _, name = user.partition(" ")
        if not (equals and extension.isdigit() and who):
            raise ConfigMistake(
                "[options] agents: is no list of officers",
                where=str(mapping.path),
                mend='write it like "1001=somchai@example.go.th สมชาย ใจดี; 1002=…"',
            )
        found[extension] = (who, name.strip() or extension)
    return found


def _number(number: str | None) -> str:
    """As Zammad wants a number: country code first, no plus; empty where there is none.

    It reads a leading 0 as a German number, so that Thai ones are told with their 66.
    """
    digits = _digits(number or "")
    if not digits or (number or "").startswith("+"):
        return digits
    try:
        parsed = phonenumbers.parse(digits, "TH")
    except phonenumbers.NumberParseException:
        return digits
    if not phonenumbers.is_valid_number(parsed):
        return digits
    return _digits(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isascii() and c.isdigit())
