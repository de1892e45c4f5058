"""The lists of the idle page, as its template wants them."""

from __future__ import annotations

from typing import Any

from crm_bridge.access.account import Account
from crm_bridge.desk.tasks import tasks
from crm_bridge.web.context import Context


async def tasks_of(held: Context, me: Account) -> dict[str, Any]:
    """What waits for this account, and the extension where it sits."""
    sitting = held.agents.of_account(me.id) if held.agents is not None else None
    agent = sitting.extension if sitting is not None else None
    async with held.database.reading() as connection:
        found = await tasks(connection, held.clock, me, agent)
    return {"tasks": found, "agent": agent}
