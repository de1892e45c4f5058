"""Database URLs as people write them, and what is said of those that cannot be used."""

from __future__ import annotations

import sqlite3

import pytest

from crm_bridge.errors import ConfigMistake, RecordRefused, StorageUnavailable
from crm_bridge.records.database import Database, _on_connect, driver_url
from crm_bridge.records.faults import storage_fault


@pytest.mark.parametrize(
    ("written", "driver"),
    [
        ("sqlite:///hotline.db", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:////var/lib/hotline.db", "sqlite+aiosqlite"),
        ("postgresql://u:p@h/n", "postgresql+asyncpg"),
        ("postgres://u:p@h:5433/n", "postgresql+asyncpg"),
        ("postgresql+asyncpg://h/n", "postgresql+asyncpg"),
    ],
)
def test_the_driver_is_ours_to_choose(written, driver):
    assert driver_url(written).drivername == driver


@pytest.mark.parametrize(
    "written", ["", "hotline.db", "mysql://h/n", "sqlite://", "sqlite:///:memory:"]
)
def test_a_url_that_cannot_be_used_names_the_key_and_the_mend(written):
    with pytest.raises(ConfigMistake) as caught:
        driver_url(written)
    assert caught.value.where == "database.url"
    assert "sqlite:///hotline.db" in caught.value.mend


def test_a_password_is_never_shown():
    database = Database("postgresql://hotline:geheim@127.0.0.1/hotline")
    assert "geheim" not in database.where
    fault = storage_fault(ConnectionRefusedError(111, "refused"), database.where)
    assert isinstance(fault, StorageUnavailable)
    assert "geheim" not in str(fault)
    assert "check" in str(fault)


def test_what_is_no_fault_of_the_store_is_left_alone():
    assert storage_fault(ZeroDivisionError(), "here") is None
    refused = storage_fault(OverflowError("0812345678 is too large"), "here")
    assert isinstance(refused, RecordRefused)
    assert "0812345678" not in str(refused)


def test_what_is_deleted_from_sqlite_is_overwritten_however_it_was_built(tmp_path):
    """A recording is deleted by forgetting its key: a free page must not remember it."""
    raw = sqlite3.connect(tmp_path / "hotline.db")
    raw.execute("PRAGMA secure_delete=OFF")
    _on_connect(raw, None)
    assert raw.execute("PRAGMA secure_delete").fetchone() == (1,)
    raw.close()
