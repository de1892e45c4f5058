"""How the published standards were kept: the managers' page and the same as JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.errors import Refused
from crm_bridge.reports.metrics import METRICS
from crm_bridge.reports.overview import Overview, overview
from crm_bridge.reports.period import Period, chosen
from crm_bridge.web.context import Context, context
from crm_bridge.web.pages import office_time, render
from crm_bridge.web.policy import who

pages = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1/figures", tags=["figures"])

READERS: Final = (Role.SUPERVISOR, Role.DIRECTOR, Role.ADMINISTRATOR, Role.AUDITOR)
Reader = Annotated[Account, who(*READERS)]
First = Annotated[date | None, Query(description="the first day; today where none is given")]
Last = Annotated[date | None, Query(description="the last day, included; the first where none is")]


@pages.get("/figures")
async def figures_page(
    request: Request, me: Reader, first: First = None, last: Last = None, against: str = "before"
) -> HTMLResponse:
    """Steps, queues and officers in a span of days, beside the span before or a year ago."""
    held = context(request)
    today = office_time(held.clock.now_us()).date()
    period = _period(today, first, last)
    other = period.a_year_ago() if against == "year" else period.before()
    now, then = await _of(held, period), await _of(held, other)
    return render(
        request, "figures/overview.html", now=now, period=period, other=other,
        against="year" if against == "year" else "before", chosen=chosen(today),
        before={(s.service, s.step): s.figures for s in then.steps},
        before_calls=then.calls, before_queues={q.queue: q.figures for q in then.queues},
        metrics=METRICS, wording=held.standards.on(period.until - 1).services,
    )  # fmt: skip


@api.get("", summary="How each step, queue and officer did in a span of days")
async def figures_of(
    request: Request, me: Reader, first: First = None, last: Last = None
) -> dict[str, Any]:
    """Calls that were over, by the days on which they began; spans in microseconds.

    `whole` is false while calls of before are still being counted.
    """
    held = context(request)
    period = _period(office_time(held.clock.now_us()).date(), first, last)
    found = asdict(await _of(held, period))
    return {"first": period.first, "last": period.last, **found}


async def _of(held: Context, period: Period) -> Overview:
    return await overview(held.database, held.config, period.since, period.until)


def _period(today: date, first: date | None, last: date | None) -> Period:
    begin = first or last or today
    end = last or first or today
    if end < begin:
        raise Refused(
            "days-turned-round",
            "วันสิ้นสุดต้องไม่อยู่ก่อนวันเริ่มต้น",
            "The last day is before the first.",
            status=422,
            fields={"last": ("ต้องไม่อยู่ก่อนวันเริ่มต้น", "not before the first day")},
        )
    if begin.year < _EARLIEST or end.year > _LATEST:
        raise Refused("no-such-days", "ไม่มีข้อมูลของวันเหล่านั้น", "There are no such days.", status=422)
    return Period(begin, end)


_EARLIEST: Final = 2000
_LATEST: Final = 2200
