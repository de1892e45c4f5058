"""Where Asterisk and SIPp come from, on any machine.

In this order: programs on PATH (Asterisk 20 or newer, and sipp); a Docker engine that answers,
with the image of `docker/asterisk`; a Debian sid root made once a machine with debootstrap and
kept in `$HOTLINE_CACHE` (default `~/.cache/hotline1203`). `HOTLINE_LAB=path|docker|root` takes
one of them and no other. Once made, nothing here needs the network again.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("asterisk", "asterisk-core-sounds-en-gsm", "sip-tester", "ca-certificates")
SUITE = "sid"
OLDEST = 20
"""The oldest Asterisk whose events and configuration the project is made for."""
IMAGE = "hotline1203-asterisk"

_STAMP = "hotline-root.json"
_STAMP_VERSION = 1
_INSTANCES = "srv/hotline-lab"

Progress = Callable[[str], None]


class NoRoot(Exception):
    """A Debian root cannot be made here; the text says what to do."""


class NoAsterisk(NoRoot):
    """There is no Asterisk here and none can be made; the text says what to do."""


def cache_directory() -> Path:
    """Where what is made once a machine is kept: `$HOTLINE_CACHE` or `~/.cache/hotline1203`."""
    given = os.environ.get("HOTLINE_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "hotline1203"


@dataclass(frozen=True, slots=True)
class Root:
    """A place with an Asterisk and a SIPp in it: on PATH, in an image, or in a Debian root."""

    kind: str
    """`path`, `docker` or `root`."""
    version: str
    """What `asterisk -V` says."""
    directory: Path = Path("/")
    """The Debian root; `/` for the other kinds."""

    def command(self, *argv: str, workdir: Path | None = None) -> list[str]:
        """The host's command that runs `argv` in here, as a child that can be signalled."""
        if self.kind == "root":
            return ["chroot", str(self.directory), *argv]
        if self.kind == "docker":
            # The host's network, processes and instance directory: one way to reach them for all.
            mount = [f"--volume={workdir}:{workdir}"] if workdir else []
            # The image's own user could not write there: it runs as whoever owns the directory.
            user = f"--user={os.getuid()}:{os.getgid()}"
            return ["docker", "run", "--rm", "--network=host", "--pid=host", user, *mount,
                    f"--entrypoint={argv[0]}", IMAGE, *argv[1:]]  # fmt: skip
        return list(argv)

    def instance_directory(self, directory: Path, number: int) -> Path:
        """Where, on the host, the files of lab `number` are: inside the root, if there is one."""
        if self.kind == "root":
            return self.directory / _INSTANCES / str(number)
        return directory.resolve() / f"instance-{number}"

    def inside(self, path: Path) -> str:
        """The same path as a program started by `command` sees it."""
        if self.kind == "root":
            return "/" + str(path.relative_to(self.directory))
        return str(path)


def find_root(progress: Progress = lambda _: None) -> Root:
    """The place to take Asterisk and SIPp from, made if need be; raises NoAsterisk."""
    wanted = os.environ.get("HOTLINE_LAB", "")
    ways = {"path": _on_path, "docker": _in_docker, "root": _in_root}
    if wanted:
        if wanted not in ways:
            raise NoAsterisk(f"HOTLINE_LAB={wanted}: it is one of {', '.join(ways)}")
        root = ways[wanted](progress)
        if root is None:
            raise NoAsterisk(f"HOTLINE_LAB={wanted}, but that way is not open on this machine")
        return root
    for way in ways.values():
        root = way(progress)
        if root is not None:
            return root
    raise NoAsterisk(
        f"no Asterisk >= {OLDEST} with sipp on PATH, no Docker engine that answers, and no Debian "
        "root: to make and use one, be root and have debootstrap (apt-get install debootstrap; on "
        "Ubuntu also debian-archive-keyring)"
    )


def _said(argv: list[str], seconds: float = 20.0) -> str:
    """What a command prints, or an empty string where it fails or takes too long."""
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=seconds, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _major(version: str) -> int:
    found = re.search(r"Asterisk\D*(\d+)", version)
    return int(found.group(1)) if found else 0


# --- programs on PATH -----------------------------------------------------------------------------


