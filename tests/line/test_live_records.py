"""Real calls, the bridge beside them: what is on disk afterwards is what the scenarios expect.

The same expected records as for the captures, with the moments of this run's own books. A telling
few are played in `make test`; with HOTLINE_SOAK=1 (`make soak`) the whole catalogue.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from crm_bridge.app import App
from crm_bridge.records.schema import upgrade
from ivr.lab.address import AMI_PORT, Claim, LabError, address
from ivr.lab.asterisk import Lab
from ivr.lab.proxy import Proxy
from ivr.lab.record import play
from ivr.lab.root import Root
from ivr.lab.scenarios.catalogue import SCENARIOS
from ivr.lab.sipua import NotInTime
from tests.support.live import (
    assert_sound,
    books,
    bridge,
    bridge_config,
    caught_up,
    connected,
    keep_books,
    on_disk,
)
from tests.support.scenario import expected

TELLING = (
    "answered_served",
    "ring_no_answer",
    "blind_feature",
    "attended_refer",
    "attended_feature",
    "consult_return",
    "park",
    "queue_timeout",
    "ami_cut",
    "foreign_transfer",
)
"""Of these every fact is fixed by the script, however busy the machine is."""
SOAK = os.environ.get("HOTLINE_SOAK") == "1"
NAMES = tuple(SCENARIOS) if SOAK else TELLING
AT_ONCE = 3
"""Scenarios that are played at a time: their own waiting is most of their life."""

pytestmark = [pytest.mark.line, pytest.mark.timeout(1800 if SOAK else 150)]


@dataclass(frozen=True, slots=True)
class Run:
    """A scenario that was played: what was wrong with its record, and the bridge as it ended."""

    differences: list[str]
    app: App


def _url(name: str, place: Path) -> str:
    return f"sqlite:///{place / name}.db"


async def _run(name: str, place: Path, root: Root) -> Run:
    """Plays a scenario on an Asterisk and with a bridge of its own, and reads the disk."""
    scenario = SCENARIOS[name]
    claim = Claim.take()
    try:
        configure = scenario.configure
        async with Lab(place / "lab", claim.number, root=root, configure=configure) as lab:
            proxy = Proxy(address(lab.number, 2), lab.server, AMI_PORT)
            await proxy.open()
            try:
                config = bridge_config(place / f"{name}.db", lab, like=name, host=proxy.address)
                async with bridge(config) as app:
                    stage = await play(scenario, lab, lambda: connected(app), proxy)
                    await caught_up(app)
            finally:
                await proxy.close()
            book = books(keep_books(lab, place, name, stage), name)
    finally:
        claim.release()
    calls = await on_disk(_url(name, place))
    try:
        return Run(book.differences(expected(name), calls, name), app)
    except AssertionError as missing:  # a moment that this run's books have not
        return Run([f"{missing}: {calls}"], app)


def _may_be_the_machine(run: Run | BaseException) -> bool:
    if isinstance(run, Run):
        return bool(run.differences)
    return isinstance(run, NotInTime | LabError | AssertionError)


@pytest.fixture(scope="module")
def runs(
    lab_root: Root, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Run | BaseException]:
    """Each scenario played, some at once; what a loaded machine spoilt once more, alone.

    A script's own times are part of some facts (a call shorter than a second is `short`), and a
    machine that does much else stretches them.
    """

    async def play_all(names: list[str], at_once: int) -> dict[str, Run | BaseException]:
        places = {name: tmp_path_factory.mktemp(name) for name in names}
        for name, place in places.items():
            await upgrade(_url(name, place))
        some = asyncio.Semaphore(at_once)

        async def one(name: str) -> Run:
            async with some:
                return await _run(name, places[name], lab_root)

        found = await asyncio.gather(*map(one, names), return_exceptions=True)
        return dict(zip(names, found, strict=True))

    # the longest last would be waited for alone
    played = asyncio.run(play_all(sorted(NAMES, key=lambda name: name != "queue_timeout"), AT_ONCE))
    spoilt = {name: run for name, run in played.items() if _may_be_the_machine(run)}
    for name, run in spoilt.items():
        print(f"{name} is played again:", run.differences if isinstance(run, Run) else repr(run))
    return {**played, **asyncio.run(play_all(list(spoilt), 1))}


@pytest.mark.parametrize("name", NAMES)
def test_the_record_on_disk_is_the_expected_one(
    runs: dict[str, Run | BaseException], name: str
) -> None:
    run = runs[name]
    if isinstance(run, BaseException):
        raise run
    assert run.differences == [], "\n".join(run.differences)
    assert_sound(run.app)
