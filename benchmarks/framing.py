"""Claim: framing and filtering cost at most a twelfth of panoramisk's CPU per event, and the whole
way to committed rows at most a quarter.

The same unfiltered AMI stream goes from a feeder process through a loopback TCP socket to a reader
process, one reader after another, in turns. CPU is the reader's own (getrusage), from its first
byte to its last, user and system time: the socket is part of the work. Readers:

    panoramisk   panoramisk 1.4 alone, `register_event('*')` with a callback that counts
    ours         ivr.ami's protocol: buffer, framer, filter; a callback that counts
    count        `bytes.count(b'\\r\\n\\r\\n')` on what asyncio reads; nothing can be cheaper
    whole        the bridge (`benchmarks/bridge.py`): link, login, filter, calls, steps, journal,
                 rows; until the last commit is on SQLite's disk

    python -m benchmarks.framing [CAPTURE] [--events N] [--rounds N]

Without a capture it makes up a stream of the shape measured on Asterisk 22: 149 events a call,
VarSet 59 % of the bytes, 31 events needed. Events of all readers are compared with the stream's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.table import middle, table, verdict
from ivr.events.decode import needed

if TYPE_CHECKING:
    from benchmarks.bridge import Cost

END = b"\r\n\r\n"
READERS = ("panoramisk", "ours", "whole", "count")
AIMS = {"ours": 12.0, "whole": 4.0}
TITLES = {
    "panoramisk": "panoramisk 1.4 alone",
    "ours": "our framing + filter",
    "whole": "whole pipeline, committed",
    "count": "count of empty lines",
}
HELLO = b"Asterisk Call Manager/11.0.0\r\n"
KEEP = needed(["1203-menu"])  # what the bridge itself asks for

# name, events a call, of these needed, headers beside the channel's own
SHAPE = (
    ("VarSet", 84, 0, ("Variable", "Value")),
    ("Newexten", 12, 2, ("Extension", "Application", "AppData")),
    ("TestEvent", 10, 0, ("Type", "State", "AppFile", "AppFunction", "AppLine", "State")),
    ("RTCPSent", 5, 0, ("To", "From", "SSRC", "PT", "ReportCount", "SentNTP", "SentPackets")),
    ("RTCPReceived", 2, 0, ("To", "From", "SSRC", "PT", "ReportCount", "RTT")),
    ("DeviceStateChange", 3, 0, ("Device", "State")),
    ("Newchannel", 2, 2, ()),
    ("Newstate", 8, 8, ()),
    ("DialBegin", 2, 2, ("DestChannel", "DestUniqueid", "DestLinkedid", "DialString")),
    ("DialEnd", 2, 2, ("DestChannel", "DestUniqueid", "DestLinkedid", "DialStatus")),
    ("BridgeEnter", 2, 2, ("BridgeUniqueid", "BridgeType", "BridgeTechnology", "BridgeCreator")),
    ("BridgeLeave", 2, 2, ("BridgeUniqueid", "BridgeType", "BridgeTechnology", "BridgeCreator")),
    ("QueueCallerJoin", 1, 1, ("Queue", "Position", "Count")),
    ("QueueCallerLeave", 1, 1, ("Queue", "Position", "Count")),
    ("AgentCalled", 1, 1, ("Queue", "Interface", "MemberName", "DestUniqueid")),
    ("AgentConnect", 1, 1, ("Queue", "Interface", "MemberName", "HoldTime", "RingTime")),
    ("AgentComplete", 1, 1, ("Queue", "Interface", "MemberName", "TalkTime", "Reason")),
    ("QueueMemberStatus", 4, 0, ("Queue", "MemberName", "Interface", "Status", "Paused")),
    ("HangupRequest", 1, 1, ("Cause",)),
    ("Hangup", 2, 2, ("Cause", "Cause-txt")),
    ("UserEvent", 3, 3, ("UserEvent", "Mark", "Value")),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One reader's run: CPU and wall seconds, events seen, events of the stream."""

    reader: str
    cpu_seconds: float
    wall_seconds: float
    seen: int
    events: int
    cost: Cost | None = None
    """Of the whole pipeline: what it saved."""

    @property
    def micros_per_event(self) -> float:
        return self.cpu_seconds / self.events * 1e6


