"""A recording of the real Asterisk: whole, cut where it was cut, beside its run's books."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ivr.ami.capture import Chunk, Cut, read_capture
from ivr.lab import control
from ivr.lab.dialog import Identity
from ivr.lab.record import record
from ivr.lab.root import Root
from ivr.lab.scenarios.catalogue import SCENARIOS

pytestmark = pytest.mark.line


async def test_a_cut_recording_goes_on_with_a_snapshot(lab_root: Root, tmp_path: Path) -> None:
    await record("ami_cut", tmp_path, lab_root)
    header, entries = read_capture(tmp_path / "ami_cut.capture")
    assert header.node.startswith("lab")
    parts: list[bytes] = [b""]
    for entry in entries:
        if isinstance(entry, Chunk):
            parts[-1] += entry.data
        elif isinstance(entry, Cut):
            parts.append(b"")
    before, after = parts[0], parts[1]
    assert b"Event: AgentConnect" in before
    assert b"Event: BlindTransfer" not in before + after
    for part in (before, after):
        assert b"Event: QueueStatusComplete" in part
    assert b"Event: CoreShowChannel\r\n" in after
    assert b"ActionID: snapshot-BridgeList" in after
    book = json.loads((tmp_path / "ami_cut.driven.json").read_text("utf-8"))
    assert [entry["what"] for entry in book["driven"] if "AMI" in entry["what"]] == [
        "the AMI connection is cut",
        "the AMI connection can be made again",
        "the AMI connection is there again",
    ]
    assert "|CONNECT|" in (tmp_path / "ami_cut.queue_log").read_text("utf-8")
    assert '"BRIDGE_ENTER"' in (tmp_path / "ami_cut.cel.csv").read_text("utf-8")


async def test_a_scenario_is_played_on_the_lab_that_is_up(lab_root: Root, tmp_path: Path) -> None:
    told: list[str] = []
    lab = await control.up(tmp_path)
    try:
        assert await control.up(tmp_path) == lab
        await control.call(
            "consult_return",
            tmp_path,
            lambda entry: told.append(entry.what),
            caller=Identity("0277777777", "ผู้โทร"),
        )
        assert "0277777777" in lab.cel.read_text("utf-8")
    finally:
        assert await control.down(tmp_path) == 1
    assert control.status(tmp_path) == []
    assert told[-1] == "carrier: hangs up"
    assert "1001: takes back from hold" in told


def test_every_scenario_says_in_a_line_what_it_is() -> None:
    assert len(SCENARIOS) >= 50
    for scenario in SCENARIOS.values():
        assert 20 < len(scenario.what) < 110, scenario.name
