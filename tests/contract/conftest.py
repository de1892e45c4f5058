"""Each record test runs on a SQLite file and on a PostgreSQL server of its own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from crm_bridge.records.database import Database
from tests.support.migrated import postgres_url, sqlite_url
from tests.support.postgres import Cluster, cluster

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=ENGINES)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'hotline.db'}"
        return
    server: Cluster = request.getfixturevalue("postgres")
    name = f"hotline_{next(_numbers)}"
    server.sql(f"CREATE DATABASE {name}")
    yield server.url(name)
    server.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=ENGINES)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database of either kind at the newest schema."""
    if request.param == "sqlite":
        opened = Database(await sqlite_url(tmp_path / "hotline.db"))
        yield opened
        await opened.close()
        return
    server: Cluster = request.getfixturevalue("postgres")
    name = f"hotline_{next(_numbers)}"
    opened = Database(await postgres_url(server, name))
    yield opened
    await opened.close()
    server.sql(f"DROP DATABASE {name} WITH (FORCE)")
