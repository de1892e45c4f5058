"""Agents' states and Asterisk's queues, both ways, and through a restart of either side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crm_bridge.config import Config
from crm_bridge.desk import sittings
from ivr.lab.asterisk import Lab
from ivr.lab.configure import ours
from ivr.lab.root import Root
from ivr.lab.sipua import talk
from ivr.lab.stage import Stage, stage
from tests.support.floor import Running, floor, refused
from tests.support.live import bridge_config, caught_up, until

pytestmark = [pytest.mark.line, pytest.mark.timeout(180)]

QUEUES = ["appointment", "complaint", "information", "market_information"]


@pytest.fixture
async def place(lab_root: Root, lab_number: int, tmp_path: Path) -> AsyncIterator[Stage]:
    """A lab of this test alone, its officers in no queue until they sign in."""
    configure = ours(static_members=False)
    async with (
        Lab(tmp_path / "lab", lab_number, root=lab_root, configure=configure) as lab,
        stage(lab) as made,
    ):
        yield made


@pytest.fixture
def config(place: Stage, tmp_path: Path) -> Config:
    return bridge_config(tmp_path / "hotline.db", place.lab)


def shown(running: Running, agent: str) -> tuple[str, str | None]:
    seat = running.floor.agents.seat(agent)
    return seat.state, seat.sitting.reason if seat.sitting else None


async def states(running: Running, session_id: str) -> list[tuple[str, str | None, str]]:
    async with running.app.database.reading() as connection:
        rows = await sittings.history(connection, session_id)
    return [(row["state"], row["reason"], row["source"]) for row in rows]


async def test_a_day_at_work(place: Stage, config: Config) -> None:
    async with floor(config) as running:
        agents = running.floor.agents
        officer = await place.officer(1001)
        assert running.told("1001") == ()
        me = await running.sign_in("1001")
        await running.everywhere("1001", False)
        assert sorted(queue for queue, *_ in running.told("1001")) == QUEUES
        other = await running.account("other")
        assert await refused(agents.sign_in(other, "1001")) == "extension-taken"
        assert await refused(agents.sign_in(me, "1002")) == "signed-in-elsewhere"
        assert await refused(agents.sign_in(other, "1999")) == "no-such-extension"
        assert await refused(agents.pause(me.id, "nonsense")) == "no-such-reason"
        await agents.pause(me.id, "lunch")
        await running.everywhere("1001", True, "lunch")
        await agents.ready(me.id)
        await running.everywhere("1001", False)

        caller, leg = await place.served_by(officer)
        call_id = await running.in_call("1001")
        await running.everywhere("1001", True, "wrapup")
        assert shown(running, "1001") == ("ready", None)
        assert await refused(agents.pause(me.id, "lunch")) == "in-call"
        assert await refused(agents.sign_out(me.id)) == "in-call"
        caller.hang_up()
        await leg.ended()
        await until("wrap-up", lambda: shown(running, "1001")[0] == "wrapup")
        sitting = agents.at("1001")
        assert sitting is not None
        assert sitting.call_id == call_id
        waiting = await place.queued()
        await talk(1.0)
        assert officer._arrived.empty()
        await agents.record_saved("1001", "another call")
        assert shown(running, "1001")[0] == "wrapup"
        await agents.record_saved("1001", call_id)
        assert shown(running, "1001")[0] == "ready"
        again = await officer.rung()
        waiting.hang_up()
        await again.ended()
        await caught_up(running.app)

        await agents.sign_out(me.id)
        await until("out of every queue", lambda: running.told("1001") == ())
        assert shown(running, "1001")[0] == "signed_out"
        assert await refused(agents.ready(me.id)) == "not-signed-in-at-a-telephone"
        assert await states(running, sitting.session_id) == [
            ("ready", None, "desk"),
            ("paused", "lunch", "desk"),
            ("ready", None, "desk"),
            ("wrapup", None, "call"),
            ("ready", None, "call"),
        ]


async def test_a_change_made_elsewhere_shows_at_the_desk(place: Stage, config: Config) -> None:
    async with floor(config) as running:
        await running.sign_in("1001")
        await running.sign_in("1008")  # two telephones, rung together
        await running.everywhere("1001", False)
        await running.everywhere("1008", False)
        (interface,) = {m.interface for m in running.floor.line.members("1008")}
        assert interface == "Local/1008@agent-devices/n"
        cli = place.lab.cli
        await cli("queue pause member PJSIP/1001 queue information reason meeting")
        await until("meeting", lambda: shown(running, "1001") == ("paused", "meeting"))
        await cli("queue unpause member PJSIP/1001")
        await until("ready", lambda: shown(running, "1001") == ("ready", None))
        await cli("queue pause member PJSIP/1001 queue complaint reason whatever")
        await until("elsewhere", lambda: shown(running, "1001") == ("paused", "elsewhere"))
        await running.everywhere("1001", True, "elsewhere")
        sitting = running.floor.agents.at("1001")
        assert sitting is not None
        assert sitting.source.value == "line"
        await cli("queue remove member PJSIP/1001 from complaint")
        await until(
            "one queue fewer",
            lambda: len((running.floor.agents.at("1001") or sitting).queues) == len(QUEUES) - 1,
        )
        for queue in QUEUES:
            await cli(f"queue remove member PJSIP/1001 from {queue}")
        await until("signed out", lambda: shown(running, "1001")[0] == "signed_out")
        assert shown(running, "1008") == ("ready", None)


async def test_both_sides_may_be_restarted(place: Stage, config: Config) -> None:
    async with floor(config) as running:
        agents = running.floor.agents
        one = await running.sign_in("1001")
        await running.sign_in("1002")
        await agents.pause(one.id, "training")
        await running.everywhere("1001", True, "training")
        await running.everywhere("1002", False)
        node = running.floor.line.nodes[0]
        await place.lab.stop()
        await until("not known", lambda: not node.known)
        assert shown(running, "1001")[0] == "unknown"
        assert await refused(agents.ready(one.id)) == "line-not-connected"
        await place.lab.boot()
        await until("known again", lambda: node.known)
        await running.everywhere("1001", True, "training")
        await running.everywhere("1002", False)
        assert shown(running, "1001") == ("paused", "training")
    # while the bridge is away 1002 is paused and 1001 loses a queue
    await talk(1.1)  # the list tells a pause by the second
    await place.lab.cli("queue pause member PJSIP/1002 queue information reason lunch")
    await place.lab.cli("queue remove member PJSIP/1001 from information")
    async with floor(config) as running:
        await until("lunch", lambda: shown(running, "1002") == ("paused", "lunch"))
        await running.everywhere("1001", True, "training")
        assert shown(running, "1001") == ("paused", "training")


async def test_officers_of_the_configuration_are_paused_not_removed(
    lab: Lab, on_stage: Stage, tmp_path: Path
) -> None:
    async with floor(bridge_config(tmp_path / "hotline.db", lab)) as running:
        me = await running.sign_in("1005")
        await running.everywhere("1005", False)
        await running.floor.agents.sign_out(me.id)
        await running.everywhere("1005", True, "signed_out")
        await running.sign_in("1005")
        await running.everywhere("1005", False)
