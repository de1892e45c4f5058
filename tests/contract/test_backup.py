"""A backup on both engines: whole, sealed, restored to the same rows, else refused."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import shutil
import sqlite3
import tempfile
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import MetaData, func, make_url, select

from crm_bridge.backup import engines, making, restoring
from crm_bridge.backup.archive import BackupFault, Head, Writer
from crm_bridge.backup.rotation import superfluous
from crm_bridge.clock import SystemClock
from crm_bridge.commands.reconcile import reconcile_books
from crm_bridge.commands.replay import _replay
from crm_bridge.config import Config, DatabaseSection, NodeSection
from crm_bridge.config_operations import BackupSection
from crm_bridge.errors import StorageError
from crm_bridge.reconciling.books import Books
from crm_bridge.recordings.keyring import Keyring
from crm_bridge.records import journal, schema
from crm_bridge.records.calls import calls_as_json
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.database import Database
from crm_bridge.records.tables import journal as journal_table
from crm_bridge.records.writer import Batch
from crm_bridge.records.writer import Writer as RecordWriter
from tests.support.damage import damage
from tests.support.live import until
from tests.support.migrated import sqlite_url
from tests.support.postgres import Cluster
from tests.support.scenario import SCENARIOS, chunks_of, config_of
from tests.support.small_disk import small_disk

KEY = base64.b64encode(bytes(range(32))).decode()
AMI_SECRET = "an-ami-secret-of-the-file"
NUMBER = b"812345678"


def config_at(url: str, place: Path, **more: Any) -> Config:
    desk = config_of("ours").desk.model_copy(update={"data_dir": place / "desk-data"})
    return config_of("ours").model_copy(
        update={
            "database": DatabaseSection(url=url),
            "node": [NodeSection(name="pbx1", ami_secret=AMI_SECRET, sounds=place / "sounds")],
            "desk": desk,
            "backup": BackupSection(keys={"k1": SecretStr(KEY)}, also=[place / "site.toml"]),
            **more,
        }
    )


def left_behind(place: Path) -> list[Path]:
    return list(place.glob(".*"))


def keys(config: Config) -> Keyring:
    return making.keyring_of(config)


async def content(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in one order."""
    database = Database(url)
    try:
        async with database.reading() as connection:
            tables = MetaData()
            await connection.run_sync(tables.reflect)
            return {
                name: sorted(map(tuple, await connection.execute(select(table))), key=repr)
                for name, table in tables.tables.items()
            }
    finally:
        await database.close()


@pytest.fixture
async def filled(empty_url: str, tmp_path: Path) -> tuple[Config, Path]:
    """A desk with calls of a few scenarios, files of cases and recordings, and a configuration."""
    await schema.upgrade(empty_url)
    config = config_at(empty_url, tmp_path)
    names = ("answered_served", "abandoned_queue", "ami_cut")
    await _replay([SCENARIOS / f"{name}.capture" for name in names], config, False)
    files = {
        "desk-data/attachments/ab/1": b"a file of a case",
        "desk-data/recordings/cd/2": bytes(range(256)) * 1000,
        "desk-data/recordings/cd/3.part": b"not finished",
        "sounds/th/custom/hotline/welcome.wav": b"RIFF",
        "sounds/th/hotline/welcome.wav": b"laid down by the installer",
        "site.toml": b"trunk = '192.0.2.1'",
    }
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    file = tmp_path / "hotline.toml"
    file.write_text(
        f'[[node]]\nname = "pbx1"\nami_secret = "{AMI_SECRET}"\n'
        '[messages]\ntoken = "a-token-the-environment-stands-over"\n[web]\nport = 8203\n',
        "utf-8",
    )
    return config, file


