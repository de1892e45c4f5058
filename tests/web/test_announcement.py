"""The emergency message over HTTP: who may, what is refused, what is kept, what a wall says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crm_bridge.access.roles import Role
from crm_bridge.desk.announcements import SILENCE, Announcements, Place, notices
from crm_bridge.desk.floor import Floor
from crm_bridge.desk.line import LineNode
from crm_bridge.errors import StorageUnavailable
from ivr.ami.errors import NotConnected
from ivr.ami.reconnect import LinkState
from ivr.calls.members import Members
from ivr.calls.tracker import Tracker
from ivr.events import types as ev
from ivr.prompts import sound
from ivr.prompts.shelf import Shelf
from tests.support.desk_clock import at
from tests.support.voice import voice
from tests.support.web import Desk

PATH = "/api/v1/announcement"
BUSY = "hotline/announce-busy"
HOUR = 3_600_000_000


@dataclass
class Pbx:
    """An Asterisk as far as its global variable goes."""

    state: LinkState = LinkState.UP
    stands: str = ""
    deaf: bool = False
    acts: list[str] = field(default_factory=list)

    async def act(self, action: dict[str, str]) -> dict[str, str]:
        self.acts.append(action["Action"])
        if self.deaf:
            raise NotConnected("away")
        if action["Action"] == "Getvar":
            return {"Value": self.stands}
        self.stands = action["Variable"].removeprefix("ANNOUNCEMENT=")
        return {}


class Gone:
    """A transaction with a database that is not there."""

    async def __aenter__(self) -> None:
        raise StorageUnavailable("gone")

    async def __aexit__(self, *_: object) -> None:
        """Never came to it."""


@pytest.fixture
async def pbx(desk: Desk, tmp_path: Path) -> Pbx:
    held = desk.context
    floor = Floor.of(held.config, desk.database, held.hub, desk.clock)
    members = Members()
    for event in (ev.LinkUp(0, False), ev.SnapshotEnded(0, False)):
        members.apply(event)
    made = Pbx()
    tracker = Tracker("pbx1", floor.line.directory)
    floor.line.add(LineNode("pbx1", made, tracker, members))  # type: ignore[arg-type]  # played
    shelf = Shelf(tmp_path / "sounds")
    shelf.put(BUSY, "th", sound.prepared(voice(8_000, 0.5), 8_000))
    held.announcements = Announcements(desk.database, floor.line, desk.clock, [shelf])
    return made


def asked(desk: Desk, **other: str) -> dict[str, str]:
    return {"prompt": BUSY, "place": "before", "until": "2026-11-23T10:00", **other}


async def test_a_supervisor_puts_it_on_and_takes_it_off(desk: Desk, pbx: Pbx) -> None:
    desk.clock.at = at("2026-11-23T09:00")
    browser = await desk.browser(Role.SUPERVISOR)
    on = (await browser.put(PATH, json=asked(desk))).json()
    assert (on["until"], on["nodes"]) == (
        "2026-11-23T03:00:00.000000Z", [{"node": "pbx1", "confirmed": True}],
    )  # fmt: skip
    until, place, _, prompt = pbx.stands.split(":")
    assert (int(until) * 1_000_000, place, prompt) == (at("2026-11-23T10:00"), "before", BUSY)
    page = (await browser.get("/admin/announcement")).text
    assert 'data-act="DELETE /api/v1/announcement"' in page
    kept = desk.context.announcements
    assert kept is not None
    [said] = notices(kept)
    assert "10:00" in said.th
    assert "before the welcome" in said.en
    wall = desk.context.wall
    looking = wall.watch([])
    strip = wall.frame().sections["alerts"].values()
    assert [(row["text"], row["level"]) for row in strip] == [((said.th, said.en), "warning")]
    looking.close()
    wall.leave()

    other = (await browser.put(PATH, json=asked(desk, place="instead"))).json()
    assert other["place"] == "instead"
    assert pbx.stands.split(":")[1] == "instead"
    off = await browser.delete(PATH)
    assert (off.status_code, off.json()["prompt"], pbx.stands) == (200, None, SILENCE)
    assert (await browser.delete(PATH)).status_code == 404
    page = (await browser.get("/admin/announcement")).text
    assert page.count(f"Test {Role.SUPERVISOR.value}") + page.count("ทดสอบ supervisor") >= 4
    assert notices(kept) == []


async def test_what_is_refused(desk: Desk, pbx: Pbx) -> None:
    desk.clock.at = at("2026-11-23T09:00")
    admin = await desk.browser(Role.ADMINISTRATOR)
    for wrong, code in (
        ({"prompt": "hotline/announce-fault"}, "prompt-not-recorded"),
        ({"prompt": "hotline/goodbye"}, "no-such-prompt"),
        ({"until": "2026-11-23T09:00"}, "until-out-of-range"),
        ({"until": "2026-12-01T09:00"}, "until-out-of-range"),
    ):
        answer = await admin.put(PATH, json=asked(desk, **wrong))
        assert (answer.status_code, answer.json()["type"]) == (422, code)
    assert (await admin.put(PATH, json=asked(desk, place="after"))).status_code == 422
    assert pbx.stands == ""
    for role in (Role.AGENT, Role.DIRECTOR, Role.AUDITOR):
        browser = await desk.browser(role)
        assert (await browser.put(PATH, json=asked(desk))).status_code == 403
        assert (await browser.delete(PATH)).status_code == 403
        seen = 403 if role is Role.AGENT else 200
        assert (await browser.get("/admin/announcement")).status_code == seen


async def test_an_asterisk_that_was_away_is_given_it_and_one_that_is_wrong_is_mended(
    desk: Desk, pbx: Pbx
) -> None:
    kept = desk.context.announcements
    assert kept is not None
    pbx.deaf = True
    await kept.begin("สมศรี", BUSY, Place.BEFORE, desk.clock.now_us() + HOUR)
    assert not kept.stands_at("pbx1")
    pbx.deaf = False
    await kept.look()
    assert kept.stands_at("pbx1")
    first, pbx.stands = pbx.stands, "something else"
    await kept.look()
    assert pbx.stands == first
    pbx.acts.clear()
    await kept.look()
    assert {*pbx.acts} == {"Getvar"}
    desk.clock.at += HOUR
    assert kept.on() is None
    await kept.look()
    assert pbx.stands == SILENCE


async def test_a_bridge_that_cannot_read_what_is_wished_leaves_the_line_as_it_is(
    desk: Desk, pbx: Pbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = desk.context.announcements
    assert kept is not None
    await kept.begin("สมศรี", BUSY, Place.BEFORE, desk.clock.now_us() + HOUR)
    before = pbx.stands
    started = Announcements(desk.database, kept.line, desk.clock)
    with monkeypatch.context() as patch:
        patch.setattr(desk.database, "reading", Gone)
        await started.look()  # it has read nothing yet
        assert pbx.stands == before
        on = started.on()
        assert on is not None
        assert (on.stands, on.begun_by, started.stands_at("pbx1")) == (
            before, "? (hotline announcement)", True,
        )  # fmt: skip
        await kept.look()
        on = kept.on()
        assert on is not None
        assert on.begun_by == "สมศรี"
        pbx.stands = by_hand = f"{before.split(':')[0]}:instead:abc123:{BUSY}"
        await kept.look()  # it has read another wish, which may be over
        assert (pbx.stands, kept.stands_at("pbx1")) == (by_hand, True)
        pbx.stands = SILENCE
        await kept.look()
        assert (pbx.stands, kept.on()) == (SILENCE, None)
    await started.look()
    assert (pbx.stands, started.stands_at("pbx1")) == (before, True)


async def test_what_was_put_there_while_the_records_were_away_is_taken_onto_them(
    desk: Desk, pbx: Pbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `hotline announcement on`, which kept no row; then they can be read, then written."""
    kept = desk.context.announcements
    assert kept is not None
    until = desk.clock.now_us() + HOUR
    pbx.stands = by_hand = f"{until // 1_000_000}:instead:abc123:{BUSY}"
    for away in (("reading", "writing"), ("writing",)):
        with monkeypatch.context() as patch:
            for which in away:
                patch.setattr(desk.database, which, Gone)
            await kept.look()
        assert (pbx.stands, [n.level for n in notices(kept)]) == (by_hand, ["warning"])
    await kept.look()
    assert (pbx.stands, kept.stands_at("pbx1")) == (by_hand, True)
    admin = await desk.browser(Role.ADMINISTRATOR)
    on = (await admin.get(PATH)).json()
    assert (on["prompt"], on["begun_by"]) == (BUSY, "? (hotline announcement)")
    assert "? (hotline announcement)" in (await admin.get("/admin/announcement")).text
    assert (await admin.delete(PATH)).status_code == 200
    assert pbx.stands == SILENCE
    pbx.stands = by_hand  # an Asterisk that was away: its message is on record as ended
    await kept.look()
    assert pbx.stands == SILENCE


@pytest.mark.parametrize(
    "stray",
    [
        "{past}:before:abc123:hotline/announce-busy", "{soon}:before:abc123:hotline/goodbye",
        "{soon}:after:abc123:hotline/announce-busy", "{soon}:before:ABC:hotline/announce-busy",
        "{far}:before:abc123:hotline/announce-busy", "{soon}:before", "nonsense",
    ],
)  # fmt: skip
async def test_what_the_desk_never_puts_there_is_silenced(desk: Desk, pbx: Pbx, stray: str) -> None:
    kept = desk.context.announcements
    assert kept is not None
    now = desk.clock.now_us() // 1_000_000
    pbx.stands = stray.format(past=now, soon=now + 60, far=now + 8 * 24 * 3600)
    await kept.look()
    assert pbx.stands == SILENCE
