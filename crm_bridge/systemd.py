"""What systemd is told of the bridge: it is ready, it is alive, it stops (sd_notify(3)).

The watchdog is fed only while the bridge gets on with its work, so that one that hangs is begun
again; without `NOTIFY_SOCKET` in the environment nothing is told to anybody.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from typing import Final

import structlog

_log = structlog.get_logger(__name__)

_MICROSECONDS: Final = 1_000_000


class Notifier:
    """Speaks to the service manager that started this process, if one did."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self.every = _interval(environment)
        """Seconds between two signs of life: half of what is allowed; None: none is wanted."""

    def tell(self, *lines: str) -> None:
        """Sends `KEY=VALUE` lines; a manager that does not listen is no fault of ours."""
        if not self._address:
            return
        address = self._address
        if address.startswith("@"):  # the abstract namespace
            address = "\0" + address[1:]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
                to.setblocking(False)  # the event loop never waits for it
                to.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            _log.warning("the service manager was not told", why=error.strerror)

    def ready(self, status: str) -> None:
        """The bridge serves from now on."""
        self.tell("READY=1", f"STATUS={status}")

    def stopping(self) -> None:
        """The bridge puts what it has on disk and ends."""
        self.tell("STOPPING=1", "STATUS=saving what was read")

    async def keep_alive(self, alive: Callable[[], str | None], status: Callable[[], str]) -> None:
        """Feeds the watchdog while `alive` gives no reason against it, until cancelled."""
        starved = False
        while self.every is not None:
            why = alive()
            if why is None:
                self.tell("WATCHDOG=1", f"STATUS={status()}")
            elif not starved:
                _log.error("the watchdog is not fed", why=why)
                self.tell(f"STATUS={why}")
            starved = why is not None
            await asyncio.sleep(self.every)


def _interval(environment: Mapping[str, str]) -> float | None:
    within = environment.get("WATCHDOG_USEC", "")
    meant = environment.get("WATCHDOG_PID", "")
    if not within.isdigit() or int(within) == 0 or meant not in {"", str(os.getpid())}:
        return None
    return int(within) / _MICROSECONDS / 2
