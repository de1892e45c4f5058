"""Callers handed on and put on hold, as CEL alone tells it: who, to whom, when, how it ended.

What became of a transfer is read from the channels: the one it was for is rung, and answers or
ends with a cause; somebody comes into one bridge with the caller; the caller goes. Where no
channel was rung only the dialplan's marker says why, and without it the outcome is "".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.faults.line_rows import Row

_PARTY = re.compile(r"PJSIP/(\d{4})-|Local/(\d{4})@.*;1$")
"""An officer, an agency, or the channel that stands in for one of them."""
_ECHO = 150_000
"""Microseconds: a ringing that ends so close to the caller's going ended because of it."""
_PARKED = 500_000
_BUSY, _REJECTED = 17, 21
_UNREACHED = {3, 20, 27, 34, 38, 41, 42, 44, 58}
_MARKED = {"BUSY": "busy", "NOANSWER": "no_answer"}


@dataclass
class Handed:
    """A caller handed on; microseconds since the epoch."""

    kind: str
    officer: str
    target: str
    """Number; "" where the book does not say it."""
    asked: int
    outcome: str = ""
    """"": the books do not know."""
    answered: set[int] = field(default_factory=set)
    """When the target was there: its answer, or its coming to the caller."""
    ended: set[int] = field(default_factory=set)
    """When it was over: one of these; empty: nobody knows."""


@dataclass
class Hold:
    """The caller hears music while he is with one officer."""

    officer: str
    began: int
    channel: str
    """The officer's, by its uniqueid."""
    ended: set[int] = field(default_factory=set)


@dataclass
class _Under:
    """A transfer under way."""

    handed: Handed
    failed: str = ""
    failed_at: int = 0
    sure: bool = False
    """The telephone itself, or the dialplan, said why: not an echo of the caller's going."""
    rung: set[str] = field(default_factory=set)


