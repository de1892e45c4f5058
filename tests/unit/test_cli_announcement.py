"""`hotline announcement` where the records are away: the line is told all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from crm_bridge.commands import announcement
from crm_bridge.commands.exits import FOUND, STORAGE
from crm_bridge.desk.announcements import SILENCE
from tests.support.cli import Hotline, hotline

__all__ = ["hotline"]

GONE = {"HOTLINE_DATABASE__URL": "sqlite:////nowhere/at/all/hotline.db"}
ON = ("announcement", "on", "announce-fault", "--until", "23:59:59", "--lang", "en")


class Pbx:
    """An Asterisk as far as its global variable goes."""

    stands = ""
    deaf = False

    def new_id(self, name: str) -> str:
        return name

    async def act(self, action: dict[str, str]) -> dict[str, str]:
        if action["Action"] == "Originate" and not self.deaf:
            self.stands = action["Variable"].removeprefix("ANNOUNCEMENT=")
        return {"Value": self.stands}


@pytest.fixture
def pbx(monkeypatch: pytest.MonkeyPatch) -> Pbx:
    found = Pbx()

    @asynccontextmanager
    async def connected_to(_node: object) -> AsyncIterator[Pbx]:
        yield found

    monkeypatch.setattr(announcement, "connected_to", connected_to)
    return found


def test_it_is_put_on_the_line_and_said_to_be_on_no_record(hotline: Hotline, pbx: Pbx) -> None:
    on = hotline(*ON, **GONE)
    assert pbx.stands.split(":")[1:2] + pbx.stands.split(":")[3:] == [
        "before", "hotline/announce-fault",
    ]  # fmt: skip
    assert on.code == STORAGE
    assert "so it is played" in on.out
    assert "not on record" in on.err
    assert "/nowhere/at/all" in on.err
    off = hotline("announcement", "off", "--lang", "en", **GONE)
    assert (off.code, pbx.stands) == (STORAGE, SILENCE)
    assert "not on record" in off.err


def test_an_asterisk_that_does_not_confirm_it_is_what_counts(
    hotline: Hotline, pbx: Pbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm_bridge.desk.announcements.SEEN_WITHIN", 0.0)
    pbx.deaf = True
    on = hotline(*ON, **GONE)
    assert on.code == FOUND
    assert "not on record" in on.err
    hotline("migrate")
    assert hotline(*ON).code == FOUND


def test_with_its_records_it_is_fine(hotline: Hotline, pbx: Pbx) -> None:
    hotline("migrate")
    assert (hotline(*ON).code, pbx.stands.split(":")[1]) == (0, "before")
    shown = hotline("announcement", "show", "--lang", "en")
    assert (shown.code, "announce-fault" in shown.out) == (0, True)
