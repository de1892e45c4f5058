"""Who may do what with a case over the API, and how one act is carried out and answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases.case import Case
from crm_bridge.web import etags
from crm_bridge.web.cases import view
from crm_bridge.web.cases.schemas import CaseOut
from crm_bridge.web.context import context
from crm_bridge.web.pages import language_of

AGENTS: Final = (Role.AGENT, Role.SUPERVISOR)
CENTRE: Final = (Role.AGENT, Role.SUPERVISOR, Role.DIRECTOR)
LEADS: Final = (Role.SUPERVISOR, Role.DIRECTOR)
DIRECTOR: Final = (Role.DIRECTOR,)
AGENCIES: Final = (Role.AGENCY_OFFICER, Role.PROVINCIAL_OFFICER)

Run = Callable[[AsyncConnection, int | None], Awaitable[Case]]


async def perform(
    request: Request, response: Response, me: Account, run: Run, *, guarded: bool = True
) -> CaseOut:
    """One act in one transaction, based on the version that If-Match names (428 without).

    What changes neither state nor assignments is not `guarded`: If-Match is honoured where it is
    sent.
    """
    held = context(request)
    based_on = etags.seen(request) if guarded or "if-match" in request.headers else None
    async with held.database.writing() as connection:
        case = await run(connection, based_on)
        found = await view.gather(connection, held, me, case)
    held.hub.publish(
        "cases", "case", {"ticket": case.ticket, "state": case.state.value}, key=case.ticket
    )
    etags.give(response, case.version)
    return view.whole(held, found, language_of(request))
