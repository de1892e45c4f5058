"""Appointments from the request to the meeting; nothing is booked twice, on either engine."""

from __future__ import annotations

import asyncio
import re

import pytest
from icalendar import Calendar
from sqlalchemy import update

from crm_bridge.access.roles import Role
from crm_bridge.appointments import appointment_acts as acts
from crm_bridge.appointments import appointment_notices as notices
from crm_bridge.appointments import appointments, bookings, resources
from crm_bridge.appointments.appointment_workflow import Act, State
from crm_bridge.appointments.slots import TICK
from crm_bridge.errors import Refused
from crm_bridge.outgoing import messages
from crm_bridge.outgoing.delivery import deliver_due
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.messages import messages as sent_messages
from tests.support.appointments import (
    AGENT,
    OFFICES,
    SENDER,
    TUESDAY,
    account,
    agreed,
    officer,
    room,
    weekday,
    wish,
)
from tests.support.desk_clock import HeldClock, at
from tests.support.people import person

HOUR = 4 * TICK


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock("2026-11-23T08:45")


@pytest.fixture
async def place(database: Database):
    async with database.writing() as connection:
        return await officer(connection), await room(connection)


async def asked(database, clock, **given):
    more = {k: given.pop(k) for k in ("opened", "form_key", "call_id", "person_id") if k in given}
    by = given.pop("by", AGENT)
    async with database.writing() as connection:
        return await acts.create(connection, clock, by, OFFICES, wish(**given), **more)


async def agree(database, clock, one, place, **given):
    async with database.writing() as connection:
        return await agreed(connection, clock, one, *place, **given)


async def notify(database, clock, one, *ways, by=AGENT):
    async with database.writing() as connection:
        return await notices.notify(
            connection, clock, by, OFFICES, SENDER, one.ref, one.version, set(ways), weekday
        )


async def move(database, clock, one, place, starts, **given):
    values = {"minutes": 60, "working": weekday, **given}
    async with database.writing() as connection:
        return await notices.move(
            connection, clock, AGENT, OFFICES, SENDER, one.ref, one.version,
            officer_id=place[0].id, room_id=place[1].id, starts=starts, **values,
        )  # fmt: skip


async def cancel(database, clock, one):
    async with database.writing() as connection:
        return await notices.cancel(
            connection, clock, AGENT, OFFICES, SENDER, one.ref, one.version, "ติดธุระ"
        )


async def close(database, clock, one, act, by=AGENT):
    async with database.writing() as connection:
        return await acts.close(connection, clock, by, one.ref, one.version, act)


async def outgoing(database, one, state="waiting"):
    async with database.reading() as connection:
        found = await messages.about(connection, "appointment", one.id)
    return [m for m in found if m.state == state]


async def held_ticks(database, place, starts=TUESDAY):
    async with database.reading() as connection:
        pair = [place[0].resource, place[1].resource]
        return await bookings.taken(connection, pair, starts, starts + HOUR)


async def test_from_the_telephone_to_the_meeting(database, clock, place):
    opened = clock.at
    clock.forward(minutes=4)
    one = await asked(database, clock, opened=opened, call_id="pbx1-1.2")
    assert re.fullmatch(r"69-\d{6}-\d", one.ref)
    assert (one.state, one.opened_us, one.saved_us) == (State.REQUESTED, opened, clock.at)
    clock.forward(minutes=6)
    two = await agree(database, clock, one, place, link="https://vdo.example/1")
    assert (two.state, two.agreed_us, two.starts_us) == (State.AGREED, clock.at, TUESDAY)
    assert len(await held_ticks(database, place)) == 8
    assert await outgoing(database, two) == []
    clock.forward(minutes=1)
    three = await notify(database, clock, two, "voice", "sms", "email")
    assert (three.state, three.told_us, three.invited) == (
        State.NOTIFIED, clock.at, "voice sms email",
    )  # fmt: skip
    with pytest.raises(Refused, match="has not come"):
        await close(database, clock, three, Act.HELD)
    clock.set("2026-11-24T11:00")
    four = await close(
        database, clock, three, Act.HELD, account(Role.PROVINCIAL_OFFICER, "pco-krabi")
    )
    assert four.state == State.HELD
    async with database.reading() as connection:
        lines = await appointments.history(connection, one.id)
    assert [line.act for line in lines] == [Act.CREATE, Act.AGREE, Act.NOTIFY, Act.HELD]


