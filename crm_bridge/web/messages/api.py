"""What went out and what did not: read it, send it again."""

from __future__ import annotations

from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.clock import iso
from crm_bridge.outgoing import messages
from crm_bridge.outgoing.messages import Message, parts
from crm_bridge.web import paging
from crm_bridge.web.context import context
from crm_bridge.web.policy import who

_log = structlog.get_logger(__name__)

router = APIRouter(prefix="/api/v1/messages", tags=["messages"])

Overseer = Annotated[Account, who(Role.ADMINISTRATOR, Role.SUPERVISOR)]
States = Literal["waiting", "sent", "dead", "withdrawn"]


class MessageOut(BaseModel):
    """A message that went out, waits, or could not go."""

    id: str
    kind: Literal["sms", "email"]
    to: str
    subject: str | None
    text: str
    parts: int | None
    about_kind: str
    about_id: str
    state: States
    created_at: str
    due_at: str
    attempts: int
    last_error: str | None
    sent_at: str | None
    gateway: str | None
    reference: str | None


def message_out(one: Message) -> MessageOut:
    """A message as the API gives it."""
    return MessageOut.model_validate(
        {
            "id": one.id,
            "kind": one.kind,
            "to": one.to,
            "subject": one.subject,
            "text": one.text,
            "parts": parts(one.text) if one.kind == "sms" else None,
            "about_kind": one.about[0],
            "about_id": one.about[1],
            "state": one.state,
            "created_at": iso(one.created),
            "due_at": iso(one.due),
            "attempts": one.attempts,
            "last_error": one.last_error,
            "sent_at": None if one.sent is None else iso(one.sent),
            "gateway": one.gateway,
            "reference": one.reference,
        }
    )


@router.get("", summary="Messages, newest first")
async def list_messages(
    request: Request,
    me: Overseer,
    state: Annotated[list[States] | None, Query()] = None,
    cursor: paging.Cursor = None,
    limit: paging.Limit = 50,
) -> paging.Page[MessageOut]:
    """Text messages and e-mails of every case."""
    key = paging.decode(cursor, int)
    async with context(request).database.reading() as connection:
        found = await messages.listed(
            connection, states=state or (), before=key[0] if key else None, limit=limit + 1
        )
    shown = found[:limit]
    more = len(found) > limit
    return paging.Page(
        items=[message_out(one) for one in shown],
        next=paging.encode([shown[-1].seq]) if more else None,
    )


@router.post("/{message_id}/again", summary="Send one again that could not go")
async def send_again(
    request: Request,
    me: Overseer,
    message_id: Annotated[str, Path(max_length=64, pattern=r"^[\x21-\x7e]+$")],
) -> MessageOut:
    """409 where it has gone, is on its way, or is no longer so."""
    held = context(request)
    async with held.database.writing() as connection:
        one = await messages.again(connection, held.clock, message_id)
    _log.info("a message is sent again", message=one.id, by=me.id)
    return message_out(one)
