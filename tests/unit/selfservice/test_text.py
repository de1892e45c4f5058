"""The guide's address by text message: what a caller hears, and what is sent."""

from __future__ import annotations

import pytest

from ivr.selfservice import saying, text
from ivr.selfservice.port import TextRequest, Unanswered
from ivr.selfservice.server import Gone
from tests.unit.selfservice.test_wish import Line

ASKED = ["hotline/text-number", *saying.digits("0812345678"), "hotline/text-confirm"]


class Desk:
    """Sends to Thai mobiles; None: it cannot say whether it did."""

    def __init__(self, answer: bool | None = True) -> None:
        self.answer = answer
        self.asked: list[TextRequest] = []

    def mobile(self, number: str) -> tuple[str, str] | None:
        return ("+66" + number[1:], number) if number.startswith("08") else None

    async def send(self, request: TextRequest) -> bool:
        self.asked.append(request)
        if self.answer is None:
            raise Unanswered
        return self.answer


async def told(desk: Desk, line: Line) -> tuple[list[str], list[str], str]:
    await text.TextService(desk).session(line)  # type: ignore[arg-type]
    assert line.values["HOTLINE_SELF_OPEN"] == ""
    assert line.values["HOTLINE_SELF_NEXT"] == "guide"
    return line.heard, line.marks, line.values["HOTLINE_SELF"]


@pytest.mark.parametrize(
    ("answer", "outcome", "says"),
    [(True, "sent", "hotline/text-sent"), (False, "already", "hotline/text-already"),
     (None, "failed", "hotline/text-not-sent")],
)  # fmt: skip
async def test_it_is_sent_where_the_number_is_accepted(answer, outcome, says):
    desk = Desk(answer)
    heard = await told(desk, Line("0812345678", ["1"]))
    assert heard == ([*ASKED, says], [f"self_end,text:{outcome}"], outcome)
    assert desk.asked == [TextRequest("1.7", "+66812345678", "th")]


@pytest.mark.parametrize("number", ["025074444", "anonymous", "+14155550123", ""])
async def test_it_goes_to_no_other_telephone(number):
    desk = Desk()
    heard, marks, _ = await told(desk, Line(number, ["1"]))
    assert (heard, marks) == (["hotline/text-no-mobile"], ["self_end,text:no_mobile"])
    assert desk.asked == []


@pytest.mark.parametrize(
    ("keys", "heard"),
    [
        (["2"], ASKED),
        (["", ""], [*ASKED, "hotline/no-key", *ASKED]),
        (["7", "0"], [*ASKED, "hotline/wrong-key", *ASKED]),
    ],
)
async def test_nothing_is_sent_that_was_not_accepted(keys, heard):
    desk = Desk()
    assert await told(desk, Line("0812345678", keys)) == (
        heard, ["self_end,text:declined"], "declined",
    )  # fmt: skip
    assert desk.asked == []


async def test_a_wrong_key_is_asked_again():
    heard, *_ = await told(Desk(), Line("0812345678", ["7", "1"]))
    assert heard == [*ASKED, "hotline/wrong-key", *ASKED, "hotline/text-sent"]


async def test_who_hangs_up_while_it_is_said_has_it_marked_as_sent():
    line = Line("0812345678", ["1"], goes_at="hotline/text-sent")
    with pytest.raises(Gone):
        await told(Desk(), line)
    assert line.marks == ["self_end,text:sent"]