async def test_what_goes_out_when_the_person_is_told(database, clock, place):
    one = await asked(database, clock)
    told = await notify(database, clock, await agree(database, clock, one, place), "sms", "email")
    found = await outgoing(database, told)
    assert [(m.kind, m.to) for m in found] == [
        ("sms", "+66812345678"),
        ("email", "somchai@example.th"),
        ("email", "orathai@moc.example"),
        ("sms", "+66812345678"),
        ("sms", "+66812345678"),
    ]
    assert [m.due for m in found[3:]] == [at("2026-11-23T09:00"), at("2026-11-24T07:30")]
    midnight = at("2026-11-24T00:00")  # the reminder of the day before is of no use on the day
    assert [m.expires for m in found] == [TUESDAY, TUESDAY, TUESDAY, midnight, TUESDAY]
    mails = [Calendar.from_ical(m.calendar).walk("VEVENT")[0] for m in found[1:3]]
    assert [str(event["ATTENDEE"]) for event in mails] == [
        "mailto:somchai@example.th",
        "mailto:orathai@moc.example",
    ]
    assert {str(event["UID"]) for event in mails} == {f"{one.id}@moc.example"}


async def test_a_person_is_told_again_at_the_number_that_is_right(database, clock, place):
    one = await agree(database, clock, await asked(database, clock, phone="0899999999"), place)
    told = await notify(database, clock, one, "sms", "email")
    async with database.writing() as connection:
        right = await notices.edit(
            connection, clock, AGENT, OFFICES, one.ref, told.version, wish(), weekday
        )
    clock.set("2026-11-23T08:55")
    again = await notify(database, clock, right, "sms")
    assert (again.state, again.told_us) == (State.NOTIFIED, told.told_us)
    found = await outgoing(database, again)  # what waited for the wrong number goes no more
    assert {m.to for m in found if m.kind == "sms"} == {"+66812345678"}
    assert [m.kind for m in found] == ["sms", "email", "email", "sms", "sms"]
    assert not found[0].text.startswith("แจ้งเลื่อน")  # nothing was moved
    async with database.writing() as connection:
        await connection.execute(update(sent_messages).values(state="sent"))
    third = await notify(database, clock, again, "sms")
    assert [m.kind for m in await outgoing(database, third)].count("sms") == 3


async def test_a_move_takes_back_what_waits_and_the_calendar_learns_it(database, clock, place):
    one = await asked(database, clock)
    told = await notify(database, clock, await agree(database, clock, one, place), "email")
    wednesday = at("2026-11-25T13:30")
    moved = await move(database, clock, told, place, wednesday)
    assert (moved.state, moved.sequence, moved.starts_us) == (State.MOVED, 1, wednesday)
    assert await outgoing(database, moved) == []
    assert await held_ticks(database, place) == {}
    assert len(await held_ticks(database, place, wednesday)) == 8
    again = await notify(database, clock, moved, "voice")
    assert again.told_us == told.told_us
    mails = [m for m in await outgoing(database, again) if m.calendar]
    events = [Calendar.from_ical(m.calendar).walk("VEVENT")[0] for m in mails]
    assert [event["SEQUENCE"] for event in events] == [1, 1]  # the person's too, told by voice
    assert {e.decoded("DTSTART").isoformat() for e in events} == {"2026-11-25T13:30:00+07:00"}


async def test_a_move_within_its_own_time_does_not_stand_in_its_own_way(database, clock, place):
    two = await agree(database, clock, await asked(database, clock), place)
    moved = await move(database, clock, two, place, TUESDAY + TICK)
    assert moved.state == State.AGREED
    assert len(await held_ticks(database, place, TUESDAY + TICK)) == 8


async def test_an_officer_who_is_no_longer_needed_is_told(database, clock, place):
    told = await notify(
        database, clock, await agree(database, clock, await asked(database, clock), place), "voice"
    )
    async with database.writing() as connection:
        other = await officer(connection, email="other@moc.example")
    moved = await move(database, clock, told, (other, place[1]), TUESDAY)
    (mail,) = await outgoing(database, moved)
    assert mail.to == "orathai@moc.example"
    calendar = Calendar.from_ical(mail.calendar)
    assert calendar["METHOD"] == "CANCEL"
    assert calendar.walk("VEVENT")[0]["SEQUENCE"] == 1


