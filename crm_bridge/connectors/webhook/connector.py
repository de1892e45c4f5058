"""Every act of the port as one signed POST of a CloudEvent, for whatever has no connector here.

A 2xx is taken, unless it is a web page or JSON with an `error`; the receiver may answer with its
own `id` and `url`. 404 in JSON says that it has no such record, 410 that it wants no more events.
The connector asks nothing back: status changes come to `/api/v1/hooks/NAME/status`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import phonenumbers
from pydantic import BaseModel, ConfigDict, ValidationError

from crm_bridge.clock import Clock, iso
from crm_bridge.config_outside import ConnectorSection, guarded
from crm_bridge.connectors.http import Answer, JsonHttp
from crm_bridge.connectors.mapping import Mapping
from crm_bridge.connectors.port import (
    AlertFacts,
    CallEvent,
    Capabilities,
    Changes,
    Contact,
    ContactDraft,
    Denied,
    Gone,
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
from crm_bridge.connectors.webhook import events, signing
from crm_bridge.connectors.webhook.events import EventType
from crm_bridge.errors import ConfigMistake
from ivr.calls.call import Micros

_MOMENTS: Final = {
    Moment.RINGING: events.CALL_RINGING,
    Moment.ANSWERED: events.CALL_ANSWERED,
    Moment.ENDED: events.CALL_ENDED,
}
_MOST_CONTACTS: Final = 5
_MOST_BYTES: Final = 256 * 1024
_LONGEST: Final = 2000


class _Found(BaseModel):
    """A contact as a receiver answers it."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    id: str
    name: str = ""
    numbers: list[str] = []
    key: str | None = None
    url: str | None = None
    lines: list[str] = []


class _FoundAll(BaseModel):
    contacts: list[_Found]


