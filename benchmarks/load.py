"""A load of mixed calls on a lab: SIPp's callers at a steady rate, officers, transfers, refusals.

Of a hundred callers 50 press 2, 20 press 1, 15 press 3 and 15 a key that is none and hang up in
the menu. Of twenty officers one refuses every call, two hand their caller to an agency by REFER
(held for a moment before), the others are SIPp's. Who is still talking when the caller has had
enough is hung up on. Both sides send audio, as telephones do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ivr.lab import sipp
from ivr.lab.address import Claim, address
from ivr.lab.asterisk import Lab
from ivr.lab.configure import ours
from ivr.lab.sipua import Leg, NotInTime, Phone
from ivr.lab.site import Agent, Device

OFFICERS = 50
_SCRIPTS = Path(sipp.__file__).parent / "sipp"
_AUDIO = "/usr/share/sip-tester/g711a.pcap"
_SPEAK = f'<nop><action><exec play_pcap_audio="{_AUDIO}"/></action></nop>'
_CALLERS = 24  # the first SIPp address of the callers
_MIX = (("2", 0.50, 1.0, 4.0), ("1", 0.20, 1.2, 5.0), ("3", 0.15, 1.0, 3.0), ("9", 0.15, 0.8, 1.0))
"""Key, share of the callers, seconds before it and after it."""


def speaking(script: str) -> str:
    """A SIPp script with audio: A-law from the moment the call is up, or the key has been heard."""
    script = script.replace("RTP/AVP 0 101", "RTP/AVP 8 101").replace(
        "rtpmap:0 PCMU", "rtpmap:8 PCMA"
    )
    for before in ('<recv request="ACK"/>', '@KEY@.pcap"/></action></nop>'):
        pause = '<pause milliseconds="300"/>' if "KEY" in before else ""
        script = script.replace(before, f"{before}\n  {pause}{_SPEAK}")
    if _SPEAK not in script:
        raise RuntimeError("the lab's SIPp script is not as it was: where is its audio to begin?")
    return script


def hands_over(number: int) -> bool:
    """Whether this officer hands every caller to an agency."""
    return number % 10 == 7


def refuses(number: int) -> bool:
    """Whether this officer refuses every call."""
    return number % 20 == 19


@dataclass(frozen=True, slots=True)
class Placed:
    """What a load was."""

    calls: int
    seconds: float
    transfers: int


class Load:
    """A lab that runs, with officers and an agency at their telephones."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.transfers = 0
        self._phones: list[Phone] = []
        self._officers: sipp.Sipp | None = None

    async def open(self) -> None:
        """Puts everybody at their telephones."""
        self._officers = self._sipp("officer", 21)
        self._officers.start(["-aa"], {"RING": "200"})
        await self._officers.listening()
        for number in range(1001, 1001 + OFFICERS):
            if hands_over(number):
                await self._phone(number, self._hand_over)
            elif refuses(number):
                await self._phone(number, _refuse)
        await self._phone(2001, _answer)

    async def close(self) -> None:
        """Puts them away."""
        for phone in self._phones:
            await phone.close()
        if self._officers is not None:
            await self._officers.stop()

    async def run(self, *, seconds: float, rate: float) -> Placed:
        """So many calls a second for so long; returns when Asterisk has no channel left."""
        loop = asyncio.get_running_loop()
        began, before, calls = loop.time(), self.transfers, 0
        async with asyncio.TaskGroup() as group:
            for n, (key, share, menu, talk) in enumerate(_MIX):
                count = max(1, round(seconds * rate * share))
                calls += count
                group.create_task(self._callers(n, key, menu, talk, count, rate * share))
        end = loop.time() + 30
        while "0 active channels" not in await self.lab.cli("core show channels count"):
            if loop.time() > end:
                raise NotInTime("channels are left after the load")
            await asyncio.sleep(0.2)
        return Placed(calls, loop.time() - began, self.transfers - before)

    async def _callers(
        self, n: int, key: str, menu: float, talk: float, count: int, rate: float
    ) -> None:
        caller = self._sipp("caller", _CALLERS + n)
        first = 10_000_000 * (n + 1)
        lines = "".join(f"08{m:08d};ผู้โทร {m}\n" for m in range(first, first + count))
        (caller.place / "callers.csv").write_text("SEQUENTIAL\n" + lines, "utf-8")
        caller.start(
            [
                *("-inf", f"{self.lab.root.inside(caller.place)}/callers.csv", "-m", str(count)),
                *("-r", str(round(rate * 100)), "-rp", "100000", "-l", "5000"),
            ],
            {"KEY": key, "MENU": str(round(menu * 1000)), "TALK": str(round(talk * 1000))},
        )
        await caller.done(count / rate + 60)

    def _sipp(self, name: str, host: int) -> sipp.Sipp:
        """A SIPp with the lab's script, made to speak."""
        process = sipp.Sipp(self.lab, name, host)
        process.place.mkdir(parents=True, exist_ok=True)
        script = speaking((_SCRIPTS / f"{name}.xml").read_text("utf-8"))
        (process.place / "speaking.xml").write_text(script, "utf-8")
        process.name = str(process.place / "speaking")
        return process

    async def _phone(self, number: int, on_call: object) -> None:
        phone = Phone(
            str(number), self.lab.phone_address(number), self.lab.server, steady_media=False
        )
        phone.on_call = on_call  # type: ignore[assignment]
        await phone.open()
        self._phones.append(phone)

    def _hand_over(self, leg: Leg) -> None:
        async def work() -> None:
            try:
                leg.ring()
                await asyncio.sleep(0.2)
                await leg.answer()
                await asyncio.sleep(1.2)
                await leg.hold()
                await asyncio.sleep(0.3)
                await leg.unhold()
                leg.refer("2001")
                self.transfers += 1
                await leg.transferred()
                leg.hang_up()
            except (NotInTime, AssertionError, OSError):
                return  # the caller was gone first

        leg.phone.spawn(asyncio.create_task(work()))


def _answer(leg: Leg) -> None:
    async def work() -> None:
        try:
            leg.ring()
            await asyncio.sleep(0.3)
            await leg.answer()
        except (NotInTime, OSError):
            return

    leg.phone.spawn(asyncio.create_task(work()))


def _refuse(leg: Leg) -> None:
    leg.ring()
    leg.reject(486)


@asynccontextmanager
async def loaded_lab(place: Path) -> AsyncIterator[Load]:
    """A lab with everybody at their telephones."""
    claim = Claim.take()
    try:
        shared = address(claim.number, 21)
        agents = tuple(
            Agent(str(n), devices=(Device(str(n), address=_place(claim.number, n, shared)),))
            for n in range(1001, 1001 + OFFICERS)
        )
        lab = Lab(place, claim.number, configure=ours(agents=agents, connected_line=False))
        async with lab:
            load = Load(lab)
            try:
                await load.open()
                yield load
            finally:
                await load.close()
    finally:
        claim.release()


def _place(lab: int, number: int, shared: str) -> str:
    own = hands_over(number) or refuses(number)
    return address(lab, 100 + number % 1000) if own else shared
