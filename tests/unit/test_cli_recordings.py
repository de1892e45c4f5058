"""`hotline recordings reseal`: the old key can go afterwards, or it says which one is missing."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crm_bridge.cli import app
from crm_bridge.recordings import book
from crm_bridge.recordings.book import Recording
from crm_bridge.recordings.keyring import Keyring
from crm_bridge.records.database import Database
from tests.support.migrated import sqlite_url

OLD, NEW = bytes(range(32)), bytes(32)
ID = "0" * 32


def written(key: bytes) -> str:
    return base64.b64encode(key).decode()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    async def make() -> None:
        database = Database(await sqlite_url(tmp_path / "hotline.db"))
        _, sealed = Keyring({"old": OLD}, "old").draw(ID)
        async with database.writing() as connection:
            row = Recording(ID, "voicemail", "lab1-1.1", 1, 2, sealed, None, None)
            await book.keep(connection, row)
        await database.close()

    asyncio.run(make())
    path = tmp_path / "hotline.toml"
    path.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/hotline.db"\n')
    return path


def reseal(config: Path, monkeypatch: pytest.MonkeyPatch, **keys: bytes) -> tuple[int, str]:
    for name, key in keys.items():
        monkeypatch.setenv(f"HOTLINE_RECORDINGS__KEYS__{name.upper()}", written(key))
    if "new" in keys:
        monkeypatch.setenv("HOTLINE_RECORDINGS__KEY", "new")
    done = CliRunner().invoke(app, ["recordings", "reseal", "--config", str(config)])
    return done.exit_code, done.output


def test_all_are_sealed_with_the_key_in_force(config, monkeypatch):
    assert reseal(config, monkeypatch, old=OLD, new=NEW) == (0, "sealed with new: 1\n")
    assert reseal(config, monkeypatch, new=NEW) == (0, "sealed with new: 0\n")


def test_without_the_key_that_sealed_them_it_says_which(config, monkeypatch):
    code, told = reseal(config, monkeypatch)
    assert code
    assert "recordings.keys: there is no key" in told
    code, told = reseal(config, monkeypatch, new=NEW)
    assert code
    assert "'old' is not in recordings.keys" in told
    assert written(NEW) not in told
