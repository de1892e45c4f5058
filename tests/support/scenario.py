"""Scenario files: a capture, what it should become, and what Asterisk's own books say of it.

`NAME.expected.json` is written by a person from what was driven, in the published form of a call,
with each time written as the moment of the books that it must be within 10 ms of:

    "ANSWER PJSIP/1001"                   first CEL row of that type and channel
    "BRIDGE_ENTER PJSIP/1001 #2"          the second one (#-1: the last)
    "STREAM_END PJSIP/trunk (greeting)"   that names `greeting` in its exten, application or extra
    "driven 1001: holds"                  the moment the script did it; within 150 ms
    "driven 1001: holds #2"               the second time it did
    "within 1 s of ANSWER PJSIP/trunk"    what a snapshot tells in whole seconds only

`"*"` is anything, `{"either": [...]}` is one of several where the script does not fix which (`why`
says so), a key left out is not compared, a list must have just these entries.
A step may give `spans` (pairs of moments) instead of `elapsed_seconds`, which is then their sum.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_bridge.clock import iso, micros
from crm_bridge.config import Config, load_config
from crm_bridge.pipeline import NodePipeline
from crm_bridge.records.calls import call_as_json
from ivr.ami.capture import Chunk, Cut, read_capture
from ivr.ami.feed import Feed
from ivr.calls.call import Call
from ivr.events.decode import needed
from ivr.steps.standards import load_standards
from ivr.steps.timeline import timeline

SCENARIOS = Path(__file__).parents[1] / "scenarios"
NAMES = sorted(path.name.removesuffix(".capture") for path in SCENARIOS.glob("*.capture"))
CEL_TOLERANCE = 10_000
DRIVEN_TOLERANCE = 150_000

_CEL = re.compile(
    r"(?P<event>[A-Z_]+) (?P<channel>[^ ()]+)(?: \((?P<text>[^)]*)\))?(?: #(?P<n>-?\d+))?"
)
_WITHIN = re.compile(r"within (?P<seconds>\d+) s of (?P<moment>.*)")
_DRIVEN = re.compile(r"driven (?P<what>.*?)(?: #(?P<n>\d+))?")


@dataclass(frozen=True)
class CelRow:
    at: int
    event: str
    uniqueid: str
    linkedid: str
    channel: str
    text: str


def expected(name: str) -> Any:
    """The calls of the scenario as a person reasoned them."""
    return json.loads((SCENARIOS / f"{name}.expected.json").read_text())["calls"]


def config_of(name: str) -> Config:
    kind = "foreign" if name.startswith("foreign") else "ours"
    return load_config(SCENARIOS / f"{kind}.toml")


def chunks_of(name: str) -> tuple[str, float, list[Chunk | Cut]]:
    header, entries = read_capture(SCENARIOS / f"{name}.capture")
    return header.node, header.started_at, list(entries)


def messages_of(name: str) -> tuple[str, list[tuple[bytes, int]]]:
    """The node and its needed messages with their arrival (µs)."""
    node, start, entries = chunks_of(name)
    feed = Feed(needed(config_of(name).menu_contexts()))
    found = []
    for entry in entries:
        at = start + entry.t
        messages = feed.chunk(entry.data, at) if isinstance(entry, Chunk) else feed.cut(at)
        found += [(message, int(at * 1_000_000)) for message in messages]
    return node, found


def records_of(name: str) -> tuple[dict[str, Call], NodePipeline]:
    """Every call of a capture, closed as a replay closes it."""
    node, messages = messages_of(name)
    config = config_of(name)
    pipeline = NodePipeline(node, config.directory(), load_standards(), None)
    calls: dict[str, Call] = {}
    pipeline.on_change = lambda call, _event: calls.__setitem__(call.call_id, call)
    for raw, arrived in messages:
        pipeline.take(raw, arrived)
    for call in pipeline.tracker.interrupt_all():
        calls[call.call_id] = call
    return calls, pipeline


def as_json(calls: dict[str, Call], pipeline: NodePipeline) -> list[dict[str, Any]]:
    ordered = sorted(calls.values(), key=lambda c: (c.entered_at, c.call_id))
    return [
        json.loads(json.dumps(call_as_json(c, timeline(c, pipeline.directory, pipeline.standards))))
        for c in ordered
    ]


def cel_of(name: str, place: Path = SCENARIOS) -> list[CelRow]:
    path = place / f"{name}.cel.csv"
    packed = path.with_name(path.name + ".gz")
    text = gzip.decompress(packed.read_bytes()).decode() if packed.exists() else path.read_text()
    rows = []
    for row in csv.reader(text.splitlines()):
        seconds, _, part = row[0].partition(".")
        at = int(seconds) * 1_000_000 + int(part.ljust(6, "0"))
        rows.append(CelRow(at, row[1], row[2], row[3], row[4], " ".join(row[9:])))
    return rows


def queue_log_of(name: str) -> list[list[str]]:
    lines = (SCENARIOS / f"{name}.queue_log").read_text().splitlines()
    return [line.split("|") for line in lines]


def driven_of(name: str, place: Path = SCENARIOS) -> list[tuple[str, int]]:
    notes = json.loads((place / f"{name}.driven.json").read_text())
    return [(note["what"], int(note["at"] * 1_000_000)) for note in notes["driven"]]


class Books:
    """Finds the moment that an expected time names, in the books of one run.

    `place` is where that run's NAME.cel.csv and NAME.driven.json are.
    """

    def __init__(
        self,
        name: str,
        place: Path = SCENARIOS,
        cel_tolerance: int = CEL_TOLERANCE,
        driven_tolerance: int = DRIVEN_TOLERANCE,
    ) -> None:
        self.cel = cel_of(name, place)
        self.driven = driven_of(name, place)
        self.cel_tolerance = cel_tolerance
        self.driven_tolerance = driven_tolerance

    def moment(self, text: str) -> tuple[int, int]:
        """The moment (µs) and how far from it a time may be."""
        if found := _WITHIN.fullmatch(text):
            return self.moment(found["moment"])[0], int(found["seconds"]) * 1_000_000
        if found := _DRIVEN.fullmatch(text):
            at = [at for what, at in self.driven if what == found["what"]]
            assert at, f"the script did not: {found['what']}"
            return at[int(found["n"] or 1) - 1], self.driven_tolerance
        found = _CEL.fullmatch(text)
        assert found, f"not a moment of the books: {text!r}"
        rows = [
            r.at
            for r in self.cel
            if r.event == found["event"]
            and (r.channel.rpartition("-")[0] == found["channel"] or r.channel == found["channel"])
            and (found["text"] or "") in r.text
        ]
        n = int(found["n"] or 1)
        assert len(rows) >= abs(n), f"CEL has only {len(rows)} of {text!r}"
        return rows[n - 1 if n > 0 else n], self.cel_tolerance

    def differences(self, want: Any, got: Any, where: str) -> list[str]:
        if want == "*" or want == got:
            return []
        if isinstance(want, dict) and set(want) == {"either"}:
            return self._either(want["either"], got, where)
        if isinstance(want, dict) and isinstance(got, dict):
            found = []
            for key, value in want.items():
                if key == "spans":
                    found += self._spans(value, got, where)
                elif key not in got:
                    found.append(f"{where}.{key}: missing")
                else:
                    found += self.differences(value, got[key], f"{where}.{key}")
            return found
        if isinstance(want, list) and isinstance(got, list):
            if len(want) != len(got):
                return [f"{where}: {len(want)} entries wanted, {len(got)} are there: {got}"]
            pairs = enumerate(zip(want, got, strict=True))
            return [d for n, (a, b) in pairs for d in self.differences(a, b, f"{where}[{n}]")]
        if isinstance(want, str) and isinstance(got, str) and _is_time(got):
            return self._time(want, got, where)
        return [f"{where}: {want!r} wanted, {got!r} is there"]

    def _either(self, options: list[Any], got: Any, where: str) -> list[str]:
        found: list[str] = []
        for option in options:
            try:
                differences = self.differences(option, got, where)
            except AssertionError as missing:  # the books of this run have no such moment
                differences = [f"{where}: {missing}"]
            if not differences:
                return []
            found += differences
        return found

    def _time(self, want: str, got: str, where: str) -> list[str]:
        at, tolerance = self.moment(want)
        off = micros(got) - at
        if abs(off) <= tolerance:
            return []
        return [f"{where}: {off / 1000:+.1f} ms off {want!r} ({iso(at)})"]

    def _spans(self, spans: list[list[str]], got: dict[str, Any], where: str) -> list[str]:
        total = 0
        tolerance = 0
        for begin, end in spans:
            (a, da), (b, db) = self.moment(begin), self.moment(end)
            total += b - a
            tolerance += da + db
        elapsed = got["elapsed_seconds"]
        if elapsed is None or abs(elapsed * 1_000_000 - total) > tolerance:
            return [f"{where}.elapsed_seconds: {total / 1e6:.3f} wanted, {elapsed} is there"]
        return []


def _is_time(text: str) -> bool:
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text))
