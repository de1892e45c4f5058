"""The faults: what may befall a bridge, its Asterisk, its database, the wire and the clock.

Each does its harm and undoes it; that the bridge is fit again is waited for by whoever drives.
"""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random

from tests.faults.line_ground import FAKETIME, Ground, first, now

_HOLDER = """
import sqlite3, sys
holder = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
holder.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
holder.execute("ROLLBACK")
"""

Fault = Callable[[Ground, Random], Awaitable[None]]


def pause(rng: Random, longest: float) -> Awaitable[None]:
    """A while, up to so many seconds."""
    return asyncio.sleep(rng.uniform(0.0, longest))


# --- the bridge -----------------------------------------------------------------------------------


async def bridge_killed(ground: Ground, rng: Random) -> None:
    """kill -9 at any instant, also while it starts; it comes back after a while."""
    await ground.bridge.killed()
    await pause(rng, 2.5)
    await ground.start()
    if rng.random() < 0.3:
        await pause(rng, 2.0)
        await ground.bridge.killed()
        await ground.start()


async def bridge_ended(ground: Ground, rng: Random) -> None:
    """SIGTERM: it must end by itself, with 0."""
    code = await ground.bridge.stopped()
    assert code == 0, (code, ground.bridge.said[-5:], ground.bridge.logged[-5:])
    await pause(rng, 2.5)
    await ground.start()


async def bridge_stopped(ground: Ground, rng: Random) -> None:
    """SIGSTOP: it does nothing for a while, as on a machine that swaps."""
    ground.bridge.process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(rng.uniform(1.0, 4.0))
    ground.bridge.process.send_signal(signal.SIGCONT)


async def memory_short(ground: Ground, rng: Random) -> None:
    """It gets no more memory than it has, for a while."""
    pid = ground.bridge.process.pid
    limit = _address_space(pid) + rng.choice((64, 512, 4096)) * 1024
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(pid, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    await asyncio.sleep(rng.uniform(2.0, 4.0))
    with suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_AS, unlimited)


def _address_space(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[0]) * resource.getpagesize()


async def clock_stepped(ground: Ground, rng: Random) -> None:
    """Its clock is set, forward or back, while it runs; a cut and perhaps a kill meanwhile."""
    offset = ground.clock
    offset.write_text("+0\n")
    await ground.bridge.stopped()
    await ground.start(own_clock=True)
    await ground.fit()
    offset.write_text(f"{rng.choice((-90, -7, 7, 90)):+d}\n")
    await asyncio.sleep(1.2)
    ground.wire.cut()
    await pause(rng, 1.0)
    ground.wire.mend()
    await pause(rng, 2.0)
    if rng.random() < 0.5:
        offset.write_text("+0\n")
        await asyncio.sleep(1.2)
    if rng.random() < 0.5:
        await ground.bridge.killed()
    else:
        await pause(rng, 2.0)
        await ground.bridge.stopped()
    await ground.start()


# --- the wire -------------------------------------------------------------------------------------


async def wire_cut(ground: Ground, rng: Random) -> None:
    """The connection is reset; no other can be made for a while."""
    ground.wire.cut()
    await pause(rng, 2.0)
    ground.wire.mend()


async def _spoiled(ground: Ground, way: str, seconds: float) -> None:
    ground.wire.spoil(way)
    await asyncio.sleep(seconds)
    ground.wire.spoil("plain")


async def wire_silent(ground: Ground, rng: Random) -> None:
    """Half open: it stands, and nothing comes, until the bridge notices or a little less long."""
    await _spoiled(ground, "silent", rng.uniform(8.0, 20.0))


async def wire_held(ground: Ground, rng: Random) -> None:
    """Nothing for a while, then all of it at once."""
    await _spoiled(ground, "held", rng.uniform(1.0, 4.0))


async def wire_drip(ground: Ground, rng: Random) -> None:
    """Slow."""
    await _spoiled(ground, "drip", rng.uniform(1.5, 4.0))


async def wire_chopped(ground: Ground, rng: Random) -> None:
    """Torn into pieces of one byte and more."""
    await _spoiled(ground, "chopped", rng.uniform(1.5, 4.0))


async def wire_swapped(ground: Ground, rng: Random) -> None:
    """Out of order within one read, as far as two calls' events may be."""
    await _spoiled(ground, "held", rng.uniform(0.5, 1.5))
    await _spoiled(ground, "swapped", rng.uniform(1.5, 3.0))


# --- Asterisk -------------------------------------------------------------------------------------


async def asterisk_reloaded(ground: Ground, rng: Random) -> None:
    """All of it, or a module."""
    await ground.lab.cli(
        rng.choice(
            (
                "core reload", "dialplan reload", "module reload app_queue.so", "manager reload",
                "module reload cel_custom.so", "queue reload all", "logger rotate",
            )
        )
    )  # fmt: skip
    await pause(rng, 1.0)


