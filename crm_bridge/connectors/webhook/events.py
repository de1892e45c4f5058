"""What a webhook tells, and what it may be told: one model an event type, the only source of both.

The models make the JSON that is sent, the JSON Schemas of the registry, and the page that shows
them. Within a version fields are added, and none goes away or changes its meaning; otherwise the
type gets the next version beside the old one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from crm_bridge.clock import iso
from crm_bridge.connectors.port import Kind, Status, Value
from ivr.calls.call import Micros

PREFIX: Final = "th.go.moc.hotline1203"
MEDIA_TYPE: Final = "application/cloudevents+json"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
SCHEMAS: Final = "/api/v1/hooks/schemas"
"""Where the registry is, below the desk's address."""


def _is(th: str, en: str) -> Any:
    """What a field is, in Thai and English."""
    return Field(description=en, json_schema_extra={"x-description-th": th})


def _fit(given: Any) -> Any:
    """The same without halves of surrogate pairs, which are no text and cannot be sent."""
    if isinstance(given, str):
        return given if given.isascii() else given.encode("utf-8", "replace").decode()
    if isinstance(given, dict):
        return {_fit(name): _fit(value) for name, value in given.items()}
    return [_fit(value) for value in given] if isinstance(given, list) else given


Key = Annotated[
    str,
    _is("รหัสอ้างอิงของเรา ไม่เปลี่ยน", "our key of the record; it never changes"),
]
Id = Annotated[
    str | None,
    _is(
        "รหัสที่ผู้รับเคยตอบกลับมา ถ้ามี",
        "the id that the receiver once answered with, if it did",
    ),
]
Fields = Annotated[
    dict[str, Value],
    _is("ข้อมูลตามแฟ้มกำหนดช่องข้อมูล (mapping)", "the fields, as the mapping file names them"),
]
TicketId = Annotated[
    str,
    _is(
        "รหัสเรื่องฝั่งผู้รับ หรือรหัสของเราถ้าผู้รับไม่เคยตอบรหัส",
        "the ticket's id there; our key where the receiver never answered with an id",
    ),
]
State = Annotated[Status, _is("สถานะในคำของเรา", "the status in our word")]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    @model_validator(mode="before")
    @classmethod
    def _is_text(cls, given: Any) -> Any:
        return _fit(given)


class ContactUpserted(_Data):
    """A caller: made, or brought up to date."""

    key: Key
    id: Id = None
    numbers: Annotated[
        list[str],
        _is("หมายเลขแบบ E.164 หมายเลขหลักก่อน", "numbers in E.164, the main one first"),
    ] = []
    fields: Fields = {}
    theirs: Annotated[
        bool,
        _is(
            "มีอยู่ฝั่งผู้รับมาก่อน: เติมเฉพาะช่องที่ว่าง ห้ามเขียนทับ",
            "it was there before us: fill what is empty, write over nothing",
        ),
    ] = False


class TicketUpserted(_Data):
    """A call that has ended or a case: made, or brought up to date."""

    key: Key
    id: Id = None
    contact: Annotated[
        str | None,
        _is("รหัสผู้ติดต่อฝั่งผู้รับ", "the id there of the contact whose ticket it is"),
    ] = None
    status: Annotated[
        Status | None,
        _is(
            "สถานะแรกของเรื่องใหม่ เรื่องที่มีอยู่แล้วคงสถานะเดิม",
            "where a new ticket begins; one that is there keeps its own",
        ),
    ] = None
    native: Annotated[
        str | None, _is("สถานะแรกในคำของผู้รับ", "the same in the receiver's own word")
    ] = None
    fields: Fields = {}


class NoteAdded(_Data):
    """Something written on a ticket; the same key is the same note."""

    key: Key
    ticket: TicketId
    text: Annotated[str, _is("ข้อความ ไม่มีรูปแบบ", "plain text, with line breaks")]
    at: Annotated[str, _is("เขียนเมื่อ (ISO 8601)", "when it was written, ISO 8601")]
    by: Annotated[str, _is("เจ้าหน้าที่ผู้เขียน", "the officer who wrote it")] = ""


class StatusSet(_Data):
    """A ticket's status is to be this one now; twice is no harm."""

    ticket: TicketId
    status: State
    native: Annotated[
        str,
        _is("สถานะในคำของผู้รับ ตามแฟ้มกำหนดช่องข้อมูล", "the status in the receiver's own word"),
    ]


