"""A caller gives the number at which he is to be called back: what he hears, what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from ivr.selfservice import place, saying, session, wish
from ivr.selfservice.agi import Reply, Request
from ivr.selfservice.port import CallBack, Place, Unanswered
from ivr.selfservice.server import Gone

CONFIRM = "hotline/callback-confirm"
ENTER = "hotline/callback-enter"


class Desk:
    """Takes Thai mobile numbers."""

    def __init__(self, answer: bool | None = True) -> None:
        self.answer = answer
        self.asked: list[CallBack] = []

    def number(self, keyed: str) -> tuple[str, str] | None:
        return ("+66" + keyed[1:], keyed) if keyed.startswith("08") and len(keyed) == 10 else None

    async def call_back(self, wished: CallBack) -> bool:
        if self.answer is None:
            raise Unanswered
        self.asked.append(wished)
        return self.answer


class Line:
    """Asterisk as one caller: what it plays, the keys he presses, the variables it was given."""

    def __init__(self, number: str, keys: Sequence[str], *, goes_at: str = "", **args: str) -> None:
        self.request = Request({"callerid": number, "uniqueid": "1.7", "language": "th", **args})
        self.keys = list(keys)
        self.goes_at = goes_at
        self.owed = False
        self.heard: list[str] = []
        self.marks: list[str] = []
        self.values: dict[str, str] = {}
        self.pressed = ""
        self.signs = 0

    def tell(self, verb: str, *words: str) -> None:
        """A command whose answer is not waited for: Asterisk takes one such at a time."""
        assert not self.owed
        self.owed = True
        if verb == "SET VARIABLE":
            self.values[words[0]] = words[1]

    async def ask(self, verb: str, *words: str, seconds: float = 0.0) -> Reply:
        self.owed = False
        await asyncio.sleep(0)
        if verb == "SET VARIABLE":
            self.values[words[0]] = words[1]
            self.signs += words[0] == "TIMEOUT(absolute)"
        elif verb == "GET VARIABLE" and words[0] == "HOTLINE_KEYED":
            return Reply(200, "1", self.pressed)
        elif words[0] == "self-sound":
            self.plays(*words[3].split(","))
        elif verb == "GOSUB":
            self.marks.append(words[3])
        return Reply(200, "0")

    async def ask_after(
        self, first: Sequence[str], then: Sequence[str], *, seconds: float
    ) -> Reply:
        await self.ask(*first, seconds=seconds)
        return await self.ask(*then)

    def plays(self, sound: str, _most: str, _any_key: str, wait: str, then: str) -> None:
        """A sound, and keys where they are waited for."""
        assert float(then) < 2  # seconds from its end to our next word
        if sound:
            self.heard.append(sound)
            if sound == self.goes_at:
                raise Gone
        asked = float(wait) > 1
        self.pressed = self.keys.pop(0) if asked and self.keys else ""


async def came(desk: Desk, line: Line) -> str:
    await place.PlaceService(desk).session(line)  # type: ignore[arg-type]
    return line.values["HOTLINE_SELF_NEXT"]


def in_queue(number: str, keys: Sequence[str], **more: str) -> Line:
    return Line(number, keys, arg_1="complaint", arg_2="1795400000", **more)


async def test_the_calling_number_is_said_and_kept_with_the_place():
    desk, line = Desk(), in_queue("0812345678", ["1"])
    assert await came(desk, line) == "goodbye"
    assert line.heard == [
        "hotline/callback-number", *saying.digits("0812345678"), CONFIRM,
        "hotline/callback-moment", "hotline/callback-place-kept",
    ]  # fmt: skip
    assert desk.asked == [CallBack("1.7", "+66812345678", Place("complaint", 1795400000))]
    assert line.marks == ["self_end,callback:asked"]
    assert line.values["HOTLINE_HOURS_IN"] == ""


@pytest.mark.parametrize("number", ["anonymous", "unknown", "+14155550123"])
async def test_who_shows_no_number_of_ours_keys_one(number):
    desk, line = Desk(), in_queue(number, ["0812345678", "1"])
    assert await came(desk, line) == "goodbye"
    assert line.heard[0] == ENTER
    assert [one.number for one in desk.asked] == ["+66812345678"]


@pytest.mark.parametrize(
    ("keys", "faults"),
    [
        (["7", "8", "9"], [wish.WRONG_KEY] * 2),
        ([], [wish.NO_KEY] * 2),
        (["2", "1900111222", "191"], ["hotline/callback-not-thai"]),
        (["2", "", ""], [wish.NO_KEY]),
    ],
)  # fmt: skip
async def test_three_tries_and_back_to_the_queue(keys, faults):
    desk, line = Desk(), in_queue("0812345678", keys)
    assert await came(desk, line) == "queue"
    assert desk.asked == []
    assert line.marks == ["self_end,callback:left"]
    assert [s for s in line.heard if s in set(faults)] == faults
    assert line.heard[-1] == "hotline/callback-not-taken"


@pytest.mark.parametrize(
    ("answer", "outcome", "following"), [(False, "already", "goodbye"), (None, "failed", "queue")]
)
async def test_a_number_that_is_kept_already_and_a_desk_that_cannot(answer, outcome, following):
    line = in_queue("0812345678", ["1"])
    assert await came(Desk(answer), line) == following
    assert line.marks == [f"self_end,callback:{outcome}"]


async def test_while_a_place_is_being_kept_asterisk_is_told_that_we_are_there(monkeypatch):
    """So that a bridge that stands still then costs two seconds, not the desk's whole time."""
    monkeypatch.setattr(session, "ALIVE", 0.001)
    line = in_queue("0812345678", ["1"])

    class SlowDesk(Desk):
        async def call_back(self, wished: CallBack) -> bool:
            while line.signs < 5:  # noqa: ASYNC110  # it counts what is asked of it
                await asyncio.sleep(0)
            return await super().call_back(wished)

    desk = SlowDesk()
    assert await came(desk, line) == "goodbye"
    assert len(desk.asked) == 1
    assert float(line.values["TIMEOUT(absolute)"]) < 2


@pytest.mark.parametrize(
    ("goes_at", "kept"),
    [("hotline/callback-number", 0), (CONFIRM, 0), ("hotline/callback-moment", 1),
     ("hotline/callback-place-kept", 1)],
)  # fmt: skip
async def test_who_hangs_up_has_asked_once_he_has_confirmed(goes_at, kept):
    desk, line = Desk(), in_queue("0812345678", ["1"], goes_at=goes_at)
    with pytest.raises(Gone):
        await came(desk, line)
    assert len(desk.asked) == kept


@pytest.mark.parametrize(("queue", "joined"), [("", "1"), ("complaint", ""), ("a/b", "1")])
async def test_without_a_place_there_is_nothing_to_keep(queue, joined):
    line = Line("0812345678", ["1"], arg_1=queue, arg_2=joined)
    with pytest.raises(place.AgiFault):
        await came(Desk(), line)
