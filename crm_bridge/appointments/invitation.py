"""The calendar invitation of an appointment (RFC 5545, 5546).

One UID for the appointment's life; SEQUENCE grows whenever its time changes or it is cancelled, so
that a calendar replaces what it holds. Times are Asia/Bangkok, with the zone in the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from icalendar import Alarm, Calendar, Event, Timezone, TimezoneStandard, vCalAddress

from ivr.calls.call import Micros
from ivr.steps.standards import OFFICE_ZONE

Method = Literal["REQUEST", "CANCEL", "PUBLISH"]

ZONE: Final = "Asia/Bangkok"
DOCUMENTS: Final = (
    "บัตรประจำตัวประชาชน / หนังสือเดินทาง หรือ หนังสือรับรองบุคคล (กรณีคนต่างด้าว)",
    "Identity card / passport, or a certificate of the person (for foreigners)",
)
"""What a person brings, in the guideline's own words."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """What an invitation says."""

    appointment_id: str
    sequence: int
    starts: Micros
    ends: Micros
    stamped: Micros
    """When this version of it was made."""
    summary: str
    description: str
    location: str
    organizer: str
    """The hotline's e-mail address."""
    organizer_name: str
    attendees: tuple[tuple[str, str], ...] = ()
    """Name and e-mail address of each."""
    link: str | None = None


def uid(appointment_id: str, organizer: str) -> str:
    """The name of the appointment in every calendar."""
    return f"{appointment_id}@{organizer.rpartition('@')[2]}"


def ics(invitation: Invitation, method: Method) -> bytes:
    """The invitation as a file; REQUEST to those invited, PUBLISH to whoever downloads it."""
    calendar = Calendar()
    calendar.add("PRODID", "-//hotline 1203//appointments//TH")
    calendar.add("VERSION", "2.0")
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("METHOD", method)
    calendar.add_component(_zone())
    event = Event()
    event.add("UID", uid(invitation.appointment_id, invitation.organizer))
    event.add("SEQUENCE", invitation.sequence)
    event.add("DTSTAMP", _utc(invitation.stamped))
    event.add("DTSTART", _local(invitation.starts), parameters={"TZID": ZONE})
    event.add("DTEND", _local(invitation.ends), parameters={"TZID": ZONE})
    event.add("SUMMARY", invitation.summary)
    event.add("DESCRIPTION", invitation.description)
    event.add("LOCATION", invitation.location)
    event.add("STATUS", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event.add("CLASS", "PRIVATE")
    if invitation.link:
        event.add("URL", invitation.link)
    event.add("ORGANIZER", _address(invitation.organizer_name, invitation.organizer))
    if method != "PUBLISH":
        for name, address in invitation.attendees:
            attendee = _address(name, address)
            attendee.params["ROLE"] = "REQ-PARTICIPANT"
            attendee.params["PARTSTAT"] = "NEEDS-ACTION"
            attendee.params["RSVP"] = "FALSE"
            event.add("ATTENDEE", attendee)
    if method != "CANCEL":
        alarm = Alarm()
        alarm.add("ACTION", "DISPLAY")
        alarm.add("DESCRIPTION", invitation.summary)
        alarm.add("TRIGGER", timedelta(hours=-1))
        event.add_component(alarm)
    calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written


def _zone() -> Timezone:
    """Thailand has kept +07 without summer time since 1920."""
    zone = Timezone()
    zone.add("TZID", ZONE)
    standard = TimezoneStandard()
    standard.add("DTSTART", datetime(1970, 1, 1))  # noqa: DTZ001  # local by definition
    standard.add("TZOFFSETFROM", timedelta(hours=7))
    standard.add("TZOFFSETTO", timedelta(hours=7))
    standard.add("TZNAME", "+07")
    zone.add_component(standard)
    return zone


def _address(name: str, address: str) -> vCalAddress:
    made = vCalAddress(f"mailto:{address}")
    made.params["CN"] = name
    return made


def _utc(moment: Micros) -> datetime:
    return datetime.fromtimestamp(moment // 1_000_000, UTC)


def _local(moment: Micros) -> datetime:
    return _utc(moment).astimezone(OFFICE_ZONE).replace(tzinfo=None)
