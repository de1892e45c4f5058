"""The calls behind a figure, a page at a time, and nothing of who called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases.call_words import SEEN
from crm_bridge.cases.subjects import SERVICES
from crm_bridge.errors import Refused
from crm_bridge.figures.forms import (
    AGENCY_STEPS,
    AGENT_STEPS,
    AGENTS,
    CALLBACKS,
    QUEUES,
    STEPS,
    SURVEYS,
    WAITS_TOLD,
)
from crm_bridge.reports.behind import OF_CALLS, Found, behind
from crm_bridge.reports.dashboards import callbacks, waits
from crm_bridge.reports.figure import Figure
from crm_bridge.reports.names import edition_of, step_name
from crm_bridge.reports.sheets import Words
from crm_bridge.web import paging
from crm_bridge.web.context import context
from crm_bridge.web.figures.asked import Count, First, Last, Name, period_of
from crm_bridge.web.figures.readers import READERS
from crm_bridge.web.figures.told import WORDS, told
from crm_bridge.web.pages import render
from crm_bridge.web.policy import who
from crm_bridge.written import office_time

router = APIRouter(include_in_schema=False)

OPENS: Final = frozenset({Role.SUPERVISOR, Role.DIRECTOR, Role.AUDITOR})
"""Who may go on from here to the record of a call."""

_ROWS: Final = 50
_STATES: Final[dict[str, tuple[Words, str]]] = {
    "within": (("ทันกำหนด", "within"), "good"),
    "over": (("เกินกำหนด", "over"), "bad"),
    "open": (("ไม่จบ", "open"), "near"),
}
_TOOK: Final[Words] = ("ใช้เวลา", "Took")
_CALLED_BACK: Final[Words] = ("โทรกลับหลังสายหลุด", "Called back after")
KEYS: Final = ("queue", "service", "step", "agent", "agency", "direction", "language", "outcome",
                "kind", "path", "hour_of_week", "state", "times", "told")  # fmt: skip
"""Keys of figures that an address may name."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What of a call is counted: its words, how long it was, how it was judged."""

    words: Words
    micros: int | None = None
    judged: tuple[Words, str] | None = None
    evidence: Words | None = None


@router.get("/figures/calls")
async def calls_page(
    request: Request,
    me: Annotated[Account, who(*READERS)],
    of: Name,
    count: Count,
    first: First = None,
    last: Last = None,
    above: Annotated[int | None, Query(ge=0, lt=2**62)] = None,
    upto: Annotated[int | None, Query(ge=0, lt=2**62)] = None,
    cursor: paging.Cursor = None,
) -> HTMLResponse:
    """The calls that one figure is made of."""
    held = context(request)
    period = period_of(office_time(held.clock.now_us()).date(), first, last)
    only = {key: request.query_params[key][:80] for key in KEYS if key in request.query_params}
    try:
        figure = Figure(OF_CALLS[of], period, tuple(count.split(",")), only, above, upto)
    except (KeyError, ValueError):
        raise no_such_figure() from None
    place = paging.decode(cursor, int, int, int, str, int)
    after = None if place is None else (place[0], place[1], place[2], place[3], place[4])
    async with held.database.reading() as connection:
        found = await behind(connection, figure, after=after, limit=_ROWS)
    counted = [list(units(figure, f)) for f in found.calls]
    return render(
        request, "figures/calls.html", figure=figure, period=period, found=found,
        told=told(figure, held.config), units=counted,
        judged=any(u.judged or u.evidence for of in counted for u in of),
        took=_CALLED_BACK if figure.form is CALLBACKS else _TOOK,
        services=SERVICES, outcomes=SEEN, opens=me.role in OPENS, asked=paging.asked(request),
        first=place is None,
        next=paging.encode(found.next) if found.next is not None else None,
    )  # fmt: skip


def no_such_figure() -> Refused:
    """What an address is answered that names no figure."""
    return Refused("no-such-figure", "ไม่มีตัวเลขนี้", "There is no such figure.", status=404)


def units(figure: Figure, found: Found) -> Iterator[Unit]:
    """What the call has of the kind that is counted: its timings, passages or parts."""
    call, only = found.stored.call, figure.only
    if figure.form in (STEPS, AGENT_STEPS, AGENCY_STEPS):
        edition = edition_of(figure.period)
        for timing in found.stored.steps:
            asked = (only.get("service", timing.service), only.get("step", timing.step))
            if asked == (timing.service, timing.step):
                yield Unit(
                    step_name(edition, timing.service, timing.step), timing.elapsed,
                    _STATES.get(timing.state), WORDS.get(timing.evidence),
                )  # fmt: skip
    elif figure.form is QUEUES:
        for passage in call.passages:
            if only.get("queue", passage.queue) == passage.queue:
                wait = None if passage.left_at is None else passage.left_at - passage.joined_at
                word = WORDS.get(passage.outcome or "unknown", WORDS["unknown"])
                yield Unit((f"{passage.queue}: {word[0]}", f"{passage.queue}: {word[1]}"), wait)
    elif figure.form is AGENTS:
        for part in call.agents:
            if only.get("agent", part.agent) == part.agent:
                length = None if part.released_at is None else part.released_at - part.connected_at
                yield Unit((part.agent, part.agent), length)
    elif figure.form is CALLBACKS:
        for key, tally in found.alone.rows[CALLBACKS].items():
            back = tally.counts[1] if key[1] == "called_back" else None
            yield Unit(callbacks.STATES[key[1]], back)
    elif figure.form is SURVEYS:
        for tally in found.alone.rows[SURVEYS].values():
            for name, times in zip(SURVEYS.counts, tally.counts, strict=True):
                if times:
                    yield Unit(WORDS[name])
    elif figure.form is WAITS_TOLD:
        for key, tally in found.alone.rows[WAITS_TOLD].items():
            said = waits.told_words(str(key[-1]))
            for name, times in zip(WAITS_TOLD.counts, tally.counts, strict=True):
                if times:
                    how = WORDS[name]
                    yield Unit((f"{said[0]}: {how[0]}", f"{said[1]}: {how[1]}"))
    elif call.ended_at is not None:
        yield Unit(("ทั้งสาย", "the call"), call.ended_at - call.entered_at)
