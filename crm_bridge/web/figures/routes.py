"""The managers' dashboards, one page of each, and the figures of the first as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from crm_bridge.access.account import Account
from crm_bridge.reports.catalogue import CATALOGUE, Entry
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.metrics import METRICS
from crm_bridge.reports.overview import overview
from crm_bridge.reports.period import chosen
from crm_bridge.web.context import context
from crm_bridge.web.figures.asked import First, Last, asked, period_of
from crm_bridge.web.figures.readers import READERS
from crm_bridge.web.figures.view import body_of, columns_of, options_of
from crm_bridge.web.pages import render
from crm_bridge.web.policy import who
from crm_bridge.written import office_time

pages = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1/figures", tags=["figures"])

Reader = Annotated[Account, who(*READERS)]
Asked = Annotated[Filters, Depends(asked)]


async def _page(request: Request, entry: Entry, filters: Filters) -> HTMLResponse:
    held = context(request)
    shown = await entry.build(held.database, held.config, filters)
    return render(
        request, "figures/dashboard.html", entry=entry, shown=shown, filters=filters,
        period=filters.period, other=filters.other, catalogue=CATALOGUE, metrics=METRICS,
        chosen=chosen(office_time(held.clock.now_us()).date()),
        body_of=body_of, columns_of=columns_of, options_of=options_of,
    )  # fmt: skip


def _serve(entry: Entry) -> None:
    async def page(request: Request, me: Reader, filters: Asked) -> HTMLResponse:
        return await _page(request, entry, filters)

    path = "/figures" if entry.id == "overview" else f"/figures/{entry.id}"
    pages.add_api_route(path, page, methods=["GET"], name=f"figures_{entry.id}")


for _entry in CATALOGUE.values():
    _serve(_entry)


@api.get("", summary="How each step, queue and officer did in a span of days")
async def figures_of(
    request: Request, me: Reader, first: First = None, last: Last = None
) -> dict[str, Any]:
    """Calls that were over, by the days on which they began; spans in microseconds.

    `whole` is false while calls of before are still being counted.
    """
    held = context(request)
    period = period_of(office_time(held.clock.now_us()).date(), first, last)
    found = asdict(await overview(held.database, held.config, period.since, period.until))
    return {"first": period.first, "last": period.last, **found}
