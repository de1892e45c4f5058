"""The way back of a webhook: the other system tells that a ticket's status changed there.

`key` names the ticket and `at` the moment, so that the same message again, or one that comes late,
changes nothing: what is known of the ticket is as old as the newest moment that was told.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field, ValidationError

from crm_bridge.clock import micros
from crm_bridge.connectors.port import StatusChange
from crm_bridge.connectors.webhook import events
from crm_bridge.delivery import links, returns
from crm_bridge.errors import Refused
from crm_bridge.web.context import context
from crm_bridge.web.hooks.doors import MOST_BYTES, doors
from crm_bridge.web.policy import OPEN
from crm_bridge.web.signin import cookies

router = APIRouter(prefix="/api/v1/hooks", tags=["hooks"])

_SECOND: Final = 1_000_000
_AHEAD: Final = 300 * _SECOND
"""How far a moment may lie ahead of our clock."""


class Taken(BaseModel):
    """What became of a status change."""

    changed: bool = Field(description="false: this was known already")


@router.post(
    "/{connector}/status",
    summary="A ticket's status changed there",
    dependencies=[OPEN],
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "signed as events are: webhook-id, webhook-timestamp, webhook-signature",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                events.MEDIA_TYPE: {"schema": {"type": "object"}},
            },
        }
    },
)
async def status(request: Request, connector: Annotated[str, Path(max_length=64)]) -> Taken:
    """Shown on the case. The same again, or one that is older, changes nothing and is no error."""
    held = context(request)
    body = await _body(request)
    door = doors(request).enter(
        connector, request.headers, body, held.clock, cookies.address(request)
    )
    change = _change(body)
    now = held.clock.now_us()
    at = _moment(change, int(request.headers["webhook-timestamp"]) * _SECOND, now)
    async with held.database.writing() as connection:
        link = await links.find(connection, connector, change.key)
        if link is None:
            th, en = "ไม่พบเรื่องที่มีรหัสนี้", "nothing of ours with this key is known there"
            raise Refused("no-record", th, en, 404)
        changed = await returns.returned(
            connection,
            held.clock,
            connector,
            StatusChange(
                id=change.id or link.id,
                key=change.key,
                native=change.status,
                status=door.mapping.status(change.status),
                at=at,
                by=change.by,
            ),
        )
    if changed:
        returns.publish(held.hub, change.key)
    return Taken(changed=changed)


async def _body(request: Request) -> bytes:
    """The body as it was signed; Refused (413) where it is too long."""
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > MOST_BYTES:
            raise Refused("too-large", "ข้อมูลใหญ่เกินกำหนด", "the request is too large", 413)
    return bytes(raw)


def _change(body: bytes) -> events.StatusChanged:
    """What it says: a CloudEvent, or its data alone; Refused (422)."""
    wanted = events.STATUS_CHANGED
    th, en = "ข้อความไม่ตรงรูปแบบ", "the message has not the form of a status change"
    try:
        given: Any = json.loads(body)
        if isinstance(given, dict) and "specversion" in given:
            if given.get("specversion") != "1.0" or given.get("type") != wanted.type:
                raise Refused(
                    "another-type", "ที่นี่รับเฉพาะ " + wanted.type, "only " + wanted.type, 422
                )
            data = given.get("data")
            given = (
                {"key": given.get("subject"), "at": given.get("time"), **data}
                if (isinstance(data, dict))
                else None
            )
        return events.StatusChanged.model_validate(given)
    except ValidationError as error:
        fields = {
            str(fault["loc"][0]): (th, fault["msg"]) for fault in error.errors() if fault["loc"]
        }
        raise Refused("not-a-status", th, en, 422, fields) from error
    except (ValueError, RecursionError):
        raise Refused("not-json", "ข้อความไม่ใช่ JSON", "the message is not JSON", 422) from None


def _moment(change: events.StatusChanged, signed: int, now: int) -> int:
    """When it changed (µs), never ahead of our clock; Refused (422) for what is no moment."""
    if change.at is None:
        return min(signed, now)
    th, en = "เวลาไม่ถูกต้อง", "is no moment in ISO 8601, or lies ahead"
    try:
        at = micros(change.at)
    except (ValueError, OverflowError):
        raise Refused("not-a-moment", th, en, 422, {"at": (th, en)}) from None
    if at > now + _AHEAD or at < 0:
        raise Refused("not-a-moment", th, en, 422, {"at": (th, en)})
    return min(at, now)
