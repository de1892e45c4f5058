"""What `hotline lab` does: prepare, up, call, status, down; across processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from ivr.lab.address import Claim, LabError
from ivr.lab.asterisk import Lab, Running, down, running
from ivr.lab.configure import foreign, ours
from ivr.lab.dialog import Identity
from ivr.lab.root import Progress, Root, find_root
from ivr.lab.scenarios.catalogue import SCENARIOS, Scenario
from ivr.lab.stage import Driven, stage

__all__ = ["SCENARIOS", "call", "down", "prepare", "status", "up"]

DIRECTORY = Path(".lab")
"""Where a lab's state is, unless another place is given."""
_KEPT = range(1, 100)
"""Numbers of labs that outlive their process; tests take theirs from 100 on."""
_SHORT = {"agent_ring": 6, "agency_ring": 6, "queue_timeout": 12, "parking_time": 5, "menu_wait": 3}
"""Times short enough that every scenario can be waited for."""


def _quiet(_: str) -> None:
    """Tells nobody."""


def prepare(progress: Progress = _quiet) -> Root:
    """Makes sure there is an Asterisk and a SIPp; raises NoAsterisk with the mend.

    Takes about a minute the first time on a machine without Asterisk and Docker, else a moment.
    """
    return find_root(progress)


async def up(directory: Path = DIRECTORY, progress: Progress = _quiet, **site: object) -> Running:
    """Boots a lab that outlives this process, or finds the one that runs; `site` as in Site."""
    found = await asyncio.to_thread(running, directory)
    if found:
        return found[0]
    root = await asyncio.to_thread(prepare, progress)
    claim = Claim.take(_KEPT)
    try:
        progress(f"booting {root.version.split('+')[0]}")
        lab = Lab(
            directory, claim.number, root=root, configure=ours(**{**_SHORT, **site}), keep=True
        )
        await lab.start()
    finally:
        claim.release()
    (found_now,) = await asyncio.to_thread(running, directory)
    return found_now


def status(directory: Path = DIRECTORY) -> list[Running]:
    """The labs of this directory that run."""
    return running(directory)


async def call(
    name: str,
    directory: Path = DIRECTORY,
    tell: Callable[[Driven], None] | None = None,
    progress: Progress = _quiet,
    caller: Identity | None = None,
) -> list[Driven]:
    """Plays a scenario on the lab that runs, or on one of its own; returns what was done, and when.

    Raises KeyError for a name that is none, LabError or NotInTime where the call did not go as
    scripted. A scenario for a PBX that is not ours always gets a lab of its own. `caller` is who
    calls, where the scenario does not say.
    """
    scenario = SCENARIOS[name]
    found = await asyncio.to_thread(running, directory)
    root = await asyncio.to_thread(prepare, progress)
    if found and scenario.configure is not foreign:
        return await _play(scenario, Lab.attach(found[0], root), tell, caller)
    claim = Claim.take()
    try:
        async with Lab(directory, claim.number, root=root, configure=scenario.configure) as lab:
            return await _play(scenario, lab, tell, caller)
    finally:
        claim.release()


async def _play(
    scenario: Scenario, lab: Lab, tell: Callable[[Driven], None] | None, caller: Identity | None
) -> list[Driven]:
    try:
        async with stage(lab, scenario.house) as place:
            place.on_note = tell
            place.caller = caller or place.caller
            await scenario.play(place)
            await place.quiet()
            return place.driven
    except OSError as error:
        raise LabError(
            f"{scenario.name}: {error.strerror or error}; one scenario at a time plays on a lab"
        ) from error
