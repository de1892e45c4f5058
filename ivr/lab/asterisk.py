"""A lab: one real Asterisk on loopback addresses of its own, booted, asked, stopped, killed.

Lab number N has 127.12.N.0/24: .1 is Asterisk, .10 the carrier, .20-.29 SIPp, .101-.150 the
officers' telephones, .151-.199 the agencies', .201-.250 second devices. Several labs run side
by side; the installed configuration and Asterisk's own files are in the lab's instance directory.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from ivr.lab.install import Site, install
from ivr.lab.root import Root, cache_directory, find_root

AMI_PORT = 5038
LAB_USER = "lab"
"""The lab's own AMI user: reads everything, unlike `hotline`, which the bridge uses."""
_BOOT_SECONDS = 30.0
_STOP_SECONDS = 5.0
AGENCIES = range(2001, 2007)
"""The agencies that have a telephone on the lab's addresses; the others are unreachable."""
_FOREIGN = Path(__file__).parent / "foreign"

Configure = Callable[["Lab", Path], None]
"""Writes the configuration of a lab into a directory."""


class LabError(Exception):
    """The lab's Asterisk did not do what was asked; the text ends with its own last words."""


def address(number: int, host: int) -> str:
    """The loopback address `host` of lab `number`."""
    return f"127.12.{number}.{host}"


@dataclass(slots=True)
class Claim:
    """A lab number that is ours until `release`, against every other process on the machine."""

    number: int
    _handle: IO[str]

    @classmethod
    def take(cls, numbers: Iterable[int] = range(100, 250)) -> Claim:
        """The first free number; raises LabError where all are taken."""
        locks = cache_directory() / "lab"
        locks.mkdir(parents=True, exist_ok=True)
        for number in numbers:
            handle = (locks / f"{number}.lock").open("w")
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.close()
                continue
            if _free(number):
                return cls(number, handle)
            handle.close()
        raise LabError("every lab number is taken; `hotline lab down` ends a forgotten one")

    def release(self) -> None:
        """Gives the number back."""
        self._handle.close()


def _free(number: int) -> bool:
    """Whether nobody answers calls or AMI on the lab's address."""
    server = address(number, 1)
    for kind, port in ((socket.SOCK_DGRAM, 5060), (socket.SOCK_STREAM, AMI_PORT)):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((server, port))
            except OSError:
                return False
    return True


@dataclass(frozen=True, slots=True)
class Process:
    """A process named so that it is never mistaken for another: its id and when it started."""

    pid: int
    started: int
    """Clock ticks since boot, field 22 of /proc/PID/stat."""

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process with this id, or None where there is none (or only its zombie)."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return Process.of(self.pid) == self

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to it, and to no other that took over its id."""
        if self.alive:
            os.kill(self.pid, number)

    async def gone(self, deadline: float) -> bool:
        """Waits until it has ended; False where it has not by `deadline` seconds."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        try:
            loop.add_reader(descriptor, ended.set)
            if self.alive:
                await asyncio.wait_for(ended.wait(), deadline)
            return True
        except TimeoutError:
            return not self.alive
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)


