"""`hotline backup` and `hotline restore` from the command line; a damaged database is named."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.support.cli import Hotline, hotline
from tests.support.damage import damage
from tests.support.migrated import sqlite_url

__all__ = ["hotline"]

KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    asyncio.run(sqlite_url(tmp_path / "hotline.db"))
    path = tmp_path / "hotline.toml"
    path.write_text(
        f'[database]\nurl = "sqlite:///{tmp_path}/hotline.db"\n'
        '[[node]]\nname = "pbx1"\nami_secret = "x"\nami_port = 1\n[web]\nport = 0\n'
    )
    monkeypatch.setenv("HOTLINE_BACKUP__KEYS__K1", KEY)
    return path


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """The commands set logging up for themselves."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_backup_is_made_checked_and_restored(
    hotline: Hotline, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backups"
    made = hotline("backup", "make", "--config", str(config), "--to", str(folder))
    assert made.code == 0, made.err
    (file,) = folder.iterdir()
    checked = hotline("backup", "check", str(file), "--config", str(config))
    assert checked.code == 0
    assert "whole" in checked.out
    elsewhere = tmp_path / "no-such.toml"  # a fresh machine: the key comes from the environment
    into = tmp_path / "new"
    done = hotline("restore", str(file), "--into", str(into), "--config", str(elsewhere))
    assert done.code == 0, done.err
    assert (into / "hotline.db").exists()
    assert "erasures and retention since" in done.out
    assert "hotline subject erase" in done.out
    again = hotline("restore", str(file), "--into", str(into), "--config", str(elsewhere))
    assert again.code == 1
    assert "not empty" in again.err
    monkeypatch.setenv("HOTLINE_BACKUP__KEYS__K1", base64.b64encode(bytes(32)).decode())
    other = hotline("backup", "check", str(file), "--config", str(elsewhere))
    assert other.code == 1
    assert "another one than it was" in other.err
    assert KEY not in made.err + checked.out + other.err


def test_the_folder_of_the_configuration_is_where_they_are_made(
    hotline: Hotline, config: Path, tmp_path: Path
) -> None:
    said = hotline("backup", "make", "--config", str(config))
    assert said.code == 2
    assert "backup.folder" in said.err
    config.write_text(f'{config.read_text()}[backup]\nfolder = "kept"\n')
    assert hotline("backup", "make", "--config", str(config)).code == 0
    (file,) = (tmp_path / "kept").iterdir()
    looked = hotline("doctor", "--json", "--config", str(config)).objects
    (finding,) = [one for one in looked if one["where"] == "backup"]
    assert finding["grade"] == "ok"
    assert file.name in finding["told"]


def test_without_a_key_nothing_is_backed_up(
    hotline: Hotline, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOTLINE_BACKUP__KEYS__K1")
    said = hotline("backup", "make", "--config", str(config), "--to", str(tmp_path / "b"))
    assert said.code == 1
    assert "openssl rand" in said.err


@pytest.mark.parametrize("words", [("run",), ("calls",), ("backup", "make", "--to", "b")])
def test_a_damaged_database_is_named_at_the_start_with_the_mend(
    hotline: Hotline, config: Path, tmp_path: Path, words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    damage(tmp_path / "hotline.db")
    said = hotline(*words, "--config", str(config))
    assert said.code == 4
    assert str(tmp_path / "hotline.db") in said.err
    assert "damaged; put it aside and restore a backup" in said.err
    assert "Traceback" not in said.err
