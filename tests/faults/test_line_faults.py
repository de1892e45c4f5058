"""Faults at random under mixed real calls: no caller lost, none twice, no time off, no gap unnamed.

Ten faults in `make test`, HOTLINE_SOAK=1 a hundred and more. HOTLINE_FAULT_SEED,
HOTLINE_FAULT_COUNT and HOTLINE_FAULT_KINDS (names with commas between) draw others.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from random import Random

import pytest

from crm_bridge.commands.exits import FOUND
from ivr.lab.root import Root
from tests.faults.line_books import read_books
from tests.faults.line_ground import Ground, Happened, ground, now
from tests.faults.line_kinds import KINDS, LONG, draw, possible
from tests.faults.line_table import Mended, stages_of, table
from tests.faults.line_verdict import judge
from tests.support.lab import lab_root
from tests.support.live import on_disk

__all__ = ["lab_root"]

SOAK = os.environ.get("HOTLINE_SOAK") == "1"
SEED = int(os.environ.get("HOTLINE_FAULT_SEED", "1203"))
COUNT = int(os.environ.get("HOTLINE_FAULT_COUNT", "110" if SOAK else "10"))
ONLY = [kind for kind in os.environ.get("HOTLINE_FAULT_KINDS", "").split(",") if kind]
RATE = 1.2
"""Calls a second: two cores carry them beside the bridge that is started again and again."""
BETWEEN = 2.0
"""Seconds between faults, at the most."""

pytestmark = [pytest.mark.line, pytest.mark.timeout(3600 if SOAK else 240)]


async def befall(here: Ground, kind: str, rng: Random) -> None:
    """One fault, until the bridge is fit again."""
    here.happened.append(Happened(kind, now()))
    await KINDS[kind](here, rng)
    await here.fit()
    here._log()
    here.now.ended = now()
    if SOAK:
        seconds = (here.now.ended - here.now.began) / 1e6
        print(f"{len(here.happened):4} {kind:24} {seconds:5.1f} s", file=sys.stderr, flush=True)


async def test_no_caller_is_lost_whatever_breaks(lab_root: Root, tmp_path: Path) -> None:
    rng = Random(SEED)
    async with ground(lab_root, tmp_path, rng, RATE) as here:
        kinds = [kind for kind in possible(here) if SOAK or kind not in LONG or kind in ONLY]
        kinds = [kind for kind in kinds if not ONLY or kind in ONLY]
        for kind in draw(kinds, COUNT, Random(SEED)):
            await asyncio.sleep(rng.uniform(0.2, BETWEEN))
            await befall(here, kind, rng)
        await here.callers.enough()
        await here.fit()
        disk = f"sqlite:///{here.database}"
        stages = {}
        await here.read_on()
        stages["after the rounds that follow link-ups"] = await on_disk(disk)
        assert await here.bridge.stopped() == 0
        await here.start()  # its round is the nightly one's
        await here.fit()
        await here.read_on()
        assert await here.bridge.stopped() == 0
        stages["after the round of a start"] = await on_disk(disk)
        await here.close_log()
        assert await here.reconcile() in {0, FOUND}, here.said
        assert await here.reconcile() == 0, here.said
        stages["after hotline reconcile --repair"] = await on_disk(disk)
        callers = read_books(here.lab.cel, here.lab.queue_log)
    verdicts = {what: judge(callers, records, here.kills) for what, records in stages.items()}
    mended = Mended(*stages.values())
    by_itself = verdicts["after the round of a start"]
    print(
        f"\nseed {SEED}\n{table(here.happened, callers, by_itself)}\n{stages_of(verdicts, mended)}"
    )
    for what, verdict in verdicts.items():
        for finding in verdict.findings[:40]:
            print(f"  {what}: {finding.kind}: {finding.uniqueid}: {finding.what}")
    assert here.crashes == []
    # a moment that AMI stamped late, with no gap near it, waits for the nightly round
    after_links, *complete = verdicts.values()
    assert [finding for finding in after_links.findings if finding.kind != "off"] == []
    assert [verdict.findings for verdict in complete] == [[], []]
    assert mended.by_repair == []
    assert by_itself.times > len(callers)
