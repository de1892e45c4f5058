"""The fault run's table: each kind of fault, the calls it touched, and what became of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.faults.line_books import Caller
from tests.faults.line_ground import Happened
from tests.faults.line_verdict import Verdict

Records = list[dict[str, Any]]

_HEAD = (
    "fault", "times", "calls", "lost", "twice", "off", "gaps filled", "named", "other", "back in s",
    "the operator saw",
)  # fmt: skip
_SEEN = 3
_WIDEST = 90


def _touched(one: Happened, callers: dict[str, Caller]) -> set[str]:
    return {
        uniqueid
        for uniqueid, caller in callers.items()
        if caller.entered <= one.ended and (caller.ended or caller.last) >= one.began
    }


def _row(kind: str, of: list[Happened], callers: dict[str, Caller], verdict: Verdict) -> list[str]:
    touched: set[str] = set()
    seen: Counter[str] = Counter()
    for one in of:
        touched |= _touched(one, callers)
        seen.update(dict.fromkeys(one.told, 1))
    found = Counter(finding.kind for finding in verdict.findings if finding.uniqueid in touched)
    filled = Counter(by for uniqueid in touched for by in verdict.filled_of.get(uniqueid, []))
    named = filled.pop("", 0)
    back = sorted((one.ended - one.began) / 1e6 for one in of)
    told = "; ".join(f"{what}" for what, _ in seen.most_common(_SEEN))
    return [
        kind, str(len(of)), str(len(touched)), str(found["lost"]), str(found["duplicated"]),
        str(found["off"]), " ".join(f"{n} {by}" for by, n in sorted(filled.items())) or "0",
        str(named), str(found.total() - found["lost"] - found["duplicated"] - found["off"]),
        f"{back[len(back) // 2]:.1f}", told[:_WIDEST],
    ]  # fmt: skip


def table(happened: list[Happened], callers: dict[str, Caller], verdict: Verdict) -> str:
    """The table as text; a call that two faults touched stands in both their rows."""
    kinds: dict[str, list[Happened]] = {}
    for one in happened:
        kinds.setdefault(one.kind, []).append(one)
    rows = [list(_HEAD)]
    rows += [_row(kind, of, callers, verdict) for kind, of in sorted(kinds.items())]
    lines = [_aligned(rows)]
    lines.append(
        f"{len(happened)} faults, {len(callers)} callers in CEL ({len(verdict.cut_off)} of them "
        f"cut off by a killed Asterisk; {len(verdict.beyond)} more that it had not written), "
        f"{verdict.handed} transfers, {verdict.held} holds; {verdict.times} times, the furthest "
        f"off {verdict.furthest / 1000:.1f} ms"
    )
    because = Counter(_cause(at, happened) for _, at in verdict.unfilled)
    told = ", ".join(f"{n} by {kind}" for kind, n in because.most_common())
    lines.append(f"gaps that no book can fill, each named on its record: {told or 'none'}")
    return "\n".join(lines)


def _cause(at: int, happened: list[Happened]) -> str:
    """The fault that was being done then, or the last one before."""
    before = [one.kind for one in happened if one.began <= at + 1_000_000]
    return before[-1] if before else "none of the faults"


class Mended:
    """Which calls each stage has changed, revisions aside."""

    def __init__(self, rounds: Records, start: Records, repair: Records) -> None:
        self.by_start = _changed(rounds, start)
        self.by_repair = _changed(start, repair)


def _changed(before: Records, after: Records) -> list[str]:
    told = {record["call_id"]: {**record, "revision": 0} for record in before}
    return [r["call_id"] for r in after if told.get(r["call_id"]) != {**r, "revision": 0}]


def stages_of(verdicts: dict[str, Verdict], mended: Mended) -> str:
    """A line for each stage of filling: what is wrong after it, and what it has still changed."""
    changed = ["", f"{len(mended.by_start)} calls", f"{len(mended.by_repair)} calls"]
    head = (
        "", "lost", "duplicated", "off by more than 10 ms", "left open", "unnamed", "other",
        "gaps filled", "unfilled, named", "it changed",
    )  # fmt: skip
    rows = [list(head)]
    for (what, verdict), by_it in zip(verdicts.items(), changed, strict=True):
        count = Counter(finding.kind for finding in verdict.findings)
        filled = Counter(verdict.filled)
        named = filled.pop("", 0)
        kinds = ("lost", "duplicated", "off", "left open", "unnamed", "other")
        rows.append(
            [what, *(str(count[kind]) for kind in kinds), str(filled.total()), str(named), by_it]
        )
    return _aligned(rows)


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
