"""Messages that go out: text messages and e-mails, each a durable row until it has gone.

    waiting ─► sent        a gateway took it
       │  ▲──► dead        refused for good, tried too often, or too late
       │  └─── again       a person sends a dead or withdrawn one again
       └─────► withdrawn   what it tells is no longer so

The row is written in the transaction of the act it tells of; `delivery.py` sends it afterwards.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.plain_text import plain_text
from crm_bridge.records import audit
from crm_bridge.records.desk_tables.messages import messages
from ivr.calls.call import Micros

Kind = Literal["sms", "email"]

MOST_PARTS: Final = 10
"""Parts of a text message that carriers put together again without fail."""

_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?"
)
_GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_DOUBLE: Final = frozenset("^{}\\[~]|€")
_LONGEST: Final = {"subject": 200, "body": 20_000, "calendar": 200_000}


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it stands; times in microseconds since the epoch, UTC."""

    id: str
    seq: int
    kind: Kind
    to: str
    subject: str | None
    text: str
    calendar: bytes | None
    about: tuple[str, str]
    """What it tells of: the kind and the id of a case, an appointment, a person."""
    dedupe: str
    state: str
    created: Micros
    due: Micros
    next_try: Micros
    expires: Micros | None
    attempts: int
    attempted: Micros | None
    last_error: str | None
    sent: Micros | None
    gateway: str | None
    reference: str | None
    version: int


def message(row: Row[Any]) -> Message:
    """The message that a row of the table holds."""
    return Message(
        id=row.id,
        seq=row.seq,
        kind=row.kind,
        to=row.recipient,
        subject=row.subject,
        text=row.body,
        calendar=row.calendar,
        about=(row.about_kind, row.about_id),
        dedupe=row.dedupe,
        state=row.state,
        created=row.created_us,
        due=row.due_us,
        next_try=row.next_us,
        expires=row.expires_us,
        attempts=row.attempts,
        attempted=row.attempted_us,
        last_error=row.last_error,
        sent=row.sent_us,
        gateway=row.gateway,
        reference=row.reference,
        version=row.version,
    )


