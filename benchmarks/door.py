"""Claim: a hundred callers who come to the queues at once are received within Asterisk's second.

With three hundred who wait already, two hundred officers in four queues, five thousand numbers
under rules. What is measured is the desk's answer (`Door.welcome`: rules, who knows the caller, the
wait), one caller after the other on the bridge's one thread: the last of a hundred waits for all.
python -m benchmarks.door [ROUNDS]
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Final

from benchmarks.table import table, verdict
from crm_bridge.clock import SystemClock
from crm_bridge.desk.caller_rules import Kind, Rule, Treatment
from crm_bridge.desk.line import Line, LineNode
from crm_bridge.records.database import Database
from crm_bridge.selfservice.door import Door
from crm_bridge.selfservice.queue_figures import QueueFigures
from ivr.ami.reconnect import LinkState
from ivr.calls.directory import Directory
from ivr.calls.members import Members
from ivr.calls.tracker import Tracker
from ivr.events import types as ev
from ivr.selfservice.port import Arrival

QUEUES: Final = ("complaint", "information", "appointment", "market_information")
WAITING: Final = 300
OFFICERS: Final = 200
RULES: Final = 5_000
TOGETHER: Final = 100
BOUND: Final = 1.0
"""Seconds that Asterisk gives the bridge for its first word."""


class _Up:
    state = LinkState.UP


def house(rules: int = RULES, waiting: int = WAITING, officers: int = OFFICERS) -> Door:
    """A door of a line in which all officers are in a call and so many wait."""
    directory = Directory(services=dict.fromkeys(QUEUES, "information"),
                          agent_patterns=("PJSIP/1[0-9][0-9][0-9]",))  # fmt: skip
    tracker, members = Tracker("pbx1", directory), Members()
    members.apply(ev.LinkUp(0, False))
    for n in range(officers):
        name = str(1000 + n)
        members.apply(ev.PresenceTold(0, False, name, "agent-numbers", 1, (f"PJSIP/{name}",), True))
        for queue in QUEUES:
            members.apply(
                ev.MemberTold(0, False, queue, f"PJSIP/{name}", name, None, False, "", False)
            )
    members.apply(ev.SnapshotEnded(0, False))
    for n in range(waiting + TOGETHER):
        started = ev.ChannelStarted(
            n, False, f"c{n}", f"c{n}", f"PJSIP/trunk-{n:08x}", False, f"08{n:08}", None,
            "from-trunk", "1203",
        )  # fmt: skip
        tracker.apply(started)
        if n < waiting:
            tracker.apply(ev.QueueJoined(n, False, f"c{n}", QUEUES[n % 4], 1))
    line = Line(directory)
    line.add(LineNode("pbx1", _Up(), tracker, members))  # type: ignore[arg-type]  # played
    clock = SystemClock()
    door = Door(Database("sqlite:///never-opened.db"), clock, line)
    now = clock.now_us()
    door.figures = QueueFigures(now, dict.fromkeys(QUEUES, 240.0), 240.0)
    door.rules = {
        f"+669{n:08}": (
            Rule(str(n), Kind.VIP, Treatment.FIRST, f"+669{n:08}", None, None, None, "-", now, "-",
                 None),
        )
        for n in range(rules)
    }  # fmt: skip
    return door


def run(door: Door, rounds: int, waiting: int = WAITING) -> list[float]:
    """Seconds until the last of a hundred who come together has its answer, each round."""
    found = []
    for turn in range(rounds):
        began = time.perf_counter()
        for n in range(TOGETHER):
            door.welcome(
                Arrival(f"c{waiting + n}", QUEUES[n % 4], f"09{(turn * TOGETHER + n) % 9999:08}")
            )
        found.append(time.perf_counter() - began)
    return found


def report(found: list[float]) -> str:
    """The figures and how the aim came out."""
    middle = statistics.median(found)
    row = [f"{TOGETHER}", f"{middle / TOGETHER * 1e3:.2f}", f"{middle:.3f}", f"{max(found):.3f}"]
    figures = table(["callers at once", "each (ms)", "the last one (s)", "most (s)"], [row])
    return f"{figures}\nAim: {BOUND:g} s for the last of them: {verdict(max(found) <= BOUND)}"


def main() -> None:
    """Prints the report."""
    print(report(run(house(), int(sys.argv[1]) if len(sys.argv) > 1 else 20)))


if __name__ == "__main__":
    main()
