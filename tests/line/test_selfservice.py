"""Callers ask the line how far their cases are: what each of them heard, and where he went."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from crm_bridge.app import App
from crm_bridge.cases import calendars
from crm_bridge.cases.ticket_number import damm
from crm_bridge.cases.workflow import State
from crm_bridge.cases.working_days import office_day
from crm_bridge.clock import SystemClock
from crm_bridge.commands.lab_config import write_config
from crm_bridge.config import Config
from crm_bridge.config_selfservice import SelfServiceSection
from crm_bridge.records.database import Database
from crm_bridge.records.schema import upgrade
from crm_bridge.selfservice.service import SelfService
from ivr.lab.address import FASTAGI_PORT, address
from ivr.lab.asterisk import Lab, running
from ivr.lab.root import Root
from ivr.lab.stage import Stage
from ivr.selfservice import saying, session, status
from ivr.selfservice.server import Line
from ivr.selfservice.session import Session
from tests.line.test_run import start
from tests.support.cases import Cast, bring_to
from tests.support.lab import own_lab
from tests.support.live import assert_sound, bridge, bridge_config, caught_up, on_disk, until
from tests.support.migrated import sqlite_url
from tests.support.ports import free_port
from tests.support.selfservice import Caller, Ear, calls_for_status, listening, stands_in

pytestmark = pytest.mark.line

OWN = "0812345678"
OTHER = "0891112222"
SLOW = "66812345678"
"""The own number, as another carrier presents it."""
LAST_FOUR = "5678"
TO_OFFICER = "hotline/status-to-officer"
ENTER, LAST = "hotline/status-enter", "hotline/status-last-four"
OFFER = "hotline/status-offer"
LANGUAGE, SLOWER = "hotline/menu-language", "hotline/menu-slower"
PAUSE = 0.2


def place(lab: Lab) -> SelfServiceSection:
    return SelfServiceSection(host=address(lab.number, 3))


async def case_of(url: str, state: State = State.ASSIGNED, **changes: Any) -> str:
    """The ticket number of a new case, as it is keyed."""
    database, clock = Database(url), SystemClock()
    try:
        cast = await Cast.of(database, clock)
        case = await bring_to(database, clock, cast, state, **changes)
    finally:
        await database.close()
    return str(case.ticket).replace("-", "")


@pytest.fixture(scope="module")
def lab(lab_root: Root, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with own_lab(lab_root, tmp_path_factory) as place:
        yield place


@pytest.fixture
async def ear(on_stage: Stage) -> Ear:
    await on_stage.carrier()  # before many want it at once
    return Ear(on_stage)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits six seconds for a key here, and a busy machine has time between two commands;
    how short that is where the bridge dies is another test's."""
    for name in ("FIRST", "BETWEEN"):
        monkeypatch.setattr(session, name, 8.0)
    monkeypatch.setattr(status, "KEY_WAIT", 1.5)
    monkeypatch.setattr(status, "OFFER_WAIT", 1.5)
    monkeypatch.setattr(status, "PAUSE", PAUSE)


@asynccontextmanager
async def bridge_of(lab: Lab, url: str) -> AsyncIterator[App]:
    """A bridge with self-service on the lab; at the end nothing odd has been seen."""
    file = Path(url.removeprefix("sqlite:///"))
    config: Config = bridge_config(file, lab).model_copy(update={"selfservice": place(lab)})
    async with bridge(config) as app:
        yield app
        await caught_up(app)
        assert app.selfservice is not None
        await until("no session is left", lambda: not len(app.selfservice.server))  # type: ignore[union-attr,arg-type]
    assert_sound(app)


