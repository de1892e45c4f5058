"""What the API of appointments takes and gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import Path
from pydantic import AfterValidator, BaseModel, Field

from crm_bridge.access.account import Account
from crm_bridge.appointments.appointment import Appointment, Event, Wish
from crm_bridge.appointments.appointment_steps import timings
from crm_bridge.appointments.appointment_workflow import Act, State, allowed
from crm_bridge.appointments.bookings import Block
from crm_bridge.appointments.offices import Offices
from crm_bridge.appointments.slots import OFFICE_HOURS, Officer, Room, Slot
from crm_bridge.clock import iso
from ivr.calls.call import Micros
from ivr.steps.standards import OFFICE_ZONE, Standards
from ivr.steps.timing import StepTiming

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
VISIBLE: Final = r"^[\x21-\x7e]+$"
Ref = Annotated[str, Path(max_length=40, description="the appointment's number, as written")]
Id = Annotated[str, Path(max_length=64, pattern=VISIBLE)]


def _sensible(moment: datetime) -> datetime:
    if not 2000 <= moment.year <= 2200:
        raise ValueError("a time between the years 2000 and 2200")
    return moment


Moment = Annotated[
    datetime,
    AfterValidator(_sensible),
    Field(description="ISO 8601; without an offset it is the office's wall clock, Asia/Bangkok"),
]


def micros_of(moment: datetime) -> Micros:
    """The moment in microseconds; without an offset it is Bangkok's."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=OFFICE_ZONE)
    return (moment - EPOCH) // timedelta(microseconds=1)


def draft_key(call_id: str | None, person_id: str | None) -> str:
    """The name of the form's draft: of its call, else of its person, else of any new one."""
    return f"appointment:{call_id or person_id or 'new'}"


class WishIn(BaseModel):
    """What the person wants."""

    name: str = Field(max_length=200)
    surname: str = Field(max_length=200)
    phone: str = Field("", max_length=50)
    email: str = Field("", max_length=300)
    topic: str = Field(max_length=5000, description="the issue to be discussed")
    unit: str = Field(max_length=64, description="agency id of the unit at the centre")
    province: str = Field(max_length=64, description="agency id of the provincial office")
    language: Literal["th", "en"] = "th"
    party: int = Field(1, ge=1, le=50, description="how many persons come")
    wish_at: Moment | None = None
    wish_note: str = Field("", max_length=2000, description="other times that would suit")

    def wish(self) -> Wish:
        """As the cases know it."""
        values = self.model_dump(include=set(Wish.__slots__) - {"wish"})
        return Wish(**values, wish=micros_of(self.wish_at) if self.wish_at else None)


class NewAppointment(WishIn):
    """A request as it is saved from the form."""

    opened_at: Moment | None = Field(None, description="when the form was opened")
    form_key: str | None = Field(
        None, pattern=r"^[0-9a-f]{32}$", description="the form's own name: saved twice, it is one"
    )
    call_id: str | None = Field(None, max_length=200, pattern=VISIBLE)
    person_id: str | None = Field(None, max_length=64, pattern=VISIBLE)


class Agreed(BaseModel):
    """The time agreed with the central officer, and whom and what is kept for it."""

    officer: str = Field(max_length=64, pattern=VISIBLE)
    room: str = Field(max_length=64, pattern=VISIBLE)
    starts_at: Moment
    minutes: int = Field(60, ge=1, le=600)
    link: str = Field("", max_length=600, description="where the VDO conference is joined")


class Moved(Agreed):
    """Another time."""

    reason: str = Field("", max_length=1000)


class Told(BaseModel):
    """How the person is told."""

    ways: list[Literal["voice", "sms", "email"]] = Field(max_length=3)


class Reason(BaseModel):
    """Why."""

    reason: str = Field("", max_length=1000)


class Step(BaseModel):
    """One published step and its judgement."""

    step: str
    started_at: str
    ended_at: str | None
    elapsed_seconds: float | None
    standard_seconds: int | None
    state: str
    evidence: str


class Line(BaseModel):
    """One line of the history."""

    at: str
    by: str
    act: Act
    state: State
    starts_at: str | None
    note: str


class AppointmentOut(BaseModel):
    """An appointment."""

    ref: str
    state: State
    name: str
    surname: str
    phone: str | None
    email: str | None
    language: str
    party: int
    topic: str
    unit: str
    unit_name_th: str
    province: str
    province_name_th: str
    wish_at: str | None
    wish_note: str
    officer: str | None
    room: str | None
    starts_at: str | None
    ends_at: str | None
    link: str | None
    told: list[str]
    call_id: str | None
    person_id: str | None
    saved_at: str
    agreed_at: str | None
    told_at: str | None
    closed_at: str | None
    version: int
    acts: list[Act] = Field(description="what you may do with it now")
    steps: list[Step]
    history: list[Line] | None = None


def step_out(timing: StepTiming) -> Step:
    """A step as the contract writes it."""
    return Step(
        step=timing.step,
        started_at=iso(timing.started_at),
        ended_at=_iso(timing.ended_at),
        elapsed_seconds=None if timing.elapsed is None else timing.elapsed / 1_000_000,
        standard_seconds=timing.standard_seconds,
        state=timing.state,
        evidence=timing.evidence.value,
    )