async def test_a_cancelled_one_gives_back_its_time_and_tells_those_who_were_told(
    database, clock, place
):
    told = await notify(
        database, clock, await agree(database, clock, await asked(database, clock), place), "email"
    )
    gone = await cancel(database, clock, told)
    assert (gone.state, gone.sequence, gone.closed_us) == (State.CANCELLED, 1, clock.at)
    assert await held_ticks(database, place) == {}
    found = await outgoing(database, gone)
    assert [(m.kind, m.to) for m in found] == [
        ("sms", "+66812345678"),
        ("email", "somchai@example.th"),
        ("email", "orathai@moc.example"),
    ]
    for mail in found[1:]:
        calendar = Calendar.from_ical(mail.calendar)
        assert calendar["METHOD"] == "CANCEL"
        assert calendar.walk("VEVENT")[0]["SEQUENCE"] == 1
    with pytest.raises(Refused, match="has been cancelled"):
        await move(database, clock, gone, place, TUESDAY)


async def test_nobody_is_told_that_what_they_never_knew_of_is_cancelled(database, clock, place):
    two = await agree(database, clock, await asked(database, clock), place)
    assert await outgoing(database, await cancel(database, clock, two)) == []
    requested = await asked(database, clock)
    assert await outgoing(database, await cancel(database, clock, requested)) == []


async def test_of_many_who_want_one_hour_one_gets_it(database, clock, place):
    wanted = [await asked(database, clock) for _ in range(8)]
    outcomes = await asyncio.gather(
        *(
            agree(database, clock, one, place, starts=TUESDAY + (n % 3) * TICK)
            for n, one in enumerate(wanted)
        ),
        return_exceptions=True,
    )
    won = [o for o in outcomes if not isinstance(o, BaseException)]
    assert len(won) == 1
    lost = [o for o in outcomes if isinstance(o, BaseException)]
    assert all(isinstance(o, Refused) and o.code == "slot-taken" for o in lost)
    holders = set((await held_ticks(database, place, won[0].starts_us)).values())
    assert holders == {won[0].id}


@pytest.mark.parametrize("which", [0, 1])
async def test_the_database_itself_forbids_a_double_booking(database, clock, place, which):
    """Without the question before: the key alone."""
    resource = place[which].resource
    async with database.writing() as connection:
        await bookings.take(connection, "one", resource, TUESDAY, TUESDAY + HOUR)

    async def second() -> None:
        async with database.writing() as connection:
            await bookings.take(
                connection, "two", resource, TUESDAY + 3 * TICK, TUESDAY + 3 * TICK + HOUR
            )

    with pytest.raises(Refused) as refused:
        await second()
    assert refused.value.code == "slot-taken"
    assert set(refused.value.fields) == {"officer" if which == 0 else "room"}
    held = await held_ticks(database, place, TUESDAY + HOUR)
    assert held == {}  # nothing of the second stayed


async def test_next_to_each_other_is_not_twice(database, clock, place):
    await agree(database, clock, await asked(database, clock), place)
    beside = await agree(
        database, clock, await asked(database, clock), place, starts=TUESDAY + HOUR
    )
    assert beside.state == State.AGREED


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"starts": TUESDAY + 1}, "starts"),
        ({"starts": at("2026-11-23T08:30")}, "starts"),
        ({"starts": at("2026-11-28T10:00")}, "starts"),
        ({"starts": at("2026-11-24T11:30")}, "starts"),
        ({"starts": at("2026-11-24T16:00")}, "starts"),
        ({"starts": at("2026-11-24T03:00")}, "starts"),
        ({"minutes": 61}, "minutes"),
        ({"link": "javascript:alert(1)"}, "link"),
    ],
)
async def test_a_time_that_does_not_fit_is_refused(database, clock, place, given, field):
    one = await asked(database, clock)
    with pytest.raises(Refused) as refused:
        await agree(database, clock, one, place, **given)
    assert set(refused.value.fields) == {field}
    assert await held_ticks(database, place) == {}


async def test_the_officer_and_the_room_must_be_the_right_ones(database, clock, place):
    one = await asked(database, clock, party=5)
    async with database.writing() as connection:
        elsewhere = await officer(connection, unit="dit")
        far = await room(connection, province="pco-nan")
        closed = await room(connection, active=False, capacity=9)
        afternoons = await officer(connection, hours=[(1, 780, 990)])
    for pair, field in [
        ((elsewhere, place[1]), "officer"),
        ((place[0], far), "room"),
        ((place[0], closed), "room"),
        ((afternoons, place[1]), "officer"),
        ((place[0], place[1]), "room"),  # four seats for five
    ]:
        with pytest.raises(Refused) as refused:
            await agree(database, clock, one, pair)
        assert set(refused.value.fields) == {field}


