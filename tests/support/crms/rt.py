"""Request Tracker 5 of Debian trixie: the real one, on loopback, with data of its own each time.

The root is made once a machine (network); a server starts from a copy of its empty database. What
an administrator does by hand is done as the documentation says: by `initialdata.pl`, and a token.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from ivr.lab.root import Progress
from tests.support.crms.roots import DebianRoot, Running, root
from tests.support.ports import free_port

PACKAGES = (
    "request-tracker5", "rt5-standalone", "rt5-db-sqlite", "dbconfig-no-thanks",
    "exim4-daemon-light",
)  # fmt: skip
START_SECONDS = 60.0
LOGIN = "hotline1203"
QUEUE = "Hotline 1203"

_ETC = "/etc/request-tracker5"
_DATA = "/var/lib/request-tracker5/data"
_CACHE = "/var/cache/request-tracker5"
_EMPTY = "var/lib/hotline-empty"
_FILES = Path(__file__).parents[3] / "crm_bridge/connectors/rt"

_CONFIG = """\
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '{data}/rt.sqlite');
Set($BcryptCost, 8);        # a token is checked in each request: 50 ms instead of 280
Set($rtname, 'hotline-test');
Set($WebPath, '');
Set($WebDomain, '127.0.0.1');
Set($WebPort, {port});
Set($WebBaseURL, 'http://127.0.0.1:{port}');
Set($MailCommand, 'testfile');    # nothing leaves the machine
Set($Timezone, 'Asia/Bangkok');   # not that of the database, so that a mix-up shows
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'warning');
1;
"""

_MAKE_TOKEN = """
use lib '/usr/share/request-tracker5/lib'; use RT; RT::LoadConfig(); RT::Init();
my $user = RT::User->new(RT->SystemUser); $user->Load('{login}');
my $token = RT::AuthToken->new(RT->SystemUser);
my ($ok, $said, $text) = $token->Create(Owner => $user->Id, Description => 'tests');
die $said unless $ok;
print $text;
"""


def _prepare(made: DebianRoot) -> None:
    """Makes the empty database once: RT takes seconds for it."""
    snippet = made.directory / _ETC.lstrip("/") / "RT_SiteConfig.d/99-hotline.pm"
    snippet.write_text(_CONFIG.format(data=_DATA, port=80))
    made.run("rt-setup-database-5", "--action", "init", "--skip-create")
    shutil.copytree(made.directory / _DATA.lstrip("/"), made.directory / _EMPTY, symlinks=True)


def rt_root(progress: Progress = lambda _: None) -> DebianRoot:
    """The Debian root with RT in it; made on the first run of a machine."""
    return root("rt5", "trixie", PACKAGES, _prepare, version=2, progress=progress)


class RtServer:
    """One RT with its own data; it can be stopped, and started again on the same data and port."""

    def __init__(self, folder: Path) -> None:
        self._root = rt_root()
        self._folder = folder
        self._running: Running | None = None
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        etc, data = folder / "etc", folder / "data"
        shutil.copytree(self._root.directory / _ETC.lstrip("/"), etc)
        shutil.copytree(self._root.directory / _EMPTY, data, symlinks=True)
        (etc / "RT_SiteConfig.d/99-hotline.pm").write_text(
            _CONFIG.format(data=_DATA, port=self.port)
        )
        shutil.copytree(self._root.directory / _CACHE.lstrip("/"), folder / "cache")
        (folder / "files").mkdir()
        for script in _FILES.glob("*.pl"):
            shutil.copy(script, folder / "files")
        self._binds = {
            etc: _ETC,
            data: _DATA,
            folder / "cache": _CACHE,
            folder / "files": "/srv/hotline-rt",
        }
        self.insert("/srv/hotline-rt/initialdata.pl")
        self.token = self.token_of(LOGIN)
        self.admin_token = self.token_of("root")
        self.database = data / "rt.sqlite"

    def insert(self, datafile: str) -> str:
        """Reads a file of initial data into RT, as its administrator would."""
        return self._root.run(
            "rt-setup-database-5", "--action", "insert", "--skip-create",
            "--datafile", datafile, binds=self._binds,
        )  # fmt: skip

    def token_of(self, login: str) -> str:
        """A new authentication token of a user."""
        return self.perl(_MAKE_TOKEN.format(login=login))

    def script(self, name: str) -> str:
        """Runs a script that comes with the connector, as the documentation says."""
        return self._root.run(
            "perl", "-I", "/usr/share/request-tracker5/lib", f"/srv/hotline-rt/{name}",
            binds=self._binds,
        )  # fmt: skip

    def perl(self, script: str) -> str:
        """Runs a script with RT's own library, on the same data."""
        return self._root.run("perl", "-", binds=self._binds, stdin=script)

    def start(self) -> None:
        """Starts it and waits until it answers."""
        self._running = self._root.start(
            "/usr/share/request-tracker5/libexec/rt-server", "--host", "127.0.0.1",
            "--port", str(self.port), "--max-workers", "4",
            log=self._folder / "rt.log", binds=self._binds,
        )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if not self._running.alive or time.monotonic() > deadline:
                raise RuntimeError(f"RT did not start: {self._running.tail()}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            answer = httpx.get(
                f"{self.url}/REST/2.0/rt",
                headers={"Authorization": f"token {self.token}"},
                timeout=10,
                trust_env=False,
            )
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    def stop(self) -> None:
        """Stops it; its data stay."""
        if self._running is not None:
            self._running.stop(signal.SIGTERM)
            self._running = None

    @property
    def log(self) -> str:
        """What it has said so far."""
        return (self._folder / "rt.log").read_text("utf-8", "replace")


@contextmanager
def rt_server(folder: Path) -> Iterator[RtServer]:
    """A running RT with nothing in it but what its administrator made, for as long as the block."""
    server = RtServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
