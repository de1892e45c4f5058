"""Another CRM that answers when a test says so; and time that waits for the test."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from crm_bridge.connectors.port import Capabilities, Connector, Contact
from tests.support.desk_clock import NOW, HeldClock

MOBILE = "+66812345678"


class SteppedClock(HeldClock):
    """Time passes only while a test lets it; who sleeps is woken in order."""

    def __init__(self, moment: int = NOW) -> None:
        super().__init__(moment)
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        until = self.at + round(seconds * 1_000_000)
        heapq.heappush(self._sleepers, (until, next(self._order), woken))
        await woken

    async def pass_(self, seconds: float) -> None:
        """Lets so much time pass, and everything happen that happens in it."""
        end = self.at + round(seconds * 1_000_000)
        await settled()
        while self._sleepers and self._sleepers[0][0] <= end:
            until, _, woken = heapq.heappop(self._sleepers)
            self.at = max(self.at, until)
            if not woken.done():
                woken.set_result(None)
            await settled()
        self.at = end
        await settled()


async def settled() -> None:
    """Every task has run as far as it can without time or an answer."""
    for _ in range(30):
        await asyncio.sleep(0)


def contact(name: str = "สมศรี ใจเย็น", number: str = MOBILE, **more: object) -> Contact:
    """Somebody in the other CRM."""
    given = {"id": f"c-{name}", "url": "https://crm.test/contact/7", **more}
    return Contact(name=name, numbers=(number,), **given)  # type: ignore[arg-type]  # by name


@dataclass
class CallerBook:
    """Answers `find_contacts` by `answer`, or when the test answers itself (`reply`, `fail`)."""

    name: str = "office"
    kind: str = "odoo"
    capabilities: Capabilities = field(default_factory=Capabilities)
    answer: Callable[[str], Awaitable[Sequence[Contact]]] | None = None
    asked: list[str] = field(default_factory=list)
    """Every number asked for, in order."""
    open: dict[str, asyncio.Future[Sequence[Contact]]] = field(default_factory=dict)
    dropped: int = 0
    """Requests that were given up while they ran."""

    async def find_contacts(self, e164: str) -> Sequence[Contact]:
        self.asked.append(e164)
        if self.answer is not None:
            return await self.answer(e164)
        assert e164 not in self.open, "asked twice at once for the same number"
        answer = self.open[e164] = asyncio.get_running_loop().create_future()
        try:
            return await answer
        except asyncio.CancelledError:
            self.dropped += 1
            raise
        finally:
            del self.open[e164]

    async def reply(self, e164: str, *found: Contact) -> None:
        """The other CRM answers."""
        self.open[e164].set_result(found)
        await settled()

    async def fail(self, e164: str, error: Exception) -> None:
        """It fails."""
        self.open[e164].set_exception(error)
        await settled()

    def connector(self) -> Connector:
        """As a connector; of its methods only `find_contacts` is ever asked for."""
        return cast(Connector, self)
