"""A PostgreSQL server of the tests' own: made, started on loopback, stopped and removed by them."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.ports import free_port

START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server: where it listens and its process."""

    port: int
    folder: Path
    programs: Path
    process: subprocess.Popen[bytes]

    def url(self, name: str = "postgres") -> str:
        """The URL of one of its databases, as hotline.toml has it."""
        return f"postgresql://hotline@127.0.0.1:{self.port}/{name}"

    def sql(self, statement: str) -> None:
        """Carry out one statement by psql."""
        subprocess.run(
            [self.programs / "psql", "-qX", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
             "-p", str(self.port), "-U", "hotline", "-d", "postgres", "-c", statement],
            check=True, capture_output=True,
        )  # fmt: skip


def programs() -> Path:
    """The folder of initdb and postgres; fails with the mend where there is none."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda p: [int(n) for n in p.parts[-3].split(".") if n.isdigit()],
    )
    if found:
        return found[-1].parent
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    raise RuntimeError(
        "PostgreSQL's server programs are not installed: the record tests run on it too; "
        "install them with `apt-get install postgresql` (or `make test` as root)"
    )


def _user() -> dict[str, object]:
    """initdb refuses to run as root: the user to run it as instead."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("PostgreSQL does not run as root and there is no user to run it as")


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A server for as long as the block lasts."""
    bin_folder = programs()
    user = _user()
    folder = Path(tempfile.mkdtemp(prefix="hotline-postgres-"))
    process: subprocess.Popen[bytes] | None = None
    try:
        if user:
            os.chown(folder, int(str(user["user"])), int(str(user["group"])))
        data = folder / "data"
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(folder)}
        made = subprocess.run(
            [bin_folder / "initdb", "-D", data, "-U", "hotline", "-A", "trust", "-E", "UTF8", "-N"],
            cwd=folder, env=environment, capture_output=True, text=True, check=False, **user,
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr or made.stdout}")
        port = free_port()
        log = (folder / "log").open("wb")
        with log:
            process = subprocess.Popen(
                [bin_folder / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1",
                 "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "shared_buffers=16MB",
                 "-c", "synchronous_commit=off", "-c", "max_connections=30"],
                cwd=folder, env=environment, stdout=log, stderr=log, **user,
            )  # fmt: skip
        _await_ready(bin_folder, port, process, folder)
        yield Cluster(port, folder, bin_folder, process)
    finally:
        if process is not None:
            _stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def _await_ready(
    bin_folder: Path, port: int, process: subprocess.Popen[bytes], folder: Path
) -> None:
    deadline = time.monotonic() + START_SECONDS
    ask = [bin_folder / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
    while subprocess.run(ask, check=False).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text()[-2000:]}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)  # a fast shutdown: connections are ended
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait(15)
