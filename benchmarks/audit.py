"""What a row of the audit log adds to a transaction: `python -m benchmarks.audit [URL]`.

Without a URL on a SQLite file of its own; the medians of so many transactions that write one row.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time

from sqlalchemy import insert

from crm_bridge.records import audit, audit_book, schema
from crm_bridge.records.audit import Entry
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.people import erased_calls

TIMES = 500
ROWS = 20_000


async def measured(database: Database, *, noted: bool) -> float:
    """The median of a transaction, in milliseconds."""
    spans = []
    for n in range(TIMES):
        begun = time.perf_counter()
        async with database.writing() as connection:
            await connection.execute(insert(erased_calls).values(call_id=f"{noted}{n}", at_us=n))
            if noted:
                entry = Entry("case.assigned", n, f"case:{n}", {"to": "dit"}, by="a1")
                audit.note(connection, entry)
        spans.append(time.perf_counter() - begun)
    return statistics.median(spans) * 1000


async def main(url: str) -> None:
    """Measures, and prints what it found."""
    await schema.upgrade(url)
    database = Database(url)
    try:
        bare = await measured(database, noted=False)
        with_row = await measured(database, noted=True)
        print(f"{database.url.get_backend_name()}: {bare:.2f} ms a transaction,"
              f" {with_row:.2f} ms with its row")  # fmt: skip
        async with database.writing() as connection:
            for n in range(ROWS):
                audit.note(connection, Entry("case.assigned", n, f"case:{n}", {"to": "dit"}))
        begun = time.perf_counter()
        verdict = await audit_book.verify(database)
        rate = verdict.checked / (time.perf_counter() - begun)
        print(f"verify: {verdict.checked:,} rows, {rate:,.0f} a second")
    finally:
        await database.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/bench.db"))
