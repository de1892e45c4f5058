"""Rules of timing that no captured call shows at its length: minutes, gaps, standards by date."""

from datetime import date

import pytest

from ivr.calls.call import (
    AgentPart,
    Attempt,
    AttemptOutcome,
    Call,
    Consultation,
    ConsultationOutcome,
    Evidence,
    Gap,
    Hold,
    Mark,
    Outcome,
    PassageOutcome,
    QueuePassage,
    Transfer,
    TransferKind,
    TransferOutcome,
)
from ivr.calls.directory import Agency, Directory
from ivr.steps.standards import load_standards
from ivr.steps.timeline import timeline
from ivr.steps.verdict import verdict

S = 1_000_000
START = 1_795_400_000 * S
STANDARDS = load_standards()
DIRECTORY = Directory(
    services={"information": "information", "complaint": "complaint"},
    agent_patterns=("PJSIP/1[0-9][0-9][0-9]",),
    agencies=(Agency("dit", numbers=("2001",)),),
)


def at(seconds: float) -> int:
    return START + int(seconds * S)


def call(**changes: object) -> Call:
    made = Call("pbx1-1.1", "pbx1", ["1.1"], "1203", at(0))
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def answered(queue: str = "information", joined: float = 10, answer: float = 40) -> QueuePassage:
    return QueuePassage(
        queue, at(joined), at(answer), PassageOutcome.ANSWERED, 1,
        [Attempt("1001", at(answer - 5), at(answer), AttemptOutcome.ANSWERED)],
    )  # fmt: skip


def steps(made: Call):
    return {
        s.step: (
            (s.started_at - START) / S,
            None if s.ended_at is None else (s.ended_at - START) / S,
            None if s.elapsed is None else s.elapsed / S,
            s.state,
            s.evidence.value,
        )
        for s in timeline(made, DIRECTORY, STANDARDS)
    }


def test_greet_ends_at_the_greeting_marker_and_tells_its_parts():
    made = call(
        passages=[answered()],
        agents=[AgentPart("1001", at(46), at(100))],
        marks=[Mark("greeting_end", at(20)), Mark("greeting_end", at(45))],
        ended_at=at(100),
    )
    greet = timeline(made, DIRECTORY, STANDARDS)[0]
    assert greet.ended_at == at(45)
    assert greet.parts == {"waiting": 25 * S, "ringing": 5 * S, "greeting": 5 * S}


def test_without_a_marker_greet_ends_at_the_answer_itself():
    made = call(passages=[answered()], agents=[AgentPart("1001", at(41), at(100))])
    assert steps(made)["greet"][:3] == (10, 40, 30)


def test_a_wait_past_five_minutes_is_over_whether_or_not_it_was_answered():
    made = call(passages=[answered(answer=311)], agents=[AgentPart("1001", at(311), None)])
    assert steps(made)["greet"] == (10, 311, 301, "over", "observed")
    left = QueuePassage("information", at(10), at(311), PassageOutcome.ABANDONED)
    gone = call(passages=[left], ended_at=at(311), outcome=Outcome.ABANDONED_QUEUE)
    assert steps(gone) == {"greet": (10, None, 301, "over", "observed")}


def test_a_shorter_unanswered_wait_stays_open():
    left = QueuePassage("information", at(10), at(100), PassageOutcome.ABANDONED)
    gone = call(passages=[left], ended_at=at(100), outcome=Outcome.ABANDONED_QUEUE)
    assert steps(gone) == {"greet": (10, None, None, "open", "observed")}


def test_inform_goes_on_after_an_enquiry_and_counts_its_spans_only():
    made = call(
        passages=[answered()],
        agents=[AgentPart("1001", at(40), at(400))],
        holds=[Hold("1001", at(100), at(203))],
        consultations=[
            Consultation("1001", "2001", "dit", at(101), at(110), at(200),
                         ConsultationOutcome.RETURNED)
        ],
    )  # fmt: skip
    found = steps(made)
    assert found["enquire"] == (101, 203, 102, "within", "observed")
    assert found["inform"] == (40, 400, 61 + 197, "within", "observed")
    assert found["log"] == (400, None, None, "open", "observed")


def test_a_consultation_still_going_on_leaves_inform_and_enquire_open():
    made = call(
        passages=[answered()],
        agents=[AgentPart("1001", at(40), None)],
        holds=[Hold("1001", at(100), None)],
        consultations=[Consultation("1001", "2001", "dit", at(101))],
    )
    found = steps(made)
    assert found["enquire"][1:4] == (None, None, "open")
    assert found["inform"][1:4] == (None, None, "open")
    assert "log" not in found


