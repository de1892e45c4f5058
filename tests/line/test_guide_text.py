"""Callers of the marketing guide who want its address by text message: what each hears and gets."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from crm_bridge.app import App
from ivr.lab.address import Claim
from ivr.lab.asterisk import Lab
from ivr.lab.configure import ours
from ivr.lab.install import dialplan_directory
from ivr.lab.root import Root
from ivr.lab.stage import Stage
from ivr.selfservice import saying, text
from tests.line.test_hours import at_most_three, ends
from tests.line.test_selfservice import nobody, place, silent
from tests.support.live import assert_sound, bridge, bridge_config, caught_up, on_disk, until
from tests.support.migrated import sqlite_url
from tests.support.selfservice import Caller, Ear, calls_in

pytestmark = pytest.mark.line

ADDRESS = "https://www.moc.go.th/market"
KEY = '"2" = { to = "text", says = "hotline/guide-text", th = "ข้อความ", en = "By text" }\n'
OFFER, ASKED = "hotline/guide-text", "hotline/text-confirm"
SENT, ALREADY = "hotline/text-sent", "hotline/text-already"
NO_MOBILE, NOT_SENT = "hotline/text-no-mobile", "hotline/text-not-sent"


@pytest.fixture(scope="module")
def lab(lab_root: Root, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A site whose menu offers it."""
    folder = tmp_path_factory.mktemp("lab")
    menu = (dialplan_directory() / "menu.toml").read_text(encoding="utf-8")
    file = folder / "menu.toml"
    file.write_text(menu.replace("[menu.guide.keys]\n", f"[menu.guide.keys]\n{KEY}"), "utf-8")
    claim = Claim.take()
    there = Lab(folder, claim.number, root=lab_root, configure=ours(menu=file))
    asyncio.run(there.start())
    yield there
    asyncio.run(there.remove())
    claim.release()


