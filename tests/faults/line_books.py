"""Asterisk's books as the fault run reads them: nothing of the product is used for it.

CEL says which callers there were, when each came, was answered and went, which officer was in one
bridge with him, put him on hold or handed him on; queue_log says through which queues he went, and
how that ended.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.line_handing import Handed, Handings, Hold
from tests.faults.line_rows import Row, rows

_OFFICER = re.compile(r"PJSIP/(1\d\d\d)-")
_CALLER = re.compile(r"PJSIP/trunk-")
_TOGETHER = 1_000_000
"""Microseconds within which the second of two goes when a conversation is over."""
_ENDS = {
    "CONNECT": "answered",
    "ABANDON": "abandoned",
    "EXITWITHTIMEOUT": "timeout",
    "EXITEMPTY": "timeout",
    "EXITWITHKEY": "left",
}


@dataclass
class With:
    """An officer and the caller in one bridge; microseconds since the epoch."""

    officer: str
    began: set[int]
    """When the one, and when the other of them came in."""
    ended: set[int] = field(default_factory=set)
    """When the one, and when the other went."""


@dataclass
class Passage:
    queue: str
    outcome: str = ""


@dataclass
class Caller:
    """One caller as the books have him."""

    uniqueid: str
    entered: int
    last: int
    """The last that is told of him."""
    number: str = ""
    answered: int | None = None
    ended: int | None = None
    joinings: list[int] = field(default_factory=list)
    """When he came to run Queue outside a bridge, each time."""
    leavings: set[int] = field(default_factory=set)
    """When he may have left a queue: whatever took him out of it, or into a conversation."""
    withs: list[With] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    handed: list[Handed] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)


class Reading:
    """The callers of a CEL, by uniqueid, each with who spoke with him."""

    def __init__(self) -> None:
        self.callers: dict[str, Caller] = {}
        self._bridge: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._open: dict[tuple[str, str], With] = {}
        """Officer's and caller's channel who are in one bridge now."""
        self._gone: dict[tuple[str, str], With] = {}
        """Of whom one has gone: the other's going, which follows, is its end as well."""
        self._entered: dict[str, int] = {}

    def read(self, all_rows: list[Row]) -> dict[str, Caller]:
        for row in all_rows:
            self._names[row.uniqueid] = row.channel
            if (
                row.event == "CHAN_START"
                and _CALLER.match(row.channel)
                and row.context == "from-trunk"
            ):
                self.callers[row.uniqueid] = Caller(row.uniqueid, row.at, row.at, row.number)
            caller = self.callers.get(row.uniqueid)
            if caller is not None:
                caller.last = row.at
                self._of_a_caller(caller, row)
            if row.event == "BRIDGE_ENTER":
                self._enter(row)
            elif row.event in {"BRIDGE_EXIT", "HANGUP"}:
                self._leave(row)
            elif row.event in {"BLINDTRANSFER", "ATTENDEDTRANSFER"}:
                spells = [s for pair, s in self._open.items() if row.uniqueid in pair]
                asked = self.callers.get(row.linkedid)  # he who asked may have left the bridge
                spells += asked.withs[-1:] if asked and row.event == "ATTENDEDTRANSFER" else []
                for spell in spells:
                    spell.ended.add(row.at)
        return self.callers

    def _of_a_caller(self, caller: Caller, row: Row) -> None:
        if row.event == "ANSWER" and caller.answered is None:
            caller.answered = row.at
        elif row.event == "HANGUP":
            caller.ended = row.at
            caller.leavings.add(row.at)
        elif row.app == "Queue" and row.event in {"APP_START", "APP_END"}:
            caller.leavings.add(row.at)
            if row.event == "APP_START" and row.uniqueid not in self._bridge:
                caller.joinings.append(row.at)
        elif row.event == "BRIDGE_ENTER":
            caller.leavings.add(row.at)

    def _enter(self, row: Row) -> None:
        self._leave(row)
        self._bridge[row.uniqueid] = row.bridge
        beside = [u for u, b in self._bridge.items() if b == row.bridge and u != row.uniqueid]
        for other in beside:
            for officer, caller in ((row.uniqueid, other), (other, row.uniqueid)):
                name = _OFFICER.match(self._names[officer])
                if name and caller in self.callers:
                    spell = With(name[1], {row.at, self._entered.get(other, row.at)})
                    self._open[officer, caller] = spell
                    self.callers[caller].withs.append(spell)
        self._entered[row.uniqueid] = row.at

    def _leave(self, row: Row) -> None:
        self._bridge.pop(row.uniqueid, None)
        for pair in [pair for pair in self._gone if row.uniqueid in pair]:
            spell = self._gone.pop(pair)
            if row.at - min(spell.ended) < _TOGETHER:
                spell.ended.add(row.at)
        for pair in [pair for pair in self._open if row.uniqueid in pair]:
            spell = self._open.pop(pair)
            spell.ended.add(row.at)
            self._gone[pair] = spell


def _began(page: Path) -> int:
    """The second of its first line: rotated books are in that order, whatever their names say."""
    with page.open(encoding="utf-8", errors="replace") as lines:
        at = next(lines, "").partition("|")[0]
    return int(at) if at.isdigit() else 0


def read_books(cel: Path, queue_log: Path) -> dict[str, Caller]:
    """Every caller of the books, by uniqueid."""
    told = rows(cel.read_text("utf-8", "replace"))
    callers = Reading().read(told)
    handings = Handings(set(callers))
    handings.read(told)
    for uniqueid, caller in callers.items():
        caller.handed, caller.holds = handings.handed[uniqueid], handings.holds[uniqueid]
    rotated = sorted(queue_log.parent.glob(f"{queue_log.name}.[0-9]*"), key=_began)
    pages = [page.read_text("utf-8", "replace") for page in (*rotated, queue_log) if page.exists()]
    for line in "".join(pages).splitlines():
        at, caller, queue, _, event, *_ = (*line.split("|"), "", "", "", "", "")
        if not at.isdigit() or caller not in callers:
            continue
        passages = callers[caller].passages
        if event == "ENTERQUEUE":
            passages.append(Passage(queue))
        elif event in _ENDS and passages and not passages[-1].outcome:
            passages[-1].outcome = _ENDS[event]
    return callers
