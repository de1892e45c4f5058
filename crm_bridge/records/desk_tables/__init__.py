"""The desk's tables: accounts, agents, people, cases and their like; on the one metadata."""

from crm_bridge.records.desk_tables import (
    accounts,
    agents,
    alerts,
    announcements,
    appointments,
    audit,
    books,
    caller_rules,
    cases,
    connectors,
    messages,
    people,
    planning,
    recordings,
    reports,
    supervision,
    wall_screens,
    wrapups,
)

__all__ = [
    "accounts", "agents", "alerts", "announcements", "appointments", "audit", "books",
    "caller_rules",
    "cases", "connectors", "messages", "people", "planning", "recordings", "reports", "supervision",
    "wall_screens", "wrapups",
]  # fmt: skip
