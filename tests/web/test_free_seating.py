"""Free seating: what somebody leaves unfinished at a telephone is not the next person's to see."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import update

from crm_bridge.access.account import Account
from crm_bridge.desk.agent_states import State
from crm_bridge.desk.pop import Stage
from crm_bridge.records.desk_tables.agents import agent_sessions, agent_states
from crm_bridge.web.agent.stream import DeskStream
from tests.support.browser import served
from tests.support.screens import LineDesk, line
from tests.web.test_stream import page, signed_in
from tests.web.test_wrapups import GOOD

__all__ = ["line"]


async def leave(desk: LineDesk, extension: str = "1001") -> None:
    """Whoever sits there leaves."""
    async with desk.database.writing() as connection:
        for table in (agent_sessions, agent_states):
            await connection.execute(update(table).values(ended_us=desk.clock.at))
    await desk.floor.agents.load()
    desk.floor.agents._publish(extension)


async def follow(desk: LineDesk, extension: str = "1001") -> Account:
    """Another person sits down where the one before has left."""
    await leave(desk, extension)
    desk.clock.forward(seconds=60)
    return await desk.agent(extension, "malee")


async def test_who_sits_down_later_sees_no_call_of_who_sat_there_before(line: LineDesk) -> None:
    await line.agent()
    line.play("answered_served").all()
    (left,) = line.context.board.desk("1001")
    assert left.stage is Stage.WRAPUP
    later = await follow(line)
    assert line.context.board.desk("1001") == []
    browser = await line.browser(later)
    for path, body in (("wrapup", GOOD), ("marks", {"mark": "informed"})):
        send = browser.put if path == "wrapup" else browser.post
        answer = await send(f"/api/v1/calls/{left.call_id}/{path}", json=body)
        assert answer.status_code == 404, "nor writes its record"


async def test_a_call_that_goes_on_elsewhere_stays_with_who_handed_it_on(line: LineDesk) -> None:
    await line.agent()
    played = line.play("transfer_to_officer")
    played.until_stage(Stage.WRAPUP)
    await follow(line)
    assert line.context.board.desk("1001") == []
    played.all()
    assert line.context.board.desk("1001") == []


async def test_a_page_of_an_earlier_sitting_has_nothing_of_the_one_between(line: LineDesk) -> None:
    first = await line.agent()
    async with served(line.app) as base, signed_in(line, first) as (client, _):
        async with page(base, client) as p:
            await p.until("state")
            last = p.last
        await follow(line)
        line.play("answered_served").all()
        line.context.board.flush()
        await leave(line)
        await line.sit(first, "1001", State.READY)
        async with page(base, client, last) as p:
            kind, state = await p.next()
            assert (kind, state["calls"]) == ("state", [])


async def test_a_page_that_goes_while_its_seat_changes_listens_no_longer(line: LineDesk) -> None:
    me = await line.agent()
    gone, sent = asyncio.Event(), asyncio.Event()
    stream = DeskStream(line.context, me, "th", session_id=None, cookie=None, last_id=None)
    before = line.context.hub.audience

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(_message: Any) -> None:
        sent.set()

    running = asyncio.create_task(stream({"type": "http"}, receive, send))
    await sent.wait()
    gone.set()
    await leave(line)  # signed out, and the page is left, at the same moment
    async with asyncio.timeout(5):
        await running
    assert line.context.hub.audience == before