@pytest.fixture
async def restored_url(empty_url: str, request: pytest.FixtureRequest) -> AsyncIterator[str | None]:
    """Where a backup of this engine can be restored to: an empty database, or nothing to name."""
    if empty_url.startswith("sqlite"):
        yield None
        return
    server: Cluster = request.getfixturevalue("postgres")
    server.sql("CREATE DATABASE hotline_restored")
    yield server.url("hotline_restored")
    server.sql("DROP DATABASE hotline_restored WITH (FORCE)")


async def test_what_is_restored_is_what_was_there(
    filled: tuple[Config, Path], restored_url: str | None, tmp_path: Path
) -> None:
    config, file = filled
    made = await making.make(config, file, tmp_path / "backups", SystemClock())
    assert made.stat().st_mode & 0o777 == 0o600
    sealed = made.read_bytes()
    assert NUMBER not in sealed
    assert b"SQLite format" not in sealed
    assert list((tmp_path / "desk-data").glob(".*")) == []  # no plain copy is left
    head = making.check(made, keys(config), tmp_path)
    assert head.schema == schema.head()
    assert "pbx1" in head.journal or head.journal == {}

    place = tmp_path / "new"
    await restoring.restore(made, keys(config), place, restored_url)
    url = restored_url or f"sqlite:///{place}/hotline.db"
    before, after = await content(config.database.url), await content(url)
    assert before["calls"]
    assert after == before
    assert (place / "desk-data/attachments/ab/1").read_bytes() == b"a file of a case"
    assert (place / "desk-data/recordings/cd/2").read_bytes() == bytes(range(256)) * 1000
    assert not (place / "desk-data/recordings/cd/3.part").exists()
    assert (place / "prompts/pbx1/th/hotline/welcome.wav").read_bytes() == b"RIFF"
    assert (place / "also/0/site.toml").exists()
    told = (place / "config/hotline.toml").read_text()
    assert "port = 8203" in told
    assert AMI_SECRET not in told
    assert "a-token" not in told

    with pytest.raises(BackupFault, match="not empty"):
        await restoring.restore(made, keys(config), place, restored_url)
    if restored_url is not None:
        with pytest.raises(BackupFault, match="not empty"):
            await restoring.restore(made, keys(config), tmp_path / "third", restored_url)
        with pytest.raises(BackupFault, match="--database"):
            await restoring.restore(made, keys(config), tmp_path / "third", None)
    else:
        with pytest.raises(BackupFault, match="SQLite"):
            await restoring.restore(made, keys(config), tmp_path / "third", "postgresql://x/y")
    assert not (tmp_path / "third").exists()
    assert left_behind(tmp_path) == []