def _on_path(progress: Progress) -> Root | None:
    if not shutil.which("sipp") or not shutil.which("asterisk"):
        return None
    version = _said(["asterisk", "-V"])
    return Root("path", version) if _major(version) >= OLDEST else None


# --- a Docker engine ------------------------------------------------------------------------------


def _in_docker(progress: Progress) -> Root | None:
    if not shutil.which("docker") or not _said(
        ["docker", "info", "--format", "{{.ServerVersion}}"]
    ):
        return None
    if not _said(["docker", "image", "inspect", "--format", "{{.Id}}", IMAGE]):
        recipe = Path(__file__).resolve().parents[2] / "docker" / "asterisk"
        if not recipe.is_dir():
            return None
        progress(f"building the Docker image {IMAGE} (once a machine)")
        built = subprocess.run(
            ["docker", "build", "--quiet", "--tag", IMAGE, str(recipe)],
            capture_output=True,
            text=True,
            check=False,
        )
        if built.returncode:
            progress(f"the image could not be built: {built.stderr.strip()[-300:]}")
            return None
    version = _said(["docker", "run", "--rm", "--entrypoint=asterisk", IMAGE, "-V"], 60.0)
    return Root("docker", version) if _major(version) >= OLDEST else None


# --- a Debian root --------------------------------------------------------------------------------


def _in_root(progress: Progress) -> Root | None:
    if os.geteuid() != 0:  # neither debootstrap nor chroot
        return None
    directory = cache_directory() / "asterisk-sid"
    version = _stamped(directory)
    if version:
        return Root("root", version, directory)
    if not shutil.which("debootstrap"):
        return None
    directory.parent.mkdir(parents=True, exist_ok=True)
    with locked(directory.parent / "asterisk-sid.lock", progress):
        version = _stamped(directory) or _adopt(directory) or _make(directory, progress)
    return Root("root", version, directory)


@contextmanager
def locked(path: Path, progress: Progress = lambda _: None) -> Iterator[None]:
    """Holds the machine-wide lock at `path`: a second process waits until the first is done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another process is making the Debian root; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _stamped(directory: Path) -> str:
    """The version a whole root's stamp tells, or empty: no stamp, another recipe, or broken."""
    try:
        stamp = json.loads((directory / _STAMP).read_text("utf-8"))
    except (OSError, ValueError):
        return ""
    whole = (
        isinstance(stamp, dict)
        and stamp.get("stamp") == _STAMP_VERSION
        and stamp.get("packages") == list(PACKAGES)
        and all((directory / path).exists() for path in ("usr/sbin/asterisk", "usr/bin/sipp"))
    )
    return str(stamp.get("version", "")) if whole else ""


def _adopt(directory: Path) -> str:
    """Stamps a root that runs and lacks only the stamp; empty where it does not run."""
    if not directory.is_dir() or not _said(
        ["chroot", str(directory), "sh", "-c", "command -v sipp"]
    ):
        return ""
    version = _said(["chroot", str(directory), "asterisk", "-V"])
    if _major(version) < OLDEST:
        return ""
    _stamp(directory, version)
    return version