async def test_an_act_based_on_an_old_version_is_refused(database, clock, place):
    one = await asked(database, clock)
    await agree(database, clock, one, place)
    with pytest.raises(Refused) as refused:
        await cancel(database, clock, one)
    assert refused.value.status == 412


async def test_a_form_saved_twice_is_one_appointment(database, clock):
    one = await asked(database, clock, form_key="f1")
    assert await asked(database, clock, form_key="f1", name="อื่น") == one
    with pytest.raises(Refused, match="Somebody else"):
        await asked(database, clock, form_key="f1", by=account(Role.SUPERVISOR))


async def test_an_opening_nobody_can_believe_is_unknown(database, clock):
    assert (await asked(database, clock, opened=clock.at + 1)).opened_us is None
    assert (await asked(database, clock, opened=1)).opened_us is None


async def test_what_was_wished_can_be_changed_until_a_place_is_kept(database, clock, place):
    async def edit(one, **given):
        async with database.writing() as connection:
            return await acts.edit(
                connection, clock, AGENT, OFFICES, one.ref, one.version, wish(**given)
            )

    one = await edit(await asked(database, clock), province="pco-nan", topic="อื่น")
    assert (one.topic, one.version) == ("อื่น", 2)
    one = await agree(database, clock, await edit(one), place)
    one = await edit(one, topic="อีก", party=4)
    with pytest.raises(Refused, match="kept"):
        await edit(one, province="pco-nan")
    with pytest.raises(Refused, match="4 seats for 5"):
        await edit(one, party=5)


async def test_a_person_is_not_told_in_a_way_that_cannot_be(database, clock, place):
    one = await agree(
        database, clock, await asked(database, clock, phone="02 234 5678", email=""), place
    )
    for ways in ([], ["sms"], ["email"]):
        with pytest.raises(Refused) as refused:
            await notify(database, clock, one, *ways)
        assert refused.value.code == "cannot-be-told-so"
    assert (await notify(database, clock, one, "voice")).state == State.NOTIFIED
    clock.set("2026-11-24T10:00")
    late = await agree(
        database, clock, await asked(database, clock), place, starts=at("2026-11-25T10:00")
    )
    clock.set("2026-11-25T10:00")
    with pytest.raises(Refused, match="has passed"):
        await notify(database, clock, late, "voice")


async def test_outside_officers_see_and_do_their_own_alone(database, clock, place):
    one = await asked(database, clock)
    await asked(database, clock, unit="dit", province="pco-nan")
    dip, dit = account(Role.AGENCY_OFFICER, "dip"), account(Role.AGENCY_OFFICER, "dit")
    krabi = account(Role.PROVINCIAL_OFFICER, "pco-krabi")
    async with database.reading() as connection:
        assert [a.ref for a in await appointments.listed(connection, dip)] == [one.ref]
        assert [a.ref for a in await appointments.listed(connection, krabi)] == [one.ref]
        assert len(await appointments.listed(connection, AGENT)) == 2
        assert await appointments.listed(connection, account(Role.PROVINCIAL_OFFICER)) == []
        for stranger in (dit, account(Role.PROVINCIAL_OFFICER, "pco-nan")):
            with pytest.raises(Refused) as refused:
                await appointments.find(connection, stranger, one.ref)
            assert refused.value.status == 404
        assert (await appointments.find(connection, krabi, f"๖๙ {one.ref[3:]}")).id == one.id
    with pytest.raises(Refused) as refused:
        await agree(database, clock, one, place, by=krabi)
    assert refused.value.status == 403
    assert (await agree(database, clock, one, place, by=dip)).state == State.AGREED
    async with database.reading() as connection:
        day = at("2026-11-24T00:00")
        found = await appointments.between(connection, krabi, day, day + 24 * HOUR)
        assert [a.ref for a in found] == [one.ref]