@pytest.fixture
async def ear(on_stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Ear:
    monkeypatch.setattr(text, "KEY_WAIT", 1.5)
    await on_stage.carrier()
    await on_stage.witness.act("Setvar", Variable="HOTLINE_SELF_REST", Value="0")
    return Ear(on_stage)


@asynccontextmanager
async def desk(lab: Lab, file: Path) -> AsyncIterator[App]:
    """A bridge that knows the guide's address."""
    service = place(lab).model_copy(update={"guide_address": ADDRESS})
    config = bridge_config(file, lab).model_copy(update={"selfservice": service})
    async with bridge(config) as app:
        yield app
        await caught_up(app)
        assert app.selfservice is not None
        await until("no session is left", lambda: not len(app.selfservice.server))  # type: ignore[union-attr,arg-type]
    assert_sound(app)


async def in_the_guide(
    stage: Stage, ear: Ear, number: str, *, withheld: bool = False, english: bool = False
) -> Caller:
    """A caller who hears what the guide offers."""
    caller = await calls_in(stage, ear, number, withheld=withheld, after="hotline/guide-front")
    for key, menus in (("9", 1), ("5", 2)) if english else (("5", 1),):
        await stage.witness.seen(
            "the menu",
            lambda e: e.get("Mark") == "menu" and e.get("Uniqueid") == caller.uniqueid,
            since=caller.since, times=menus, deadline=40.0,
        )  # fmt: skip
        await caller.leg.press(key)
    await caller.sees("UserEvent", Mark="menu", Value="guide")
    return caller


def after_asking(caller: Caller) -> list[str]:
    """What he heard since he asked, until the guide's offer."""
    heard = caller.sounds
    begun = next(n for n, sound in enumerate(heard) if sound.startswith("hotline/text-"))
    return heard[begun : heard.index(OFFER, begun)]


async def test_the_address_goes_to_the_mobile_that_calls_once_a_day(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path
) -> None:
    file = tmp_path / "hotline.db"
    url = await sqlite_url(file)

    async def asks(number: str, *keys: str, withheld: bool = False, english: bool = False) -> Any:
        caller = await in_the_guide(on_stage, ear, number, withheld=withheld, english=english)
        await caller.leg.press("2")  # whatever is being said
        for times, key in enumerate(keys, 1):
            await caller.keys(ASKED, key, times)
        await caller.hears(OFFER)
        await ends(caller)
        return after_asking(caller), caller.outcomes()

    async def hangs_up() -> list[str]:
        caller = await in_the_guide(on_stage, ear, "0867890123")
        await caller.keys(OFFER, "2")
        await caller.hears(ASKED)
        await ends(caller)
        return caller.outcomes()

    async with desk(lab, file):
        sent, english, withheld, declined, left = await at_most_three(
            asks("0812345678", "7", "1"),
            asks("0823456789", "1", english=True),
            asks("0800000000", withheld=True),
            asks("0834567890", "2"),
            hangs_up(),
        )
        again = await asks("+66812345678", "1")
        await on_stage.quiet()

    def asked(number: str) -> list[str]:
        return ["hotline/text-number", *saying.digits(number), ASKED]

    number = asked("0812345678")
    assert sent == ([*number, "hotline/wrong-key", *number, SENT], ["text:sent"])
    assert english == ([*asked("0823456789"), SENT], ["text:sent"])
    assert withheld == ([NO_MOBILE], ["text:no_mobile"])
    assert declined == (asked("0834567890"), ["text:declined"])
    assert left == ["text:left"]
    assert again == ([*asked("0812345678"), ALREADY], ["text:already"])
    with sqlite3.connect(file) as raw:
        texts = dict(raw.execute("SELECT recipient, body FROM messages"))
        values = {value for (value,) in raw.execute("SELECT value FROM marks")}
    assert set(texts) == {"+66812345678", "+66823456789"}
    assert all(ADDRESS in body for body in texts.values())
    assert texts["+66823456789"].startswith("Marketing information")
    assert not {value for value in values if "2345678" in value}
    outcomes = {c["caller_number_presented"]: c["outcome"] for c in await on_disk(url)}
    assert outcomes["0812345678"] == "served"


@pytest.mark.parametrize(
    ("bridge_there", "seconds"), [(nobody, 1.0), (silent, 2.0)],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
async def test_a_bridge_that_does_not_answer_leads_back_to_the_guide(
    lab: Lab, on_stage: Stage, ear: Ear, bridge_there: Any, seconds: float
) -> None:
    async with bridge_there(lab):
        caller = await in_the_guide(on_stage, ear, "0812345678")
        await caller.leg.press("2")
        began = await caller.sees("UserEvent", Mark="self_begin", Value="text")
        over = await caller.sees("UserEvent", Mark="self_end", Value="text:failed")
        assert float(over["Timestamp"]) - float(began["Timestamp"]) < seconds
        await caller.hears(OFFER)
        assert after_asking(caller) == [NOT_SENT]
        await caller.leg.press("1")
        await caller.sees("QueueCallerJoin", Queue="market_information")
        await ends(caller)


async def test_a_slow_database_sends_nothing_and_says_so(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path
) -> None:
    file = tmp_path / "hotline.db"
    await sqlite_url(file)
    async with desk(lab, file):
        caller = await in_the_guide(on_stage, ear, "0812345678")
        held = sqlite3.connect(file, isolation_level=None)
        held.execute("BEGIN IMMEDIATE")
        try:
            await caller.leg.press("2")
            await caller.keys(ASKED, "1")
            await caller.sees("UserEvent", Mark="self_end", Value="text:failed")
            await caller.hears(NOT_SENT)
            await caller.hears(OFFER)
        finally:
            held.close()
        await ends(caller)
        await on_stage.quiet()
    with sqlite3.connect(file) as raw:
        assert raw.execute("SELECT count(*) FROM messages").fetchone() == (0,)
