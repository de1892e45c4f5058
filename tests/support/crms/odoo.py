"""A real Odoo 14 on loopback, as an office runs it: Debian's packages, PostgreSQL beside it.

The database is made once a machine (base, contacts, crm, project, phone validation, Thai) and kept
beside the Debian root; every `Odoo` begins with a copy of it and throws the copy away.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import httpx

from ivr.lab.root import Progress, locked
from tests.support.crms.roots import DebianRoot, Running, root
from tests.support.ports import NO_TLS, free_port

PACKAGES = ("odoo-14", "postgresql", "python3-phonenumbers")
MODULES = ("base", "contacts", "crm", "project", "phone_validation")
DATABASE = "moc"
START_SECONDS = 90.0
MAKE_SECONDS = 600.0

_PLACE = "srv/odoo"
_STAMP = "template.json"
_DATABASE_PORT = "5432"
"""Of the unix socket's name alone: PostgreSQL listens on no network."""

# The rights are those that docs/connectors/odoo.md asks an administrator to give.
_USERS = """
import json
env.company.country_id = env.ref("base.th")
groups = {
    "hotline": [
        "base.group_user", "sales_team.group_sale_salesman_all_leads",
        "project.group_project_user",
    ],
    "setup": [
        "base.group_user", "base.group_partner_manager", "base.group_system",
        "sales_team.group_sale_manager", "project.group_project_manager",
    ],
    "reader": ["base.group_user"],
    "own": ["base.group_user", "sales_team.group_sale_salesman"],
    "clerk": ["base.group_user", "base.group_partner_manager", "sales_team.group_sale_manager"],
}
keys = {}
for name, wanted in groups.items():
    user = env["res.users"].with_context(no_reset_password=True).create({
        "name": name.capitalize(), "login": name, "email": name + "@example.test",
        "lang": "th_TH", "tz": "Asia/Bangkok",
        "groups_id": [(6, 0, [env.ref(one).id for one in wanted])],
    })
    keys[name] = env["res.users.apikeys"].with_user(user)._generate(None, "hotline 1203")
env.cr.commit()
print("KEYS " + json.dumps(keys))
"""


class Refusal(Exception):
    """Odoo answered with an error; the text is its class and message."""


