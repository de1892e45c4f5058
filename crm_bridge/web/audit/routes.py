"""The audit log on a page and in the API: found by who, of whom and what; whether it is whole."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.errors import Refused
from crm_bridge.records import audit_book
from crm_bridge.records.chain import Anchor, Row
from crm_bridge.records.desk_tables.accounts import accounts
from crm_bridge.reports.period import Period
from crm_bridge.web import paging
from crm_bridge.web.context import context
from crm_bridge.web.pages import language_of, render
from crm_bridge.web.policy import who
from crm_bridge.written import day_of

router = APIRouter()

Checker = Annotated[Account, who(Role.ADMINISTRATOR, Role.AUDITOR)]
PAGE: Final = 50
KINDS: Final = {
    "act": ("การกระทำ", "Acts"),
    "read": ("การเข้าดูข้อมูล", "Reads"),
    "retention": ("การลบตามกำหนด", "Retention"),
}
Word = Annotated[str, Query(max_length=120)]
Day = Annotated[str, Query(max_length=10)]


class AuditRow(BaseModel):
    """One row, as it is exported; the algorithm stands in docs/audit.md."""

    seq: int
    at_us: int = Field(description="microseconds since 1970, UTC: the hash is of this number")
    kind: str
    by_account: str | None
    via: str
    act: str
    about: str | None
    detail: str = Field(description="JSON: ids and counts")
    previous: str
    hash: str


class Verified(BaseModel):
    """Whether the log is whole."""

    whole: bool
    checked: int = Field(description="rows that are right, from the first")
    anchor: str | None = Field(description="the last row and its hash: keep it elsewhere")
    broken_row: int | None = None
    what: str | None = None


class Given(BaseModel):
    """An anchor that was kept elsewhere, where there is one."""

    anchor: str = Field("", max_length=120)


@router.get("/admin/audit", include_in_schema=False)
async def page(
    request: Request,
    me: Checker,
    kind: Word = "",
    by: Word = "",
    about: Word = "",
    act: Word = "",
    since: Day = "",
    until: Day = "",
    cursor: paging.Cursor = None,
) -> HTMLResponse:
    """The newest first; what makes no filter is left out."""
    place = paging.decode(cursor, int)
    first, last = day_of(since), day_of(until)
    async with context(request).database.reading() as connection:
        found = await audit_book.page(
            connection, kind=kind if kind in KINDS else "", by=by, about=about.strip(),
            act=act.strip(), since=Period(first, first).since if first else None,
            until=Period(last, last).until if last else None,
            before=place[0] if place else None, limit=PAGE + 1,
        )  # fmt: skip
        names = await _names(connection, found)
        everybody = await _everybody(connection)
    rows = found[:PAGE]
    asked = {
        "kind": kind, "by": by, "about": about, "act": act,
        "since": since if first else "", "until": until if last else "",
    }  # fmt: skip
    return render(
        request, "audit/list.html", rows=rows, told=told, names=names, everybody=everybody,
        asked=asked, kinds=KINDS, first=cursor is None,
        query_text=urlencode({key: value for key, value in asked.items() if value}),
        next=paging.encode((rows[-1].seq,)) if found[PAGE:] else None,
    )  # fmt: skip


def told(detail: str) -> str:
    """The facts of a row in one line that a person reads; what is no JSON object as it stands."""
    try:
        facts = json.loads(detail)
    except ValueError:  # somebody's hand was in it, which the check of the chain tells
        return detail
    if not isinstance(facts, dict):
        return detail
    return " · ".join(
        f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in facts.items()
    )


@router.get("/api/v1/audit", tags=["audit"], summary="The audit log, the newest first")
async def listed(
    request: Request,
    me: Checker,
    kind: Word = "",
    by: Word = "",
    about: Word = "",
    act: Word = "",
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> paging.Page[AuditRow]:
    """By kind, account, what it is about (`person:ID`, or an id in a row) and part of the act."""
    place = paging.decode(cursor, int)
    async with context(request).database.reading() as connection:
        found = await audit_book.page(
            connection, kind=kind, by=by, about=about.strip(), act=act.strip(),
            before=place[0] if place else None, limit=limit + 1,
        )  # fmt: skip
    rows = found[:limit]
    return paging.Page(
        items=[AuditRow(**row.as_json()) for row in rows],
        next=paging.encode((rows[-1].seq,)) if len(found) > limit else None,
    )


@router.post("/api/v1/audit/verify", tags=["audit"], summary="Whether the audit log is whole")
async def verify(request: Request, me: Checker, given: Given) -> Verified:
    """Reads all of it; with an anchor it also tells that its end was cut off."""
    anchor = Anchor.read(given.anchor) if given.anchor.strip() else None
    if given.anchor.strip() and anchor is None:
        what = ("ไม่ใช่ค่าที่ hotline audit anchor พิมพ์ออกมา", "this is no anchor")
        raise Refused("no-anchor", *what, 422, {"anchor": what})
    held = context(request)
    await held.reads.settle()
    found = await audit_book.verify(held.database, anchor)
    broken, english = found.broken, language_of(request) == "en"
    return Verified(
        whole=broken is None, checked=found.checked,
        anchor=str(found.head) if found.head else None,
        broken_row=broken.seq if broken else None,
        what=None if broken is None else broken.en if english else broken.th,
    )  # fmt: skip


async def _names(connection: AsyncConnection, rows: Iterable[Row]) -> dict[str, tuple[str, str]]:
    ids = {row.by_account for row in rows if row.by_account}
    a = accounts.c
    query = select(a.id, a.name_th, a.name_en).where(a.id.in_(sorted(ids)))
    return {row.id: (row.name_th, row.name_en) for row in await connection.execute(query)}


async def _everybody(connection: AsyncConnection) -> list[Any]:
    query = select(accounts.c.id, accounts.c.name_th, accounts.c.name_en, accounts.c.login)
    return list((await connection.execute(query.order_by(accounts.c.name_th).limit(1000))).all())
