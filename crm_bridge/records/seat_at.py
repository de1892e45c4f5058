"""Where a person sat at a moment: accounts act on the desk, extensions stand in the figures."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.engine import Connection

from crm_bridge.records.desk_tables.agents import agent_sessions
from ivr.calls.call import Micros


def seat_at(connection: Connection, account_id: str | None, at: Micros) -> str:
    """The extension; empty where the person was not signed in."""
    if account_id is None:
        return ""
    table = agent_sessions.c
    query = (
        select(table.extension)
        .where(
            table.account_id == account_id,
            table.started_us <= at,
            or_(table.ended_us.is_(None), table.ended_us >= at),
        )
        .order_by(table.started_us.desc(), table.id)
        .limit(1)
    )
    return str(connection.scalar(query) or "")