class WebhookConnector:
    """One receiver."""

    kind = "webhook"

    def __init__(
        self,
        name: str,
        section: ConnectorSection,
        mapping: Mapping,
        *,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`transport`: instead of the network, for tests. Raises ConfigMistake."""
        self.name = name
        self._mapping = mapping
        self._clock = clock
        self._secrets = signing.secrets_of(section.secret())
        self._address = _url(mapping, "our_address").rstrip("/")
        self._source = self._address or f"urn:hotline1203:{name}"
        self._pages = {
            Kind.CONTACT: _url(mapping, "contact_url", holds="{id}"),
            Kind.TICKET: _url(mapping, "ticket_url", holds="{id}"),
        }
        self._receipt = mapping.option("wants_receipt", False)
        self._events = _Target(section.url, section, transport)
        lookup = _url(mapping, "lookup_url")
        self._lookup = _Target(lookup, section, transport) if lookup else None
        self.capabilities = Capabilities(lookup=bool(lookup), call_events=True, setup=True)

    async def health(self) -> Health:
        """Sends a ping; what answers may name itself with `product`."""
        answer = await self._send(
            events.PING, events.Ping(connector=self.name), self.name, "say hello"
        )
        product = answer.get("product")
        return Health(product=str(product)[:100] if product else f"Webhook {self._events.host}")

    async def find_contacts(self, e164: str) -> Sequence[Contact]:
        """Asks `lookup_url`, where the mapping names one; else nobody is found."""
        if self._lookup is None:
            return ()
        data = events.ContactLookup(number=e164)
        found = await self._send(
            events.CONTACT_LOOKUP, data, "lookup", "look up a number", to=self._lookup
        )
        try:
            contacts = _FoundAll.model_validate(found).contacts
        except ValidationError as error:
            raise Unreachable(
                "look up a number: the answer is not as documented",
                where=self._lookup.host,
                mend='it must be {"contacts": [{"id", "name", "numbers"}]}',
            ) from error
        return tuple(self._contact(c) for c in contacts if _has(c.numbers, e164))[:_MOST_CONTACTS]

    async def upsert_contact(self, draft: ContactDraft) -> Ref:
        """One `contact.upserted`."""
        data = events.ContactUpserted(
            key=draft.key, id=draft.known, numbers=list(draft.numbers),
            fields=dict(draft.fields), theirs=draft.theirs,
        )  # fmt: skip
        parts = (draft.key, draft.revision, data.fields, data.numbers, data.theirs)
        answer = await self._send(
            events.CONTACT_UPSERTED, data, draft.key, "write a contact",
            parts=parts if draft.revision is not None else None,
        )  # fmt: skip
        return self._ref(Kind.CONTACT, answer, draft.known or draft.key)

    async def upsert_ticket(self, draft: TicketDraft) -> Ref:
        """One `ticket.upserted`."""
        data = events.TicketUpserted(
            key=draft.key, id=draft.known, contact=draft.contact, status=draft.status,
            native=None if draft.status is None else self._mapping.native(draft.status),
            fields=dict(draft.fields),
        )  # fmt: skip
        parts = (draft.key, draft.revision, data.fields)
        answer = await self._send(
            events.TICKET_UPSERTED, data, draft.key, "write a ticket",
            parts=parts if draft.revision is not None else None,
        )  # fmt: skip
        return self._ref(Kind.TICKET, answer, draft.known or draft.key)

    async def add_note(self, ticket: str, note: Note) -> str:
        """One `note.added`; the same note has the same id for ever."""
        data = events.NoteAdded(
            key=note.key, ticket=ticket, text=note.text, at=iso(note.at), by=note.by
        )
        answer = await self._send(
            events.NOTE_ADDED, data, note.key, "add a note", at=note.at, parts=(note.key,)
        )
        return _id(answer) or note.key

    async def set_status(self, ticket: str, status: Status) -> str:
        """One `status.set`; returns the status in the mapping's word."""
        native = self._mapping.native(status)
        data = events.StatusSet(ticket=ticket, status=status, native=native)
        await self._send(events.STATUS_SET, data, ticket, "set a status")
        return native

    def record_url(self, kind: Kind, record: str) -> str | None:
        """The page that the mapping's `contact_url` or `ticket_url` names."""
        page = self._pages.get(kind, "")
        return page.replace("{id}", quote(record, safe="")) if page else None

    async def call_event(self, event: CallEvent) -> None:
        """One `call.ringing`, `call.answered` or `call.ended`."""
        key = f"call:{event.call_id}"
        data = events.CallHappens(
            call_id=event.call_id, key=key, at=iso(event.at),
            direction="outbound" if event.direction == "outbound" else "inbound",
            number=event.number, name=event.name, dialled=event.dialled, agent=event.agent,
            queue=event.queue, service=event.service, outcome=event.outcome, link=event.link,
        )  # fmt: skip
        await self._send(
            _MOMENTS[event.moment], data, key, "tell of a call",
            at=event.at, parts=(event.call_id, event.at, event.agent),
        )  # fmt: skip

    async def alert(self, alert: AlertFacts, *, cleared: bool) -> None:
        """One `alert.raised` or `alert.cleared`; of the same alert each has one id for ever."""
        (th, en), level = alert.text, alert.level
        data = events.AlertTold.model_validate(
            {
                "id": alert.id, "rule": alert.rule, "kind": alert.kind, "level": level,
                "subject": alert.subject, "text_th": th, "text_en": en, "value": alert.value,
                "threshold": alert.threshold, "unit": alert.unit, "raised_at": iso(alert.raised_at),
                "cleared_at": None if alert.cleared_at is None else iso(alert.cleared_at),
                "test": alert.test, "link": alert.link,
            }
        )  # fmt: skip
        kind = events.ALERT_CLEARED if cleared else events.ALERT_RAISED
        at = alert.cleared_at if cleared else alert.raised_at
        await self._send(
            kind, data, f"alert:{alert.id}", "tell of an alert", at=at, parts=(alert.id,)
        )

    async def changes(self, cursor: str | None) -> Changes:
        """Nothing is asked: they come by themselves."""
        raise Unsupported(
            "a webhook is not asked for status changes",
            where=self._events.host,
            mend=f"it POSTs them to /api/v1/hooks/{self.name}/status",
        )

    async def setup(self) -> Sequence[SetupStep]:
        """Whether it answers, and what its keeper must do."""
        health = await self.health()
        back = f"{self._address}/api/v1/hooks/{self.name}/status"
        schemas = f"{self._address}{events.SCHEMAS}"
        return (
            SetupStep(health.product, "there", ("ผู้รับตอบและยอมรับลายมือชื่อ",
                      "the receiver answers and accepts the signature")),
            SetupStep("schemas", "by_hand", (f"ให้ผู้รับอ่านรูปแบบเหตุการณ์ที่ {schemas}",
                      f"the receiver finds the form of every event at {schemas}")),
            SetupStep("status", "by_hand",
                      (f"ให้ผู้รับแจ้งสถานะที่เปลี่ยนมาที่ POST {back} โดยลงลายมือชื่อด้วยกุญแจเดียวกัน",
                       f"the receiver tells of changed statuses at POST {back}, signed with"
                       " the same secret")),
        )  # fmt: skip

    async def remove(self, kind: Kind, record: str) -> None:
        """One `record.removed`."""
        data = events.RecordRemoved(kind=kind, id=record)
        try:
            await self._send(
                events.RECORD_REMOVED, data, record, "remove a record", parts=(kind, record)
            )
        except Gone:
            return

    async def close(self) -> None:
        """Closes its connections."""
        await self._events.http.close()
        if self._lookup is not None:
            await self._lookup.http.close()

    async def _send(
        self,
        kind: EventType,
        data: BaseModel,
        subject: str,
        act: str,
        *,
        at: Micros | None = None,
        parts: tuple[object, ...] | None = None,
        to: _Target | None = None,
    ) -> dict[str, Any]:
        """POSTs one event and returns the JSON object of the answer, empty where there is none.

        `parts`: what makes this event the same as another; without them it is like no other.
        """
        now = self._clock.now_us()
        target = to or self._events
        number = events.event_id(kind, *(parts if parts is not None else (subject, now)))
        event = events.envelope(
            kind, data, id=number, subject=subject, at=now if at is None else at,
            address=self._address, source=self._source,
        )  # fmt: skip
        content = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {
            "Content-Type": events.MEDIA_TYPE,
            **signing.sign(self._secrets, number, now, content),
        }
        try:
            answer = await target.http.ask(
                "POST", target.path, act=act, query=target.query, body=event, content=content,
                headers=headers, accept=(404, 410), empty=True,
            )  # fmt: skip
        except Gone as gone:  # a 404 or 410 whose body is no JSON
            raise _unwanted(act, target.host) from gone
        return self._taken(answer, act, target.host, receipt=kind in _WITH_RECEIPT)

    def _taken(self, answer: Answer, act: str, host: str, *, receipt: bool) -> dict[str, Any]:
        body = answer.body if isinstance(answer.body, dict) else {}
        if answer.status == 410:
            raise _unwanted(act, host)
        if answer.status == 404:
            if body:
                raise Gone(f"{act}: it has no such record", where=host)
            raise Denied(
                f"{act}: HTTP 404 without a word", where=host, mend="check the address of the hook"
            )
        if "html" in answer.headers.get("Content-Type", ""):
            raise Denied(
                f"{act}: HTTP {answer.status} with a web page",
                where=host,
                mend="give the address of the hook itself; a page is no receipt",
            )
        if body.get("error") or body.get("errors"):
            raise Unsettled(
                f"{act}: HTTP {answer.status}, and its JSON says error",
                where=host,
                mend="see the receiver's log; what it cannot take it should answer with 4xx",
            )
        if self._receipt and receipt and not _id(body):
            raise Unsettled(
                f"{act}: HTTP {answer.status} without an id",
                where=host,
                mend="wants_receipt is on in the mapping: the receiver must answer with its id",
            )
        return {**body, "made": answer.status == 201}

    def _ref(self, kind: Kind, answer: dict[str, Any], otherwise: str) -> Ref:
        found = _id(answer) or otherwise
        url = _page(answer.get("url")) or self.record_url(kind, found)
        return Ref(found, url, made=bool(answer["made"]))

    def _contact(self, found: _Found) -> Contact:
        return Contact(
            id=found.id[:_LONGEST],
            name=found.name[:_LONGEST],
            numbers=tuple(filter(None, map(_e164, found.numbers))),
            key=found.key,
            url=_page(found.url) or self.record_url(Kind.CONTACT, found.id),
            lines=tuple(line[:_LONGEST] for line in found.lines[:_MOST_CONTACTS]),
        )


_WITH_RECEIPT: Final = (events.CONTACT_UPSERTED, events.TICKET_UPSERTED, events.NOTE_ADDED)


class _Target:
    """An address that is POSTed to exactly as it was given."""

    def __init__(
        self, url: str, section: ConnectorSection, transport: httpx.AsyncBaseTransport | None
    ) -> None:
        parts = urlsplit(url)
        self.path = parts.path.lstrip("/")
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True)) or None
        self.http = JsonHttp(
            f"{parts.scheme}://{parts.netloc}",
            seconds=section.timeout_seconds,
            most_bytes=_MOST_BYTES,
            ca_file=section.ca_file,
            networks=section.networks,
            transport=transport,
        )
        self.host = self.http.host