def synthesise(calls: int, seed: int = 1203) -> bytes:
    """A stream of that many calls, events in a mixed order, 149 a call."""
    rng = random.Random(seed)
    out = []
    for call in range(calls):
        events = [
            (name, n < wanted, extra) for name, count, wanted, extra in SHAPE for n in range(count)
        ]
        rng.shuffle(events)
        for name, wanted, extra in events:
            out.append(_event(rng, call, name, wanted, extra))
            if name == "TestEvent" and rng.random() < 0.1:
                out.append("\r\n")
    return "".join(out).encode()


def _event(rng: random.Random, call: int, name: str, wanted: bool, extra: tuple[str, ...]) -> str:
    lines = [
        f"Event: {name}",
        "Privilege: call,all",
        f"Timestamp: {1763900000 + call}.{rng.randrange(10**6):06d}",
    ]
    if name not in ("TestEvent", "DeviceStateChange", "QueueMemberStatus"):
        lines += [
            f"Channel: PJSIP/trunk-{call:08x}",
            "ChannelState: 6",
            "ChannelStateDesc: Up",
            f"CallerIDNum: 08{rng.randrange(10**8):08d}",
            "CallerIDName: สมชาย ใจดี",
            "ConnectedLineNum: <unknown>",
            "ConnectedLineName: <unknown>",
            "Language: th",
            "AccountCode: ",
            f"Context: {'1203-menu' if wanted else 'from-trunk'}",
            "Exten: 1203",
            f"Priority: {rng.randrange(30)}",
            f"Uniqueid: {1763900000 + call}.{call}",
            f"Linkedid: {1763900000 + call}.{call}",
        ]
    for header in extra:
        value = "Hotline1203" if header == "UserEvent" else f"{rng.randrange(10**12)}"
        if header == "Value" and rng.random() < 0.15:
            value = ""
        lines.append(f"{header}: {value}")
    return "\r\n".join(lines) + END.decode()


def stream_of(capture: Path) -> bytes:
    """All bytes of a capture, from its first event to the end of its last message."""
    from ivr.ami.capture import Chunk, read_capture

    _, entries = read_capture(capture, allow_truncated=True)
    data = b"".join(entry.data for entry in entries if isinstance(entry, Chunk))
    start = data.find(b"Event: ")
    return data[start if start > 0 else 0 : data.rfind(END) + 4]


def events_in(stream: bytes) -> int:
    """Events in the stream, by a plain count of first lines."""
    return stream.count(b"\r\nEvent: ") + stream.startswith(b"Event: ")


def run(
    stream: bytes, place: Path, *, rounds: int = 5, repeat: int = 1, warm_up: int = 0
) -> dict[str, list[Reading]]:
    """Every reader in turn, `rounds` times, on the stream sent `repeat` times over.

    The whole pipeline gets it once, into a new database each time: twice, its calls would be the
    same calls.
    """
    readings: dict[str, list[Reading]] = {name: [] for name in READERS}
    for turn in range(rounds + warm_up):
        for name in READERS:
            if name == "whole":
                reading = _measure_whole(stream, place / str(turn))
            else:
                reading = _measure(name, stream, repeat)
            if turn >= warm_up:
                readings[name].append(reading)
    return readings


def ratios(readings: dict[str, list[Reading]]) -> dict[str, list[float]]:
    """By how much each reader's CPU per event is below panoramisk's of the same round."""
    base = [r.micros_per_event for r in readings["panoramisk"]]
    return {
        name: [b / r.micros_per_event for b, r in zip(base, runs, strict=True)]
        for name, runs in readings.items()
    }


def _measure_whole(stream: bytes, place: Path) -> Reading:
    from benchmarks.bridge import Bridge

    bridge = Bridge(place)
    try:
        cost = bridge.work([stream], len(stream))
    finally:
        bridge.close()
    if cost.failed:
        raise RuntimeError(f"{cost.failed} events were not understood")
    return Reading("whole", cost.cpu, cost.wall, cost.needed, events_in(stream), cost)


def _measure(name: str, stream: bytes, repeat: int) -> Reading:
    events = events_in(stream) * repeat
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        reader = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.framing", "--read", name, "--port", str(port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        connection, _ = server.accept()
        with connection:
            connection.sendall(HELLO)
            if name == "panoramisk":
                time.sleep(0.2)  # it must have finished its own connection_made
            for _ in range(repeat):
                connection.sendall(stream)
    output, _ = reader.communicate(timeout=600)
    told = json.loads(output)
    return Reading(name, told["cpu"], told["wall"], told["seen"], events)


