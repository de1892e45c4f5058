"""Callers' ways through the menus as a picture: from the first key to how the call came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases.call_words import SEEN
from crm_bridge.charts.flow import Band, Flow, Place
from crm_bridge.figures.forms import MENUS
from crm_bridge.reports.dashboard import Chart
from crm_bridge.reports.links import calls_behind
from crm_bridge.reports.period import Period
from crm_bridge.reports.reading import added_up
from crm_bridge.reports.sheets import Cell, Column, Kind, Sheet, Words
from ivr.calls.call import Outcome

OUTCOMES: Final[dict[str, Words]] = {
    **{str(outcome): words for outcome, words in SEEN.items()},
    "": SEEN[Outcome.UNKNOWN],
}
LOST: Final = ("abandoned_menu", "abandoned_queue", "queue_timeout", "short", "failed")
"""Outcomes of callers whom nobody served."""
_RARE: Final = 0.01
"""Ways that less of all callers take are drawn together."""
MOST: Final = 100
"""Ways of the table, those that most callers took."""
_KEYS: Final = 2
"""Keys that are drawn one after the other; the table has more."""
_START: Final = "start"
_OTHER: Final = "…"


async def ways(connection: AsyncConnection, period: Period) -> dict[tuple[str, str], int]:
    """What callers of these days pressed and how it came out: (path, outcome) → calls."""
    sums = await added_up(
        connection, MENUS, ("path", "outcome"), since=period.since, until=period.until
    )
    return {(str(path), str(outcome)): tally.counts[0] for (path, outcome), tally in sums.items()}


def of_days(ways: Mapping[tuple[str, str], int], period: Period) -> Chart:
    """The picture of the ways of these days, whose table leads to the calls."""
    hrefs = {
        (path, outcome): calls_behind(MENUS, period, ["calls"], {"path": path, "outcome": outcome})
        for path, outcome in sorted(ways, key=lambda way: -ways[way])[:MOST]
    }
    return flow(ways, hrefs)


def flow(ways: Mapping[tuple[str, str], int], hrefs: Mapping[tuple[str, str], str]) -> Chart:
    """The picture of ways: (path, outcome) → calls, as rows of `MENUS` have them.

    The table has those that `hrefs` leads from.
    """
    title: Words = ("เส้นทางของผู้โทรในเมนู", "Where callers go in the menus")
    every = sum(ways.values())
    firsts: Counter[tuple[str, ...]] = Counter()
    for (path, _), calls in ways.items():
        for depth in range(1, _KEYS + 1):
            firsts[tuple(pressed(path)[:depth])] += calls
    bands: Counter[tuple[str, str]] = Counter()
    for (path, outcome), calls in ways.items():
        before, keys = _START, pressed(path)
        for depth in range(1, min(len(keys), _KEYS) + 1):
            known = firsts[tuple(keys[:depth])] >= _RARE * every
            here = "/".join(keys[:depth] if known else [*keys[: depth - 1], _OTHER])
            bands[before, here] += calls
            before = here
            if not known:
                break
        bands[before, f"={outcome}"] += calls
    names = sorted({name for pair in bands for name in pair}, key=_order)
    places = tuple(_place(name) for name in names)
    drawn = tuple(Band(a, b, calls) for (a, b), calls in bands.items())
    rows = tuple(
        (_words(path), OUTCOMES.get(outcome, (outcome, outcome)),
         Cell(calls, hrefs[path, outcome]), calls / every)
        for (path, outcome), calls in sorted(ways.items(), key=_calls)
        if (path, outcome) in hrefs
    )  # fmt: skip
    return Chart(
        "menu",
        title,
        Flow(title, places, drawn),
        Sheet(
            "menu",
            title,
            (
                Column("path", ("ปุ่มที่กด", "Keys pressed"), Kind.TEXT),
                Column("outcome", ("ผลของสาย", "Outcome"), Kind.TEXT),
                Column("calls", ("สาย", "Calls"), suppressible=True),
                Column("share", ("ร้อยละ", "Share"), Kind.SHARE),
            ),
            rows,
        ),
        wide=True,
    )


def pressed(path: str) -> list[str]:
    """The keys of a path in order, each as `menu:key`."""
    return path.split("/") if path else []


def _calls(item: tuple[tuple[str, str], int]) -> tuple[int, tuple[str, str]]:
    return -item[1], item[0]


def _order(name: str) -> tuple[int, int, str]:
    if name.startswith("="):
        outcome = name[1:]
        return (9, list(OUTCOMES).index(outcome) if outcome in OUTCOMES else 99, name)
    return (0 if name == _START else name.count("/") + 1, name.endswith(_OTHER), name)


def _place(name: str) -> Place:
    if name == _START:
        return Place(name, 0, ("สายเข้า", "Calls in"))
    if name.startswith("="):
        outcome = name[1:]
        words = OUTCOMES.get(outcome, (outcome, outcome))
        return Place(name, _KEYS + 1, words, outcome in LOST)
    last = name.rsplit("/", maxsplit=1)[-1]
    if last == _OTHER:
        return Place(name, name.count("/") + 1, ("ปุ่มอื่น", "Other keys"))
    return Place(name, name.count("/") + 1, _key(last))


def _key(step: str) -> Words:
    menu, _, key = step.partition(":")
    if menu == "main":
        return (f"กด {key}", f"key {key}")
    return (f"{menu} กด {key}", f"{menu} key {key}")


def _words(path: str) -> Words:
    keys = [_key(step) for step in pressed(path)]
    if not keys:
        return ("ไม่ได้กด", "none")
    return (" → ".join(k[0] for k in keys), " → ".join(k[1] for k in keys))
