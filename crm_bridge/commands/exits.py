"""Exit codes, and the one place where an expected failure becomes one line and one of them."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Coroutine
from typing import Any, Final, NoReturn, TypeVar

import typer

from crm_bridge.backup.archive import BackupFault
from crm_bridge.connectors.port import ConnectorError, Then
from crm_bridge.errors import HotlineError, StorageError
from ivr.ami.errors import AmiError, CaptureError, UnsafeAction
from ivr.lab.address import LabError
from ivr.lab.root import NoAsterisk
from ivr.lab.site import InstallError

T = TypeVar("T")

FINE: Final = 0
FOUND: Final = 1
USAGE: Final = 2
UNREACHED: Final = 3
STORAGE: Final = 4
INTERRUPTED: Final = 130

TABLE: Final = (
    (FINE, "fine"),
    (FOUND, "a check found something wrong, or a file that was read is damaged"),
    (USAGE, "the command line or the configuration is wrong"),
    (UNREACHED, "Asterisk or another CRM could not be reached, or refused the login"),
    (STORAGE, "the database cannot be used"),
    (INTERRUPTED, "stopped with Ctrl-C before the work was done"),
)
"""Exit code → what it says; `hotline --help` prints it."""

EXPECTED: Final = (HotlineError, AmiError, LabError, InstallError, NoAsterisk)
"""What may go wrong without being a bug."""


def code_of(error: BaseException) -> int:
    """The exit code of an expected failure."""
    if isinstance(error, StorageError):
        return STORAGE
    if isinstance(error, CaptureError | BackupFault):
        return FOUND
    if isinstance(error, ConnectorError):
        return FOUND if error.then is Then.GIVE_UP else UNREACHED
    if isinstance(error, HotlineError | InstallError | UnsafeAction):
        return USAGE
    return UNREACHED


def fail(what: str, code: int) -> NoReturn:
    """Ends the command with one line on stderr."""
    typer.echo(f"hotline: {what}", err=True)
    raise typer.Exit(code)


def end_on(error: BaseException) -> NoReturn:
    """Ends the command for an expected failure, with one line; other errors are raised again."""
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        end_on(error.exceptions[0])
    if isinstance(error, KeyboardInterrupt):
        fail("stopped", INTERRUPTED)
    if isinstance(error, BrokenPipeError):
        # whoever read our output has had enough; Python must not complain of it at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(FINE)
    if isinstance(error, EXPECTED):
        fail(plain(str(error)), code_of(error))
    raise error


def plain(text: str) -> str:
    """The text in one line, in the words of the command line and of hotline.toml."""
    for inner, outer in _INNER.items():
        text = text.replace(inner, outer)
    return " ".join(text.split())


_INNER: Final = {
    "sqlite+aiosqlite:": "sqlite:",
    "postgresql+asyncpg:": "postgresql:",
    "by allowing truncation (allow_truncated=True)": "with --allow-truncated",
}


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command's coroutine to its end."""
    return asyncio.run(_to_its_end(work))


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    try:
        return await work
    except BaseException:
        await connecting_ended()
        raise


async def connecting_ended() -> None:
    """Waits a second at most for what a failed connect to SQLite leaves behind.

    aiosqlite tells the loop that its thread ends after it; were the loop closed before that, the
    thread would print a traceback below our one clear line.
    """
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join, 1.0)
