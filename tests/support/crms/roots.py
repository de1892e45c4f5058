"""Debian roots for real CRMs: made once a machine, kept in the cache, programs run in them.

A program runs in name spaces of its own (`unshare`): what is mounted for it is seen by nobody else
and gone with it, and when it is stopped, or the tests are killed, all its children go too.
So does its shared memory: that of a PostgreSQL that was killed would be in the next one's way.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ivr.lab.process import with_parent
from ivr.lab.root import (
    NoRoot,
    Progress,
    cache_directory,
    debian_mirror,
    debootstrap,
    locked,
    remove_root,
)

INSTALL_SECONDS = 900
STOP_SECONDS = 20.0
"""How long a program may take to end by itself before it is killed."""

_STAMP = "hotline-root.json"
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
}

# Process 1 of the name space: mounts, enters the root, hands on the signals, reaps what is left.
# It ends with its program, and the kernel then ends every other process of the name space.
_INIT = """
set -e
root=$1; shift
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir -p "$root$2"; fi
    mount --bind "$1" "$root$2"; shift 2
done
shift
set +e
exec 3<&0  # what runs behind `&` would read /dev/null
"$@" <&3 3<&- &
child=$!
trap 'kill -TERM $child' TERM
trap 'kill -INT $child' INT
trap 'kill -QUIT $child' QUIT
while :; do
    wait $child; code=$?
    kill -0 $child 2>/dev/null || exit $code
