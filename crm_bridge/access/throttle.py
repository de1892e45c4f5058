"""Sign-ins that fail, counted by where they come from; besides the lock of the account.

Only failures count, so that an office behind one address signs in as it likes. What is kept is
bounded: past `ADDRESSES` the address that has been quiet longest is forgotten.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from typing import Final

from crm_bridge.clock import Clock
from crm_bridge.errors import Refused

FAILURES: Final = 30
"""Failures of one address within `WITHIN` after which it must wait."""

WITHIN: Final = 10 * 60 * 1_000_000
ADDRESSES: Final = 10_000


def place(address: str | None) -> str:
    """What is counted as one: an IPv4 address, a /64 of IPv6, all that is no address together."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "?"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False).network_address)
    return str(found)


class Throttle:
    """The failures of late, by place."""

    def __init__(self) -> None:
        self._places: OrderedDict[str, deque[int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._places)

    def enter(self, clock: Clock, address: str | None) -> None:
        """Counts an attempt as failed until `succeeded`; Refused (429) where there were too many.

        Counted before the password is looked at: attempts side by side are none the fewer.
        """
        now = round(clock.monotonic() * 1_000_000)  # a clock put back must not lock anybody out
        at = place(address)
        failures = self._places.setdefault(at, deque())
        self._places.move_to_end(at)
        while failures and failures[0] <= now - WITHIN:
            failures.popleft()
        if len(failures) >= FAILURES:
            minutes = max(1, -(-(failures[0] + WITHIN - now) // 60_000_000))
            raise Refused(
                "too-many-attempts",
                f"มีการลงชื่อเข้าใช้ผิดพลาดจากที่นี่หลายครั้ง โปรดรอ {minutes} นาที",
                f"too many failed sign-ins from here; wait {minutes} min",
                429,
            )
        failures.append(now)
        while len(self._places) > ADDRESSES:
            self._places.popitem(last=False)

    def succeeded(self, address: str | None) -> None:
        """The last attempt from there was no failure."""
        failures = self._places.get(place(address))
        if failures:
            failures.pop()
        if not failures:
            self._places.pop(place(address), None)
