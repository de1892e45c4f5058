"""Where the fault run happens: a lab, calls on it, `hotline run` as a process, and its operator.

The operator does what systemd would: a bridge that has ended is started again. He notes what
/readyz and the log tell him.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx

from crm_bridge.commands.lab_config import write_config
from crm_bridge.reconciling.rounds import AGAIN, SETTLED
from crm_bridge.reconciling.rounds import LOOK_EVERY as LOOK_EVERY_ROUND
from ivr.lab.address import AMI_PORT, Claim, address
from ivr.lab.asterisk import Lab, running
from ivr.lab.root import Root
from tests.faults.line_callers import Callers, configure
from tests.faults.line_wire import Wire
from tests.support.hotline import Hotline
from tests.support.ready_made import ReadyMade

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
LOOK_EVERY = 0.25
FIT_WITHIN = 90.0
"""Seconds: after many cuts in a row the bridge waits up to half a minute between attempts."""
_NO_OTHER = (SETTLED + AGAIN) / 1e6 + LOOK_EVERY_ROUND + 3
"""Seconds: where no reading round has ended for so long, none is waiting."""
_VARIES = re.compile(r"[\d.]+ s\b|\d{2,}|\(waiting\)|\(connecting\)|\(snapshot\)|node lab\d+|/\S+")
_DISK = "64m"
_SMALL = {"HOTLINE_HEALTH__DISK_FREE_MEGABYTES": "1"}
"""That disk is large enough here."""


def now() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


@dataclass
class Happened:
    """One fault as it went."""

    kind: str
    began: int
    ended: int = 0
    """When the bridge was fit again."""
    told: Counter[str] = field(default_factory=Counter)
    """What /readyz and the log said meanwhile."""
    starts: int = 0
    """Times the bridge was started during it."""


class Ground:
    """What faults are done to."""

    def __init__(self, lab: Lab, callers: Callers, wire: Wire, place: Path, rng: Random) -> None:
        self.lab = lab
        self.callers = callers
        self.wire = wire
        self.rng = rng
        self.disk = place / "disk"
        self.small = False
        """The database has a disk of its own, which can be filled and made read-only."""
        self.config = place / "hotline.toml"
        self.hotline: Hotline | None = None
        self.maker: ReadyMade | None = None
        """Starts the bridge without importing it anew."""
        self.clock = place / "clock"
        """How far a bridge with a clock of its own is off, as `+7`; seconds."""
        self._beside_the_clock: ReadyMade | None = None
        self.happened: list[Happened] = []
        self.kills: list[int] = []
        """When Asterisk was killed or told to go; microseconds since the epoch."""
        self.said: list[str] = []
        """What any bridge said besides its log."""
        self.crashes: list[dict[str, object]] = []
        """Log lines of a bug: with a traceback, or critical."""
        self._read = 0
        self._looking: asyncio.Task[None] | None = None

    @property
    def database(self) -> Path:
        return self.disk / "hotline.db"

    @property
    def now(self) -> Happened:
        """The fault that is being done, or was last."""
        return self.happened[-1]

    # --- the disk ---

    def mount(self) -> None:
        """Gives the database a small disk of its own, where that can be had here."""
        self.disk.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "hotline-test", self.disk],
            capture_output=True, check=False,
        )  # fmt: skip
        self.small = done.returncode == 0

    def unmount(self) -> None:
        if self.small:
            subprocess.run(["umount", self.disk], check=True)

    def remount(self, how: str) -> bool:
        """Makes the disk `ro` or `rw`; false where it is in use."""
        argv = ["mount", "-o", f"remount,{how}", str(self.disk)]
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0

    # --- the bridge ---

    def configure(self, number: int) -> None:
        """Writes the configuration: Asterisk is reached through the wire."""
        write_config(running(self.lab.directory)[0], self.config.parent)
        text = self.config.read_text("utf-8")
        text = text.replace(
            f'ami_host = "{self.lab.server}"', f'ami_host = "{address(number, 2)}"'
        ).replace(str(self.config.parent / "hotline.db"), str(self.database))
        self.config.write_text(text, "utf-8")

    async def start(self, *, own_clock: bool = False) -> Hotline:
        """Starts the bridge, perhaps with a clock that can be set; it is not waited for."""
        await self.close_log()
        if own_clock and self._beside_the_clock is None:
            assert FAKETIME is not None
            self._beside_the_clock = await ReadyMade(
                LD_PRELOAD=str(FAKETIME), FAKETIME_TIMESTAMP_FILE=str(self.clock),
                FAKETIME_DONT_FAKE_MONOTONIC="1", FAKETIME_CACHE_DURATION="1",
            ).__aenter__()  # fmt: skip
        maker = self._beside_the_clock if own_clock else self.maker
        self.hotline = await Hotline.start(self.config, maker, **_SMALL)
        if self.happened:
            self.now.starts += 1
        return self.hotline

    async def reconcile(self) -> int:
        """`hotline reconcile --repair`, as an operator who wants to be sure; its exit code."""
        assert self.maker is not None
        argv = ["reconcile", "--config", str(self.config), "--repair"]
        process = await self.maker.start(argv, {})
        said = (await process.stderr.read()).decode()
        code = await process.wait()
        self.said += [f"reconcile ended with {code}", *said.splitlines()]
        return code

    async def read_on(self) -> None:
        """Waits for the bridge's own rounds: until all of CEL is read, or no other round comes."""
        read, since = None, time.monotonic()
        while time.monotonic() - since < _NO_OTHER:
            with closing(sqlite3.connect(self.database, timeout=20)) as database:
                query = "SELECT read_us, cel FROM book_places"
                told = database.execute(query).fetchone() or (None, None)
            if told[1] and json.loads(told[1])["offset"] == self.lab.cel.stat().st_size:
                return
            if told[0] != read:
                read, since = told[0], time.monotonic()
            await asyncio.sleep(0.5)

    @property
    def bridge(self) -> Hotline:
        assert self.hotline is not None
        return self.hotline

    async def fit(self) -> None:
        """Waits until the bridge is fit; one that has ended is started again, as systemd would."""
        end = time.monotonic() + FIT_WITHIN
        while not await self._ready():
            if time.monotonic() > end:
                raise AssertionError(
                    f"not fit within {FIT_WITHIN:g} s: {self.happened[-1:]}; "
                    f"{self.bridge.said[-5:]} {self.bridge.logged[-5:]}"
                )
            if self.bridge.process.returncode is not None:
                if self.happened:
                    self.now.told[f"ended with {self.bridge.process.returncode}"] += 1
                await asyncio.sleep(0.5)
                await self.start()
            await asyncio.sleep(0.05)

    async def _ready(self) -> bool:
        if not self.bridge.web or self.bridge.process.returncode is not None:
            return False
        try:
            async with httpx.AsyncClient(timeout=2) as client:
                answer = await client.get(f"{self.bridge.web}/readyz")
        except httpx.HTTPError:
            return False
        if answer.status_code != 200 and self.happened:
            for reason in answer.json()["reasons"]:
                self.now.told[f"readyz {reason['code']}"] += 1
        return answer.status_code == 200

    async def look(self) -> None:
        """The operator looks again and again, whatever the bridge does."""
        while True:
            if self.hotline is not None and self.happened and not self.now.ended:
                await self._ready()
                self._log()
            await asyncio.sleep(LOOK_EVERY)

    def _log(self) -> None:
        for entry in self.bridge.logged[self._read :]:
            level, event = entry.get("level"), str(entry.get("event"))
            if self.happened and level in {"warning", "error", "critical"}:
                self.now.told[f"{level} {_VARIES.sub('…', event)}"] += 1
            if "exception" in entry or "exc_info" in entry or level == "critical":
                self.crashes.append(entry)
        self._read = len(self.bridge.logged)

    async def close(self) -> None:
        """Ends the bridge and what makes it."""
        await self.close_log()
        if self._beside_the_clock is not None:
            await self._beside_the_clock.__aexit__()

    async def close_log(self) -> None:
        """Takes in all that the bridge that has ended said."""
        if self.hotline is not None:
            await self.hotline.away()
            self._log()
            self.said += self.hotline.said
            self._read = 0


