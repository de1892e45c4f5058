"""A bridge that is killed: what it called saved is there, and no group is there by half."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from crm_bridge.records import journal
from crm_bridge.records.calls import read_calls
from crm_bridge.records.database import Database
from crm_bridge.records.schema import upgrade
from tests.support.figures import counted_anew, figures
from tests.support.records import full_call

WRITER = """
import asyncio, sys
from crm_bridge.records import journal
from crm_bridge.records.calls import snapshot
from crm_bridge.records.database import Database
from crm_bridge.records.writer import Writer, batch_of
from tests.support.records import full_call, full_steps

async def main() -> None:
    writer, scribe, n = Writer(Database(sys.argv[1])), journal.Scribe("pbx1", None), 0
    while True:
        calls = [full_call(n), full_call(n + 1)]
        piece = scribe.piece([(n, b"x" * 5000)], n, n + 1)
        await writer.commit(batch_of([piece], [snapshot(c, full_steps(c)) for c in calls]))
        n += 2
        print(n, flush=True)

asyncio.run(main())
"""


async def test_what_was_called_saved_survives_a_kill(tmp_path):
    url = f"sqlite:///{tmp_path / 'hotline.db'}"
    await upgrade(url)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, url,
        stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    said = 0
    try:
        async with asyncio.timeout(60):
            while said < 60:
                said = int(await process.stdout.readline())
    finally:
        process.kill()
        rest, _ = await process.communicate()
    said = int(rest.split()[-1]) if rest.split() and rest.endswith(b"\n") else said
    database = Database(url)
    found = [s.call async for s in read_calls(database)]
    pieces = [p async for p in journal.read_since(database, "pbx1", -1)]
    kept = await figures(database)
    assert await counted_anew(database) == kept
    await database.close()
    assert said <= len(found) <= said + 4
    assert len(found) == 2 * len(pieces)
    assert found == [full_call(n) for n in range(len(found))]
