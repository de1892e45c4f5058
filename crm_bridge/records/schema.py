"""The tables' age: bring a database up to this program, or say that it is not.

Alembic takes 12 MB of memory: it is imported only where there is something to bring up, so that a
bridge whose tables are right never holds it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from crm_bridge.errors import SchemaMismatch
from crm_bridge.records.database import Database

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def revisions() -> list[str]:
    """The migrations this program knows, oldest first, by their files' names (`v0001_….py`)."""
    return sorted(
        path.name[1:].partition("_")[0] for path in (MIGRATIONS / "versions").glob("v[0-9]*_*.py")
    )


def head() -> str:
    """The newest migration this program knows."""
    return revisions()[-1]


async def current(database: Database) -> str | None:
    """The migration a database stands at; `None` where it is empty."""

    def ask(connection: Connection) -> str | None:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return None if found is None else str(found)

    async with database.connection() as connection:
        return await connection.run_sync(ask)


async def check(database: Database) -> None:
    """Raise `SchemaMismatch` unless the tables are those of this program."""
    stands, wanted = await current(database), head()
    if stands == wanted:
        return
    if stands is None:
        what, mend = "the database has no tables yet", "run `hotline migrate`"
    elif stands in revisions():
        what, mend = f"the tables are at {stands}, not {wanted}", "run `hotline migrate`"
    else:
        what = f"the tables are at {stands}, which this program does not know"
        mend = "run the newer hotline that made them"
    raise SchemaMismatch(what, where=database.where, mend=mend)


async def upgrade(database: Database | str) -> tuple[str | None, str]:
    """Bring the tables up to this program; returns where they stood and where they stand.

    All or nothing, behind the writers' lock. `SchemaMismatch` where the database is newer.
    """
    if isinstance(database, str):
        opened = Database(database)
        try:
            return await upgrade(opened)
        finally:
            await opened.close()
    before = await current(database)
    wanted = head()
    if before == wanted:
        return before, wanted
    if before is not None and before not in revisions():
        await check(database)

    async with database.writing() as connection:
        await connection.run_sync(migrate, "head")
    return before, wanted


def migrate(connection: Connection, to: str) -> None:
    """Runs the migrations up to this one, in the transaction of the connection."""
    from alembic import command  # noqa: PLC0415  # see the top of this module
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