async def asterisk_restarted(ground: Ground, rng: Random) -> None:
    """Gracefully: no new calls, and it begins anew once the last is over."""
    ground.kills.append(now())
    before = await ground.lab.cli("core show uptime seconds")
    await ground.lab.cli("core restart gracefully")
    for _ in range(200):
        await asyncio.sleep(0.2)
        told = await ground.lab.cli("core show uptime seconds")
        if "System uptime" in told and _uptime(told) < _uptime(before):
            break
    else:
        raise AssertionError(f"Asterisk has not begun anew: {before} {told}")
    await ground.lab.cli("core waitfullybooted")
    first(ground.lab)


def _uptime(told: str) -> int:
    return int(told.split("System uptime:")[1].split(maxsplit=1)[0])


async def asterisk_killed(ground: Ground, rng: Random) -> None:
    """kill -9: its calls are over, and what it had not written it never will."""
    ground.kills.append(now())
    await ground.lab.kill()
    ground.callers.forget()
    await pause(rng, 1.5)
    await ground.lab.boot()
    first(ground.lab)


# --- the database ---------------------------------------------------------------------------------


async def database_locked(ground: Ground, rng: Random) -> None:
    """Another program holds it."""
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLDER, str(ground.database),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"held\n"
    try:
        await asyncio.sleep(rng.uniform(1.0, 4.0))
        if rng.random() < 0.3:  # and killed with all that it could not save
            await ground.bridge.killed()
    finally:
        holder.stdin.close()
        await holder.wait()


@asynccontextmanager
async def _full(ground: Ground) -> AsyncIterator[None]:
    filler = ground.disk / "filler"
    with filler.open("wb", buffering=0) as out, suppress(OSError):
        while True:
            out.write(bytes(65536))
    with filler.open("ab", buffering=0) as out, suppress(OSError):
        while True:
            out.write(bytes(512))
    try:
        yield
    finally:
        filler.unlink()


async def disk_full(ground: Ground, rng: Random) -> None:
    """Not a byte is left, and the bridge may be killed with all that it could not save."""
    async with _full(ground):
        await asyncio.sleep(rng.uniform(1.0, 4.0))
        if rng.random() < 0.3:
            await ground.bridge.killed()
            await ground.start()
            await pause(rng, 3.0)


async def disk_read_only(ground: Ground, rng: Random) -> None:
    """As it is started again its disk takes no write; then it does."""
    await ground.bridge.killed()
    assert ground.remount("ro")
    await ground.start()
    await asyncio.sleep(rng.uniform(1.5, 4.0))
    assert ground.remount("rw")


async def files_limited(ground: Ground, rng: Random) -> None:
    """No file may grow: a quota is used up."""
    pid = ground.bridge.process.pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    await asyncio.sleep(rng.uniform(1.0, 4.0))
    with suppress(ProcessLookupError):
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)


KINDS: dict[str, Fault] = {
    "bridge kill -9": bridge_killed,
    "bridge SIGTERM": bridge_ended,
    "bridge SIGSTOP": bridge_stopped,
    "bridge short of memory": memory_short,
    "bridge's clock set": clock_stepped,
    "AMI cut": wire_cut,
    "AMI half open": wire_silent,
    "AMI held, then a flood": wire_held,
    "AMI slow": wire_drip,
    "AMI in pieces": wire_chopped,
    "AMI out of order": wire_swapped,
    "Asterisk reloaded": asterisk_reloaded,
    "Asterisk restarted": asterisk_restarted,
    "Asterisk kill -9": asterisk_killed,
    "database locked": database_locked,
    "disk full": disk_full,
    "disk read-only": disk_read_only,
    "no file may grow": files_limited,
}
LONG = {"AMI half open", "bridge's clock set", "Asterisk restarted"}
"""Kinds that take their time: left to the long form."""
OFTEN = ("bridge kill -9", "bridge kill -9", "AMI cut", "Asterisk kill -9")
"""Drawn more often than the others."""


def possible(ground: Ground) -> list[str]:
    """Kinds that this machine can do."""
    return [
        kind
        for kind in KINDS
        if (ground.small or not kind.startswith("disk"))
        and (FAKETIME is not None or "clock" not in kind)
    ]


def draw(kinds: list[str], count: int, rng: Random) -> list[str]:
    """So many faults: every kind in turn, in any order, the frequent ones more often."""
    deck: list[str] = []
    if not kinds:
        return deck
    while len(deck) < count:
        turn = [*kinds, *(kind for kind in OFTEN if kind in kinds)]
        rng.shuffle(turn)
        deck += turn
    return deck[:count]
