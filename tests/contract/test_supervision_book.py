"""Every listening is in the book, whatever the supervisor was told and the database did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from crm_bridge.access import accounts
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.clock import SystemClock
from crm_bridge.desk import sittings, supervision_calls, supervision_log
from crm_bridge.desk.agent_states import Sitting, State
from crm_bridge.desk.floor import Floor
from crm_bridge.desk.line import LineNode
from crm_bridge.desk.supervision_book import Book
from crm_bridge.desk.supervision_log import Act, Came, Line
from crm_bridge.errors import Refused, StorageUnavailable
from crm_bridge.live.hub import Hub
from crm_bridge.records.calls import snapshot
from crm_bridge.records.database import Database
from crm_bridge.records.writer import Writer, batch_of
from ivr.ami.reconnect import LinkState
from ivr.calls.members import TO_BOTH, Members
from ivr.calls.tracker import Tracker
from ivr.events import types as ev
from ivr.steps.standards import load_standards
from ivr.steps.timeline import timeline
from tests.support.desk_clock import NOW, HeldClock
from tests.support.scenario import config_of, records_of
from tests.unit.calls.test_supervising import (
    announced,
    gone,
    started,
    stopped,
    telephone,
)  # fmt: skip
from tests.unit.calls.test_tracker import CALLER, OFFICER, SECOND, answered, bridged, ended
from tests.unit.calls.test_tracker import started as channel

MINE, FREE, RINGING = "1003", 0, 8


@dataclass
class Pbx:
    """An Asterisk that says, of what it is asked, what a test has it say."""

    floor: Floor
    tracker: Tracker
    clock: HeldClock
    members: Members = field(default_factory=Members)
    state: LinkState = LinkState.UP
    says: Callable[[], None] = lambda: None
    sent: list[str] = field(default_factory=list)

    async def act(self, action: dict[str, str]) -> dict[str, str]:
        self.sent.append(action["Action"])
        self.says()
        return {"Response": "Success"}

    def tell(self, *events: ev.Event) -> None:
        for event in events:
            if isinstance(event, (ev.PresenceTold, *TO_BOTH)) and self.members.apply(event):
                self.floor.line.told("pbx1", event)
            for call in self.tracker.apply(event):
                self.floor.line.heard(call, event)

    def telephone(self, state: int) -> None:
        self.tell(ev.PresenceTold(0, False, MINE, "agent-numbers", state, (f"PJSIP/{MINE}",), True))

    def rings(self, then: Callable[[], None] = lambda: None) -> None:
        """The telephone rings; a turn of the loop later it is so, and the telephone free again."""

        def over() -> None:
            then()
            self.telephone(FREE)

        self.telephone(RINGING)
        asyncio.get_running_loop().call_soon(over)

    def is_picked_up(self) -> None:
        self.telephone(RINGING)
        self.tell(telephone(), announced("listen"), started(4 * SECOND))

    @property
    def call_id(self) -> str:
        (call_id,) = self.tracker.lives
        return call_id

    @property
    def book(self) -> Book:
        return self.floor.supervision.book


@pytest.fixture
async def head(database: Database) -> Account:
    """A supervisor who sits at a telephone."""
    async with database.writing() as connection:
        account = await accounts.create(
            connection, SystemClock(), login="head", role=Role.SUPERVISOR,
            name_th="หัวหน้า", name_en="head",
        )  # fmt: skip
        await sittings.begin(
            connection, Sitting("s", account.id, MINE, (), 10, "t1", State.PAUSED, 10)
        )
    return account


@pytest.fixture
async def pbx(database: Database, head: Account) -> Pbx:
    """A caller in conversation with 1001."""
    clock = HeldClock()
    floor = Floor.of(config_of("ours"), database, Hub(), clock)
    made = Pbx(floor, Tracker("pbx1", floor.line.directory), clock)
    floor.line.add(LineNode("pbx1", made, made.tracker, made.members))  # type: ignore[arg-type]
    await floor.agents.load()
    made.tell(ev.LinkUp(0, False), ev.SnapshotEnded(0, False))
    made.telephone(FREE)
    made.tell(channel(0, CALLER, "PJSIP/trunk-00000000", "from-trunk", "1203"))
    made.tell(*answered(), *bridged())
    return made


async def listen(pbx: Pbx, head: Account, act: Act = Act.LISTEN) -> str:
    """What the supervisor is told: `done`, or why not."""
    try:
        await pbx.floor.supervision.calls.listen(head, act, "1001", pbx.call_id)
    except Refused as refusal:
        return refusal.code
    return "done"


async def told(database: Database) -> list[tuple[str, str, str | None, int, int | None]]:
    """The book: each listening with its outcome, begin and end (s), the first one first."""
    async with database.reading() as connection:
        lines = (await supervision_log.page(connection))[::-1]
    return [
        (
            line.act.value, line.outcome.value, line.refused_as, line.started_us // SECOND,
            line.ended_us // SECOND if line.ended_us is not None else None,
        )
        for line in sorted(lines, key=lambda line: line.started_us)
    ]  # fmt: skip


def lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database takes nothing more of what has come out."""

    async def locked(*_: object, **__: object) -> None:
        raise StorageUnavailable("locked", where="the test", mend="none")

    monkeypatch.setattr(supervision_log, "amend", locked)