def _unwanted(act: str, host: str) -> Rejected:
    return Rejected(
        f"{act}: HTTP 410, it wants no more events like this",
        where=host,
        mend="take it out of `send`, or mend the receiver and send the dead letters again",
    )


def _id(answer: dict[str, Any]) -> str | None:
    """The id that it answered with: a text or a number."""
    found = answer.get("id")
    if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
        return None
    return str(found)[:_LONGEST]


def _page(url: Any) -> str | None:
    """An address that may become a link on our pages."""
    if not isinstance(url, str) or len(url) > _LONGEST:
        return None
    parts = urlsplit(url)
    return url if parts.scheme in {"http", "https"} and parts.netloc else None


def _url(mapping: Mapping, option: str, holds: str = "") -> str:
    """An option that is an address, or empty."""
    found = mapping.option(option, "").strip()
    if found and not guarded(found):
        raise ConfigMistake(
            f"[options] {option}: is no https:// address (http:// only on loopback)",
            where=str(mapping.path),
        )
    if found and holds not in found:
        raise ConfigMistake(
            f"[options] {option}: says nowhere where the id stands",
            where=str(mapping.path),
            mend=f"write {holds} in its place",
        )
    return found


def _e164(number: str) -> str | None:
    try:
        parsed = phonenumbers.parse(number.removeprefix("tel:"), "TH")
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _has(numbers: Sequence[str], e164: str) -> bool:
    return any(_e164(number) == e164 for number in numbers)
