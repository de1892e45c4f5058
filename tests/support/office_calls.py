"""Captures of the scenarios as calls of other people at other times."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from crm_bridge.config import Config
from crm_bridge.pipeline import NodePipeline
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.database import Database
from crm_bridge.records.writer import Writer
from ivr.steps.standards import load_standards
from tests.support.scenario import messages_of

_EPOCH_TIME: Final = re.compile(rb"(?<![\d.])(1[6-9]\d{8})(?=\.\d|\D|$)")


@asynccontextmanager
async def saving(database: Database) -> AsyncIterator[CommitLoop]:
    """A commit loop that runs; all it was given is on disk afterwards."""
    loop = CommitLoop(Writer(database), Policy(linger=0))
    committing = asyncio.create_task(loop.run())
    try:
        yield loop
    finally:
        loop.stop()
        await committing


@dataclass(frozen=True)
class Played:
    """A scenario as a call that began at `at`; from this person, where one is named."""

    scenario: str
    at: int
    name: str = ""
    number: str = ""


async def replay(
    database: Database, config: Config, played: Iterable[Played], loop: CommitLoop | None = None
) -> list[str]:
    """Saves the scenarios as calls; their ids."""
    if loop is None:
        async with saving(database) as own:
            return await replay(database, config, played, own)
    pipeline = NodePipeline("pbx1", config.directory(), load_standards(), loop)
    seen: dict[str, None] = {}
    pipeline.on_change = lambda call, _event: seen.setdefault(call.call_id)
    for one in played:
        for raw, arrived in _moved(one):
            pipeline.take(raw, arrived, journal=False)
        pipeline.flush(everything=True)
    pipeline.close_open()
    pipeline.flush(everything=True)
    await loop.saved(loop.offered)
    return list(seen)


def _moved(one: Played) -> list[tuple[bytes, int]]:
    """The messages of a capture as if it began then, from this person's number."""
    _, messages = messages_of(one.scenario)
    shift = one.at // 1_000_000 - messages[0][1] // 1_000_000

    def later(found: re.Match[bytes]) -> bytes:
        return str(int(found[1]) + shift).encode()

    moved = []
    for raw, arrived in messages:
        text = _EPOCH_TIME.sub(later, raw)
        if one.number:
            text = text.replace(b"0812345678", one.number.encode())
        if one.name:
            text = text.replace("สมชาย ใจดี".encode(), one.name.encode())
        moved.append((text, arrived + shift * 1_000_000))
    return moved