async def test_lists_go_on_where_the_page_before_ended(database, clock):
    people = [(await person(database, name)).id for name in ("สมชาย", "มาลี")]
    refs = [(await asked(database, clock, person_id=people[n % 2])).ref for n in range(5)]
    async with database.reading() as connection:
        seen, before = [], None
        while page := await appointments.listed(connection, AGENT, before=before, limit=2):
            seen += [a.ref for a in page]
            before = (page[-1].saved_us, page[-1].id)
        assert sorted(seen) == refs
        mine = await appointments.listed(connection, AGENT, person_id=people[1])
        assert {a.person_id for a in mine} == {people[1]}
        assert await appointments.listed(connection, AGENT, states=[State.HELD]) == []
        known = await appointments.open_appointments(connection, ["+66812345678"], None)
        assert len(known) == 5
        assert len(await appointments.open_appointments(connection, [], people[0])) == 3
        assert await appointments.open_appointments(connection, [], None) == []


async def test_a_closed_time_holds_and_is_given_back(database, clock, place):
    who = place[0]
    async with database.writing() as connection:
        away = await bookings.block(connection, clock, who.resource, TUESDAY, TUESDAY + HOUR, "ลา")
    one = await asked(database, clock)
    with pytest.raises(Refused, match="officer is taken"):
        await agree(database, clock, one, place)
    async with database.writing() as connection:
        assert await bookings.blocks(connection, who.resource, TUESDAY) == [away]
        with pytest.raises(Refused):
            await bookings.unblock(connection, place[1].resource, away.id)
        await bookings.unblock(connection, who.resource, away.id)
    await agree(database, clock, one, place)

    async def away_then(starts, ends):
        async with database.writing() as connection:
            await bookings.block(connection, clock, who.resource, starts, ends, "")

    with pytest.raises(Refused, match="There are appointments"):
        await away_then(TUESDAY + 3 * TICK, TUESDAY + 5 * TICK)
    with pytest.raises(Refused, match="after the beginning"):
        await away_then(TUESDAY, TUESDAY)
    with pytest.raises(Refused, match="60 days"):
        await away_then(TUESDAY, TUESDAY + 61 * 24 * HOUR)


async def test_rooms_and_officers_are_kept_as_they_should_be(database, clock):
    async with database.writing() as connection:
        assert await resources.fill_rooms(connection, OFFICES) == 2
        assert await resources.fill_rooms(connection, OFFICES) == 0
        (one,) = await resources.rooms(connection, province="pco-nan")
        new = await resources.save_room(
            connection, OFFICES, one.id, province="pco-nan", name_th="ห้อง\r\nใหญ่", name_en="",
            capacity=20,
        )  # fmt: skip
        assert (new.name_th, new.version) == ("ห้อง ใหญ่", 2)
        who = await officer(connection, hours=[(0, 510, 720), (0, 780, 900)])
        assert who.hours == ((0, 510, 720), (0, 780, 900))
        for given in (
            {"hours": [(0, 510, 720), (0, 700, 900)]},
            {"hours": [(7, 510, 720)]},
            {"unit": "pco-nan"},
            {"name_th": " "},
            {"email": "a@b.th\n"},
        ):
            with pytest.raises(Refused):
                await officer(connection, **given)
        for given in ({"province": "dip"}, {"capacity": 0}, {"opens": 600, "closes": 600}):
            with pytest.raises(Refused):
                await room(connection, **given)


async def test_reminders_go_to_the_number_as_it_is_now(database, clock, place):
    one = await agree(database, clock, await asked(database, clock), place)
    one = await notify(database, clock, one, "voice")
    old = {m.id for m in await outgoing(database, one)}
    async with database.writing() as connection:
        one = await notices.edit(
            connection, clock, AGENT, OFFICES, one.ref, one.version,
            wish(phone="089 999 9999"), weekday,
        )  # fmt: skip
    reminders = [m for m in await outgoing(database, one) if m.kind == "sms"]
    assert [m.to for m in reminders] == ["+66899999999"] * 2
    assert not old & {m.id for m in reminders}
    assert {m.to for m in await outgoing(database, one, "withdrawn")} == {"+66812345678"}


async def test_of_reminders_that_were_missed_one_goes(database, clock, place):
    one = await agree(database, clock, await asked(database, clock), place)
    one = await notify(database, clock, one, "voice")
    clock.set("2026-11-24T07:45")  # nothing ran since the day before
    sent: list[str] = []

    class Gateway:
        name = "kept"

        async def send(self, message: messages.Message) -> str:
            sent.append(message.text)
            return message.id

        async def close(self) -> None: ...

    gateways = {"sms": Gateway(), "email": Gateway()}
    while await deliver_due(database, clock, gateways):
        pass
    assert [text for text in sent if "เตือน" in text] == []
    assert sum("วันนี้" in text for text in sent) == 1
