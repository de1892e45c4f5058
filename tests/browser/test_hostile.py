"""Hostile names, notes, facts and files: text on every page, or refused with a clear message."""

from __future__ import annotations

from dataclasses import replace

from crm_bridge.access.roles import Role
from crm_bridge.cases import complaints, notices
from crm_bridge.cases.complaints import Complaint
from crm_bridge.people import notes, persons
from tests.support.browser import Browsers
from tests.support.desk_house import House
from tests.support.hostile import TEXTS, assert_nothing_ran
from tests.support.office_calls import Played, replay
from tests.support.walk import Walk

_MINUTE = 60_000_000


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
    for n, text in enumerate(TEXTS):
        async with house.database.writing() as connection:
            person = await persons.create(
                connection, house.clock, by, numbers=(f"08666600{n:02}",),
                fields={"name": text, "notes": text, "address": text},
            )  # fmt: skip
            await notes.add_note(connection, house.clock, by, person.id, text)
            written = Complaint(
                title=text[:300], facts=text, wanted=text, respondent=text, product=text,
                respondent_contact=text, place=text, complainant_name=text, consent=True,
                consent_how="voice", notice_version=notice, person_id=person.id,
            )  # fmt: skip
            case = await complaints.record(connection, house.clock, by, written)
            await complaints.note(connection, house.clock, by, case.ticket, text=text)
        await house.propose_and_assign(case.ticket, text)


async def test_hostile_texts_are_text_on_every_page(house: House, office_windows: Browsers):
    await _put(house)
    walk = Walk()
    walk.judge = assert_quiet  # type: ignore[method-assign]  # pages are judged elsewhere
    for role in (Role.AGENT, Role.DIRECTOR, Role.AGENCY_OFFICER, Role.ADMINISTRATOR):
        window = await office_windows.open(house.office.of(role))
        await walk.all(window, each=len(TEXTS) + 2)
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
