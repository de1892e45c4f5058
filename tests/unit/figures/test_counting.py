"""What a call adds by hour, transfer, menu and caller, worked by hand."""

from __future__ import annotations

import pytest

from crm_bridge.figures.counting import count_call
from crm_bridge.figures.forms import HOURS, MENUS, QUEUES, SURVEYS, TRANSFERS, WAITS_TOLD, times
from crm_bridge.figures.histogram import bucket
from crm_bridge.figures.tallies import Tallies
from crm_bridge.figures.told import band_of, came
from crm_bridge.forecast.wait import BANDS
from crm_bridge.records.rows import snapshot
from ivr.calls.call import (
    OUTBOUND,
    Consultation,
    ConsultationOutcome,
    Leg,
    Mark,
    MenuChoice,
    Outcome,
    PassageOutcome,
    QueuePassage,
    Role,
    Transfer,
    TransferKind,
    TransferOutcome,
)
from ivr.steps.timeline import timeline
from tests.support.desk_calls import SECOND, STANDARDS, directory, lost, served

NOON = 1_795_498_200 * SECOND  # Tuesday 24 Nov 2026 12:30 in Bangkok
MIDNIGHT = 1_795_453_200 * SECOND
NOVEMBER = MIDNIGHT - 23 * 86_400 * SECOND


def counted(*calls):
    found = Tallies()
    for call in calls:
        made = snapshot(call, timeline(call, directory(), STANDARDS))
        count_call(found, made.call, made.children)
    return found


def counts(found, form):
    return {
        key[1:]: {n: c for n, c in zip(form.counts, tally.counts, strict=True) if c}
        for key, tally in found.rows[form].items()
    }


def test_the_hour_of_the_week():
    found = counted(served(1, NOON), lost(2, NOON + 1800 * SECOND))
    assert {key[0] for key in found.rows[HOURS]} == {MIDNIGHT}
    told = counts(found, HOURS)
    assert told["", "", "information", "036"] == {"offered": 1, "answered": 1}
    assert told["", "", "information", "037"] == {"offered": 1, "abandoned": 1}
    assert told["greet", "information", "information", "036"] == {"timings": 1, "within": 1}
    assert told["log", "information", "information", "036"] == {"timings": 1}


def handed_on(kind, outcome, *, asked, rings=None, answered=None, ended=None, stops=None):
    call = served(1, NOON)
    call.transfers.append(
        Transfer(kind, "1001", "2001", "dit", NOON + asked * SECOND, at(answered), at(ended),
                 outcome)
    )  # fmt: skip
    if rings is not None:
        call.legs.append(
            Leg("x.9", "PJSIP/2001-9", Role.AGENCY, "dit", at(rings), at(answered), at(stops))
        )
    return call


def at(seconds):
    return None if seconds is None else round(NOON + seconds * SECOND)


def spans(*seconds):
    return [{bucket(round(one * SECOND)): 1} if one is not None else {} for one in seconds]


def test_a_blind_transfer_is_parted_where_the_agency_begins_to_ring():
    """Asked at 200 s, rings at 201.5 s, answered at 212 s."""
    call = handed_on(TransferKind.BLIND, TransferOutcome.ANSWERED, asked=200, rings=201.5,
                     answered=212, ended=212)  # fmt: skip
    found = counted(call)
    ((key, tally),) = found.rows[TRANSFERS].items()
    assert key == (MIDNIGHT, "blind", "dit", "answered")
    assert tally.counts == [1, 12_000_000, 1_500_000, 10_500_000]
    assert tally.spans == spans(12, 1.5, 10.5)


def test_an_agency_that_does_not_answer():
    """Asked at 200 s, rings from 201 to 246 s, the caller is back at 252 s."""
    call = handed_on(TransferKind.BLIND, TransferOutcome.NO_ANSWER, asked=200, rings=201,
                     ended=252, stops=246)  # fmt: skip
    ((key, tally),) = counted(call).rows[TRANSFERS].items()
    assert key[3] == "no_answer"
    assert tally.counts == [1, 52_000_000, 1_000_000, 45_000_000]


