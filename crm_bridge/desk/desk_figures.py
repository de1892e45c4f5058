"""What officers' records and sittings add to the figures; all that is counted beside calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import select, tuple_
from sqlalchemy.engine import Connection

from crm_bridge.appointments.appointment_figures import APPOINTMENT_FIGURES
from crm_bridge.cases.case_figures import CASE_FIGURES
from crm_bridge.figures.forms import AGENT_TIMES, SUBJECTS
from crm_bridge.figures.levels import DAY, day_of
from crm_bridge.figures.tallies import Tallies
from crm_bridge.records.callback_figures import NUMBERS
from crm_bridge.records.desk_tables.agents import agent_sessions, agent_states
from crm_bridge.records.desk_tables.wrapups import wrapups
from crm_bridge.records.figure_sources import Source


class _Records:
    """Officers' records of calls, by `CALL/AGENT`."""

    kind = "wrapup"

    def after(self, connection: Connection, last: str, page: int) -> Sequence[str]:
        """The next records."""
        table = wrapups.c
        query = (
            select(table.call_id, table.agent)
            .where(tuple_(table.call_id, table.agent) > tuple(_parts(last)))
            .order_by(table.call_id, table.agent)
            .limit(page)
        )
        return [record_id(*row) for row in connection.execute(query)]

    def count(self, connection: Connection, ids: Sequence[str]) -> Mapping[str, Tallies]:
        """What they are about."""
        found: dict[str, Tallies] = {}
        for one in ids:
            call_id, agent = _parts(one)
            query = select(
                wrapups.c.saved_us, wrapups.c.service, wrapups.c.subject_id, wrapups.c.outcome
            ).where(wrapups.c.call_id == call_id, wrapups.c.agent == agent)
            row = connection.execute(query).one_or_none()
            if row is not None:
                found[one] = Tallies()
                key = (day_of(row.saved_us), row.service, row.subject_id or "", row.outcome)
                found[one].at(SUBJECTS, key).counts[0] = 1
        return found


class _Sittings:
    """The states of officers, a sitting at a time."""

    kind = "sitting"

    def after(self, connection: Connection, last: str, page: int) -> Sequence[str]:
        """The next sittings."""
        table = agent_sessions.c
        query = select(table.id).where(table.id > last).order_by(table.id).limit(page)
        return [str(one) for one in connection.execute(query).scalars()]

    def count(self, connection: Connection, ids: Sequence[str]) -> Mapping[str, Tallies]:
        """How long each state that is over lasted, day by day."""
        query = (
            select(
                agent_states.c.session_id, agent_sessions.c.extension, agent_states.c.state,
                agent_states.c.reason, agent_states.c.started_us, agent_states.c.ended_us,
            )
            .join(agent_sessions, agent_sessions.c.id == agent_states.c.session_id)
            .where(agent_states.c.session_id.in_(list(ids)), agent_states.c.ended_us.is_not(None))
        )  # fmt: skip
        found: dict[str, Tallies] = {}
        for row in connection.execute(query):
            tallies = found.setdefault(row.session_id, Tallies())
            at = row.started_us
            while at < row.ended_us:
                day = day_of(at)
                until = min(row.ended_us, day + DAY)
                key = (day, row.extension, row.state, row.reason or "")
                tallies.at(AGENT_TIMES, key).counts[0] += until - at
                at = until
        return found


def record_id(call_id: str, agent: str) -> str:
    """As what an officer's record of a call is counted."""
    return f"{call_id}/{agent}"


def _parts(one: str) -> list[str]:
    call_id, _, agent = one.rpartition("/")
    return [call_id, agent]


RECORD_FIGURES: Final = _Records()
SITTING_FIGURES: Final = _Sittings()
SOURCES: Final[tuple[Source, ...]] = (
    NUMBERS, CASE_FIGURES, APPOINTMENT_FIGURES, RECORD_FIGURES, SITTING_FIGURES,
)  # fmt: skip
"""Everything that is counted beside the calls, in the order in which it is walked."""
