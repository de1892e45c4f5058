"""What a case adds to the figures: itself by the day it was recorded, and its timed steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, select
from sqlalchemy.engine import Connection

from crm_bridge.cases.case import OUT_OF_IT
from crm_bridge.cases.case_steps import SERVICE
from crm_bridge.cases.workflow import Assignment, State
from crm_bridge.cases.working_days import Calendar, SpecialDay
from crm_bridge.figures.counting import add_timing
from crm_bridge.figures.forms import CASES
from crm_bridge.figures.levels import DAY, day_of
from crm_bridge.figures.tallies import Tallies
from crm_bridge.records.desk_tables.cases import (
    calendar_days,
    calendar_versions,
    case_assignments,
    case_events,
    case_steps,
    cases,
)
from crm_bridge.records.seat_at import seat_at
from ivr.calls.call import Evidence, Micros
from ivr.steps.verdict import verdict

_DONE: Final = (State.SETTLED.value, State.CLOSED.value)
_ENDS: Final = {"record": "record", "tell_ticket": "tell", "propose": "propose"}
"""Step → the act that ends it, by whose officer it was."""


class _Cases:
    kind = "case"

    def after(self, connection: Connection, last: str, page: int) -> Sequence[str]:
        """The next cases."""
        query = select(cases.c.id).where(cases.c.id > last).order_by(cases.c.id).limit(page)
        return [str(one) for one in connection.execute(query).scalars()]

    def count(self, connection: Connection, ids: Sequence[str]) -> Mapping[str, Tallies]:
        """The cases as they stand."""
        steps = _by_case(connection, case_steps, ids, "started_us", "round")
        assigned = _by_case(connection, case_assignments, ids, "assigned_us", "agency")
        calendars: dict[int, Calendar | None] = {}
        found: dict[str, Tallies] = {}
        for case in connection.execute(select(cases).where(cases.c.id.in_(list(ids)))).all():
            for step in steps.get(case.id, ()):
                version = step.calendar_version
                if version is not None and version not in calendars:
                    calendars[version] = _calendar(connection, version)
            found[case.id] = _count(
                connection, case, steps.get(case.id, []), assigned.get(case.id, []), calendars
            )
        return found


CASE_FIGURES: Final = _Cases()


def _by_case(
    connection: Connection, table: Any, ids: Sequence[str], *order: str
) -> dict[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = {}
    query = select(table).where(table.c.case_id.in_(list(ids)))
    for row in connection.execute(query.order_by(*(table.c[name] for name in order))).all():
        found.setdefault(row.case_id, []).append(row)
    return found


def _count(
    connection: Connection, case: Row[Any], steps: Sequence[Row[Any]],
    assigned: Sequence[Row[Any]], calendars: Mapping[int, Calendar | None],
) -> Tallies:  # fmt: skip
    found = Tallies()
    place = (
        day_of(case.recorded_us), case.kind, _agency(assigned, case.round), case.province or "",
        case.subject_id or "", case.state,
    )  # fmt: skip
    tally = found.at(CASES, place)
    tally.counts[0] = 1
    tally.counts[5] = int(case.round > 1)
    for step in steps:
        took = _took(step, calendars)
        state = _state(step, took)
        if step.step == "resolve" and step.round == case.round and case.state in _DONE:
            tally.counts[1] = 1
            tally.counts[2] = int(state == "within")
            tally.counts[3] = int(state == "over")
            tally.counts[4] = int(case.round == 1 and not assigned)
            if took is not None:
                tally.note(0, took, 1)
        at = step.started_us if step.started_us is not None else case.recorded_us
        agency = _agency(assigned, step.round) if step.step == "resolve" else ""
        add_timing(
            found, at, ("", SERVICE, step.step), state, step.evidence, took,
            agent=_officer(connection, case.id, step), agency=agency,
        )  # fmt: skip
    return found


def _agency(assigned: Iterable[Row[Any]], round_: int) -> str:
    """Who was first to answer in that round; none where nobody must."""
    return next(
        (
            str(a.agency) for a in assigned
            if a.round == round_ and Assignment(a.state) not in OUT_OF_IT
        ),
        "",
    )  # fmt: skip


def _took(step: Row[Any], calendars: Mapping[int, Calendar | None]) -> Micros | None:
    """How long an ended step took; of one in working days, 24 hours for each."""
    if step.started_us is None or step.ended_us is None:
        return None
    if step.standard_working_days is None:
        return int(step.ended_us - step.started_us)
    calendar = calendars.get(step.calendar_version)
    if calendar is None:
        return None
    try:
        return calendar.used(step.started_us, step.ended_us) * DAY
    except ValueError:  # years that this version does not know
        return None


def _state(step: Row[Any], took: Micros | None) -> str:
    """The verdict on what is over; figures do not change by the time of day."""
    if step.ended_us is None:
        return "open"
    if step.standard_working_days is None:
        return verdict(took, step.standard_seconds, ended=True)
    if step.due_us is None:
        return "open"
    return "over" if step.ended_us >= step.due_us else "within"


def _officer(connection: Connection, case_id: str, step: Row[Any]) -> str:
    """The extension of the officer whose act ended the step; empty where it is not known."""
    if step.ended_us is None or step.step not in _ENDS or step.evidence != Evidence.DECLARED:
        return ""
    query = (
        select(case_events.c.by_account)
        .where(case_events.c.case_id == case_id, case_events.c.kind == _ENDS[step.step])
        .order_by(case_events.c.ordinal)
        .limit(1)
    )
    return seat_at(connection, connection.scalar(query), step.ended_us)


def _calendar(connection: Connection, version: int) -> Calendar | None:
    head = connection.execute(
        select(calendar_versions).where(calendar_versions.c.version == version)
    ).one_or_none()
    if head is None:
        return None
    days = connection.execute(select(calendar_days).where(calendar_days.c.version == version))
    special = {
        row.day: SpecialDay(row.day, row.closed, row.name_th, row.name_en, row.source)
        for row in days
    }
    return Calendar(version, head.first_day, head.last_day, special)