class Handings:
    """The transfers and holds of the callers of a CEL, by the caller's uniqueid."""

    def __init__(self, callers: set[str]) -> None:
        self.handed: dict[str, list[Handed]] = {caller: [] for caller in callers}
        self.holds: dict[str, list[Hold]] = {caller: [] for caller in callers}
        self._under: dict[str, _Under] = {}
        self._music: dict[str, Hold] = {}
        self._silent: dict[str, tuple[Hold, int]] = {}
        """Holds that are over a moment ago, by other than the end of the music."""
        self._bridge: dict[str, str] = {}
        self._since: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._group: dict[str, str] = {}
        self._up: dict[str, int] = {}

    def read(self, rows: list[Row]) -> None:
        for row in rows:
            self._names[row.uniqueid] = row.channel
            self._group[row.uniqueid] = row.linkedid
            if row.event == "CHAN_START":
                self._rung(row)
            elif row.event == "ANSWER":
                self._up.setdefault(row.uniqueid, row.at)
            elif row.event == "BLINDTRANSFER":
                self._blind(row)
            elif row.event == "ATTENDEDTRANSFER":
                self._attended(row)
            elif row.event == "PARK_START":
                self._parked(row)
            elif row.event == "BRIDGE_ENTER":
                self._enter(row)
            elif row.event in {"BRIDGE_EXIT", "HANGUP"}:
                self._leave(row)
            elif row.event == "STREAM_BEGIN" and "class" in row.extra:
                self._music_began(row)
            elif row.event == "STREAM_END":
                self._music_ended(row)
            elif row.event == "APP_START" and row.app == "Queue":
                self._queues(row)
            elif isinstance(row.extra.get("extra"), str):
                self._marked(row, *str(row.extra["extra"]).split(":"))

    def _party(self, uniqueid: str) -> str:
        found = _PARTY.match(self._names.get(uniqueid, ""))
        return (found[1] or found[2]) if found else ""

    def _beside(self, uniqueid: str) -> list[str]:
        bridge = self._bridge.get(uniqueid)
        return [u for u, b in self._bridge.items() if bridge and b == bridge and u != uniqueid]

    # --- transfers ---

    def _open(self, caller: str, handed: Handed, rung: set[str]) -> None:
        before = self._under.pop(caller, None)
        if before is not None:
            self._over(before, before.failed, {handed.asked})
        self.handed[caller].append(handed)
        self._under[caller] = _Under(handed, rung=rung)

    def _blind(self, row: Row) -> None:
        caller = str(row.extra.get("transferee_channel_uniqueid"))
        if caller not in self.handed:
            return
        target = str(row.extra.get("extension"))
        self._open(caller, Handed("blind", self._party(row.uniqueid), target, row.at), set())
        self._hold_over(row, caller)

    def _attended(self, row: Row) -> None:
        caller = str(row.extra.get("transferee_channel_uniqueid"))
        second = str(row.extra.get("channel2_uniqueid"))
        first_bridge = row.extra.get("bridge1_id")
        if caller not in self.handed:
            return
        self._hold_over(row, caller)
        if second == row.uniqueid and self._bridge.get(row.uniqueid) == first_bridge:
            return  # three speak
        other = str(row.extra.get("transfer_target_channel_uniqueid"))
        group = self._group.get(other, self._group.get(second, ""))
        rung = {
            u for u, g in self._group.items()
            if g == group and re.match(r"PJSIP/[23]\d\d\d-", self._names[u])
        }  # fmt: skip
        targets = {self._party(u) for u in rung}
        handed = Handed(
            "attended", self._party(row.uniqueid), targets.pop() if len(targets) == 1 else "",
            row.at,
        )  # fmt: skip
        self._open(caller, handed, rung)
        if any(u in self._up for u in rung) and other in self._names:
            self._answered(caller, {row.at})

    def _parked(self, row: Row) -> None:
        for caller, under in list(self._under.items()):
            if caller == row.uniqueid and row.at - under.handed.asked < _PARKED:
                self.handed[caller].remove(under.handed)
                del self._under[caller]

    def _rung(self, row: Row) -> None:
        for under in self._under.values():
            if self._party(row.uniqueid) == under.handed.target:
                under.rung.add(row.uniqueid)

    def _marked(self, row: Row, name: str, *value: str) -> None:
        under = self._under.get(row.uniqueid)
        if under is not None and name == "agency_failed" and value[-1] != "CANCEL":
            under.failed, under.failed_at = _MARKED.get(value[-1], "failed"), row.at
            under.sure = True

    def _queues(self, row: Row) -> None:
        """Back into a queue without having reached anybody: that was its end."""
        under = self._under.get(row.uniqueid)
        if under is not None and under.failed and row.uniqueid not in self._bridge:
            del self._under[row.uniqueid]
            self._over(under, under.failed, {row.at})

    def _came_together(self, caller: str, other: str, at: set[int]) -> None:
        under = self._under.get(caller)
        number = self._party(other)
        if under is None or not number:
            return
        handed = under.handed
        to_queue = handed.target.startswith("6")
        if number == handed.officer and not to_queue:
            del self._under[caller]
            self._over(under, under.failed, at)
        else:
            self._answered(caller, at | {self._up.get(other, max(at))})

    def _answered(self, caller: str, at: set[int]) -> None:
        handed = self._under.pop(caller).handed
        handed.outcome, handed.answered, handed.ended = "answered", at, at

    @staticmethod
    def _over(under: _Under, outcome: str, at: set[int]) -> None:
        under.handed.outcome, under.handed.ended = outcome, at

    def _hung_up(self, row: Row) -> None:
        for under in self._under.values():
            if row.uniqueid in under.rung and row.uniqueid not in self._up and not under.sure:
                cause = row.extra.get("hangupcause")
                under.sure = cause in {_BUSY, _REJECTED} or cause in _UNREACHED
                under.failed_at = row.at
                under.failed = "no_answer"
                if under.sure:
                    under.failed = "failed" if cause in _UNREACHED else "busy"
        gone = self._under.pop(row.uniqueid, None)
        if gone is None:
            return
        if gone.failed and (gone.sure or row.at - gone.failed_at > _ECHO):
            self._over(gone, gone.failed, {row.at})
        else:
            himself = row.extra.get("hangupsource") == row.channel
            self._over(gone, "abandoned" if himself else "", {row.at})

    # --- bridges ---

    def _enter(self, row: Row) -> None:
        self._bridge[row.uniqueid] = str(row.extra.get("bridge_id"))
        self._since[row.uniqueid] = row.at
        for other in self._beside(row.uniqueid):
            at = {row.at, self._since[other]}
            for caller, party in ((row.uniqueid, other), (other, row.uniqueid)):
                if caller in self.handed:
                    self._came_together(caller, party, at)

    def _leave(self, row: Row) -> None:
        self._bridge.pop(row.uniqueid, None)
        if row.event == "HANGUP" or row.uniqueid in self._music:  # an officer who leaves consults
            self._hold_over(row, row.uniqueid)
        if row.event == "HANGUP":
            self._hung_up(row)

    # --- holds ---

    def _music_began(self, row: Row) -> None:
        officers = [u for u in self._beside(row.uniqueid) if self._party(u).startswith("1")]
        beside = [u for u in self._beside(row.uniqueid) if self._party(u)]
        if row.uniqueid in self.holds and len(officers) == 1 == len(beside):
            hold = self._music[row.uniqueid] = Hold(self._party(officers[0]), row.at, officers[0])
            self.holds[row.uniqueid].append(hold)

    def _music_ended(self, row: Row) -> None:
        hold = self._music.pop(row.uniqueid, None)
        if hold is not None:
            hold.ended.add(row.at)
        elif row.uniqueid in self._silent:
            silent, at = self._silent.pop(row.uniqueid)
            if row.at - at < _ECHO:
                silent.ended.add(row.at)

    def _hold_over(self, row: Row, uniqueid: str) -> None:
        """This caller, or the officer who holds one, is gone or has handed on."""
        over = [c for c, hold in self._music.items() if uniqueid in {c, hold.channel}]
        for caller in over:
            hold = self._music.pop(caller)
            hold.ended.add(row.at)
            self._silent[caller] = hold, row.at
