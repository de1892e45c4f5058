"""What may befall a bridge while real calls go on: killed, two Asterisks, its disk locked, full."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from crm_bridge.clock import micros
from crm_bridge.commands.lab_config import write_config
from crm_bridge.records.schema import upgrade
from ivr.lab.address import Claim
from ivr.lab.asterisk import Lab, running
from ivr.lab.dialog import Identity
from ivr.lab.record import play
from ivr.lab.root import Root
from ivr.lab.scenarios.catalogue import SCENARIOS
from ivr.lab.sipua import talk
from ivr.lab.stage import Stage, stage
from tests.support.hotline import Hotline
from tests.support.live import (
    assert_sound,
    books,
    bridge,
    bridge_config,
    caught_up,
    connected,
    keep_books,
    on_disk,
    until,
)
from tests.support.scenario import Books, expected
from tests.support.small_disk import full
from tests.support.small_disk import small_disk as disk_of

pytestmark = pytest.mark.line


@pytest.fixture
async def fresh_lab(lab_root: Root, lab_number: int, tmp_path: Path) -> AsyncIterator[Lab]:
    """A lab of this test alone: its channels are numbered from 0, as expected records say."""
    async with Lab(tmp_path / "lab", lab_number, root=lab_root) as lab:
        yield lab


# --- the bridge is killed -----------------------------------------------------------------------


async def _saved(url: str, what: str, holds: Callable[[list[dict[str, Any]]], bool]) -> None:
    """Waits until the calls on disk are so."""
    try:
        async with asyncio.timeout(60):
            while not holds(await on_disk(url)):  # noqa: ASYNC110  # another process writes it
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not on disk: {what}: {await on_disk(url)}") from None


async def test_a_bridge_killed_in_mid_call_has_every_call_whole_by_the_books(
    fresh_lab: Lab, tmp_path: Path
) -> None:
    """One call goes on, one ends, one comes, one comes and goes while the bridge is away."""
    config = write_config(running(fresh_lab.directory)[0], tmp_path)
    url = f"sqlite:///{tmp_path / 'hotline.db'}"
    first = await Hotline.start(config)
    second: Hotline | None = None
    try:
        await first.ready()
        async with stage(fresh_lab) as place:
            one, two = await place.officer(1001), await place.officer(1002)
            goes_on, leg = await place.served_by(one, identity=Identity("0811111111", "goes on"))
            ends, other = await place.served_by(two, identity=Identity("0822222222", "ends"))
            await _saved(
                url, "two served callers", lambda calls: [len(c["agents"]) for c in calls] == [1, 1]
            )
            killed_at = time.time_ns() // 1000
            await first.killed()
            ends.hang_up()
            await other.ended()
            unheard, third = await place.served_by(two, identity=Identity("0844444444", "unheard"))
            await talk(0.3)
            unheard.hang_up()
            await third.ended()
            comes = await place.queued(identity=Identity("0833333333", "comes"))
            rung = await two.rung()
            second = await Hotline.start(config)
            await second.ready()
            back_at = time.time_ns() // 1000
            await rung.answer()
            await talk(0.6)
            goes_on.hang_up()
            await leg.ended()
            comes.hang_up()
            await rung.ended()
            await place.quiet()
            await _saved(
                url,
                "four calls that are over, filled by the books",
                lambda calls: (
                    [c["outcome"] for c in calls] == ["served"] * 4
                    and all(g["filled_by"] == "cel" for c in calls for g in c["gaps"])
                ),
            )
        assert await second.stopped() == 0
        assert [e for e in second.logged if e["level"] in {"error", "critical"}] == []
    finally:
        for hotline in (first, second):
            if hotline is not None:
                await hotline.away()
    calls = await on_disk(url)
    assert [c["caller_number_presented"] for c in calls] == [
        "0811111111", "0822222222", "0844444444", "0833333333",
    ]  # fmt: skip
    went_on, ended, unheard_of, came = calls
    cel = books(keep_books(fresh_lab, tmp_path, "the run"), "the run")
    assert cel.differences(
        {
            "entered_at": "CHAN_START PJSIP/trunk-00000000",
            "answered_at": "ANSWER PJSIP/trunk-00000000",
            "ended_at": "HANGUP PJSIP/trunk-00000000",
            "ended_by": "caller",
            "agents": [
                {
                    "agent": "1001",
                    "connected_at": "BRIDGE_ENTER PJSIP/1001",
                    "released_at": "BRIDGE_EXIT PJSIP/1001",
                }
            ],
        },
        went_on,
        "goes on",
    ) == []  # fmt: skip
    exact = Books("the run", tmp_path)  # to 10 ms
    assert exact.differences(
        {
            "ended_at": "HANGUP PJSIP/trunk-00000002",
            "ended_by": "caller",
            "agents": [
                {
                    "agent": "1002",
                    "connected_at": "*",
                    "released_at": {"either": ["BRIDGE_EXIT PJSIP/1002",
                                               "BRIDGE_EXIT PJSIP/trunk-00000002"]},
                }
            ],
        },
        ended,
        "ends",
    ) == []  # fmt: skip
    # no event told of this one: it is made of the books, down to the menu and the greeting's end
    assert exact.differences(
        {
            "entered_at": "CHAN_START PJSIP/trunk-00000004",
            "answered_at": "ANSWER PJSIP/trunk-00000004",
            "ended_at": "HANGUP PJSIP/trunk-00000004",
            "ended_by": "caller",
            "service": "information",
            "language": "th",
            "menu": [{"menu": "main", "key": "2", "at": "*"}],
            "queue_passages": [
                {
                    "queue": "information",
                    "joined_at": "*",
                    "left_at": "*",
                    "outcome": "answered",
                    "position": 1,
                    "attempts": [
                        {"agent": "1002", "rang_at": "*", "ended_at": "*", "outcome": "answered"}
                    ],
                }
            ],
            "agents": [
                {
                    "agent": "1002",
                    "connected_at": "BRIDGE_ENTER PJSIP/1002 #2",
                    "released_at": {"either": ["BRIDGE_EXIT PJSIP/1002 #2",
                                               "BRIDGE_EXIT PJSIP/trunk-00000004"]},
                }
            ],
        },
        unheard_of,
        "unheard",
    ) == []  # fmt: skip
    assert {step["evidence"] for step in unheard_of["steps"]} == {"observed"}
    assert cel.differences(
        {
            "ended_at": "HANGUP PJSIP/trunk-00000006",
            "ended_by": "caller",
            "agents": [{"agent": "1002", "released_at": "BRIDGE_EXIT PJSIP/1002 #-1"}],
        },
        came,
        "comes",
    ) == []  # fmt: skip
    for call in (went_on, ended, came):
        (gap,) = call["gaps"]
        assert micros(gap["from"]) <= killed_at
        assert killed_at < micros(gap["to"]) <= back_at


# --- two Asterisks ------------------------------------------------------------------------------


async def test_two_nodes_are_served_by_one_bridge(
    lab_root: Root, fresh_lab: Lab, tmp_path: Path
) -> None:
    claim = Claim.take()
    async with Lab(tmp_path / "other", claim.number, root=lab_root) as other:
        labs = (fresh_lab, other)
        config = bridge_config(tmp_path / "hotline.db", *labs)
        await upgrade(config.database.url)
        async with bridge(config) as app:
            stages = await asyncio.gather(
                *(
                    play(SCENARIOS["answered_served"], lab, lambda: connected(app), None)
                    for lab in labs
                )
            )
            await caught_up(app)
        calls = await on_disk(config.database.url)
        assert_sound(app)
        assert len(calls) == len(labs)
        for lab, place in zip(labs, stages, strict=True):
            node = f"lab{lab.number}"
            book = books(keep_books(lab, tmp_path, node, place), node)
            ours = [call for call in calls if call["node"] == node]
            assert book.differences(expected("answered_served"), ours, node) == []
        entered = [micros(call["entered_at"]) for call in calls]
        assert max(entered) - min(entered) < 1_000_000
    claim.release()


# --- the database cannot take a write -----------------------------------------------------------

_HOLDER = """
import sqlite3, sys
holder = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
holder.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
holder.execute("ROLLBACK")
"""


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Another program holds the database."""
    argv = [sys.executable, "-c", _HOLDER, str(file)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            holder.stdin.close()


@contextmanager
def _full(file: Path) -> Iterator[None]:
    """The database's disk has no byte left."""
    with full(file.parent):
        yield


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    with disk_of(tmp_path / "disk") as place:
        yield place


def _waits(place: Stage) -> list[float]:
    """Seconds from each caller's key to the ringing of an officer."""
    asked = [note.at for note in place.driven if "presses" in note.what]
    rang = [note.at for note in place.driven if note.what.endswith("rings")]
    return [b - a for a, b in zip(asked, rang, strict=True)]


@pytest.mark.parametrize(
    "fault, what",
    [(_locked, "the database is locked"), (_full, "the disk is full")],
    ids=["locked", "full"],
)
async def test_a_database_that_takes_no_write_disturbs_no_call_and_loses_none(
    fresh_lab: Lab,
    tmp_path: Path,
    small_disk: Path,
    fault: Callable[[Path], AbstractContextManager[None]],
    what: str,
) -> None:
    file = small_disk / "hotline.db"
    config = bridge_config(file, fresh_lab)
    name = "same_number_twice"
    await upgrade(config.database.url)
    with capture_logs() as logs:
        async with bridge(config) as app:
            with ExitStack() as at_fault:
                # a bridge in the middle of a transaction must be able to end it
                await asyncio.to_thread(at_fault.enter_context, fault(file))
                place = await play(SCENARIOS[name], fresh_lab, lambda: connected(app), None)
                await caught_up(app)
                await until("a commit that failed", lambda: app.loop.counters.last_error)
                assert what in (app.loop.counters.last_error or "")
            await until("everything saved", lambda: app.loop.healthy and not app.loop.pending_bytes)
            calls = await on_disk(config.database.url)  # before the clean stop could mend anything
    assert_sound(app)
    book = books(keep_books(fresh_lab, tmp_path, name, place), name)
    assert book.differences(expected(name), calls, name) == []
    assert _waits(place) == [pytest.approx(0, abs=1.0)] * 2
    shouts = [entry for entry in logs if entry["log_level"] == "error"]
    assert [entry["event"] for entry in shouts] == ["records are not being saved"]
    assert shouts[0]["what"] == what
    assert "records are being saved again" in [entry["event"] for entry in logs]
