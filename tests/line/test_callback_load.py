"""Many callers keep their places: each is called back exactly once, or it is named why not.

Five callers in `make test`, two hundred with HOTLINE_SOAK=1. SIPp plays callers and officers; whom
the calls back find is drawn by number. Half-way the bridge is stopped and started again.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from crm_bridge.desk import calling_back
from ivr.lab import sipp
from ivr.lab.address import Claim
from ivr.lab.asterisk import Lab
from ivr.lab.root import Root
from ivr.lab.stage import Stage, stage
from ivr.selfservice import session
from tests.line.test_callback import PATIENCE
from tests.line.test_calling_back import e164, office
from tests.support.called_back import Act, Town, busy, gone, places, silent, soon
from tests.support.live import until
from tests.support.migrated import sqlite_url

pytestmark = pytest.mark.line

SOAK = os.environ.get("HOTLINE_SOAK") == "1"
CALLERS, RATE, OFFICERS = (200, 1.5, 20) if SOAK else (5, 3.0, 4)
AGAIN = 3.0 if SOAK else 1.0
ENDED = 400.0
FATES: dict[str, list[Act]] = {
    "answers": [soon], "busy once": [busy, soon], "never answers": [silent],
    "always busy": [busy], "no such number": [gone],
}  # fmt: skip
DRAWN = ("answers",) * 12 + ("busy once",) * 3 + ("never answers", "always busy", "no such number")
WANTED = {
    "answers": "reached", "busy once": "reached", "never answers": "no_answer",
    "always busy": "busy", "no such number": "unreachable",
}  # fmt: skip
NOT_ASKED = ("not asked: failed", "not asked: left")
"""The bridge, or the key of a SIPp that does not listen, was too late on a machine that does much
else: he stays in the queue, and hangs up there."""


def fate(n: int) -> str:
    """What the n-th caller is found doing; the first five have one each."""
    return tuple(FATES)[n] if n < len(FATES) else DRAWN[n % len(DRAWN)]


@pytest.fixture
def number() -> Iterator[int]:
    claim = Claim.take()
    yield claim.number
    claim.release()


async def pause(place: Stage, paused: bool) -> None:
    """No officer takes calls, or all do."""
    for officer in range(1001, 1001 + OFFICERS):
        await place.witness.act(
            "QueuePause", Interface=f"PJSIP/{officer}", Paused="true" if paused else "false"
        )


@pytest.mark.timeout(900 if SOAK else 180)
async def test_every_lost_caller_is_called_back_once_or_it_is_named_why(
    lab_root: Root, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling_back, "SOON", 500_000)
    for name in ("FIRST", "BETWEEN"):
        monkeypatch.setattr(session, name, PATIENCE)
    file = tmp_path / "hotline.db"
    await sqlite_url(file)
    numbers = [sipp.number(n) for n in range(CALLERS)]
    town = Town({one: FATES[fate(n)] for n, one in enumerate(numbers)})
    site = {"callback": True, "callback_ring": 2, "periodic_announce": 5}
    configure = sipp.load_site(number, OFFICERS, **site)
    async with (
        Lab(tmp_path / "lab", number, root=lab_root, configure=configure) as lab,
        stage(lab) as place,
    ):
        await town.at(place)
        officers = await sipp.officers(lab)
        try:
            async with office(lab, file, again=AGAIN):
                await pause(place, True)
                # one who comes while the machine is busy keeps no others from being asked
                await place.witness.act("Setvar", Variable="SELFSERVICE_REST", Value="0")
                played = await sipp.leave(lab, calls=CALLERS, rate=RATE, deadline=ENDED)
                await pause(place, False)
                half = len(places(file)) // 2
                await until("half of them rung", lambda: len(town.rang) > half, ENDED)
            async with office(lab, file, again=AGAIN):
                await until(
                    "every place ended",
                    lambda: all(reason is not None for reason, _ in places(file).values()),
                    ENDED,
                )
            await place.quiet()
        finally:
            await officers.stop()
    kept = places(file)
    marked = not_asked(file)
    came = {one: (kept.get(e164(one), (None, []))[0], marked.get(one)) for one in numbers}
    told = {one: reason or f"not asked: {how}" for one, (reason, how) in came.items()}
    table = Counter((fate(n), told[one]) for n, one in enumerate(numbers))
    for (who, how), count in sorted(table.items()):
        print(f"{count:4} {who:16} {how}")  # the run's result
    tries = Counter(outcome for _, outcomes in kept.values() for outcome in outcomes)
    print(f"tries: {dict(tries)}; numbers rung: {sum(town.rang.values())} times")
    for n, one in enumerate(numbers):
        assert town.spoke[one] == (told[one] == "reached"), (one, told[one], town.spoke[one])
        assert told[one] in {WANTED[fate(n)], *NOT_ASKED}, (one, told[one])
    assert played.good, played.errors
    missed = sum(count for (_, how), count in table.items() if how in NOT_ASKED)
    assert missed <= CALLERS // 10


def not_asked(file: Path) -> dict[str, str]:
    """How the wish came out, by the number that called."""
    query = (
        "SELECT caller_presented, value FROM calls JOIN marks USING (call_id) "
        "WHERE name = 'self_end' ORDER BY at_us"
    )
    with sqlite3.connect(file) as raw:
        return {number: value.partition(":")[2] for number, value in raw.execute(query)}
