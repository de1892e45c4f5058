"""What a call adds to the figures, worked by hand; taken back, nothing is left."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from crm_bridge.figures import counting as t
from crm_bridge.figures.counting import LISTS, count_call
from crm_bridge.figures.forms import (
    AGENCY_CASES,
    AGENCY_STEPS,
    AGENT_STEPS,
    AGENTS,
    CALLS,
    CASES,
    CASES_BY,
    HANDLINGS,
    HOURS,
    MENUS,
    QUEUES,
    STEPS,
    TRANSFERS,
    TRANSFERS_ENDED,
)
from crm_bridge.figures.histogram import bucket, encode
from crm_bridge.figures.levels import DAY, beginning
from crm_bridge.figures.tallies import Tallies, Tally, rows_of, rows_to_add
from crm_bridge.records.rows import snapshot
from crm_bridge.records.tables import CHILDREN, calls
from ivr.calls.call import (
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
from ivr.steps.timeline import timeline
from ivr.steps.verdict import verdict
from tests.support.desk_calls import SECOND, STANDARDS, directory, lost, served
from tests.support.scenario import SCENARIOS, records_of

NOON = 1_795_498_200 * SECOND  # 24 Nov 2026 12:30 in Bangkok
OF_CALLS = {
    STEPS, AGENT_STEPS, AGENCY_STEPS, QUEUES, CALLS, AGENTS, HOURS, TRANSFERS, MENUS,
}  # fmt: skip
"""Filled by the real calls; lost ones among them have a number."""
MIDNIGHT = 1_795_453_200 * SECOND
QUARTER = 1_795_497_300 * SECOND + 900 * SECOND


def rows(call):
    return snapshot(call, timeline(call, directory(), STANDARDS))


def counted(*all_calls):
    found = Tallies()
    for call in all_calls:
        made = rows(call)
        count_call(found, made.call, made.children)
    return found


def counts(found, form, key):
    return dict(zip(form.counts, found.rows[form][key].counts, strict=True))


def said(found):
    return [
        (form.name, key, tuple(tally.counts), tuple(map(encode, tally.spans)))
        for form, key, tally in rows_of(found)
    ]


def test_the_places_of_columns_are_those_of_the_tables():
    names = [c.name for c in calls.c]
    places = {
        "direction": t._DIRECTION, "caller_e164": t._CALLER, "withheld": t._WITHHELD,
        "entered_us": t._ENTERED, "answered_us": t._ANSWERED, "ended_us": t._ENDED,
        "outcome": t._OUTCOME, "service": t._SERVICE,
        "language": t._LANGUAGE, "times_inferred": t._INFERRED, "closed": t._CLOSED,
    }  # fmt: skip
    assert {name: names.index(name) for name in places} == places
    assert [CHILDREN[n].name for n in LISTS] == [
        "menu_choices", "legs", "queue_passages", "agent_parts", "holds", "consultations",
        "transfers", "step_timings", "marks", "gaps",
    ]  # fmt: skip
    wanted = {
        t._PASSAGES: ["queue", "joined_us", "left_us", "outcome", "position"],
        t._AGENTS: ["agent", "connected_us", "released_us"],
        t._HOLDS: ["by_agent", "started_us", "ended_us"],
        t._MENU: ["menu", "key", "at_us"],
        t._LEGS: ["uniqueid", "channel", "role", "party", "started_us", "answered_us", "ended_us",
                  "cause"],
        t._STEPS: ["step", "service", "started_us", "ended_us", "elapsed_us", "standard_seconds",
                   "state", "evidence", "parts"],
        t._MARKS: ["name", "at_us", "value", "by_whom"],
        t._GAPS: ["started_us", "ended_us", "filled_by"],
    }  # fmt: skip
    for place, columns in wanted.items():
        assert [c.name for c in CHILDREN[place].c][2:] == columns
    assert [c.name for c in CHILDREN[t._CONSULTATIONS].c][2:] == [
        "by_agent", "target", "agency", "started_us", "answered_us", "ended_us", "outcome",
    ]  # fmt: skip
    assert [c.name for c in CHILDREN[t._TRANSFERS].c][2:] == [
        "kind", "by_agent", "target", "agency", "asked_us", "answered_us", "ended_us", "outcome",
    ]  # fmt: skip


def test_a_served_call():
    """Entered 0, queue 2 s, rings 3 s, answered 9 s, spoken from 10 s to 300 s, not yet logged."""
    found = counted(served(1, NOON))
    assert found.rows[CALLS].keys() == {(QUARTER, "inbound", "information", "th", "served")}
    assert counts(found, QUEUES, (QUARTER, "information")) == {
        "answered": 1, "abandoned": 0, "timeout": 0, "left": 0, "transferred": 0, "unknown": 0,
        "waited_us": 8 * SECOND,
    }  # fmt: skip
    assert found.rows[QUEUES][QUARTER, "information"].spans == [{bucket(8 * SECOND): 1}, {}]
    steps = {key[3]: counts(found, STEPS, key) for key in found.rows[STEPS]}
    assert {name: (c["within"], c["over"], c["open"]) for name, c in steps.items()} == {
        "greet": (1, 0, 0), "inform": (1, 0, 0), "log": (0, 0, 1),
    }  # fmt: skip
    assert steps["greet"]["elapsed_us"] == 7 * SECOND
    assert steps["inform"]["elapsed_us"] == 291 * SECOND
    by_agent = {(key[1], key[4]) for key in found.rows[AGENT_STEPS]}
    assert by_agent == {("greet", "1001"), ("inform", "1001"), ("log", "1001")}
    assert {key[0] for key in found.rows[AGENT_STEPS]} == {MIDNIGHT}
    assert counts(found, AGENTS, (MIDNIGHT, "1001", "information")) == {
        "parts": 1, "talk_us": 290 * SECOND, "hold_us": 0, "wrap_us": 0,
    }  # fmt: skip


def test_a_log_moves_from_open_to_within_and_is_the_officers_wrap_up():
    call = served(1, NOON)
    call.marks.append(Mark("logged", call.ended_at + 40 * SECOND, by="1001"))
    found = counted(call)
    (log,) = [key for key in found.rows[STEPS] if key[3] == "log"]
    assert counts(found, STEPS, log)["within"] == 1
    assert counts(found, STEPS, log)["declared"] == 1
    assert counts(found, AGENTS, (MIDNIGHT, "1001", "information"))["wrap_us"] == 40 * SECOND


def test_hold_is_no_talk():
    call = served(1, NOON)
    call.holds.append(Hold("1001", NOON + 100 * SECOND, NOON + 130 * SECOND))
    call.holds.append(Hold("1002", NOON + 140 * SECOND, NOON + 150 * SECOND))
    found = counts(counted(call), AGENTS, (MIDNIGHT, "1001", "information"))
    assert (found["talk_us"], found["hold_us"]) == (260 * SECOND, 30 * SECOND)


def test_a_hold_on_two_telephones_of_one_officer_is_one():
    call = served(1, NOON)
    for begin, end in ((100, 130), (110, 120), (125, 140), (290, None)):
        call.holds.append(
            Hold("1001", NOON + begin * SECOND, end if end is None else NOON + end * SECOND)
        )
    found = counts(counted(call), AGENTS, (MIDNIGHT, "1001", "information"))
    assert (found["talk_us"], found["hold_us"]) == (240 * SECOND, 50 * SECOND)


def test_the_log_of_officers_who_were_there_to_the_end_is_one_officers():
    call = served(1, NOON, agents=("1001", "1002"))
    call.agents[0].released_at = call.ended_at
    call.marks.append(Mark("logged", call.ended_at + 40 * SECOND, by="1001"))
    found = counted(call)
    wrap = {key[1]: counts(found, AGENTS, key)["wrap_us"] for key in found.rows[AGENTS]}
    assert wrap == {"1001": 40 * SECOND, "1002": 0}
    assert [key[4] for key in found.rows[AGENT_STEPS] if key[1] == "log"] == ["1001"]


def test_a_log_is_of_its_own_queue_though_the_next_was_joined_a_moment_before():
    call = served(1, NOON, agents=("1001", "1002"))
    moved = call.agents[0].released_at
    call.passages.append(
        QueuePassage("complaint", moved - 1000, moved + 5 * SECOND, PassageOutcome.ANSWERED, 1)
    )
    call.agents[1].connected_at = moved + 5 * SECOND
    keys = {key[3]: key[1] for key in counted(call).rows[STEPS] if key[2] == "information"}
    assert keys == {"greet": "information", "inform": "information", "log": "information"}


def test_an_answer_that_never_came_was_owed_last_in_the_queue_whose_service_it_has():
    call = lost(1, NOON, Outcome.QUEUE_TIMEOUT)
    call.passages.append(
        QueuePassage(
            "complaint", NOON + 60 * SECOND, NOON + 90 * SECOND, PassageOutcome.ABANDONED, 1
        )
    )
    call.ended_at = NOON + 90 * SECOND
    assert [key[1:] for key in counted(call).rows[STEPS]] == [("complaint", "complaint", "greet")]


def test_whatever_a_record_may_say_can_be_counted():
    """A word that is not known here would keep every call from being saved."""
    assert set(t._LEFT) == {*PassageOutcome, None}
    assert set(t._EVIDENCE) == set(Evidence)
    said = (
        verdict(e, s, ended=d) for e in (None, 0, 2 * SECOND) for s in (None, 1) for d in (0, 1)
    )
    assert set(t._STATE) == set(said)


def test_a_transfer_is_its_officers_and_its_agencys():
    call = served(1, NOON)
    agency = "dit"
    asked = NOON + 200 * SECOND
    call.transfers.append(
        Transfer(TransferKind.BLIND, "1001", "2001", agency, asked, asked + 2 * SECOND,
                 asked + 2 * SECOND, TransferOutcome.ANSWERED)
    )  # fmt: skip
    found = counted(call)
    what = ("information", "information", "transfer")
    assert [key for key in found.rows[AGENT_STEPS] if key[1] == "transfer"] == [
        (MIDNIGHT, *what[::-1], "1001")
    ]
    assert list(found.rows[AGENCY_STEPS]) == [(MIDNIGHT, agency, *what)]


def test_lost_callers():
    found = counted(
        lost(1, NOON), lost(2, NOON, Outcome.QUEUE_TIMEOUT),
        lost(3, NOON, Outcome.ABANDONED_MENU, queued=False),
    )  # fmt: skip
    queue = counts(found, QUEUES, (QUARTER, "information"))
    assert (queue["abandoned"], queue["timeout"], queue["answered"]) == (1, 1, 0)
    assert found.rows[QUEUES][QUARTER, "information"].spans == [{}, {bucket(59 * SECOND): 1}]
    assert sum(tally.counts[0] for tally in found.rows[CALLS].values()) == 3
    assert not found.rows[AGENTS]


def test_what_was_not_observed_is_counted():
    call = served(1, NOON)
    call.gaps.append(Gap(NOON + 100 * SECOND, NOON + 110 * SECOND))
    found = counted(call)
    (key,) = found.rows[CALLS]
    assert counts(found, CALLS, key)["not_observed"] == 1
    (inform,) = [key for key in found.rows[STEPS] if key[3] == "inform"]
    assert counts(found, STEPS, inform)["unknown"] == 1


def test_an_open_call_adds_nothing():
    call = served(1, NOON)
    call.closed = False
    assert said(counted(call)) == []


def test_what_comes_more_than_a_day_later_is_counted_a_day_later():
    call = served(1, NOON)
    call.agents[0].released_at = call.ended_at = NOON + 3 * DAY
    found = counted(call)
    assert {key[0] for key in found.rows[AGENTS]} == {MIDNIGHT + DAY}
    log = [key for key in found.rows[AGENT_STEPS] if key[1] == "log"]
    assert [key[0] for key in log] == [MIDNIGHT + DAY]


REAL = sorted(path.name.removesuffix(".capture") for path in SCENARIOS.glob("*.capture"))


@pytest.fixture(scope="module")
def real():
    return [
        snapshot(call, timeline(call, pipeline.directory, pipeline.standards))
        for made, pipeline in map(records_of, REAL)
        for call in made.values()
    ]


def test_real_calls_in_any_order_give_the_same_and_leave_nothing_when_taken_back(real):
    chance = random.Random(1203)
    first = Tallies()
    for made in real:
        count_call(first, made.call, made.children)
    mixed = real[:]
    chance.shuffle(mixed)
    again = Tallies()
    for made in mixed:
        one = Tallies()
        count_call(one, made.call, made.children)
        again.add(one)
    assert said(first) == said(again)
    assert first.callers == again.callers
    assert {name for name, *_ in said(first)} == {form.name for form in OF_CALLS}
    for made in mixed:
        count_call(again, made.call, made.children, -1)
    assert said(again) == []
    assert not any(again.callers.values())


def test_every_timing_of_real_calls_is_counted_once_and_has_its_officer(real):
    found = Tallies()
    for made in real:
        count_call(found, made.call, made.children)
    closed = [made for made in real if made.call[t._CLOSED]]
    timings = [row for made in closed for row in made.children[t._STEPS]]
    for form in (STEPS, AGENT_STEPS):
        assert sum(sum(tally.counts[:3]) for tally in found.rows[form].values()) == len(timings)
        assert sum(sum(tally.counts[3:7]) for tally in found.rows[form].values()) == len(timings)
    nobody = {key[1] for key in found.rows[AGENT_STEPS] if not key[4]}
    assert nobody <= {"greet"}  # of callers whom no officer answered


def test_days_and_months_are_what_their_quarters_add_up_to(real):
    found = Tallies()
    for made in real:
        count_call(found, made.call, made.children)
    for form, rows in rows_to_add(found):
        if form not in OF_CALLS and form.of not in OF_CALLS:
            continue
        assert {key[0] for key in rows} == set(form.levels)
        for finer, level in pairwise(form.levels):
            again = {}
            for key, tally in rows.items():
                if key[0] == finer:
                    place = (level, beginning(level, key[1]), *key[2:])
                    again.setdefault(place, Tally.of(form)).add(tally)
            assert again == {key: tally for key, tally in rows.items() if key[0] == level}


def test_forms_of_all_officers_and_agencies_add_up_those_of_each(real):
    found = Tallies()
    for made in real:
        count_call(found, made.call, made.children)
    rows = dict(rows_to_add(found))
    for form, drop in ((HANDLINGS, "agent"), (TRANSFERS_ENDED, "agency")):
        again = {}
        for key, tally in rows[form.of].items():
            if key[0] not in form.levels:
                continue
            named = dict(zip(("level", "from_us", *form.of.keys), key, strict=True))
            del named[drop]
            counts = dict(zip(form.of.counts, tally.counts, strict=True))
            spans = dict(zip(form.of.spans, tally.spans, strict=True))
            again.setdefault(tuple(named.values()), Tally.of(form)).add(
                Tally([counts[name] for name in form.counts], [spans[name] for name in form.spans])
            )
        assert rows[form] == again
        assert len(again) > 3


def test_what_a_change_leaves_as_it_was_is_no_row_of_a_level():
    """A call that moves by a day within its month changes two days and no month."""
    found = Tallies()
    for sign, at in ((-1, NOON), (1, NOON + DAY)):
        made = rows(lost(1, at))
        count_call(found, made.call, made.children, sign)
    changed = dict(rows_to_add(found))[QUEUES]
    assert sorted(key[0] for key in changed) == ["day", "day", "quarter", "quarter"]


def test_cases_by_one_key_at_a_time_add_up_to_all_of_them():
    found, chance = Tallies(), random.Random(1203)
    for n in range(40):
        key = (
            NOON - NOON % DAY + chance.randrange(50) * DAY, chance.choice(("complaint", "advice")),
            chance.choice(("", "dit", "dbd")), chance.choice(("", "10", "50")), f"s{n % 3}",
            "settled",
        )  # fmt: skip
        found.at(CASES, key).add(Tally([1, 1, n % 2, 1 - n % 2, 0, 0], [{n: 1}]))
    rows = dict(rows_to_add(found))
    for form, of in ((CASES_BY, ()), (AGENCY_CASES, ("agency",))):
        again = {}
        for (level, at, *keys), tally in rows[CASES].items():
            named = dict(zip(CASES.keys, keys, strict=True))
            for what in ("kind", "agency", "province", "subject"):
                if what not in of:
                    place = (level, at, *(named[name] for name in of), what, named[what])
                    again.setdefault(place, Tally.of(form)).add(tally)
        assert rows[form] == again
