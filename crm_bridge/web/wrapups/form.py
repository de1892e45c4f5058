"""The form of a call's record: what it holds when it is shown, draft over saved over empty."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.cases import subjects
from crm_bridge.cases.subjects import SERVICES
from crm_bridge.desk import drafts, wrapups
from crm_bridge.desk.wrapup import LONGEST_FOLLOW_UP, LONGEST_SUMMARY, OUTCOMES
from crm_bridge.records.tables import calls, marks

_FIELDS: Final = (
    "service", "subject_id", "outcome", "summary", "follow_up", "follow_up_on",
    "follow_up_done", "informed", "asked_agency",
)  # fmt: skip


async def form_values(
    connection: AsyncConnection, me: Account, call_id: str, agent: str
) -> dict[str, Any]:
    """What `wrapups/form.html` is given: `entry` field by field, choices, version, draft."""
    saved = await wrapups.find(connection, call_id, agent)
    draft = await drafts.read(connection, me.id, f"wrapup:{call_id}")
    row = (
        await connection.execute(select(calls.c.service).where(calls.c.call_id == call_id))
    ).one_or_none()
    acts = set(
        (
            await connection.execute(
                select(marks.c.name).where(marks.c.call_id == call_id, marks.c.by_whom == agent)
            )
        ).scalars()
    )
    entry: dict[str, Any] = {
        "service": row.service if row is not None and row.service in SERVICES else "information",
        "subject_id": "", "outcome": "", "summary": "", "follow_up": "", "follow_up_on": "",
        "follow_up_done": False, "informed": "informed" in acts,
        "asked_agency": "enquire_begin" in acts,
    }  # fmt: skip
    if saved is not None:
        entry |= {name: getattr(saved.entry, name) or entry[name] for name in _FIELDS[:6]}
        entry |= {name: getattr(saved.entry, name) for name in _FIELDS[6:]}
    if draft is not None:
        entry |= {
            name: value
            for name, value in draft.body.items()
            if name in entry and type(value) is type(entry[name])
        }
    chosen = entry["subject_id"]
    catalogue = await subjects.catalogue(connection)
    listed = {s.id for h in catalogue for s in (h.subject, *h.below)}
    named = await subjects.names(connection, [chosen] if chosen and chosen not in listed else [])
    return {
        "call_id": call_id,
        "agent": agent,
        "entry": entry,
        "saved": saved,
        "draft": draft,
        "catalogue": catalogue,
        "out_of_use": named.get(chosen),
        "services": SERVICES,
        "outcomes": OUTCOMES,
        "longest_summary": LONGEST_SUMMARY,
        "longest_follow_up": LONGEST_FOLLOW_UP,
    }
