"""The fault run's own eyes: what they must see, and what they must not take for a fault.

Held to the captured calls: their records are right, each by a person's own reasoning.
"""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.faults.line_books import Caller, read_books
from tests.faults.line_kinds import KINDS, OFTEN, draw
from tests.faults.line_verdict import judge
from tests.support.scenario import NAMES, SCENARIOS, as_json, records_of

BY_NO_TELEPHONE = {"local_member", "local_transfer", "two_devices"}
"""Officers whose channels do not bear their number; there are none in the fault run."""
WHOLE = [
    name
    for name in NAMES
    if not name.startswith(("foreign", "called_back", "ami_cut")) and name not in BY_NO_TELEPHONE
]


def books_of(name: str, place: Path) -> dict[str, Caller]:
    cel = SCENARIOS / f"{name}.cel.csv"
    packed = cel.with_name(f"{cel.name}.gz")
    text = gzip.decompress(packed.read_bytes()) if packed.exists() else cel.read_bytes()
    (place / "cel.csv").write_bytes(text)
    return read_books(place / "cel.csv", SCENARIOS / f"{name}.queue_log")


def found(name: str, place: Path, records: list[dict[str, Any]] | None = None) -> Counter[str]:
    ours = as_json(*records_of(name)) if records is None else records
    verdict = judge(books_of(name, place), ours, [])
    return Counter(finding.kind for finding in verdict.findings)


@pytest.mark.parametrize("name", WHOLE)
def test_records_that_are_right_are_found_right(name: str, tmp_path: Path) -> None:
    assert found(name, tmp_path) == {}


def test_what_fell_into_a_gap_is_seen(tmp_path: Path) -> None:
    assert found("ami_cut_end", tmp_path) == {"left open": 3}  # the gap itself is one of them
    assert found("ami_cut_enter", tmp_path) == {"off": 3, "left open": 1}


def test_a_call_cut_off_wants_its_gap(tmp_path: Path) -> None:
    records = as_json(*records_of("killed"))
    records[0]["gaps"] = []
    assert found("killed", tmp_path, records)["unnamed"] > 0


@pytest.mark.parametrize(
    "harm, kind",
    [
        (lambda calls: calls.pop(), "lost"),
        (lambda calls: calls.append(calls[0]), "duplicated"),
        (lambda calls: calls[0].update(linkedids=["lab100-1.0"]), "other"),
        (lambda calls: calls[0].update(ended_at=None), "left open"),
        (lambda calls: calls[0].update(agents=[]), "left open"),
        (lambda calls: calls[0].update(queue_passages=[]), "other"),
        (lambda calls: calls[0]["queue_passages"][0].update(outcome="abandoned"), "other"),
        (lambda calls: _late(calls[0], "entered_at"), "off"),
        (lambda calls: _late(calls[0], "ended_at"), "off"),
        (lambda calls: _late(calls[0]["queue_passages"][0], "joined_at"), "off"),
        (lambda calls: _late(calls[0]["agents"][0], "connected_at"), "off"),
        (lambda calls: _late(calls[0]["agents"][0], "released_at"), "off"),
    ],
)
def test_each_harm_to_a_record_is_seen(harm: Any, kind: str, tmp_path: Path) -> None:
    records = as_json(*records_of("answered_served"))
    harm(records)
    assert found("answered_served", tmp_path, records)[kind] >= 1


@pytest.mark.parametrize(
    "name, harm, kind",
    [
        ("blind_refer", lambda call: call.update(transfers=[]), "left open"),
        ("blind_refer", lambda call: call["transfers"][0].update(by="1002"), "other"),
        ("blind_refer", lambda call: call["transfers"][0].update(target="2002"), "other"),
        ("blind_refer", lambda call: call["transfers"][0].update(outcome="busy"), "other"),
        ("blind_refer", lambda call: call["transfers"][0].update(outcome=None), "left open"),
        ("blind_refer", lambda call: _late(call["transfers"][0], "asked_at"), "off"),
        ("blind_refer", lambda call: _late(call["transfers"][0], "answered_at"), "off"),
        ("blind_refer", lambda call: call["transfers"][0].update(ended_at=None), "left open"),
        ("attended_refer", lambda call: call["transfers"][0].update(kind="blind"), "other"),
        ("attended_refer", lambda call: _late(call["transfers"][0], "asked_at"), "off"),
        ("transfer_busy", lambda call: call["transfers"][0].update(outcome="returned"), "other"),
        ("transfer_unreachable", lambda call: call["transfers"][0].update(outcome="returned"),
         "other"),
        ("hold", lambda call: call["holds"].pop(), "left open"),
        ("hold", lambda call: call["holds"].append(call["holds"][0]), "other"),
        ("hold", lambda call: _late(call["holds"][1], "started_at"), "off"),
        ("hold", lambda call: _late(call["holds"][1], "ended_at"), "off"),
        ("hold", lambda call: call["holds"][0].update(ended_at=None), "left open"),
    ],
)  # fmt: skip
def test_each_harm_to_a_transfer_or_a_hold_is_seen(
    name: str, harm: Any, kind: str, tmp_path: Path
) -> None:
    records = as_json(*records_of(name))
    harm(records[0])
    assert found(name, tmp_path, records)[kind] >= 1


def _late(part: dict[str, Any], key: str) -> None:
    """Fifteen milliseconds later, as a time of arrival would be."""
    text = part[key]
    fraction = int(text[-7:-1])
    part[key] = f"{text[:-7]}{(fraction + 15_000) % 1_000_000:06d}Z"


def test_the_same_seed_draws_the_same_faults_and_every_kind_among_them() -> None:
    kinds = list(KINDS)
    drawn = draw(kinds, 110, Random(7))
    assert drawn == draw(kinds, 110, Random(7))
    assert drawn != draw(kinds, 110, Random(8))
    assert set(drawn) == set(kinds)
    assert min(drawn.count(kind) for kind in OFTEN) > max(
        drawn.count(kind) for kind in set(kinds) - set(OFTEN)
    )
