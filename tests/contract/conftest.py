"""Each record test runs on a SQLite file and on a PostgreSQL server of its own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from crm_bridge.records.database import Database
from crm_bridge.records.schema import upgrade
from tests.support.postgres import Cluster, cluster

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
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


@pytest.fixture
async def database(empty_url: str) -> AsyncIterator[Database]:
    """A database of either kind at the newest schema."""
    opened = Database(empty_url)
    await upgrade(opened)
    yield opened
    await opened.close()
