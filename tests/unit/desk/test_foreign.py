"""What other CRMs say of a caller: beside the card, through refreshes, after the call."""

from __future__ import annotations

from crm_bridge.delivery.findings import Finding, State
from crm_bridge.desk.board import Board, topic_of
from crm_bridge.desk.card import Card, Question
from crm_bridge.desk.pop import CallView, Stage
from crm_bridge.live.hub import Hub
from crm_bridge.people.matching import Match
from crm_bridge.pipeline import NodePipeline
from ivr.steps.standards import load_standards
from tests.support.caller_book import contact
from tests.support.scenario import config_of, messages_of

FOUND = Finding("office", "odoo", State.FOUND, (contact(),))
LATE = Finding("office", "odoo", State.LATE)
ELSEWHERE = Finding("branch", "rt", State.NONE)
NOBODY = Match("new", "+66812345678", (), (), None, (), None)


class Played:
    """A recorded call on a board, and what the board asked."""

    def __init__(self, name: str) -> None:
        node, self._messages = messages_of(name)
        config = config_of(name)
        self.hub = Hub()
        self.board = Board(self.hub, config.directory(), load_standards())
        self.asked: list[Question] = []
        self.rang: list[str] = []
        self.cards: list[Question] = []
        self.board.ask_others = self.asked.append
        self.board.rings = self.rang.append
        self.board.ask = self.cards.append
        self._pipeline = NodePipeline(node, config.directory(), load_standards(), None)
        self._pipeline.on_change = self.board.changed
        self._left = iter(self._messages)

    def until(self, stage: Stage, agent: str = "1001") -> CallView:
        for raw, arrived in self._left:
            self._pipeline.take(raw, arrived)
            found = [view for view in self.board.desk(agent) if view.stage is stage]
            if found:
                return found[0]
        raise AssertionError(f"never {stage}")

    def end(self) -> None:
        for raw, arrived in self._left:
            self._pipeline.take(raw, arrived)
        self.board.flush()

    def found(self, agent: str = "1001") -> tuple[Finding, ...]:
        return self.board.desk(agent)[0].found


def test_the_others_are_asked_once_when_the_caller_enters_and_told_whose_telephone_rings():
    played = Played("answered_served")
    call_id = played.until(Stage.RINGING).call_id
    assert [(q.e164, q.withheld) for q in played.asked] == [("+66812345678", False)]
    assert played.rang == [call_id]
    played.board.refresh([call_id])
    played.until(Stage.WRAPUP)
    assert (len(played.asked), len(played.cards), len(played.rang)) == (1, 2, 1)


def test_a_withheld_number_is_asked_for_as_such():
    played = Played("withheld")
    played.until(Stage.RINGING)
    assert [q.withheld for q in played.asked] == [True]


def test_what_was_found_before_the_telephone_rings_is_in_the_pop():
    played = Played("answered_served")
    for raw, arrived in played._left:
        played._pipeline.take(raw, arrived)
        if played.asked:
            break
    played.board.foreign(played.asked[0].call_id, FOUND)
    view = played.until(Stage.RINGING)
    assert view.found == (FOUND,)


def test_what_is_late_is_an_update_and_stays_when_our_own_card_is_made_anew():
    played = Played("answered_served")
    call_id = played.until(Stage.RINGING).call_id
    listener = played.hub.listen([topic_of("1001")])
    played.board.foreign(call_id, LATE)
    assert played.found() == (LATE,)
    played.board.foreign(call_id, FOUND)
    played.board.foreign(call_id, ELSEWHERE)
    assert played.found() == (ELSEWHERE, FOUND), "one line a CRM, in an order that stays"
    played.board.card(call_id, Card(NOBODY))
    assert played.found() == (ELSEWHERE, FOUND)
    told = listener.take()
    assert told is not None
    assert told.data["view"].found == (ELSEWHERE, FOUND)
    played.board.foreign(call_id, FOUND)
    played.board.flush()
    assert listener.take() is None, "the same again is told to nobody"


def test_an_answer_that_comes_after_the_call_is_on_the_screen_of_who_writes_the_record():
    played = Played("answered_served")
    played.until(Stage.WRAPUP)
    played.end()
    view = played.board.desk("1001")[0]
    played.board.foreign(view.call_id, LATE)
    played.board.foreign(view.call_id, FOUND)
    assert played.found() == (FOUND,)
    played.board.reseated("1001")
    assert played.board.desk("1001") == []


def test_of_a_call_that_is_gone_nothing_is_kept():
    played = Played("ring_no_answer")
    start = played.hub.last_id
    call_id = played.until(Stage.RINGING).call_id
    played.board.foreign(call_id, FOUND)
    played.board.flush()
    played.end()
    assert played.board.desk("1001") == []
    kept = played.hub.listen([topic_of("1001")], start).take()
    assert kept is not None
    assert (kept.data["view"].stage, kept.data["view"].found) == (Stage.GONE, ())
    played.board.foreign(call_id, FOUND)
    assert played.board.desk("1001") == []
