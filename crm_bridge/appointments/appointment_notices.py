"""Telling the person of an appointment, reminding, and taking it back: what goes out, to whom.

The officer at the centre is invited by e-mail with the person. A reminder goes one working day
before and on the day; a move or a cancellation takes back what has not gone yet.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.appointments import appointment_acts
from crm_bridge.appointments.appointment import Appointment, Wish
from crm_bridge.appointments.appointment_letters import (
    WAYS,
    Meeting,
    Way,
    can_text,
    invitation,
    letter,
    meeting,
    summary,
    text_message,
)
from crm_bridge.appointments.appointment_workflow import Act, State
from crm_bridge.appointments.appointments import find
from crm_bridge.appointments.invitation import Method
from crm_bridge.appointments.offices import Offices
from crm_bridge.appointments.slots import MINUTE, IsWorkingDay
from crm_bridge.cases.working_days import office_day, start_of
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.outgoing import messages
from ivr.calls.call import Micros

DAY_BEFORE_AT: Final = 9 * 60
"""Minute of the day at which the reminder of the working day before goes."""
ON_THE_DAY_AT: Final = 7 * 60 + 30


async def notify(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    offices: Offices,
    sender: str,
    ref: str,
    version: int,
    ways: Collection[Way],
    working: IsWorkingDay,
) -> Appointment:
    """The person has been told (`voice`) or is told now: the step notify ends. Reminders are set.

    One who was told already is told again: what still waits to go, perhaps to a number that was
    wrong, is taken back first. `Refused` where a way is asked for that the appointment has no
    number or address for.
    """
    found = await appointment_acts.acted(connection, by, ref, version, Act.NOTIFY)
    _check_ways(found, ways)
    now = clock.now_us()
    if found.starts_us is not None and found.starts_us <= now:
        raise Refused(
            "time-has-passed",
            "เวลานัดหมายผ่านไปแล้ว ให้เลื่อนนัดก่อน",
            "The time agreed has passed: move the appointment first",
        )
    await messages.withdraw(connection, ("appointment", found.id))
    if found.email and "email" in found.invited.split():
        ways = {*ways, "email"}  # a calendar that has it, or was to have it, must have what counts
    told = await appointment_acts.write(
        connection,
        clock,
        by,
        found,
        Act.NOTIFY,
        ", ".join(WAYS[way][0] for way in WAYS if way in ways),
        told_us=found.told_us or now,
        invited=" ".join(way for way in WAYS if way in ways),
    )
    held = await _booked(connection, offices, told)
    occasion = telling(found)
    # the version: the same sequence may be told again in another way
    key = f"appointment:{told.id}:{told.version}"
    if "sms" in ways:
        await _text(connection, clock, held, occasion, key)
    if "email" in ways:
        await _mail(connection, clock, held, "REQUEST", sender, key)
    await _mail_officer(connection, clock, held, "REQUEST", sender, key)
    await _reminders(connection, clock, held, working)
    return told


def telling(found: Appointment) -> str:
    """As what the person is told of it now: a time that was moved, or the time agreed."""
    return "move" if found.told_us is not None and found.state is State.MOVED else "notify"


async def edit(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    offices: Offices,
    ref: str,
    version: int,
    wish: Wish,
    working: IsWorkingDay,
) -> Appointment:
    """`appointment_acts.edit`; reminders that wait go to the number or address as it is now."""
    now = await appointment_acts.edit(connection, clock, by, offices, ref, version, wish)
    if now.state is State.NOTIFIED:
        await messages.withdraw(connection, ("appointment", now.id), dedupe_starts=_remind(now))
        held = await _booked(connection, offices, now)
        await _reminders(connection, clock, held, working)
    return now


def _check_ways(found: Appointment, ways: Collection[Way]) -> None:
    problem: tuple[str, str] | None = None
    if not ways:
        problem = ("โปรดเลือกวิธีแจ้งอย่างน้อยหนึ่งวิธี", "Choose at least one way")
    elif "sms" in ways and not can_text(found.phone):
        problem = (
            "ไม่มีหมายเลขโทรศัพท์เคลื่อนที่สำหรับส่งข้อความ",
            "There is no mobile number to send a text message to",
        )
    elif "email" in ways and not found.email:
        problem = ("ไม่มีที่อยู่อีเมล", "There is no e-mail address")
    if problem:
        raise Refused("cannot-be-told-so", *problem, 422, {"ways": problem})


async def _booked(connection: AsyncConnection, offices: Offices, found: Appointment) -> Meeting:
    held = await meeting(connection, offices, found)
    if held is None:
        raise RuntimeError("an appointment in this state has its time")
    return held


async def move(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    offices: Offices,
    sender: str,
    ref: str,
    version: int,
    **to: Any,
) -> Appointment:
    """`appointment_acts.move`, and what was to go out about the old time is taken back.

    An officer who no longer takes part is told so; the others are by `notify`.
    """
    before = await find(connection, by, ref)
    now = await appointment_acts.move(connection, clock, by, ref, version, **to)
    await messages.withdraw(connection, ("appointment", now.id))
    if before.told_us is not None and before.officer_id != now.officer_id:
        held = await _booked(connection, offices, replace(before, sequence=now.sequence))
        key = f"appointment:{now.id}:{now.version}:left"
        await _mail_officer(connection, clock, held, "CANCEL", sender, key)
    return now


async def cancel(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    offices: Offices,
    sender: str,
    ref: str,
    version: int,
    reason: str = "",
) -> Appointment:
    """Cancels it, takes back what was to go out, and tells those who had been told."""
    now = await appointment_acts.close(connection, clock, by, ref, version, Act.CANCEL, reason)
    await messages.withdraw(connection, ("appointment", now.id))
    held = await meeting(connection, offices, now)
    if held is None or now.told_us is None:
        return now
    key = f"appointment:{now.id}:{now.version}"
    if can_text(now.phone):
        await _text(connection, clock, held, "cancel", key)
    if now.email and "email" in now.invited.split():
        await _mail(connection, clock, held, "CANCEL", sender, key)
    await _mail_officer(connection, clock, held, "CANCEL", sender, key)
    return now


async def _text(
    connection: AsyncConnection,
    clock: Clock,
    held: Meeting,
    occasion: str,
    key: str,
    due: Micros | None = None,
    expires: Micros | None = None,
) -> None:
    await messages.enqueue(
        connection,
        clock,
        kind="sms",
        to=held.appointment.phone or "",
        text=text_message(held, occasion),
        about=held.about,
        dedupe=f"{key}:sms:{occasion}",
        due=due,
        expires=None if occasion == "cancel" else expires or held.starts,
    )


async def _mail(
    connection: AsyncConnection, clock: Clock, held: Meeting, method: Method, sender: str, key: str
) -> None:
    one = held.appointment
    english = one.language == "en"
    title = summary(held, one.language)
    head = f"Dear {one.full_name}" if english else f"เรียน คุณ{one.full_name}"
    if method == "CANCEL":
        title = f"{'Cancelled: ' if english else 'ยกเลิก: '}{title}"
        head += "\n\n" + ("The appointment is cancelled." if english else "ขอแจ้งยกเลิกนัดหมาย ดังนี้")
    await messages.enqueue(
        connection,
        clock,
        kind="email",
        to=one.email or "",
        subject=title,
        text=f"{head}\n\n{letter(held, one.language)}",
        calendar=invitation(held, method, sender),
        about=held.about,
        dedupe=f"{key}:email",
        expires=None if method == "CANCEL" else held.starts,
    )


async def _mail_officer(
    connection: AsyncConnection, clock: Clock, held: Meeting, method: Method, sender: str, key: str
) -> None:
    if not held.officer.email:
        return
    title = summary(held, "th")
    await messages.enqueue(
        connection,
        clock,
        kind="email",
        to=held.officer.email,
        subject=f"ยกเลิก: {title}" if method == "CANCEL" else title,
        text=f"เรียน {held.officer.name()}\n\n{letter(held, 'th', officer=True)}",
        calendar=invitation(held, method, sender, officer=True),
        about=held.about,
        dedupe=f"{key}:officer",
        expires=None if method == "CANCEL" else held.starts,
    )


def reminder_times(starts: Micros, now: Micros, working: IsWorkingDay) -> list[tuple[str, Micros]]:
    """When the reminders go, those still to come: the working day before, and the day itself."""
    day = office_day(starts)
    before = _working_day_before(day, working)
    wanted = [
        ("before", start_of(before) + DAY_BEFORE_AT * MINUTE),
        ("today", start_of(day) + ON_THE_DAY_AT * MINUTE),
    ]
    return [(occasion, due) for occasion, due in wanted if due > now]


def _working_day_before(day: date, working: IsWorkingDay) -> date:
    before = day - timedelta(days=1)
    while not working(before):
        before -= timedelta(days=1)
    return before


async def _reminders(
    connection: AsyncConnection,
    clock: Clock,
    held: Meeting,
    working: IsWorkingDay,
) -> None:
    """Text messages where the number takes them, else e-mails; that of the day before goes on the
    day itself no more, where another goes.
    """
    one = held.appointment
    key = f"{_remind(one)}{one.version}"
    for occasion, due in reminder_times(held.starts, clock.now_us(), working):
        last = start_of(office_day(held.starts)) if occasion == "before" else held.starts
        if can_text(one.phone):
            await _text(connection, clock, held, occasion, key, due, last)
        elif one.email:
            head = text_message(held, occasion)
            await messages.enqueue(
                connection,
                clock,
                kind="email",
                to=one.email,
                subject=summary(held, one.language),
                text=f"{head}\n\n{letter(held, one.language)}",
                about=held.about,
                dedupe=f"{key}:email:{occasion}",
                due=due,
                expires=last,
            )


def _remind(one: Appointment) -> str:
    """With what the dedupe of its reminders begins."""
    return f"appointment:{one.id}:remind:"
