"""The guide's address by text message: to mobiles, once a day a number; both engines."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from crm_bridge.people import room_messages
from crm_bridge.people.subject import Subject
from crm_bridge.records.desk_tables.messages import messages
from crm_bridge.selfservice.guide_text import SENT_WITHIN, GuideText
from ivr.selfservice import session
from ivr.selfservice.port import TextRequest, Unanswered
from tests.support.desk_clock import HeldClock

ADDRESS = "https://www.moc.go.th/market"
OWN, OTHER = "+66812345678", "+66823456789"


@pytest.fixture
def clock():
    return HeldClock("2026-11-23T18:00")


@pytest.fixture
def desk(database, clock):
    found = GuideText(database, clock, ADDRESS)
    found.call_of = lambda uniqueid: f"lab1-{uniqueid}"
    return found


async def sent(database):
    async with database.reading() as connection:
        query = select(messages.c.recipient, messages.c.body, messages.c.about_id)
        return [tuple(row) for row in await connection.execute(query.order_by(messages.c.seq))]


def test_the_desk_answers_before_the_line_gives_up():
    assert SENT_WITHIN < session.BETWEEN


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("0812345678", (OWN, "0812345678")), ("+66812345678", (OWN, "0812345678")),
        ("025074444", None), ("1203", None), ("+14155550123", None), ("anonymous", None),
        ("", None),
    ],
)  # fmt: skip
def test_only_thai_mobiles_have_one(desk, number, told):
    assert desk.mobile(number) == told


async def test_a_number_has_one_a_day(database, desk, clock):
    assert await desk.send(TextRequest("1.1", OWN, "th"))
    assert not await desk.send(TextRequest("1.2", OWN, "en"))
    assert await desk.send(TextRequest("1.3", OTHER, "en"))
    clock.set("2026-11-23T23:59")
    assert not await desk.send(TextRequest("1.4", OWN, "th"))
    clock.set("2026-11-24T00:00")  # midnight in Bangkok
    assert await desk.send(TextRequest("1.5", OWN, "th"))
    found = await sent(database)
    assert [(to, call) for to, _, call in found] == [
        (OWN, "lab1-1.1"), (OTHER, "lab1-1.3"), (OWN, "lab1-1.5"),
    ]  # fmt: skip
    assert all(ADDRESS in text for _, text, _ in found)
    assert found[0][1].startswith("ข้อมูลการตลาด")
    assert found[1][1].startswith("Marketing information")


async def test_of_many_who_ask_at_once_one_is_sent(database, desk):
    asked = await asyncio.gather(
        *(desk.send(TextRequest(f"1.{n}", OWN, "th")) for n in range(8)), return_exceptions=True
    )
    assert [one for one in asked if one is True] == [True]
    assert len(await sent(database)) == 1


async def test_without_an_address_or_in_time_nothing_is_sent(database, clock):
    request = TextRequest("1.1", OWN, "th")
    for desk in (
        GuideText(database, clock, ""), GuideText(database, clock, ADDRESS, within=0.0),
    ):  # fmt: skip
        with pytest.raises(Unanswered):
            await desk.send(request)
    assert await sent(database) == []


async def test_who_is_forgotten_is_so_here_too(database, desk, clock):
    await desk.send(TextRequest("1.1", OWN, "th"))
    subject = Subject(ids=(), numbers=(OWN,), shared=(), emails=())
    async with database.writing() as connection:
        assert await room_messages.erase(connection, clock, subject, frozenset()) == 1
        rows = (await connection.execute(select(messages))).mappings().all()
    assert "812345678" not in str([dict(row) for row in rows])
