"""Real calls, the bridge beside them: what is on disk afterwards is what the scenarios expect.

The same expected records as for the captures, with the moments of this run's own books. A telling
few are played in `make test`; with HOTLINE_SOAK=1 (`make soak`) the whole catalogue.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crm_bridge.app import App
from crm_bridge.records.schema import upgrade
from ivr.lab.address import AMI_PORT, Claim, address
from ivr.lab.asterisk import Lab
from ivr.lab.proxy import Proxy
from ivr.lab.record import play
from ivr.lab.root import Root
from ivr.lab.scenarios.catalogue import SCENARIOS
from tests.support.live import (
    assert_sound,
    bridge,
    bridge_config,
    caught_up,
    connected,
    keep_books,
    on_disk,
)
from tests.support.scenario import Books, expected

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
CEL_TOLERANCE = 50_000
"""Microseconds: Asterisk writes CEL and tells AMI of a moment apart, and this machine is loaded."""
AT_ONCE = 3

pytestmark = [pytest.mark.line, pytest.mark.timeout(1800 if SOAK else 150)]


@dataclass(frozen=True, slots=True)
class Run:
    """A scenario that was played: where its books are, what is on disk, the bridge as it ended."""

    books: Path
    calls: list[dict[str, Any]]
    app: App


def _url(name: str, place: Path) -> str:
    return f"sqlite:///{place / name}.db"


async def _run(name: str, place: Path, root: Root) -> Run:
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
            keep_books(lab, place, name, stage)
        return Run(place, await on_disk(_url(name, place)), app)
    finally:
        claim.release()


@pytest.fixture(scope="module")
def runs(
    lab_root: Root, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Run | BaseException]:
    """Each scenario played, some at once, each on an Asterisk and with a bridge of its own."""
    places = {name: tmp_path_factory.mktemp(name) for name in NAMES}

    async def play_all() -> dict[str, Run | BaseException]:
        some = asyncio.Semaphore(AT_ONCE)
        for name, place in places.items():
            await upgrade(_url(name, place))

        async def one(name: str) -> Run:
            async with some:
                return await _run(name, places[name], lab_root)

        # the longest last would be waited for alone
        order = sorted(NAMES, key=lambda name: name != "queue_timeout")
        found = await asyncio.gather(*map(one, order), return_exceptions=True)
        return dict(zip(order, found, strict=True))

    return asyncio.run(play_all())


@pytest.mark.parametrize("name", NAMES)
def test_the_record_on_disk_is_the_expected_one(
    runs: dict[str, Run | BaseException], name: str
) -> None:
    run = runs[name]
    if isinstance(run, BaseException):
        raise run
    books = Books(name, run.books, CEL_TOLERANCE)
    differences = books.differences(expected(name), run.calls, name)
    assert differences == [], "\n".join(differences)
    assert_sound(run.app)