class RecordRemoved(_Data):
    """A record that `hotline connector check` made is to go."""

    kind: Annotated[Kind, _is("ชนิดของระเบียน", "which kind of record")]
    id: Annotated[str, _is("รหัสฝั่งผู้รับ", "its id there")]


class CallHappens(_Data):
    """A call while it happens; of no use a minute later."""

    call_id: Annotated[str, _is("รหัสสาย", "the call's id")]
    key: Key
    at: Annotated[str, _is("เกิดเมื่อ (ISO 8601)", "when it happened, ISO 8601")]
    direction: Annotated[
        Literal["inbound", "outbound"], _is("สายเข้าหรือโทรออก", "inbound or outbound")
    ]
    number: Annotated[
        str | None,
        _is("หมายเลขผู้โทร ว่างถ้าปกปิด", "the caller's number; null where withheld"),
    ] = None
    name: Annotated[str | None, _is("ชื่อผู้โทรที่ทราบ", "the caller's name, if known")] = None
    dialled: Annotated[str, _is("หมายเลขที่ถูกเรียก", "the number that was dialled")]
    agent: Annotated[
        str | None,
        _is(
            "เบอร์ภายในของเจ้าหน้าที่ที่โทรศัพท์ดังหรือรับสาย",
            "extension of the officer whose telephone rings, or who answered",
        ),
    ] = None
    queue: Annotated[str | None, _is("คิว", "the queue")] = None
    service: Annotated[str | None, _is("บริการที่เลือก", "the service that was chosen")] = None
    outcome: Annotated[
        str | None, _is("ผลของสายเมื่อจบแล้ว", "how it came out, once it has ended")
    ] = None
    link: Annotated[str | None, _is("หน้าสายในระบบ 1203", "our page of the call")] = None


class AlertTold(_Data):
    """Something that those who oversee the hotline are alerted to; names no caller."""

    id: Annotated[str, _is("รหัสการแจ้งเตือน", "the alert: the same where it is over")]
    rule: Annotated[str, _is("รหัสกฎ", "the rule that raised it")]
    kind: Annotated[
        str,
        _is(
            "ชนิดของกฎ",
            "what the rule looks at: wait, waiting, step, service_level, nobody_ready, case_due, "
            "case_overdue, unwell or standstill",
        ),
    ]
    level: Annotated[
        Literal["notice", "warning", "critical"], _is("ความสำคัญ", "how much it matters")
    ]
    subject: Annotated[
        str,
        _is(
            "คิว ขั้นตอน เลขเรื่อง หรือระบบ (* คือทุกคิวรวมกัน)",
            "a queue, a step, a ticket or a system; * is all queues together",
        ),
    ]
    text_th: Annotated[str, _is("ข้อความภาษาไทย", "what it says in Thai")]
    text_en: Annotated[str, _is("ข้อความภาษาอังกฤษ", "what it says in English")]
    value: Annotated[float, _is("ค่าเมื่อแจ้งเตือน", "the value when it was raised")]
    threshold: Annotated[float, _is("ค่าที่กำหนด", "the threshold of the rule")]
    unit: Annotated[
        str,
        _is(
            "หน่วยของค่า",
            "seconds, callers, percent, working_days, minutes or none",
        ),
    ]
    raised_at: Annotated[str, _is("แจ้งเตือนเมื่อ (ISO 8601)", "when it was raised, ISO 8601")]
    cleared_at: Annotated[
        str | None, _is("สิ้นสุดเมื่อ (ISO 8601)", "when it was over, ISO 8601; null while it is not")
    ] = None
    test: Annotated[
        bool, _is("ทดสอบเท่านั้น", "somebody tries whether it arrives; it was never so")
    ] = False
    link: Annotated[str | None, _is("หน้าการแจ้งเตือนในระบบ 1203", "our page of alerts")] = None


class ContactLookup(_Data):
    """Who has this number? Answered with `{"contacts": […]}`."""

    number: Annotated[str, _is("หมายเลขแบบ E.164", "the number in E.164")]


class Ping(_Data):
    """Is somebody there, and does the signature fit? Nothing is to be done."""

    connector: Annotated[str, _is("ชื่อใน hotline.toml", "its name in hotline.toml")]


