"""Every metric, of a few calls whose figures are worked out by hand beside them.

From the records of calls to the figure as it is shown: counted, added up, divided.
"""

from __future__ import annotations

import pytest

from crm_bridge.figures.callbacks import Lost, Spoken, count_number
from crm_bridge.figures.counting import count_call
from crm_bridge.figures.forms import (
    AGENT_TIMES,
    AGENTS,
    CALLBACKS,
    CASES,
    QUEUES,
    STEPS,
    SURVEYS,
    TRANSFERS,
)
from crm_bridge.figures.histogram import bucket, merge
from crm_bridge.figures.tallies import Tallies, Tally
from crm_bridge.records.rows import snapshot
from crm_bridge.reports.desk_metrics import (
    average_wrap_up,
    callback_figures,
    case_figures,
    survey_figures,
    time_figures,
    told_figures,
    transfer_figures,
)
from crm_bridge.reports.metrics import METRICS, agent_figures, queue_figures, step_figures
from ivr.calls.call import (
    Consultation,
    ConsultationOutcome,
    Gap,
    Hold,
    Mark,
    Outcome,
    Transfer,
    TransferKind,
    TransferOutcome,
)
from ivr.steps.timeline import timeline
from tests.support.desk_calls import SECOND, STANDARDS, directory, lost, served

NOON = 1_795_498_200 * SECOND
DAY = 86_400 * SECOND


def counted(*calls):
    found = Tallies()
    for call in calls:
        made = snapshot(call, timeline(call, directory(), STANDARDS))
        count_call(found, made.call, made.children)
    return found


def whole(found, form, *by, **only):
    """Rows of a form added up by some of its keys."""
    sums = {}
    for key, tally in found.rows[form].items():
        named = dict(zip(form.keys, key[1:], strict=True))
        if all(named[name] == value for name, value in only.items()):
            sums.setdefault(tuple(named[name] for name in by), Tally.of(form)).add(tally)
    return sums if by else sums.get((), Tally.of(form))


def waited(number, seconds):
    """A call answered so long after it joined the queue."""
    call = served(number, NOON + number * 1000 * SECOND)
    passage = call.passages[0]
    passage.joined_at = call.entered_at + 2 * SECOND
    passage.left_at = passage.joined_at + round(seconds * SECOND)
    return call


def hung_up(number, seconds, outcome=Outcome.ABANDONED_QUEUE):
    call = lost(number, NOON + number * 1000 * SECOND, outcome)
    passage = call.passages[0]
    passage.left_at = call.ended_at = passage.joined_at + round(seconds * SECOND)
    return call


def test_a_queue_of_ten_calls():
    """
    answered after    4   8   12   20   30 s
    hung up after     3   5   9   60 s       short up to and with 5 s
    queue's time      420 s                   flowed out
    offered           5 + 2 + 1 = 8
    abandonment       2 / 8
    service level     within 20 s: 4 of (5 answered + 2 abandoned) = 4 / 7
    ASA               (4 + 8 + 12 + 20 + 30) / 5 = 14.8 s
    """
    calls = [waited(n, s) for n, s in enumerate((4, 8, 12, 20, 30))]
    calls += [hung_up(n, s) for n, s in enumerate((3, 5, 9, 60), 10)]
    calls.append(hung_up(20, 420, Outcome.QUEUE_TIMEOUT))
    found = queue_figures(
        whole(counted(*calls), QUEUES), short_us=5 * SECOND, target_us=20 * SECOND
    )
    assert (found.passages, found.offered, found.short) == (10, 8, 2)
    assert (found.answered, found.abandoned, found.flowed_out, found.unknown) == (5, 2, 1, 0)
    assert found.abandonment == 2 / 8
    assert (found.service_level, found.service_level_of) == (4 / 7, 7)
    assert found.asa == 14_800_000
    assert (found.p50, found.p90) == (12 * SECOND, 30 * SECOND)


