"""A caller out of hours leaves a message: what he hears, what is kept, whatever he does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest

from ivr.selfservice import closed, saying
from ivr.selfservice.agi import Reply
from ivr.selfservice.port import CallBack, Message, Shut, Unanswered
from ivr.selfservice.server import Gone
from ivr.steps.standards import OFFICE_ZONE
from tests.unit.selfservice.test_wish import Desk as CallBackDesk
from tests.unit.selfservice.test_wish import Line

EVENING = dt.datetime(2026, 11, 27, 18, 0, tzinfo=OFFICE_ZONE)
CONFIRM = ["hotline/callback-number", *saying.digits("0812345678"), "hotline/callback-confirm"]


class Desk(CallBackDesk):
    """A closed office; what it makes of a message is `keeps`: None, it cannot say."""

    takes_messages = True

    def __init__(self, keeps: bool | None = True) -> None:
        super().__init__()
        self.keeps = keeps
        self.kept: list[Message] = []

    def shut(self) -> Shut | None:
        return Shut("closure", EVENING, None)

    async def keep_message(self, message: Message) -> bool:
        self.kept.append(message)
        if self.keeps is None:
            raise Unanswered
        return self.keeps


class Speaker(Line):
    """A caller who speaks when he is to; `status` is what Asterisk says of each recording."""

    def __init__(self, keys: Sequence[str], *, status: str = "DTMF", number: str = "0812345678",
                 goes_at: str = "") -> None:  # fmt: skip
        super().__init__(number, keys, goes_at=goes_at)
        self.status = status

    async def ask(self, verb: str, *words: str, seconds: float = 0.0) -> Reply:
        if words[0] == "RECORD_STATUS":
            return Reply(200, "1", self.status)
        if verb == "GOSUB" and words[1] in {"message", "hear"}:
            assert seconds >= closed.SPOKEN  # so long he may speak
            assert 0 < float(words[3].rpartition(",")[2]) < 2  # and then it is our turn
            self.heard.append(words[1])
            if self.goes_at == words[1]:
                raise Gone
            return Reply(200, "0")
        return await super().ask(verb, *words, seconds=seconds)


async def after_two(desk: Desk, line: Speaker) -> tuple[list[str], list[str], str]:
    """What was heard and marked once he pressed 2, and where he goes."""
    await closed.HoursService(desk).session(line)  # type: ignore[arg-type]
    return told(line)


def told(line: Speaker) -> tuple[list[str], list[str], str]:
    heard = line.heard[line.heard.index("hotline/message-speak") :]
    marks = [mark.removeprefix("self_end,") for mark in line.marks if "self_end" in mark]
    return heard, marks, line.values.get("HOTLINE_SELF_NEXT", "")


@pytest.mark.parametrize("last", ["1", "#", ""])
async def test_it_is_kept_also_where_no_key_says_so(last):
    desk = Desk()
    heard, marks, following = await after_two(desk, Speaker(["2", last]))
    assert heard == [
        "hotline/message-speak", "message", "hotline/message-choose", "hotline/callback-moment",
        "hotline/message-kept",
    ]  # fmt: skip
    assert (marks, following) == (["voicemail:kept"], "goodbye")
    assert desk.kept == [Message("1.7", "+66812345678")]


async def test_it_is_heard_and_spoken_again():
    heard, *_ = await after_two(Desk(), Speaker(["2", "2", "3", "1"]))
    assert [s for s in heard if s in {"message", "hear"}] == ["message", "hear", "message"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("777", ["message"]),
        ("222", ["message", "hear", "hear", "hear"]),
        ("223", ["message", "hear", "hear", "message"]),  # he is not content with the first
        ("73223", ["message", "message", "hear", "hear", "message"]),
        ("333", ["message"] * 4),
        ("3333", ["message"] * 4),  # the last is kept unasked
    ],
)
async def test_who_presses_on_and_on_leaves_the_last_that_he_spoke(keys, said):
    desk = Desk()
    heard, marks, _ = await after_two(desk, Speaker(["2", *keys]))
    assert [s for s in heard if s in {"message", "hear"}] == said
    assert marks == ["voicemail:kept"]
    assert len(desk.kept) == 1


async def test_a_withheld_or_foreign_number_is_none():
    for number in ("anonymous", "+14155550123"):
        desk = Desk()
        await after_two(desk, Speaker(["2", "1"], number=number))
        assert desk.kept == [Message("1.7", None)]


async def test_where_nothing_was_said_the_offer_comes_again():
    heard, marks, following = await after_two(Desk(keeps=False), Speaker(["2", "1"]))
    assert "hotline/message-empty" in heard
    assert heard[heard.index("hotline/message-empty") + 1] == "hotline/closed-call-back"
    assert (marks, following) == (["voicemail:empty"], "goodbye")


@pytest.mark.parametrize("status", ["ERROR", "", "SKIP", "OPERATOR"])
async def test_a_line_that_cannot_record_asks_where_to_call_back(status):
    desk = Desk()
    heard, marks, following = await after_two(desk, Speaker(["2", "1"], status=status))
    assert heard[:2] == ["hotline/message-speak", "message"]
    assert heard[2 : 3 + len(CONFIRM)] == ["hotline/message-not-kept", *CONFIRM]
    assert (marks, following) == (["voicemail:failed", "callback:asked"], "goodbye")
    assert desk.kept == []
    assert desk.asked == [CallBack("1.7", "+66812345678", None)]


async def test_a_desk_that_cannot_keep_it_asks_where_to_call_back():
    heard, marks, _ = await after_two(Desk(keeps=None), Speaker(["2", "1", "1"]))
    assert "hotline/message-not-kept" in heard
    assert marks == ["voicemail:failed", "callback:asked"]


@pytest.mark.parametrize("where", ["message", "hear", "hotline/message-choose",
                                   "hotline/callback-moment"])  # fmt: skip
async def test_what_was_spoken_is_kept_of_who_hangs_up(where):
    desk = Desk()
    line = Speaker(["2", "2", "1"], goes_at=where)
    with pytest.raises(Gone):
        await after_two(desk, line)
    assert desk.kept
    assert told(line)[1] == []  # the dialplan marks that he hung up


async def test_who_hangs_up_before_he_speaks_leaves_nothing():
    desk = Desk()
    with pytest.raises(Gone):
        await after_two(desk, Speaker(["2"], goes_at="hotline/message-speak"))
    assert desk.kept == []


async def test_without_a_key_nobody_is_asked_for_a_message():
    desk = Desk()
    desk.takes_messages = False
    line = Speaker(["2"])
    await closed.HoursService(desk).session(line)  # type: ignore[arg-type]
    assert "hotline/closed-message" not in line.heard
    assert "wrong_key,closed:2" in line.marks