def _stamp(directory: Path, version: str) -> None:
    # Asterisk looks its host name up in every call: with files only, that waits for no network.
    (directory / "etc" / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\n")
    (directory / "etc" / "hosts").write_text(f"127.0.0.1 localhost {socket.gethostname()}\n")
    stamp = {"stamp": _STAMP_VERSION, "packages": list(PACKAGES), "version": version}
    path = directory / _STAMP
    path.with_suffix(".new").write_text(json.dumps(stamp), "utf-8")
    path.with_suffix(".new").rename(path)


def _make(directory: Path, progress: Progress) -> str:
    """Makes the root beside its place and moves it there when it is whole; raises NoAsterisk."""
    progress(
        f"making a Debian {SUITE} root with Asterisk and SIPp (once a machine, about a minute)"
    )
    building = Path(tempfile.mkdtemp(prefix="asterisk-sid.", dir=directory.parent))
    log = directory.parent / "asterisk-sid.log"
    try:
        try:
            debootstrap(SUITE, PACKAGES, building, debian_mirror(), log, progress)
        except NoRoot as error:
            raise NoAsterisk(str(error)) from error
        version = _said(["chroot", str(building), "asterisk", "-V"])
        if _major(version) < OLDEST:
            raise NoAsterisk(
                f"the Debian {SUITE} root has no Asterisk >= {OLDEST} (all of it in {log})"
            )
        shutil.rmtree(building / "var" / "cache" / "apt", ignore_errors=True)
        _stamp(building, version)
        remove_root(directory)
        building.rename(directory)
    finally:
        remove_root(building)
    progress(f"{version} is ready in {directory}")
    return version


def debootstrap(
    suite: str,
    packages: tuple[str, ...],
    building: Path,
    mirror: str,
    log: Path,
    progress: Progress,
) -> None:
    """Makes a Debian root of `suite` with `packages` in the folder `building`; raises NoRoot."""
    building.chmod(0o755)
    argv = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}"]
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    if keyring.exists():
        argv.append(f"--keyring={keyring}")
    elif _is_ubuntu():
        raise NoRoot("Debian's signing keys are missing: apt-get install debian-archive-keyring")
    argv += [suite, str(building)]
    if mirror:
        argv.append(mirror)
    with (
        log.open("w") as out,
        subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as work,
    ):
        for line in work.stdout or ():
            out.write(line)
            if line.startswith("I: "):
                progress(line[3:].strip())
    if work.returncode:
        tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-8:])
        raise NoRoot(
            f"debootstrap could not make the Debian root (all of it in {log}):\n{tail}\n"
            "If no Debian mirror is reached from here, name one in HOTLINE_DEBIAN_MIRROR."
        )


def remove_root(directory: Path) -> None:
    """Removes a root, unless something is mounted in it (debootstrap leaves /proc when killed)."""
    if not directory.exists():
        return
    prefix = str(directory.resolve()) + "/"
    for line in reversed(Path("/proc/mounts").read_text("utf-8").splitlines()):
        place = line.split()[1]
        if place.startswith(prefix):
            subprocess.run(["umount", place], check=False, capture_output=True)
    shutil.rmtree(directory)


def _is_ubuntu() -> bool:
    try:
        return "ID=ubuntu" in Path("/etc/os-release").read_text("utf-8")
    except OSError:
        return False


_DEBIAN_SUITES = re.compile(
    r"^(sid|unstable|testing|stable|oldstable|bullseye|bookworm|trixie|forky|duke)$"
)


def debian_mirror(apt: Path = Path("/etc/apt")) -> str:
    """The Debian mirror to use: `HOTLINE_DEBIAN_MIRROR`, else the machine's own from apt's sources.

    Empty where the machine has none (Ubuntu): debootstrap's own default is used then.
    """
    given = os.environ.get("HOTLINE_DEBIAN_MIRROR", "")
    if given:
        return given
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    for path in files:
        try:
            text = path.read_text("utf-8", "replace")
        except OSError:
            continue
        entries = _one_line_entries(text) if path.suffix == ".list" else ()
        if path.suffix == ".sources":
            entries = _deb822_entries(text)
        for uri, suites, components in entries:
            if "main" in components and any(_DEBIAN_SUITES.match(suite) for suite in suites):
                return uri
    return ""


_Entry = tuple[str, list[str], list[str]]


def _one_line_entries(text: str) -> Iterator[_Entry]:
    for line in text.splitlines():
        found = re.match(r"\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)\s+(.*)", line)
        if found and found.group(1).startswith(("http", "file:", "copy:")):
            yield found.group(1), [found.group(2)], found.group(3).split("#")[0].split()


def _deb822_entries(text: str) -> Iterator[_Entry]:
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        key = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace():
                fields[key] = f"{fields.get(key, '')} {line.strip()}"
            elif ":" in line:
                key, _, value = line.partition(":")
                key = key.strip().lower()
                fields[key] = value.strip()
        if fields.get("enabled", "yes").lower() == "no":
            continue
        if "deb" not in fields.get("types", "").split():
            continue
        for uri in fields.get("uris", "").split():
            yield uri, fields.get("suites", "").split(), fields.get("components", "").split()