class _Meter:
    """CPU and wall time from the first byte on."""

    def __init__(self) -> None:
        self.seen = 0
        self.cpu: float | None = None
        self.wall = 0.0

    def begin(self) -> None:
        if self.cpu is None:
            self.cpu, self.wall = self._now(), time.monotonic()

    def end(self) -> str:
        cpu = self._now() - (self.cpu or 0.0)
        return json.dumps({"cpu": cpu, "wall": time.monotonic() - self.wall, "seen": self.seen})

    @staticmethod
    def _now() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime


async def _read_panoramisk(port: int) -> str:
    from panoramisk import Manager
    from panoramisk.ami_protocol import AMIProtocol

    meter, over = _Meter(), asyncio.Event()

    class Metered(AMIProtocol):
        def data_received(self, data: bytes) -> None:
            if meter.seen == 0:
                meter.begin()
            super().data_received(data)

        def connection_lost(self, exc: Exception | None) -> None:
            over.set()

    manager = Manager(
        host="127.0.0.1", port=port, protocol_factory=Metered, loop=asyncio.get_running_loop()
    )

    def count(_manager: object, _event: object) -> None:
        meter.seen += 1

    manager.register_event("*", count)
    await manager.connect()
    await over.wait()
    result = meter.end()
    manager.close()
    return result


async def _read_ours(port: int) -> str:
    from ivr.ami.address import NodeAddress
    from ivr.ami.client import Client
    from ivr.ami.feed import Feed

    meter, feed = _Meter(), Feed(KEEP)

    def count(messages: list[bytes], _at: float) -> None:
        meter.begin()
        meter.seen += len(messages)

    client = await Client.connect(NodeAddress("127.0.0.1", port, "", ""), feed, count)
    meter.begin()
    while not await client.lost(60):
        pass
    meter.seen -= 2  # link-up and link-lost are ours
    return meter.end()


async def _read_count(port: int) -> str:
    meter, over = _Meter(), asyncio.Event()

    class Counting(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            meter.begin()
            meter.seen += data.count(END)

        def connection_lost(self, exc: Exception | None) -> None:
            over.set()

    await asyncio.get_running_loop().create_connection(Counting, "127.0.0.1", port)
    await over.wait()
    return meter.end()


def report(readings: dict[str, list[Reading]], stream: bytes) -> str:
    """The figures as a table."""
    events = events_in(stream)
    against = ratios(readings)
    rows = []
    for name, runs in readings.items():
        micros = [r.micros_per_event for r in runs]
        aim = AIMS.get(name)
        rows.append(
            [
                TITLES[name],
                middle(micros, ",.3f"),
                f"{1e6 / statistics.median(micros):,.0f}",
                middle(against[name], ".1f"),
                "" if aim is None else f"≥ {aim:g} ×",
                "" if aim is None else verdict(statistics.median(against[name]) >= aim),
            ]
        )
    head = ["reader", "CPU µs/event", "events/s of CPU", "× cheaper", "aim", ""]
    lines = [f"{events:,} events of {len(stream) / max(events, 1):.0f} bytes", table(head, rows)]
    cost = readings["whole"][-1].cost
    if cost is not None:
        lines.append(
            f"whole pipeline: {cost.needed:,} events needed, {cost.calls:,} calls saved in"
            f" {cost.rows:,} rows by {cost.commits} commits"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("capture", nargs="?", type=Path, help="any capture; default: made up")
    parser.add_argument("--events", type=int, default=300_000, help="about so many per reader")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--read", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        readers = {"panoramisk": _read_panoramisk, "ours": _read_ours, "count": _read_count}
        print(asyncio.run(readers[options.read](options.port)))
        return
    stream = stream_of(options.capture) if options.capture else synthesise(200)
    repeat = max(1, round(options.events / max(events_in(stream), 1)))
    with tempfile.TemporaryDirectory(prefix="hotline-bench-", dir="/var/tmp") as place:
        print(report(run(stream, Path(place), rounds=options.rounds, repeat=repeat), stream))


if __name__ == "__main__":
    main()
