"""What an address asks of the forecast, checked; an empty field of a form is none."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crm_bridge.cases.working_days import office_day
from crm_bridge.config import Config
from crm_bridge.errors import Refused
from crm_bridge.reports.forecasting import DAYS, MOST_DAYS, Asked, Hours, Method
from crm_bridge.web.context import Context, context

_FARTHEST: Final = timedelta(days=366)

Change = Annotated[float, Field(ge=-90, le=400, allow_inf_nan=False)]
Share = Annotated[float, Field(allow_inf_nan=False)]


class Question(BaseModel):
    """The forecast of some days, and what if it were otherwise."""

    model_config = ConfigDict(extra="ignore")
    first: date | None = Field(None, description="the first day; tomorrow where none is given")
    days: int = Field(DAYS, ge=1, le=MOST_DAYS)
    queue: str = Field("", max_length=80, description="one queue; empty: all together")
    calls: Change = Field(0.0, description="per cent more calls, or fewer")
    handling: Change = Field(0.0, description="per cent longer handling, or shorter")
    target: Annotated[float, Field(ge=1, le=99.9, allow_inf_nan=False)] | None = Field(
        None, description="per cent to be answered in time; as configured where none is given"
    )
    within: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] | None = Field(
        None, description="seconds in which to answer; as configured where none are given"
    )
    occupancy: Annotated[Share, Field(ge=10, le=100)] = Field(
        85.0, description="per cent of the time that officers may be busy"
    )
    shrinkage: Annotated[Share, Field(ge=0, le=90)] = Field(
        25.0, description="per cent of officers' time in which they take no calls"
    )
    patience: Annotated[float, Field(ge=1, le=86_400, allow_inf_nan=False)] | None = Field(
        None, description="seconds that callers wait on average; as it was where none are given"
    )
    agents: Annotated[int, Field(ge=0, le=2000)] | None = Field(
        None, description="officers in the house all the time, in place of the plan"
    )
    method: Method = Field("a", description="Erlang A, or C")
    hours: Hours = Field("office", description="when officers are there")
    day: date | None = Field(None, description="the day that is shown by the half-hour")

    def asked(self, held: Context) -> Asked:
        """As the reports take it; Refused (422) for a day that is over, or a year away."""
        today = office_day(held.clock.now_us())
        first = self.first or today + timedelta(days=1)
        if not today <= first <= today + _FARTHEST:
            why = (
                "พยากรณ์ได้ตั้งแต่วันนี้ไปไม่เกิน 1 ปี",
                "a forecast is of today or of days within a year",
            )
            raise Refused("no-such-days", *why, 422, {"first": why})
        _known(held.config, self.queue)
        values = self.model_dump(exclude={"first", "day"})
        return Asked(first=first, **values)


def question(request: Request) -> Question:
    """What the form's address asks; Refused (422) names the fields at fault."""
    try:
        return Question.model_validate({k: v for k, v in request.query_params.items() if v})
    except ValidationError as error:
        wrong = {str(e["loc"][0]): ("ค่านี้ใช้ไม่ได้", e["msg"]) for e in error.errors() if e["loc"]}
        names = ", ".join(wrong)
        raise Refused(
            "not-understood", f"ค่าใช้ไม่ได้: {names}", f"cannot be used: {names}", 422, wrong
        ) from None


def asked_of(request: Request) -> Asked:
    """The same as the reports take it."""
    return question(request).asked(context(request))


def _known(config: Config, queue: str) -> None:
    if queue and queue not in config.queue:
        why = ("ไม่มีคิวนี้", "there is no such queue")
        raise Refused("no-such-queue", *why, 422, {"queue": why})
