"""What supervisors did, on disk: written before it is tried, so that no act is without its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.records import audit
from crm_bridge.records.audit import Entry
from crm_bridge.records.desk_tables.accounts import accounts
from crm_bridge.records.desk_tables.supervision import supervision_acts as acts
from ivr.calls.call import Micros


class Act(StrEnum):
    """What a supervisor does."""

    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"
    TAKE_OVER = "take_over"
    LEAVE = "leave"
    PAUSE = "pause"
    READY = "ready"
    SIGN_OUT = "sign_out"
    MESSAGE = "message"


LASTING: Final = (Act.LISTEN, Act.WHISPER, Act.BARGE)
"""Acts that go on until they end."""


class Came(StrEnum):
    """How an act came out."""

    ASKED = "asked"
    """Not heard: the desk stopped in the middle of it."""
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    LOST = "lost"
    """It was done; when it ended was not heard."""


@dataclass(frozen=True, slots=True)
class Line:
    """One act: who, what, to whom, on which call, from when to when, how it came out."""

    id: str
    act: Act
    by_account: str
    started_us: Micros
    by_extension: str | None = None
    to_account: str | None = None
    to_extension: str | None = None
    call_id: str | None = None
    detail: str = ""
    ended_us: Micros | None = None
    outcome: Came = Came.ASKED
    refused_as: str | None = None
    by_names: tuple[str, str] = ("", "")
    """Thai, English."""
    to_names: tuple[str, str] = ("", "")

    @property
    def goes_on(self) -> bool:
        """It was done and has not ended."""
        return self.act in LASTING and self.outcome is Came.DONE and self.ended_us is None


async def begin(connection: AsyncConnection, line: Line) -> None:
    """Keeps that it is about to be tried."""
    await connection.execute(
        insert(acts).values(
            id=line.id, act=line.act.value, by_account=line.by_account,
            by_extension=line.by_extension, to_account=line.to_account,
            to_extension=line.to_extension, call_id=line.call_id, detail=line.detail,
            started_us=line.started_us, ended_us=line.ended_us, outcome=line.outcome.value,
            refused_as=line.refused_as,
        )
    )  # fmt: skip
    told = {"supervision_act": line.id, "to_account": line.to_account, "outcome": line.outcome}
    act, at_us = f"supervision.{line.act}", line.started_us
    _note(connection, act, at_us, line.call_id, told, line.by_account)


async def amend(connection: AsyncConnection, at_us: Micros, line_id: str, **values: Any) -> None:
    """Keeps what became of it; values by the names of the columns."""
    await connection.execute(update(acts).where(acts.c.id == line_id).values(**values))
    # what came out is on record of itself: the line above may be changed, the log is not
    told = {"supervision_act": line_id} | {
        name: value for name, value in values.items() if name != "detail"
    }
    _note(connection, "supervision.came_out", at_us, None, told, None)


def _note(
    connection: AsyncConnection, act: str, at_us: Micros, call_id: str | None,
    told: dict[str, Any], by: str | None,
) -> None:  # fmt: skip
    about = None if call_id is None else f"call:{call_id}"
    audit.note(connection, Entry(act, at_us, about, told, "act", by))


async def lasting(connection: AsyncConnection) -> list[Line]:
    """Every act that goes on by what is kept."""
    return await _lines(
        connection,
        _query().where(
            acts.c.ended_us.is_(None),
            acts.c.outcome == Came.DONE.value,
            acts.c.act.in_([act.value for act in LASTING]),
        ),
    )


async def unsettled(connection: AsyncConnection) -> list[Line]:
    """Every act that would go on and of which it is not known how it came out, the oldest first."""
    return await _lines(
        connection,
        _query()
        .where(
            acts.c.outcome == Came.ASKED.value,
            acts.c.act.in_([act.value for act in LASTING]),
        )
        .order_by(acts.c.started_us, acts.c.id),
    )


async def page(
    connection: AsyncConnection,
    *,
    act: Act | None = None,
    outcome: Came | None = None,
    by_account: str | None = None,
    to: str | None = None,
    call_id: str | None = None,
    since: Micros | None = None,
    until: Micros | None = None,
    before: tuple[Micros, str] | None = None,
    limit: int = 50,
) -> list[Line]:
    """Acts, the newest first; `to`: an officer's account or extension; `until` is not included."""
    wanted: list[ColumnElement[bool]] = []
    if act is not None:
        wanted.append(acts.c.act == act.value)
    if outcome is not None:
        wanted.append(acts.c.outcome == outcome.value)
    if by_account:
        wanted.append(acts.c.by_account == by_account)
    if to:
        wanted.append(or_(acts.c.to_account == to, acts.c.to_extension == to))
    if call_id:
        wanted.append(acts.c.call_id == call_id)
    if since is not None:
        wanted.append(acts.c.started_us >= since)
    if until is not None:
        wanted.append(acts.c.started_us < until)
    if before is not None:
        at, line_id = before
        wanted.append(
            or_(acts.c.started_us < at, and_(acts.c.started_us == at, acts.c.id < line_id))
        )
    query = _query().where(*wanted).order_by(acts.c.started_us.desc(), acts.c.id.desc())
    return await _lines(connection, query.limit(limit))


async def supervisors(connection: AsyncConnection) -> Sequence[tuple[str, str, str]]:
    """Everybody who has done such an act: id, Thai and English name."""
    query = (
        select(accounts.c.id, accounts.c.name_th, accounts.c.name_en)
        .where(accounts.c.id.in_(select(acts.c.by_account).distinct()))
        .order_by(accounts.c.name_th, accounts.c.id)
    )
    return [(row.id, row.name_th, row.name_en) for row in await connection.execute(query)]


def _query() -> Select[Any]:
    by, to = accounts.alias("by_whom"), accounts.alias("to_whom")
    return (
        select(
            acts,
            by.c.name_th.label("by_th"), by.c.name_en.label("by_en"),
            to.c.name_th.label("to_th"), to.c.name_en.label("to_en"),
        )
        .join(by, by.c.id == acts.c.by_account)
        .outerjoin(to, to.c.id == acts.c.to_account)
    )  # fmt: skip


async def _lines(connection: AsyncConnection, query: Select[Any]) -> list[Line]:
    return [
        Line(
            id=row["id"], act=Act(row["act"]), by_account=row["by_account"],
            started_us=row["started_us"], by_extension=row["by_extension"],
            to_account=row["to_account"], to_extension=row["to_extension"],
            call_id=row["call_id"], detail=row["detail"], ended_us=row["ended_us"],
            outcome=Came(row["outcome"]), refused_as=row["refused_as"],
            by_names=(row["by_th"], row["by_en"]),
            to_names=(row["to_th"] or "", row["to_en"] or ""),
        )
        for row in (await connection.execute(query)).mappings()
    ]  # fmt: skip