async def test_a_telephone_picked_up_after_its_act_was_refused(
    database: Database, head: Account, pbx: Pbx
) -> None:
    pbx.says = pbx.rings
    assert await listen(pbx, head) == "telephone-not-answered"
    pbx.tell(telephone(), announced("listen"), started(4 * SECOND))
    await pbx.book.write_down()
    assert await told(database) == [("listen", "done", None, 4, None)]
    pbx.tell(stopped(6 * SECOND), gone(6 * SECOND))
    await pbx.book.write_down()
    assert await told(database) == [("listen", "done", None, 4, 6)]
    assert not pbx.book.open


async def test_a_telephone_that_rings_late(
    database: Database, head: Account, pbx: Pbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision_calls, "_WITHIN", 0)
    assert await listen(pbx, head) == "telephone-silent"
    pbx.tell(telephone(), announced("listen"), started(4 * SECOND), stopped(6 * SECOND))
    await pbx.book.write_down()
    assert await told(database) == [("listen", "done", None, 4, 6)]


async def test_a_listening_that_is_over_before_it_is_looked_for(
    database: Database, head: Account, pbx: Pbx
) -> None:
    events = (telephone(), announced("listen"), started(4 * SECOND), stopped(4 * SECOND))
    pbx.says = lambda: pbx.rings(lambda: pbx.tell(*events))
    assert await listen(pbx, head) == "telephone-not-answered"
    await pbx.book.write_down()
    assert await told(database) == [("listen", "done", None, 4, 4)]


async def test_another_way_that_the_line_confirms_late(
    database: Database, head: Account, pbx: Pbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision_calls, "_WITHIN", 0)
    pbx.says = pbx.is_picked_up
    assert await listen(pbx, head) == "done"
    pbx.says = lambda: None
    assert await listen(pbx, head, Act.BARGE) == "line-unconfirmed"
    pbx.tell(stopped(5 * SECOND), announced("barge", 5 * SECOND), started(5 * SECOND))
    pbx.tell(gone(7 * SECOND))
    await pbx.book.write_down()
    assert await told(database) == [
        ("listen", "done", None, 4, 5), ("barge", "done", None, 5, 7),
    ]  # fmt: skip
    assert pbx.sent == ["Originate", "Redirect"]


