"""Queues: how soon callers were answered, who hung up, and when they come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from crm_bridge.config import Config
from crm_bridge.figures.forms import HOURS, QUEUES, WAITS_TOLD
from crm_bridge.figures.histogram import within
from crm_bridge.figures.tallies import Tally
from crm_bridge.records.database import Database
from crm_bridge.records.figures_walk import whole
from crm_bridge.reports.dashboard import Chart, Dashboard
from crm_bridge.reports.dashboards.parts import (
    Value,
    choices_of,
    heat,
    spans_chart,
    through_time,
    together,
    trend,
)
from crm_bridge.reports.dashboards.tables import queues_table
from crm_bridge.reports.dashboards.waits import waits_told
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.links import calls_behind
from crm_bridge.reports.overview import Queue, queue_of
from crm_bridge.reports.reading import added_up
from crm_bridge.reports.sheets import Sheet, Words

TAKES: Final = ("queue",)
_SECOND: Final = 1_000_000


async def build(database: Database, config: Config, filters: Filters) -> Dashboard:
    """As `catalogue.Build` says."""
    period, other, grain = filters.period, filters.other, filters.drawn_by
    only = {"queue": filters.queue} if filters.queue else {}
    async with database.reading() as connection:
        sums = await added_up(
            connection, QUEUES, ("queue",), since=period.since, until=period.until, only=only
        )
        before = await added_up(
            connection, QUEUES, ("queue",), since=other.since, until=other.until, only=only
        )
        now = await through_time(connection, QUEUES, ("queue",), period, grain, only)
        then = await through_time(connection, QUEUES, ("queue",), other, grain, only)
        hours = await added_up(
            connection, HOURS, ("hour_of_week",), since=period.since, until=period.until,
            only={**only, "step": ""}, spans=False,
        )  # fmt: skip
        told = await added_up(
            connection, WAITS_TOLD, ("told",), since=period.since, until=period.until, only=only
        )
        blocks: list[Sheet | Chart] = [
            queues_table(_queues(config, sums), _queues(config, before), filters)
        ]
        days = [(at, _together(config, of)) for at, of in now]
        were = [(at, _together(config, of)) for at, of in then]
        blocks += _trends(days, were, filters, _goal(config, filters))
        blocks += _hours(hours, filters, {**only, "step": ""})
        blocks += _waits(config, filters, sums, only)
        if told:
            blocks.append(waits_told(told, filters, only))
        return Dashboard(
            tuple(blocks),
            whole=await whole(connection),
            choices=await choices_of(connection, config, filters, TAKES),
        )


def _queues(config: Config, sums: Mapping[tuple[Any, ...], Tally]) -> list[Queue]:
    return [queue_of(config, str(name), tally) for (name,), tally in sums.items()]


@dataclass(frozen=True, slots=True)
class _Together:
    """Several queues together, each held against its own service level."""

    offered: int
    abandoned: int
    answered: int
    in_time: int
    answerable: int
    waited: int

    @property
    def service_level(self) -> float | None:
        return self.in_time / self.answerable if self.answerable else None

    @property
    def abandonment(self) -> float | None:
        return self.abandoned / self.offered if self.offered else None

    @property
    def asa(self) -> int | None:
        return self.waited // self.answered if self.answered else None


def _together(config: Config, sums: Mapping[tuple[Any, ...], Tally]) -> _Together:
    offered = abandoned = answered = in_time = answerable = waited = 0
    for (name,), tally in sums.items():
        one = queue_of(config, str(name), tally)
        n = one.figures
        offered, abandoned = offered + n.offered, abandoned + n.abandoned
        answered, answerable = answered + n.answered, answerable + n.service_level_of
        in_time += within(tally.spans[0], round(one.service_level_seconds * _SECOND))
        waited += tally.counts[QUEUES.counts.index("waited_us")]
    return _Together(offered, abandoned, answered, in_time, answerable, waited)


def _goal(config: Config, filters: Filters) -> float | None:
    """The target, where all queues that are shown have the same."""
    shown = (name for name in config.queue if not filters.queue or name == filters.queue)
    targets = {config.queue[name].service_level_target for name in shown}
    return targets.pop() if len(targets) == 1 else None


Told = list[tuple[int, _Together]]


def _trends(now: Told, then: Told, filters: Filters, goal: float | None) -> list[Chart]:
    level: Words = ("ระดับการให้บริการ", "Service level")
    lost: Words = ("อัตราวางสายก่อนรับ", "Abandonment rate")
    offered: Words = ("สายเข้าคิว", "Offered")
    wait: Words = ("เวลารอเฉลี่ยก่อนรับสาย", "Average speed of answer")

    def each(told: Told, name: str) -> list[tuple[int, Value]]:
        return [(at, getattr(of, name)) for at, of in told]

    def count(name: str) -> tuple[list[int], list[int]]:
        return [getattr(of, name) for _, of in now], [getattr(of, name) for _, of in then]

    def one(name: str, title: Words, unit: Any, of: str | None, goal: float | None = None) -> Chart:
        return trend(name, title, title, unit, each(now, name), each(then, name), filters,
                     board="queues", goal=goal, of=count(of) if of else None)  # fmt: skip

    return [
        one("service_level", level, "share", "answerable", goal),
        one("offered", offered, "count", None),
        one("abandonment", lost, "share", "offered"),
        one("asa", wait, "span", "answered"),
    ]


def _hours(
    hours: Mapping[tuple[Any, ...], Tally], filters: Filters, only: Mapping[str, str]
) -> list[Chart]:
    joined: Words = ("สายเข้าคิว (รวมสายสั้น)", "Joined the queue (short calls too)")
    hung_up: Words = ("วางสายก่อนรับ (รวมสายสั้น)", "Hung up (short calls too)")
    return [
        heat(
            "demand", ("สายเข้าคิวตามวันและชั่วโมง", "Demand by day and hour"), joined, "count", hours,
            _offered, ("สีเข้ม = สายมาก (รวมสายสั้น)", "dark = many (short calls too)"), filters,
            ("offered",), only,
        ),
        heat(
            "lost", ("วางสายก่อนรับตามวันและชั่วโมง (%)", "Hung up by day and hour (%)"), hung_up,
            "share", hours, _lost,
            ("สีเข้ม = วางสายมาก (รวมสายสั้น)", "dark = many hung up (short calls too)"),
            filters, ("abandoned",), only, of=_joined,
        ),
    ]  # fmt: skip


def _joined(n: dict[str, int]) -> int:
    return n["offered"]


def _offered(n: dict[str, int]) -> int | None:
    return n["offered"] or None


def _lost(n: dict[str, int]) -> float | None:
    return n["abandoned"] / n["offered"] if n["offered"] else None


def _waits(
    config: Config, filters: Filters, sums: Mapping[tuple[Any, ...], Tally], only: dict[str, str]
) -> list[Chart]:
    """How long callers waited until they were answered, and until they hung up."""
    every = together(QUEUES, sums.values())
    sections = [config.queue[str(name)] for (name,) in sums if str(name) in config.queue]
    limits = {round(s.service_level_seconds * _SECOND) for s in sections}
    limit = limits.pop() if len(limits) == 1 else None

    def behind(name: str) -> Any:
        def of(above: int | None, upto: int | None) -> str:
            return calls_behind(QUEUES, filters.period, [name], only, above=above, upto=upto)

        return of

    answered: Words = ("รอนานเท่าใดก่อนรับสาย", "How long until answered")
    gone: Words = ("รอนานเท่าใดก่อนวางสาย", "How long until they hung up")
    until, given_up = every.spans
    return [
        spans_chart(
            "answered_after",
            answered,
            until,
            limit,
            behind("answered_after"),
            ("เป้าหมาย", "Target"),
        ),
        spans_chart("abandoned_after", gone, given_up, None, behind("abandoned_after")),
    ]
