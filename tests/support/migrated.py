"""Databases at the newest schema, copied from one that was brought up once in this run.

Alembic takes a third of a second; a copy takes none. What tests the migrations themselves begins
with an empty database.
"""

from __future__ import annotations

import asyncio
import tempfile
from functools import cache
from pathlib import Path

from crm_bridge.records.database import Database
from crm_bridge.records.schema import migrate, upgrade
from tests.support.postgres import Cluster

TEMPLATE = "hotline_migrated"


@cache
def _template() -> bytes:
    with tempfile.TemporaryDirectory(prefix="hotline-migrated-") as folder:
        file = Path(folder) / "template.db"
        asyncio.run(upgrade(f"sqlite:///{file}"))
        assert not file.with_name("template.db-wal").exists(), "the template is not whole"
        return file.read_bytes()


async def sqlite_url(file: Path) -> str:
    """The URL of a new SQLite file that has every table."""
    await asyncio.to_thread(lambda: file.write_bytes(_template()))
    return f"sqlite:///{file}"


async def postgres_url(server: Cluster, name: str) -> str:
    """The URL of a new database of this server that has every table."""
    if not _has_template(server):
        server.sql(f"CREATE DATABASE {TEMPLATE}")
        await upgrade(server.url(TEMPLATE))
    server.sql(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    return server.url(name)


_served: set[int] = set()


def _has_template(server: Cluster) -> bool:
    known = server.port in _served
    _served.add(server.port)
    return known


async def brought_to(database: Database, revision: str) -> None:
    """Migrates to this revision alone: the tables of later ones are there already."""
    async with database.writing() as connection:
        await connection.run_sync(migrate, revision)
