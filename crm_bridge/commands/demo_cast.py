"""Who plays in the demo: callers with a purpose each, officers and agencies who know what to do.

Real SIP telephones on a lab. An officer tells by the caller's number which part is played, so that
any number of callers may be on the line at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, cycle
from typing import Final

from crm_bridge.commands.demo_acts import Acts
from crm_bridge.commands.demo_acts import Part as DeskPart
from crm_bridge.commands.words import Lang
from ivr.lab import sip
from ivr.lab.asterisk import Lab
from ivr.lab.sipua import Identity, Leg, NotInTime, Phone, talk

_OFFICERS: Final = range(1001, 1008)
_AGENCIES: Final = range(2001, 2007)
_BUSY: Final = 2005
_KEYS: Final = {
    "complaint": "1", "information": "2", "appointment": "3", "status": "4", "guide": "5",
}  # fmt: skip
_MENU: Final = 1.6
"""Seconds until the lab's short prompts have brought a caller into the menu."""
_LONG: Final = 60.0

Part = Callable[["Played", Leg], Awaitable[None]]
"""What an officer does with a caller, from his own answer on."""


@dataclass(frozen=True, slots=True)
class Role:
    """One kind of call."""

    what: tuple[str, str]
    """In a line, Thai and English."""
    name: str
    part: Part
    service: str = "information"
    ring: float = 1.5
    """Seconds an officer lets it ring."""
    passes: str = ""
    """What the first officer does instead of answering: `rejects` or `ignores`."""
    patience: float = _LONG
    """Seconds until the caller gives up, where nobody answered."""
    withheld: bool = False
    desk: DeskPart = DeskPart.INFORMATION
    """What the officer does at the desk."""
    called_back: bool = False
    """An officer calls back whom nobody answered."""

    def says(self, lang: Lang) -> str:
        """What kind of call it is."""
        return self.what[lang is Lang.EN]


