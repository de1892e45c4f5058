"""Pages of alerts: what is raised now and was, and the rules that raise it."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from crm_bridge.access.account import Account
from crm_bridge.alerts import alert_book, rule_book
from crm_bridge.alerts.alert_book import Kept
from crm_bridge.alerts.keeper import names_of
from crm_bridge.alerts.rules import FORMS, TOGETHER, Compared, Kind, Level
from crm_bridge.alerts.words import LEVELS, SIGNS, UNITS, amount, of_rule
from crm_bridge.web import paging
from crm_bridge.web.alerts.api import OVERSEERS, READERS
from crm_bridge.web.alerts.schemas import RuleEdit, RuleOut
from crm_bridge.web.context import Context, context
from crm_bridge.web.pages import fragment, language_of, render
from crm_bridge.web.policy import who

router = APIRouter(include_in_schema=False)

ROWS: Final = 50
SNOOZES: Final[dict[int, tuple[str, str]]] = {
    15: ("15 นาที", "15 min"),
    60: ("1 ชั่วโมง", "1 hour"),
    240: ("4 ชั่วโมง", "4 hours"),
    1440: ("1 วัน", "1 day"),
}
"""Minutes for which nobody is told, in words."""
WINDOWS: Final[dict[int, tuple[str, str]]] = {
    0: ("วันนี้", "today"),
    15: ("15 นาทีล่าสุด", "the last 15 min"),
    30: ("30 นาทีล่าสุด", "the last 30 min"),
    60: ("60 นาทีล่าสุด", "the last 60 min"),
}
"""Spans of time of a service level, in words."""
_SHARED: Final[dict[str, Any]] = {
    "levels": LEVELS,
    "signs": SIGNS,
    "badges": {Level.NOTICE: "blue", Level.WARNING: "near", Level.CRITICAL: "bad"},
    "forms": FORMS,
    "amount": amount,
    "snoozes": SNOOZES,
}
Reader = Annotated[Account, who(*READERS)]
Overseer = Annotated[Account, who(*OVERSEERS)]


@router.get("/alerts")
async def alerts_page(request: Request, me: Reader, cursor: paging.Cursor = None) -> HTMLResponse:
    """What is raised now, then what was."""
    held = context(request)
    key = paging.decode(cursor, int, str)
    async with held.database.reading() as connection:
        now = await alert_book.active(connection)
        found = await alert_book.history(
            connection, before=(key[0], key[1]) if key else None, limit=ROWS + 1
        )
    rows = found[:ROWS]
    last = rows[-1].alert if rows else None
    more = last is not None and len(found) > ROWS
    return render(
        request, "alerts/list.html", groups=_grouped(now), rows=rows, first=key is None,
        may=me.role in OVERSEERS, clock_now=held.clock.now_us(),
        next=paging.encode([last.raised_at, last.id]) if more and last is not None else None,
        **_SHARED,
    )  # fmt: skip


@router.get("/alerts/now")
async def now_alone(request: Request, me: Reader) -> HTMLResponse:
    """What is raised now, alone: the page asks for it every few seconds."""
    held = context(request)
    async with held.database.reading() as connection:
        now = await alert_book.active(connection)
    body = fragment(
        "alerts/now.html", language_of(request), groups=_grouped(now), may=me.role in OVERSEERS,
        clock_now=held.clock.now_us(), **_SHARED,
    )  # fmt: skip
    return HTMLResponse(body, headers={"Cache-Control": "no-store"})


@router.get("/admin/alerts")
async def rules_page(request: Request, me: Overseer) -> HTMLResponse:
    """Each rule in words, with its form below; who changed what."""
    held = context(request)
    async with held.database.reading() as connection:
        found = await rule_book.every(connection)
        changes = await rule_book.changes(connection)
    names = names_of(held.config, held.standards, held.clock.now_us())
    return render(
        request, "alerts/rules.html", rules=found,
        said={one.id: of_rule(one, names) for one in found},
        switched={one.id: _switched(RuleOut.of(one)) for one in found},
        units=UNITS, windows=WINDOWS, kinds=list(Kind), compared=Compared, together=TOGETHER,
        queues={name: names.queue(name) for name in held.config.queue},
        webhooks=rule_book.webhooks_of(held.config), changes=changes, to_files=_to_files(held),
        **_SHARED,
    )  # fmt: skip


def _grouped(now: list[Kept]) -> list[tuple[Level, list[Kept]]]:
    """By level, the gravest first; in each what nobody sees to, then by rule, the newest first."""
    found = []
    for level in (Level.CRITICAL, Level.WARNING, Level.NOTICE):
        of = [kept for kept in now if kept.alert.level is level]
        of.sort(key=lambda kept: (kept.alert.acknowledged_at is not None, kept.alert.rule))
        if of:
            found.append((level, of))
    return found


def _switched(rule: RuleOut) -> dict[str, Any]:
    """The rule as a request gives it back that switches it on or off."""
    body = rule.model_dump(mode="json", include=set(RuleEdit.model_fields))
    return {**body, "active": not rule.active}


def _to_files(held: Context) -> bool:
    return held.config.mail.gateway == "file"
