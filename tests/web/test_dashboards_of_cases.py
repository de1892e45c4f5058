"""Cases and call-backs as their dashboards tell them, beside the rows themselves."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select

from crm_bridge.cases.workflow import OPEN, STATES, State
from crm_bridge.records.desk_tables.cases import cases
from crm_bridge.reports.dashboards import callbacks
from crm_bridge.reports.dashboards import cases as board
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.period import Period
from crm_bridge.reports.sheets import Cell
from crm_bridge.written import office_time
from tests.support.desk_calls import SECOND, lost, save, served
from tests.support.desk_clock import NOW
from tests.support.desk_house import House, furnished, house
from tests.support.web import Desk, desk

__all__ = ["desk", "furnished", "house"]

DAY = office_time(NOW).date()


def value(cell):
    return cell.value if isinstance(cell, Cell) else cell


def told(sheet):
    names = [column.id for column in sheet.columns]
    return [dict(zip(names, map(value, row), strict=True)) for row in sheet.rows]


@pytest.fixture
async def rows(house: House):
    async with house.database.reading() as connection:
        return (await connection.execute(select(cases))).mappings().all()


async def test_cases_are_as_many_as_there_are(house: House, rows):
    days = [office_time(row["recorded_us"]).date() for row in rows]
    period = Period(min(days), max(days))
    shown = await board.build(
        house.database, house.context.config, Filters(period), clock=house.clock
    )
    sheets = {sheet.id: told(sheet) for sheet in shown.sheets}
    assert rows
    for name in ("kind", "agency", "province", "subject"):
        assert sum(row["cases"] for row in sheets[f"cases_by_{name}"]) == len(rows), name
    by_kind = {row["kind"][1]: row["cases"] for row in sheets["cases_by_kind"]}
    kinds = Counter(row["kind"] for row in rows)
    assert by_kind == {{"complaint": "Complaint", "advice": "Request for advice"}[k]: n
                       for k, n in kinds.items()}  # fmt: skip


async def test_open_cases_are_told_by_state_and_age(house: House, rows):
    shown = await board.build(
        house.database, house.context.config, Filters(Period(DAY, DAY)), clock=house.clock
    )
    table = {
        row["state"]: row for row in told(next(s for s in shown.sheets if s.id == "cases_open"))
    }
    now = house.clock.now_us()
    for state in OPEN:
        mine = [row for row in rows if row["state"] == state]
        if not mine:
            assert STATES[state] not in table
            continue
        one = table[STATES[state]]
        assert one["open"] == len(mine)
        assert one["overdue"] == sum(
            row["due_us"] is not None and row["due_us"] <= now for row in mine
        )
        assert sum(one[f"age_{n}"] for n in range(5)) == len(mine)
    assert STATES[State.CLOSED] not in table
    assert table["รวม", "All"]["open"] == sum(row["state"] in OPEN for row in rows)


async def test_an_old_case_is_in_the_oldest_age(house: House, rows):
    late = house.clock.now_us() + int(timedelta(days=200).total_seconds()) * SECOND

    class Later:
        def now_us(self) -> int:
            return late

    shown = await board.build(
        house.database, house.context.config, Filters(Period(DAY, DAY)), clock=Later()
    )
    (table,) = [told(s) for s in shown.sheets if s.id == "cases_open"]
    assert all(row["age_4"] == row["open"] for row in table)
    due = [row for row in rows if row["state"] in OPEN and row["due_us"] is not None]
    assert table[-1]["overdue"] == len(due)


async def test_lost_callers_are_told_by_what_became_of_them(desk: Desk):
    at = Period(DAY, DAY).since + 4 * 3600 * SECOND
    back = served(9, at + 1800 * SECOND, presented="0811111111", direction="outbound")
    await save(
        desk.database, lost(1, at, presented="0811111111"), back,
        lost(2, at, presented="0822222222"), lost(3, at, presented=None),
    )  # fmt: skip
    shown = await callbacks.build(desk.database, desk.context.config, Filters(Period(DAY, DAY)))
    table = {row["state"][1]: row for row in told(shown.sheets[0])}
    assert {name: row["calls"] for name, row in table.items()} == {
        "Called back and reached": 1, "Still to be called back": 1, "No number to call": 1,
    }  # fmt: skip
    after = back.agents[0].connected_at - (at + 60 * SECOND)
    assert table["Called back and reached"]["p50"] == pytest.approx(after, rel=0.01)