async def test_calls_since_the_backup_come_back_from_the_books(
    empty_url: str, restored_url: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await schema.upgrade(empty_url)
    config = config_at(empty_url, tmp_path)
    before, since = "answered_served", "attended_refer"
    await _replay([SCENARIOS / f"{before}.capture"], config, False)
    made = await making.make(config, tmp_path / "none", tmp_path / "b", SystemClock())
    await _replay([SCENARIOS / f"{since}.capture"], config, False)  # then the machine is lost
    lost = Database(empty_url)
    whole = {call["call_id"]: call async for call in calls_as_json(lost)}
    await lost.close()

    place = tmp_path / "new"
    await restoring.restore(made, keys(config), place, restored_url)
    database = Database(restored_url or f"sqlite:///{place}/hotline.db")
    kept = {call["call_id"]: call async for call in calls_as_json(database)}
    assert len(kept) == 1
    assert all(whole[call_id] == call for call_id, call in kept.items())
    books = [
        Books(chunks_of(name)[0], SCENARIOS / f"{name}.cel.csv", SCENARIOS / f"{name}.queue_log")
        for name in (before, since)
    ]
    capsys.readouterr()
    await reconcile_books(database, config, books, None, repair=True)
    capsys.readouterr()
    await reconcile_books(database, config, books, None, repair=False)
    assert capsys.readouterr().out == ""  # nothing is missing any more
    back = {call["call_id"]: call async for call in calls_as_json(database)}
    await database.close()
    assert back.keys() == whole.keys()
    (new,) = back.keys() - kept.keys()
    assert back[new]["outcome"] == whole[new]["outcome"]
    assert [a["agent"] for a in back[new]["agents"]] == [a["agent"] for a in whole[new]["agents"]]
    assert back[new]["gaps"]
    assert all(gap["filled_by"] for gap in back[new]["gaps"])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("p%40ss%2Fword9", "p@ss/word9"),  # a URL's per cents
        (r"p\u0040ss\u002fword9", "p@ss/word9"),  # TOML's escapes
        (r"tab\tand \"quotes\"", 'tab\tand "quotes"'),
    ],
)
def test_a_secret_is_taken_out_however_it_is_written(
    tmp_path: Path, written: str, read: str
) -> None:
    file = tmp_path / "hotline.toml"
    in_url = "%" in written
    file.write_text(
        f'[database]\nurl = "postgresql://hotline:{written if in_url else "x9y9"}@db/hotline"\n'
        f'[[node]]\nname = "pbx1"\nami_secret = "{"other" if in_url else written}"\n'
        "[web]\nport = 8203\n"
    )
    url = f"postgresql://hotline:{written if in_url else 'x9y9'}@db/hotline"
    config = config_at(url, tmp_path, node=[NodeSection(name="pbx1", ami_secret=read)])
    told = making.without_secrets(config, file)
    assert written not in told
    assert read not in told
    assert "port = 8203" in told
    assert "@db/hotline" in told


