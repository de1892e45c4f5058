"""`hotline migrate`: the database's tables, brought up to this program."""

from __future__ import annotations

import typer

from crm_bridge.commands.exits import plain, run
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load
from crm_bridge.records import schema
from crm_bridge.records.database import Database


def migrate(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Bring the database's tables up to this program.

    All or nothing; doing it again changes nothing. `run` and `replay` do it by themselves.

    Example:  hotline migrate --config hotline.toml
    """
    run(_migrate(load(config).database.url))


async def _migrate(url: str) -> None:
    database = Database(url)
    try:
        before, after = await schema.upgrade(database)
    finally:
        await database.close()
    where = plain(database.where)
    if before == after:
        typer.echo(f"{where}: the tables are up to date ({after})")
    else:
        typer.echo(f"{where}: brought from {before or 'nothing'} to {after}")
