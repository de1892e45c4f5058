"""The agent's one page, what waits for the agent, and the calls in progress."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.desk import sittings
from crm_bridge.web.agent.screen import STAGE_WORDS
from crm_bridge.web.agent.tasks import tasks_of
from crm_bridge.web.context import context
from crm_bridge.web.pages import render
from crm_bridge.web.policy import who

router = APIRouter()

_ON_THE_LINE = (Role.AGENT, Role.SUPERVISOR)


@router.get("/desk", include_in_schema=False)
async def desk(request: Request, me: Annotated[Account, who(*_ON_THE_LINE)]) -> HTMLResponse:
    """The agent's page; what stands on it comes by the stream."""
    held = context(request)
    async with held.database.reading() as connection:
        reasons = await sittings.reasons(connection)
    return render(
        request,
        "agent/desk.html",
        reasons=reasons,
        now=held.clock.now_us() // 1000,
        url_pop=bool(held.config.desk.url_pop),
    )


@router.get("/desk/tasks", include_in_schema=False)
async def tasks(request: Request, me: Annotated[Account, who(*_ON_THE_LINE)]) -> HTMLResponse:
    """What waits for the agent while no call does; a part of the page."""
    held = context(request)
    return render(request, "agent/tasks.html", **await tasks_of(held, me))


@router.get("/desk/live", include_in_schema=False)
async def live(
    request: Request, me: Annotated[Account, who(Role.SUPERVISOR, Role.ADMINISTRATOR)]
) -> HTMLResponse:
    """Every call in progress: who, where, which step, how long."""
    held = context(request)
    return render(
        request, "agent/live.html", calls=held.board.live(), now=held.clock.now_us() // 1000,
        stages=STAGE_WORDS,
    )  # fmt: skip
