"""Hostile names, notes, facts and files: text on every page, or refused with a clear message."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle

import pytest
from playwright.async_api import expect

from crm_bridge.access.roles import Role
from crm_bridge.cases import complaints, notices
from crm_bridge.cases.complaints import Complaint
from crm_bridge.people import notes as person_notes
from crm_bridge.people import persons
from tests.support.browser import Browsers
from tests.support.desk_house import House
from tests.support.hostile import MARK, PNG, TEXTS, assert_nothing_ran, bomb
from tests.support.office_calls import Played, replay
from tests.support.walk import Walk

_MINUTE = 60_000_000


RECORDS = 4
"""Persons and cases that hold them; each field of each holds another of the texts."""


async def _put(house: House) -> None:
    """Hostile texts in everything a caller or an officer can say."""
    by = house.office.of(Role.AGENT)
    now = house.clock.now_us()
    calls = [
        Played("abandoned_queue", now - (30 + n) * _MINUTE, text, f"08666600{n:02}")
        for n, text in enumerate(TEXTS)
    ]
    await replay(house.database, house.context.config, calls)
    notice = notices.current(now).version
    texts = cycle(TEXTS)
    for n in range(RECORDS):
        async with house.database.writing() as connection:
            person = await persons.create(
                connection, house.clock, by, numbers=(f"08666600{n:02}",),
                fields={"name": next(texts), "notes": next(texts), "address": next(texts)},
            )  # fmt: skip
            await person_notes.add_note(connection, house.clock, by, person.id, next(texts))
            written = Complaint(
                title=next(texts), facts=next(texts), wanted=next(texts), respondent=next(texts),
                product=next(texts), respondent_contact=next(texts), place=next(texts),
                complainant_name=next(texts), consent=True, consent_how="voice",
                notice_version=notice, person_id=person.id,
            )  # fmt: skip
            case = await complaints.record(connection, house.clock, by, written)
            await complaints.note(connection, house.clock, by, case.ticket, text=next(texts))
        await house.propose_and_assign(case.ticket, next(texts))


@pytest.mark.parametrize(
    "role", [Role.AGENT, Role.DIRECTOR, Role.AGENCY_OFFICER, Role.ADMINISTRATOR]
)
async def test_hostile_texts_are_text_on_every_page(
    house: House, office_windows: Browsers, role: Role
):
    await _put(house)
    walk = Walk()
    walk.judge = assert_quiet  # type: ignore[method-assign]  # pages are judged elsewhere
    await walk.all(await office_windows.open(house.office.of(role)), each=RECORDS)
    assert not walk.faults, "\n".join(walk.faults)


async def assert_quiet(window, _kind):
    await assert_nothing_ran(window.page)


async def test_a_page_shows_the_very_text(house: House, office_windows: Browsers):
    by = house.office.of(Role.AGENT)
    for text in TEXTS[:6]:
        async with house.database.writing() as connection:
            case = await complaints.record(
                connection, house.clock, by,
                replace(Complaint(identity="anonymous"), title=text, facts=text),
            )  # fmt: skip
        window = (
            office_windows.windows[0] if office_windows.windows else await office_windows.open(by)
        )
        await window.go(f"/cases/{case.ticket}")
        assert text in await window.page.inner_text("main")
        await assert_nothing_ran(window.page)


async def test_hostile_files_are_refused_with_a_clear_message(
    house: House, office_windows: Browsers
):
    ticket = house.office.cases["recorded"]
    window = await office_windows.open(house.office.of(Role.AGENT))
    await window.go(f"/cases/{ticket}")
    form = window.page.locator("form[data-act$='/attachments']")
    page = f"<!doctype html><script>window.{MARK}=1</script>"
    for name, content, words in (
        ("ภาพ.jpg", page.encode(), "เนื้อหาของไฟล์ไม่ตรงกับนามสกุล"),
        ("ภาพ.jpg.html", page.encode(), "แนบได้เฉพาะไฟล์"),
        ("ว่าง.pdf", b"", "ไฟล์ว่างเปล่า"),
        ("ระเบิด.docx", bomb(), "เมื่อคลายแล้วใหญ่ผิดปกติ"),
        ("ใหญ่.png", PNG + b"\0" * 10_700_000, "ไฟล์ใหญ่เกิน 10 MB"),
        ("ใหญ่มาก.png", PNG + b"\0" * 14_000_000, "ใหญ่เกิน"),
    ):
        await form.locator("input[type=file]").set_input_files(
            {"name": name, "mimeType": "image/jpeg", "buffer": content}
        )
        await form.locator("button[type=submit]").click()
        await expect(form.get_by_role("alert")).to_contain_text(words)
    await window.go(f"/cases/{ticket}")
    await expect(window.page.locator("a[href*='/attachments/']")).to_have_count(0)


async def test_a_hostile_file_name_is_shown_plain_and_the_file_is_only_downloaded(
    house: House, office_windows: Browsers
):
    ticket = house.office.cases["recorded"]
    window = await office_windows.open(house.office.of(Role.AGENT))
    form = window.page.locator("form[data-act$='/attachments']")
    names = (
        "../../../../etc/passwd.png",
        "ใบเสร็จ\r\nSet-Cookie: hotline=x.png",
        "\u202egnp.exe.png",
        f'"><img src=x onerror=window.{MARK}=1>.png',
    )
    for name in names:
        await window.go(f"/cases/{ticket}")
        await form.locator("input[type=file]").set_input_files(
            {"name": name, "mimeType": "image/png", "buffer": PNG}
        )
        async with window.page.expect_navigation():
            await form.locator("button[type=submit]").click()
    links = window.page.locator("a[href*='/attachments/']")
    await expect(links).to_have_count(len(names))
    shown = await links.all_text_contents()
    assert "passwd.png" in shown
    assert not any(mark in name for name in shown for mark in ("/", "\\", "\r", "\n", "\u202e"))
    await assert_nothing_ran(window.page)
    for link in await links.all():
        answer = await window.context.request.get(str(await link.get_attribute("href")))
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in answer.headers
        assert await answer.body() == PNG