def test_handling_of_two_calls():
    """
    call 1   in conversation 290 s, of it 30 s on hold; recorded 40 s after
    call 2   in conversation 290 s; recorded 20 s after
    talk     260 + 290 = 550;  hold 30;  wrap-up 60
    AHT      640 / 2 = 320 s;  ACW 60 / 2 = 30 s
    signed in 1,600 s, of it paused 320: occupancy 640 / 1,280 = 50 %
    """
    first, second = served(1, NOON), served(2, NOON + 1000 * SECOND)
    first.holds.append(Hold("1001", NOON + 100 * SECOND, NOON + 130 * SECOND))
    first.marks.append(Mark("logged", first.ended_at + 40 * SECOND, by="1001"))
    second.marks.append(Mark("logged", second.ended_at + 20 * SECOND, by="1001"))
    handled = whole(counted(first, second), AGENTS)
    found = agent_figures(handled)
    assert (found.handled, found.aht) == (2, 320 * SECOND)
    assert (found.talk, found.hold, found.wrap_up) == (550 * SECOND, 30 * SECOND, 60 * SECOND)
    assert average_wrap_up(handled) == 30 * SECOND
    times = {
        (state,): Tally([seconds * SECOND], [])
        for state, seconds in (("ready", 1_200), ("paused", 320), ("wrapup", 80))
    }
    spent = time_figures(handled, times)
    assert (spent.signed_in, spent.paused) == (1_600 * SECOND, 320 * SECOND)
    assert spent.occupancy == 0.5
    assert len(AGENT_TIMES.counts) == 1


def handed_on(number, kind, outcome):
    call = served(number, NOON + number * 1000 * SECOND)
    asked = call.entered_at + 100 * SECOND
    answered = asked + 10 * SECOND if outcome is TransferOutcome.ANSWERED else None
    call.transfers.append(
        Transfer(kind, "1001", "2001", "dit", asked, answered, asked + 10 * SECOND, outcome)
    )
    return call


def test_transfers_of_five_answered_calls():
    """
    blind, answered 1; blind, busy 1; attended, answered 1; asked and come back 1; plain 1
    of 5 answered: blind 1 / 5, attended 1 / 5, consulting only 1 / 5
    """
    asked = served(4, NOON + 4000 * SECOND)
    at = asked.entered_at
    asked.consultations.append(
        Consultation("1001", "2001", "dit", at + 50 * SECOND, at + 60 * SECOND, at + 90 * SECOND,
                     ConsultationOutcome.RETURNED)
    )  # fmt: skip
    calls = counted(
        handed_on(1, TransferKind.BLIND, TransferOutcome.ANSWERED),
        handed_on(2, TransferKind.BLIND, TransferOutcome.BUSY),
        handed_on(3, TransferKind.ATTENDED, TransferOutcome.ANSWERED),
        asked,
        served(5, NOON + 5000 * SECOND),
    )
    answered = whole(calls, QUEUES).counts[QUEUES.counts.index("answered")]
    found = transfer_figures(whole(calls, TRANSFERS, "kind", "outcome"), answered)
    assert (found.blind, found.attended, found.consult) == (1, 1, 1)
    assert (found.blind_rate, found.attended_rate, found.consult_rate) == (0.2, 0.2, 0.2)


def test_calling_back():
    """
    lost at 0 (over at 60 s) and called back, spoken from 660 s: 600 s
    lost at 300 (over at 360 s), the same call back: 300 s
    lost twice more: one called again himself, one waits; one of no number
    mean 450 s; 3 of 5 lost callers were spoken with
    """
    lost_ = [Lost(NOON, NOON + 60 * SECOND, False),
             Lost(NOON + 300 * SECOND, NOON + 360 * SECOND, False)]  # fmt: skip
    found = count_number(lost_, [Spoken(NOON + 640 * SECOND, NOON + 660 * SECOND, True)])
    found.add(count_number(lost_[:1], [Spoken(NOON + 90 * SECOND, NOON + 99 * SECOND, False)]))
    found.add(count_number(lost_[:1], []))
    found.add(counted(lost(9, NOON, presented=None)))
    told = callback_figures(whole(found, CALLBACKS, "state"))
    assert (told.lost, told.called_back, told.called_again) == (5, 2, 1)
    assert (told.waiting, told.given_up, told.no_number) == (1, 0, 1)
    assert told.mean == 450 * SECOND
    assert (told.p50, told.p90) == (300 * SECOND, 600 * SECOND)


