"""The emergency message on the line: who put it there, how long it stands, whether it does.

What is wished is a row; what callers hear stands in each Asterisk's own database, which the bridge
writes at once and compares again and again. So it is heard without a bridge, and ends by itself.
What was put there while the records were away is taken onto them when they are back.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

import structlog
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.desk.line import Line, LineNode
from crm_bridge.errors import Refused, StorageError
from crm_bridge.plain_text import plain_line
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.announcements import announcements
from crm_bridge.written import office_time
from ivr.ami import actions
from ivr.ami.errors import AmiError
from ivr.calls.call import Micros
from ivr.prompts.catalogue import Prompt, announceable
from ivr.prompts.shelf import Shelf, State

_log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 2.0
"""Seconds after which what was put there elsewhere (by the command), or is gone, is seen."""
SEEN_WITHIN: Final = 2.0
"""Seconds in which Asterisk shows what it was given."""
LOOK_AGAIN: Final = 0.05
LONGEST: Final = timedelta(days=7)
SILENCE: Final = "0"
"""What stands in Asterisk where there is no message."""

_CONTEXT: Final = "desk-announcement"
_SHOWN: Final = "HOTLINE_ANNOUNCEMENT"
_SECOND: Final = 1_000_000
_STANDS: Final = re.compile(
    r"(?P<until>[0-9]{1,12}):(?P<place>before|instead):(?P<id>[0-9a-f]{1,32}):(?P<prompt>[a-z0-9/-]+)"
)
_SOMEBODY: Final = "? (hotline announcement)"
"""Who put a message on the line without a record; only the command does."""

Act = Callable[[actions.Action], Awaitable[dict[str, str]]]
"""Sends an AMI action; the headers of its answer. Raises AmiError."""


class Place(StrEnum):
    """Where callers hear it."""

    BEFORE = "before"
    """Before the welcome; then everything as ever."""
    INSTEAD = "instead"
    """After the welcome, in place of everything else; then goodbye."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """One message; `ended_us` None where it runs, or ended by itself at `until_us`."""

    id: str
    prompt: str
    place: Place
    until_us: Micros
    begun_us: Micros
    begun_by: str
    ended_us: Micros | None = None
    ended_by: str | None = None

    def runs(self, now: Micros) -> bool:
        """Callers hear it."""
        return self.ended_us is None and now < self.until_us

    @property
    def stands(self) -> str:
        """As it stands in Asterisk (dialplan/announcement.conf)."""
        return f"{self.until_us // _SECOND}:{self.place.value}:{self.id}:{self.prompt}"


@dataclass(frozen=True, slots=True)
class Choice:
    """A prompt that can be put on the line, and what is played of it in Thai."""

    prompt: Prompt
    state: State | None
    """None where no sounds of the line are seen from here."""
    english: bool | None = None
    """Whether callers hear it in English as well; None where that is not seen from here."""

    @property
    def recorded(self) -> bool:
        """Nothing speaks against playing it."""
        return self.state in {None, State.RECORDED, State.PACKAGED}


def choices(shelves: Sequence[Shelf]) -> list[Choice]:
    """Every prompt for an emergency; of several lines the worst state counts."""
    order = [State.MISSING, State.PLACEHOLDER, State.RECORDED]
    found = []
    for prompt in announceable():
        states = [shelf.state(prompt, "th") for shelf in shelves]
        # as the dialplan asks: a placeholder is heard by nobody
        both = all(shelf.recorded(prompt.id, "en").exists() for shelf in shelves)
        state = min(states, key=order.index, default=None)
        found.append(Choice(prompt, state, both if shelves else None))
    return found


async def running(connection: AsyncConnection, now: Micros) -> Announcement | None:
    """The one that callers hear."""
    query = select(announcements).where(
        announcements.c.ended_us.is_(None), announcements.c.until_us > now
    )
    row = (await connection.execute(query.order_by(announcements.c.begun_us.desc()))).first()
    return None if row is None else _of_row(row)


async def page(connection: AsyncConnection, limit: int = 50) -> list[Announcement]:
    """The last ones, the newest first."""
    query = select(announcements).order_by(announcements.c.begun_us.desc(), announcements.c.id)
    return [_of_row(row) for row in await connection.execute(query.limit(limit))]


def wished(
    now: Micros, by: str, choice: Choice, place: Place, until_us: Micros
) -> Announcement:  # fmt: skip
    """A new message, on no record and on no line yet. Raises Refused."""
    if not choice.recorded:
        why = (
            "ข้อความนี้ยังไม่ได้บันทึกเสียง โปรดบันทึกก่อน (*771)",
            "nobody has recorded this prompt yet: record it first (*771)",
        )
        raise Refused("prompt-not-recorded", *why, 422, {"prompt": why})
    if not now < until_us <= now + LONGEST // timedelta(microseconds=1):
        why = (
            f"เวลาสิ้นสุดต้องอยู่ในอนาคต ไม่เกิน {LONGEST.days} วัน",
            f"the end must be in the future, {LONGEST.days} days ahead at most",
        )
        raise Refused("until-out-of-range", *why, 422, {"until": why})
    return Announcement(
        uuid.uuid4().hex[:12], choice.prompt.id, place, until_us, now, plain_line(by)
    )


async def begin(connection: AsyncConnection, made: Announcement) -> None:
    """Puts a message on record, in place of the one that runs."""
    await end(connection, made.begun_us, made.begun_by)
    await connection.execute(
        insert(announcements).values(
            id=made.id, prompt=made.prompt, place=made.place.value, until_us=made.until_us,
            begun_us=made.begun_us, begun_by=made.begun_by,
        )
    )  # fmt: skip


async def end(connection: AsyncConnection, now: Micros, by: str) -> bool:
    """Ends the one that runs; False where none does."""
    done = await connection.execute(
        update(announcements)
        .where(announcements.c.ended_us.is_(None), announcements.c.until_us > now)
        .values(ended_us=now, ended_by=plain_line(by))
    )
    return done.rowcount > 0


async def on_record(connection: AsyncConnection, announcement_id: str) -> bool:
    """Whether there is, or was, a message of this id."""
    query = select(announcements.c.id).where(announcements.c.id == announcement_id)
    return (await connection.execute(query)).first() is not None


def _of_row(row: Any) -> Announcement:
    return Announcement(
        row.id, row.prompt, Place(row.place), row.until_us, row.begun_us, row.begun_by,
        row.ended_us, row.ended_by,
    )  # fmt: skip


def standing_message(value: str, now: Micros) -> Announcement | None:
    """The message that stands in an Asterisk, if callers hear it and it is one of ours.

    Who put it there is not known, nor since when: it began when it was found.
    """
    found = _STANDS.fullmatch(value)
    if found is None or found["prompt"] not in {prompt.id for prompt in announceable()}:
        return None
    until_us = int(found["until"]) * _SECOND
    if not now < until_us <= now + LONGEST // timedelta(microseconds=1):
        return None
    return Announcement(
        found["id"], found["prompt"], Place(found["place"]), until_us, now, _SOMEBODY
    )


async def shown(act: Act) -> str:
    """What stands in an Asterisk by its own word; empty where none ever did. Raises AmiError."""
    answer = await act(actions.get_variable("", _SHOWN))
    value = answer.get("Value", "")
    return "" if value == "(null)" else value


async def put(act: Act, value: str) -> bool:
    """Lets a value stand in an Asterisk; False where it does not show it in time.

    Raises AmiError.
    """
    await act(
        actions.originate(
            "", f"Local/s@{_CONTEXT}/n", _CONTEXT, "s", caller_id="1203",
            milliseconds=round(SEEN_WITHIN * 1000), variables={"ANNOUNCEMENT": value},
        )
    )  # fmt: skip
    try:
        async with asyncio.timeout(SEEN_WITHIN):
            while await shown(act) != value:  # noqa: ASYNC110  # Asterisk tells nobody of it
                await asyncio.sleep(LOOK_AGAIN)
    except TimeoutError:
        return False
    return True


@dataclass(slots=True)
class Announcements:
    """Keeps every Asterisk of the bridge in step with what is wished; one for the bridge."""

    database: Database
    line: Line
    clock: Clock
    shelves: Sequence[Shelf] = ()
    current: Announcement | None = None
    """What callers hear, by the last reading; without the records, by the lines' own word."""
    standing: dict[str, str] = field(default_factory=dict)
    """Node → what stands there, as far as it was heard."""
    _stepping: asyncio.Lock = field(default_factory=asyncio.Lock)

    def on(self) -> Announcement | None:
        """What callers hear now."""
        found = self.current
        return found if found is not None and found.runs(self.clock.now_us()) else None

    def stands_at(self, node: str) -> bool:
        """Whether this Asterisk has said that it plays what is wished, and nothing else."""
        return self.standing.get(node) == self._wanted()

    async def begin(self, by: str, prompt: str, place: Place, until_us: Micros) -> Announcement:
        """A new message, on every line that is connected when this returns. Raises Refused."""
        choice = next((c for c in choices(self.shelves) if c.prompt.id == prompt), None)
        if choice is None:
            why = ("ไม่มีข้อความนี้", "there is no such prompt")
            raise Refused("no-such-prompt", *why, 422, {"prompt": why})
        made = wished(self.clock.now_us(), by, choice, place, until_us)
        async with self.database.writing() as connection:
            await begin(connection, made)
        self.current = made
        await self.step()
        return made

    async def end(self, by: str) -> None:
        """Takes the message off the line. Raises Refused where there is none."""
        async with self.database.writing() as connection:
            if not await end(connection, self.clock.now_us(), by):
                raise Refused(
                    "no-announcement", "ไม่มีประกาศที่เปิดอยู่", "no message is on the line", 404
                )
        self.current = None
        await self.step()

    async def run(self) -> None:
        """Keeps all in step, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Reads what is wished, and sees to it; without the records, what stands there stands."""
        there = await self._heard()
        try:
            self.current = await self._read(there)
        except StorageError as fault:
            # nobody here can know whether it is still wished, or something else is by now
            _log.warning("the emergency message was not read", what=fault.what)
            self.standing = there
            if there:
                self.current = self._played(there)
            return
        await self.step()

    async def _heard(self) -> dict[str, str]:
        """Node → what it says that it plays; those that say nothing are not there."""
        found = {}

        async def ask(node: LineNode) -> None:
            with suppress(AmiError):  # `step` says so
                if node.known:
                    found[node.name] = await shown(node.link.act) or SILENCE

        await asyncio.gather(*(ask(node) for node in self.line.nodes))
        return found

    def _messages(self, there: dict[str, str]) -> list[Announcement]:
        now = self.clock.now_us()
        found = (standing_message(value, now) for value in there.values())
        return [one for one in found if one is not None]

    def _played(self, there: dict[str, str]) -> Announcement | None:
        """What callers hear by the lines' own word; by whom, where that was read before."""
        first = next(iter(self._messages(there)), None)
        here = self.current
        return here if here is not None and first is not None and here.id == first.id else first

    async def _read(self, there: dict[str, str]) -> Announcement | None:
        """What is wished; a message on the line that no record knows is put on record first."""
        now = self.clock.now_us()
        async with self.database.reading() as connection:
            found = await running(connection, now)
            for stray in self._messages(there):
                if not await on_record(connection, stray.id):
                    break
            else:
                return found
        async with self.database.writing() as connection:
            await begin(connection, stray)
        _log.warning("an emergency message was on the line and on no record", to=stray.stands)
        return stray

    async def step(self) -> None:
        """Lets every Asterisk that is connected play what is wished."""
        async with self._stepping:
            await asyncio.gather(*(self._at(node) for node in self.line.nodes))

    async def _at(self, node: LineNode) -> None:
        wanted = self._wanted()
        stands = False
        try:
            stands = node.known and await self._put(node, wanted)
        except AmiError as error:
            _log.warning(
                "the emergency message is not on the line yet", node=node.name, why=str(error)
            )
        if stands:
            self.standing[node.name] = wanted
        else:
            self.standing.pop(node.name, None)

    async def _put(self, node: LineNode, wanted: str) -> bool:
        there = await shown(node.link.act)
        if there == wanted or (wanted == SILENCE and not there):
            return True
        if not await put(node.link.act, wanted):
            _log.error(
                "an Asterisk does not show the emergency message it was given", node=node.name,
                mend="`hotline install` lays down announcement.conf; then reload the dialplan",
            )  # fmt: skip
            return False
        _log.info("the emergency message on the line was changed", node=node.name, to=wanted)
        return True

    def _wanted(self) -> str:
        found = self.on()
        return SILENCE if found is None else found.stands


@dataclass(frozen=True, slots=True)
class Notice:
    """The message as the wall says it (`web.wallboard.alert_rows.Active`)."""

    id: str
    th: str
    en: str
    since: Micros
    level: str = "warning"


def notices(kept: Announcements) -> list[Notice]:
    """What the wallboard says of the message that is on; nothing where none is."""
    found = kept.on()
    if found is None:
        return []
    until = f"{office_time(found.until_us):%H:%M}"
    text = next((prompt for prompt in announceable() if prompt.id == found.prompt), None)
    th = "เล่นแทนเมนู" if found.place is Place.INSTEAD else "เล่นก่อนคำทักทาย"
    en = "in place of the menu" if found.place is Place.INSTEAD else "before the welcome"
    said = (text.thai, text.english) if text is not None else (found.prompt, found.prompt)
    return [
        Notice(
            f"announcement:{found.id}",
            f"ประกาศฉุกเฉิน ({th}) ถึง {until} น.: {said[0]}",
            f"Emergency message ({en}) until {until}: {said[1]}",
            found.begun_us,
        )
    ]
