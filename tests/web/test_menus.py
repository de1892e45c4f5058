"""The page of the menus: who reads it, what is counted on each branch, what is no more there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crm_bridge.access.roles import Role
from crm_bridge.charts.tree import walk
from crm_bridge.reports.menu_tree import picture
from crm_bridge.reports.period import Period
from crm_bridge.web.figures.readers import READERS
from crm_bridge.written import office_time
from ivr.calls.call import MenuChoice, Outcome
from ivr.menu.tree import read
from ivr.prompts.catalogue import dialplan_directory
from tests.support.desk_calls import SECOND, lost, save, served
from tests.support.desk_clock import NOW
from tests.support.scenario import config_of
from tests.support.web import Desk

TODAY = office_time(NOW).date()
DAY = 86_400 * SECOND
MORNING = Period(TODAY, TODAY).since + 4 * 3600 * SECOND
PATH = "/admin/menu"


def pressed(call, *keys):
    for n, key in enumerate(keys, 1):
        menu, _, digit = key.partition(":")
        call.menu.append(MenuChoice(menu, digit, call.entered_at + n * SECOND))
    return call


@pytest.fixture
async def yesterday(desk: Desk) -> None:
    """Ten calls of yesterday, and one of the day before."""
    at = MORNING - DAY
    gave_up = Outcome.ABANDONED_MENU
    await save(
        desk.database,
        *(pressed(served(n, at), "main:2") for n in range(4)),
        pressed(lost(5, at), "main:1"),
        pressed(served(6, at), "main:9", "main:9", "main:1"),
        pressed(lost(7, at, gave_up, queued=False), "main:5", "guide:7"),
        lost(8, at, gave_up, queued=False),
        pressed(served(9, at), "old:4"),
        pressed(served(10, at), "closed:5", "guide:1"),
        pressed(served(11, at - DAY), "main:3"),
    )


async def page(desk: Desk, *, lang: str = "en", **asked: str) -> str:
    browser = await desk.browser(Role.DIRECTOR)
    await browser.put("/api/v1/language", json={"language": lang})
    answer = await browser.get(PATH, params=asked)
    assert answer.status_code == 200
    return answer.text


def listed(text: str) -> list[str]:
    """The lines of the nested list, without their marks."""
    tree = re.search(r'<ul class="tree">.*</ul>', text, re.DOTALL)[0]
    lines = re.findall(r"<li>(.*?)(?=<ul>|</li>)", tree, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", "", line).split()) for line in lines]


async def test_who_reads_figures_reads_the_menus_and_nobody_else(desk: Desk):
    for role in Role:
        answer = await (await desk.browser(role)).get(PATH)
        assert answer.status_code == (200 if role in READERS else 403), role


async def test_yesterday_is_counted_on_each_branch(desk: Desk, yesterday: None):
    text = await page(desk)
    lines = listed(text)
    assert lines[0] == "Main menu: All calls in: 10 calls · gave up 1"
    for line in (
        "9 · Other language: 1 call · 10 %",
        "1 · Complaint → queue complaint: 2 calls · 20 % · gave up 1",
        "2 · Information and advice → queue information: 4 calls · 40 %",
        "5 · Marketing guide: 1 call · 10 %",
        "7 · not in the menu now: 1 call · 50 % · gave up 1",
        "Former menu old: 1 call · 10 %",
        "Menu out of hours: 1 call · 10 %",
    ):
        assert line in lines, (line, lines)
    assert text.count("<svg") == 2
    assert "style=" not in text
    thai = listed(await page(desk, lang="th"))
    assert thai[0] == "เมนูหลัก: สายเข้าทั้งหมด: 10 สาย · วางสาย 1"


async def test_another_day_is_in_the_address(desk: Desk, yesterday: None):
    text = await page(desk, day=str(office_time(NOW - 2 * DAY).date()))
    assert listed(text)[0] == "Main menu: All calls in: 1 call"
    nothing = await page(desk, day="2020-02-29")
    assert "No calls came in on that day." in nothing
    assert listed(nothing)[0] == "Main menu: All calls in: 0 calls"
    browser = await desk.browser(Role.AUDITOR)
    assert (await browser.get(PATH, params={"day": "x"})).status_code == 422
    assert (await browser.get(PATH, params={"day": "1850-01-01"})).status_code == 422


def tree_of(text: str | None, ways):
    tree = read(text)[0] if text else None
    return list(walk(picture(tree, ways, config_of("ours")).root))


OURS = (dialplan_directory() / "menu.toml").read_text("utf-8")


def test_a_branch_that_the_file_has_no_more_is_shown_as_former():
    ways = {("main:3", "served"): 5, ("main:1/main:1", "abandoned_queue"): 2}
    without = "\n".join(line for line in OURS.splitlines() if not line.startswith('"3"'))
    (former,) = [b for b in tree_of(without, ways) if b.former]
    assert (former.label[1], former.count) == ("3 · not in the menu now", 5)
    assert [b for b in tree_of(OURS, ways) if b.former] == []
    complaint = next(b for b in tree_of(OURS, ways) if b.label[1].startswith("1 · "))
    assert (complaint.count, complaint.share, complaint.lost) == (2, 2 / 7, 2)
    # without a file every key is told all the same
    assert [b.label[1] for b in tree_of(None, ways)] == [
        "All calls in", "Former menu main", "Key 1", "Key 3",
    ]  # fmt: skip


def test_every_key_of_the_file_is_drawn_once_and_menus_within_menus_below_their_key():
    tree = read(OURS)[0]
    assert tree is not None
    branches = tree_of(OURS, {})
    assert len(branches) == 1 + sum(len(menu.choices) for menu in tree.menus.values())
    guide = next(b for b in branches if b.label[1] == "5 · Marketing guide")
    assert len(guide.branches) == len(tree.menus["guide"].choices)
    assert all(b.count == 0 and b.share is None for b in branches)


async def test_the_site_s_own_file_is_shown_and_its_faults_are_told(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "menu.toml"
    line = desk.context.config.line.model_copy(update={"menu": file})
    config = desk.context.config.model_copy(update={"line": line})
    monkeypatch.setattr(desk.context, "config", config)
    assert "hotline menu check" in await page(desk)  # it is not there
    file.write_text(OURS.replace("Complaint", "Grievance <b>"), "utf-8")
    text = await page(desk)
    assert "Grievance &lt;b&gt;" in text
    assert "hotline menu check" not in text
    file.write_text(OURS + "[menu.x\n", "utf-8")
    assert "is not TOML" in await page(desk)