async def test_two_refused_and_one_picked_up_is_the_newer_ones(
    database: Database, head: Account, pbx: Pbx
) -> None:
    pbx.says = pbx.rings
    assert await listen(pbx, head) == "telephone-not-answered"
    pbx.clock.forward(minutes=1)
    assert await listen(pbx, head) == "telephone-not-answered"
    pbx.tell(telephone(), announced("listen"), started(4 * SECOND), stopped(6 * SECOND))
    await pbx.book.write_down()
    first, second = sorted(await told(database), key=lambda line: line[1])
    assert first == ("listen", "done", None, 4, 6)
    asked = NOW // SECOND
    assert second == ("listen", "refused", "telephone-not-answered", asked, asked)


async def test_who_is_rung_for_an_officer_who_has_gone_is_waited_for_no_longer(
    head: Account, pbx: Pbx
) -> None:
    pbx.says = pbx.rings
    await listen(pbx, head)
    assert pbx.book._attempts
    pbx.tell(*ended(9 * SECOND, OFFICER, CALLER))
    assert not pbx.book._attempts


async def test_while_the_line_was_not_heard_nobody_says_that_it_was_not_picked_up(
    database: Database, head: Account, pbx: Pbx
) -> None:
    gap = (ev.LinkLost(5, False), ev.LinkUp(9, False), ev.SnapshotEnded(9, False))
    pbx.says = lambda: pbx.rings(lambda: pbx.tell(*gap))
    assert await listen(pbx, head) == "line-unconfirmed"


@pytest.mark.parametrize("until", [None, 6 * SECOND], ids=["goes on", "over meanwhile"])
async def test_what_the_database_does_not_take_is_written_when_it_does(
    database: Database, head: Account, pbx: Pbx, monkeypatch: pytest.MonkeyPatch, until: int | None
) -> None:
    def picked_up() -> None:
        lock(monkeypatch)
        pbx.is_picked_up()

    pbx.says = picked_up
    assert await listen(pbx, head) == "done"
    if until is not None:
        pbx.tell(stopped(until))
    with pytest.raises(StorageUnavailable):
        await pbx.book.write_down()
    monkeypatch.undo()
    await pbx.book.write_down()
    assert await told(database) == [("listen", "done", None, 4, until and until // SECOND)]
    pbx.tell(stopped(6 * SECOND))
    await pbx.book.write_down()
    assert await told(database) == [("listen", "done", None, 4, 6)]


async def test_a_refusal_that_the_database_does_not_take_is_told_as_it_is(
    database: Database, head: Account, pbx: Pbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unanswered() -> None:
        lock(monkeypatch)
        pbx.rings()

    pbx.says = unanswered
    assert await listen(pbx, head) == "telephone-not-answered"
    monkeypatch.undo()
    await pbx.book.write_down()
    ((_, *came, _, _),) = await told(database)
    assert came == ["refused", "telephone-not-answered"]


async def test_an_act_that_a_stop_cut_off_is_settled_by_the_record(
    database: Database, head: Account
) -> None:
    calls, pipeline = records_of("supervised_to_the_end")
    (call,) = calls.values()
    begin, end = (m for m in call.marks if m.name.startswith("supervision"))
    writer = Writer(database)
    timings = timeline(call, pipeline.directory, load_standards())
    await writer.commit(batch_of(calls=[snapshot(call, timings)]))
    await writer.close()
    way, _, agent = begin.value.partition(":")
    line = Line("a", Act(way), head.id, begin.at - SECOND, begin.by, None, agent, call.call_id)
    async with database.writing() as connection:
        await supervision_log.begin(connection, line)
        await supervision_log.begin(connection, replace(line, id="b", started_us=begin.at + SECOND))
    for _start in range(2):
        book = Floor.of(config_of("ours"), database, Hub(), HeldClock()).supervision.book
        await book.load()
        await book.write_down()
    async with database.reading() as connection:
        kept = {one.id: one for one in await supervision_log.page(connection)}
    assert (kept["a"].outcome, kept["a"].started_us, kept["a"].ended_us) == (
        Came.DONE, begin.at, end.at,
    )  # fmt: skip
    assert kept["b"].outcome is Came.ASKED