class Lab:
    """A lab in `directory` (its state) with number `number`; `async with` boots and ends it.

    `keep=True` lets Asterisk outlive this process (`hotline lab up`); otherwise the kernel ends it
    with this process, whatever becomes of that.
    """

    def __init__(
        self,
        directory: Path,
        number: int = 1,
        *,
        root: Root | None = None,
        configure: Configure | None = None,
        keep: bool = False,
    ) -> None:
        self.directory = directory
        self.number = number
        self.root = root or find_root()
        self.keep = keep
        self.secret = secrets.token_urlsafe(18)
        self.instance = self.root.instance_directory(directory, number)
        self.configure: Configure = configure or ours()
        self.secrets: dict[str, str] = {}
        """Password of each telephone that registers, by its name."""
        self.ami_secret = ""
        """Password of the bridge's AMI user `hotline`, where the configuration has one."""
        self.process: Process | None = None
        self._child: subprocess.Popen[bytes] | None = None

    # --- where things are ---------------------------------------------------------------------

    @property
    def server(self) -> str:
        """Asterisk's address: SIP 5060, AMI 5038, HTTP 8088."""
        return address(self.number, 1)

    @property
    def carrier(self) -> str:
        """The address calls from outside come from."""
        return address(self.number, 10)

    def phone_address(self, extension: int, *, second: bool = False) -> str:
        """The address of officer 1001… or agency 2001…, or of an officer's second device."""
        within = extension % 1000
        base = 200 if second else 100
        return address(self.number, base + (within if extension < 2000 else 50 + within))

    @property
    def etc(self) -> Path:
        """The installed configuration."""
        return self.instance / "etc"

    @property
    def cel(self) -> Path:
        """The CEL lines of this lab."""
        return self.instance / "log" / "cel-custom" / "hotline.csv"

    @property
    def queue_log(self) -> Path:
        """app_queue's own log."""
        return self.instance / "log" / "queue_log"

    @property
    def log(self) -> Path:
        """Asterisk's full log."""
        return self.instance / "log" / "full"

    # --- life -----------------------------------------------------------------------------------

    async def __aenter__(self) -> Lab:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.end()

    async def end(self) -> None:
        """Stops Asterisk and removes what it wrote."""
        await self.stop()
        shutil.rmtree(self.instance, ignore_errors=True)

    async def start(self) -> None:
        """Installs the configuration afresh and boots; raises LabError where it does not boot."""
        shutil.rmtree(self.instance, ignore_errors=True)
        for name in ("etc", "lib", "spool", "log/cel-custom", "run"):
            (self.instance / name).mkdir(parents=True)
        self.configure(self, self.etc)
        with (self.etc / "manager.conf").open("a", encoding="utf-8") as manager:
            manager.write(
                f"\n; the lab's own witness\n[{LAB_USER}]\nsecret = {self.secret}\n"
                "read = all\nwrite = all\nwritetimeout = 5000\n"
            )
        with (self.etc / "logger.conf").open("a", encoding="utf-8") as logger:
            logger.write("\n[logfiles](+)\nfull => notice,warning,error,verbose\n")
        await self.boot()

    async def boot(self) -> None:
        """Starts Asterisk on the configuration that is there and waits until it says it is up."""
        if self._child is not None:
            raise LabError("this lab's Asterisk already runs")
        argv = self.root.command(
            "asterisk", "-f", "-vvv", "-C", self.root.inside(self.etc / "asterisk.conf"),
            workdir=self.instance,
        )  # fmt: skip
        self._child = self._spawn(argv if self.keep else with_parent(argv))
        self.process = Process.of(self._child.pid)
        self._write_state()
        try:
            await asyncio.wait_for(self._fully_booted(), _BOOT_SECONDS)
        except TimeoutError:
            await self.kill()
            raise LabError(
                f"Asterisk was not up within {_BOOT_SECONDS:g} s\n{self.tail()}"
            ) from None
        pidfile = self.instance / "run" / "asterisk.pid"
        if self.root.kind == "docker" and pidfile.exists():
            self.process = Process.of(int(pidfile.read_text()))  # the client's child, not ours
            self._write_state()

    def _spawn(self, argv: list[str]) -> subprocess.Popen[bytes]:
        """Starts a process apart from any event loop: a lab outlives the loop of one test."""
        with (self.instance / "log" / "console").open("ab") as output:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    async def _fully_booted(self) -> None:
        """Asks by AMI until it answers FullyBooted; raises LabError where Asterisk has ended."""
        while True:
            if self._child is not None and self._child.poll() is not None:
                status = self._child.returncode
                self._child = None
                raise LabError(f"Asterisk ended with status {status} while booting\n{self.tail()}")
            try:
                reader, writer = await asyncio.open_connection(self.server, AMI_PORT)
            except OSError:
                await asyncio.sleep(0.02)  # it does not listen yet, there is nothing to wait on
                continue
            try:
                writer.write(login(LAB_USER, self.secret))
                async for line in reader:
                    if line.strip() == b"Event: FullyBooted":
                        return
                    if b"Authentication failed" in line:
                        raise LabError("the lab's AMI user is refused: another Asterisk is there")
            except ConnectionError:
                continue
            finally:
                writer.close()

    async def stop(self) -> None:
        """Ends Asterisk: asks, then signals, then kills. Nothing of the lab runs afterwards."""
        if self.process is not None:
            await _end(self.process)
        await self._reap()

    async def kill(self) -> None:
        """SIGKILL, as a crash would."""
        if self.process is not None:
            self.process.signal(signal.SIGKILL)
            await self.process.gone(_STOP_SECONDS)
        await self._reap()

    async def _reap(self) -> None:
        if self._child is not None:
            await asyncio.to_thread(self._child.wait)
        self._child = None
        self.process = None
        self._state_path.unlink(missing_ok=True)

    async def restart(self) -> None:
        """Stops and boots again on the same configuration and logs."""
        await self.stop()
        await self.boot()

    async def cli(self, command: str) -> str:
        """What Asterisk's console answers."""
        argv = self.root.command(
            "asterisk", "-C", self.root.inside(self.etc / "asterisk.conf"), "-rx", command,
            workdir=self.instance,
        )  # fmt: skip
        work = await asyncio.create_subprocess_exec(
            *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        out, _ = await work.communicate()
        return out.decode("utf-8", "replace")

    def tail(self, lines: int = 15) -> str:
        """The last words of Asterisk's log."""
        for path in (self.log, self.instance / "log" / "console"):
            if path.exists() and path.stat().st_size:
                return "\n".join(path.read_text("utf-8", "replace").splitlines()[-lines:])
        return "(it wrote no log)"

    # --- across processes -----------------------------------------------------------------------

    @property
    def _state_path(self) -> Path:
        return self.directory / f"lab-{self.number}.json"

    def _write_state(self) -> None:
        if self.process is None:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        state = {
            "number": self.number,
            "pid": self.process.pid,
            "started": self.process.started,
            "version": self.root.version,
            "server": self.server,
            "instance": str(self.instance),
            "secret": self.secret,
        }
        fresh = self._state_path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(state), "utf-8")
        fresh.rename(self._state_path)


