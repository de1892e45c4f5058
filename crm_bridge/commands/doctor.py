"""`hotline doctor`: looks at everything the bridge stands on, and says the mend."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import shutil
import stat
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import select

from crm_bridge.clock import SystemClock
from crm_bridge.commands.backup_findings import of_backups
from crm_bridge.commands.book_findings import of_books
from crm_bridge.commands.connector_findings import of_connectors
from crm_bridge.commands.exits import FOUND, plain, run
from crm_bridge.commands.findings import Finding, Grade, of_node
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load
from crm_bridge.commands.prompt_findings import of_prompts
from crm_bridge.commands.readiness import address, to_bridge
from crm_bridge.commands.recording_findings import of_recordings
from crm_bridge.config import Config, NodeSection
from crm_bridge.errors import ConfigMistake, StorageError
from crm_bridge.records import schema
from crm_bridge.records.database import Database
from crm_bridge.records.tables import calls

_STYLES: Final = {
    Grade.OK: ("✓ ok", "green"),
    Grade.WARNING: ("! warning", "yellow"),
    Grade.FAILED: ("✗ failed", "bold red"),
    Grade.UNKNOWN: ("? unknown", "cyan"),
}
_GIGABYTE: Final = 1_000_000_000


def doctor(
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Annotated[
        bool, typer.Option("--json", envvar="HOTLINE_JSON", help="One finding a line as JSON.")
    ] = False,
    listen: Annotated[
        float,
        typer.Option(
            min=0,
            max=600,
            envvar="HOTLINE_LISTEN",
            help="Seconds to wait for an event, to see its time and the filter.",
        ),
    ] = 2.0,
) -> None:
    """Look at everything the bridge stands on; say what is wrong and the mend.

    It logs in with the bridge's own user through another AMI library than the bridge's, places
    no call and changes nothing. What cannot be known without more privileges is said to be
    unknown, with what to run on the Asterisk host. Exit code 1 where something failed.

    Example:  hotline doctor --config hotline.toml --listen 30
    """
    loaded = load(config)
    console = Console(stderr=True, highlight=False)
    with console.status("looking …") if console.is_terminal else contextlib.nullcontext():
        found = run(_look(loaded, config, listen))
    if as_json:
        for finding in found:
            typer.echo(json.dumps(asdict(finding), ensure_ascii=False))
    else:
        out = Console(highlight=False)
        out.width = min(out.width, 120) if out.is_terminal else 100
        out.print(_table(found))
    if any(finding.grade is Grade.FAILED for finding in found):
        raise typer.Exit(FOUND)


async def _look(config: Config, path: Path, listen: float) -> list[Finding]:
    found = [_readers(config, path)]
    found += [finding async for finding in _database(config.database.url)]
    if not config.node:
        found.append(
            Finding(
                "hotline.toml", "nodes", Grade.FAILED, "none is named", "add a [[node]] section"
            )
        )
    looks = [asyncio.to_thread(_node, node, config, listen) for node in config.node]
    for findings in await asyncio.gather(*looks):
        found += await _with_records(config.database.url, findings)
    found += await of_connectors(config, SystemClock())
    found.append(of_backups(config, SystemClock()))
    found.append(await asyncio.to_thread(_bridge, config))
    return found


def _node(node: NodeSection, config: Config, listen: float) -> list[Finding]:
    try:
        secret = node.secret()
    except ConfigMistake as mistake:
        return [Finding(node.label, "secret", Grade.FAILED, mistake.what, mistake.mend)]
    found = [*of_node(node, config, secret, listen), *of_books(node), *of_prompts(node)]
    return [*found, *of_recordings(node, config)]


async def _with_records(url: str, findings: list[Finding]) -> list[Finding]:
    """Where no event came: what the node's last call on record says of timestampevents."""
    found = []
    for finding in findings:
        known = None
        if finding.check == "timestampevents" and finding.grade is Grade.UNKNOWN:
            known = await _last_inferred(url, finding.where)
        if known is None:
            found.append(finding)
        elif known:
            found.append(
                replace(
                    finding,
                    grade=Grade.FAILED,
                    told="the last call on record has times of arrival",
                    mend="timestampevents = yes in [general] of manager.conf, then: manager reload",
                )
            )
        else:
            told = "the last call on record has Asterisk's own times"
            found.append(replace(finding, grade=Grade.OK, told=told, mend=""))
    return found


