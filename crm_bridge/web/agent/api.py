"""The stream of an agent's desk."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.web.agent.stream import DeskStream
from crm_bridge.web.context import context
from crm_bridge.web.pages import language_of
from crm_bridge.web.policy import COOKIE, who
from crm_bridge.web.streamed import EVENTS, Streamed

router = APIRouter(prefix="/api/v1/desk", tags=["desk"])


@router.get(
    "/stream",
    summary="What happens on my desk, as server-sent events",
    response_class=Response,
    responses=EVENTS,
)
async def stream(
    request: Request,
    me: Annotated[Account, who(Role.AGENT, Role.SUPERVISOR)],
    last: Annotated[str | None, Query(max_length=80, description="the last id seen")] = None,
    last_event_id: Annotated[str | None, Header(max_length=80)] = None,
) -> Response:
    """`state` first, or what was missed since the last id; then `call`, `seat`, `tasks`, `now`."""
    session = request.state.session
    made = DeskStream(
        context(request),
        me,
        language_of(request),
        session_id=session.id if session is not None else None,
        cookie=request.cookies.get(COOKIE) if session is not None else None,
        last_id=last_event_id or last,
    )
    return Streamed(made)