@dataclass(frozen=True, slots=True)
class Running:
    """A lab that another process started, as its state file tells."""

    number: int
    process: Process
    version: str
    server: str
    instance: Path
    secret: str
    state: Path


def running(directory: Path) -> list[Running]:
    """The labs of this directory that run; state files of dead ones are removed."""
    found = []
    for path in sorted(directory.glob("lab-*.json")):
        try:
            state: dict[str, Any] = json.loads(path.read_text("utf-8"))
            process = Process(int(state["pid"]), int(state["started"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if not process.alive:
            path.unlink(missing_ok=True)
            continue
        found.append(
            Running(
                int(state["number"]),
                process,
                str(state["version"]),
                str(state["server"]),
                Path(state["instance"]),
                str(state["secret"]),
                path,
            )
        )
    return found


async def down(directory: Path) -> int:
    """Ends every lab of this directory and removes its files; returns how many."""
    labs = running(directory)
    for lab in labs:
        await _end(lab.process)
        lab.state.unlink(missing_ok=True)
        shutil.rmtree(lab.instance, ignore_errors=True)
    return len(labs)


async def _end(process: Process) -> None:
    """SIGTERM lets Asterisk close its books; SIGKILL where it does not end by itself."""
    process.signal(signal.SIGTERM)
    if not await process.gone(_STOP_SECONDS):
        process.signal(signal.SIGKILL)
        await process.gone(_STOP_SECONDS)


def login(username: str, secret: str) -> bytes:
    """The AMI login action, all events on."""
    return (
        f"Action: Login\r\nUsername: {username}\r\nSecret: {secret}\r\nEvents: on\r\n\r\n".encode()
    )


def with_parent(argv: list[str]) -> list[str]:
    """The command, killed by the kernel when the process that starts it ends."""
    return ["setpriv", "--pdeathsig", "KILL", *argv]


def ours(**values: Any) -> Configure:
    """The 1203 configuration of `dialplan/`, with values of the site other than the lab's own."""

    def configure(lab: Lab, destination: Path) -> None:
        place = lab.root.inside(lab.instance)
        agencies = {str(number): lab.phone_address(number) for number in AGENCIES}
        site = Site(
            **{
                "systemname": f"lab{lab.number}",
                "sip_bind": lab.server,
                "trunk_match": (lab.carrier, *(address(lab.number, n) for n in range(20, 30))),
                "trunk_host": lab.carrier,
                "agency_addresses": agencies,
                "qualify": 0,
                "http_bind": lab.server,
                "ami_bind": lab.server,
                "root": lab.root.directory,
                "astetcdir": f"{place}/etc",
                "astvarlibdir": f"{place}/lib",
                "astdatadir": f"{place}/data",
                "astspooldir": f"{place}/spool",
                "astrundir": f"{place}/run",
                "astlogdir": f"{place}/log",
                "prompt_seconds": 0.3,
                "agent_ring": 8,
                **values,
            }
        )
        installed = install(destination, site)
        lab.secrets = dict(installed.device_secrets)
        lab.ami_secret = installed.ami_secret
        _packaged_sounds(lab)

    return configure


def _packaged_sounds(lab: Lab) -> None:
    """Links Asterisk's own prompts beside ours: feature codes play `beep` and `pbx-transfer`."""
    packaged = lab.root.directory / "usr" / "share" / "asterisk" / "sounds"
    source = next((path.parent for path in sorted(packaged.glob("en*/beep.*"))), None)
    for language in ("en", "th") if source else ():
        target = lab.instance / "data" / "sounds" / language
        target.mkdir(parents=True, exist_ok=True)
        for sound in source.iterdir() if source else ():
            if not (target / sound.name).exists() and not list(target.glob(f"{sound.stem}.*")):
                (target / sound.name).symlink_to(lab.root.inside(sound))


def foreign(lab: Lab, destination: Path) -> None:
    """A PBX that is not ours: other contexts and queues, no markers (`ivr/lab/foreign`)."""
    place = lab.root.inside(lab.instance)
    places = {
        "@SERVER@": lab.server,
        "@CARRIER@": lab.carrier,
        "@SECRET@": lab.secret,
        "@PLACE@": place,
        "@NODE@": f"lab{lab.number}",
    }
    lab.secrets = dict.fromkeys(("1001", "1002", "2001"), lab.secret)
    for path in sorted(_FOREIGN.glob("*.conf")):
        text = path.read_text("utf-8")
        for name, value in places.items():
            text = text.replace(name, value)
        (destination / path.name).write_text(text, "utf-8")
