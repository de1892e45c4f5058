"""A process that is ended by the one who started it, and never mistaken for another."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 5.0
"""How long, in seconds, a process may take to end by itself before it is killed."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process named so that it is never mistaken for another: its id and when it started."""

    pid: int
    started: int
    """Clock ticks since boot, field 22 of /proc/PID/stat."""

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process with this id, or None where there is none (or only its zombie)."""
        state, started = _stat(pid)
        return None if state in {"", "Z", "X"} else cls(pid, started)

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return Process.of(self.pid) == self

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to it, and to no other that took over its id."""
        if self.alive:
            os.kill(self.pid, number)

    async def gone(self, deadline: float) -> bool:
        """Waits until all of it has ended; False where it has not by `deadline` seconds."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        try:
            loop.add_reader(descriptor, ended.set)
            # Not `alive`: a killed process is a zombie while its threads still hold its sockets.
            if _stat(self.pid)[1] == self.started:
                await asyncio.wait_for(ended.wait(), deadline)
            return True
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)


def _stat(pid: int) -> tuple[str, int]:
    """A process's state letter and when it started; an empty state where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return "", 0
    fields = stat.rpartition(")")[2].split()
    return fields[0], int(fields[19])


async def end(process: Process) -> None:
    """Asks a process to end (SIGTERM) and kills it where it does not."""
    process.signal(signal.SIGTERM)
    if not await process.gone(STOP_SECONDS):
        process.signal(signal.SIGKILL)
        await process.gone(STOP_SECONDS)


def with_parent(argv: list[str]) -> list[str]:
    """The command, killed by the kernel when the process that starts it ends."""
    return ["setpriv", "--pdeathsig", "KILL", *argv]
