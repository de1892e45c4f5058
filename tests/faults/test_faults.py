"""The faults themselves: each is what it says, as often as it says, and takes effect or not.

A test of the delivery that passes because nothing failed would say nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import asynccontextmanager

import pytest

from crm_bridge.connectors.http import JsonHttp
from crm_bridge.connectors.mapping import load
from crm_bridge.connectors.memory import MemoryConnector, MemoryCrm
from crm_bridge.connectors.port import Busy, ConnectorError, Unreachable, Unsettled
from tests.contract.connectors.suite import ticket_draft
from tests.support.crms.faults import Fault, Faults, Rough, Shaken

SECONDS = 0.3


@asynccontextmanager
async def counting():
    """A server that counts the requests that reached it whole: its port, and the count."""
    done = Counter()

    async def serve(reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
                body = json.loads(await reader.readexactly(length))
                done[body["n"]] += 1
                assert b"x-fault" not in head.lower()
                last = b"connection: close" in head.lower()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                await writer.drain()
                if last:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], done
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("fault", "expected", "says"),
    [
        (Fault.REFUSED, Unreachable, "cannot connect; nothing was sent"),
        (Fault.RESET, Unreachable, "reset"),
        (Fault.TIMEOUT, Unreachable, "no whole answer in"),
        (Fault.ILL, Unreachable, "HTTP 5"),
        (Fault.BUSY, Busy, "HTTP 429"),
        (Fault.ODD, Unreachable, "HTTP 200"),
    ],
)
async def test_each_fault_over_http_is_what_it_says(fault, expected, says):
    """An error text in JSON looks like an answer to whoever reads the status alone."""
    faults = Faults(rate=1.0, kinds=[fault])
    async with counting() as (port, done), Rough(port, faults) as rough:
        http = JsonHttp(f"http://127.0.0.1:{port}/", seconds=SECONDS, transport=rough)
        errors = []
        for n in range(20 if fault is not Fault.TIMEOUT else 4):
            try:
                answer = await http.ask("POST", "x", act="write", body={"n": n})
                assert fault is Fault.ODD
                assert "error" in answer.body
            except ConnectorError as error:
                errors.append(error)
        await http.close()
    assert errors
    assert all(type(error) is expected for error in errors)
    assert all(says in str(error) for error in errors)
    took = len(done)
    if fault in {Fault.REFUSED, Fault.BUSY}:
        assert took == 0
    elif fault is Fault.TIMEOUT:
        assert took == 4
    else:
        assert 4 <= took <= 16, "half of them take effect"
    assert faults.failed[fault] == faults.requests


async def test_requests_that_do_not_fail_pass_as_they_are():
    faults = Faults(rate=0.2, kinds=[Fault.RESET, Fault.REFUSED, Fault.ILL])
    async with counting() as (port, done), Rough(port, faults) as rough:
        http = JsonHttp(f"http://127.0.0.1:{port}/", seconds=5, transport=rough)
        passed = 0
        for n in range(300):
            try:
                await http.ask("POST", "x", act="write", body={"n": n})
                passed += 1
            except Unreachable:
                pass
        await http.close()
    failed = sum(faults.failed.values())
    assert 40 <= failed <= 80
    assert passed == 300 - failed
    assert set(faults.failed) == {Fault.RESET, Fault.REFUSED, Fault.ILL}
    assert passed < len(done) < 300
    assert set(done.values()) == {1}


async def test_the_same_seed_fails_the_same_requests():
    def drawn(seed):
        faults = Faults(seed=seed)
        return [faults.draw() for _ in range(200)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [(Fault.REFUSED, Unreachable), (Fault.TIMEOUT, Unreachable), (Fault.BUSY, Busy),
     (Fault.ODD, Unsettled)],
)  # fmt: skip
async def test_each_fault_around_the_port(fault, expected):
    mapping = load(None, "memory")
    crm = MemoryCrm()
    faults = Faults(rate=1.0, kinds=[fault])
    shaken = Shaken(MemoryConnector("memory", crm, mapping), faults)
    for _ in range(20):
        with pytest.raises(expected):
            await shaken.upsert_ticket(ticket_draft(mapping))
    made = len(crm.records)
    if fault is Fault.ODD:
        assert 4 <= made <= 16
    else:
        assert made == (20 if fault is Fault.TIMEOUT else 0)