@contextmanager
def somebody() -> Iterator[Path]:
    """A folder that everybody may enter, as a user whom permissions hold."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        Path(made).chmod(0o755)
        root = os.geteuid() == 0
        (Path(made) / "th").mkdir()
        (Path(made) / "th" / "custom").mkdir()
        (Path(made) / "th" / "custom" / "welcome.wav").write_bytes(b"RIFF")
        (Path(made) / "th").chmod(0)
        if root:
            os.seteuid(65534)
        try:
            yield Path(made)
        finally:
            if root:
                os.seteuid(0)
            (Path(made) / "th").chmod(0o755)


def test_what_may_not_be_read_ends_a_backup(tmp_path: Path) -> None:
    with somebody() as place, pytest.raises(PermissionError):
        list(making._below("desk", place))
    with somebody() as sounds, pytest.raises(PermissionError):
        making._customs(sounds)
    unit = Path("docker/systemd/hotline-backup.service").read_text()
    assert "SupplementaryGroups=asterisk" in unit.splitlines()


async def test_what_a_killed_backup_left_is_cleared_the_next_day(
    small: tuple[Config, Path], tmp_path: Path
) -> None:
    config, made = small
    old, young = made.with_name("hotline-old.part"), made.with_name("hotline-young.part")
    for part in (old, young):
        part.write_bytes(b"half")
    os.utime(old, (1, 1))
    made.unlink()
    await making.make(config, tmp_path / "none", made.parent, SystemClock())
    assert (old.exists(), young.exists()) == (False, True)


def test_the_tools_of_postgresql_are_told_what_the_url_asks(
    postgres: Cluster, tmp_path: Path
) -> None:
    with pytest.raises(BackupFault, match="SSL"):  # the tests' server has none
        engines.snapshot(make_url(postgres.url() + "?ssl=verify-full"), tmp_path / "a")
    url = make_url(f"postgresql://hotline@/postgres?host=127.0.0.1:{postgres.port}&ssl=disable")
    engines.snapshot(url, tmp_path / "b")
    assert (tmp_path / "b").stat().st_size


@pytest.fixture
async def small(tmp_path: Path) -> tuple[Config, Path]:
    """An archive of a desk without calls."""
    config = config_at(await sqlite_url(tmp_path / "hotline.db"), tmp_path)
    (tmp_path / "desk-data").mkdir()
    (tmp_path / "desk-data" / "file").write_bytes(bytes(range(256)) * 2000)
    return config, await making.make(config, tmp_path / "none", tmp_path / "b", SystemClock())


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.999, 1.0])
async def test_what_is_cut_off_anywhere_is_refused(
    small: tuple[Config, Path], tmp_path: Path, share: float
) -> None:
    config, whole = small
    torn = tmp_path / "torn.backup"
    data = whole.read_bytes()
    torn.write_bytes(data[: min(round(len(data) * share), len(data) - 1)])
    with pytest.raises(BackupFault, match=r"torn\.backup: (is damaged|is no backup)"):
        making.check(torn, keys(config), tmp_path)
    with pytest.raises(BackupFault):
        await restoring.restore(torn, keys(config), tmp_path / "new", None)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9999])
async def test_a_byte_that_was_changed_is_found(
    small: tuple[Config, Path], tmp_path: Path, share: float
) -> None:
    config, whole = small
    data = bytearray(whole.read_bytes())
    data[round(len(data) * share)] ^= 1
    other = tmp_path / "other.backup"
    other.write_bytes(data)
    with pytest.raises(BackupFault):
        making.check(other, keys(config), tmp_path)


async def test_another_key_and_none_are_told_apart_from_damage(
    small: tuple[Config, Path], tmp_path: Path
) -> None:
    _, whole = small
    with pytest.raises(BackupFault, match=r"another one than it was.*HOTLINE_BACKUP__KEYS"):
        making.check(whole, Keyring({"k1": bytes(32)}, "k1"), tmp_path)
    with pytest.raises(BackupFault, match=r"'k1' is not in.*HOTLINE_BACKUP__KEYS"):
        making.check(whole, Keyring({"k2": bytes(32)}, "k2"), tmp_path)
    with pytest.raises(BackupFault, match="there is no key"):
        making.keyring_of(Config())


async def test_older_tables_are_brought_up_and_newer_ones_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = schema.revisions()
    older = known[-2]
    config = config_at(f"sqlite:///{tmp_path}/old.db", tmp_path)
    from alembic import command
    from alembic.config import Config as Alembic

    def up_to_older(connection: Any) -> None:
        alembic = Alembic()
        alembic.set_main_option("script_location", str(schema.MIGRATIONS))
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, older)

    database = Database(config.database.url)
    async with database.writing() as connection:
        await connection.run_sync(up_to_older)
    await database.close()
    made = tmp_path / "made"
    engines.snapshot(database.url, tmp_path / "snapshot")
    head = Head("2026-11-23T00:00:00Z", "0.1.0", "sqlite", older)
    with made.open("wb") as into, Writer(into, keys(config), head) as writer:
        writer.file(engines.SQLITE_FILE, tmp_path / "snapshot")
        writer.finish()
    await restoring.restore(made, keys(config), tmp_path / "new", None)
    database = Database(f"sqlite:///{tmp_path}/new/hotline.db")
    assert await schema.current(database) == known[-1]
    await database.close()
    monkeypatch.setattr(schema, "revisions", lambda: known[:-2])
    with pytest.raises(BackupFault, match=f"tables are at {older}, which this program does not"):
        await restoring.restore(made, keys(config), tmp_path / "again", None)


async def test_a_backup_while_much_is_written_is_of_one_moment(
    empty_url: str, tmp_path: Path
) -> None:
    await schema.upgrade(empty_url)
    config = config_at(empty_url, tmp_path)
    database = Database(empty_url)
    loop = CommitLoop(RecordWriter(database), Policy(linger=0))
    committing = asyncio.create_task(loop.run())
    scribe = journal.Scribe("pbx1", None)
    stopping = asyncio.Event()

    async def write() -> None:
        # each commit keeps two pieces: a copy that is no single moment would have an odd number
        for n in itertools.count():
            if stopping.is_set():
                return
            pieces = [scribe.piece([(n, b"x" * 2000)], n, n), scribe.piece([(n, b"y")], n, n)]
            await loop.saved(loop.offer(Batch(pieces)))

    writing = asyncio.create_task(write())
    await until("some is written", lambda: loop.counters.commits > 20)
    made = await making.make(config, tmp_path / "none", tmp_path / "b", SystemClock())
    stopping.set()
    await writing
    loop.stop()
    await committing
    await database.close()
    assert making.check(made, keys(config), tmp_path).journal["pbx1"]
    if empty_url.startswith("sqlite"):
        await restoring.restore(made, keys(config), tmp_path / "new", None)
        copy = Database(f"sqlite:///{tmp_path}/new/hotline.db")
        async with copy.reading() as connection:
            count = await connection.scalar(select(func.count()).select_from(journal_table))
        await copy.close()
        assert count % 2 == 0
        assert count >= 40


async def test_memory_does_not_grow_with_what_is_kept(tmp_path: Path) -> None:
    config = config_at(await sqlite_url(tmp_path / "hotline.db"), tmp_path)
    (tmp_path / "desk-data").mkdir()
    with (tmp_path / "desk-data" / "large").open("wb") as large:
        for _ in range(32):
            large.write(os.urandom(1_048_576))
    tracemalloc.start()
    try:
        await making.make(config, tmp_path / "none", tmp_path / "b", SystemClock())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 16 * 1_048_576


async def test_a_damaged_database_takes_no_good_backups_place(tmp_path: Path) -> None:
    config = config_at(await sqlite_url(tmp_path / "hotline.db"), tmp_path)
    damage(tmp_path / "hotline.db")
    with pytest.raises(StorageError, match="damaged; put it aside and restore a backup"):
        await making.make(config, tmp_path / "none", tmp_path / "b", SystemClock())
    assert list((tmp_path / "b").glob("*")) == []


async def test_a_full_disk_leaves_no_half_a_backup(tmp_path: Path) -> None:
    config = config_at(await sqlite_url(tmp_path / "hotline.db"), tmp_path)
    (tmp_path / "desk-data").mkdir()
    (tmp_path / "desk-data" / "noise").write_bytes(os.urandom(6 * 1_048_576))
    with small_disk(tmp_path / "disk") as disk:
        with pytest.raises(BackupFault, match="No space left"):
            await making.make(config, tmp_path / "none", disk, SystemClock())
        assert list(disk.iterdir()) == []


def test_days_weeks_and_months_are_kept_and_the_newest_always(tmp_path: Path) -> None:
    first = datetime(2026, 1, 1, 19, 40, tzinfo=UTC)
    files = [
        tmp_path / (first + timedelta(days=n)).strftime("hotline-%Y%m%dT%H%M%SZ.backup")
        for n in range(200)
    ]
    section = BackupSection(keys={"k1": SecretStr(KEY)}, daily=7, weekly=5, monthly=12)
    gone = superfluous([*files, tmp_path / "notes.txt"], section)
    kept = [file for file in files if file not in gone]
    assert files[-7:] == kept[-7:]
    assert len(kept) == 7 + 3 + 6  # a week's newest and a month's newest may be a day's
    assert superfluous(kept, section) == []
    assert superfluous(files[:1], BackupSection(daily=1, weekly=0, monthly=0)) == []


def test_the_plain_copy_is_no_part_of_the_next_backup(tmp_path: Path) -> None:
    (tmp_path / "desk-data" / ".backup-left").mkdir(parents=True)
    (tmp_path / "desk-data" / ".backup-left" / "snapshot").write_bytes(b"plain")
    names = [name for name, _ in making._below("desk", tmp_path / "desk-data")]
    assert names == []
    shutil.rmtree(tmp_path / "desk-data")
    assert sqlite3.sqlite_version_info >= (3, 27)  # VACUUM INTO