async def _last_inferred(url: str, node: str) -> bool | None:
    query = (
        select(calls.c.times_inferred)
        .where(calls.c.node == node)
        .order_by(calls.c.entered_us.desc())
        .limit(1)
    )
    database = Database(url)
    if _absent(database):
        return None
    try:
        async with database.reading() as connection:
            value = (await connection.execute(query)).scalar_one_or_none()
            return None if value is None else bool(value)
    except StorageError:
        return None  # the database's own findings say so
    finally:
        await database.close()


def _readers(config: Config, path: Path) -> Finding:
    """Whether others on this machine can read a secret."""
    others = config.connector.values()
    given = any(node.ami_secret is not None for node in config.node)
    secrets = [path] if given or any(one.token is not None for one in others) else []
    secrets += [node.ami_secret_file for node in config.node if node.ami_secret_file is not None]
    secrets += [one.token_file for one in others if one.token_file is not None]
    for secret in secrets:
        if secret.exists() and secret.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            return Finding(
                "configuration", "secrets", Grade.WARNING, f"every user can read {secret}",
                f"chmod o-rwx {secret}",
            )  # fmt: skip
    return Finding("configuration", "secrets", Grade.OK, f"{path} is sound, no secret lies open")


async def _database(url: str) -> AsyncIterator[Finding]:
    database = Database(url)
    where = "database"
    if _absent(database):
        # looking would make the file, and a doctor changes nothing
        await database.close()
        yield Finding(
            where, "reachable", Grade.WARNING, f"{plain(database.where)} is not there yet",
            "run `hotline migrate`, or start `hotline run`, which makes it",
        )  # fmt: skip
        return
    try:
        try:
            stands = await schema.current(database)
        except StorageError as error:
            yield Finding(
                where, "reachable", Grade.FAILED, plain(f"{error.where}: {error.what}"), error.mend
            )
            return
        yield Finding(where, "reachable", Grade.OK, plain(database.where))
        try:
            await schema.check(database)
            yield Finding(where, "tables", Grade.OK, f"up to date ({stands})")
        except StorageError as error:
            newer = "newer" in error.mend
            yield Finding(
                where, "tables", Grade.FAILED if newer else Grade.WARNING, error.what,
                error.mend if newer else f"{error.mend}, or start `hotline run`, which does it",
            )  # fmt: skip
        try:
            async with database.writing():
                pass
            yield Finding(where, "writable", Grade.OK, "a write lock was had at once")
        except StorageError as error:
            yield Finding(where, "writable", Grade.FAILED, error.what, error.mend)
        if database.sqlite and database.url.database:
            yield _space(Path(database.url.database))
    finally:
        await database.close()


def _absent(database: Database) -> bool:
    """No file yet: looking into it would make one."""
    return database.sqlite and not Path(database.url.database or "").exists()


def _space(path: Path) -> Finding:
    free = shutil.disk_usage(path.resolve().parent).free
    told = f"{free / _GIGABYTE:.1f} GB free; a call takes about 10 kB"
    if free > _GIGABYTE:
        return Finding("database", "disk", Grade.OK, told)
    grade = Grade.WARNING if free > _GIGABYTE // 10 else Grade.FAILED
    return Finding("database", "disk", grade, told, "free space on its disk")


def _bridge(config: Config) -> Finding:
    """Whether a bridge runs with this configuration, and what it says of itself."""
    connection = to_bridge(config.web, 3)
    where = f"{address(config.web)}/readyz"
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        state = json.loads(answer.read())
        if "problems" in state:
            return Finding("bridge", "running", Grade.WARNING, "; ".join(state["problems"]),
                           f"see {where}")  # fmt: skip
        return Finding("bridge", "running", Grade.OK, f"{where}: {state['status']}")
    except OSError:
        return Finding("bridge", "running", Grade.UNKNOWN, f"no bridge answers at {where}",
                       "start it: hotline run")  # fmt: skip
    except (ValueError, KeyError, TypeError, http.client.HTTPException):
        return Finding("bridge", "running", Grade.WARNING, f"what answers at {where} is no bridge",
                       "give [web] another port")  # fmt: skip
    finally:
        connection.close()


def _table(found: list[Finding]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("where", no_wrap=True)
    table.add_column("check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("found, and the mend", overflow="fold")
    last = ""
    for finding in found:
        sign, style = _STYLES[finding.grade]
        told = Text(finding.told)
        if finding.mend:
            told.append(
                f"\n→ {finding.mend}", style="bold" if finding.grade is Grade.FAILED else ""
            )
        table.add_row(
            "" if finding.where == last else finding.where, finding.check, Text(sign, style), told
        )
        last = finding.where
    return table
