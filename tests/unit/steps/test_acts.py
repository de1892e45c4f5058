"""What an officer declares at the desk, act by act, in the steps of a call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.calls.call import (
    OUTBOUND,
    AgentPart,
    Consultation,
    ConsultationOutcome,
    Gap,
    Mark,
    Transfer,
    TransferKind,
    TransferOutcome,
)
from ivr.steps.timeline import timeline
from tests.unit.steps.test_timeline import DIRECTORY, STANDARDS, S, answered, at, call, steps

ACTS = ("form_opened", "informed", "enquire_begin", "enquire_end", "logged")


def act(name: str, seconds: float, by: str = "1001") -> Mark:
    return Mark(name, at(seconds), "", by)


def talked(*marks: Mark, until: float | None = 400, queue: str = "information", **changes):
    end = None if until is None else at(until)
    made = {"passages": [answered(queue)], "agents": [AgentPart("1001", at(40), end)]}
    return call(**{**made, **changes}, marks=list(marks))


def all_of(made, step: str):
    return [
        (
            (s.started_at - at(0)) / S,
            None if s.ended_at is None else (s.ended_at - at(0)) / S,
            None if s.elapsed is None else s.elapsed / S,
            s.evidence.value,
        )
        for s in timeline(made, DIRECTORY, STANDARDS)
        if s.step == step
    ]


# log


def test_log_ends_when_the_record_is_saved():
    assert steps(talked(act("logged", 460)))["log"] == (400, 460, 60, "within", "declared")


def test_a_record_saved_too_late_is_over():
    assert steps(talked(act("logged", 701)))["log"] == (400, 701, 301, "over", "declared")


def test_a_record_saved_while_the_officer_still_spoke_took_no_time():
    assert steps(talked(act("logged", 300)))["log"] == (400, 400, 0, "within", "declared")
    assert "log" not in steps(talked(act("logged", 300), until=None))


def test_a_corrected_record_was_saved_when_it_was_saved_first():
    made = talked(act("logged", 900), act("logged", 460))
    assert steps(made)["log"][1] == 460


def test_of_two_officers_the_one_who_was_there_last_ends_the_log():
    agents = [AgentPart("1001", at(40), at(100)), AgentPart("1003", at(101), at(400))]
    first = talked(act("logged", 410, "1001"), agents=agents)
    assert steps(first)["log"][:3] == (400, None, None)
    both = talked(act("logged", 410, "1001"), act("logged", 450, "1003"), agents=agents)
    assert steps(both)["log"][:3] == (400, 450, 50)


def test_somebody_without_a_part_may_save_the_record_for_the_officer():
    assert steps(talked(act("logged", 430, "9000")))["log"][:3] == (400, 430, 30)


def test_one_record_ends_the_log_of_every_stage_of_its_officer():
    made = call(
        passages=[answered(), answered("information", 200, 220)],
        agents=[AgentPart("1001", at(40), at(190)), AgentPart("1001", at(220), at(300))],
        marks=[act("logged", 340)],
    )
    assert all_of(made, "log") == [(190, 340, 150, "declared"), (300, 340, 40, "declared")]


def test_a_record_saved_before_the_caller_came_again_does_not_log_what_came_then():
    made = call(
        passages=[answered(), answered("information", 200, 220)],
        agents=[AgentPart("1001", at(40), at(190)), AgentPart("1001", at(220), at(300))],
        marks=[act("logged", 195)],
    )
    assert [entry[:3] for entry in all_of(made, "log")] == [(190, 195, 5), (300, None, None)]


def test_what_was_not_heard_after_the_officer_had_left_does_not_blur_a_saved_log():
    after = talked(act("logged", 460), gaps=[Gap(at(420), at(430))])
    assert steps(after)["log"][4] == "declared"
    around = talked(act("logged", 460), gaps=[Gap(at(390), at(410))])
    assert steps(around)["log"][4] == "unknown"


# receive


def test_receive_ends_when_the_form_is_opened():
    made = talked(act("form_opened", 130), queue="complaint")
    assert steps(made)["receive"] == (40, 130, 90, "within", "declared")


def test_without_a_form_receive_stays_open_when_the_officer_has_gone():
    assert steps(talked(queue="complaint"))["receive"] == (40, None, None, "open", "observed")


def test_a_form_opened_after_the_call_ends_receive_then():
    made = talked(act("form_opened", 700), queue="complaint")
    assert steps(made)["receive"] == (40, 700, 660, "over", "declared")


def test_a_form_opened_during_the_greeting_took_no_time():
    marks = [Mark("greeting_end", at(45)), act("form_opened", 43)]
    made = talked(*marks, queue="complaint", agents=[AgentPart("1001", at(46), at(400))])
    assert steps(made)["receive"][:3] == (45, 45, 0)


# inform


def test_inform_ends_when_the_officer_says_so():
    assert steps(talked(act("informed", 100)))["inform"] == (40, 100, 60, "within", "declared")
    live = talked(act("informed", 100), until=None)
    assert steps(live)["inform"] == (40, 100, 60, "within", "declared")


def test_informed_counts_for_nothing_once_the_officer_asks_an_agency_after_it():
    asked = [
        Consultation("1001", "2001", "dit", at(150), at(160), at(200), ConsultationOutcome.RETURNED)
    ]
    made = talked(act("informed", 100), consultations=asked)
    assert steps(made)["inform"] == (40, 400, 110 + 200, "over", "observed")
    again = talked(act("informed", 100), act("informed", 250), consultations=asked)
    assert steps(again)["inform"] == (40, 250, 110 + 50, "within", "declared")


def test_informed_counts_for_nothing_once_another_officer_takes_over():
    agents = [AgentPart("1001", at(40), at(120)), AgentPart("1003", at(121), at(200))]
    assert steps(talked(act("informed", 100), agents=agents))["inform"][1:3] == (200, 80 + 79)


def test_informed_after_the_officers_part_tells_nothing_new():
    assert steps(talked(act("informed", 420)))["inform"] == (40, 400, 360, "over", "observed")


def test_informed_while_the_agency_is_asked_ends_inform_there():
    asked = [
        Consultation("1001", "2001", "dit", at(90), at(95), at(200), ConsultationOutcome.RETURNED)
    ]
    made = talked(act("informed", 150), consultations=asked)
    assert steps(made)["inform"][:3] == (40, 150, 50)


def test_a_transfer_after_informed_leaves_inform_where_it_ended():
    handed = [
        Transfer(TransferKind.BLIND, "1001", "2001", "dit", at(200), at(210), at(210),
                 TransferOutcome.ANSWERED)
    ]  # fmt: skip
    made = talked(act("informed", 150), until=200, transfers=handed)
    assert steps(made)["inform"][:3] == (40, 150, 110)


# enquire


def test_an_agency_asked_by_other_means_is_an_enquiry_and_no_part_of_inform():
    made = talked(act("enquire_begin", 100), act("enquire_end", 220))
    assert steps(made)["enquire"] == (100, 220, 120, "within", "declared")
    assert steps(made)["inform"] == (40, 400, 60 + 180, "within", "declared")


def test_an_enquiry_goes_on_until_its_answer():
    made = talked(act("enquire_begin", 100), until=None)
    assert steps(made)["enquire"] == (100, None, None, "open", "declared")
    assert steps(made)["inform"][:3] == (40, None, None)


def test_an_enquiry_without_an_answer_ends_with_the_officers_part_and_says_so():
    assert steps(talked(act("enquire_begin", 100)))["enquire"] == (
        100, 400, 300, "within", "inferred",
    )  # fmt: skip


def test_asking_elsewhere_ends_the_enquiry_before():
    made = talked(act("enquire_begin", 100), act("enquire_begin", 150), act("enquire_end", 170))
    assert all_of(made, "enquire") == [(100, 150, 50, "inferred"), (150, 170, 20, "declared")]


def test_an_agency_asked_after_the_call_is_an_enquiry_until_it_answers():
    made = talked(act("enquire_begin", 500), act("enquire_end", 560))
    assert steps(made)["enquire"][:3] == (500, 560, 60)
    assert steps(made)["inform"][:3] == (40, 400, 360)


def test_an_enquiry_that_the_telephone_shows_too_is_timed_by_the_telephone():
    asked = [
        Consultation("1001", "2001", "dit", at(105), at(110), at(200), ConsultationOutcome.RETURNED)
    ]
    made = talked(act("enquire_begin", 100), act("enquire_end", 205), consultations=asked)
    assert all_of(made, "enquire") == [(105, 200, 95, "observed")]


def test_an_answer_to_nothing_is_no_enquiry():
    assert "enquire" not in steps(talked(act("enquire_end", 100)))


# outbound


def test_a_call_back_has_a_log_and_nothing_else():
    parts = [AgentPart("1001", at(20), at(100))]
    made = call(direction=OUTBOUND, agents=parts, marks=[act("logged", 130)])
    assert steps(made) == {"log": (100, 130, 30, "within", "declared")}
    assert steps(call(direction=OUTBOUND)) == {}


# whatever is declared

moments = st.floats(0, 1200).map(lambda x: round(x, 3))
acts = st.lists(
    st.builds(act, st.sampled_from(ACTS), moments, st.sampled_from(["1001", "1003", "9000"])),
    max_size=12,
)


@pytest.mark.parametrize("queue", ["information", "complaint"])
@given(marks=acts, until=st.one_of(st.none(), st.floats(60, 900)), moved=st.booleans())
def test_no_act_makes_a_step_run_backwards_or_last_longer_than_its_span(queue, marks, until, moved):
    agents = [AgentPart("1001", at(40), None if until is None else at(until))]
    if moved and until is not None:
        agents.append(AgentPart("1003", at(until + 1), at(until + 200)))
    made = talked(*marks, queue=queue, agents=agents)
    for step in timeline(made, DIRECTORY, STANDARDS):
        assert (step.state == "open") <= (step.ended_at is None)
        if step.ended_at is not None:
            assert step.elapsed is not None
            assert 0 <= step.elapsed <= step.ended_at - step.started_at


@given(marks=acts.map(lambda some: list({m.at: m for m in some}.values())))
def test_the_order_in_which_acts_were_heard_does_not_matter(marks):
    made, turned = talked(*marks), talked(*reversed(marks))
    assert timeline(made, DIRECTORY, STANDARDS) == timeline(turned, DIRECTORY, STANDARDS)


@given(marks=acts)
def test_acts_leave_the_observed_steps_as_they_are(marks):
    assert steps(talked(*marks))["greet"] == steps(talked())["greet"]
