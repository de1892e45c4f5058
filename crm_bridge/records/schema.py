"""The tables' age: bring a database up to this program, or say that it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from crm_bridge.errors import SchemaMismatch
from crm_bridge.records.database import Database

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def head() -> str:
    """The newest migration this program knows."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    if found is None:
        raise AssertionError("no migrations beside schema.py")
    return found


async def current(database: Database) -> str | None:
    """The migration a database stands at; `None` where it is empty."""

    def ask(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    async with database.connection() as connection:
        return await connection.run_sync(ask)


async def check(database: Database) -> None:
    """Raise `SchemaMismatch` unless the tables are those of this program."""
    stands, wanted = await current(database), head()
    if stands == wanted:
        return
    if stands is None:
        what, mend = "the database has no tables yet", "run `hotline migrate`"
    elif _knows(stands):
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
    if before is not None and not _knows(before):
        await check(database)

    def run(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with database.writing() as connection:
        await connection.run_sync(run)
    return before, wanted


def _knows(revision: str) -> bool:
    return any(
        script.revision == revision
        for script in ScriptDirectory.from_config(_config()).walk_revisions()
    )
