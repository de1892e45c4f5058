"""Any dashboard as a paper: the same figures and filters as its page, with their source."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from crm_bridge.clock import Clock
from crm_bridge.config import Config
from crm_bridge.errors import Refused
from crm_bridge.figures.forms import STEPS
from crm_bridge.papers.paper import Paper
from crm_bridge.records.database import Database
from crm_bridge.reports.catalogue import CATALOGUE, Entry
from crm_bridge.reports.dashboard import Chart
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.metrics import step_figures
from crm_bridge.reports.names import agency_name, edition_of, service_name, step_name
from crm_bridge.reports.period import Period
from crm_bridge.reports.reading import added_up
from crm_bridge.reports.sheets import Sheet, Words
from crm_bridge.reports.source import checksum
from crm_bridge.written import day_text

_NAMES: Final[dict[str, Words]] = {
    "queue": ("คิว", "Queue"),
    "service": ("บริการ", "Service"),
    "step": ("ขั้นตอน", "Step"),
    "agent": ("เจ้าหน้าที่", "Officer"),
    "agency": ("หน่วยงาน", "Agency"),
}


def entry_of(report: str) -> Entry:
    """The dashboard of that name; Refused (404) where there is none."""
    found = CATALOGUE.get(report)
    if found is None:
        raise Refused("no-such-report", "ไม่มีรายงานนี้", "There is no such report.", 404)
    return found


async def dashboard_paper(
    database: Database,
    config: Config,
    clock: Clock,
    report: str,
    filters: Filters,
    *,
    by: Words,
    lang: str,
) -> Paper:
    """The paper of a dashboard. Refused (404) where there is none of that name; StorageError."""
    entry = entry_of(report)
    shown = await entry.build(database, config, filters)
    share, source = await evidence(database, filters.period)
    sheets, charts = on_paper(shown.blocks, lang)
    return Paper(
        entry.id,
        entry.title,
        lang,
        filters.period,
        sheets,
        clock.now_us(),
        by,
        whole=shown.whole,
        not_observed=share,
        source=source,
        filters=tuple(_filters(config, entry, filters)),
        charts=charts,
    )


def on_paper(
    blocks: Sequence[Sheet | Chart], lang: str
) -> tuple[tuple[Sheet, ...], dict[str, str]]:
    """Blocks of a dashboard as a paper's sheets, and its charts by the ids of these."""
    charts = {
        block.table.id: block.drawing.svg(lang, block.id)
        for block in blocks
        if isinstance(block, Chart) and block.table.rows
    }
    return tuple(_sheet(block) for block in blocks), charts


async def evidence(
    database: Database, period: Period, of: Callable[..., Awaitable[str]] = checksum
) -> tuple[float | None, str]:
    """The share of the days' timings that was not observed or declared, and the checksum `of`."""
    async with database.reading() as connection:
        tallies = await added_up(connection, STEPS, (), since=period.since, until=period.until)
        source = await of(connection, period)
    share = next((step_figures(tally).not_observed for tally in tallies.values()), None)
    return share, source


def _sheet(block: Sheet | Chart) -> Sheet:
    if isinstance(block, Sheet):
        return block
    table = block.table
    return Sheet(table.id, block.title, table.columns, table.rows, block.notes + table.notes)


def _filters(config: Config, entry: Entry, filters: Filters) -> list[Words]:
    edition = edition_of(filters.period)
    found: list[Words] = []
    for name, value in filters.narrowed.items():
        if name not in entry.takes:
            continue
        words: Words = (value, value)
        if name == "service":
            words = service_name(edition, value)
        elif name == "step":
            words = step_name(edition, filters.service, value)
        elif name == "agency":
            words = agency_name(config, value)
        found.append((f"{_NAMES[name][0]}: {words[0]}", f"{_NAMES[name][1]}: {words[1]}"))
    other = filters.other
    th, en = (
        day_text(other.first, lang)
        + ("" if other.first == other.last else f" – {day_text(other.last, lang)}")
        for lang in ("th", "en")
    )
    found.append((f"เทียบกับ {th}", f"Compared with {en}"))
    return found
