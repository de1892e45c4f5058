"""Callers: how their calls came out, their way through the menus, who called again, transfers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases import subjects
from crm_bridge.config import Config
from crm_bridge.figures.forms import CALLS, REPEATS, SUBJECTS, TRANSFERS, TRANSFERS_ENDED
from crm_bridge.figures.histogram import percentile
from crm_bridge.figures.levels import month_of
from crm_bridge.figures.tallies import Tally
from crm_bridge.records.database import Database
from crm_bridge.records.figures_walk import whole
from crm_bridge.reports.dashboard import Chart, Dashboard
from crm_bridge.reports.dashboards import menu_flow, transfers
from crm_bridge.reports.dashboards.parts import through_time, trend
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.links import calls_behind, records_behind
from crm_bridge.reports.names import edition_of, service_name
from crm_bridge.reports.period import Period
from crm_bridge.reports.period import month_of as month_of_day
from crm_bridge.reports.reading import added_up
from crm_bridge.reports.sheets import Cell, Column, Kind, Sheet, Words
from crm_bridge.written import month_text, office_time

INBOUND: Final = {"direction": "inbound"}
_LANGUAGES: Final[dict[str, Words]] = {
    "th": ("ไทย", "Thai"), "en": ("อังกฤษ", "English"), "": ("ยังไม่ได้เลือก", "Not chosen yet"),
}  # fmt: skip
_THEN: Final[Words] = ("ช่วงที่เทียบ", "Compared")
_LOST: Final = ("abandoned_menu", "abandoned_queue", "queue_timeout")

Sums = Mapping[tuple[Any, ...], Tally]


async def build(database: Database, config: Config, filters: Filters) -> Dashboard:
    """As `catalogue.Build` says."""
    period, other, grain = filters.period, filters.other, filters.drawn_by
    by = ("outcome", "language", "service")
    async with database.reading() as connection:
        now = await added_up(
            connection, CALLS, by, since=period.since, until=period.until, only=INBOUND, spans=False
        )
        then = await added_up(
            connection, CALLS, by, since=other.since, until=other.until, only=INBOUND, spans=False
        )
        days = await through_time(
            connection, CALLS, ("outcome",), period, grain, INBOUND, spans=False
        )
        were = await through_time(
            connection, CALLS, ("outcome",), other, grain, INBOUND, spans=False
        )
        blocks: list[Sheet | Chart] = [
            *_trends(days, were, filters),
            await _menu(connection, filters),
            _by(now, then, filters, 0, "outcome", ("ผลของสาย", "How calls came out"), _outcome),
            _by(now, then, filters, 2, "service", ("บริการ", "Services"), _service(filters)),
            _by(now, then, filters, 1, "language", ("ภาษา", "Languages"), _language),
            _heard(now, filters),
            await _subjects(connection, filters),
            await _repeats(connection, filters),
            await _transfers(connection, filters),
        ]
        return Dashboard(
            tuple(blocks),
            whole=await whole(connection),
            calls=_calls(now),
            calls_before=_calls(then),
        )


def _calls(sums: Sums) -> int:
    return sum(tally.counts[0] for tally in sums.values())


def _outcome(value: str) -> Words:
    return menu_flow.OUTCOMES.get(value, (value, value))


def _language(value: str) -> Words:
    return _LANGUAGES.get(value, (value, value))


def _service(filters: Filters) -> Callable[[str], Words]:
    edition = edition_of(filters.period)

    def named(value: str) -> Words:
        return service_name(edition, value) if value else ("ไม่ได้เลือกบริการ", "No service chosen")

    return named


def _by(
    now: Sums, then: Sums, filters: Filters, place: int, key: str, title: Words,
    named: Callable[[str], Words],
) -> Sheet:  # fmt: skip
    """Calls by one column of theirs, the most first, beside the compared days."""
    sums, before = _summed(now, place), _summed(then, place)
    every, every_before = sum(sums.values()), sum(before.values())
    rows = []
    for value in sorted(sums.keys() | before.keys(), key=lambda v: (-sums.get(v, 0), v)):
        count, was = sums.get(value, 0), before.get(value, 0)
        href = calls_behind(CALLS, filters.period, ["calls"], {**INBOUND, key: value})
        rows.append(
            (named(value), Cell(count, href if count else None),
             count / every if every else None, was if every_before else None,
             was / every_before if every_before else None)
        )  # fmt: skip
    return Sheet(
        f"by_{key}",
        title,
        (
            Column(key, title, Kind.TEXT),
            Column("calls", ("สาย", "Calls"), suppressible=True),
            Column("share", ("ร้อยละ", "Share"), Kind.SHARE),
            Column("calls_then", _THEN, then_of="calls", suppressible=True),
            Column("share_then", ("ร้อยละช่วงที่เทียบ", "Compared share"), Kind.SHARE, then_of="share"),
        ),
        tuple(rows),
    )


def _summed(sums: Sums, place: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for key, tally in sums.items():
        value = str(key[place])
        found[value] = found.get(value, 0) + tally.counts[0]
    return found


def _trends(
    days: list[tuple[int, dict[tuple[Any, ...], Tally]]],
    were: list[tuple[int, dict[tuple[Any, ...], Tally]]],
    filters: Filters,
) -> list[Chart]:
    calls: Words = ("สายเข้า", "Inbound calls")
    lost: Words = ("ไม่ได้รับบริการ (วางสายหรือรอจนหมดเวลา)", "Not served (hung up, or waited in vain)")

    def share(of: dict[tuple[Any, ...], Tally]) -> float | None:
        every = _calls(of)
        gone = sum(of[name,].counts[0] for name in _LOST if (name,) in of)
        return gone / every if every else None

    every = ([_calls(of) for _, of in days], [_calls(of) for _, of in were])
    return [
        trend("calls", calls, calls, "count", [(at, _calls(of)) for at, of in days],
              [(at, _calls(of)) for at, of in were], filters, board="callers"),
        trend("lost", lost, ("ร้อยละ", "Share"), "share", [(at, share(of)) for at, of in days],
              [(at, share(of)) for at, of in were], filters, board="callers", of=every),
    ]  # fmt: skip


async def _menu(connection: AsyncConnection, filters: Filters) -> Chart:
    period = filters.period
    return menu_flow.of_days(await menu_flow.ways(connection, period), period)


def _heard(now: Sums, filters: Filters) -> Sheet:
    """Calls without a number, and calls of which something was not heard."""
    every = _calls(now)
    rows = []
    for name, words in (
        ("withheld", ("ไม่แสดงหมายเลข", "Number withheld")),
        ("not_observed", ("ระบบไม่ได้ยินเหตุการณ์ครบ", "Not wholly observed")),
    ):
        count = sum(tally.counts[CALLS.counts.index(name)] for tally in now.values())
        href = calls_behind(CALLS, filters.period, [name], INBOUND) if count else None
        rows.append((words, Cell(count, href), count / every if every else None))
    return Sheet(
        "heard",
        ("หมายเลขและหลักฐาน", "Numbers and evidence"),
        (
            Column("what", ("สาย", "Calls"), Kind.TEXT),
            Column("calls", ("จำนวน", "How many"), suppressible=True),
            Column("share", ("ร้อยละ", "Share"), Kind.SHARE),
        ),
        tuple(rows) if every else (),
    )


async def _subjects(connection: AsyncConnection, filters: Filters) -> Sheet:
    """What callers asked about, as officers wrote it after the calls."""
    period, other = filters.period, filters.other
    now = await added_up(connection, SUBJECTS, ("subject",), since=period.since, until=period.until)
    then = await added_up(connection, SUBJECTS, ("subject",), since=other.since, until=other.until)
    named = await subjects.names(connection, [str(s) for (s,) in now if s])
    every = sum(tally.counts[0] for tally in now.values())
    rows = []
    for (value,), tally in sorted(now.items(), key=lambda item: -item[1].counts[0]):
        was = then.get((value,))
        words = named.get(str(value), (str(value), str(value)) if value else _NO_SUBJECT)
        rows.append(
            (words, Cell(tally.counts[0], records_behind(period, {"subject": str(value)})),
             tally.counts[0] / every if every else None,
             was.counts[0] if was else 0 if then else None)
        )  # fmt: skip
    return Sheet(
        "subjects",
        ("หัวข้อเรื่องจากบันทึกของเจ้าหน้าที่", "Subjects of officers' records"),
        (
            Column("subject", ("หัวข้อเรื่อง", "Subject"), Kind.TEXT),
            Column("records", ("บันทึก", "Records"), suppressible=True),
            Column("share", ("ร้อยละ", "Share"), Kind.SHARE),
            Column("records_then", _THEN, then_of="records", suppressible=True),
        ),
        tuple(rows),
    )


_NO_SUBJECT: Final[Words] = ("ไม่ได้เลือกหัวข้อ", "No subject chosen")


async def _repeats(connection: AsyncConnection, filters: Filters) -> Sheet:
    """Who called how often, in whole months."""
    period = filters.period
    sums = await added_up(
        connection, REPEATS, ("times",), since=month_of(period.since), until=period.until
    )
    callers = sum(tally.counts[0] for tally in sums.values())
    ordered = sorted(sums.items(), key=lambda item: (len(str(item[0][0])), item[0]))
    first, last = office_time(month_of(period.since)).date(), period.last
    whole_months = Period(first, month_of_day(last).last)
    months = [month_text(first, lang) for lang in ("th", "en")]
    if (first.year, first.month) != (last.year, last.month):
        ends = [month_text(last, lang) for lang in ("th", "en")]
        months = [f"{a} – {b}" for a, b in zip(months, ends, strict=True)]

    def behind(times: str, count: str) -> str:
        return calls_behind(REPEATS, whole_months, [count], {"times": times})

    return Sheet(
        "repeats",
        ("ผู้โทรซ้ำในเดือน", "Callers by calls in a month"),
        (
            Column("times", ("โทรกี่ครั้งในเดือน", "Calls in the month"), Kind.TEXT),
            Column("callers", ("ผู้โทร (เลขหมาย)", "Callers (numbers)"), suppressible=True),
            Column("share", ("ร้อยละของผู้โทร", "Share of callers"), Kind.SHARE),
            Column("calls", ("สาย", "Calls")),  # times × callers: withheld with them
        ),
        tuple(
            (
                str(times),
                Cell(tally.counts[0], behind(str(times), "callers")),
                tally.counts[0] / callers,
                Cell(tally.counts[1], behind(str(times), "calls")),
            )
            for (times,), tally in ordered
        ),
        (
            (f"นับทั้งเดือน ({months[0]}) เลขหมายหนึ่งนับใหม่ทุกเดือน ไม่รวมสายที่ไม่แสดงหมายเลข",
             f"Whole months ({months[1]}); a number counts in each. Withheld ones are left out."),
        ),
    )  # fmt: skip


async def _transfers(connection: AsyncConnection, filters: Filters) -> Sheet:
    """How transfers and consultations ended, and how long the asking took."""
    period = filters.period
    sums = await added_up(
        connection, TRANSFERS_ENDED, ("kind", "outcome"), since=period.since, until=period.until
    )
    every: dict[str, int] = {}
    for (kind, _), tally in sums.items():
        every[str(kind)] = every.get(str(kind), 0) + tally.counts[0]
    rows = []
    for (kind, outcome), tally in sums.items():
        only = {"kind": str(kind), "outcome": str(outcome)}
        rows.append(
            (transfers.KINDS.get(str(kind), (str(kind), str(kind))),
             transfers.OUTCOMES.get(str(outcome), (str(outcome), str(outcome))),
             Cell(tally.counts[0], calls_behind(TRANSFERS, period, ["transfers"], only)),
             tally.counts[0] / every[str(kind)] if every[str(kind)] else None,
             percentile(tally.spans[0], 0.5), percentile(tally.spans[0], 0.9))
        )  # fmt: skip
    return Sheet(
        "transfers",
        ("การโอนสายและการปรึกษา", "Transfers and consultations"),
        (
            Column("kind", ("วิธี", "Kind"), Kind.TEXT, heads=True),
            Column("outcome", ("ผล", "Outcome"), Kind.TEXT),
            Column("transfers", ("จำนวน", "How many"), suppressible=True),
            Column("share", ("ร้อยละของวิธีนั้น", "Share of its kind"), Kind.SHARE),
            Column("p50", ("มัธยฐาน", "p50"), Kind.SPAN, "percentile"),
            Column("p90", ("p90", "p90"), Kind.SPAN, "percentile"),
        ),
        tuple(rows),
    )
