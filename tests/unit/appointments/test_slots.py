"""When an officer and a room are both free; the table of states; the invitation; the steps."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from crm_bridge.access.roles import Role
from crm_bridge.appointments.appointment import Appointment, checked, checked_link
from crm_bridge.appointments.appointment_letters import Meeting, can_text, letter, text_message
from crm_bridge.appointments.appointment_notices import reminder_times
from crm_bridge.appointments.appointment_steps import timings
from crm_bridge.appointments.appointment_workflow import (
    ACTS,
    BOOKED,
    CLOSED,
    STATES,
    TABLE,
    WHO,
    Act,
    State,
    next_state,
    sees,
)
from crm_bridge.appointments.invitation import DOCUMENTS, Invitation, ics
from crm_bridge.appointments.offices import offices
from crm_bridge.appointments.slots import TICK, Officer, Room, minutes_of, slots, ticks
from crm_bridge.errors import Refused
from crm_bridge.outgoing.messages import parts
from ivr.steps.standards import load_standards
from tests.support.appointments import OFFICES, SENDER, TUESDAY, account, weekday, wish
from tests.support.desk_clock import at
from tests.support.scenario import config_of

DAY = date(2026, 11, 24)
OFFICER = Officer("o1", "dip", "อรทัย", "Orathai", "o@moc.example", True, 1)
ROOM = Room("r1", "pco-krabi", "ห้อง 1", "Room 1", 4, 8 * 60, 17 * 60, True, 1)


def free(**given):
    values = {
        "officers": [OFFICER],
        "rooms": [ROOM],
        "taken": set(),
        "working": weekday,
        "now": at("2026-11-23T09:00"),
    }
    return slots(given.pop("day", DAY), given.pop("minutes", 60), **{**values, **given})


def times(found):
    return [f"{minutes_of(s.starts) // 60:02}:{minutes_of(s.starts) % 60:02}" for s in found]


def test_a_day_has_the_office_s_hours_without_midday():
    assert times(free()) == [
        "08:30", "09:00", "09:30", "10:00", "10:30", "11:00",
        "13:00", "13:30", "14:00", "14:30", "15:00", "15:30",
    ]  # fmt: skip
    assert all(slot.free for slot in free())
    assert times(free(minutes=120))[-1] == "14:30"


def test_no_slot_on_a_day_offices_do_not_work_nor_in_the_past():
    assert free(day=date(2026, 11, 28)) == []
    assert times(free(now=at("2026-11-24T14:30"))) == ["15:00", "15:30"]
    assert free(now=at("2026-11-25T08:00")) == []


def test_what_is_taken_is_not_free_to_the_quarter_hour():
    taken = {(OFFICER.resource, tick) for tick in ticks(TUESDAY, TUESDAY + TICK)}
    busy = {
        time for time, slot in zip(times(free()), free(taken=taken), strict=True) if not slot.free
    }
    assert busy == {"09:30", "10:00"}
    other = replace(OFFICER, id="o2")
    both = free(taken=taken, officers=[OFFICER, other])
    assert [slot.officers for slot in both if slot.starts == TUESDAY] == [("o2",)]


def test_the_officer_s_and_the_room_s_hours_and_seats_count():
    mornings = replace(OFFICER, hours=((1, 510, 720),))
    assert times(s for s in free(officers=[mornings]) if s.free)[-1] == "11:00"
    assert not any(s.free for s in free(officers=[mornings], day=date(2026, 11, 25)))
    late = replace(ROOM, opens=13 * 60)
    assert times(s for s in free(rooms=[late]) if s.free)[0] == "13:00"
    assert not any(s.free for s in free(party=5))
    assert not any(s.free for s in free(rooms=[replace(ROOM, active=False)]))


@given(st.integers(0, 10**16), st.integers(1, 10**11))
def test_ticks_cover_a_time_and_no_more(start, length):
    found = ticks(start, start + length)
    assert found.start * TICK <= start
    assert start + length <= found.stop * TICK
    assert (found.stop - found.start) * TICK < length + 2 * TICK


def test_every_state_and_act_has_its_words_and_its_people():
    assert set(STATES) == set(State)
    assert set(ACTS) == set(WHO) == set(Act)
    assert {state for state, _ in TABLE} | set(TABLE.values()) == set(State)
    assert set(State) - CLOSED - BOOKED == {State.REQUESTED}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("act", Act)
def test_an_act_leads_somewhere_or_says_why_not(state, act):
    if (state, act) in TABLE:
        assert next_state(state, act) == TABLE[state, act]
        return
    with pytest.raises(Refused) as refused:
        next_state(state, act)
    assert refused.value.th != refused.value.en
    assert refused.value.status == 409


def test_who_sees_what():
    inside = set(Role) - {Role.AGENCY_OFFICER, Role.PROVINCIAL_OFFICER}
    assert all(sees(account(role), "dip", "pco-krabi") for role in inside)
    assert sees(account(Role.AGENCY_OFFICER, "dip"), "dip", "pco-krabi")
    assert not sees(account(Role.AGENCY_OFFICER, "dit"), "dip", "pco-krabi")
    assert not sees(account(Role.AGENCY_OFFICER, "pco-krabi"), "dip", "pco-krabi")
    assert sees(account(Role.PROVINCIAL_OFFICER, "pco-krabi"), "dip", "pco-krabi")
    assert not sees(account(Role.PROVINCIAL_OFFICER, "pco-nan"), "dip", "pco-krabi")
    assert not sees(account(Role.PROVINCIAL_OFFICER), "dip", "pco-krabi")


def test_what_is_taken_down_is_cleaned_and_what_is_wrong_is_named_all_at_once():
    kept = checked(wish(name=" สมชาย\r\nBcc:\u202e x ", topic="ก\r\nข\x00"), OFFICES)
    assert kept["name"] == "สมชาย Bcc: x"
    assert kept["topic"] == "ก\nข"
    assert kept["phone"] == "+66812345678"
    with pytest.raises(Refused) as refused:
        checked(
            wish(name=" ", phone="12", email="x\n@y", topic="ก" * 2001, unit="pco-nan",
                 province="dip", party=0),
            OFFICES,
        )  # fmt: skip
    assert set(refused.value.fields) == {
        "name", "phone", "email", "topic", "unit", "province", "party",
    }  # fmt: skip
    with pytest.raises(Refused) as refused:
        checked(wish(phone="", email=""), OFFICES)
    assert set(refused.value.fields) == {"phone"}


@pytest.mark.parametrize("bad", ["javascript:alert(1)", "https://x y", 'https://x"onclick=', "x"])
def test_a_link_is_http_or_none(bad):
    assert checked_link("") is None
    assert checked_link("https://vdo.example/j/12?pwd=a") == "https://vdo.example/j/12?pwd=a"
    with pytest.raises(Refused):
        checked_link(bad)


def test_the_offices_of_the_directory():
    known = offices(config_of("ours"))
    assert [office.id for office in known.units][:2] == ["dit", "dbd"]
    assert known.is_province("dit") is False
    assert OFFICES.name("pco-nan", "en") == "Nan Provincial Commerce Office"
    assert OFFICES.name("gone") == "gone"


def appointment(**given) -> Appointment:
    values = dict.fromkeys(Appointment.__dataclass_fields__)
    values |= {
        "id": "a1", "ref": "69-000001-2", "state": State.AGREED, "name": "สมชาย", "surname": "ใจดี",
        "phone": "+66812345678", "email": "somchai@example.th", "language": "th", "party": 1,
        "topic": "จดทะเบียน; เครื่องหมาย,\nการค้า", "unit": "dip", "province": "pco-krabi",
        "wish_note": "", "sequence": 0, "invited": "", "saved_us": at("2026-11-23T09:04"),
        "starts_us": TUESDAY, "ends_us": TUESDAY + 4 * TICK, "updated_us": at("2026-11-23T09:10"),
        "created_by": "x", "version": 1,
    }  # fmt: skip
    return Appointment(**{**values, **given})


def meeting(**given) -> Meeting:
    one = appointment(**given)
    return Meeting(one, OFFICER, ROOM, OFFICES, one.starts_us, one.ends_us)


@pytest.mark.parametrize("occasion", ["notify", "move", "before", "today", "cancel"])
@pytest.mark.parametrize("language", ["th", "en"])
def test_a_text_message_says_when_where_and_which_and_is_short(occasion, language):
    text = text_message(meeting(language=language), occasion)
    assert "69-000001-2" in text
    assert ("กระบี่" if language == "th" else "Krabi") in text
    assert ("10.00-11.00" if language == "th" else "10:00-11:00") in text
    assert ("2569" if language == "th" else "2026") in text
    assert parts(text) <= 4


def test_a_letter_tells_what_to_bring():
    assert DOCUMENTS[0] in letter(meeting(), "th")
    assert DOCUMENTS[1] in letter(meeting(), "en")
    assert "สมชาย ใจดี" in letter(meeting(), "th", officer=True)


def test_which_numbers_take_text_messages():
    assert can_text("+66812345678")
    assert not can_text("+6622345678")
    assert not can_text(None)
    assert can_text("+14155552671")


def invitation(**given) -> Invitation:
    values = {
        "appointment_id": "a1", "sequence": 0, "starts": TUESDAY, "ends": TUESDAY + 4 * TICK,
        "stamped": at("2026-11-23T09:10"), "summary": "นัดหมาย",
        "description": letter(meeting(), "th"),
        "location": "กระบี่, ห้อง 1; ชั้น 2", "organizer": SENDER, "organizer_name": "สายด่วน 1203",
        "attendees": (('สม"ชาย\r\nATTENDEE:mailto:evil@x.th', "somchai@example.th"),),
    }  # fmt: skip
    return Invitation(**{**values, **given})


@pytest.mark.parametrize("method", ["REQUEST", "CANCEL", "PUBLISH"])
def test_an_invitation_is_read_back_as_it_was_meant(method):
    raw = ics(invitation(), method)
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    calendar = Calendar.from_ical(raw)
    assert calendar["METHOD"] == method
    (event,) = calendar.walk("VEVENT")
    assert event["UID"] == "a1@moc.example"
    assert event["SEQUENCE"] == 0
    starts = event.decoded("DTSTART")
    assert starts.isoformat() == "2026-11-24T10:00:00+07:00"
    assert event["DTSTART"].params["TZID"] == "Asia/Bangkok"
    assert event.decoded("DTEND").isoformat() == "2026-11-24T11:00:00+07:00"
    assert event["DTSTAMP"].dt.isoformat() == "2026-11-23T02:10:00+00:00"
    assert event["LOCATION"] == "กระบี่, ห้อง 1; ชั้น 2"
    assert "จดทะเบียน; เครื่องหมาย,\nการค้า" in event["DESCRIPTION"]
    assert DOCUMENTS[0] in event["DESCRIPTION"]
    assert event["STATUS"] == ("CANCELLED" if method == "CANCEL" else "CONFIRMED")
    assert [str(z["TZID"]) for z in calendar.walk("VTIMEZONE")] == ["Asia/Bangkok"]
    invited = event.get("ATTENDEE")
    assert (invited is None) == (method == "PUBLISH")
    if invited is not None:
        assert str(invited) == "mailto:somchai@example.th"  # one, whatever the name tries


def test_a_move_keeps_the_uid_and_grows_the_sequence():
    first, second = (
        Calendar.from_ical(ics(invitation(sequence=n), "REQUEST")).walk("VEVENT")[0] for n in (0, 1)
    )
    assert first["UID"] == second["UID"]
    assert first["SEQUENCE"] < second["SEQUENCE"]


def test_reminders_go_the_working_day_before_and_on_the_day():
    monday = at("2026-11-30T10:00")
    assert reminder_times(monday, at("2026-11-23T09:00"), weekday) == [
        ("before", at("2026-11-27T09:00")),
        ("today", at("2026-11-30T07:30")),
    ]
    assert [o for o, _ in reminder_times(TUESDAY, at("2026-11-23T09:30"), weekday)] == ["today"]
    assert reminder_times(TUESDAY, at("2026-11-24T08:00"), weekday) == []


def test_the_steps_are_timed_and_judged():
    standards = load_standards()
    one = appointment(
        opened_us=at("2026-11-23T09:00"),
        saved_us=at("2026-11-23T09:05"),
        agreed_us=at("2026-11-23T09:16"),
    )
    found = timings(one, standards, at("2026-11-23T09:17"))
    assert [(t.step, t.state, t.evidence, t.standard_seconds) for t in found] == [
        ("intake", "within", "declared", 300),
        ("coordinate", "over", "declared", 600),
        ("notify", "open", "declared", 300),
    ]
    assert found[1].elapsed == 11 * 60 * 1_000_000
    late = timings(one, standards, at("2026-11-23T10:00"))
    assert late[2].state == "over"
    unknown = timings(replace(one, opened_us=None, agreed_us=None), standards, one.saved_us + 1)
    assert [(t.step, t.evidence, t.elapsed) for t in unknown] == [
        ("intake", "unknown", None),
        ("coordinate", "declared", 1),
    ]