def test_an_agency_whose_ringing_nobody_saw():
    call = handed_on(TransferKind.BLIND, TransferOutcome.ANSWERED, asked=200, answered=212,
                     ended=212)  # fmt: skip
    ((_, tally),) = counted(call).rows[TRANSFERS].items()
    assert tally.counts == [1, 12_000_000, 0, 0]
    assert tally.spans == spans(12, None, None)


def test_an_attended_transfer_began_with_its_consultation():
    """The agency is asked at 100 s, rings at 101, answers at 109; it takes the caller at 140 s."""
    call = handed_on(TransferKind.ATTENDED, TransferOutcome.ANSWERED, asked=140, rings=101,
                     answered=140, ended=140)  # fmt: skip
    call.legs[-1].answered_at = at(109)
    call.consultations.append(
        Consultation("1001", "2001", "dit", at(100), at(109), at(140),
                     ConsultationOutcome.COMPLETED)
    )  # fmt: skip
    ((key, tally),) = counted(call).rows[TRANSFERS].items()
    assert key[1] == "attended"
    assert tally.counts == [1, 9_000_000, 1_000_000, 8_000_000]


def test_a_consultation_that_was_no_transfer_and_one_that_is_not_over():
    call = served(1, NOON)
    call.consultations = [
        Consultation("1001", "2001", "dit", at(100), at(108), at(150),
                     ConsultationOutcome.RETURNED),
        Consultation("1001", "0999", None, at(160)),
    ]  # fmt: skip
    call.legs.append(Leg("x.9", "PJSIP/2001-9", Role.AGENCY, "dit", at(102), at(108), at(150)))
    found = counted(call)
    assert {key: tally.counts for key, tally in found.rows[TRANSFERS].items()} == {
        (MIDNIGHT, "consult", "dit", "returned"): [1, 8_000_000, 2_000_000, 6_000_000],
        (MIDNIGHT, "consult", "", ""): [1, 0, 0, 0],
    }


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        ("", ""),
        ("2", "main:2"),
        ("91", "main:9/main:1"),
        ("********", "/".join(["main:*"] * 6) + "/…"),
    ],
)
def test_the_way_through_the_menus(keys, path):
    call = lost(1, NOON, Outcome.ABANDONED_MENU, queued=False)
    call.menu = [MenuChoice("main", key, at(n)) for n, key in enumerate(keys)]
    assert counts(counted(call), MENUS) == {(path, "abandoned_menu"): {"calls": 1}}


def test_what_was_typed_into_a_menu_is_no_choice():
    call = served(1, NOON)
    call.menu = [MenuChoice("main", "0812345678", at(1))]
    assert list(counts(counted(call), MENUS)) == [("main:…", "served")]


def test_callers_are_counted_by_month_and_calls_of_officers_are_not():
    found = counted(
        served(1, NOON), lost(2, NOON + 86_400 * SECOND), served(3, NOON, presented=None),
        served(4, NOON, direction=OUTBOUND), lost(5, NOON + 7 * 86_400 * SECOND),
    )  # fmt: skip
    december = NOVEMBER + 30 * 86_400 * SECOND
    assert found.callers == {(NOVEMBER, "+66812345678"): 2, (december, "+66812345678"): 1}
    assert len(found.rows[MENUS]) == 4 - 1  # by day and outcome
    assert [times(n) for n in (1, 9, 10, 4000)] == ["1", "9", "10+", "10+"]


@pytest.mark.parametrize(("answered", "waited"), [(None, 0), (30, 0), (1, 1)])
def test_a_number_called_back_waits_in_a_queue_once_it_has_answered(answered, waited):
    """Before it, the passage is the place that was kept: nobody was on the line."""
    call = served(1, NOON)
    call.direction = OUTBOUND
    call.answered_at = None if answered is None else at(answered)
    assert sum(n.get("answered", 0) for n in counts(counted(call), QUEUES).values()) == waited


def asked(number, *answers, agents=("1001",)):
    call = served(number, NOON, agents=agents)
    call.marks += [
        Mark(name, NOON + (290 + n) * SECOND, value)
        for n, (name, value) in enumerate((("survey_begin", "information"), *answers))
    ]
    return call


MINUTE = 60 * SECOND


