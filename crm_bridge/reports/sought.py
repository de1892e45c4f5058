"""Which calls may be behind a figure at all, as conditions of SQL: never too few, seldom many more.

What a form counts of a call is decided by `figures.tallies` alone; this only spares it the calls
that cannot be meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, or_, select

from crm_bridge.figures.forms import AGENT_STEPS, AGENTS, CALLS, QUEUES, STEPS, Form
from crm_bridge.records.tables import (
    agent_parts,
    calls,
    consultations,
    marks,
    queue_passages,
    step_timings,
    transfers,
)

_STATES: Final = {"within", "over", "open"}
_EVIDENCE: Final = {"observed", "declared", "inferred", "unknown"}
_PASSAGES: Final = {"answered", "abandoned", "timeout", "left", "transferred"}

Condition = ColumnElement[bool]


def sought(form: Form, counts: Iterable[str], only: Mapping[str, str]) -> list[Condition]:
    """Conditions on `calls`, each of which a call behind the figure meets."""
    names = set(counts)
    found: list[Condition] = []
    if form in (STEPS, AGENT_STEPS):
        within: list[Condition] = [
            step_timings.c[name] == only[name] for name in ("service", "step") if name in only
        ]
        if names <= _STATES:
            within.append(step_timings.c.state.in_(names))
        elif names <= _EVIDENCE:
            within.append(step_timings.c.evidence.in_(names))
        found.append(_has(step_timings, *within))
    elif form is QUEUES:
        outcomes = {name.removesuffix("_after") for name in names}
        within = [queue_passages.c.outcome.in_(outcomes)] if outcomes <= _PASSAGES else []
        if "queue" in only:
            within.append(queue_passages.c.queue == only["queue"])
        found.append(_has(queue_passages, *within))
    elif form is CALLS:
        for name, value in only.items():
            column = calls.c[name]
            found.append(column == value if value else or_(column.is_(None), column == ""))
        if names == {"withheld"}:
            found.append(calls.c.withheld)
    elif form is AGENTS:
        found.append(_with(only["agent"]) if "agent" in only else _has(agent_parts))
    if form is not QUEUES and only.get("queue"):
        found.append(_has(queue_passages, queue_passages.c.queue == only["queue"]))
    if form is AGENT_STEPS:
        found += _whose(only)
    return found


def _whose(only: Mapping[str, str]) -> list[Condition]:
    found = []
    if agent := only.get("agent"):
        found.append(
            or_(
                _with(agent),
                _has(transfers, transfers.c.by_agent == agent),
                _has(consultations, consultations.c.by_agent == agent),
                _has(marks, marks.c.by_whom == agent),
            )
        )
    if agency := only.get("agency"):
        found.append(
            or_(
                _has(transfers, transfers.c.agency == agency),
                _has(consultations, consultations.c.agency == agency),
            )
        )
    return found


def _with(agent: str) -> Condition:
    # an expression, so that the parts of a call are looked through and not all parts of the officer
    return _has(agent_parts, agent_parts.c.agent.concat("") == agent)


def _has(table: Table, *conditions: Any) -> Condition:
    return select(table.c.call_id).where(table.c.call_id == calls.c.call_id, *conditions).exists()
