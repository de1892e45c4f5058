"""A lab: one real Asterisk on loopback addresses of its own, booted, asked, stopped, killed.

Several labs run side by side (`address.py`); the installed configuration and Asterisk's own files
are in the lab's instance directory.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ivr.lab.address import AMI_PORT, LabError, address
from ivr.lab.configure import Configure, ours
from ivr.lab.process import STOP_SECONDS, Process, end, with_parent
from ivr.lab.root import Root, find_root

LAB_USER = "lab"
"""The lab's own AMI user: reads everything, unlike `hotline`, which the bridge uses."""
_BOOT_SECONDS = 30.0
_kept: list[subprocess.Popen[bytes]] = []
"""Children that outlive their lab object; reaped here should they end while this process lives."""


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

    @classmethod
    def attach(cls, lab: Running, root: Root | None = None) -> Lab:
        """A lab that another process started, to play on; it goes on when this process ends."""
        place = cls(lab.state.parent, lab.number, root=root, keep=True)
        place.process = lab.process
        place.secret, place.ami_secret = lab.secret, lab.ami_secret
        place.secrets = dict(lab.telephones)
        return place

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
        await self.remove()

    async def remove(self) -> None:
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
        if self.keep:
            _kept.append(self._child)
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
            await end(self.process)
        await self._reap()

    async def kill(self) -> None:
        """SIGKILL, as a crash would."""
        if self.process is not None:
            self.process.signal(signal.SIGKILL)
            await self.process.gone(STOP_SECONDS)
        await self._reap()

    async def _reap(self) -> None:
        if self._child is not None:
            await asyncio.to_thread(self._child.wait)
        _bury()
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
            "ami_secret": self.ami_secret,
            "cel": str(self.cel),
            "queue_log": str(self.queue_log),
            "telephones": self.secrets,
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
    """Password of the AMI user `lab`."""
    ami_secret: str
    """Password of the AMI user `hotline`."""
    cel: Path
    queue_log: Path
    telephones: dict[str, str]
    """Password of each telephone that registers."""
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
                str(state.get("ami_secret", "")),
                Path(state.get("cel", "")),
                Path(state.get("queue_log", "")),
                dict(state.get("telephones", {})),
                path,
            )
        )
    return found


async def down(directory: Path) -> int:
    """Ends every lab of this directory and removes its files; returns how many."""
    labs = running(directory)
    for lab in labs:
        await end(lab.process)
        _bury()
        lab.state.unlink(missing_ok=True)
        shutil.rmtree(lab.instance, ignore_errors=True)
    return len(labs)


def _bury() -> None:
    """Takes the kept children that have ended off the process table."""
    _kept[:] = [child for child in _kept if child.poll() is None]


def login(username: str, secret: str) -> bytes:
    """The AMI login action, all events on."""
    return (
        f"Action: Login\r\nUsername: {username}\r\nSecret: {secret}\r\nEvents: on\r\n\r\n".encode()
    )
