"""A fifth of the requests fail, each connector tries again, and everything stands there once.

Here the port alone is tried: what repeats a request is a loop. A few dozen calls with all faults
mixed run with every `make test`; HOTLINE_FAULTS=1 runs a thousand calls with each fault by itself
(HOTLINE_FAULTS_CALLS: another number), on RT and Odoo too.
"""

from __future__ import annotations

import pytest

from benchmarks.table import table
from tests.faults.carrying import HEAD, audit, carry, row, work
from tests.faults.grounds import LONG, VENDORS, WAYS, calls_of, grounds, make_ready
from tests.support.crms.faults import Faults


@pytest.mark.timeout(3 * 3600 if LONG else 400)
@pytest.mark.parametrize("vendor", VENDORS)
async def test_everything_stands_there_once_and_in_order(vendor, tmp_path, capsys):
    rows = []
    async with grounds(vendor, tmp_path) as (site, shaking):
        await make_ready(shaking)
        for number, (name, kinds) in enumerate(WAYS):
            faults = Faults(rate=0.2, kinds=kinds, seed=1203 + number)
            callers = work(calls_of(vendor))
            async with shaking(faults) as connector:
                found = await carry(connector, site.mapping, callers)
            await audit(site, callers, found)
            rows.append(row(vendor, name, faults, found))
            with capsys.disabled():
                print(f"\n{table(HEAD, rows[-1:])}", flush=True)
            assert found.calls == calls_of(vendor)
            assert found.retries
            assert 0.1 < sum(faults.failed.values()) / faults.requests < 0.3
            assert (found.duplicates, found.lost, found.disordered) == (0, 0, 0), found.wrong[:9]
