"""The fault run's table: each kind of fault, the calls it touched, and what became of them."""

from __future__ import annotations

from collections import Counter

from tests.faults.line_books import Caller
from tests.faults.line_ground import Happened
from tests.faults.line_verdict import Verdict

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
    widths = [max(len(row[n]) for row in rows) for n in range(len(_HEAD))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    filled = dict(verdict.filled)
    named = filled.pop("", 0)
    count = Counter(finding.kind for finding in verdict.findings)
    lines.append(
        f"{len(happened)} faults, {len(callers)} callers in CEL ({len(verdict.cut_off)} of them "
        f"cut off by a killed Asterisk; {len(verdict.beyond)} more that it had not written): lost "
        f"{count['lost']}, duplicated {count['duplicated']}, of {verdict.times} times "
        f"{count['off']} off by more than 10 ms (furthest {verdict.furthest / 1000:.1f} ms), left "
        f"open {count['left open']}, unnamed {count['unnamed']}, other {count['other']}; "
        f"gaps filled {filled}, named {named}"
    )
    return "\n".join(lines)