@dataclass(slots=True)
class Played:
    """One call of the demo."""

    role: Role
    number: str
    caller: Leg
    answers: int = 0
    passed: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class Cast:
    """The telephones of the demo; `async with` picks them up and puts them away."""

    def __init__(self, lab: Lab, acts: Acts | None = None) -> None:
        """`acts`: the officers are at the desk too."""
        self.lab = lab
        self.acts = acts
        self.failed = 0
        """Calls that did not go as scripted."""
        self._phones: list[Phone] = []
        self._carrier = Phone("carrier", lab.carrier, lab.server)
        self._on: dict[str, Played] = {}
        self._backs: dict[str, Role] = {}
        """Number → whose lost call is called back."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Cast:
        self._carrier.on_call = self._at_caller
        await self._carrier.open()
        self._phones.append(self._carrier)
        for number in (*_OFFICERS, *_AGENCIES):
            name = str(number)
            phone = Phone(
                name,
                self.lab.phone_address(number),
                self.lab.server,
                password=self.lab.secrets.get(name, ""),
            )
            await phone.open()
            self._phones.append(phone)
            if name in self.lab.secrets:
                await phone.register()
            phone.on_call = self._at_agency if number in _AGENCIES else self._at_officer
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for phone in self._phones:
            await phone.close()

    async def play(self, role: Role, number: str) -> None:
        """One call from its first ring to its end; what goes otherwise is counted, not raised."""
        ticket = ""
        if role.service == "status" and self.acts is not None and self.acts.tickets:
            number, ticket = self.acts.tickets[0]
        identity = Identity(number, role.name, role.withheld)
        leg = await self._carrier.call("1203", identity)
        key = "anonymous" if role.withheld else number
        played = self._on[key] = Played(role, number, leg)
        try:
            await leg.up()
            await talk(_MENU)
            if role.service in _KEYS:
                await leg.press(_KEYS[role.service])
            if ticket:
                await talk(_MENU)
                await leg.press(ticket.replace("-", ""))
            else:
                await self._waits(played)
            await leg.ended(_LONG)
        except NotInTime:
            self.failed += 1
        finally:
            leg.hang_up()  # also where the demo is stopped in mid-call
            self._on.pop(key, None)
        if role.called_back and self.acts is not None:
            self._backs[number] = role
            self.acts.spawn(self.acts.call_back(number))

    async def _waits(self, played: Played) -> None:
        """For an officer, as long as the caller is patient."""
        try:
            async with asyncio.timeout(played.role.patience):
                await played.answered.wait()
        except TimeoutError:
            played.caller.hang_up()

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(self._quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _quietly(self, work: Awaitable[None]) -> None:
        try:
            await work
        except NotInTime:
            self.failed += 1

    def _at_officer(self, leg: Leg) -> None:
        self._spawn(self._serve(leg))

    def _at_agency(self, leg: Leg) -> None:
        self._spawn(self._attend(leg))

    def _at_caller(self, leg: Leg) -> None:
        self._spawn(self._called_back(leg))

    async def _called_back(self, leg: Leg) -> None:
        """The caller who was lost answers, is served, and hangs up."""
        leg.ring()
        await talk(2.0)
        await leg.answer()
        await talk(8.0)
        leg.hang_up()

    def _at_desk(self, leg: Leg, part: DeskPart, number: str, name: str) -> None:
        if self.acts is not None:
            self.acts.spawn(self.acts.serve(leg.phone.name, part, number, name))

    async def _serve(self, leg: Leg) -> None:
        asker = sip.user_of(leg.remote)
        played = self._on.get(asker)
        leg.ring()
        if played is None and (lost := self._backs.pop(asker, None)) is not None:
            await talk(0.5)
            await leg.answer()
            self._at_desk(leg, DeskPart.CALL_BACK, asker, lost.name)
            await leg.ended(_LONG)
            return
        if played is None:
            leg.reject(480)
            return
        role = played.role
        if role.passes and not played.passed:
            played.passed = True
            if role.passes == "rejects":
                await talk(1.0)
                leg.reject(486)
            return
        await talk(role.ring)
        if leg.state not in {"calling", "ringing"}:
            return
        await leg.answer()
        played.answered.set()
        played.answers += 1
        if played.answers == 1:
            self._at_desk(leg, role.desk, played.number, role.name)
            await talk(1.0)  # the greeting
            await role.part(played, leg)
        else:
            await _chat(played, leg, 5.0)  # the caller is back after a failed transfer

    async def _attend(self, leg: Leg) -> None:
        if leg.phone.name == str(_BUSY):
            leg.reject(486)
            return
        leg.ring()
        await talk(2.0)
        if leg.state in {"calling", "ringing"}:
            await leg.answer()


async def _chat(played: Played, leg: Leg, seconds: float) -> None:
    await talk(seconds)
    played.caller.hang_up()
    await leg.ended()


async def _talks(played: Played, leg: Leg) -> None:
    await _chat(played, leg, 12.0)


async def _officer_ends(_played: Played, leg: Leg) -> None:
    await talk(16.0)
    leg.hang_up()


async def _holds(played: Played, leg: Leg) -> None:
    for seconds in (3.0, 5.0):
        await talk(4.0)
        await leg.hold()
        await talk(seconds)
        await leg.unhold()
    await _chat(played, leg, 4.0)


async def _hands_on(played: Played, leg: Leg) -> None:
    await talk(7.0)
    leg.refer("2001")
    await _let_go(leg)
    await talk(9.0)
    played.caller.hang_up()


async def _hands_on_busy(_played: Played, leg: Leg) -> None:
    await talk(5.0)
    leg.refer(str(_BUSY))
    await _let_go(leg)


async def _asks(played: Played, leg: Leg) -> None:
    await talk(5.0)
    second = await _enquires(leg, "2002")
    second.hang_up()
    await leg.unhold()
    await _chat(played, leg, 5.0)


async def _introduces(played: Played, leg: Leg) -> None:
    await talk(5.0)
    second = await _enquires(leg, "2003")
    leg.refer_to(second)
    await _let_go(leg)
    await _let_go(second)
    await talk(8.0)
    played.caller.hang_up()


async def _enquires(leg: Leg, number: str) -> Leg:
    """The caller on hold, an agency asked."""
    await leg.hold()
    second = await leg.phone.call(number)
    await second.up()
    await talk(5.0)
    return second


async def _let_go(leg: Leg) -> None:
    if await leg.transferred(40) < 300:
        leg.hang_up()
    await leg.ended()


async def _nothing(_played: Played, _leg: Leg) -> None:
    return


ROLES: Final = (
    Role(("สอบถามข้อมูล ได้รับบริการ", "information, answered and served"), "สมชาย ใจดี", _talks),
    Role(("ร้องเรียน เจ้าหน้าที่วางสาย", "a complaint, ended by the officer"),
         "อรุณี แสงทอง", _officer_ends, "complaint", desk=DeskPart.COMPLAINT),
    Role(("โอนสายให้กรมการค้าภายใน", "handed on to the Department of Internal Trade"),
         "มานะ รักไทย", _hands_on),
    Role(("วางสายขณะรอในคิว แล้วมีผู้โทรกลับ", "gives up waiting in the queue, is called back"),
         "วิชัย มั่นคง", _nothing, ring=20.0, patience=7.0, called_back=True),
    Role(("เจ้าหน้าที่สอบถามหน่วยงานแล้วกลับมาตอบ", "the officer asks an agency and comes back"),
         "สุดา เพียรดี", _asks),
    Role(("คนแรกไม่รับ คนที่สองรับ", "the first officer does not answer, the second does"),
         "ปรีชา ศรีสุข", _talks, passes="ignores"),
    Role(("คุยกับหน่วยงานก่อน แล้วโอนสายให้", "spoken to the agency first, then joined with it"),
         "Somchai Jaidee", _introduces),
    Role(("นัดหมาย ถูกพักสายสองครั้ง", "an appointment, put on hold twice"), "นภา วงศ์งาม", _holds,
         "appointment", desk=DeskPart.APPOINTMENT),
    Role(("วางสายที่เมนู", "hangs up in the menu"), "", _nothing, "none", patience=2.0),
    Role(("ไม่แสดงหมายเลข เจ้าหน้าที่ยังไม่บันทึกสาย", "withheld number, served, left unlogged"),
         "", _talks, withheld=True, desk=DeskPart.UNLOGGED),
    Role(("โอนให้หน่วยงานที่สายไม่ว่าง ผู้โทรกลับมา", "transfer to a busy agency, the caller comes back"),
         "กิตติ บุญมี", _hands_on_busy),
    Role(("ร้องเรียน คนแรกปฏิเสธสาย คนที่สองรับ", "a complaint, the first officer rejects it"),
         "ธิดา ทองคำ", _talks, "complaint", passes="rejects", desk=DeskPart.COMPLAINT),
    Role(("ฟังความคืบหน้าของเรื่องด้วยการกดเลขที่ ไม่ผ่านเจ้าหน้าที่",
          "hears the state of his complaint by keying its number"),
         "อรุณี แสงทอง", _nothing, "status"),
)  # fmt: skip
"""One round, in the order in which the calls come."""


def numbers() -> Iterator[str]:
    """Callers' numbers, none twice."""
    return (f"08{12345600 + n:08d}" for n in count())


def rounds() -> Iterator[Role]:
    """The roles for ever, round after round."""
    return cycle(ROLES)
