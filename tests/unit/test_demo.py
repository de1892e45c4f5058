"""The demo's parts that need no line: its report, what a desk takes from its stream, its office."""

from __future__ import annotations

import asyncio
import dataclasses
import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from crm_bridge.access import accounts, tokens
from crm_bridge.access.roles import Role
from crm_bridge.appointments import appointment_workflow
from crm_bridge.cases import workflow
from crm_bridge.clock import SystemClock, micros
from crm_bridge.commands import demo
from crm_bridge.commands.demo_acts import Part
from crm_bridge.commands.demo_cast import ROLES
from crm_bridge.commands.demo_desk import Desk, NotDone, Pop
from crm_bridge.commands.demo_office import STAFF, close_office, open_office, staff_table
from crm_bridge.commands.demo_report import Day, Meeting, Ticket, desk_report
from crm_bridge.commands.words import Lang
from crm_bridge.config import Config, DatabaseSection
from crm_bridge.people import persons
from crm_bridge.records.database import Database
from tests.support.office import office_config

_DAY = Day(
    handled=11,
    logged=10,
    unlogged=(("1003", None), ("1004", "0812345611")),
    called_back=(("+66812345603", "reached"), ("+66812345699", "open")),
    tickets=(
        Ticket("69-000001-5", "ขายเกินราคา", workflow.State.SETTLED, None, None),
        Ticket("69-000003-1", "ไม่ได้รับสินค้า", workflow.State.ASSIGNED,
               micros("2026-12-17T17:00:00Z"), 15),
    ),
    meetings=(
        Meeting("69-000002-8", "นภา วงศ์งาม", appointment_workflow.State.NOTIFIED,
                micros("2026-11-25T01:30:00Z"), ("voice", "sms")),
    ),
    sent={"sms": 3, "email": 2},
    folder="/here/outbox",
    alerts=(("คิว information รอนานเกิน 60 วินาที", "Queue information waits over 60 s"),),
    pops=(Pop("1001", 6_000, "known"), Pop("1002", 8_000, "new"), Pop("1002", 40_000, "known")),
    refused=("prasert: POST /cases: 422",),
)  # fmt: skip


def shown(renderable: Any) -> str:
    """What a terminal of 100 columns shows, its blanks as one."""
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(renderable)
    return "\n".join(" ".join(line.split()) for line in console.export_text().splitlines())


def test_the_report_says_in_thai_what_the_desk_holds() -> None:
    text = shown(desk_report(_DAY, Lang.TH))
    assert "บันทึกแล้ว 10 จาก 11 สาย" in text
    assert "ยังไม่บันทึก: 1003 สายจาก ไม่แสดงหมายเลข" in text
    assert "69-000003-1 หน่วยงานกำลังดำเนินการ ครบกำหนด 17 ธ.ค. 2569 (เหลือ 15 วันทำการ)" in text
    assert "69-000002-8 นภา วงศ์งาม 25 พ.ย. 2569 08:30 แจ้งประชาชนแล้ว" in text


def test_the_report_says_in_english_what_the_desk_holds() -> None:
    text = shown(desk_report(_DAY, Lang.EN))
    assert "10 of the 11 calls that officers took are logged" in text
    assert "not logged: 1004, call of 0812345611" in text
    assert "+66812345603 called back" in text
    assert "+66812345699 to be called back" in text
    assert "69-000001-5 Settled\n" in text
    assert "69-000003-1 With the agencies due 17 Dec 2026 (15 working days left)" in text
    assert "text messages 3, e-mails 2 → /here/outbox" in text
    assert "alerts Queue information waits over 60 s" in text
    assert "3 (known 2, new 1)" in text
    assert "median 8 ms, longest 40 ms" in text
    assert "! prasert: POST /cases: 422" in text


