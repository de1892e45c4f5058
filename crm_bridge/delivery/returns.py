"""Statuses that changed in another CRM, as they come back: kept with the link, the newest holds.

A change is known by its moment: what is not newer than what is known, the same message again or
one that was overtaken, changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.connectors.port import StatusChange
from crm_bridge.delivery import links


async def returned(
    connection: AsyncConnection, clock: Clock, connector: str, change: StatusChange
) -> bool:
    """Keeps what is newer; whether the ticket stands elsewhere than was known.

    Give a connection of `writing`. Of a key that has no record there nothing is kept.
    """
    link = await links.find(connection, connector, change.key)
    if link is None or (link.status_us is not None and change.at <= link.status_us):
        return False
    now = replace(
        link, native=change.native, status=change.status, status_us=change.at,
        updated_us=clock.now_us(),
    )  # fmt: skip
    await links.save(connection, [now])
    return (link.native, link.status) != (now.native, now.status)
