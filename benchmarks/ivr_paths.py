"""How long a caller of the line is on the way: until a queue, and until a person, by his keys.

Each way through the menus (`menu.toml`, or another file) is gone on a real Asterisk: with every
key pressed at once, with every menu heard to its end first, and with no key at all. Placeholders
stand in for the prompts, as long as their Thai texts take to say (fifteen letters a second). An
officer is free for each caller, so what is measured is the line's own making: welcome, menus,
greeting. The greeting's end is when the two can speak. Self-service is not there: the status of a
ticket is an officer's.
python -m benchmarks.ivr_paths [MENU.toml] [--spoken SECONDS]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.table import table
from ivr.lab.address import Claim
from ivr.lab.asterisk import Lab
from ivr.lab.configure import ours
from ivr.lab.install import dialplan_directory, menu_conf, read_menu
from ivr.lab.sipua import Identity, Phone
from ivr.lab.site import Agent
from ivr.lab.stage import Headers, Stage, stage
from ivr.menu.tree import Kind, Tree

AT_ONCE, HEARD, SILENT = "keys at once", "menus heard", "no key"
_DEADLINE: Final = 400.0
_AT_A_TIME: Final = 6
"""Callers on the line at once, and officers for them."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way through the menus in words, its keys, each in its menu, and how they are pressed."""

    name: str
    keys: tuple[tuple[str, str], ...]
    manner: str


@dataclass(frozen=True, slots=True)
class Found:
    """Seconds since the line answered."""

    way: Way
    queue: float
    human: float
    where: str
    """The queue he came to."""


def ways(tree: Tree) -> list[Way]:
    """Every key that leads to officers, both ways, and silence in every menu."""
    found = []

    def walk(name: str, before: tuple[tuple[str, str], ...], words: tuple[str, ...]) -> None:
        menu = tree.menus[name]
        for choice in menu.choices:
            keys, told = (*before, (name, choice.key)), (*words, f"{choice.key} {choice.en}")
            if choice.kind is Kind.MENU and choice.target not in dict(keys):
                walk(choice.target, keys, told)
            elif choice.kind in (Kind.QUEUE, Kind.STATUS):
                found.extend(Way(" › ".join(told), keys, how) for how in (AT_ONCE, HEARD))
        silent = (*words, "nothing")
        found.append(Way(" › ".join(silent), before, SILENT))

    walk(tree.start, (), ())
    return found


@asynccontextmanager
async def line(place: Path, menu: Path, spoken: float | None) -> AsyncIterator[Stage]:
    """A line with these menus and officers who answer at once."""
    claim = Claim.take()
    agents = tuple(Agent(str(1001 + n)) for n in range(_AT_A_TIME))
    configure = ours(menu=menu, agents=agents, prompt_seconds=spoken, selfservice="", max_call=1200)
    try:
        async with Lab(place, claim.number, configure=configure) as lab, stage(lab) as on_it:
            await on_it.carrier()
            phones = [await on_it.officer(agent.id) for agent in agents]
            working = [asyncio.create_task(_serves(phone)) for phone in phones]
            try:
                yield on_it
            finally:
                for task in working:
                    task.cancel()
                await asyncio.gather(*working, return_exceptions=True)
    finally:
        claim.release()


async def _serves(phone: Phone) -> None:
    while True:
        leg = await phone.rung(_DEADLINE)
        await leg.answer()
        await leg.ended(_DEADLINE)


async def measure(on_it: Stage, every: Sequence[Way]) -> list[Found]:
    """Goes every way once, some at a time."""
    door = asyncio.Semaphore(_AT_A_TIME)

    async def one(number: int, way: Way) -> Found:
        async with door:
            return await _go(on_it, f"08{number:08}", way)

    return list(await asyncio.gather(*(one(n, way) for n, way in enumerate(every))))


async def _go(on_it: Stage, number: str, way: Way) -> Found:
    since = on_it.witness.mark()
    carrier = await on_it.carrier()
    leg = await carrier.call(on_it.house.dialled, Identity(number))
    await leg.up()

    async def seen(what: str, uniqueid: str = "", start: int = since, **headers: str) -> Headers:
        return await on_it.witness.seen(
            f"{what} of {number} ({way.name}, {way.manner})",
            lambda e: (
                (e.get("Uniqueid") == uniqueid if uniqueid else e.get("CallerIDNum") == number)
                and (e.get("Event") == what or e.get("Mark") == what)
                and all(e.get(name) == value for name, value in headers.items())
            ),
            since=start, deadline=_DEADLINE,
        )  # fmt: skip

    entered = await seen("enter")
    caller = entered["Uniqueid"]
    for menu, key in way.keys:
        await seen("menu", caller, Value=menu)
        if way.manner == HEARD:
            context = "1203-menu" if menu == way.keys[0][0] else f"1203-{menu}"
            await seen("Newexten", caller, Application="WaitExten", Context=context)
        await leg.press(key)
    joined = await seen("QueueCallerJoin", caller)
    together = await seen("greeting_end", caller)
    leg.hang_up()
    await seen("Hangup", caller)
    began = float(entered["Timestamp"])
    return Found(
        way, float(joined["Timestamp"]) - began, float(together["Timestamp"]) - began,
        joined["Queue"],
    )  # fmt: skip


def report(found: Sequence[Found]) -> str:
    """The table: each way with its times."""
    rows = [
        [one.way.name, one.way.manner, one.where, f"{one.queue:.1f}", f"{one.human:.1f}"]
        for one in found
    ]
    head = ["keys", "how", "queue", "until it (s)", "until a person (s)"]
    humans = [one.human for one in found]
    return (
        f"{table(head, rows)}\n"
        f"Until a person: {min(humans):.1f} s at the best, {max(humans):.1f} s at the worst."
    )


async def run(place: Path, menu: Path | None = None, spoken: float | None = None) -> list[Found]:
    """Measures every way of a menu file; `spoken`: seconds of every prompt, None: as its text."""
    file = menu or dialplan_directory() / "menu.toml"
    menu_conf(file)  # a faulty one is refused with its line
    tree, _ = read_menu(file)
    if tree is None:
        raise RuntimeError("a menu without a fault has no tree")
    async with line(place, file, spoken) as on_it:
        return await measure(on_it, ways(tree))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ivr_paths", description=__doc__)
    parser.add_argument("menu", type=Path, nargs="?", help="another menu.toml than ours")
    parser.add_argument("--spoken", type=float, help="seconds that every prompt takes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hotline-paths-", dir="/var/tmp") as place:
        print(report(asyncio.run(run(Path(place), options.menu, options.spoken))), flush=True)


if __name__ == "__main__":
    main()