async def telling(caller: Caller, key: str) -> float:
    """Seconds from this key to the offer that follows what was told."""
    pressed = await caller.sees("UserEvent", Mark="key", Value=f"status:{key}")
    offered = await caller.stage.witness.seen(
        "the offer after it",
        lambda e: (
            e.get("Mark") == "menu"
            and e.get("Value") == "status"
            and e.get("Uniqueid") == caller.uniqueid
            and float(e["Timestamp"]) > float(pressed["Timestamp"])
        ),
        since=caller.since,
    )
    return float(offered["Timestamp"]) - float(pressed["Timestamp"])


async def records(url: str) -> dict[str, dict[str, Any]]:
    """The calls on disk by the number that called; '' for a withheld one."""
    return {call["caller_number_presented"] or "": call for call in await on_disk(url)}


def told(ticket: str, language: str, day_sounds: list[str], days: int) -> list[str]:
    return [
        "hotline/status-complaint", *saying.digits(ticket), "hotline/status-assigned",
        "hotline/status-days-left", *saying.number(days, language), "hotline/status-working-days",
        "hotline/status-last-act", "hotline/act-assign", *day_sounds,
    ]  # fmt: skip


async def test_callers_hear_how_far_their_cases_are(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path, quick: None
) -> None:
    url = await sqlite_url(tmp_path / "hotline.db")
    ticket = await case_of(url)
    nobodys = f"99000001{damm('99000001')}"
    slip = ticket[:-1] + str((int(ticket[-1]) + 1) % 10)

    async def from_own_telephone() -> list[str]:
        caller = await calls_for_status(on_stage, ear, OWN)
        await caller.keys(ENTER, ticket)
        await caller.keys(OFFER, "1")
        await caller.hears(OFFER, 2)
        heard = caller.sounds
        caller.leg.hang_up()
        await caller.gone()
        assert caller.outcomes() == ["status:told"]
        return heard

    async def from_another_with_four_digits() -> list[str]:
        caller = await calls_for_status(on_stage, ear, OTHER)
        await caller.keys(ENTER, ticket)
        await caller.keys(LAST, "0001")
        await caller.keys(LAST, LAST_FOUR, 2)
        await caller.keys(OFFER, "0")
        await caller.queued()
        heard = caller.sounds
        caller.leg.hang_up()
        await caller.gone()
        assert caller.outcomes() == ["status:told"]
        return heard[: heard.index("hotline/to-officer") + 1]

    async def slowly_and_in_the_other_language() -> list[str]:
        caller = await calls_for_status(on_stage, ear, SLOW)
        await caller.keys(ENTER, ticket)
        for times, key in enumerate("1#90", 1):
            await caller.keys(OFFER, key, times)
        await caller.queued()
        quick, slow = [await telling(caller, key) for key in ("1", "#")]
        assert slow - quick > 10 * PAUSE  # nine digits are read, and what is said of them
        heard = caller.sounds
        assert [language for sound, language in ear.heard[caller.channel] if sound == OFFER] == [
            "th", "th", "th", "en",
        ]  # fmt: skip
        caller.leg.hang_up()
        await caller.gone()
        assert caller.outcomes() == ["status:told"]
        return [s for s in heard[: heard.index("hotline/to-officer") + 1]
                if s not in {LANGUAGE, SLOWER}]  # fmt: skip

    async def after_a_wrong_digit_in_english() -> list[str]:
        caller = await calls_for_status(on_stage, ear, "+66812345678", english=True)
        await caller.keys(ENTER, slip)
        await caller.keys(ENTER, ticket, 2)
        await caller.hears("hotline/goodbye")
        assert caller.languages == {"en"}
        await caller.gone()
        assert caller.outcomes() == ["status:told"]
        return caller.sounds

    async def wrong_three_times() -> list[str]:
        caller = await calls_for_status(on_stage, ear, "0892220003")
        for tries, keys in enumerate((slip, "123#", "*00000000"), 1):
            await caller.keys(ENTER, keys, tries)
        await caller.queued()
        heard = caller.sounds
        caller.leg.hang_up()
        await caller.gone()
        assert caller.outcomes() == ["status:not_found"]
        return heard[: heard.index(TO_OFFICER) + 1]

    async def no_key() -> list[str]:
        caller = await calls_for_status(on_stage, ear, "0892220004")
        await caller.queued()
        heard = caller.sounds
        caller.leg.hang_up()
        await caller.gone()
        assert caller.outcomes() == ["status:not_found"]
        return heard[: heard.index(TO_OFFICER) + 1]

    async def unproved(
        number: str, keyed: str, outcome: str, *, withheld: bool = False
    ) -> list[str]:
        caller = await calls_for_status(on_stage, ear, number, withheld=withheld)
        await caller.keys(ENTER, keyed)
        for tries, four in enumerate(("1111", "2222", "3333"), 1):
            await caller.keys(LAST, four, tries)
        await caller.queued()
        heard = caller.sounds
        caller.leg.hang_up()
        await caller.gone()
        assert caller.outcomes() == [f"status:{outcome}"]
        return heard[: heard.index(TO_OFFICER) + 1]

    async def an_officer_at_once() -> list[str]:
        caller = await calls_for_status(on_stage, ear, "0892220007")
        await caller.keys(ENTER, "0#")
        await caller.queued()
        heard = caller.sounds
        caller.leg.hang_up()
        await caller.gone()
        assert caller.outcomes() == ["status:left"]
        return heard[: heard.index(TO_OFFICER) + 1]

    async with bridge_of(lab, url) as app:
        assert app.selfservice is not None
        own, other, english, wrong, silent, nobody, anothers, officer, slow = await asyncio.gather(
            from_own_telephone(),
            from_another_with_four_digits(),
            after_a_wrong_digit_in_english(),
            wrong_three_times(),
            no_key(),
            unproved("0800000000", nobodys, "not_found", withheld=True),
            unproved("0892220006", ticket, "refused"),
            an_officer_at_once(),
            slowly_and_in_the_other_language(),
        )
        await on_stage.quiet()
    database = Database(url)
    async with database.reading() as connection:
        calendar = await calendars.current(connection, SystemClock())
        row = (await connection.exec_driver_sql("SELECT due_us, updated_us FROM cases")).one()
    await database.close()
    days = calendar.left(SystemClock().now_us(), row[0])
    day = office_day(row[1])
    thai = told(ticket, "th", list(saying.date(day, "th")), days)
    assert own == [ENTER, *thai, OFFER, *thai, OFFER]
    assert other == [
        ENTER, LAST, "hotline/status-not-matched", LAST, *thai, OFFER, "hotline/to-officer",
    ]  # fmt: skip
    assert english == [
        ENTER, "hotline/status-you-keyed", *saying.digits(slip), "hotline/status-wrong-digit",
        ENTER, *told(ticket, "en", list(saying.date(day, "en")), days), OFFER, LANGUAGE, SLOWER,
        "hotline/goodbye",
    ]  # fmt: skip
    assert wrong == [
        ENTER, "hotline/status-you-keyed", *saying.digits(slip), "hotline/status-wrong-digit",
        ENTER, "hotline/status-you-keyed", *saying.digits("123"), "hotline/status-nine-digits",
        ENTER, "hotline/status-you-keyed", *saying.digits("*00000000"),
        "hotline/status-wrong-digit", TO_OFFICER,
    ]  # fmt: skip
    assert silent == [*[ENTER, "hotline/no-key"] * 3, TO_OFFICER]
    missed = [LAST, "hotline/status-not-matched"]
    assert nobody == [ENTER, *missed, *missed, LAST, "hotline/status-not-found", TO_OFFICER]
    assert anothers == nobody  # the same words: nothing is disclosed
    assert officer == [ENTER, TO_OFFICER]
    again = told(ticket, "en", list(saying.date(day, "en")), days)
    assert slow == [
        ENTER, *thai, OFFER, *thai, OFFER, *thai, OFFER, *again, OFFER, "hotline/to-officer",
    ]  # fmt: skip

    found = await records(url)
    outcomes = {number: call["outcome"] for number, call in found.items()}
    assert {outcomes.pop(number) for number in (OWN, "+66812345678")} == {"served"}
    assert set(outcomes.values()) <= {"abandoned_queue", "short"}
    menus = {n: [(m["menu"], m["key"]) for m in c["menu"]] for n, c in found.items()}
    assert menus[OWN] == [("main", "4"), ("status", "1")]
    assert menus[OTHER] == [("main", "4"), ("status", "0")]
    assert all(ticket not in json.dumps(call) for call in found.values())
    with sqlite3.connect(tmp_path / "hotline.db") as raw:
        values = {value for (value,) in raw.execute("SELECT value FROM marks")}
    assert not {v for v in values if any(w in v for w in (ticket, slip, LAST_FOUR, "1111"))}