@dataclass(slots=True)
class Odoo:
    """One Odoo with its database: `start` and `stop` as often as wanted, the data stays."""

    system: DebianRoot
    folder: Path
    """Its data, inside the root."""
    port: int
    keys: dict[str, str]
    """Login → API key: `hotline` has what the connector needs, `setup` is an administrator,
    `reader` may write nothing, `own` sees nobody else's tickets, `clerk` is an officer."""
    _programs: list[Running] = field(default_factory=list)
    _uids: dict[str, int] = field(default_factory=dict)

    database = DATABASE
    login = "hotline"

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def key(self) -> str:
        """The API key of `login`."""
        return self.keys[self.login]

    def start(self, seconds: float = START_SECONDS) -> None:
        """Starts PostgreSQL and Odoo and returns when it answers out of its database."""
        self._programs = [_postgres(self.system, self.folder)]
        try:
            inside = _inside(self.system, self.folder)
            self._programs.append(
                self.system.start(
                    "odoo", *_options(inside), f"--http-port={self.port}",
                    "--http-interface=127.0.0.1", f"--db-filter=^{DATABASE}$", "--no-database-list",
                    user="odoo", log=self.folder / "odoo.log",
                )
            )  # fmt: skip
            self._await(seconds)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends Odoo and then, cleanly, PostgreSQL, with all their children."""
        while self._programs:
            _end(self._programs.pop())

    def kill(self) -> None:
        """Ends both at once, as a power cut would."""
        while self._programs:
            self._programs.pop().kill()

    def call(self, model: str, method: str, *args: Any, who: str = "clerk", **kwargs: Any) -> Any:
        """What Odoo's method returns to the user `who`; Refusal where it answers with an error."""
        key = self.keys[who]
        if who not in self._uids:
            self._uids[who] = self._rpc("common", "authenticate", DATABASE, who, key, {})
        return self._rpc(
            "object", "execute_kw", DATABASE, self._uids[who], key, model, method, args, kwargs
        )

    def _rpc(self, service: str, method: str, *args: Any, seconds: float = 60.0) -> Any:
        params = {"service": service, "method": method, "args": args}
        body = {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}
        with httpx.Client(trust_env=False, timeout=seconds, verify=NO_TLS) as client:
            answer = client.post(f"{self.url}/jsonrpc", json=body).raise_for_status().json()
        if "error" in answer:
            data = answer["error"].get("data", {})
            raise Refusal(f"{data.get('name')}: {data.get('message')}")
        return answer["result"]

    def _await(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self._rpc("common", "authenticate", DATABASE, self.login, self.key, {}):
                    return
            except (httpx.HTTPError, Refusal):
                pass
            dead = next((one for one in self._programs if not one.alive), None)
            if dead or time.monotonic() > deadline:
                log = dead or self._programs[-1]
                raise RuntimeError(f"Odoo does not answer on {self.url}: {log.tail()}")
            time.sleep(0.05)


@contextmanager
def odoo(progress: Progress = lambda _: None) -> Iterator[Odoo]:
    """An Odoo that runs with a fresh database for as long as the block lasts."""
    with placed(progress) as crm:
        crm.start()
        yield crm


@contextmanager
def placed(progress: Progress = lambda _: None) -> Iterator[Odoo]:
    """An Odoo with a fresh database that is not started yet."""
    system = root("odoo", "bullseye", PACKAGES, progress=progress)
    place = system.directory / _PLACE
    place.mkdir(parents=True, exist_ok=True)
    with locked(place / "lock", progress):  # until it is copied: nobody makes it anew meanwhile
        keys = _template(system, place, progress)
        _sweep(place)
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=place))
        lock = (folder / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder.chmod(0o755)
        _copy(place / "template", folder)
    with lock:
        try:
            crm = Odoo(system, folder, free_port(), keys)
            try:
                yield crm
            finally:
                crm.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Removes what tests that were killed have left: folders whose lock nobody holds."""
    for folder in place.glob("run-*"):
        with _lock(folder) as free:
            if free:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _lock(folder: Path) -> Iterator[TextIO | None]:
    try:
        with (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield lock
    except OSError:  # held, or not there yet
        yield None


# --- the database every Odoo begins with ----------------------------------------------------------


def _template(system: DebianRoot, place: Path, progress: Progress) -> dict[str, str]:
    """Makes the template where there is none of this recipe; returns the users' API keys."""
    recipe = hashlib.sha256(repr((MODULES, _USERS)).encode()).hexdigest()
    stamp = place / _STAMP
    try:
        found = json.loads(stamp.read_text())
    except (OSError, ValueError):
        found = {}
    if found.get("recipe") != recipe:
        progress("making Odoo's database (once a machine, about half a minute)")
        stamp.unlink(missing_ok=True)
        shutil.rmtree(place / "template", ignore_errors=True)
        found = {"recipe": recipe, "keys": _make_template(system, place / "template")}
        stamp.write_text(json.dumps(found))
    return dict(found["keys"])


def _make_template(system: DebianRoot, folder: Path) -> dict[str, str]:
    folder.mkdir()
    inside = _inside(system, folder)
    system.run("install", "--directory", "--owner=postgres", f"{inside}/data")
    system.run("install", "--directory", "--owner=odoo", f"{inside}/files")
    initdb = f"{_programs(system)}/initdb"
    system.run(initdb, "-D", f"{inside}/data", "-A", "trust", "-E", "UTF8", "-N", user="postgres")
    database = _postgres(system, folder)
    try:
        system.run(
            "psql", "-qX", "-h", inside, "-d", "postgres", "-c", "CREATE ROLE odoo LOGIN CREATEDB",
            user="postgres",
        )  # fmt: skip
        options = (*_options(inside), "--no-http", "--stop-after-init")
        system.run(
            "odoo", *options, f"--init={','.join(MODULES)}", "--load-language=th_TH",
            user="odoo", environment={"HOME": f"{inside}/files"}, seconds=MAKE_SECONDS,
        )  # fmt: skip
        said = system.run(
            "odoo", "shell", *_options(inside), "--no-http", user="odoo", stdin=_USERS,
            environment={"HOME": f"{inside}/files"}, seconds=MAKE_SECONDS,
        )  # fmt: skip
    finally:
        _end(database)
    if (folder / "data" / "postmaster.pid").exists():
        raise RuntimeError(f"PostgreSQL did not end cleanly: {database.tail()}")
    line = next(line for line in said.splitlines() if line.startswith("KEYS "))
    (folder / "postgres.log").unlink()
    return dict(json.loads(line.removeprefix("KEYS ")))


def _copy(template: Path, folder: Path) -> None:
    """Copies data and files with their owners."""
    for path in template.rglob("*"):
        to = folder / path.relative_to(template)
        if path.is_dir():
            to.mkdir()
        else:
            shutil.copyfile(path, to)
        info = path.stat()
        os.chown(to, info.st_uid, info.st_gid)
        to.chmod(info.st_mode & 0o7777)


def _options(inside: str) -> tuple[str, ...]:
    return (
        f"--database={DATABASE}", f"--db_host={inside}", f"--db_port={_DATABASE_PORT}",
        "--db_user=odoo", "--db_maxconn=24", f"--data-dir={inside}/files", "--without-demo=all",
        "--workers=0", "--max-cron-threads=0", "--log-level=warn",
    )  # fmt: skip


def _postgres(system: DebianRoot, folder: Path) -> Running:
    """PostgreSQL on a unix socket in `folder`, without care for a power cut: the data is a copy."""
    inside = _inside(system, folder)
    log = folder / "postgres.log"
    log.unlink(missing_ok=True)  # what it said when it ran before would be taken for an answer
    os.chown(folder, (folder / "data").stat().st_uid, -1)  # its socket is made there
    running = system.start(
        f"{_programs(system)}/postgres", "-D", f"{inside}/data", "-p", _DATABASE_PORT,
        "-c", "listen_addresses=", "-c", f"unix_socket_directories={inside}", "-c", "fsync=off",
        "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "shared_buffers=64MB",
        "-c", "max_connections=40", "-c", "max_wal_size=128MB", "-c", "min_wal_size=32MB",
        "-c", "autovacuum=on", user="postgres", log=log,
    )  # fmt: skip
    deadline = time.monotonic() + START_SECONDS
    while "ready to accept connections" not in running.tail():
        if not running.alive or time.monotonic() > deadline:
            running.stop()
            raise RuntimeError(f"PostgreSQL did not start: {running.tail()}")
        time.sleep(0.02)
    return running


def _end(running: Running) -> None:
    """Ends a program cleanly, Odoo before its PostgreSQL; killed where it does not end.

    By SIGTERM: a shell that runs the tests in the background has them ignore SIGINT.
    """
    running.stop(signal.SIGTERM)


def _programs(system: DebianRoot) -> str:
    found = sorted((system.directory / "usr/lib/postgresql").glob("*/bin/initdb"))
    return _inside(system, found[-1].parent)


def _inside(system: DebianRoot, path: Path) -> str:
    return "/" + str(path.relative_to(system.directory))