def test_an_empty_round_is_reported_too() -> None:
    empty = Day(0, 0, (), (), (), (), {}, "/here", (), ())
    text = shown(desk_report(empty, Lang.EN))
    assert "0 of the 0 calls" in text
    assert "screen pops 0" in text
    assert "complaints" not in text
    assert shown(desk_report(dataclasses.replace(empty, handled=1), Lang.EN)) != text


async def test_a_desk_counts_each_ring_once_with_how_far_the_caller_is_known() -> None:
    desk = Desk(STAFF[0], "key", "http://desk.invalid", Lang.EN)
    try:
        _told(desk, "ringing", at=1_000, now=9_000)
        _told(desk, "ringing", at=2_000, now=11_000, card="<h2>Known caller</h2>")
        _told(desk, "talking", at=3_000, now=12_000)
        assert desk.pops == [Pop("1001", 8_000, "known")]
        assert await desk.talking() == "c1"
        waiting = asyncio.create_task(desk.released("c1", 5))
        await asyncio.sleep(0)
        assert not waiting.done()
        _told(desk, "wrapup", at=4_000, now=13_000)
        await waiting
        # the caller comes back: the page has the card already
        _told(desk, "ringing", at=5_000, now=6_500)
        assert desk.pops[1:] == [Pop("1001", 1_500, "known")]
        desk.told("call", {"id": "c1", "stage": "gone", "at": 6_000, "why": "done"}, 7_000)
        assert desk.stages == {}
        desk.told("state", {"calls": [{"id": "c2", "stage": "ringing", "at": 0}]}, 8_000)
        assert desk.stages == {"c2": "ringing"}
        assert len(desk.pops) == 2
        with pytest.raises(NotDone, match="no caller"):
            await desk.until(lambda: False, "no caller", 0.01)
    finally:
        await desk.close()


def _told(desk: Desk, stage: str, *, at: int, now: int, card: str | None = None) -> None:
    data: dict[str, Any] = {"id": "c1", "stage": stage, "at": at}
    desk.told("call", data if card is None else data | {"card": card}, now)


async def test_the_office_opens_on_a_database_old_or_new(tmp_path: Path) -> None:
    config = _config(tmp_path)
    first = await open_office(config, Lang.TH)
    second = await open_office(config, Lang.TH)
    assert first.passphrase != second.passphrase
    database, clock = Database(config.database.url), SystemClock()
    try:
        assert await tokens.find(database, clock, first.keys["admin"]) is None
        assert await tokens.find(database, clock, second.keys["admin"]) is not None
        async with database.reading() as connection:
            made = [await accounts.named(connection, staff.login) for staff in STAFF]
            match = await persons.match(connection, "+66812345602")
        assert len(match.persons) == 2
        assert {account.role for account in made} == set(Role)
        assert {known.name for known in match.persons} == {"นายมานะ รักไทย", "นางมานี รักไทย"}
        await accounts.sign_in(database, clock, "director", second.passphrase)
        await close_office(config)
        assert await tokens.find(database, clock, second.keys["admin"]) is None
    finally:
        await database.close()
    table = shown(staff_table(second, "http://127.0.0.1:8203", Lang.EN))
    assert table.count(second.passphrase) == 1
    assert "dit.officer Agency officer Kitti Rungrueang dit" in table


def _config(tmp_path: Path) -> Config:
    url = f"sqlite:///{tmp_path}/demo.db"
    return office_config().model_copy(update={"database": DatabaseSection(url=url)})


async def test_a_caller_asked_for_comes_before_the_time() -> None:
    stopped, asked = asyncio.Event(), asyncio.Event()
    asked.set()
    async with asyncio.timeout(5):
        assert not await demo._stopped(stopped, 60, asked)
        assert not asked.is_set()
        stopped.set()
        assert await demo._stopped(stopped, 60, asked)


def test_the_round_leaves_one_call_unlogged_and_calls_one_back() -> None:
    assert [role.desk for role in ROLES].count(Part.UNLOGGED) == 1
    assert sum(role.called_back for role in ROLES) == 1