async def test_who_hangs_up_at_any_point_leaves_nothing_behind(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path, quick: None
) -> None:
    url = await sqlite_url(tmp_path / "hotline.db")
    ticket = await case_of(url)

    async def one(number: str, *script: tuple[str, str]) -> Caller:
        caller = await calls_for_status(on_stage, ear, number)
        for sound, keys in script:
            await caller.keys(sound, keys)
        caller.leg.hang_up()
        await caller.gone()
        return caller

    async with bridge_of(lab, url):
        callers = await asyncio.gather(
            one("0893330000", (ENTER, "")),
            one("0893330001", (ENTER, ticket[:4])),
            one("0893330002", (ENTER, ticket), (LAST, "")),
            one("0893330003", (ENTER, ticket), (LAST, "12")),
            one(OWN, (ENTER, ticket), ("hotline/status-complaint", "")),
            one("+66812345678", (ENTER, ticket), ("hotline/status-working-days", "")),
            one("0893330006", (ENTER, ticket), (LAST, LAST_FOUR), (OFFER, "")),
        )
        await on_stage.quiet()
    assert [caller.outcomes() for caller in callers] == [
        *[["status:left"]] * 5, ["status:told"], ["status:told"],
    ]  # fmt: skip
    found = await records(url)
    assert [call["ended_by"] for call in found.values()] == ["caller"] * 7
    served = {number for number, call in found.items() if call["outcome"] == "served"}
    assert served == {"+66812345678", "0893330006"}
    left = {call["outcome"] for number, call in found.items() if number not in served}
    assert left <= {"abandoned_menu", "short"}


