"""Lost callers are found by their numbers, however many are asked for at once."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Connection

from crm_bridge.records.callback_figures import NUMBERS
from crm_bridge.records.database import Database
from tests.support.plans import plans


@pytest.mark.parametrize("many", [1, 20, 300, 500])
async def test_no_page_of_numbers_reads_every_lost_call(database: Database, many: int):
    """By the index of outcomes ten million calls took 40 s a page."""
    numbers = [f"+6681{n:07}" for n in range(many)]

    def asked(connection: Connection) -> list[str]:
        with plans(connection) as found:
            NUMBERS.after(connection, "+668", many)
            NUMBERS.count(connection, numbers)
        return found

    async with database.reading() as connection:
        if connection.dialect.name != "sqlite":
            pytest.skip("PostgreSQL has statistics of its own")
        found = await connection.run_sync(asked)
    assert any("ix_calls_caller" in step for step in found)
    assert not [step for step in found if "ix_calls_outcome" in step]
