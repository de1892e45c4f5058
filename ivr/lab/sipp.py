"""SIPp on the lab: callers by the second, and officers who answer them all.

For load and for plain calls; what SIPp cannot script is in `sipua.py`. A lab for it is configured
with `load_site()`: every officer's telephone is at the one address SIPp answers at.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ivr.lab.address import LabError, address
from ivr.lab.asterisk import Lab
from ivr.lab.configure import Configure, ours
from ivr.lab.process import Process, with_parent
from ivr.lab.site import Agent, Device

_SCRIPTS = Path(__file__).parent / "sipp"
_CALLERS = 20
_OFFICERS = 21
_AGENCIES = 22


@dataclass(frozen=True, slots=True)
class Played:
    """How a run of SIPp came out."""

    status: int
    """0: every call went as scripted; 1: at least one did not; else SIPp itself failed."""
    errors: str
    """What SIPp found wrong, empty where nothing was."""

    @property
    def good(self) -> bool:
        """Whether every call went as scripted."""
        return self.status == 0


def load_site(lab_number: int, officers: int = 50, **values: object) -> Configure:
    """A lab whose `officers` officers (1001…) all answer at SIPp's address."""
    place = address(lab_number, _OFFICERS)
    agents = tuple(
        Agent(str(number), devices=(Device(str(number), address=place),))
        for number in range(1001, 1001 + officers)
    )
    return ours(agents=agents, connected_line=False, **values)


class Sipp:
    """One SIPp process of a lab."""

    def __init__(self, lab: Lab, name: str, host: int) -> None:
        self.lab = lab
        self.name = name
        self.place = lab.instance / "sipp" / f"{name}-{host}"
        self.host = address(lab.number, host)
        self._child: subprocess.Popen[bytes] | None = None
        self._process: Process | None = None

    def start(self, options: list[str], values: dict[str, str]) -> None:
        """Starts SIPp with its script filled in."""
        self.place.mkdir(parents=True, exist_ok=True)
        script = (_SCRIPTS / f"{self.name}.xml").read_text("utf-8")
        for key, value in values.items():
            script = script.replace(f"@{key}@", value)
        (self.place / "script.xml").write_text(script, "utf-8")
        inside = self.lab.root.inside(self.place)
        argv = self.lab.root.command(
            "sipp",
            *("-sf", f"{inside}/script.xml", "-i", self.host, "-mi", self.host, "-p", "5060"),
            *("-trace_err", "-error_file", f"{inside}/errors", "-nostdin", "-t", "u1"),
            *options,
            f"{self.lab.server}:5060",
            workdir=self.lab.instance,
        )
        with (self.place / "screen").open("wb") as screen:
            self._child = subprocess.Popen(
                with_parent(argv),
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=screen,
                env={**os.environ, "TERM": "dumb"},
                start_new_session=True,
            )
        self._process = Process.of(self._child.pid)

    async def done(self, deadline: float) -> Played:
        """Waits until SIPp has placed its calls; raises LabError after `deadline` seconds."""
        if self._process is not None and not await self._process.gone(deadline):
            await self.stop()
            raise LabError(f"SIPp was not done within {deadline:g} s\n{self._errors()}")
        child = self._child
        status = await asyncio.to_thread(child.wait) if child else 0
        return Played(status, self._errors())

    def _errors(self) -> str:
        try:
            lines = (self.place / "errors").read_text("utf-8", "replace").splitlines()
        except OSError:
            return ""
        # Not errors: a pause that ran to its end as scripted, and a word about ulimit.
        planned = ("receive timeout on message", "number of open sockets", "following events")
        return "\n".join(line for line in lines if not any(word in line for word in planned))

    async def stop(self) -> None:
        """Ends SIPp."""
        if self._process is not None and self._child is not None:
            self._process.signal(signal.SIGKILL)
            await self._process.gone(5)
            await asyncio.to_thread(self._child.wait)

    async def listening(self) -> None:
        """Waits until SIPp has bound its address."""
        wanted = _udp_entry(self.host)
        while wanted not in _bound():
            if self._process is None or not self._process.alive:
                screen = (self.place / "screen").read_text("utf-8", "replace")
                raise LabError(f"SIPp did not start\n{screen[-800:]}{self._errors()}")
            await asyncio.sleep(0.02)


def _bound() -> str:
    return Path("/proc/net/udp").read_text("ascii")


def _udp_entry(host: str, port: int = 5060) -> str:
    """How /proc/net/udp writes a local address."""
    return bytes(int(part) for part in reversed(host.split("."))).hex().upper() + f":{port:04X}"


async def officers(lab: Lab, *, ring: float = 0.2) -> Sipp:
    """Starts SIPp as every officer of a `load_site`; each answers after `ring` seconds."""
    sipp = Sipp(lab, "officer", _OFFICERS)
    sipp.start(["-aa"], {"RING": str(round(ring * 1000))})
    await sipp.listening()
    return sipp


async def call(
    lab: Lab,
    *,
    calls: int,
    rate: float,
    key: str = "2",
    menu: float = 1.0,
    talk: float = 2.0,
    deadline: float = 120.0,
) -> Played:
    """Places `calls` calls, `rate` a second; each presses `key` after `menu` seconds, then speaks.

    `talk` seconds after the key the caller hangs up, in whatever state the call is by then.
    """
    values = {
        "KEY": {"*": "star", "#": "pound"}.get(key, key),
        "MENU": str(round(menu * 1000)),
        "TALK": str(round(talk * 1000)),
    }
    return await _callers(lab, "caller", values, calls, rate, deadline)


async def leave(
    lab: Lab,
    *,
    calls: int,
    rate: float,
    menu: float = 1.0,
    queue: float = 2.0,
    confirm: float = 6.0,
    deadline: float = 120.0,
) -> Played:
    """Places `calls` calls of `number(n)`, `rate` a second: each keeps its place in complaints.

    It presses 1 after `menu` seconds, 9 after `queue` more and 1 after `confirm` more, and is then
    bidden goodbye.
    """
    values = {"MENU": menu, "QUEUE": queue, "CONFIRM": confirm, "TALK": 20.0}
    told = {name: str(round(seconds * 1000)) for name, seconds in values.items()}
    return await _callers(lab, "leaver", {"KEY": "1", **told}, calls, rate, deadline)


def number(n: int) -> str:
    """The number of the n-th caller, from 0."""
    return f"08{10_000_000 + n:08d}"


async def _callers(
    lab: Lab, script: str, values: dict[str, str], calls: int, rate: float, deadline: float
) -> Played:
    sipp = Sipp(lab, script, _CALLERS)
    sipp.place.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{number(n)};ผู้โทร {10_000_000 + n}\n" for n in range(calls))
    (sipp.place / "callers.csv").write_text("SEQUENTIAL\n" + lines, "utf-8")
    sipp.start(
        [
            *("-inf", f"{lab.root.inside(sipp.place)}/callers.csv", "-m", str(calls)),
            *("-r", f"{rate:g}", "-rp", "1000", "-l", "5000"),
        ],
        values,
    )
    return await sipp.done(deadline)