@asynccontextmanager
async def nobody(_lab: Lab) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def silent(lab: Lab) -> AsyncIterator[None]:
    """Takes connections and says nothing."""
    kept: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(
        lambda _reader, writer: kept.append(writer), address(lab.number, 3), FASTAGI_PORT
    )
    try:
        yield
    finally:
        server.close()
        for writer in kept:
            writer.close()


@asynccontextmanager
async def black_hole(lab: Lab) -> AsyncIterator[None]:
    """An address at which a connection is neither taken nor refused: its queue is full."""
    with contextlib.ExitStack() as opened:
        hole = opened.enter_context(socket.socket())
        hole.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        hole.bind((address(lab.number, 3), FASTAGI_PORT))
        hole.listen(0)
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect((address(lab.number, 3), FASTAGI_PORT))
        yield


@asynccontextmanager
async def standing_still(lab: Lab) -> AsyncIterator[None]:
    """Begins with the caller and then says no more, as a process that is stopped."""

    async def session(line: Line) -> None:
        caller = Session(line)
        await caller.begin()
        await caller.play([ENTER])
        await asyncio.sleep(30)

    async with stands_in(lab, status.NAME, session):
        yield


@asynccontextmanager
async def nonsense(lab: Lab) -> AsyncIterator[None]:
    """Something else listens there."""

    def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        writer.close()

    server = await asyncio.start_server(greet, address(lab.number, 3), FASTAGI_PORT)
    try:
        yield
    finally:
        server.close()