done
"""


@dataclass(slots=True)
class Running:
    """A program that runs in a root until it ends or is stopped."""

    process: subprocess.Popen[bytes]
    log: Path
    """What it prints, both streams."""

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def tail(self, characters: int = 3000) -> str:
        """The end of what it printed."""
        return self.log.read_text("utf-8", "replace")[-characters:]

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the program (to nothing else in its name space)."""
        pid = self.process.pid
        if self.alive:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            for child in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(child), number)

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = STOP_SECONDS) -> None:
        """Asks it to end, kills it where it does not in time; all its children go with it."""
        self.send(number)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Ends it at once with all its children, as a power cut would."""
        self.send(signal.SIGKILL)  # its process 1: waited for until the last of them has ended
        self.process.wait(STOP_SECONDS)


@dataclass(frozen=True, slots=True)
class DebianRoot:
    """A Debian system in a folder, in which programs run."""

    directory: Path

    def command(
        self,
        *argv: str,
        user: str = "",
        binds: Mapping[Path, str] | None = None,
        workdir: str = "/",
    ) -> list[str]:
        """The host's command that runs `argv` in here, as `user` of the root where one is given.

        `binds`: what of the host is seen in here and where (folder or file; a file must exist
        on both sides).
        """
        mounts = [text for host, inside in (binds or {}).items() for text in (str(host), inside)]
        enter = ["chroot", *([f"--userspec={user}"] if user else []), str(self.directory)]
        if workdir != "/":
            enter += ["env", f"--chdir={workdir}"]
        return with_parent(
            ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "sh", "-c", _INIT,
             "init", str(self.directory), *mounts, "--", *enter, *argv]
        )  # fmt: skip

    def run(
        self,
        *argv: str,
        user: str = "",
        binds: Mapping[Path, str] | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: str = "",
        seconds: float = 120.0,
    ) -> str:
        """Runs a program to its end and returns what it printed; RuntimeError where it fails."""
        done = subprocess.run(
            self.command(*argv, user=user, binds=binds),
            env={**_ENVIRONMENT, **(environment or {})},
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
        if done.returncode:
            said = (done.stderr or done.stdout)[-2000:]
            raise RuntimeError(f"{argv[0]} failed with {done.returncode}: {said}")
        return done.stdout

    def start(
        self,
        *argv: str,
        log: Path,
        user: str = "",
        binds: Mapping[Path, str] | None = None,
        environment: Mapping[str, str] | None = None,
        workdir: str = "/",
    ) -> Running:
        """Starts a program that goes on until `stop`; it must stay in the foreground.

        Not from a thread that ends before it: the kernel ends the program with that thread.
        """
        with log.open("ab") as out:
            process = subprocess.Popen(
                self.command(*argv, user=user, binds=binds, workdir=workdir),
                env={**_ENVIRONMENT, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C at the tests is not one at the program
            )
        return Running(process, log)


@dataclass(slots=True)
class _Recipe:
    name: str
    suite: str
    packages: Sequence[str]
    version: int
    directory: Path = field(init=False)

    def __post_init__(self) -> None:
        self.directory = cache_directory() / f"crm-{self.name}"

    @property
    def stamp(self) -> dict[str, object]:
        return {"suite": self.suite, "packages": list(self.packages), "version": self.version}

    def whole(self) -> bool:
        try:
            found = json.loads((self.directory / _STAMP).read_text("utf-8"))
        except (OSError, ValueError):
            return False
        return bool(found == self.stamp)


def root(
    name: str,
    suite: str,
    packages: Sequence[str],
    prepare: Callable[[DebianRoot], None] = lambda _: None,
    version: int = 1,
    progress: Progress = lambda _: None,
) -> DebianRoot:
    """A Debian root of `suite` with `packages` installed and no service started; made once.

    `prepare` runs in the new root before it is taken into use; a higher `version` makes it anew.
    NoRoot says what to do where none can be made.
    """
    recipe = _Recipe(name, suite, packages, version)
    if recipe.whole():
        return DebianRoot(recipe.directory)
    if os.geteuid() != 0:
        raise NoRoot(f"the Debian root for {name} needs root rights: run the tests as root")
    for program in ("debootstrap", "unshare", "chroot"):
        if not shutil.which(program):
            raise NoRoot(
                f"the Debian root for {name} needs {program}: apt-get install debootstrap "
                "util-linux (on Ubuntu also debian-archive-keyring)"
            )
    with locked(recipe.directory.with_suffix(".lock"), progress):
        if not recipe.whole():
            _make(recipe, prepare, progress)
    return DebianRoot(recipe.directory)


def _make(recipe: _Recipe, prepare: Callable[[DebianRoot], None], progress: Progress) -> None:
    progress(f"making a Debian {recipe.suite} root with {recipe.name} (once a machine)")
    parent = recipe.directory.parent
    building = Path(tempfile.mkdtemp(prefix=f"{recipe.directory.name}.", dir=parent))
    made = DebianRoot(building)
    try:
        _base(recipe, building, progress)
        (building / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
        (building / "usr/sbin/policy-rc.d").chmod(0o755)
        progress(f"installing {' '.join(recipe.packages)}")
        environment = {"DEBIAN_FRONTEND": "noninteractive", **_proxies()}
        # no manuals, and no waiting for a disk that holds nothing yet
        (building / "etc/dpkg/dpkg.cfg.d/hotline").write_text(
            "force-unsafe-io\npath-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\n"
        )
        made.run(
            "apt-get", "install", "--yes", "--no-install-recommends", *recipe.packages,
            environment=environment, seconds=INSTALL_SECONDS,
        )  # fmt: skip
        made.run("apt-get", "clean")
        shutil.rmtree(building / "var/lib/apt/lists", ignore_errors=True)
        # with files only, no look-up of a host's name waits for a network
        (building / "etc/nsswitch.conf").write_text(
            "passwd: files\ngroup: files\nshadow: files\nhosts: files\n"
        )
        (building / "etc/hosts").write_text(f"127.0.0.1 localhost {os.uname().nodename}\n")
        prepare(made)
        (building / _STAMP).write_text(json.dumps(recipe.stamp), "utf-8")
        remove_root(recipe.directory)
        building.rename(recipe.directory)
    finally:
        remove_root(building)
    progress(f"{recipe.name} is ready in {recipe.directory}")


def _base(recipe: _Recipe, building: Path, progress: Progress) -> None:
    """The smallest Debian of the suite; many mirrors have the archived suites beside the others."""
    log = recipe.directory.with_suffix(".log")
    mirror = debian_mirror()
    tries = [mirror]
    if mirror.rstrip("/").endswith("/debian"):
        tries.append(mirror.rstrip("/").removesuffix("/debian") + "/debian-archive/debian")
    failure: NoRoot | None = None
    for at in tries:
        try:
            return debootstrap(recipe.suite, ("ca-certificates",), building, at, log, progress)
        except NoRoot as error:
            failure = failure or error
            remove_root(building)
            building.mkdir()
    raise failure or NoRoot(f"no Debian {recipe.suite}")


def _proxies() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key.lower().endswith("_proxy")}
