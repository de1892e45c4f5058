"""/readyz tells the truth: each reason is brought about for real, and goes when it is mended."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from crm_bridge.app import App
from crm_bridge.config_operations import HealthSection
from crm_bridge.config_selfservice import SelfServiceSection
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.vitals import STUCK
from ivr.ami.message import LINK_UP, synthetic
from tests.support.damage import damage
from tests.support.desk_clock import HeldClock
from tests.support.fake_ami import FakeAmi
from tests.support.live import until
from tests.support.migrated import postgres_url, sqlite_url
from tests.support.ports import free_port
from tests.support.postgres import Cluster
from tests.support.scenario import config_of
from tests.support.served import bridge
from tests.support.small_disk import full, read_only, small_disk


class SteppedClock(HeldClock):
    """Its wall clock can be put forward or back; the other one goes on."""

    stepped = 0.0

    def now_us(self) -> int:
        return self.at + round(self.stepped * 1_000_000)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def unused(app: App, disk: Path) -> Any:
    """Makes the disk read-only in a moment in which no part of the bridge has a file open on it."""
    for _ in range(200):
        await app.loop._writer.close()
        with suppress(subprocess.CalledProcessError):
            made = read_only(disk)
            made.__enter__()
            return closing_of(made)
        await asyncio.sleep(0.02)
    raise AssertionError("the disk is always in use")


@contextmanager
def closing_of(made: Any) -> Iterator[None]:
    try:
        yield
    finally:
        made.__exit__(None, None, None)


async def test_a_bridge_that_lacks_nothing_is_ready(ami: FakeAmi, tmp_path: Path) -> None:
    async with bridge(ami, await sqlite_url(tmp_path / "hotline.db")) as asked:
        assert await asked.codes() == []
        assert (await asked.state("/healthz"))[0] == 200


async def test_a_node_that_is_cut_off_is_named(ami: FakeAmi, tmp_path: Path) -> None:
    async with bridge(ami, await sqlite_url(tmp_path / "hotline.db")) as asked:
        ami.silent = {"Login"}  # it takes connections, and says nothing any more
        ami.cut()
        await until("the cut is noticed", lambda: asked.app.nodes[0].link.gaps == 1)
        assert await asked.codes() == ["node_down"]
        assert (await asked.state("/healthz"))[0] == 200  # alive: another start would mend nothing
        assert asked.app.nodes[0].link.unheard > 0
        ami.silent = set()
        ami.cut()
        await until("connected again", lambda: asked.app.nodes[0].link.connects == 2)
        assert await asked.codes() == []


async def test_a_node_whose_state_is_being_asked_is_not_ready(ami: FakeAmi, tmp_path: Path) -> None:
    async with bridge(ami, await sqlite_url(tmp_path / "hotline.db")) as asked:
        ami.silent = {"QueueStatus"}
        ami.cut()
        link = asked.app.nodes[0].link
        await until("the snapshot is under way", lambda: link.state.value == "snapshot")
        assert await asked.codes() == ["node_snapshot"]


async def test_a_read_only_disk_and_a_full_one_are_said_though_nothing_is_to_be_saved(
    ami: FakeAmi, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        url = await sqlite_url(disk / "hotline.db")
        desk = config_of("ours").desk.model_copy(update={"data_dir": tmp_path / "desk"})
        async with bridge(
            ami, url, desk=desk, health=HealthSection(disk_free_megabytes=0)
        ) as asked:
            await until("nothing more to save", lambda: not asked.app.loop.pending_bytes)
            asked.app.loop.saved_at = None  # as if the last commit were long ago
            assert await asked.codes() == []
            with await unused(asked.app, disk):
                assert await asked.codes() == ["database_not_writable"]
                _, body = await asked.state()
                assert body["detail"] in {
                    "the database is read-only", "the database cannot be opened",
                }  # fmt: skip
            assert await asked.codes() == []
            with full(disk):
                assert await asked.codes() == ["database_not_writable"]
                _, body = await asked.state()
                assert "disk is full" in body["detail"]
            assert await asked.codes() == []


async def test_a_disk_with_little_room_is_said_before_it_is_full(
    ami: FakeAmi, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        url = await sqlite_url(disk / "hotline.db")
        section = HealthSection(disk_free_megabytes=10)
        async with bridge(ami, url, health=section) as asked:
            assert await asked.codes() == ["disk_space"]


async def test_a_file_that_is_damaged_while_it_is_used_is_named_with_the_mend(
    ami: FakeAmi, tmp_path: Path
) -> None:
    file = tmp_path / "hotline.db"
    async with bridge(ami, await sqlite_url(file)) as asked:
        app = asked.app
        app.nodes[0].pipeline.flush()  # or its turn, once a second, comes behind the damage
        await until("nothing more to save", lambda: not app.loop.pending_bytes)
        await app.loop._writer.close()
        with sqlite3.connect(file, timeout=20) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.close()
        whole = file.read_bytes()
        try:
            damage(file)
            app.loop.saved_at = None
            assert await asked.codes() == ["database_not_writable"]
            _, body = await asked.state()
            (reason,) = body["reasons"]
            assert reason["what"] == "the database file is damaged"
            assert reason["where"].endswith(str(file))
            assert "restore a backup" in reason["mend"]
            with capture_logs() as logs:  # and so do the records that come meanwhile
                app.nodes[0].pipeline.take(synthetic(LINK_UP, 1763900000.0), 1763900000_000000)
                app.nodes[0].pipeline.flush()
                await until("a commit failed", lambda: app.loop.counters.last_error)
            assert "records_not_saved" in await asked.codes()
            assert [e["mend"] for e in logs if e["event"] == "records are not being saved"] == [
                "put it aside and restore a backup"
            ]
        finally:
            file.write_bytes(whole)
        await until("saved after all", lambda: app.loop.healthy and not app.loop.pending_bytes)


@pytest.mark.postgres
async def test_a_read_only_postgresql_is_said(ami: FakeAmi, postgres: Cluster) -> None:
    url = await postgres_url(postgres, "hotline_standby")
    async with bridge(ami, url) as asked:
        await until("nothing more to save", lambda: not asked.app.loop.pending_bytes)
        asked.app.loop.saved_at = None
        assert await asked.codes() == []
        admin = await asyncpg.connect(postgres.url("postgres"))
        await admin.execute("ALTER DATABASE hotline_standby SET default_transaction_read_only = on")
        await asked.app.database.engine.dispose()
        assert await asked.codes() == ["database_not_writable"]
        await admin.execute("ALTER DATABASE hotline_standby RESET default_transaction_read_only")
        await admin.close()
        await asked.app.database.engine.dispose()
        assert await asked.codes() == []
    postgres.sql("DROP DATABASE hotline_standby WITH (FORCE)")


async def test_records_that_wait_for_a_locked_database_are_said(
    ami: FakeAmi, tmp_path: Path
) -> None:
    url = await sqlite_url(tmp_path / "hotline.db")
    async with bridge(ami, url) as asked:
        app = asked.app
        app.database._busy_timeout = 0.05
        await app.loop._writer.close()
        app.loop._writer._session = app.database.writing_session()
        other = sqlite3.connect(tmp_path / "hotline.db", isolation_level=None, timeout=20,
                                check_same_thread=False)  # fmt: skip
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        with capture_logs():
            app.nodes[0].pipeline.take(synthetic(LINK_UP, 1763900000.0), 1763900000_000000)
            app.nodes[0].pipeline.flush()
            await until("a commit failed", lambda: app.loop.counters.last_error)
            assert "records_not_saved" in await asked.codes()
            other.execute("ROLLBACK")
            other.close()
            await until("saved", lambda: app.loop.healthy)
        assert await asked.codes() == []


async def test_a_backlog_and_a_full_queue_of_events_are_said(ami: FakeAmi, tmp_path: Path) -> None:
    async with bridge(ami, await sqlite_url(tmp_path / "hotline.db")) as asked:
        app = asked.app
        app.loop._policy = Policy(full=0)  # whatever waits is too much: the intake holds back
        intake = app.nodes[0].intake
        intake.limit = 1000
        intake.put([b"x" * 10], 0.0)
        await until("the first is taken, and no more", lambda: not len(intake))
        intake.put([b"x" * 600], 0.0)
        assert sorted(await asked.codes()) == ["backlog", "event_queue"]
        app.loop._policy = Policy()
        await until("worked in", lambda: not len(intake))
        assert await asked.codes() == []


@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
async def test_a_clock_that_jumps_is_said_for_five_minutes(
    ami: FakeAmi, tmp_path: Path, seconds: float
) -> None:
    clock = SteppedClock()
    url = await sqlite_url(tmp_path / "hotline.db")
    async with bridge(ami, url) as asked:
        asked.app.vitals.clock = clock
        asked.app.vitals._offset = None
        assert await asked.codes() == []
        with capture_logs() as logs:
            clock.stepped = seconds
            assert await asked.codes() == ["clock_stepped"]
        (said,) = [entry for entry in logs if "jumped" in entry["event"]]
        assert said["seconds"] == pytest.approx(seconds, abs=1)
        clock.forward(seconds=301)
        assert await asked.codes() == []
        assert asked.app.vitals.steps == 1


async def test_an_asterisk_whose_clock_is_ahead_is_named(ami: FakeAmi, tmp_path: Path) -> None:
    async with bridge(ami, await sqlite_url(tmp_path / "hotline.db")) as asked:
        ami.send("Event: QueueMemberPause\r\nTimestamp: 4102444800.000000\r\nQueue: information\r\n"
                 "MemberName: PJSIP/1001\r\nInterface: PJSIP/1001\r\nPaused: 1")  # fmt: skip
        tally = asked.app.nodes[0].pipeline.tally
        await until("the event came", lambda: (tally.last_lag or 0) < -5_000_000)
        assert await asked.codes() == ["clock_differs"]


async def test_self_service_that_cannot_listen_is_said(ami: FakeAmi, tmp_path: Path) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        url = await sqlite_url(tmp_path / "hotline.db")
        async with bridge(ami, url, selfservice=SelfServiceSection(port=port)) as asked:
            assert await asked.codes() == ["selfservice_not_listening"]


async def test_a_commit_that_never_comes_back_is_no_life(ami: FakeAmi, tmp_path: Path) -> None:
    clock = SteppedClock()
    async with bridge(ami, await sqlite_url(tmp_path / "hotline.db")) as asked:
        app, let_go = asked.app, asyncio.Event()
        loop: CommitLoop = app.loop
        loop._clock = clock
        real = loop._writer.commit

        async def hangs(batch: Any) -> Any:
            await let_go.wait()
            return await real(batch)

        loop._writer.commit = hangs
        app.nodes[0].pipeline.take(synthetic(LINK_UP, 1763900000.0), 1763900000_000000)
        app.nodes[0].pipeline.flush()
        await until("a commit is under way", lambda: loop._begun is not None)
        assert (await asked.state("/healthz"))[0] == 200
        clock.forward(seconds=STUCK + 1)
        status, body = await asked.state("/healthz")
        assert status == 503
        assert [reason["code"] for reason in body["reasons"]] == ["commit_loop_stuck"]
        let_go.set()
        await until("it is back", lambda: loop._begun is None)
        assert (await asked.state("/healthz"))[0] == 200
