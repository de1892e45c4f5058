"""A database that cannot take what agents do: refused, nothing half done, and the line goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.desk import agents as agents_module
from crm_bridge.desk.agent_states import State
from crm_bridge.errors import StorageUnavailable
from crm_bridge.records.database import Database
from ivr.calls.call import AgentPart, Call
from ivr.events import types as ev
from tests.support.web import Desk
from tests.web.test_line import Pbx, pbx

__all__ = ["pbx"]

DEADLINE = 10.0


class Disk:
    """Takes writes, or says at once that it is full; counts what it was asked."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self.refused = 0
        self._writing = database.writing
        monkeypatch.setattr(database, "writing", self.writing)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Any]:
        if self.full:
            self.refused += 1
            raise StorageUnavailable("the disk is full", where="hotline.db")
        async with self._writing() as connection:
            yield connection


@pytest.fixture
def disk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(desk.database, monkeypatch)


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not holds():  # noqa: ASYNC110  # the agents' task tells nobody
            await asyncio.sleep(0.005)


async def seated(desk: Desk) -> tuple[Account, Any]:
    """An agent who sits at 1001, and the agents."""
    me = await desk.account(Role.AGENT, "somsri")
    assert desk.context.agents is not None
    await desk.context.agents.sign_in(me, "1001")
    return me, desk.context.agents


def a_call(released_at: int | None = None) -> Call:
    call = Call("lab-1.1", "lab", ["1.1"], "1203", 100)
    call.agents.append(AgentPart("1001", connected_at=200, released_at=released_at))
    return call


async def test_a_sign_in_that_cannot_be_kept_leaves_nobody_in_the_queues(
    desk: Desk, pbx: Pbx, disk: Disk
) -> None:
    me = await desk.account(Role.AGENT, "somsri")
    agents = desk.context.agents
    assert agents is not None
    disk.full = True
    with pytest.raises(StorageUnavailable):
        await agents.sign_in(me, "1001")
    assert agents.of_account(me.id) is None
    assert list(pbx.members) == [], "no call rings where nobody sits"
    disk.full = False
    await agents.sign_in(me, "1001")
    assert len(pbx.members) == 4


async def test_who_was_taken_out_of_the_queues_is_signed_out_once_that_can_be_kept(
    desk: Desk, pbx: Pbx, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents_module, "AGAIN", 0.01)
    me, agents = await seated(desk)
    disk.full = True
    later = desk.clock.now_us() + 1_000_000
    for member in list(pbx.members):
        event = ev.MemberRemoved(later, False, member.queue, member.interface)
        assert pbx.members.apply(event)
        pbx.told("pbx1", event)
    await until(lambda: disk.refused)
    disk.full = False
    await until(lambda: agents.at("1001") is None)
    await agents.load()
    assert agents.of_account(me.id) is None, "a start does not seat him again"


async def test_a_full_disk_is_not_asked_again_and_again(desk: Desk, pbx: Pbx, disk: Disk) -> None:
    _, agents = await seated(desk)
    disk.full = True
    later = desk.clock.now_us() + 1_000_000
    for member in list(pbx.members):
        event = ev.MemberTold(
            later, False, member.queue, member.interface, "1001", None, True, "lunch", True
        )
        assert pbx.members.apply(event)
        pbx.told("pbx1", event)
    await until(lambda: disk.refused)
    for _ in range(200):
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    assert disk.refused <= 2, "it is tried again after a while, not at once"
    assert agents.at("1001").state is State.READY


async def test_who_ends_a_call_while_the_disk_is_full_gets_the_next_caller(
    desk: Desk, pbx: Pbx, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents_module, "AGAIN", 0.01)
    _, agents = await seated(desk)
    agents._heard(a_call())
    await until(lambda: all(m.paused for m in pbx.members))
    disk.full = True
    agents._heard(a_call(released_at=300))
    await until(lambda: disk.refused)
    await until(lambda: not any(m.paused for m in pbx.members))
    assert agents.at("1001").state is State.READY


async def test_a_record_saved_before_the_calls_end_is_worked_in_needs_no_time_after_it(
    desk: Desk, pbx: Pbx
) -> None:
    _, agents = await seated(desk)
    agents._heard(a_call())
    async with agents._locks["1001"]:  # the agents' task is behind
        agents._heard(a_call(released_at=300))
        await asyncio.sleep(0)
        await agents.record_saved("1001", "lab-1.1")
    await until(lambda: not any(m.paused for m in pbx.members))
    assert agents.at("1001").state is State.READY


async def test_who_is_signed_in_sees_the_desk_and_is_told_that_nothing_is_saved(
    desk: Desk, pbx: Pbx, disk: Disk
) -> None:
    browser = await desk.browser(Role.AGENT)
    disk.full = True
    desk.clock.forward(seconds=90)
    assert (await browser.get("/desk")).status_code == 200
    assert disk.refused, "when the browser was last seen could not be kept"
    kept = await browser.put("/api/v1/drafts/wrapup:lab-1.1", json={"summary": "ถาม"})
    assert (kept.status_code, kept.json()["type"]) == (503, "storage-unavailable")
