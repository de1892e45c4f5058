"""Call-backs: lost callers, who was called back, how soon, and who still waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from crm_bridge.config import Config
from crm_bridge.figures.forms import CALLBACKS
from crm_bridge.figures.histogram import percentile
from crm_bridge.figures.tallies import Tally
from crm_bridge.records.database import Database
from crm_bridge.records.figures_walk import whole
from crm_bridge.reports.dashboard import Chart, Dashboard
from crm_bridge.reports.dashboards.parts import spans_chart, through_time, together, trend
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.links import calls_behind
from crm_bridge.reports.reading import added_up
from crm_bridge.reports.sheets import Cell, Column, Kind, Sheet, Words

STATES: Final[dict[str, Words]] = {
    "called_back": ("โทรกลับแล้วมีผู้รับ", "Called back and reached"),
    "called_again": ("ผู้โทรโทรมาใหม่และได้รับบริการก่อน", "Called again first, and was served"),
    "waiting": ("ยังรอโทรกลับ", "Still to be called back"),
    "given_up": ("ไม่โทรกลับแล้ว (มีผู้ระบุ)", "Given up (somebody said so)"),
    "no_number": ("ไม่มีหมายเลขให้โทรกลับ", "No number to call"),
}
_REACHABLE: Final = ("called_back", "called_again", "waiting", "given_up")
_SETTLED: Final = ("called_back", "called_again")

Sums = Mapping[tuple[Any, ...], Tally]


async def build(database: Database, config: Config, filters: Filters) -> Dashboard:
    """As `catalogue.Build` says."""
    period, other, grain = filters.period, filters.other, filters.drawn_by
    async with database.reading() as connection:
        now = await added_up(
            connection, CALLBACKS, ("state",), since=period.since, until=period.until
        )
        then = await added_up(
            connection, CALLBACKS, ("state",), since=other.since, until=other.until
        )
        days = await through_time(connection, CALLBACKS, ("state",), period, grain, {})
        were = await through_time(connection, CALLBACKS, ("state",), other, grain, {})
        blocks: list[Sheet | Chart] = [_states(now, then, filters), *_trends(days, were, filters)]
        after = together(CALLBACKS, (tally for tally in now.values())).spans[0]
        title: Words = ("โทรกลับหลังสายหลุดนานเท่าใด", "How soon they were called back")

        def bar(above: int | None, upto: int | None) -> str:
            only = {"state": "called_back"}
            return calls_behind(CALLBACKS, period, ["after"], only, above=above, upto=upto)

        blocks.append(spans_chart("after", title, after, None, bar))
        return Dashboard(tuple(blocks), whole=await whole(connection))


def _states(now: Sums, then: Sums, filters: Filters) -> Sheet:
    every = sum(tally.counts[0] for tally in now.values())
    every_then = sum(tally.counts[0] for tally in then.values())
    rows = []
    for state, words in STATES.items():
        tally, was = now.get((state,)), then.get((state,))
        if tally is None and was is None:
            continue
        count, before = (t.counts[0] if t else 0 for t in (tally, was))
        after = tally.spans[0] if tally else {}
        href = calls_behind(CALLBACKS, filters.period, ["calls"], {"state": state})
        rows.append(
            (words, Cell(count, href if count else None, bad=state == "waiting" and count > 0),
             count / every if every else None, percentile(after, 0.5), percentile(after, 0.9),
             before if every_then else None)
        )  # fmt: skip
    return Sheet(
        "callbacks",
        ("สายที่ไม่ได้รับและการโทรกลับ", "Lost callers and calls back"),
        (
            Column("state", ("ผล", "What became of them"), Kind.TEXT),
            Column("calls", ("สาย", "Calls"), suppressible=True),
            Column("share", ("ร้อยละ", "Share"), Kind.SHARE),
            Column("p50", ("มัธยฐาน", "p50"), Kind.SPAN, "callback_time"),
            Column("p90", ("p90", "p90"), Kind.SPAN, "callback_time"),
            Column("calls_then", ("ช่วงที่เทียบ", "Compared"), then_of="calls", suppressible=True),
        ),
        tuple(rows),
    )


def _trends(
    days: list[tuple[int, dict[tuple[Any, ...], Tally]]],
    were: list[tuple[int, dict[tuple[Any, ...], Tally]]],
    filters: Filters,
) -> list[Chart]:
    lost: Words = ("สายที่ไม่ได้รับ", "Lost callers")
    kept: Words = ("ได้คุยกันในภายหลัง", "Spoken with afterwards")

    def count(of: dict[tuple[Any, ...], Tally], states: tuple[str, ...]) -> int:
        return sum(of[state,].counts[0] for state in states if (state,) in of)

    def share(of: dict[tuple[Any, ...], Tally]) -> float | None:
        every = count(of, _REACHABLE)
        return count(of, _SETTLED) / every if every else None

    every = tuple(STATES)
    of = ([count(d, _REACHABLE) for _, d in days], [count(d, _REACHABLE) for _, d in were])
    return [
        trend("lost_calls", lost, lost, "count", [(at, count(d, every)) for at, d in days],
              [(at, count(d, every)) for at, d in were], filters, board="callbacks"),
        trend("spoken_with", kept, ("ร้อยละ", "Share"), "share", [(at, share(d)) for at, d in days],
              [(at, share(d)) for at, d in were], filters, board="callbacks", of=of),
    ]  # fmt: skip