class StatusChanged(_Data):
    """The way back: a ticket's status as it is there now."""

    key: Annotated[
        str,
        Field(min_length=1, max_length=200),
        _is("รหัสอ้างอิงของเรา เช่น case:…", "our key of the ticket, such as case:…"),
    ]
    status: Annotated[
        str,
        Field(min_length=1, max_length=100),
        _is("สถานะ ในคำของผู้ส่งหรือของเรา", "the status, in the sender's word or in ours"),
    ]
    at: Annotated[
        str | None,
        Field(max_length=40),
        _is(
            "เปลี่ยนเมื่อ (ISO 8601) ถ้าไม่ระบุคือเวลาที่ลงลายมือชื่อ",
            "when it changed, ISO 8601; without it the signature's timestamp",
        ),
    ] = None
    by: Annotated[str, Field(max_length=200), _is("ผู้เปลี่ยน", "who changed it")] = ""
    id: Annotated[str | None, Field(max_length=200), _is("รหัสฝั่งผู้ส่ง", "the ticket's id there")] = (
        None
    )


class CloudEvent(BaseModel):
    """CloudEvents 1.0, structured: what every request holds."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    specversion: Literal["1.0"] = "1.0"
    id: Annotated[
        str,
        _is("รหัสเหตุการณ์ เหมือน webhook-id", "the event; `webhook-id` says the same"),
    ]
    source: Annotated[str, _is("ระบบที่ส่ง", "the desk that sends it")]
    type: Annotated[str, _is("ชนิดและรุ่นของเหตุการณ์", "which type and version")]
    subject: Annotated[str, _is("ระเบียนที่เกี่ยวข้อง", "the record it is about")]
    time: Annotated[str, _is("เวลา (RFC 3339, UTC)", "when, RFC 3339 in UTC")]
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: Annotated[str, _is("ที่อยู่ของ schema ของ data", "the schema of `data`")]
    data: Annotated[dict[str, Any], _is("เนื้อความตามชนิด", "what the type holds")]


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of event in one version."""

    name: str
    data: type[BaseModel]
    th: str
    en: str
    example: BaseModel
    version: int = 1
    incoming: bool = False
    """It comes from the other side."""

    @property
    def type(self) -> str:
        """Its name in the envelope: `th.go.moc.hotline1203.note.added.v1`."""
        return f"{PREFIX}.{self.name}.v{self.version}"

    @property
    def slug(self) -> str:
        """Its name in a page's address."""
        return f"{self.name}.v{self.version}".replace(".", "-")


_CALL: Final = "lab1-1795000000.42"
_AT: Final = "2026-11-18T11:06:40.000000Z"
_NUMBER: Final = "+66812345678"


def _call(**more: Any) -> CallHappens:
    return CallHappens(
        call_id=_CALL, key=f"call:{_CALL}", at=_AT, direction="inbound", number=_NUMBER,
        dialled="1203", agent="1001", queue="information", service="information",
        link=f"https://1203.example/calls/{_CALL}", **more,
    )  # fmt: skip