def parts(text: str) -> int:
    """How many parts a text message of this text has: Thai 70 characters, then 67 a part.

    A text of GSM 03.38 letters alone has 160, then 153. Source: 3GPP TS 23.038, 23.040.
    """
    if all(c in _GSM or c in _GSM_DOUBLE for c in text):
        length, one, each = len(text) + sum(c in _GSM_DOUBLE for c in text), 160, 153
    else:
        length, one, each = len(text.encode("utf-16-le", "replace")) // 2, 70, 67
    return 1 if length <= one else -(-length // each)


def check_number(number: str, field: str = "phone") -> str:
    """The number a text message can go to, in E.164 with its plus; `Refused` if it is none."""
    if not _NUMBER.fullmatch(number):
        what = ("หมายเลขโทรศัพท์ไม่ถูกต้อง", "This is not a telephone number")
        raise Refused("bad-number", *what, 422, {field: what})
    return number


def check_address(address: str, field: str = "email") -> str:
    """The e-mail address; `Refused` if it is none (a line break in it is an attack)."""
    if len(address) > 254 or not _ADDRESS.fullmatch(address):
        what = ("ที่อยู่อีเมลไม่ถูกต้อง", "This is not an e-mail address")
        raise Refused("bad-address", *what, 422, {field: what})
    return address


async def enqueue(
    connection: AsyncConnection,
    clock: Clock,
    *,
    kind: Kind,
    to: str,
    text: str,
    subject: str | None = None,
    calendar: bytes | None = None,
    about: tuple[str, str],
    dedupe: str,
    due: Micros | None = None,
    expires: Micros | None = None,
) -> str:
    """Writes a message that is to go and returns its id; the same `dedupe` twice is one message.

    `due`: not before; `expires`: not after. `Refused` where it could never go: the number or
    address is none, the subject has a line break, the text is empty or too long.
    """
    to = check_number(to, "to") if kind == "sms" else check_address(to, "to")
    body = plain_text(text)
    _check(kind, body, subject, calendar)
    known = await connection.scalar(select(messages.c.id).where(messages.c.dedupe == dedupe))
    if known is not None:
        return str(known)
    now = clock.now_us()
    due = now if due is None else max(due, now)
    last = await connection.scalar(select(func.max(messages.c.seq)))
    new = uuid.uuid4().hex
    await connection.execute(
        insert(messages).values(
            id=new,
            seq=(last or 0) + 1,
            kind=kind,
            recipient=to,
            subject=subject,
            body=body,
            calendar=calendar,
            about_kind=about[0],
            about_id=about[1],
            dedupe=dedupe,
            state="waiting",
            created_us=now,
            due_us=due,
            next_us=due,
            expires_us=expires,
            attempts=0,
            version=1,
        )
    )
    return new


def _check(kind: str, body: str, subject: str | None, calendar: bytes | None) -> None:
    def refuse(code: str, field: str, th: str, en: str) -> Refused:
        return Refused(code, th, en, 422, {field: (th, en)})

    if not body:
        raise refuse("empty-message", "text", "ข้อความว่างเปล่า", "The message is empty")
    if kind == "sms" and (count := parts(body)) > MOST_PARTS:
        raise refuse(
            "message-too-long",
            "text",
            f"ข้อความยาวเกินไป: {count} ส่วน ส่งได้ไม่เกิน {MOST_PARTS} ส่วน",
            f"The text message is too long: {count} parts, at most {MOST_PARTS} can be sent",
        )
    if len(body) > _LONGEST["body"]:
        raise refuse("message-too-long", "text", "ข้อความยาวเกินไป", "The message is too long")
    if kind == "sms" and (subject is not None or calendar is not None):
        raise ValueError("a text message has neither a subject nor an attachment")
    if kind == "email" and not (subject or "").strip():
        raise refuse("no-subject", "subject", "อีเมลไม่มีหัวเรื่อง", "The e-mail has no subject")
    if subject is not None and any(ord(c) < 32 or c in "\x7f\x85\u2028\u2029" for c in subject):
        raise refuse(
            "bad-subject",
            "subject",
            "หัวเรื่องมีอักขระควบคุมหรือขึ้นบรรทัดใหม่",
            "The subject has a line break or another control character",
        )
    if len(subject or "") > _LONGEST["subject"]:
        raise refuse("bad-subject", "subject", "หัวเรื่องยาวเกินไป", "The subject is too long")
    if len(calendar or b"") > _LONGEST["calendar"]:
        raise ValueError("no invitation is that long")


async def withdraw(
    connection: AsyncConnection, about: tuple[str, str], *, dedupe_starts: str = ""
) -> int:
    """Takes back what still waits to go about this; returns how many.

    `dedupe_starts`: only those whose dedupe begins so. One that is under way this moment may go.
    """
    done = await connection.execute(
        update(messages)
        .where(
            messages.c.about_kind == about[0],
            messages.c.about_id == about[1],
            messages.c.state == "waiting",
            messages.c.dedupe.startswith(dedupe_starts, autoescape=True),
        )
        .values(state="withdrawn", version=messages.c.version + 1)
    )
    return done.rowcount


async def again(connection: AsyncConnection, clock: Clock, message_id: str) -> Message:
    """Sends a message again that did not go; `Refused` if it went, may go, or is no longer so."""
    found = await get(connection, message_id)
    if found.state != "dead":
        th, en = {
            "sent": ("ข้อความนี้ส่งไปแล้ว", "This message has been sent"),
            "waiting": ("ข้อความนี้กำลังรอส่งอยู่แล้ว", "This message is waiting to be sent"),
            "withdrawn": (
                "ข้อความนี้ถูกถอนแล้ว เพราะเนื้อหาไม่เป็นปัจจุบัน",
                "This message was withdrawn: what it tells is no longer so",
            ),
        }[found.state]
        raise Refused(f"message-{found.state}", th, en)
    now = clock.now_us()
    await connection.execute(
        update(messages)
        .where(messages.c.id == message_id)
        .values(
            state="waiting",
            attempts=0,
            due_us=now,
            next_us=now,
            expires_us=None,
            version=messages.c.version + 1,
        )
    )
    return await get(connection, message_id)


async def get(connection: AsyncConnection, message_id: str) -> Message:
    """The message; `Refused` (404) where there is none."""
    row = (await connection.execute(select(messages).where(messages.c.id == message_id))).first()
    if row is None:
        raise Refused("no-such-message", "ไม่พบข้อความนี้", "There is no such message", 404)
    return message(row)


async def about(connection: AsyncConnection, kind: str, about_id: str) -> list[Message]:
    """Every message about one case, appointment or person, oldest first."""
    rows = await connection.execute(
        select(messages)
        .where(messages.c.about_kind == kind, messages.c.about_id == about_id)
        .order_by(messages.c.seq)
    )
    return [message(row) for row in rows]


async def listed(
    connection: AsyncConnection,
    *,
    states: Sequence[str] = (),
    before: int | None = None,
    limit: int = 50,
) -> list[Message]:
    """Messages newest first, of these states (none: all), written before `seq`."""
    query = select(messages).order_by(messages.c.seq.desc()).limit(limit)
    if states:
        query = query.where(messages.c.state.in_(states))
    if before is not None:
        query = query.where(messages.c.seq < before)
    found = [message(row) for row in await connection.execute(query)]
    audit.shows(*(f"message:{one.id}" for one in found))
    return found


async def counts(connection: AsyncConnection) -> dict[str, int]:
    """How many messages there are of each state."""
    rows = await connection.execute(
        select(messages.c.state, func.count().label("many")).group_by(messages.c.state)
    )
    return {row.state: row.many for row in rows}


async def open_counts(connection: AsyncConnection) -> dict[str, int]:
    """How many messages wait, and how many are dead; cheap however many were sent."""
    states = ["waiting", "dead"]
    rows = await connection.execute(
        select(messages.c.state, func.count().label("many"))
        .where(messages.c.state.in_(states))
        .group_by(messages.c.state)
    )
    return {**dict.fromkeys(states, 0), **{row.state: row.many for row in rows}}
