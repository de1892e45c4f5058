"""What an appointment adds to the figures: its published steps, timed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.engine import Connection

from crm_bridge.appointments.appointment import Appointment
from crm_bridge.appointments.appointment_steps import SERVICE, timings
from crm_bridge.appointments.appointment_workflow import Act
from crm_bridge.appointments.appointments import from_row
from crm_bridge.figures.counting import add_timing
from crm_bridge.figures.tallies import Tallies
from crm_bridge.records.desk_tables.appointments import appointment_events, appointments
from crm_bridge.records.seat_at import seat_at
from ivr.calls.call import Micros
from ivr.steps.standards import load_standards

_ENDS: Final = {"intake": Act.CREATE, "coordinate": Act.AGREE, "notify": Act.NOTIFY}
"""Step → the act that ends it, by whose officer it was."""


class _Appointments:
    kind = "appointment"

    def after(self, connection: Connection, last: str, page: int) -> Sequence[str]:
        """The next appointments."""
        table = appointments.c
        query = select(table.id).where(table.id > last).order_by(table.id).limit(page)
        return [str(one) for one in connection.execute(query).scalars()]

    def count(self, connection: Connection, ids: Sequence[str]) -> Mapping[str, Tallies]:
        """Their steps as they stand; one that is not over is open, however long it has taken."""
        query = select(appointments).where(appointments.c.id.in_(list(ids)))
        return {row.id: _count(connection, from_row(row)) for row in connection.execute(query)}


APPOINTMENT_FIGURES: Final = _Appointments()


def _count(connection: Connection, one: Appointment) -> Tallies:
    found = Tallies()
    for step in timings(one, load_standards(), 0):
        over = step.ended_at is not None
        officer = _officer(connection, one.id, step.step, step.ended_at)
        add_timing(
            found, step.started_at, ("", SERVICE, step.step), step.state,
            str(step.evidence.value), step.elapsed if over else None, agent=officer, agency="",
        )  # fmt: skip
    return found


def _officer(connection: Connection, one: str, step: str, ended: Micros | None) -> str:
    if ended is None:
        return ""
    table = appointment_events.c
    query = (
        select(table.by_account)
        .where(table.appointment_id == one, table.act == _ENDS[step].value)
        .order_by(table.ordinal)
        .limit(1)
    )
    return seat_at(connection, connection.scalar(query), ended)
