"""How a database becomes a file and a file a database: SQLite by itself, PostgreSQL by its tools.

All of this blocks. A snapshot is one unmoving view, whatever is written meanwhile.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from crm_bridge.backup.archive import BackupFault
from crm_bridge.records.faults import storage_fault

SQLITE_FILE: Final = "database/hotline.db"
POSTGRES_FILE: Final = "database/hotline.pgdump"
_VARIABLES: Final = {
    "ssl": "PGSSLMODE", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY", "sslcrl": "PGSSLCRL", "host": "PGHOST",
    "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "passfile": "PGPASSFILE",
}  # fmt: skip
_SWITCHES: Final = {"true": "require", "1": "require", "false": "disable", "0": "disable"}


def snapshot(url: URL, into: Path) -> str:
    """Writes the database's content into a new file; its name in a backup."""
    if url.get_backend_name() == "sqlite":
        _sqlite(Path(str(url.database)), into)
        return SQLITE_FILE
    # custom form: read in any order, and compressed by pg_dump itself
    _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={into}")
    return POSTGRES_FILE


def _sqlite(source: Path, into: Path) -> None:
    try:
        connection = sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=30)
        try:
            # reads every page: a damaged one ends it, and no good backup gives way to a bad one
            connection.execute("VACUUM INTO ?", (str(into),))
        finally:
            connection.close()
    except sqlite3.Error as error:
        fault = storage_fault(error, str(source))
        raise (fault or error) from error


def sound(name: str, file: Path) -> None:
    """Raises BackupFault unless the engine itself finds the file whole."""
    if name == SQLITE_FILE:
        try:
            connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
            try:
                said = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
            finally:
                connection.close()
        except sqlite3.Error as error:
            said = [str(error)]
        if said != ["ok"]:
            raise BackupFault("its database is damaged", where=name, mend="take another backup")
        return
    listed = subprocess.run(
        [_program("pg_restore"), "--list", file], capture_output=True, check=False
    )
    if listed.returncode:
        raise BackupFault("its dump is damaged", where=name, mend="take another backup")


def fill(url: URL, file: Path) -> None:
    """Fills an empty PostgreSQL database from a dump, all or nothing."""
    _run(
        "pg_restore", url, "--exit-on-error", "--single-transaction", "--no-owner",
        "--no-privileges", f"--dbname={url.database}", str(file),
    )  # fmt: skip


def _run(program: str, url: URL, *words: str) -> None:
    """Runs a tool of PostgreSQL; the password goes by the environment, where only we see it."""
    where = url.render_as_string(hide_password=True)
    environment = dict(os.environ)
    if url.password:
        environment["PGPASSWORD"] = str(url.password)
    environment |= _query(url)
    argv = [_program(program), "--no-password"]
    for option, value in (("host", url.host), ("port", url.port), ("username", url.username)):
        if value:
            argv.append(f"--{option}={value}")
    if program == "pg_dump":
        argv.append(f"--dbname={url.database}")
    done = subprocess.run(
        [*argv, *words], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        # the first line names the object; a later one may hold a row
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[0]
        raise BackupFault(f"{program} failed: {said}", where=where,
                          mend="see that its version is not below the server's")  # fmt: skip


def _query(url: URL) -> dict[str, str]:
    """What the URL's query says to the bridge's driver, as the tools take it: `ssl`, `host`, …"""
    said: dict[str, str] = {}
    for name, values in url.normalized_query.items():
        variable = _VARIABLES.get(name)
        if variable is None:
            continue
        value = ",".join(values)
        # the driver takes a bare yes or no, too
        said[variable] = _SWITCHES.get(value.lower(), value) if name == "ssl" else value
    hosts = [host.rpartition(":") for host in said.get("PGHOST", "").split(",")]
    if all(
        port.isdigit() and ":" not in host for host, _, port in hosts
    ):  # host=A:5432, as the URL has it for several
        said["PGHOST"] = ",".join(host for host, _, _ in hosts)
        said["PGPORT"] = ",".join(port for _, _, port in hosts)
    return said


def _program(name: str) -> str:
    """The newest of this program on this machine."""
    installed = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: float(p.parts[-3])
    )
    found = str(installed[-1]) if installed else shutil.which(name)
    if found is None:
        raise BackupFault(f"there is no {name}", where="PostgreSQL",
                          mend="apt-get install postgresql-client")  # fmt: skip
    return found
