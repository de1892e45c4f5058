"""`hotline backup` and `hotline restore`: all data kept twice, sealed, and brought back."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import structlog
import typer

from crm_bridge.backup import making, restoring, rotation
from crm_bridge.backup.archive import Head
from crm_bridge.clock import SystemClock
from crm_bridge.commands import logs
from crm_bridge.commands.exits import plain, run
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load
from crm_bridge.config import Config
from crm_bridge.errors import ConfigMistake

_log = structlog.get_logger(__name__)

backup = typer.Typer(help="All data kept twice: sealed, checked, thinned out.")

BackupFile = Annotated[Path, typer.Argument(help="A backup, hotline-….backup.")]


@backup.command("make")
def make(
    to: Annotated[
        Path | None,
        typer.Option("--to", envvar="HOTLINE_BACKUP_TO", help="The folder; else backup.folder."),
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    log: logs.Form = logs.LogForm.AUTO,
    level: logs.Level = logs.LogLevel.INFO,
) -> None:
    """Make a backup while the bridge runs, read it again whole, and remove what [backup] does not
    keep.

    It holds the database, the files of cases, the sealed recordings, recorded prompts, the
    configuration without its secrets, and what `backup.also` names. It is sealed with a key from
    HOTLINE_BACKUP__KEYS__NAME or backup.key_file: keep that key elsewhere, too.

    Example:  hotline backup make --to /var/backups/hotline
    """
    loaded = load(config)
    logs.set_up(log, level)
    folder = to or loaded.backup.folder
    if folder is None:
        raise ConfigMistake(
            "no folder is named for it", where="backup.folder", mend="set it, or give --to FOLDER"
        )
    made = run(making.make(loaded, config, folder, SystemClock()))
    _log.info("backup made", file=str(made), bytes=made.stat().st_size)
    for old in rotation.superfluous(folder.iterdir(), loaded.backup):
        old.unlink(missing_ok=True)
        _log.info("backup removed", file=str(old))


@backup.command("check")
def check(file: BackupFile, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Open a backup, compare every hash, and have the database's engine look at its content.

    Exit code 1 where it is not whole. It needs room for the database in the temporary folder.

    Example:  hotline backup check /var/backups/hotline/hotline-20261130T194000Z.backup
    """
    keys = making.keyring_of(_config(config))
    with tempfile.TemporaryDirectory(prefix="hotline-check-") as work:
        head = making.check(file, keys, Path(work))
    typer.echo(f"{file}: whole; {_told(head)}")


def restore(
    file: BackupFile,
    into: Annotated[Path, typer.Option("--into", help="A folder that is new or empty.")],
    database: Annotated[
        str | None,
        typer.Option(
            envvar="HOTLINE_DATABASE__URL",
            help="An empty PostgreSQL database, where the backup is of one; better from the "
            "environment, for it may hold a password.",
        ),
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Restore a backup into a new folder (and an empty database); nothing is written over.

    Afterwards `hotline reconcile` brings in the calls since then, as far as Asterisk's books reach.

    Example:  hotline restore hotline-20261130T194000Z.backup --into /var/lib/hotline
    """
    keys = making.keyring_of(_config(config))
    url = None if database is not None and database.startswith("sqlite") else database
    head = run(restoring.restore(file, keys, into, url))
    typer.echo(f"restored into {into}: {_told(head)}")
    for node, until in head.journal.items():
        typer.echo(f"calls of {node} are in it until {until}; next: hotline reconcile")
    typer.echo(
        f"erasures and retention since {head.made_at} are undone: persons erased since then are"
        " back. Before the desk opens: `hotline subject erase` again for each of them (rows"
        " privacy.erasure.done of the kept `hotline audit export`, or the letters; by --number who"
        " is no person in the backup), then `hotline retention`"
    )


def _config(path: Path) -> Config:
    """The configuration; on a fresh machine there is none, and the environment has the key."""
    return load(path) if path.exists() else Config()


def _told(head: Head) -> str:
    return plain(f"made {head.made_at} by {head.program}, {head.engine}, tables {head.schema}")
