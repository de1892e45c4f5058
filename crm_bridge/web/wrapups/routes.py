"""Pages: the calls, those that wait for a record, those to call back, and one call's record."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases import subjects
from crm_bridge.cases.subjects import SERVICES
from crm_bridge.desk import call_list, caller_rules, lost_calls, wrapups
from crm_bridge.desk.caller_rules import KINDS, TREATMENTS, Rule
from crm_bridge.desk.kept_places import ENDED_WORDS
from crm_bridge.desk.lost_calls import STATES
from crm_bridge.desk.wrapup import OUTCOMES as RESULTS
from crm_bridge.errors import Refused
from crm_bridge.reconciling.gap_book import causes_of
from crm_bridge.reconciling.words import CAUSES, NOTHING_YET
from crm_bridge.recordings import book, voicemail
from crm_bridge.records.callers import normalise
from crm_bridge.records.calls import load_call
from crm_bridge.web import paging
from crm_bridge.web.connectors.elsewhere import elsewhere
from crm_bridge.web.context import Context, context
from crm_bridge.web.gaps.routes import READERS as GAP_READERS
from crm_bridge.web.pages import fragment, language_of, render
from crm_bridge.web.policy import who
from crm_bridge.web.recordings.playing import shown
from crm_bridge.web.wrapups.acting import may_see_supervision, officer_in
from crm_bridge.web.wrapups.api import no_such_call
from crm_bridge.web.wrapups.events import EVIDENCE as KNOWN_BY
from crm_bridge.web.wrapups.events import events
from crm_bridge.web.wrapups.form import form_values
from crm_bridge.web.wrapups.schemas import PLAIN, CallId
from crm_bridge.web.wrapups.story import OUTCOMES, story
from crm_bridge.web.wrapups.unheard import unheard
from crm_bridge.written import office_time
from ivr.calls.call import Call
from ivr.steps.standards import Step

router = APIRouter(include_in_schema=False)

Officer = Annotated[Account, who(Role.AGENT, Role.SUPERVISOR)]
Reader = Annotated[Account, who(Role.AGENT, Role.SUPERVISOR, Role.AUDITOR)]
RecordReader = Annotated[
    Account, who(Role.AGENT, Role.SUPERVISOR, Role.DIRECTOR, Role.AUDITOR)
]  # the director comes from a figure
ROWS = 50
WEEK = 7 * 24 * 3600 * 1_000_000

EVIDENCE = {
    "observed": ("จากระบบโทรศัพท์", "Observed"),
    "declared": ("เจ้าหน้าที่ระบุ", "Declared"),
    "inferred": ("อนุมาน", "Inferred"),
    "unknown": ("ไม่ทราบแน่ชัด", "Not known"),
}


@router.get("/calls")
async def calls_page(
    request: Request,
    me: Reader,
    number: Annotated[str, Query(max_length=80, pattern=PLAIN)] = "",
    service: str = "",
    outcome: str = "",
    direction: str = "",
    cursor: paging.Cursor = None,
) -> HTMLResponse:
    """Every call, the newest first."""
    held = context(request)
    place = paging.decode(cursor, int, str)
    asked = call_list.Asked(
        number=number.strip() or None,
        service=service if service in SERVICES else None,
        outcome=outcome if outcome in set(OUTCOMES) else None,
        direction=direction if direction in {"inbound", "outbound"} else None,
    )
    async with held.database.reading() as connection:
        found = await call_list.find(
            connection, asked, after=(place[0], place[1]) if place else None, limit=ROWS + 1
        )
        written = await wrapups.of_calls(connection, [s.call.call_id for s in found])
    rows = found[:ROWS]
    last = rows[-1].call if rows else None
    return render(
        request, "wrapups/calls.html", rows=rows, written=written, services=SERVICES,
        outcomes=OUTCOMES, asked={"number": number, "service": service, "outcome": outcome,
        "direction": direction}, first=place is None,
        next=paging.encode((last.entered_at, last.call_id))
        if last is not None and len(found) > ROWS else None,
    )  # fmt: skip


@router.get("/calls/unlogged")
async def unlogged_page(
    request: Request, me: Officer, everybody: bool = False, cursor: paging.Cursor = None
) -> HTMLResponse:
    """Calls that wait for their officer's record."""
    held = context(request)
    place = paging.decode(cursor, int, str)
    everybody = everybody and me.role is Role.SUPERVISOR
    async with held.database.reading() as connection:
        found = await wrapups.unlogged(
            connection, None, account_id=None if everybody else me.id, limit=ROWS + 1,
            after=(place[0], place[1]) if place else None,
        )  # fmt: skip
    rows = found[:ROWS]
    return render(
        request, "wrapups/unlogged.html", rows=rows, everybody=everybody, services=SERVICES,
        supervisor=me.role is Role.SUPERVISOR, first=place is None, now=held.clock.now_us(),
        next=paging.encode((rows[-1].released_us, rows[-1].call_id))
        if len(found) > ROWS else None,
    )  # fmt: skip