def appointment_out(
    one: Appointment,
    me: Account,
    offices: Offices,
    standards: Standards,
    now: Micros,
    history: list[Event] | None = None,
) -> AppointmentOut:
    """An appointment as this account is given it."""
    return AppointmentOut(
        ref=one.ref,
        state=one.state,
        name=one.name,
        surname=one.surname,
        phone=one.phone,
        email=one.email,
        language=one.language,
        party=one.party,
        topic=one.topic,
        unit=one.unit,
        unit_name_th=offices.name(one.unit),
        province=one.province,
        province_name_th=offices.name(one.province),
        wish_at=_iso(one.wish_us),
        wish_note=one.wish_note,
        officer=one.officer_id,
        room=one.room_id,
        starts_at=_iso(one.starts_us),
        ends_at=_iso(one.ends_us),
        link=one.link,
        told=one.invited.split(),
        call_id=None if me.outside else one.call_id,  # the person's record is the hotline's own
        person_id=None if me.outside else one.person_id,
        saved_at=iso(one.saved_us),
        agreed_at=_iso(one.agreed_us),
        told_at=_iso(one.told_us),
        closed_at=_iso(one.closed_us),
        version=one.version,
        acts=[act for act in Act if allowed(me, one.state, act)],
        steps=[step_out(timing) for timing in timings(one, standards, now)],
        history=None
        if history is None
        else [
            Line(
                at=iso(e.at),
                by=e.by_name,
                act=e.act,
                state=e.state,
                starts_at=_iso(e.starts),
                note=e.note,
            )
            for e in history
        ],
    )


class SlotOut(BaseModel):
    """A time of a day."""

    starts_at: str
    ends_at: str
    time: str = Field(description="the office's wall clock, HH:MM")
    free: bool
    officers: list[str] = Field(description="ids of those free")
    rooms: list[str] = Field(description="ids of those free")


class Slots(BaseModel):
    """The times of a day."""

    working_day: bool
    slots: list[SlotOut]
    officers: list[dict[str, str]] = Field(description="id and names of the unit's officers")
    rooms: list[dict[str, str]] = Field(description="id and names of the province's rooms")


def slot_out(slot: Slot) -> SlotOut:
    """A slot as the API gives it."""
    local = (EPOCH + timedelta(microseconds=slot.starts)).astimezone(OFFICE_ZONE)
    return SlotOut(
        starts_at=iso(slot.starts),
        ends_at=iso(slot.ends),
        time=f"{local:%H:%M}",
        free=slot.free,
        officers=list(slot.officers),
        rooms=list(slot.rooms),
    )


Minute = Annotated[int, Field(ge=0, le=1440, description="minutes since midnight in Bangkok")]


WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Part = Annotated[
    str,
    Field(
        pattern=r"^(mon|tue|wed|thu|fri|sat|sun) [0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$",
        description="a part of a weekday in Bangkok: `mon 08:30-12:00`",
    ),
]


def _part(text: str) -> tuple[int, int, int]:
    """Weekday (Monday 0), from minute, to minute; the pattern has been held."""
    weekday, _, span = text.partition(" ")
    opens, closes = (int(clock[:2]) * 60 + int(clock[3:]) for clock in span.split("-"))
    return (WEEKDAYS.index(weekday), opens, closes)


def part_text(weekday: int, opens: int, closes: int) -> str:
    """A part of a weekday as the API writes it."""
    start, end = (f"{minute // 60:02}:{minute % 60:02}" for minute in (opens, closes))
    return f"{WEEKDAYS[weekday]} {start}-{end}"


class OfficerIn(BaseModel):
    """An officer at the centre whom a person can meet."""

    unit: str = Field(max_length=64)
    name_th: str = Field(max_length=200)
    name_en: str = Field("", max_length=200)
    email: str | None = Field(None, max_length=300)
    active: bool = True
    hours: list[Part] = Field([], max_length=28, description="none: all office hours")

    def values(self) -> dict[str, Any]:
        """As the cases take them."""
        rest = self.model_dump(exclude={"hours"})
        return {**rest, "hours": [_part(text) for text in self.hours]}


class OfficerOut(OfficerIn):
    """An officer."""

    id: str
    version: int


class RoomIn(BaseModel):
    """A room with VDO conference."""

    province: str = Field(max_length=64)
    name_th: str = Field(max_length=200)
    name_en: str = Field("", max_length=200)
    capacity: int = Field(ge=1, le=200, description="seats")
    opens: Minute = OFFICE_HOURS[0][0]
    closes: Minute = OFFICE_HOURS[-1][1]
    active: bool = True


class RoomOut(RoomIn):
    """A room."""

    id: str
    version: int


class BlockIn(BaseModel):
    """A time at which an officer is away or a room is not to be had."""

    starts_at: Moment
    ends_at: Moment
    reason: str = Field("", max_length=500)


class BlockOut(BaseModel):
    """A closed time."""

    id: str
    starts_at: str
    ends_at: str
    reason: str


class Filled(BaseModel):
    """How many rooms were made."""

    made: int


def officer_out(one: Officer) -> OfficerOut:
    """An officer as the API gives it."""
    return OfficerOut(
        id=one.id,
        version=one.version,
        unit=one.unit,
        name_th=one.name_th,
        name_en=one.name_en,
        email=one.email,
        active=one.active,
        hours=[part_text(*part) for part in one.hours],
    )


def room_out(one: Room) -> RoomOut:
    """A room as the API gives it."""
    return RoomOut(
        id=one.id,
        version=one.version,
        province=one.province,
        name_th=one.name_th,
        name_en=one.name_en,
        capacity=one.capacity,
        opens=one.opens,
        closes=one.closes,
        active=one.active,
    )


def block_out(one: Block) -> BlockOut:
    """A closed time as the API gives it."""
    return BlockOut(id=one.id, starts_at=iso(one.starts), ends_at=iso(one.ends), reason=one.reason)


def _iso(moment: Micros | None) -> str | None:
    return None if moment is None else iso(moment)
