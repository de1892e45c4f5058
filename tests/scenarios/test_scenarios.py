"""Every scenario captured from a real Asterisk gives its one right record."""

from __future__ import annotations

import pytest

from ivr.lab.scenarios.catalogue import SCENARIOS as CATALOGUE
from tests.support.scenario import (
    CEL_TOLERANCE,
    NAMES,
    SCENARIOS,
    Books,
    as_json,
    cel_of,
    expected,
    queue_log_of,
    records_of,
)


def test_every_scenario_of_the_catalogue_is_captured_and_expected():
    assert set(CATALOGUE) == set(NAMES)
    assert [n for n in NAMES if not (SCENARIOS / f"{n}.expected.json").exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_record_is_the_expected_one(name):
    differences = Books(name).differences(expected(name), as_json(*records_of(name)), name)
    assert differences == [], "\n".join(differences)


@pytest.mark.parametrize("name", NAMES)
def test_times_are_those_of_cel(name):
    """Whatever a record says of a channel, CEL says of the same moment within 10 ms."""
    calls, _ = records_of(name)
    moments: dict[tuple[str, str], list[int]] = {}
    for row in cel_of(name):
        moments.setdefault((row.uniqueid, row.event), []).append(row.at)
    checked = 0
    for call in calls.values():
        # A snapshot tells only the second in which a channel was born.
        gaps = [(g.started_at - 1_000_000, g.ended_at or 2**62) for g in call.gaps]
        for leg in call.legs:
            for at, event in (
                (leg.started_at, "CHAN_START"),
                (leg.answered_at, "ANSWER"),
                (leg.ended_at, "HANGUP"),
            ):
                rows = moments.get((leg.uniqueid, event))
                if at is None or any(a <= at <= b for a, b in gaps):
                    continue
                if rows is None:
                    assert event == "ANSWER", f"CEL has no {event} of {leg.channel}"
                    continue
                checked += 1
                assert min(abs(at - row) for row in rows) <= CEL_TOLERANCE, (leg, event)
        for part in call.agents:
            near = [
                at for (_, event), rows in moments.items() if event == "BRIDGE_ENTER" for at in rows
            ]
            if not any(a <= part.connected_at <= b for a, b in gaps):
                assert min(abs(part.connected_at - at) for at in near) <= CEL_TOLERANCE
    assert checked


_ENDS = {"CONNECT": "answered", "ABANDON": "abandoned", "EXITWITHTIMEOUT": "timeout"}


@pytest.mark.parametrize("name", NAMES)
def test_queue_passages_are_those_of_queue_log(name):
    calls, _ = records_of(name)
    wanted: dict[str, list[tuple[str, str | None]]] = {}
    for row in queue_log_of(name):
        if row[4] == "ENTERQUEUE":
            wanted.setdefault(row[1], []).append((row[2], None))
        elif row[4] in _ENDS:
            wanted[row[1]][-1] = (row[2], _ENDS[row[4]])
    got = {
        call.legs[0].uniqueid: [(p.queue, p.outcome) for p in call.passages]
        for call in calls.values()
        if call.passages and not call.gaps
    }
    broken = {call.legs[0].uniqueid for call in calls.values() if call.gaps}
    assert got == {key: rows for key, rows in wanted.items() if key not in broken}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_odd_and_nothing_left_behind(name):
    calls, pipeline = records_of(name)
    assert pipeline.tally.failed == 0
    assert dict(pipeline.tracker.oddities) == {}
    assert pipeline.tracker.lives == {}
    assert pipeline.tracker.queue_of == {}
    assert pipeline.tracker.busy == {}
    assert all(call.closed for call in calls.values())
