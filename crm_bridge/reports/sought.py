"""Which calls may be behind a figure at all, as conditions of SQL: never too few, seldom many more.

What a form counts of a call is decided by `figures.tallies` alone; this only spares it the calls
that cannot be meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Table, or_, select

from crm_bridge.figures.forms import (
    AGENCY_STEPS,
    AGENT_STEPS,
    AGENTS,
    CALLBACKS,
    CALLS,
    HOURS,
    MANY,
    MENUS,
    QUEUES,
    REPEATS,
    STEPS,
    SURVEYS,
    TRANSFERS,
    WAITS_TOLD,
)
from crm_bridge.records.callback_figures import LOST
from crm_bridge.records.figure_tables import figures_callers
from crm_bridge.records.tables import (
    agent_parts,
    calls,
    consultations,
    marks,
    queue_passages,
    step_timings,
    transfers,
)
from crm_bridge.reports.figure import Figure
from crm_bridge.reports.period import Period
from ivr.calls.call import INBOUND

_STATES: Final = {"within", "over", "open"}
_EVIDENCE: Final = {"observed", "declared", "inferred", "unknown"}
_PASSAGES: Final = {"answered", "abandoned", "timeout", "left", "transferred"}

Condition = ColumnElement[bool]


def sought(figure: Figure) -> list[Condition]:
    """Conditions on `calls`, each of which a call behind the figure meets."""
    form, names, only = figure.form, set(figure.counts), figure.only
    found: list[Condition] = []
    if form in (STEPS, AGENT_STEPS, AGENCY_STEPS) or (form is HOURS and only.get("step")):
        found.append(_timed(names, only))
    elif form is QUEUES or (form is HOURS and "step" in only):
        found.append(_queued(names, only))
    elif form in (CALLS, MENUS):
        found += [named(calls.c[name], only[name]) for name in _OF_CALL if name in only]
        if names == {"withheld"}:
            found.append(calls.c.withheld)
    elif form is AGENTS:
        found.append(_with(only["agent"]) if "agent" in only else _has(agent_parts))
    elif form is TRANSFERS:
        found.append(_handed(only))
    elif form is CALLBACKS:
        found += _lost(only)
    elif form is REPEATS:
        found += [calls.c.direction == INBOUND, _repeated(figure.period, only)]
    elif form is SURVEYS:
        found.append(_has(marks, marks.c.name == "survey_begin"))
        if only.get("agent"):
            found.append(_with(only["agent"]))
    elif form is WAITS_TOLD:
        told = [marks.c.value == only["told"]] if "told" in only else []
        found.append(_has(marks, marks.c.name == "wait", *told))
    if form is not QUEUES and only.get("queue"):
        found.append(_has(queue_passages, queue_passages.c.queue == only["queue"]))
    if form is AGENT_STEPS and (agent := only.get("agent")):
        whose = (transfers.c.by_agent, consultations.c.by_agent, marks.c.by_whom)
        found.append(or_(_with(agent), *(_has(c.table, c == agent) for c in whose)))
    if form is AGENCY_STEPS and (agency := only.get("agency")):
        found.append(or_(*(_has(t, t.c.agency == agency) for t in (transfers, consultations))))
    return found


_OF_CALL: Final = ("direction", "service", "language", "outcome")


def _timed(names: set[str], only: Mapping[str, str]) -> Condition:
    within: list[Condition] = [
        step_timings.c[name] == only[name] for name in ("service", "step") if name in only
    ]
    if names <= _STATES:
        within.append(step_timings.c.state.in_(names))
    elif names <= _EVIDENCE:
        within.append(step_timings.c.evidence.in_(names))
    return _has(step_timings, *within)


def _queued(names: set[str], only: Mapping[str, str]) -> Condition:
    outcomes = {name.removesuffix("_after") for name in names}
    within: list[Condition] = []
    if outcomes <= _PASSAGES:
        within.append(queue_passages.c.outcome.in_(outcomes))
    if "queue" in only:
        within.append(queue_passages.c.queue == only["queue"])
    return _has(queue_passages, *within)


def _handed(only: Mapping[str, str]) -> Condition:
    asked = consultations if only.get("kind") == "consult" else transfers
    names = ("agency", "outcome") if asked is consultations else ("kind", "agency", "outcome")
    condition = _has(asked, *(named(asked.c[name], only[name]) for name in names if name in only))
    if "kind" in only:
        return condition
    names = ("agency", "outcome")
    others = [named(consultations.c[name], only[name]) for name in names if name in only]
    return or_(condition, _has(consultations, *others))


def _lost(only: Mapping[str, str]) -> list[Condition]:
    if "state" not in only:
        return [LOST]
    nobody = only["state"] == "no_number"
    return [LOST, calls.c.caller_e164.is_(None) if nobody else calls.c.caller_e164.is_not(None)]


def _repeated(period: Period, only: Mapping[str, str]) -> Condition:
    table = figures_callers.c
    within = [table.month_us >= period.since, table.month_us < period.until]
    many = only.get("times", "")
    if many.isascii() and many.isdecimal():
        within.append(table.calls == int(many))
    elif many == f"{MANY}+":
        within.append(table.calls >= MANY)
    return calls.c.caller_e164.in_(select(table.e164).where(*within))


def named(column: Any, value: str) -> Condition:
    """That a column holds this name; the empty one is none."""
    return cast("Condition", column == value if value else or_(column.is_(None), column == ""))


def _with(agent: str) -> Condition:
    # an expression, so that the parts of a call are looked through and not all parts of the officer
    return _has(agent_parts, agent_parts.c.agent.concat("") == agent)


def _has(table: Table, *conditions: Any) -> Condition:
    return select(table.c.call_id).where(table.c.call_id == calls.c.call_id, *conditions).exists()
