"""What a screen says of a call at a moment of it: who, waited, steps, whom the officer asks."""

from __future__ import annotations

import json

from crm_bridge.desk.board import TO_FINISH, Board
from crm_bridge.desk.pop import CallView, Stage
from crm_bridge.desk.url_pop import address
from crm_bridge.live.hub import Hub
from crm_bridge.pipeline import NodePipeline
from crm_bridge.web.agent.screen import Screen
from ivr.calls.call import Mark
from ivr.steps.standards import load_standards
from tests.support.scenario import config_of, messages_of


def shown(name: str, stage: Stage, agent: str = "1001") -> tuple[CallView, Board]:
    """The first view of this stage, and the board at that moment."""
    node, messages = messages_of(name)
    config = config_of(name)
    board = Board(Hub(), config.directory(), load_standards())
    pipeline = NodePipeline(node, config.directory(), load_standards(), None)
    pipeline.on_change = board.changed
    for raw, arrived in messages:
        pipeline.take(raw, arrived)
        found = [view for view in board.desk(agent) if view.stage is stage]
        if found:
            return found[0], board
    raise AssertionError(f"{name}: {agent} never was {stage}")


def test_a_ringing_call_says_who_what_and_since_when():
    view, _ = shown("answered_served", Stage.RINGING)
    assert (view.presented, view.e164, view.name) == ("0812345678", "+66812345678", "สมชาย ใจดี")
    assert (view.menu, view.service, view.queue) == ((("main", "2"),), "information", "information")
    assert view.rang_at is not None
    assert view.waiting_since < view.rang_at
    assert [s.state for s in view.steps] == ["open", *["coming"] * 4]
    assert view.level is None, "nobody has looked the caller up yet"


def test_a_withheld_caller_has_neither_number_nor_name():
    for name in ("withheld", "withheld_asserted"):
        view, _ = shown(name, Stage.RINGING)
        assert (view.presented, view.e164, view.name, view.level) == (None, None, None, "withheld")


def test_giving_information_rests_while_an_agency_is_asked():
    view, _ = shown("consult_return", Stage.CONSULTING)
    steps = {step.step: step for step in view.steps}
    assert steps["enquire"].state == "open"
    assert steps["enquire"].since is not None
    assert (steps["inform"].state, steps["inform"].since) == ("rests", None)
    assert view.other is not None
    assert (view.other.agency, view.other.kind) == ("dit", "consult")


def test_a_saved_record_takes_the_call_off_the_screen():
    view, board = shown("answered_served", Stage.WRAPUP)
    call, _ = board.live()[0]
    assert view.released_at is not None
    call.marks.append(Mark("logged", view.released_at + 60_000_000, "", "1001"))
    board.amended(call)
    assert board.desk("1001") == []


def test_only_the_last_few_calls_wait_on_the_screen():
    board = Board(Hub(), config_of("ours").directory(), load_standards())
    for n in range(TO_FINISH + 4):
        node, messages = messages_of("answered_served")
        pipeline = NodePipeline(f"{node}{n}", config_of("ours").directory(), load_standards(), None)
        pipeline.on_change = board.changed
        for raw, arrived in messages:
            pipeline.take(raw, arrived)
            board.flush()
    assert TO_FINISH <= len(board.desk("1001")) <= TO_FINISH + 1


def test_an_address_elsewhere_takes_no_text_as_its_own():
    view, _ = shown("answered_served", Stage.RINGING)
    template = "https://crm.example/?tel={e164}&who={name}&call={call_id}"
    found = address(template, view)
    assert found.startswith("https://crm.example/?tel=%2B66812345678&who=%E0")
    assert found.count("&") == 2
    hidden, _ = shown("withheld", Stage.RINGING)
    assert "tel=&who=&call=" in address(template, hidden)


def test_a_caller_who_was_put_first_is_shown_so_and_why():
    view, board = shown("answered_served", Stage.RINGING)
    assert view.priority == ""
    call, _ = board.live()[0]
    screen = Screen(config_of("answered_served"))
    before = json.dumps(screen.call(view, "en"), default=str)
    call.marks.append(Mark("priority", call.entered_at, "10:vulnerable:4711"))
    board.amended(call)
    board.flush()
    (now,) = board.desk("1001")
    assert now.priority == "vulnerable"
    for lang, word in (("th", "กลุ่มเปราะบาง"), ("en", "Vulnerable")):
        html = json.dumps(screen.call(now, lang), ensure_ascii=False, default=str)
        assert word in html
        assert word not in before
