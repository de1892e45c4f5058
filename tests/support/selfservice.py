"""Callers in self-service on a real line, and what Asterisk says that each of them heard."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ivr.lab.address import FASTAGI_PORT, address
from ivr.lab.asterisk import Lab
from ivr.lab.sipua import Identity, Leg
from ivr.lab.stage import Headers, Stage
from ivr.selfservice.server import Server, Session
from tests.support.heard import now, played
from tests.support.live import until


@asynccontextmanager
async def stands_in(lab: Lab, name: str, session: Session) -> AsyncIterator[None]:
    """A session in place of the bridge's own of that name, where the lab's Asterisk asks for it."""
    server = Server({name: session})
    await server.start(address(lab.number, 3), FASTAGI_PORT)
    try:
        yield
    finally:
        await server.stop()


async def listening(lab: Lab) -> None:
    """Waits until the self-service of a bridge that starts as a process takes callers."""

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((address(lab.number, 3), FASTAGI_PORT)) == 0

    await until("self-service listens", listens, deadline=90)


OWN = "hotline/status-"
"""Where the sounds begin of self-service for a ticket; those of the menu come before them."""


class Ear:
    """Asterisk's own log of what it plays, by channel, in order."""

    def __init__(self, stage: Stage) -> None:
        self._log = stage.lab.log
        self._at = now(stage.lab)
        self.heard: dict[str, list[tuple[str, str]]] = {}

    def listen(self) -> None:
        """Reads what has been written since."""
        with self._log.open("rb") as log:
            log.seek(self._at)
            new = log.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._at += len(whole)
        for one in played(whole.decode("utf-8", "replace")):
            self.heard.setdefault(one.channel, []).append((one.sound, one.language))


@dataclass
class Caller:
    """One caller who has pressed 4, or who came out of hours."""

    stage: Stage
    ear: Ear
    leg: Leg
    channel: str
    uniqueid: str
    since: int
    after: str = "hotline/menu-"
    """What he hears counts from the last sound whose name begins so."""

    @property
    def sounds(self) -> list[str]:
        """What was played since the menu, in order."""
        self.ear.listen()
        heard = [sound for sound, _ in self.ear.heard.get(self.channel, ())]
        # self-service itself says a menu's words again
        own = next((n for n, sound in enumerate(heard) if sound.startswith(OWN)), len(heard))
        menus = (n for n, sound in enumerate(heard[:own]) if sound.startswith(self.after))
        return heard[max(menus, default=-1) + 1 :]

    @property
    def languages(self) -> set[str]:
        """In which language that was."""
        self.ear.listen()
        return {language for _, language in self.ear.heard[self.channel][-5:]}

    async def hears(self, sound: str, times: int = 1) -> None:
        """Waits until a sound is played to this caller (the second time, …)."""
        await until(
            f"{sound} played to {self.channel}: {self.sounds}",
            lambda: self.sounds.count(sound) >= times,
        )

    async def keys(self, sound: str, keys: str, times: int = 1) -> None:
        """Presses keys once a sound is played."""
        await self.hears(sound, times)
        await self.leg.press(keys)

    async def sees(self, what: str, **headers: str) -> Headers:
        """Waits for an event of this caller's channel."""
        return await self.stage.witness.seen(
            f"{what} of {self.channel}",
            lambda e: (
                e.get("Event") == what
                and e.get("Uniqueid") == self.uniqueid
                and all(e.get(name) == value for name, value in headers.items())
            ),
            since=self.since,
            deadline=40.0,
        )

    async def marked(self, outcome: str) -> float:
        """Waits for the outcome's marker; its time in seconds since the epoch."""
        seen = await self.sees("UserEvent", Mark="self_end", Value=f"status:{outcome}")
        return float(seen["Timestamp"])

    async def queued(self, queue: str = "complaint") -> float:
        """Waits until the caller is in the queue; when, since the marker of its begin."""
        joined = await self.sees("QueueCallerJoin", Queue=queue)
        began = await self.sees("UserEvent", Mark="self_begin")
        return float(joined["Timestamp"]) - float(began["Timestamp"])

    async def gone(self) -> None:
        """Waits until the caller's channel is."""
        await self.sees("Hangup")

    def outcomes(self) -> list[str]:
        """Every outcome that was marked."""
        return [
            e["Value"]
            for e in self.stage.witness.events[self.since :]
            if e.get("Mark") == "self_end" and e.get("Uniqueid") == self.uniqueid
        ]


async def calls_for_status(
    stage: Stage, ear: Ear, number: str, *, withheld: bool = False, english: bool = False
) -> Caller:
    """A caller who presses 4 in the main menu, in Thai or English."""
    caller = await calls_in(stage, ear, number, withheld=withheld)
    await caller.sees("UserEvent", Mark="menu", Value="main")
    if english:
        await caller.leg.press("9")
        await caller.sees("UserEvent", Mark="language", Value="en")
    await caller.leg.press("4")
    await caller.sees("UserEvent", Mark="self_begin", Value="status")
    return caller


async def calls_in(
    stage: Stage, ear: Ear, number: str, *, withheld: bool = False, after: str = "hotline/menu-"
) -> Caller:
    """A caller who is on the line and presses nothing yet."""
    since = stage.witness.mark()
    carrier = await stage.carrier()
    known = {e.get("Uniqueid") for e in stage.witness.events if e.get("Mark") == "enter"}
    leg = await carrier.call(stage.house.dialled, Identity(number, withheld=withheld))
    await leg.up()
    shown = "anonymous" if withheld else number
    entered = await stage.witness.seen(
        f"{shown} on the line",
        lambda e: (
            e.get("Mark") == "enter"
            and e.get("CallerIDNum") == shown
            and e.get("Uniqueid") not in known
        ),
        since=since,
    )
    return Caller(stage, ear, leg, entered["Channel"], entered["Uniqueid"], since, after)
