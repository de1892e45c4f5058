"""What an officer declares at the desk, told in words."""

from __future__ import annotations

import pytest

from crm_bridge.commands.story import tell
from crm_bridge.commands.words import Lang
from crm_bridge.desk.pop import view_of
from crm_bridge.web.wrapups import story
from ivr.calls.call import Mark, Transfer, TransferKind, TransferOutcome
from ivr.events.markers import DECLARED
from ivr.steps.standards import load_standards
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


@pytest.mark.parametrize("name", ["priority", "refused", "known", "announced", "self_end", "wait"])
@pytest.mark.parametrize("value", ["", "vip", "10:vip:r1", "a:b:c:d"])
def test_a_mark_of_any_value_fails_no_page(name, value):
    """The dialplan is the site's own: what it says may be anything."""
    call = served(1, START)
    call.marks = [Mark(name, START, value)]
    assert list(story.story(call, lambda _, target: target, supervised=False))
    view = view_of(call, "1001", [], load_standards(), None)
    assert view.priority == {"10:vip:r1": "vip", "a:b:c:d": "b"}.get(
        value if name == "priority" else "", ""
    )


@pytest.mark.parametrize("outcome", [*TransferOutcome, None])
def test_what_came_of_a_transfer_is_told_also_where_it_is_unknown(outcome):
    call = served(1, START)
    answered = START + 5 if outcome is TransferOutcome.ANSWERED else None
    call.transfers = [
        Transfer(TransferKind.BLIND, "1001", "2001", None, START + 4, answered, START + 5, outcome)
    ]
    for lang in Lang:
        assert len([m for m in tell(call, lang, {}) if "2001" in m.what]) == 2
    [handed] = [m for m in story.story(call, lambda _, to: to) if m.en == "Transferred to"]
    assert handed.came_of_it is not None
    assert (handed.came_of_it == ("ไม่ทราบผล", "not known")) == (outcome is None)
    call.transfers[0].ended_at = None
    call.transfers[0].outcome = None
    [handed] = [m for m in story.story(call, lambda _, to: to) if m.en == "Transferred to"]
    assert handed.came_of_it is None
