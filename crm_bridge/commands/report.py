"""`hotline report`: a dashboard as a file; `hotline figures checksum`: what it was made of."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from crm_bridge.clock import SystemClock
from crm_bridge.commands import words
from crm_bridge.commands.exits import run
from crm_bridge.commands.opened import opened
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load
from crm_bridge.config import Config
from crm_bridge.errors import HotlineError
from crm_bridge.papers.desk_papers import dashboard_paper
from crm_bridge.papers.paper import Form
from crm_bridge.papers.press import Press
from crm_bridge.records.figures_walk import whole
from crm_bridge.reports.catalogue import CATALOGUE
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.period import Period, month_of
from crm_bridge.reports.source import checksum as source_of
from crm_bridge.reports.source import published_checksum
from crm_bridge.written import office_time

_DAY = typer.Option(
    formats=["%Y-%m-%d"],
    help="The first day, on the office's calendar; of this month where none is.",
)
First = Annotated[datetime | None, _DAY]
Last = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="The last day, included; of that month where none is."),
]


def report(
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the file goes; `-`: to stdout.")],
    config: ConfigFile = DEFAULT_CONFIG,
    report_id: Annotated[
        str, typer.Option("--id", help=f"Which dashboard: {', '.join(CATALOGUE)}.")
    ] = "overview",
    form: Annotated[
        Literal["csv", "xlsx", "pdf"], typer.Option("--format", help="A CSV is a zip of tables.")
    ] = "pdf",
    first: First = None,
    last: Last = None,
    against: Annotated[
        Literal["before", "year"], typer.Option(help="Which days it is compared with.")
    ] = "before",
    queue: Annotated[str, typer.Option(help="Only this queue.")] = "",
    service: Annotated[str, typer.Option(help="Only this service.")] = "",
    step: Annotated[str, typer.Option(help="Only this step.")] = "",
    agent: Annotated[str, typer.Option(help="Only this officer.")] = "",
    agency: Annotated[str, typer.Option(help="Only this agency.")] = "",
    lang: words.Language = words.Lang.TH,
) -> None:
    """Write what a page of figures shows into a file, with definitions and checksum.

    Example:  hotline report --id overview --format pdf --first 2026-10-01 --out october.pdf
    """
    filters = Filters(_period(first, last), against, queue, service, step, agent, agency)
    made = run(made_report(load(config), report_id, form, filters, lang.value))
    if str(out) == "-":
        sys.stdout.buffer.write(made)
        return
    try:
        out.write_bytes(made)
    except OSError as error:
        raise HotlineError(
            f"cannot be written: {error.strerror}", where=str(out), mend="name another place"
        ) from error


def checksum(
    config: ConfigFile = DEFAULT_CONFIG,
    first: First = None,
    last: Last = None,
    public: Annotated[bool, typer.Option("--public", help="As on the public statistics.")] = False,
) -> None:
    """Print the checksum of the figures of these days, to compare with a printed report's.

    Example:  hotline figures checksum --first 2026-10-01 --last 2026-10-31
    """
    period = _period(first, last)
    found, complete = run(_checksum(load(config).database.url, period, public=public))
    sys.stdout.write(f"{found}  {period.first} {period.last}\n")
    if not complete:
        sys.stderr.write("not all calls are counted yet: hotline figures resume, then again\n")


async def made_report(
    config: Config, report_id: str, form: Form, filters: Filters, lang: str
) -> bytes:
    """A dashboard as a file; raises StorageError, PrintingFailed."""
    async with opened(config.database.url) as database:
        paper = await dashboard_paper(
            database, config, SystemClock(), report_id, filters,
            by=("คำสั่ง hotline report", "the command hotline report"), lang=lang,
        )  # fmt: skip
        return await Press().print(paper, form)


async def _checksum(url: str, period: Period, *, public: bool) -> tuple[str, bool]:
    of = published_checksum if public else source_of
    async with opened(url) as database, database.reading() as connection:
        return await of(connection, period), await whole(connection)


def _period(first: datetime | None, last: datetime | None) -> Period:
    begin = first or last
    if begin is None:
        return month_of(office_time(SystemClock().now_us()).date())
    end = last.date() if last is not None else month_of(begin.date()).last
    if end < begin.date():
        raise typer.BadParameter("the last day is before the first", param_hint="--last")
    return Period(begin.date(), end)
