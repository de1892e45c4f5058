"""The line keeps serving whatever the bridge does: it is overrun, stands still, or is gone.

A real Asterisk that asks the bridge about every caller, SIPp's callers and officers, `hotline run`
as a process. How long the bridge kept a caller from his queue is read from CEL, that he was served
from queue_log.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from crm_bridge.commands.lab_config import write_config
from ivr.lab import sipp
from ivr.lab.address import Claim
from ivr.lab.asterisk import Lab, running
from ivr.lab.root import Root
from tests.faults.line_books import read_books, rows
from tests.faults.line_ground import first
from tests.support.hotline import Hotline
from tests.support.ready_made import ReadyMade

CALLS, RATE = 16, 10.0
OFFICERS = 30
KEY_AFTER = 3.5
"""Seconds from the answer to the caller's key: the menu speaks by then, asked for or not."""
WITHIN = 2.0
"""Seconds for which the bridge may keep a caller from his queue, or from the menu, at the most."""
OWN = 0.3
"""Seconds that a loaded machine may take besides."""

pytestmark = [pytest.mark.line, pytest.mark.timeout(240)]


@asynccontextmanager
async def as_it_is(_: Hotline) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def overrun(hotline: Hotline) -> AsyncIterator[None]:
    """It gets the CPU for a tenth of the time: more callers than it can serve."""

    async def starve() -> None:
        while True:
            hotline.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(0.9)
            hotline.process.send_signal(signal.SIGCONT)
            await asyncio.sleep(0.1)

    starving = asyncio.create_task(starve())
    try:
        yield
    finally:
        starving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starving
        hotline.process.send_signal(signal.SIGCONT)


@asynccontextmanager
async def standing_still(hotline: Hotline) -> AsyncIterator[None]:
    """It is there and does nothing: connections to it are made, and nobody answers."""
    hotline.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        hotline.process.send_signal(signal.SIGCONT)


@asynccontextmanager
async def gone(hotline: Hotline) -> AsyncIterator[None]:
    """It is killed."""
    await hotline.killed()
    yield


async def test_callers_reach_officers_whatever_the_bridge_does(
    lab_root: Root, tmp_path: Path
) -> None:
    claim = Claim.take()
    configure = sipp.load_site(claim.number, OFFICERS, door=True, hours=True)
    table: list[tuple[str, int, int, float, float]] = []
    async with (
        Lab(tmp_path / "lab", claim.number, root=lab_root, configure=configure) as lab,
        ReadyMade() as maker,
    ):
        first(lab)
        config = write_config(running(lab.directory)[0], tmp_path)
        hotline = await Hotline.start(config, maker)
        officers = await sipp.officers(lab)
        try:
            await hotline.ready()
            seen: set[str] = set()
            for state in (as_it_is, overrun, standing_still, gone):
                # what Asterisk has learnt of the bridge is forgotten: it asks again
                await lab.cli("dialplan set global HOTLINE_SELF_REST 0")
                async with state(hotline):
                    played = await sipp.call(
                        lab, calls=CALLS, rate=RATE, menu=KEY_AFTER, talk=4.0, deadline=60
                    )
                    assert played.good, played.errors
                callers = read_books(lab.cel, lab.queue_log)
                came = [caller for name, caller in callers.items() if name not in seen]
                seen |= callers.keys()
                kept = held_up(lab.cel, {caller.uniqueid for caller in came})
                served = sum(bool(caller.withs) for caller in came)
                table.append((state.__name__, len(came), served, *kept))
        finally:
            await officers.stop()
            await hotline.away()
    claim.release()
    print("\nthe bridge      callers  served  answer to menu  key to queue, at the most")
    for state, came_, served, menu, queue in table:
        print(f"{state:14} {came_:8} {served:7}  {menu:12.2f} s  {queue:10.2f} s")
    assert [(came_, served) for _, came_, served, *_ in table] == [(CALLS, CALLS)] * len(table)
    played_before = table[-1][3]  # without a bridge nothing else comes before the menu
    assert all(menu <= played_before + WITHIN + OWN for *_, menu, _ in table), table
    assert all(queue <= WITHIN + OWN for *_, queue in table), table


def held_up(cel: Path, uniqueids: set[str]) -> tuple[float, float]:
    """The longest from an answer until the menu speaks, and from a key until the queue; seconds."""
    since: dict[str, int] = {}
    menu: dict[str, float] = {}
    queue: dict[str, float] = {}
    for row in rows(cel.read_text("utf-8")):
        if row.uniqueid not in uniqueids:
            continue
        if row.event in {"ANSWER", "DTMF"}:
            since[row.uniqueid] = row.at
        elif row.event == "STREAM_BEGIN" and row.context == "1203-menu":
            menu.setdefault(row.uniqueid, (row.at - since[row.uniqueid]) / 1e6)
        elif row.event == "APP_START" and row.app == "Queue":
            queue.setdefault(row.uniqueid, (row.at - since[row.uniqueid]) / 1e6)
    assert menu.keys() == queue.keys() == uniqueids
    return max(menu.values()), max(queue.values())
