"""Events come faster than anything takes them: memory stays bounded, and what is lost is named."""

from __future__ import annotations

import asyncio
import gc
import itertools
import tracemalloc
from typing import Any

from structlog.testing import capture_logs

from crm_bridge.pipeline import Intake, NodePipeline, work
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.journal import Scribe
from crm_bridge.records.writer import Batch, Committed
from ivr.ami.message import LINK_LOST, LINK_UP, synthetic
from ivr.steps.standards import load_standards
from tests.support.live import until
from tests.support.scenario import config_of, messages_of

MEGABYTE = 1_048_576
WAITING = 2 * MEGABYTE
OFFERED = 1 * MEGABYTE
FLOOD = 40 * MEGABYTE


class Hanging:
    """A writer whose disk has stopped; `goes` lets it go on."""

    def __init__(self) -> None:
        self.goes = asyncio.Event()
        self.saved: list[str] = []

    async def commit(self, batch: Batch) -> Committed:
        await self.goes.wait()
        self.saved += batch.calls
        return Committed(0, 0, 0, 0)

    async def close(self) -> None:
        """Nothing to give back."""


async def test_a_flood_before_a_disk_that_hangs_takes_bounded_memory_and_ends_in_a_named_gap() -> (
    None
):
    writer: Any = Hanging()
    loop = CommitLoop(writer, Policy(linger=0, full=OFFERED))
    committing = asyncio.create_task(loop.run())
    directory = config_of("ours").directory()
    pipeline = NodePipeline("lab1", directory, load_standards(), loop, Scribe("lab1", None))
    dropped: list[str] = []
    intake = Intake(limit=WAITING, drop_link=dropped.append)
    working = asyncio.create_task(work(intake, pipeline, lambda: not loop.full))
    _, messages = messages_of("answered_served")
    block = [raw for raw, _ in messages]
    size = sum(map(len, block))
    gc.collect()
    tracemalloc.start()
    most = 0
    with capture_logs() as logs:
        for number in range(FLOOD // size):
            # calls of their own, as a flood has them
            mark = b"%d." % (1763900000 + number)
            intake.put([raw.replace(b"1763900000.", mark) for raw in block], 1763900000.0)
            if number % 100 == 0:
                await asyncio.sleep(0)
                pipeline.flush(most=10)
            assert intake.size <= WAITING
            most = max(most, loop.pending_bytes)
            if number > 2 and dropped and number % 50 == 0:
                # the link comes back, as it would, and the flood goes on
                intake.put([synthetic(LINK_UP, 1763900000.0 + number)], 1763900000.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert intake.overflows >= 1
    assert dropped
    assert [e for e in logs if e["event"].startswith("events come faster than")]
    assert most <= OFFERED + 2 * MEGABYTE  # what one flush adds to it
    assert peak < 8 * (WAITING + OFFERED)
    writer.goes.set()
    await until("worked in", lambda: not len(intake))
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    loop.stop()
    await asyncio.wait_for(committing, 30)
    assert writer.saved
    assert loop.pending_bytes == 0


def test_a_link_that_is_closed_on_purpose_leaves_its_loss_in_the_queue() -> None:
    intake = Intake(limit=100, drop_link=lambda _why: None)
    with capture_logs():
        for _ in itertools.repeat(None, 5):
            intake.put([b"x" * 60], 1.0)
    held = [message for _ in range(len(intake)) for message in intake.take()[0]]
    assert [LINK_LOST.encode() in message for message in held] == [False, True]
