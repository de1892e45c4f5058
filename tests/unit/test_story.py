"""What an officer declares at the desk, told in words."""

from __future__ import annotations

import pytest

from crm_bridge.commands.story import tell
from crm_bridge.commands.words import Lang
from ivr.calls.call import Mark
from ivr.events.markers import DECLARED
from tests.support.desk_calls import served
from tests.support.records import START


@pytest.mark.parametrize("lang", list(Lang))
def test_what_the_desk_says_of_a_call_is_told_in_words(lang: Lang):
    call = served(1, START)
    call.marks = [
        Mark(name, START + number, "dit" if name == "enquire_begin" else "", "1001")
        for number, name in enumerate((*DECLARED, "callback"))
    ]
    story = tell(call, lang, {"dit": "กรมการค้าภายใน"})
    told = [moment.what for moment in story if moment.quiet and moment.actor == "1001"]
    assert len(told) == len(call.marks)
    for mark, what in zip(call.marks, told, strict=True):
        assert mark.name not in what
        assert what.strip() == what
    assert any("กรมการค้าภายใน" in what for what in told)