@router.get("/calls/lost")
async def lost_page(request: Request, me: Reader, settled: bool = False) -> HTMLResponse:
    """Numbers to call back."""
    held = context(request)
    async with held.database.reading() as connection:
        found = await lost_calls.lost_calls(connection, held.clock, settled=settled)
        spoken = await voicemail.waiting(connection)
        kept = await book.these(connection, [m.recording_id for m in spoken])
        every = [kept[m.recording_id] for m in spoken]
        messages = list(zip(spoken, await shown(connection, me, every), strict=True))
    return render(
        request, "wrapups/lost.html", rows=found, messages=messages, settled=settled, states=STATES,
        endings=ENDED_WORDS, services=SERVICES, outcomes=OUTCOMES, now=held.clock.now_us(),
        acting=me.role in {Role.AGENT, Role.SUPERVISOR},
    )  # fmt: skip


@router.get("/calls/{call_id}")
async def call_page(
    request: Request,
    me: RecordReader,
    call_id: CallId,
    agent: Annotated[str | None, Query(max_length=64, pattern=PLAIN)] = None,
) -> HTMLResponse:
    """One call's record, its steps with their evidence, and what its officers wrote."""
    held = context(request)
    stored = await load_call(held.database, call_id)
    if stored is None:
        raise no_such_call()
    call = stored.call
    officer = await _officer(held, me, call_id, agent)
    async with held.database.reading() as connection:
        written = (await wrapups.of_calls(connection, [call_id])).get(call_id, [])
        named = await subjects.names(
            connection, [w.entry.subject_id for w in written if w.entry.subject_id]
        )
        form = await form_values(connection, me, call_id, officer) if officer else None
        recordings = await shown(connection, me, await book.of_call(connection, call_id))
        others = await elsewhere(connection, me, [f"call:{call_id}"], f"call:{call_id}")
        rules = await _rules(connection, call, held.clock.now_us())
        why = await causes_of(connection, call.node, call.gaps)
    words = _words(held, call.entered_at)
    lang = language_of(request)

    def party(agency: str | None, target: str) -> str:
        return _party(held, agency, target, lang)

    supervised = may_see_supervision(held, me)
    logged = {w.agent for w in written}
    officers = list(dict.fromkeys(p.agent for p in call.agents))
    return render(
        request, "wrapups/call.html", stored=stored, call=call, steps=stored.steps,
        words=words, missed=unheard(call, stored.steps, words, why), causes=CAUSES,
        nothing_yet=NOTHING_YET, sees_gaps=me.role in GAP_READERS, written=written,
        subject_names=named,
        services=SERVICES, results=RESULTS, outcomes=OUTCOMES, evidence=EVIDENCE,
        story=story(call, party, supervised=supervised), known_by=KNOWN_BY,
        events=events(call, party, supervised=supervised),
        waiting=[a for a in officers if a not in logged], supervisor=me.role is Role.SUPERVISOR,
        lost_call=next((m.value for m in call.marks if m.name == "callback" and m.value), None),
        officer=officer, form=form, elsewhere=others, recordings=recordings,
        rules=rules, rule_kinds=KINDS,
        treatments=TREATMENTS, until=f"{office_time(held.clock.now_us() + WEEK):%Y-%m-%dT%H:%M}",
    )  # fmt: skip


@router.get("/calls/{call_id}/wrapup-form")
async def form_page(
    request: Request,
    me: Officer,
    call_id: CallId,
    agent: Annotated[str | None, Query(max_length=64, pattern=PLAIN)] = None,
) -> HTMLResponse:
    """The form alone, for the agent's page."""
    held = context(request)
    officer = await officer_in(held, me, call_id, agent)
    async with held.database.reading() as connection:
        values = await form_values(connection, me, call_id, officer)
    body = fragment("wrapups/form.html", language_of(request), then="", **values)
    return HTMLResponse(body, headers={"Cache-Control": "no-store"})


async def _officer(held: Context, me: Account, call_id: str, agent: str | None) -> str | None:
    """As whom the account may write of this call; `None` where it may only read."""
    if me.role not in {Role.AGENT, Role.SUPERVISOR} or held.declare is None:
        return None
    try:
        return await officer_in(held, me, call_id, agent)
    except Refused:
        return None


def _party(held: Context, agency: str | None, target: str, lang: str) -> str:
    known = held.config.agency.get(agency or "")
    if known is None:
        return target
    return (known.name_en if lang == "en" else known.name_th) or known.name_th or target


def _words(held: Context, at: int) -> dict[tuple[str, str], Step]:
    """The guideline's steps, by service and step; greet in the words it has for `information`."""
    services: dict[str, Any] = dict(held.standards.on(at).services)
    found = {(s, name): step for s in services for name, step in services[s].steps.items()}
    for service in services:
        for name, step in services["information"].steps.items():
            found.setdefault((service, name), step)
    return found


async def _rules(connection: AsyncConnection, call: Call, now: int) -> list[Rule]:
    """Rules by which the caller was received in this call, and those in force for the number."""
    named = [m.value.rpartition(":")[2] for m in call.marks if m.name in {"priority", "refused"}]
    found = await caller_rules.named(connection, named) if named else {}
    number = normalise(call.caller_presented).e164
    if number is not None and not call.withheld:
        found |= {r.id: r for r in await caller_rules.of_number(connection, now, number)}
    return list(found.values())
