"""What the public is given: the guide to the services and the statistics of a year, as papers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from crm_bridge.papers.desk_papers import evidence
from crm_bridge.papers.paper import Paper, bare
from crm_bridge.records.database import Database
from crm_bridge.records.figures_walk import whole
from crm_bridge.reports.period import Period
from crm_bridge.reports.public_counts import counted, first_month, months_over
from crm_bridge.reports.public_sheets import public_sheets
from crm_bridge.reports.sheets import Column, Kind, Sheet, Withheld, Words
from crm_bridge.reports.source import published_checksum
from crm_bridge.written import span_text
from ivr.calls.call import Micros
from ivr.steps.standards import Edition, GuideStep, Service

BY: Final[Words] = (
    "ระบบสายด่วน 1203 โดยอัตโนมัติ",
    "the hotline 1203 system, by itself",
)
GUIDE_TITLE: Final[Words] = (
    "คู่มือหรือแนวทางการให้บริการสำหรับผู้รับบริการหรือผู้มาติดต่อ",
    "Guide to the services for those who use them",
)
STATISTICS_TITLE: Final[Words] = ("สถิติการให้บริการสายด่วน 1203", "Service statistics of hotline 1203")
_STEPS: Final = (
    Column("number", ("ลำดับ", "No."), Kind.COUNT),
    Column("step", ("ขั้นตอน", "Step"), Kind.TEXT),
    Column("when", ("กรณี", "Where"), Kind.TEXT),
    Column("time", ("ระยะเวลาไม่เกิน", "At most"), Kind.TEXT),
)
_JSON_KINDS: Final = {Kind.SPAN: "seconds", Kind.SHARE: "share"}


def guide_paper(edition: Edition, made: Micros, lang: str) -> Paper:
    """The guide to all services, in the ministry's words."""
    return Paper(
        "guide",
        GUIDE_TITLE,
        lang,
        None,
        tuple(_service(service) for service in edition.services.values()),
        made,
        BY,
        summary=((f"ที่มา: {edition.source}", f"Source: {edition.source}"),),
        published=False,
        open=True,
    )


def _service(service: Service) -> Sheet:
    steps = service.guide.steps
    conditions = any(step.when for step in steps)
    columns = tuple(c for c in _STEPS if conditions or c.id != "when")
    rows = tuple(
        (n, step.text, *((step.when,) if conditions else ()), time_words(step))
        for n, step in enumerate(steps, 1)
    )
    notes = tuple((f"{th}: {a}", f"{en}: {b}") for (th, en), (a, b) in facts(service))
    return Sheet(service.service, (service.name_th, service.name_en), columns, rows, notes)


def facts(service: Service) -> list[tuple[Words, Words]]:
    """What the guideline tells beside the steps: name and text."""
    guide = service.guide
    found: list[tuple[Words, Words]] = [
        (("เริ่มต้น", "Begins"), guide.begins),
        (("ช่องทางให้บริการ", "Channel"), guide.channel),
        (("ค่าธรรมเนียม", "Fee"), guide.fee),
    ]
    found += [(("เอกสารในการติดต่อ", "Documents to bring"), text) for text in guide.documents]
    found += [(("กฎหมายที่เกี่ยวข้อง", "Law"), text) for text in guide.laws]
    found.append((("จัดทำโดย", "Prepared by"), guide.made_by))
    return found


def time_words(step: GuideStep) -> Words:
    """`5 นาที`, `15 วันทำการ`."""
    if step.working_days is not None:
        return f"{step.working_days} วันทำการ", f"{step.working_days} working days"
    seconds = step.seconds or 0
    if seconds % 60 == 0:
        many = seconds // 60
        return f"{many} นาที", f"{many} minute{'s' if many != 1 else ''}"
    return span_text(seconds), span_text(seconds, "en")


async def statistics_paper(
    database: Database, wording: Mapping[str, Service], year: int, today: date, made: Micros
) -> Paper | None:
    """The year's months that are over, small counts withheld; None where none may be published.

    Nothing is published while calls of before are still being counted. Raises StorageError.
    """
    async with database.reading() as connection:
        since = await first_month(connection)
        months = months_over(year, today, since) if since else []
        if not months or not await whole(connection):
            return None
        period = Period(months[0].first, months[-1].last)
        counts = await counted(connection, months)
    share, source = await evidence(database, period, published_checksum)
    return Paper(
        f"statistics-{year}",
        (f"{STATISTICS_TITLE[0]} ปี พ.ศ. {year + 543}", f"{STATISTICS_TITLE[1]}, {year}"),
        "th",
        period,
        public_sheets(counts, wording),
        made,
        BY,
        not_observed=share,
        source=source,
        published=True,
        open=True,
    )


def as_json(paper: Paper) -> bytes:
    """The paper for programs: UTF-8, texts in both languages, withheld counts as `"*"`."""
    data: dict[str, Any] = {
        "id": paper.id,
        "title": _both(paper.title),
        "first": paper.period and str(paper.period.first),
        "last": paper.period and str(paper.period.last),
        "made": str(paper.day()),
        "source_sha256": paper.source or None,
        "withheld": paper.published and {"mark": "*", "below": 5},
        "tables": [_table(sheet) for sheet in paper.sheets],
        "definitions": [
            {"id": m.id, "name": _both(m.name), "formula": _both(m.formula), "version": m.version}
            for m in paper.definitions()
        ],
    }
    text = json.dumps({k: v for k, v in data.items() if v}, ensure_ascii=False, indent=1)
    return text.encode() + b"\n"


def _table(sheet: Sheet) -> dict[str, Any]:
    return {
        "id": sheet.id,
        "title": _both(sheet.title),
        "columns": [
            {"id": c.id, "name": _both(c.name), "kind": _JSON_KINDS.get(c.kind, c.kind.value)}
            for c in sheet.columns
        ],
        "rows": [
            [_json(c, bare(v)) for c, v in zip(sheet.columns, row, strict=True)]
            for row in sheet.rows
        ],
        "notes": [_both(note) for note in sheet.notes],
    }


def _json(column: Column, value: Any) -> Any:
    if isinstance(value, Withheld):
        return value.mark
    if isinstance(value, tuple):
        return _both(value)
    if column.kind is Kind.SPAN and value is not None:
        return value / 1_000_000
    return value


def _both(words: Words) -> dict[str, str]:
    return {"th": words[0], "en": words[1]}