CONTACT_UPSERTED: Final = EventType(
    "contact.upserted", ContactUpserted, "ผู้ติดต่อใหม่หรือข้อมูลเปลี่ยน", "A caller is new or changed",
    ContactUpserted(
        key="person:81", numbers=[_NUMBER], fields={"name": "สมหมาย ใจดี", "province": "กระบี่"}
    ),
)  # fmt: skip
TICKET_UPSERTED: Final = EventType(
    "ticket.upserted", TicketUpserted, "สายที่จบแล้วหรือเรื่องร้องเรียน",
    "A call has ended, or a case changed",
    TicketUpserted(
        key=f"call:{_CALL}", contact="person:81", status=Status.CLOSED, native="closed",
        fields={"title": "สายเข้า 1203: สอบถามข้อมูล", "outcome": "served", "talk_seconds": 240},
    ),
)  # fmt: skip
NOTE_ADDED: Final = EventType(
    "note.added", NoteAdded, "บันทึกใหม่ในเรื่อง", "Something was written on a ticket",
    NoteAdded(
        key=f"wrapup:{_CALL}/1001/1", ticket=f"call:{_CALL}", text="สอบถามราคาน้ำมันพืช แจ้งแล้ว",
        at=_AT, by="สมหญิง แสงทอง",
    ),
)  # fmt: skip
STATUS_SET: Final = EventType(
    "status.set", StatusSet, "สถานะของเรื่องเปลี่ยน", "A ticket's status changed here",
    StatusSet(ticket="case:1203-2569-000123", status=Status.RESOLVED, native="resolved"),
)  # fmt: skip
RECORD_REMOVED: Final = EventType(
    "record.removed", RecordRemoved, "ลบสิ่งที่คำสั่งตรวจสอบสร้างไว้", "What a check had made is to go",
    RecordRemoved(kind=Kind.TICKET, id="check:7f3a"),
)  # fmt: skip
CALL_RINGING: Final = EventType(
    "call.ringing", CallHappens, "โทรศัพท์ของเจ้าหน้าที่ดัง", "An officer's telephone rings", _call()
)
CALL_ANSWERED: Final = EventType(
    "call.answered", CallHappens, "เจ้าหน้าที่รับสาย", "An officer answered", _call()
)
CALL_ENDED: Final = EventType(
    "call.ended", CallHappens, "สายจบ", "The call has ended", _call(outcome="served")
)
_ALERT: Final = AlertTold(
    id="8d0f6f0a4c0b4f8e9a51c7c1a6a1b2c3", rule="wait-standard", kind="wait", level="critical",
    subject="information", text_th="คิวข้อมูล: มีผู้โทรรอนานเกิน 5:00 นาที",
    text_en="A caller has waited over 5:00 min in the information queue", value=301.2,
    threshold=300.0, unit="seconds", raised_at=_AT, link="https://1203.example/alerts",
)  # fmt: skip
ALERT_RAISED: Final = EventType(
    "alert.raised", AlertTold, "มีการแจ้งเตือน", "An alert was raised", _ALERT
)
ALERT_CLEARED: Final = EventType(
    "alert.cleared", AlertTold, "การแจ้งเตือนสิ้นสุด", "An alert is over",
    _ALERT.model_copy(update={"cleared_at": "2026-11-18T11:09:05.000000Z"}),
)  # fmt: skip
CONTACT_LOOKUP: Final = EventType(
    "contact.lookup", ContactLookup, "ถามว่าใครใช้หมายเลขนี้", "Who has this number?",
    ContactLookup(number=_NUMBER),
)  # fmt: skip
PING: Final = EventType(
    "ping", Ping, "ตรวจว่าผู้รับพร้อม", "Is the receiver there?", Ping(connector="ministry")
)
STATUS_CHANGED: Final = EventType(
    "status.changed", StatusChanged, "สถานะของเรื่องเปลี่ยนที่ฝั่งผู้รับ", "A ticket's status changed there",
    StatusChanged(
        key="case:1203-2569-000123", status="closed", at=_AT, by="วันดี", id="123"
    ),
    incoming=True,
)  # fmt: skip

EVENTS: Final = (
    CALL_RINGING, CALL_ANSWERED, CALL_ENDED, CONTACT_UPSERTED, TICKET_UPSERTED, NOTE_ADDED,
    STATUS_SET, RECORD_REMOVED, ALERT_RAISED, ALERT_CLEARED, CONTACT_LOOKUP, PING, STATUS_CHANGED,
)  # fmt: skip
"""The registry: every type, in the order in which the page shows them."""

BY_TYPE: Final[Mapping[str, EventType]] = {event.type: event for event in EVENTS}
ENVELOPE: Final = "envelope"
"""What the registry calls the schema of the whole event."""


def schema_address(address: str, name: str) -> str:
    """Where the schema of a type is; a name of it where the desk's own address is not known."""
    return f"{address.rstrip('/')}{SCHEMAS}/{name}" if address else f"urn:hotline1203:schema:{name}"


def schema(event: EventType, address: str = "") -> dict[str, Any]:
    """The JSON Schema (2020-12) of a type's `data`."""
    mode: Literal["validation", "serialization"] = (
        "validation" if event.incoming else "serialization"
    )
    return {
        "$schema": DIALECT,
        "$id": schema_address(address, event.type),
        **event.data.model_json_schema(mode=mode),
        "title": event.en,
        "x-title-th": event.th,
    }


def envelope_schema(address: str = "") -> dict[str, Any]:
    """The JSON Schema of the whole event, whatever its type."""
    return {
        "$schema": DIALECT,
        "$id": schema_address(address, ENVELOPE),
        **CloudEvent.model_json_schema(mode="serialization"),
    }


def event_id(event: EventType, *parts: object) -> str:
    """The same parts make the same id; it has no full stop, at which signed content is cut."""
    text = json.dumps([event.type, *parts], ensure_ascii=True, sort_keys=True, default=str)
    return "evt_" + hashlib.sha256(text.encode()).hexdigest()[:40]


def envelope(
    event: EventType,
    data: BaseModel,
    *,
    id: str,
    subject: str,
    at: Micros,
    address: str,
    source: str,
) -> dict[str, Any]:
    """The event as it goes out."""
    whole = CloudEvent(
        id=id,
        source=source,
        type=event.type,
        subject=subject,
        time=iso(at),
        dataschema=schema_address(address, event.type),
        data=data.model_dump(mode="json"),
    )
    return whole.model_dump(mode="json")