def told(number, value, *passages):
    """A caller who is told this at noon, and stands in the queue by these passages (µs after)."""
    call = served(number, NOON)
    call.marks = [Mark("wait", NOON, value), Mark("wait", NOON + MINUTE, "9-")]  # the first counts
    call.passages = [
        QueuePassage(queue, NOON + joined, None if left is None else NOON + left, outcome, 1)
        for queue, joined, left, outcome in passages
    ]
    return call


def test_a_told_wait_is_held_against_the_real_one():
    """
    told 1-3 min: answered after 2 held, 1 and 3 held, 59 s sooner, 3 min 1 s later; gone after 2
    min: not known; gone after 4: later; out by a key after 1 and answered 2 min after: 3, held
    """
    answered, gone, left = PassageOutcome.ANSWERED, PassageOutcome.ABANDONED, PassageOutcome.LEFT
    bands = [
        (("q", 0, 2 * MINUTE, answered),),
        (("q", 0, MINUTE, answered),),
        (("q", SECOND, 3 * MINUTE + SECOND, answered),),
        (("q", 0, 59 * SECOND, answered),),
        (("q", 0, 3 * MINUTE + SECOND, answered),),
        (("q", 0, 2 * MINUTE, gone),),
        (("q", 0, 4 * MINUTE, gone),),
        (("q", 0, MINUTE, left), ("q", 2 * MINUTE, 3 * MINUTE, answered)),
        (("q", 0, 4 * MINUTE, left), ("r", 5 * MINUTE, 6 * MINUTE, answered)),
        (("q", 0, None, None),),
        (("q", -MINUTE, -SECOND, gone), ("q", 0, 2 * MINUTE, answered)),
    ]
    every = [told(n, "1-3", *passages) for n, passages in enumerate(bands)]
    every += [
        told(20, "10-", ("q", 0, 11 * MINUTE, answered)),
        told(21, "10-", ("q", 0, 11 * MINUTE, gone)),
        told(22, "now", ("q", 0, SECOND, answered)),
        told(23, "0-1"),
    ]
    found = counted(*every)
    assert {key[0] for key in found.rows[WAITS_TOLD]} == {MIDNIGHT}
    assert counts(found, WAITS_TOLD) == {
        ("q", "1-3"): {"held": 5, "sooner": 1, "later": 3, "unjudged": 2},
        ("q", "10-"): {"held": 1, "unjudged": 1},
        ("q", "now"): {"unjudged": 1},
        ("", "0-1"): {"unjudged": 1},
    }
    for call in every:
        made = snapshot(call, timeline(call, directory(), STANDARDS))
        count_call(found, made.call, made.children, -1)
    assert not any(any(tally.counts) for tally in found.rows[WAITS_TOLD].values())


def test_a_band_holds_as_it_is_judged_where_it_is_chosen():
    for band in BANDS:
        assert band_of(band.text) == (band.low, band.high)
        for seconds in (0, 59, 60, 120, 180, 181, 299, 300, 301, 600, 601, 3_600):
            how = came(band.text, seconds * SECOND, answered=True)
            assert (how == "held") == band.holds(seconds)


def test_what_callers_answer_is_of_the_officer_who_had_them_last():
    rating, settled, end = "survey_rating", "survey_settled", "survey_end"
    every = [
        asked(1, (rating, "5"), (settled, "yes"), (end, "answered")),
        asked(2, (rating, "3"), (settled, "no"), (end, "answered"), agents=("1002", "1001")),
        asked(3, (rating, "3"), (end, "left")),
        asked(4, (end, "skipped"), agents=("1001", "1002")),
        asked(5, (rating, "9"), (end, "left")),  # no answer that there is
        served(6, NOON),
    ]
    found = counted(*every)
    assert {key[0] for key in found.rows[SURVEYS]} == {MIDNIGHT}
    assert counts(found, SURVEYS) == {
        ("information", "1001"): {
            "three": 2, "five": 1, "unrated": 1, "matter_settled": 1, "matter_open": 1,
        },
        ("information", "1002"): {"unrated": 1},
    }  # fmt: skip
    for call in every:
        made = snapshot(call, timeline(call, directory(), STANDARDS))
        count_call(found, made.call, made.children, -1)
    assert not any(any(tally.counts) for tally in found.rows[SURVEYS].values())
