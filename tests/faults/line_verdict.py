"""Records held against the books: who is lost, twice there, at another time, or unknown unnamed."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from crm_bridge.clock import micros
from tests.faults.line_books import Caller, With

_OFFICER = re.compile(r"1\d\d\d")
_FAILED = {"busy", "no_answer", "failed"}
TOLERANCE = 10_000
"""Microseconds that a time of a record may be off the books."""


@dataclass(frozen=True)
class Finding:
    kind: str
    """lost, duplicated, off, left open (the books know it), unnamed (nobody knows, and the record
    does not say so), other."""
    uniqueid: str
    what: str


@dataclass
class Verdict:
    findings: list[Finding]
    filled: Counter[str]
    """Gaps by what filled them; "" are those that nothing has."""
    filled_of: dict[str, list[str]]
    """The same by caller."""
    cut_off: set[str]
    """Callers whose end is in no book: Asterisk was killed."""
    beyond: list[str]
    """Callers of whom only the records tell: a killed Asterisk had not written of them yet."""
    furthest: int
    """Microseconds: the time that is furthest off its book."""
    times: int
    """How many times were held against the books."""
    unfilled: list[tuple[str, int]] = field(default_factory=list)
    """Gaps that no book fills: whose, and from when on."""
    handed: int = 0
    """How many transfers were."""
    held: int = 0
    """How many holds were."""

    def of(self, kind: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.kind == kind]


def judge(
    callers: dict[str, Caller], records: Iterable[dict[str, Any]], kills: list[int]
) -> Verdict:
    """`kills`: when Asterisk was killed or told to go, in microseconds since the epoch."""
    verdict = Verdict([], Counter(), {}, set(), [], 0, 0)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        if record["direction"] != "inbound":
            continue
        ids = set(record["linkedids"]) & callers.keys()
        for one in ids:
            found[one].append(record)
        if not ids:
            _beyond(verdict, record, kills)
    for uniqueid, caller in callers.items():
        ours = found.get(uniqueid, [])
        if not ours:
            verdict.findings.append(Finding("lost", uniqueid, f"entered {caller.entered}"))
        elif len(ours) > 1:
            names = [record["call_id"] for record in ours]
            verdict.findings.append(Finding("duplicated", uniqueid, f"{names}"))
        for record in ours[:1]:
            _Held(verdict, caller, record).hold()
    return verdict


def _beyond(verdict: Verdict, record: dict[str, Any], kills: list[int]) -> None:
    at = micros(record["entered_at"])
    name = record["call_id"]
    if any(0 <= kill - at < 2_000_000 for kill in kills):
        verdict.beyond.append(name)
    else:
        verdict.findings.append(Finding("other", name, "a caller of whom CEL has nothing"))


class _Held:
    """One record against its caller."""

    def __init__(self, verdict: Verdict, caller: Caller, record: dict[str, Any]) -> None:
        self.verdict, self.caller, self.record = verdict, caller, record
        self.named = any(gap["filled_by"] is None for gap in record["gaps"])

    def say(self, kind: str, what: str) -> None:
        self.verdict.findings.append(Finding(kind, self.caller.uniqueid, what))

    def hold(self) -> None:
        caller, record = self.caller, self.record
        fillings = [gap["filled_by"] or "" for gap in record["gaps"]]
        self.verdict.filled.update(fillings)
        self.verdict.filled_of[caller.uniqueid] = fillings
        for gap in record["gaps"]:
            if gap["filled_by"] is None:
                self.verdict.unfilled.append((caller.uniqueid, micros(gap["from"])))
                if caller.ended is not None:
                    self.say("left open", f"nothing has filled {gap}; the books have all of it")
        self.time("entered_at", record["entered_at"], {caller.entered})
        self.time("answered_at", record["answered_at"], _known(caller.answered))
        self.time("ended_at", record["ended_at"], _known(caller.ended))
        if caller.ended is None:
            self.verdict.cut_off.add(caller.uniqueid)
            if record["ended_at"] is None and not self.named:
                self.say("unnamed", f"no end, outcome {record['outcome']}, gaps {record['gaps']}")
        self.passages()
        self.agents()
        self.transfers()
        self.holds()

    def time(self, name: str, got: str | None, books: set[int]) -> None:
        """The record's time is one of these, or unknown like them."""
        if got is None:
            if books:
                self.say("left open", f"{name} is unknown; the books have {sorted(books)}")
            return
        if not books:
            # the bridge may have heard what a killed Asterisk did not come to write
            if self.caller.ended is not None or abs(micros(got) - self.caller.last) > 2_000_000:
                self.say("other", f"{name} is {got}; the books have none")
            return
        self.verdict.times += 1
        off = min(abs(micros(got) - at) for at in books)
        self.verdict.furthest = max(self.verdict.furthest, off)
        if off > TOLERANCE:
            near = min((micros(got) - at for at in books), key=abs)
            self.say("off", f"{name} is {near / 1000:+.1f} ms off")

    def passages(self) -> None:
        ours, theirs = self.record["queue_passages"], self.caller.passages
        if self.caller.ended is None:  # the last line of either book may be missing
            theirs = theirs[: len(ours)]
            ours = ours[: len(theirs)]
        if [p["queue"] for p in ours] != [p.queue for p in theirs]:
            self.say("other", f"queues {[p['queue'] for p in ours]}, in the book {theirs}")
            return
        for n, (mine, book) in enumerate(zip(ours, theirs, strict=True)):
            joined = set(self.caller.joinings) or {self.caller.last}
            self.time(f"passage {n} joined_at", mine["joined_at"], joined)
            if mine["left_at"] is None and not book.outcome:
                if not self.named:
                    self.say("unnamed", f"passage {n} has no end")
                continue
            self.time(f"passage {n} left_at", mine["left_at"], self.caller.leavings)
            if book.outcome and mine["outcome"] != book.outcome:
                self.say("other", f"passage {n} {mine['outcome']}, in the book {book.outcome}")

    def agents(self) -> None:
        ours: dict[str, list[dict[str, Any]]] = defaultdict(list)
        theirs: dict[str, list[With]] = defaultdict(list)
        for spell in self.record["agents"]:
            ours[spell["agent"]].append(spell)
        for one in self.caller.withs:
            theirs[one.officer].append(one)
        if ours.keys() != theirs.keys():
            missing = theirs.keys() - ours.keys()
            if self.caller.ended is None and not missing:
                return
            self.say(
                "left open" if missing else "other",
                f"officers {sorted(ours)}, in the book {sorted(theirs)}",
            )
        for officer in ours.keys() & theirs.keys():
            mine, book = ours[officer], theirs[officer]
            began = set().union(*(one.began for one in book))
            ended = set().union(*(one.ended for one in book))
            self.time(f"{officer} connected", mine[0]["connected_at"], book[0].began)
            for spell in mine[1:]:
                self.time(f"{officer} connected again", spell["connected_at"], began)
            for spell in mine[:-1]:
                self.time(f"{officer} released before", spell["released_at"], ended)
            last = mine[-1]["released_at"]
            if last is None and not book[-1].ended:
                if not self.named:
                    self.say("unnamed", f"{officer} has no end")
                continue
            self.time(f"{officer} released", last, book[-1].ended)

    def transfers(self) -> None:
        """Officers' own; an agency that hands a caller on is in the book by its number alone."""
        ours = [t for t in self.record["transfers"] if _OFFICER.fullmatch(t["by"])]
        theirs = [one for one in self.caller.handed if _OFFICER.fullmatch(one.officer)]
        if not self.same("transfers", [t["by"] for t in ours], [one.officer for one in theirs]):
            return
        for n, (mine, book) in enumerate(zip(ours, theirs, strict=False)):
            name = f"transfer {n} by {book.officer}"
            self.verdict.handed += 1
            if mine["kind"] != book.kind or mine["target"] != (book.target or mine["target"]):
                self.say("other", f"{name}: {mine['kind']} to {mine['target']}, in the book {book}")
            self.time(f"{name} asked_at", mine["asked_at"], {book.asked})
            # where no book says why it failed, it may have been heard, but is never made up
            known = {book.outcome} if book.outcome else {"", *_FAILED}
            if (mine["outcome"] or "") not in known:
                kind = "other" if mine["outcome"] else "left open"
                self.say(kind, f"{name}: {mine['outcome']}, in the book {book.outcome or '?'}")
            if mine["outcome"] == "answered":
                self.time(f"{name} answered_at", mine["answered_at"], book.answered)
            if book.ended or mine["ended_at"]:
                self.time(f"{name} ended_at", mine["ended_at"], book.ended)
            elif not self.named:
                self.say("unnamed", f"{name} has no end")

    def holds(self) -> None:
        ours, theirs = self.record["holds"], self.caller.holds
        if not self.same("holds", [h["by"] for h in ours], [one.officer for one in theirs]):
            return
        for n, (mine, book) in enumerate(zip(ours, theirs, strict=False)):
            name = f"hold {n} by {book.officer}"
            self.verdict.held += 1
            self.time(f"{name} started_at", mine["started_at"], {book.began})
            if book.ended or mine["ended_at"]:
                self.time(f"{name} ended_at", mine["ended_at"], book.ended)
            elif not self.named:
                self.say("unnamed", f"{name} has no end")

    def same(self, what: str, ours: list[str], theirs: list[str]) -> bool:
        """The same officers in the same order, as far as both books go."""
        if self.caller.ended is None:  # the last line of the book may be missing
            n = min(len(ours), len(theirs))
            ours, theirs = ours[:n], theirs[:n]
        if ours != theirs:
            kind = "left open" if len(ours) < len(theirs) else "other"
            self.say(kind, f"{what} by {ours}, in the book by {theirs}")
        return ours == theirs


def _known(at: int | None) -> set[int]:
    return set() if at is None else {at}
