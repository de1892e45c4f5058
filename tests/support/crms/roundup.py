"""A real Roundup on loopback, as an office runs it: the classic tracker and our small addition.

The tracker is made in a folder of its own out of the package among our development dependencies
and removed at the end. Roundup refuses to run as root, so that it runs as `nobody` there.
"""

from __future__ import annotations

import functools
import os
import pwd
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

import crm_bridge.connectors.roundup
from tests.support.ports import NO_TLS, free_port

START_SECONDS = 30.0
ADDITION = Path(crm_bridge.connectors.roundup.__file__).with_name("schema_addition.txt")
ROUNDS = 1000
"""Of the password's hash; Roundup's own 250,000 take a fifth of a second of each request."""

_USERS = """
import sys
import roundup.instance
from roundup.password import Password
db = roundup.instance.open(".").open("admin")
secret = Password(sys.argv[1], config=db.config)
for given in sys.argv[2:]:
    name, role = given.split("=")
    db.user.create(username=name, password=secret, roles=role, address=name + "@example.test",
                   timezone="0")
db.commit()
db.close()
"""


@dataclass(slots=True)
class Roundup:
    """One tracker: `start` and `stop` as often as wanted, the data stays."""

    folder: Path
    port: int
    secret: str
    """The password of every user: `hotline` has the role Hotline, `clerk` is an officer,
    `stranger` and `visitor` may do nothing."""
    login: str = "hotline"
    nice: int = 0
    """How much others on this machine come first, as if it stood on another."""
    _server: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        """The tracker's web address."""
        return f"http://127.0.0.1:{self.port}/office/"

    def start(self, seconds: float = START_SECONDS) -> None:
        """Starts the server and returns when it answers.

        A process a request, as is Roundup's default: in threads of Python 3.11 its reading of a
        session fails now and then (SystemError of ast.literal_eval), with a page of HTTP 400.
        """
        with (self.folder / "server.log").open("ab") as log:
            self._server = _program(
                "roundup_server", "-n", "127.0.0.1", "-p", str(self.port), "-t", "fork",
                f"office={_home(self)}",
                folder=self.folder, log=log,
            )  # fmt: skip
        if self.nice:
            os.setpriority(os.PRIO_PROCESS, self._server.pid, self.nice)
            with suppress(OSError):  # where a session is scheduled as one, its share is the group's
                Path(f"/proc/{self._server.pid}/autogroup").write_text(str(self.nice))
        deadline = time.monotonic() + seconds
        try:
            while not self._answers():
                if self._server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"Roundup did not start: {self.log()[-2000:]}")
                time.sleep(0.05)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Ends the server."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def ask(
        self, method: str, path: str, body: object = None, *, who: str = "clerk", **query: str
    ) -> Any:
        """What the REST interface says to the user `who`: the `data` of its answer."""
        headers = {"X-Requested-With": "tests", "Origin": self.url.rpartition("/office")[0]}
        with httpx.Client(trust_env=False, timeout=30, verify=NO_TLS) as client:
            answer = client.request(
                method, f"{self.url}rest/data/{path}", json=body, params=query,
                headers={**headers, "Referer": self.url}, auth=(who, self.secret),
            )  # fmt: skip
        answer.raise_for_status()
        return answer.json()["data"]

    def change(self, path: str, who: str = "clerk", **properties: Any) -> None:
        """Writes properties of one record as the user `who`, as its page in Roundup would."""
        tag = self.ask("GET", path, who=who)["@etag"]
        self.ask("PATCH", path, {**properties, "@etag": tag}, who=who)

    def retire(self, path: str, who: str = "admin") -> None:
        """Takes a record away, as far as Roundup does: it is kept and no longer found."""
        tag = self.ask("GET", path, who=who)["@etag"]
        self.ask("DELETE", path, {"@etag": tag}, who=who)

    def link_again(self, issue: str, message: str) -> None:
        """Links a message to its issue once more, as two changes at the same moment do."""
        with closing(sqlite3.connect(_home(self) / "db" / "db", timeout=30)) as db, db:
            db.execute(
                "INSERT INTO issue_messages (linkid, nodeid) VALUES (?, ?)", (message, issue)
            )

    def log(self) -> str:
        """What the server wrote."""
        return (self.folder / "server.log").read_text("utf-8", "replace")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}rest/", auth=(self.login, self.secret), trust_env=False,
                             timeout=5, verify=NO_TLS).status_code == 200  # fmt: skip
        except httpx.HTTPError:
            return False

    def _end(self, how: signal.Signals) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        for one in (how, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(server.pid, one)
            with suppress(subprocess.TimeoutExpired):
                server.wait(10)


@contextmanager
def roundup(
    *, addition: bool = True, rounds: int = ROUNDS, detector: str = "", nice: int = 0
) -> Iterator[Roundup]:
    """A tracker of the block's own, already running.

    `addition`: with our part of the schema; `detector`: Python that the office added to watch over
    what is written.
    """
    folder = Path(tempfile.mkdtemp(prefix="hotline-roundup-"))
    made = Roundup(folder, free_port(), secrets.token_urlsafe(24), nice=nice)
    try:
        _make(made, addition, rounds, detector)
        made.start()
        yield made
    finally:
        made.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _home(tracker: Roundup) -> Path:
    return tracker.folder / "tracker"


def _make(tracker: Roundup, addition: bool, rounds: int, detector: str) -> None:
    folder, home = tracker.folder, _home(tracker)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    settings = {
        "tracker_web": tracker.url,
        "tracker_email": "desk@example.test",
        "mail_domain": "example.test",
        "mail_host": "localhost",
        "mail_debug": str(folder / "mail"),
        "password_pbkdf2_default_rounds": str(rounds),
    }
    given = ",".join(f"{key}={value}" for key, value in settings.items())
    _done("roundup_admin", "-i", str(home), "install", "classic", "sqlite", given, folder=folder)
    if detector:
        (home / "detectors" / "office.py").write_text(detector, "utf-8")
    role = "User"
    if addition:
        role = "Hotline"
        with (home / "schema.py").open("a") as schema:
            schema.write("\n" + ADDITION.read_text("utf-8"))
    _done("roundup_admin", "-i", str(home), "initialise", tracker.secret, folder=folder)
    users = (f"hotline={role}", "clerk=User", "stranger=Anonymous", "visitor=Anonymous")
    _done("-c", _USERS, tracker.secret, *users, folder=home)


def _done(*argv: str, folder: Path) -> None:
    """Carries one command of Roundup's out; RuntimeError with its words where it fails."""
    program = _program(*argv, folder=folder, log=None)
    said, _ = program.communicate(timeout=60)
    if program.returncode:
        raise RuntimeError(f"{argv[0]} failed: {said.decode('utf-8', 'replace')[-2000:]}")


def _program(*argv: str, folder: Path, log: Any) -> subprocess.Popen[bytes]:
    """Starts Python, as a user that Roundup accepts, in a process group of its own."""
    prefix, user = _other_user()
    first = argv[0]
    if first != "-c":
        argv = ("-m", f"roundup.scripts.{first}", *argv[1:])
    return subprocess.Popen(
        [*prefix, sys.executable, *argv],
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=log or subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        **user,
    )


@functools.cache
def _other_user() -> tuple[tuple[str, ...], dict[str, Any]]:
    """What to put before a command, and Popen's options, so that it does not run as root."""
    if os.geteuid() != 0:
        return (), {}
    nobody = pwd.getpwnam("nobody")
    imports = (sys.executable, "-c", "import roundup")
    user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    try:
        subprocess.run([*imports], cwd="/", check=True, capture_output=True, **user)
    except (OSError, subprocess.CalledProcessError):
        pass
    else:
        return (), user
    # this Python lies where only root may read: nobody may read there too, and do no more
    prefix = (
        "setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups",
        "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
    )  # fmt: skip
    subprocess.run([*prefix, *imports], cwd="/", check=True, capture_output=True)
    return prefix, {}
