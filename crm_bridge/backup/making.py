"""Makes a backup while the bridge runs: the database first, then the files that its rows name.

A file is on disk before its row, so each row of the snapshot finds its file; one that was deleted
since is left out, as it was meant to be. Nothing secret of the configuration is taken along.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import re
import shutil
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog
from pydantic import BaseModel, SecretStr
from sqlalchemy import func, make_url, select

from crm_bridge.backup import engines
from crm_bridge.backup.archive import BackupFault, Head, Writer, unpack
from crm_bridge.clock import Clock, iso
from crm_bridge.config import Config
from crm_bridge.recordings.keyring import Keyring
from crm_bridge.recordings.vault import settle
from crm_bridge.records import audit_book, schema
from crm_bridge.records.database import Database
from crm_bridge.records.tables import journal
from ivr.prompts.shelf import CUSTOM

_log = structlog.get_logger(__name__)

SUFFIX: Final = ".backup"
_NAMED: Final = "hotline-%Y%m%dT%H%M%SZ" + SUFFIX
_LEFT_AFTER: Final = 86_400.0
"""Seconds after which no backup can still be at work."""
_REMOVED: Final = "taken-out-of-the-backup"
_ESCAPED: Final = re.compile(r'"(?:[^"\\\n]|\\.)*\\.(?:[^"\\\n]|\\.)*"')
"""A text of TOML in which something is escaped."""
_SECRET_KEYS: Final = ("secret", "password", "token", "keys")


def keyring_of(config: Config) -> Keyring:
    """The keys of [backup]; BackupFault where there is none."""
    if not config.backup.keyed:
        raise BackupFault(
            "there is no key", where="backup.keys",
            mend="set HOTLINE_BACKUP__KEYS__NAME (`openssl rand -base64 32`) or backup.key_file",
        )  # fmt: skip
    return Keyring(config.backup.bytes_by_name(), config.backup.in_force)


async def make(config: Config, config_file: Path, folder: Path, clock: Clock) -> Path:
    """Makes a backup in `folder` and reads it again whole; its file.

    Raises BackupFault and StorageError; a file that stands there under its name is whole.
    """
    keys = keyring_of(config)
    database = Database(config.database.url)
    try:
        await schema.check(database)
        head = await _head(database, clock)
        return await asyncio.to_thread(_make, config, config_file, folder, database, keys, head)
    finally:
        await database.close()


async def _head(database: Database, clock: Clock) -> Head:
    query = select(journal.c.node, func.max(journal.c.to_us)).group_by(journal.c.node)
    async with database.reading() as connection:
        reached = {row[0]: iso(row[1]) for row in await connection.execute(query)}
        anchor = await audit_book.head(connection)
    return Head(
        iso(clock.now_us()), importlib.metadata.version("hotline1203"),
        "sqlite" if database.sqlite else "postgresql", schema.head(), reached,
        None if anchor is None else asdict(anchor),
    )  # fmt: skip


def _make(
    config: Config, config_file: Path, folder: Path, database: Database, keys: Keyring, head: Head
) -> Path:
    made = datetime.fromisoformat(head.made_at).astimezone(UTC)
    target = folder / made.strftime(_NAMED)
    beside = config.desk.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.mkdir(mode=0o700, parents=True, exist_ok=True)
        _clear(beside, ".backup-*")
        _clear(folder, "hotline-*.part")
        if target.exists():
            raise BackupFault("is there already", where=str(target))
        # the plain copy never leaves the disk that the plain database is on
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=beside) as work:
            snapshot = Path(work) / "snapshot"
            name = engines.snapshot(database.url, snapshot)
            part = target.with_suffix(".part")
            try:
                with part.open("wb") as into, Writer(into, keys, head) as writer:
                    os.fchmod(into.fileno(), 0o600)
                    writer.file(name, snapshot)
                    snapshot.unlink()
                    for inner, source in _files(config):
                        writer.file(inner, source)
                    if config_file.exists():
                        writer.text("config/hotline.toml", without_secrets(config, config_file))
                    writer.finish()
                    into.flush()
                    os.fsync(into.fileno())
                check(part, keys, Path(work))
                part.replace(target)
                settle(folder)
            finally:
                part.unlink(missing_ok=True)
    except OSError as error:
        raise BackupFault(
            f"cannot be made: {error.strerror or type(error).__name__}",
            where=str(error.filename or folder), mend=_mend(error),
        ) from error  # fmt: skip
    return target


def _mend(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "let the user that makes backups read it: what it may not read would be missing"
    return "make room, or give another folder"


def _clear(folder: Path, named: str) -> None:
    """Removes what a backup that was killed has left: a plain copy, a file that is not whole."""
    for left in folder.glob(named):
        if time.time() - left.stat().st_mtime <= _LEFT_AFTER:
            continue
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def check(path: Path, keys: Keyring, work: Path) -> Head:
    """Reads the backup whole and has the engine look at its database; raises BackupFault."""
    with tempfile.TemporaryDirectory(prefix=".check-", dir=work) as place:
        head, _ = unpack(path, keys, Path(place), "database/")
        found = [p.relative_to(place) for p in Path(place).rglob("*") if p.is_file()]
        if [str(one) for one in found] not in ([engines.SQLITE_FILE], [engines.POSTGRES_FILE]):
            raise BackupFault("holds no database", where=str(path))
        engines.sound(str(found[0]), Path(place) / found[0])
    return head


def _files(config: Config) -> Iterator[tuple[str, Path]]:
    """What goes along beside the database: name in the backup, place on the disk."""
    yield from _below("desk", config.desk.data_dir)
    for node in config.node:
        for custom in _customs(node.sounds) if node.sounds else ():
            yield from _below(f"prompts/{node.name or 'node'}/{custom.parent.name}", custom)
    for number, place in enumerate(config.backup.also):
        yield from _below(f"also/{number}/{place.name}", place)
    for name, section in config.connector.items():
        if section.mapping is not None:
            yield f"config/{name}.mapping.toml", section.mapping
    if config.line.menu is not None:
        yield "config/menu.toml", config.line.menu


def _customs(sounds: Path) -> list[Path]:
    """The folders of recorded prompts; not by glob, which passes over what it may not read."""
    if not sounds.exists():
        return []
    found = [language / CUSTOM for language in sorted(sounds.iterdir()) if language.is_dir()]
    return [custom for custom in found if custom.exists()]


def _raise(error: OSError) -> None:
    """What may not be read ends the backup; what is gone meanwhile is left out."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _below(name: str, place: Path) -> Iterator[tuple[str, Path]]:
    if place.is_file():
        yield name, place
        return
    for root, folders, files in os.walk(place, onerror=_raise):
        folders[:] = sorted(one for one in folders if not one.startswith(".backup-"))
        for file in sorted(files):
            source = Path(root) / file
            if source.suffix != ".part" and source.is_file() and not source.is_symlink():
                yield f"{name}/{source.relative_to(place).as_posix()}", source


