"""The cases, officers' records and time at the desk behind a figure: nothing of who they are of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.cases import subjects
from crm_bridge.cases.call_words import WRITTEN
from crm_bridge.cases.case import KINDS
from crm_bridge.cases.subjects import SERVICES
from crm_bridge.cases.workflow import OPEN, STATES, State
from crm_bridge.config import Config
from crm_bridge.figures.forms import AGENT_TIMES, CASES
from crm_bridge.reports import open_cases
from crm_bridge.reports.behind_things import OF_THINGS, Thing, things_behind
from crm_bridge.reports.behind_times import TIMES, Spent, times_behind
from crm_bridge.reports.figure import Figure
from crm_bridge.reports.names import agency_name
from crm_bridge.reports.open_cases import AGES, Open
from crm_bridge.reports.sheets import Cell, Column, Kind, Sheet, Words
from crm_bridge.web import paging
from crm_bridge.web.context import context
from crm_bridge.web.figures.asked import Count, First, Last, Name, period_of
from crm_bridge.web.figures.behind import OPENS, no_such_figure
from crm_bridge.web.figures.readers import READERS
from crm_bridge.web.figures.told import AT_THE_DESK, UNASSIGNED, WORDS, told
from crm_bridge.web.figures.view import body_of, columns_of
from crm_bridge.web.pages import render
from crm_bridge.web.policy import who
from crm_bridge.written import length_text, office_time

router = APIRouter(include_in_schema=False)

_ROWS: Final = 50
_OF_CASES: Final[Words] = ("เรื่องที่อยู่เบื้องหลังตัวเลข", "The cases behind a figure")
_TITLES: Final[dict[str, Words]] = {
    "cases": _OF_CASES,
    "subjects": ("บันทึกที่อยู่เบื้องหลังตัวเลข", "The records behind a figure"),
    TIMES: ("ช่วงเวลาที่อยู่เบื้องหลังตัวเลข", "The time behind a figure"),
}
_BACK: Final = {
    "cases": "/figures/cases",
    "subjects": "/figures/callers",
    TIMES: "/figures/officers",
}
_NOTHING: Final[dict[str, Words]] = {
    "cases": ("ไม่มีเรื่องที่นับในตัวเลขนี้", "No case is counted in this figure."),
    "subjects": ("ไม่มีบันทึกที่นับในตัวเลขนี้", "No record is counted in this figure."),
    TIMES: ("ไม่มีช่วงเวลาที่นับในตัวเลขนี้", "No time is counted in this figure."),
}
_NOTES: Final[dict[str, Words]] = {
    "cases": ("หนึ่งแถวคือหนึ่งเรื่อง จำนวนแถวทุกหน้ารวมกันเท่ากับตัวเลขข้างต้น ไม่แสดงชื่อหรือหมายเลขของผู้ร้อง",
              "A row is a case: the rows of all pages are as many as the figure above. Nothing is "
              "shown of the complainant."),
    "subjects": ("หนึ่งแถวคือบันทึกหนึ่งรายการ สายหนึ่งมีบันทึกได้หลายรายการเมื่อเจ้าหน้าที่หลายคนรับสาย",
                 "A row is a record: a call that several officers handled has several."),
    TIMES: ("ช่อง “นับ” ของทุกหน้ารวมกันเท่ากับเวลาข้างต้น ช่วงที่คาบเกี่ยววันอื่นนับเฉพาะส่วนในวันที่เลือก "
            "ช่วงที่ยังไม่สิ้นสุดไม่นับ",
            "The last column of all pages adds up to the time above. Of what reaches into other "
            "days only the part in these days counts; what is not over does not."),
}  # fmt: skip


@router.get("/figures/behind")
async def behind_page(
    request: Request,
    me: Annotated[Account, who(*READERS)],
    of: Name,
    count: Count,
    first: First = None,
    last: Last = None,
    cursor: paging.Cursor = None,
) -> HTMLResponse:
    """The cases, records or states at the desk that one figure is made of."""
    held = context(request)
    form = AGENT_TIMES if of == TIMES else OF_THINGS.get(of)
    if form is None:
        raise no_such_figure()
    period = period_of(office_time(held.clock.now_us()).date(), first, last)
    keys = [key for key in form.keys if key in request.query_params]
    only = {key: request.query_params[key][:80] for key in keys}
    try:
        figure = Figure(form, period, tuple(count.split(",")), only)
    except ValueError:
        raise no_such_figure() from None
    async with held.database.reading() as connection:
        if form is AGENT_TIMES:
            begun = paging.decode(cursor, int, str)
            times = await times_behind(
                connection, figure, after=begun and (begun[0], begun[1]), limit=_ROWS
            )
            named, total, sheet = {}, times.total, _times(times.found)
            place: tuple[Any, ...] | None = times.next
        else:
            end = paging.decode(cursor, int, str, int)
            things = await things_behind(
                connection, figure, after=end and (end[0], end[1], end[2]), limit=_ROWS
            )
            total, place = things.total, things.next
            named = await _subjects(connection, things.found, only)
            sheet = (
                _cases(held.config, things.found, named) if form is CASES
                else _records(things.found, named, opens=me.role in OPENS)
            )  # fmt: skip
    return _page(
        request, of, sheet, told(figure, held.config, named), place, cursor,
        total=_written(total) if form is AGENT_TIMES else total, period=period,
    )  # fmt: skip


@router.get("/figures/open-cases")
async def open_cases_page(
    request: Request,
    me: Annotated[Account, who(*READERS)],
    state: Name = "",
    age: Annotated[int | None, Query(ge=0)] = None,
    overdue: bool = False,
    cursor: paging.Cursor = None,
) -> HTMLResponse:
    """The cases that are open now, of a state, an age, or past their day."""
    held = context(request)
    if (state and state not in OPEN) or (age is not None and age >= len(AGES)):
        raise no_such_figure()
    wanted = Open(State(state) if state else None, age, overdue)
    now, place = held.clock.now_us(), paging.decode(cursor, int, str)
    async with held.database.reading() as connection:
        found = await open_cases.listed(
            connection, wanted, now, after=place and (place[0], place[1]), limit=_ROWS
        )
        named = await subjects.names(connection, {r.subject_id for r in found.found} - {None})
    parts: list[Words] = [("ยังไม่ได้ข้อยุติขณะนี้", "open now")]
    parts += [STATES[wanted.state]] if wanted.state is not None else []
    parts += [AGES[age][1]] if age is not None else []
    parts += [("เกินกำหนด", "overdue")] if overdue else []
    sheet = _open(held.config, found, named, now)
    return _page(request, "cases", sheet, parts, found.next, cursor, total=found.total)


def _page(
    request: Request, of: str, sheet: Sheet, parts: list[Words], place: tuple[Any, ...] | None,
    cursor: str | None, **more: Any,
) -> HTMLResponse:  # fmt: skip
    return render(
        request, "figures/behind.html", sheet=sheet, told=parts, nothing=_NOTHING[of],
        note=_NOTES[of], back=_BACK[of], body_of=body_of, columns_of=columns_of,
        first=cursor is None,
        asked=paging.asked(request),
        next=None if place is None else paging.encode(place), **{"period": None} | more,
    )  # fmt: skip


async def _subjects(
    connection: AsyncConnection, found: Iterable[Thing], only: dict[str, str]
) -> dict[str, Words]:
    ids = {thing.counted_as["subject"] for thing in found} | {only.get("subject", "")}
    return await subjects.names(connection, ids - {""})


_KIND_OF_CASE: Final = (
    Column("ticket", ("เลขเรื่อง", "Ticket"), Kind.TEXT),
    Column("kind", ("ประเภท", "Kind"), Kind.TEXT),
    Column("subject", ("หัวข้อเรื่อง", "Subject"), Kind.TEXT),
    Column("agency", ("หน่วยงาน", "Agency"), Kind.TEXT),
    Column("province", ("จังหวัด", "Province"), Kind.TEXT),
    Column("state", ("สถานะ", "State"), Kind.TEXT),
    Column("recorded", ("รับเรื่องเมื่อ", "Recorded"), Kind.MOMENT),
    Column("due", ("ครบกำหนด", "Due"), Kind.DAY),
)


def _cases(config: Config, found: Iterable[Thing], named: dict[str, Words]) -> Sheet:
    rows = []
    for thing in found:
        key, row = thing.counted_as, thing.row
        judged = next((n for n in ("settled_over", "settled_within") if thing.counts[n]), None)
        verdict = None if judged is None else WORDS[judged.removeprefix("settled_")]
        rows.append(
            (_ticket(row["ticket"]), KINDS.get(key["kind"], (key["kind"],) * 2),
             named.get(key["subject"]),
             agency_name(config, key["agency"]) if key["agency"] else UNASSIGNED,
             key["province"] or None, STATES[State(key["state"])], row["at"], _due(row["due_us"]),
             row["settled_us"], Cell(verdict, bad=judged == "settled_over"))
        )  # fmt: skip
    settled = (
        Column("settled", ("ได้ข้อยุติเมื่อ", "Settled"), Kind.MOMENT),
        Column("verdict", ("ผล", "Verdict"), Kind.TEXT),
    )
    return Sheet("cases_behind", _OF_CASES, (*_KIND_OF_CASE, *settled), tuple(rows))


def _open(config: Config, found: open_cases.Listed, named: dict[str, Words], now: int) -> Sheet:
    rows = []
    for row in found.found:
        names = [agency_name(config, one) for one in found.agencies.get(row.id, ())]
        late = row.due_us is not None and row.due_us <= now
        rows.append(
            (_ticket(row.ticket), KINDS.get(row.kind, (row.kind,) * 2), named.get(row.subject_id),
             _together(names) if names else UNASSIGNED, row.province or None,
             STATES[State(row.state)], row.recorded_us, Cell(_due(row.due_us), bad=late))
        )  # fmt: skip
    return Sheet("cases_behind", _OF_CASES, _KIND_OF_CASE, tuple(rows))


def _records(found: Iterable[Thing], named: dict[str, Words], *, opens: bool) -> Sheet:
    rows = []
    for thing in found:
        key, row = thing.counted_as, thing.row
        known = row["entered_us"] is not None
        href = f"/calls/{row['call_id']}" if opens and known else None
        rows.append(
            (row["agent"], row["at"], Cell(row["entered_us"], href),
             SERVICES.get(key["service"], (key["service"],) * 2), named.get(key["subject"]),
             WRITTEN.get(key["outcome"], (key["outcome"],) * 2))
        )  # fmt: skip
    return Sheet(
        "records_behind",
        _TITLES["subjects"],
        (
            Column("agent", ("เจ้าหน้าที่", "Officer"), Kind.TEXT),
            Column("saved", ("บันทึกเมื่อ", "Recorded"), Kind.MOMENT),
            Column("call", ("เวลาของสาย", "The call"), Kind.MOMENT),
            Column("service", ("บริการ", "Service"), Kind.TEXT),
            Column("subject", ("หัวข้อเรื่อง", "Subject"), Kind.TEXT),
            Column("outcome", ("ผลที่บันทึก", "Outcome as written"), Kind.TEXT),
        ),
        tuple(rows),
    )


def _times(found: Iterable[Spent]) -> Sheet:
    return Sheet(
        "times_behind",
        _TITLES[TIMES],
        (
            Column("agent", ("เจ้าหน้าที่", "Officer"), Kind.TEXT),
            Column("state", ("สถานะ", "State"), Kind.TEXT),
            Column("reason", ("เหตุผล", "Reason"), Kind.TEXT),
            Column("started", ("ตั้งแต่", "From"), Kind.MOMENT),
            Column("ended", ("ถึง", "To"), Kind.MOMENT),
            Column("counted", ("นับ", "Counts"), Kind.SPAN),
        ),
        tuple(
            (one.agent, AT_THE_DESK.get(one.state, (one.state,) * 2), one.reason, one.started_us,
             one.ended_us, one.counted)
            for one in found
        ),
    )  # fmt: skip


def _ticket(ticket: str) -> Cell:
    return Cell(ticket, f"/cases/{ticket}")


def _due(due_us: int | None) -> Any:
    """The last day on which it is in time."""
    return None if due_us is None else office_time(due_us - 1).date()


def _together(names: list[Words]) -> Words:
    return ", ".join(th for th, _ in names), ", ".join(en for _, en in names)


def _written(micros: int) -> Words:
    return length_text(micros), length_text(micros, "en")
