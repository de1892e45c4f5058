"""Mixed calls without end: SIPp's callers, SIPp's officers and some who do what SIPp cannot.

Callers press a key and are served; press it and give up at once, while an officer is rung; press a
wrong key; hang up in the greeting. Of twelve officers four are SIPp's and answer; the others
refuse, let it ring, hand over blind (answered, and busy), hold, consult, hand over attended, hang
up first.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import Awaitable, Callable

from ivr.lab import sipp
from ivr.lab.address import address
from ivr.lab.asterisk import Lab
from ivr.lab.configure import Configure, ours
from ivr.lab.sipua import Leg, NotInTime, Phone
from ivr.lab.site import Agent, Device

_ANSWERS = range(1001, 1005)
_FIRST = 24
"""The first SIPp address of the callers."""
MIX = {
    "served": ("2", 0.30, 1.8, 4.0),
    "served, complaint": ("1", 0.22, 2.0, 4.0),
    "served, appointment": ("3", 0.10, 2.2, 5.0),
    "gives up in the queue": ("2", 0.14, 1.8, 0.35),
    "a key that is none": ("9", 0.12, 1.8, 1.2),
    "a short call": ("2", 0.12, 0.1, 0.1),
}
"""Key, share of the callers, seconds before it (the menu speaks by then) and after it."""


def configure(number: int, **site: object) -> Configure:
    """The lab whose officers these are."""
    shared = address(number, 21)
    agents = tuple(
        Agent(
            str(n),
            devices=(
                Device(
                    str(n), address=shared if n in _ANSWERS else address(number, 100 + n % 1000)
                ),
            ),
        )
        for n in range(1001, 1013)
    )
    return ours(
        **{"agents": agents, "connected_line": False, "agent_ring": 3, "agency_ring": 4, **site}
    )


class Callers:
    """Everybody at their telephones, and who calls; `rate` calls a second all in all."""

    def __init__(self, lab: Lab, rate: float) -> None:
        self.lab = lab
        self.rate = rate
        self.done: Counter[str] = Counter()
        """What officers did, how often."""
        self._phones: list[Phone] = []
        self._sipps: list[sipp.Sipp] = []

    async def open(self) -> None:
        """Puts the officers and agencies at their telephones."""
        officers = await sipp.officers(self.lab)
        self._sipps.append(officers)
        acts: dict[int, Callable[[Leg], Awaitable[None]]] = {
            1005: _refuses, 1006: _lets_ring, 1007: self._hands_over, 1008: self._holds,
            1009: self._consults, 1010: self._attended, 1011: self._hands_over_in_vain,
            1012: self._hangs_up, 2001: _answers, 2002: _refuses,
        }  # fmt: skip
        for number, act in acts.items():
            phone = Phone(
                str(number), self.lab.phone_address(number), self.lab.server, steady_media=False
            )
            phone.on_call = _doing(act)
            await phone.open()
            self._phones.append(phone)

    def call(self) -> None:
        """Begins to call."""
        for n, (key, share, menu, talk) in enumerate(MIX.values()):
            caller = sipp.Sipp(self.lab, "caller", _FIRST + n)
            caller.place.mkdir(parents=True, exist_ok=True)
            first = 10_000_000 * (n + 1)
            lines = "".join(f"08{m:08d};ผู้โทร {m}\n" for m in range(first, first + 5000))
            (caller.place / "callers.csv").write_text("SEQUENTIAL\n" + lines, "utf-8")
            caller.start(
                [
                    *("-inf", f"{self.lab.root.inside(caller.place)}/callers.csv", "-l", "200"),
                    *("-r", str(round(self.rate * share * 1000)), "-rp", "1000000"),
                ],
                {"KEY": key, "MENU": str(round(menu * 1000)), "TALK": str(round(talk * 1000))},
            )
            self._sipps.append(caller)

    async def enough(self, deadline: float = 45.0) -> None:
        """No new callers; returns when Asterisk has no channel left."""
        for caller in self._sipps[1:]:
            if caller._process is not None:
                caller._process.signal(signal.SIGUSR1)  # SIPp: no new calls, and end with the last
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline
        while "0 active channels" not in await self.lab.cli("core show channels count"):
            if loop.time() > end:
                raise NotInTime(f"channels are left:\n{await self.lab.cli('core show channels')}")
            await asyncio.sleep(0.2)

    def forget(self) -> None:
        """Asterisk has forgotten every call: so do the telephones."""
        for phone in self._phones:
            phone.hang_up_all()

    async def close(self) -> None:
        """Puts everybody away."""
        for phone in self._phones:
            await phone.close()
        for one in self._sipps:
            await one.stop()

    # --- what officers do with a caller -----------------------------------------------------------

    async def _taken(self, leg: Leg, what: str) -> None:
        leg.ring()
        await asyncio.sleep(0.2)
        await leg.answer()
        await asyncio.sleep(1.0)
        self.done[what] += 1

    async def _hands_over(self, leg: Leg, to: str = "2001") -> None:
        await self._taken(leg, f"hands over to {to}")
        leg.refer(to)
        await leg.transferred()
        leg.hang_up()

    async def _hands_over_in_vain(self, leg: Leg) -> None:
        """To one who is busy; every second call that comes here is the caller's return."""
        if len(leg.phone.legs) % 2:
            await self._hands_over(leg, "2002")
        else:
            await self._taken(leg, "has him back")

    async def _holds(self, leg: Leg) -> None:
        await self._taken(leg, "holds")
        await leg.hold()
        await asyncio.sleep(0.6)
        await leg.unhold()

    async def _consults(self, leg: Leg) -> None:
        await self._taken(leg, "consults")
        await leg.hold()
        second = await leg.phone.call("2001")
        await second.up()
        await asyncio.sleep(0.5)
        second.hang_up()
        await leg.unhold()

    async def _attended(self, leg: Leg) -> None:
        await self._taken(leg, "hands over attended")
        await leg.hold()
        second = await leg.phone.call("2001")
        await second.up()
        await asyncio.sleep(0.4)
        leg.refer_to(second)
        await leg.transferred()
        leg.hang_up()
        second.hang_up()

    async def _hangs_up(self, leg: Leg) -> None:
        await self._taken(leg, "hangs up")
        leg.hang_up()


def _doing(act: Callable[[Leg], Awaitable[None]]) -> Callable[[Leg], None]:
    def begin(leg: Leg) -> None:
        async def work() -> None:
            # the caller, or all of Asterisk, was gone first
            with contextlib.suppress(NotInTime, TimeoutError, OSError):
                await act(leg)
            if leg.state == "up" and leg.transfer >= 300:
                leg.hang_up()

        leg.phone.spawn(asyncio.create_task(work()))

    return begin


async def _answers(leg: Leg) -> None:
    leg.ring()
    await asyncio.sleep(0.2)
    await leg.answer()


async def _refuses(leg: Leg) -> None:
    leg.ring()
    leg.reject(486)


async def _lets_ring(leg: Leg) -> None:
    leg.ring()