@asynccontextmanager
async def ground(root: Root, place: Path, rng: Random, rate: float) -> AsyncIterator[Ground]:
    """A lab with calls on it and a bridge that is fit."""
    claim = Claim.take()
    number = claim.number
    lab = Lab(place / "lab", number, root=root, configure=configure(number))
    try:
        async with lab, ReadyMade() as maker:
            first(lab)
            callers = Callers(lab, rate)
            wire = Wire(address(number, 2), lab.server, AMI_PORT, Random(rng.random()))
            here = Ground(lab, callers, wire, place, rng)
            here.maker = maker
            here.mount()
            try:
                await wire.open()
                await callers.open()
                here.configure(number)
                await here.start()
                await here.fit()
                here._looking = asyncio.create_task(here.look())
                callers.call()
                yield here
            finally:
                if here._looking is not None:
                    here._looking.cancel()
                await callers.close()
                await here.close()
                await wire.close()
                here.unmount()
    finally:
        claim.release()


def first(lab: Lab) -> None:
    """Asterisk has the CPU before others, as on a machine of its own: its two books are then
    written at the same moment, and a difference of 10 ms means something.
    """
    if lab.process is not None and os.geteuid() == 0:
        session = Path(f"/proc/{lab.process.pid}/autogroup")
        if session.exists():  # sessions share the CPU first, and processes only within one
            session.write_text("-10")
        for task in Path(f"/proc/{lab.process.pid}/task").iterdir():
            with suppress(ProcessLookupError):  # a thread that has ended meanwhile
                os.setpriority(os.PRIO_PROCESS, int(task.name), -10)
