"""A bridge that stops in the middle of a sound: its callers go on within two seconds of its end.

The bridge is a process of its own that is stopped (SIGSTOP) while Asterisk plays for it: the kernel
still takes what is sent to it, as that of a machine that is overloaded, and nothing tells Asterisk.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from crm_bridge.commands.lab_config import write_config
from crm_bridge.records.schema import upgrade
from ivr.lab.asterisk import Lab, running
from ivr.lab.root import Root
from ivr.lab.stage import Headers, Stage
from ivr.prompts.placeholder import RATE, tone
from ivr.selfservice import status
from ivr.selfservice.server import Line
from ivr.selfservice.session import Session
from tests.line.test_run import start
from tests.support.lab import own_lab
from tests.support.ports import free_port
from tests.support.selfservice import Caller, Ear, calls_for_status, calls_in, listening, stands_in

pytestmark = pytest.mark.line

MOST = 2.0
"""Seconds from the end of what a caller hears to the moment he is on his way."""
LONG = 3
"""Seconds of the sounds in which the bridge is stopped: there is time to do it."""
LONGER = 15
"""Seconds of a recording longer than any prompt."""
ENTER, LONGEST = "hotline/status-enter", "hotline/status-offer"
CONFIRM, OFFERED, AGAIN = "hotline/callback-number", "hotline/queue-wait-key", "hotline/queue-again"
CLOSED = "hotline/closed-after"
TO_OFFICER = "hotline/to-officer"
NOTICE = "hotline/recording-notice"


@pytest.fixture(scope="module")
def lab(lab_root: Root, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    values = {"callback": True, "callback_from": 9, "periodic_announce": 1}
    with own_lab(lab_root, tmp_path_factory, **values, announce_frequency=0) as lab:
        for sound in (ENTER, CONFIRM, "hotline/menu-language"):
            record(lab, sound, LONG)
        yield lab


def record(lab: Lab, sound: str, seconds: int) -> None:
    """The site's own recording of a prompt, in place of the placeholder."""
    file = lab.instance / "data" / "sounds" / "th" / "custom" / f"{sound}.wav"
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as made:
        made.setparams((1, 2, RATE, 0, "NONE", ""))
        made.writeframes(tone(seconds * RATE, 440))


@asynccontextmanager
async def bridge(lab: Lab, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The bridge as a process; its office is closed but for a minute of a Sunday night."""
    config = write_config(running(lab.directory)[0], folder)
    with config.open("a", encoding="utf-8") as more:
        more.write('\n[callback]\n\n[hours]\nsunday = ["03:00-03:01"]\n')
    await upgrade(f"sqlite:///{folder / 'hotline.db'}")
    process = await start(config, "run", HOTLINE_WEB__PORT=str(free_port()))
    try:
        await listening(lab)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@asynccontextmanager
async def stopped(process: asyncio.subprocess.Process) -> AsyncIterator[float]:
    """For as long as the block lasts it does nothing; since when, in seconds since the epoch."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield time.time()
    finally:
        process.send_signal(signal.SIGCONT)


async def over(caller: Caller, since: float) -> float:
    """When Asterisk had played to its end what was playing then, and had no key."""
    ended = await caller.stage.witness.seen(
        f"the end of what {caller.channel} hears",
        lambda e: (
            e.get("Event") == "VarSet"
            and e.get("Variable") == "HOTLINE_KEYED"
            and e.get("Uniqueid") == caller.uniqueid
            and float(e["Timestamp"]) > since
        ),
        since=caller.since,
    )
    return float(ended["Timestamp"])


async def on_his_way(caller: Caller, ended: float, failed: str, said: str, queue: str) -> None:
    """The marker and what is said to him come in time, and then he stands in the queue."""
    marked = await caller.sees("UserEvent", Mark="self_end", Value=failed)
    assert ended < float(marked["Timestamp"]) < ended + MOST
    joined = await caller.stage.witness.seen(
        f"{caller.channel} in the queue",
        lambda e: (
            e.get("Event") == "QueueCallerJoin"
            and e.get("Uniqueid") == caller.uniqueid
            and float(e["Timestamp"]) > ended
        ),
        since=caller.since,
    )
    assert joined["Queue"] == queue
    assert said in caller.sounds
    quiet = float(joined["Timestamp"]) - ended - spoken(caller.stage.lab, said)
    assert quiet < MOST, quiet
    caller.leg.hang_up()
    await caller.gone()


def spoken(lab: Lab, sound: str) -> float:
    """Seconds of a placeholder."""
    with wave.open(str(lab.instance / "data" / "sounds" / "th" / f"{sound}.wav")) as file:
        return file.getnframes() / file.getframerate()


async def hours(stage: Stage, value: str) -> None:
    await stage.witness.act("Setvar", Variable="HOURS", Value=value)


async def test_a_bridge_that_stops_in_mid_sound_costs_two_seconds_after_it(
    lab: Lab, on_stage: Stage, tmp_path: Path
) -> None:
    await on_stage.carrier()
    ear = Ear(on_stage)
    async with bridge(lab, tmp_path) as process:
        caller = await calls_for_status(on_stage, ear, "0812345678")
        await caller.hears(ENTER)
        async with stopped(process) as since:
            await caller.leg.press("12#")  # and also while he keys
            ended = await over(caller, since)
            await on_his_way(
                caller, ended, "status:failed", "hotline/status-to-officer", "complaint"
            )

        caller = await calls_in(on_stage, ear, "0812345679")
        await caller.sees("UserEvent", Mark="menu", Value="main")
        await caller.leg.press("1")
        await caller.sees("QueueCallerJoin", Queue="complaint")
        await caller.keys(OFFERED, "9")
        await caller.hears(CONFIRM)
        async with stopped(process) as since:
            ended = await over(caller, since)
            assert ended - since > 1  # it was in the middle of it
            await on_his_way(caller, ended, "callback:failed", AGAIN, "complaint")

        await hours(on_stage, "1")
        try:
            caller = await calls_in(on_stage, ear, "0812345670", after=NOTICE)
            await caller.hears("hotline/menu-language")
            async with stopped(process) as since:
                ended = await over(caller, since)
                assert ended - since > 1
                await on_his_way(caller, ended, "hours:failed", TO_OFFICER, "information")
        finally:
            await hours(on_stage, "0")
        await on_stage.quiet()


async def test_a_recording_longer_than_any_prompt_is_heard_to_its_end(
    lab: Lab, on_stage: Stage
) -> None:
    """The office may record what it likes while the bridge runs, in place of a placeholder."""

    async def session(line: Line) -> None:
        caller = Session(line)
        await caller.begin()
        await caller.play([LONGEST, TO_OFFICER])
        await caller.end("left", "officer")

    record(lab, LONGEST, LONGER)
    await on_stage.carrier()
    async with stands_in(lab, status.NAME, session):
        caller = await calls_for_status(on_stage, Ear(on_stage), "0812345678")
        began = await caller.sees("UserEvent", Mark="self_begin")
        outcome: Headers = await caller.sees("UserEvent", Mark="self_end", Value="status:left")
        assert float(outcome["Timestamp"]) - float(began["Timestamp"]) > LONGER
        assert caller.sounds[:2] == [LONGEST, TO_OFFICER]
        caller.leg.hang_up()
        await caller.gone()