@pytest.mark.parametrize(
    ("given_up", "states"),
    [((False, True), {"given_up": 2}), ((True, False), {"given_up": 1, "waiting": 1})],
)
def test_giving_up_holds_for_what_was_lost_before(given_up, states):
    found = count_number(
        [Lost(NOON + n * DAY, NOON + n * DAY + 1, end) for n, end in enumerate(given_up)], []
    )
    assert {
        key[0]: tally.counts[0] for key, tally in whole(found, CALLBACKS, "state").items()
    } == states


def test_what_callers_say():
    """
    ten asked, four of them rated nothing: 40 %; ratings 1 4 4 5 5 5: 24 of 6 is 4, five of six
    are 4 or 5; five said whether it is settled, four of them that it is: 80 %
    """
    told = survey_figures(Tally([4, 1, 0, 0, 2, 3, 4, 1], []))
    assert (told.asked, told.rated, told.unrated, told.unrated_share) == (10, 6, 4, 0.4)
    assert (told.mean, told.satisfied) == (4.0, pytest.approx(5 / 6))
    assert (told.matter_said, told.matter_settled, told.settled_share) == (5, 4, 0.8)
    nobody = survey_figures(Tally.of(SURVEYS))
    assert (nobody.asked, nobody.mean, nobody.unrated_share) == (0, None, None)


def test_told_and_real():
    """20 told; 12 as told, 2 sooner, 2 later, of four it is not known: 12 of 16 are 75 %"""
    told = told_figures(Tally([12, 2, 2, 4], []))
    assert (told.told, told.unjudged, told.held_share) == (20, 4, 0.75)
    assert told_figures(Tally([0, 0, 0, 3], [])).held_share is None


def test_a_step_of_five_calls():
    """
    greeting takes 7 s (joined 2 s, answered 9 s after entering) four times, once 400 s: over 300
    of one of the four nobody heard what came between: not observed
    within 4 / 5; p50 7 s; p90, p95 and the longest 400 s; not observed 1 / 5
    """
    calls = [served(n, NOON + n * 1000 * SECOND) for n in range(4)]
    slow = calls[3]
    for part in slow.agents:
        part.connected_at += 393 * SECOND
        part.released_at += 393 * SECOND
    slow.passages[0].attempts[0].ended_at += 393 * SECOND
    slow.passages[0].left_at += 393 * SECOND
    slow.ended_at += 393 * SECOND
    unseen = served(9, NOON + 9000 * SECOND)
    unseen.gaps.append(Gap(unseen.entered_at + 3 * SECOND, unseen.entered_at + 5 * SECOND))
    found = step_figures(whole(counted(*calls, unseen), STEPS, step="greet"))
    assert (found.timings, found.within, found.over, found.open) == (5, 4, 1, 0)
    assert found.compliance == 4 / 5
    assert (found.p50, found.p90, found.p95) == (7 * SECOND, 400 * SECOND, 400 * SECOND)
    assert found.longest == 400 * SECOND
    assert found.not_observed == 1 / 5


def test_five_cases():
    """
    settled 4: within 15 working days 3, over 1; one of them without any agency; one is open again
    compliance 3 / 4; first contact 1 / 4; took 1, 3, 5 and 20 working days
    """
    tally = Tally([5, 4, 3, 1, 1, 1], [{}])
    for days in (1, 3, 5, 20):
        merge(tally.spans[0], {bucket(days * DAY): 1})
    found = case_figures(tally)
    assert CASES.counts[:2] == ("cases", "settled")
    assert (found.cases, found.settled, found.within, found.over) == (5, 4, 3, 1)
    assert (found.compliance, found.first_contact, found.reopened) == (3 / 4, 1 / 4, 1)
    assert found.p50 == pytest.approx(3 * DAY, rel=0.01)
    assert found.p90 == pytest.approx(20 * DAY, rel=0.01)


def test_of_nothing_nothing_is_said():
    assert transfer_figures({}, 0).blind_rate is None
    assert callback_figures({}).mean is None
    assert time_figures(Tally.of(AGENTS), {}).occupancy is None
    assert average_wrap_up(Tally.of(AGENTS)) is None
    none = case_figures(Tally.of(CASES))
    assert none.compliance is none.first_contact is none.p50 is None


def test_each_metric_of_the_reference_is_defined():
    assert {
        "offered", "short", "abandonment", "service_level", "asa", "aht", "acw", "occupancy",
        "transfer_rate", "callback_time", "first_contact", "compliance", "working_days",
        "not_observed",
    } <= set(METRICS)  # fmt: skip
