"""Each figure against a table worked by hand."""

from __future__ import annotations

import pytest

from crm_bridge.figures.forms import AGENTS, CALLS, QUEUES, STEPS
from crm_bridge.figures.histogram import bucket, merge
from crm_bridge.figures.tallies import Tally
from crm_bridge.reports import metrics

SECOND = 1_000_000


def tally(form, spans, **counts):
    made = Tally.of(form)
    for name, count in counts.items():
        made.counts[form.counts.index(name)] = count
    for histogram, seconds in zip(made.spans, spans, strict=True):
        for one in seconds:
            merge(histogram, {bucket(round(one * SECOND)): 1})
    return made


def test_a_queue():
    """Answered after 2, 5, 20 and 45 s; hung up after 3, 5, 6 and 90 s; two sent elsewhere."""
    found = metrics.queue_figures(
        tally(QUEUES, [(2, 5, 20, 45), (3, 5, 6, 90)], answered=4, abandoned=4, timeout=1,
              transferred=1, unknown=1, waited_us=72 * SECOND),
        short_us=5 * SECOND, target_us=20 * SECOND,
    )  # fmt: skip
    assert (found.passages, found.short, found.abandoned, found.offered) == (11, 2, 2, 8)
    assert (found.flowed_out, found.unknown) == (2, 1)
    assert found.abandonment == 2 / 8
    assert (found.service_level, found.service_level_of) == (3 / 6, 6)
    assert found.asa == 18 * SECOND
    assert (found.p50, found.p90) == (5 * SECOND, 45 * SECOND)


def test_a_step():
    """Four within 5 minutes, one of 6, one caller gone after 7, two logs not yet saved."""
    found = metrics.step_figures(
        tally(STEPS, [(10, 60, 120, 240, 360, 420)], within=4, over=2, open=2, observed=5,
              declared=1, inferred=1, unknown=1)
    )  # fmt: skip
    assert (found.timings, found.within, found.over, found.open) == (8, 4, 2, 2)
    assert found.compliance == pytest.approx(4 / 6)
    assert (found.p50, found.p90, found.longest) == (120 * SECOND, 420 * SECOND, 420 * SECOND)
    assert found.not_observed == 2 / 8


def test_an_officer():
    found = metrics.agent_figures(
        tally(AGENTS, [(120, 90)], parts=2, talk_us=150 * SECOND, hold_us=20 * SECOND,
              wrap_us=40 * SECOND)
    )  # fmt: skip
    assert (found.handled, found.aht) == (2, 105 * SECOND)


def test_of_nothing_there_is_no_share():
    queue = metrics.queue_figures(Tally.of(QUEUES), short_us=5 * SECOND, target_us=20 * SECOND)
    assert queue.abandonment is queue.service_level is queue.asa is queue.p50 is None
    step = metrics.step_figures(Tally.of(STEPS))
    assert step.compliance is step.p95 is step.longest is step.not_observed is None
    assert metrics.agent_figures(Tally.of(AGENTS)).aht is None
    assert metrics.calls_counted(Tally.of(CALLS)) == 0


def test_every_definition_is_told_in_both_languages():
    for metric in metrics.METRICS.values():
        assert all((*metric.name, *metric.formula, metric.source))
        assert metric.version >= 1
