"""A fifth of the requests fail, the delivery drains the outbox, and everything stands there once.

Calls, records of calls and cases as the line and the desk write them, into an outbox, out of it to
a real CRM. A few dozen calls with all faults mixed run with every `make test`; HOTLINE_FAULTS=1
(`make faults`) runs a thousand calls with each fault by itself, on RT and Odoo too,
HOTLINE_FAULTS=mixed with all of them; HOTLINE_FAULTS_CALLS says another number.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from benchmarks.table import table
from crm_bridge.records.database import Database
from tests.faults.carrying import HEAD, Outcome, row
from tests.faults.grounds import LONG, VENDORS, WAYS, calls_of, grounds, make_ready
from tests.faults.office import audit, fill, left, open_office, tries, worker_of
from tests.support.crms.faults import Faults
from tests.support.migrated import sqlite_url

MOST_SECONDS = 3 * 3600.0 if LONG else 300.0


@pytest.mark.timeout(6 * 3600 if LONG else 400)
@pytest.mark.parametrize("vendor", VENDORS)
async def test_the_outbox_is_drained_once_and_in_order(vendor, tmp_path, capsys):
    async with grounds(vendor, tmp_path) as (site, shaking):
        await make_ready(shaking)
        for number, (name, kinds) in enumerate(WAYS):
            database = Database(await sqlite_url(tmp_path / f"hotline{number}.db"))
            office = await open_office(database)
            await fill(office, calls_of(vendor))
            faults, found = Faults(rate=0.2, kinds=kinds, seed=1203 + number), Outcome()
            async with shaking(faults) as connector:
                began = time.monotonic()
                async with asyncio.timeout(MOST_SECONDS):
                    await worker_of(office, connector, site.mapping).drain()
                found.seconds = time.monotonic() - began
            found.retries = await tries(office)
            await audit(office, site, found)
            with capsys.disabled():
                print(f"\n{table(HEAD, [row(vendor, name, faults, found)])}", flush=True)
            assert await left(office) == {}
            assert found.calls == calls_of(vendor)
            assert found.retries
            assert 0.1 < sum(faults.failed.values()) / faults.requests < 0.3
            assert (found.duplicates, found.lost, found.disordered) == (0, 0, 0), found.wrong[:9]
            await database.close()