@pytest.mark.parametrize(
    ("bridge_there", "seconds"),
    [(nobody, 1.2), (nonsense, 1.2), (silent, 2.0), (black_hole, 2.8), (standing_still, 2.9)],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_a_caller_goes_on_to_the_queue_where_the_bridge_does_not_answer(
    lab: Lab, on_stage: Stage, ear: Ear, bridge_there: Any, seconds: float
) -> None:
    """Two seconds of silence at the most, and a prompt on top; the still one has two of them."""
    await on_stage.witness.act("Setvar", Variable="HOTLINE_SELF_REST", Value="0")
    async with bridge_there(lab):
        caller = await calls_for_status(on_stage, ear, OWN)
        assert await caller.queued() < seconds
        assert TO_OFFICER in caller.sounds
        caller.leg.hang_up()
        await caller.gone()
        assert caller.outcomes() == ["status:failed"]
        if bridge_there in (silent, black_hole):  # the next need not wait
            caller = await calls_for_status(on_stage, ear, OWN)
            assert await caller.queued() < 1.0
            caller.leg.hang_up()
            await caller.gone()
            assert caller.outcomes() == ["status:failed"]
    await on_stage.witness.act("Setvar", Variable="HOTLINE_SELF_REST", Value="0")


async def test_a_slow_database_holds_a_caller_no_longer_than_two_seconds(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path
) -> None:
    url = await sqlite_url(tmp_path / "hotline.db")
    ticket = await case_of(url)
    database = Database(url, busy_timeout=5.0)
    service = SelfService(place(lab), database, SystemClock())
    serving = asyncio.create_task(service.run())
    held = sqlite3.connect(tmp_path / "hotline.db", isolation_level=None)
    held.execute("PRAGMA locking_mode=EXCLUSIVE")
    held.execute("BEGIN EXCLUSIVE")
    try:
        caller = await calls_for_status(on_stage, ear, OWN)
        await caller.hears(ENTER)
        await caller.leg.press(ticket)
        keyed = await on_stage.witness.seen(
            "the last digit", lambda e: e.get("Event") == "DTMFEnd", since=caller.since, times=10
        )
        joined = await caller.sees("QueueCallerJoin", Queue="complaint")
        assert float(joined["Timestamp"]) - float(keyed["Timestamp"]) < 2.0
        caller.leg.hang_up()
        await caller.gone()
        assert caller.outcomes() == ["status:failed"]
    finally:
        held.close()
        serving.cancel()
        await asyncio.wait({serving})
        await database.close()


async def test_callers_of_a_bridge_that_is_killed_half_way_go_on_to_the_queue(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path
) -> None:
    """Who hears something when it is over; who keys a number when he keys no more."""
    config = write_config(running(lab.directory)[0], tmp_path)
    url = f"sqlite:///{tmp_path / 'hotline.db'}"
    await upgrade(url)
    ticket = await case_of(url)
    process = await start(config, "run", HOTLINE_WEB__PORT=str(free_port()))
    try:
        await listening(lab)
        keying, hearing = await asyncio.gather(
            calls_for_status(on_stage, ear, OTHER), calls_for_status(on_stage, ear, OWN)
        )
        await hearing.keys(ENTER, ticket)
        await keying.keys(ENTER, ticket[:3])
        await hearing.hears("hotline/status-working-days")
        process.kill()
        killed = time.time()
        for caller, most in ((hearing, 2.0), (keying, session.KEY_WAIT + 2.0)):
            joined = await caller.sees("QueueCallerJoin", Queue="complaint")
            assert 0 < float(joined["Timestamp"]) - killed < most
        assert keying.sounds[-1] != ENTER
        for caller in (keying, hearing):
            caller.leg.hang_up()
            await caller.gone()
        assert keying.outcomes() == ["status:failed"]
        assert hearing.outcomes() == ["status:told"]
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
