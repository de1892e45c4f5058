"""What an address asks of a dashboard, checked."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from fastapi import Query, Request

from crm_bridge.errors import Refused
from crm_bridge.reports.filters import Filters, Grain
from crm_bridge.reports.period import Period
from crm_bridge.web.context import context
from crm_bridge.written import office_time

First = Annotated[date | None, Query(description="the first day; today where none is given")]
Last = Annotated[date | None, Query(description="the last day, included; the first where none is")]
Name = Annotated[str, Query(max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")]
Count = Annotated[str, Query(max_length=200, pattern=r"^[a-z_,]+$")]

_EARLIEST: Final = 2000
_LATEST: Final = 2200


def asked(
    request: Request,
    first: First = None,
    last: Last = None,
    against: str = "before",
    queue: Name = "",
    service: Name = "",
    step: Name = "",
    agent: Name = "",
    agency: Name = "",
    grain: Grain | None = None,
) -> Filters:
    """The filters of an address; Refused (422) where there are no such days."""
    today = office_time(context(request).clock.now_us()).date()
    return Filters(
        period_of(today, first, last),
        "year" if against == "year" else "before",
        queue, service, step, agent, agency,
        grain,
    )  # fmt: skip


def period_of(today: date, first: date | None, last: date | None) -> Period:
    """The days asked for; today where none are. Refused (422) where there are no such days."""
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
