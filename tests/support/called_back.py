"""The town beyond the trunk and the officers of the office, as calls back find them."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ivr.lab.sipua import Leg
from ivr.lab.stage import Stage

Act = Callable[[Leg], None]
"""What somebody does when his telephone rings."""


def soon(leg: Leg, *, rings: float = 0.2, talks: float = 0.5) -> None:
    """Rings, answers, speaks and hangs up; whoever is there hangs up first."""

    async def answering() -> None:
        leg.ring()
        await asyncio.sleep(rings)
        if leg.state != "ended":
            await leg.answer()
            await asyncio.sleep(talks)
            leg.hang_up()

    leg.phone.spawn(asyncio.create_task(answering()))


def stays(leg: Leg) -> None:
    """Rings, answers, and waits for the other to hang up."""

    async def answering() -> None:
        leg.ring()
        await asyncio.sleep(0.2)
        if leg.state != "ended":
            await leg.answer()

    leg.phone.spawn(asyncio.create_task(answering()))


def busy(leg: Leg) -> None:
    """Is in another call."""
    leg.reject(486)


def silent(leg: Leg) -> None:
    """Rings for as long as it is let."""
    leg.ring()


@dataclass
class Town:
    """Who is called beyond the trunk: what each does, the first time, the second, …"""

    plans: dict[str, list[Act]] = field(default_factory=dict)
    """By national number; the last act stands for all further calls."""
    rang: Counter[str] = field(default_factory=Counter)
    spoke: Counter[str] = field(default_factory=Counter)
    legs: dict[str, list[Leg]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    async def at(self, stage: Stage) -> Town:
        """Takes the carrier's calls."""
        (await stage.carrier()).on_call = self.rings
        return self

    def rings(self, leg: Leg) -> None:
        """Somebody is called."""
        number = callee(leg)
        plan = self.plans.get(number, [soon])
        act = plan[min(self.rang[number], len(plan) - 1)]
        self.rang[number] += 1
        self.order.append(number)
        self.legs.setdefault(number, []).append(leg)
        leg.phone.spawn(asyncio.create_task(self._hears(number, leg)))
        act(leg)

    async def _hears(self, number: str, leg: Leg) -> None:
        await leg.until("answered", lambda one: one.state in {"up", "ended"}, 120.0)
        self.spoke[number] += leg.state == "up"


def callee(leg: Leg) -> str:
    """Whom an INVITE is for."""
    found = re.search(r"sip:([^@>]+)@", leg.local)
    return found[1] if found else ""


def places(file: Path) -> dict[str, tuple[str | None, list[str | None]]]:
    """The kept places on disk by number: why each ended, and how its tries came out."""
    with sqlite3.connect(file) as raw:
        found: dict[str, tuple[str | None, list[str | None]]] = {}
        ids: dict[str, str] = {}
        for call_id, number, reason in raw.execute(
            "SELECT call_id, number, reason FROM call_back_wishes WHERE queue IS NOT NULL"
        ):
            found[number], ids[call_id] = (reason, []), number
        for call_id, outcome in raw.execute(
            "SELECT call_id, outcome FROM call_back_tries ORDER BY call_id, ordinal"
        ):
            found[ids[call_id]][1].append(outcome)
    return found


def gone(leg: Leg) -> None:
    """There is no such number."""
    leg.reject(404)