def test_a_transfer_slower_than_a_minute_is_over():
    made = call(
        passages=[answered()],
        agents=[AgentPart("1001", at(40), at(60))],
        transfers=[
            Transfer(TransferKind.BLIND, "1001", "2001", "dit", at(60), at(121), at(121),
                     TransferOutcome.ANSWERED)
        ],
    )  # fmt: skip
    assert steps(made)["transfer"] == (60, 121, 61, "over", "observed")


@pytest.mark.parametrize("target", ["1002", "6001", "6100"])
def test_handing_on_within_the_house_is_no_step(target):
    made = call(
        passages=[answered()],
        agents=[AgentPart("1001", at(40), at(60))],
        transfers=[Transfer(TransferKind.BLIND, "1001", target, None, at(60), at(70), at(70),
                            TransferOutcome.ANSWERED)],
        consultations=[Consultation("1001", target, None, at(50), None, at(55),
                                    ConsultationOutcome.CANCELLED)],
    )  # fmt: skip
    assert set(steps(made)) == {"greet", "inform", "log"}


def test_without_configured_agencies_an_unknown_target_is_taken_for_one():
    directory = Directory(services={"q": "information"}, agent_patterns=("PJSIP/1[0-9][0-9][0-9]",))
    made = call(
        passages=[answered("q")],
        agents=[AgentPart("1001", at(40), at(60))],
        transfers=[Transfer(TransferKind.BLIND, "1001", "025474000", None, at(60), at(70), at(70),
                            TransferOutcome.ANSWERED)],
    )  # fmt: skip
    assert "transfer" in {s.step for s in timeline(made, directory, STANDARDS)}


def test_joining_a_queue_after_an_answer_begins_a_stage_anew():
    made = call(
        passages=[answered(), answered("complaint", 100, 130)],
        agents=[AgentPart("1001", at(40), at(100)), AgentPart("1001", at(130), at(200))],
    )
    found = [
        (s.step, s.service, (s.started_at - START) / S)
        for s in timeline(made, DIRECTORY, STANDARDS)
    ]
    assert found == [
        ("greet", "information", 10),
        ("inform", "information", 40),
        ("log", "information", 100),
        ("greet", "complaint", 100),
        ("receive", "complaint", 130),
    ]


def test_a_second_queue_before_any_answer_is_the_same_stage():
    first = QueuePassage("complaint", at(10), at(70), PassageOutcome.TIMEOUT)
    made = call(
        passages=[first, answered("information", 75, 90)],
        agents=[AgentPart("1001", at(90), at(100))],
    )
    assert steps(made)["greet"] == (10, 90, 80, "within", "observed")


def test_a_gap_within_a_step_makes_it_unknown_and_a_filled_one_does_not():
    gap = Gap(at(50), at(60))
    made = call(passages=[answered()], agents=[AgentPart("1001", at(40), at(100))], gaps=[gap])
    assert steps(made)["greet"][4] == Evidence.OBSERVED
    assert steps(made)["inform"][4] == Evidence.UNKNOWN
    gap.filled_by = "cel"
    assert steps(made)["inform"][4] == Evidence.OBSERVED


def test_an_event_without_its_own_time_makes_the_steps_inferred():
    made = call(
        passages=[answered()], agents=[AgentPart("1001", at(40), None)], times_inferred=True
    )
    assert steps(made)["greet"][4] == Evidence.INFERRED


def test_a_call_that_reached_no_queue_has_no_steps():
    assert timeline(call(ended_at=at(5)), DIRECTORY, STANDARDS) == []


@pytest.mark.parametrize(
    ("elapsed", "standard", "ended", "state"),
    [
        (300 * S, 300, True, "within"),
        (300 * S + 1, 300, True, "over"),
        (301 * S, 300, False, "over"),
        (10 * S, 300, False, "open"),
        (None, 300, True, "open"),
        (10 * S, None, True, "open"),
    ],
)
def test_verdict(elapsed, standard, ended, state):
    assert verdict(elapsed, standard, ended=ended) == state


def test_standards_are_those_of_the_guideline():
    edition = STANDARDS.on(START)
    assert edition.valid_from == date(2024, 4, 3)
    seconds = {
        name: {
            s.step: s.seconds or f"{s.working_days} working days" for s in service.steps.values()
        }
        for name, service in edition.services.items()
    }
    information = {"greet": 300, "inform": 300, "enquire": 300, "transfer": 60, "log": 300}
    assert seconds == {
        "information": information,
        "market_information": information,
        "complaint": {
            "greet": 300, "receive": 300, "record": 300, "tell_ticket": 300, "propose": 1200,
            "resolve": "15 working days",
        },
        "appointment": {"greet": 300, "intake": 300, "coordinate": 600, "notify": 300},
    }  # fmt: skip


def test_a_mistaken_table_of_standards_names_the_file(tmp_path):
    bad = tmp_path / "standards.toml"
    bad.write_text("[[edition]]\nid = 'x'\n")
    with pytest.raises(ValueError, match=r"standards\.toml"):
        load_standards(bad)