def without_secrets(config: Config, file: Path) -> str:
    """The configuration file's text, every secret of it taken out.

    A value may be written otherwise than it reads (TOML's escapes, a URL's per cents): what is left
    is parsed, and where a secret is still in it, so goes every escaped text, or else the file.
    """
    text = file.read_text(encoding="utf-8")
    parsed = tomllib.loads(text)
    secrets = {value for value in _secrets(config) if value} | set(_secret_texts(parsed))
    url = parsed.get("database", {}).get("url", "")
    for one in (config.database.url, url):
        secrets |= set(_passwords(one))
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, _REMOVED)
    for less in (text, _ESCAPED.sub(f'"{_REMOVED}"', text)):
        if not _tells(less, secrets):
            return less
    return f"# {_REMOVED}: a secret of it is written in a way that could not be told apart\n"


def _tells(text: str, secrets: set[str]) -> bool:
    """Whether a secret can be read from it; so it is taken where it cannot be parsed any more."""
    try:
        left = [one.replace(_REMOVED, "") for one in _texts(tomllib.loads(text))]
    except tomllib.TOMLDecodeError:
        return True
    return any(secret in one for secret in secrets for one in left)


def _passwords(url: str) -> Iterator[str]:
    """The password of a database's URL: as it reads, and as it is written."""
    read = make_url(url).password if url else None
    if read:
        yield str(read)
        yield url.partition("://")[2].rpartition("@")[0].partition(":")[2]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _secrets(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _secrets(inner)


def _secret_texts(value: Any, key: str = "") -> Iterator[str]:
    """Texts under a key that sounds like a secret; the environment may stand over these."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _secret_texts(inner, "keys" if key == "keys" else name)
    elif isinstance(value, list):
        for inner in value:
            yield from _secret_texts(inner, key)
    elif isinstance(value, str) and value and key.rpartition("_")[2] in _SECRET_KEYS:
        yield value
