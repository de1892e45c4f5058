"""The pages of cases: lists, the form, one case, the Director's and an agency's desk, the bell."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases import attachments, bell, finding, subjects, timeline
from crm_bridge.cases.case import IDENTITIES, KINDS, find, seen_of
from crm_bridge.cases.file_types import ALLOWED
from crm_bridge.cases.finding import Wanted
from crm_bridge.cases.proceedings import CANCELLED_FOR, TOLD_HOW
from crm_bridge.cases.ticket_number import NotATicket, parse
from crm_bridge.cases.workflow import ACTS, ASSIGNMENTS, OPEN, STATES, Act, State, allowed, why_not
from crm_bridge.errors import Refused
from crm_bridge.web import paging
from crm_bridge.web.cases import form, view
from crm_bridge.web.cases.performing import AGENCIES, AGENTS, CENTRE, DIRECTOR
from crm_bridge.web.connectors.elsewhere import elsewhere
from crm_bridge.web.connectors.words import title
from crm_bridge.web.context import Context, context
from crm_bridge.web.pages import fragment, language_of, render
from crm_bridge.web.policy import who

router = APIRouter(include_in_schema=False)

LIST_READERS: Final = (*CENTRE, Role.ADMINISTRATOR, Role.AUDITOR)
ROWS: Final = 40

VIEWS: Final[dict[str, tuple[str, str]]] = {
    "mine": ("ของฉัน", "Mine"),
    "propose": ("ต้องเสนอ", "To be proposed"),
    "untold": ("ยังไม่แจ้งเลขเรื่อง", "Number not told"),
    "open": ("กำลังดำเนินการ", "Open"),
    "overdue": ("เกินกำหนด", "Overdue"),
    "settled": ("รอแจ้งผล", "Result to be told"),
    "all": ("ทั้งหมด", "All"),
}
"""The lists of cases."""


def _view(name: str, me: Account, now: int) -> Wanted:
    return {
        "mine": Wanted(owner=me.id, states=OPEN | {State.SETTLED}),
        "propose": Wanted(states=frozenset({State.RECORDED, State.RETURNED})),
        "untold": Wanted(untold=True, states=OPEN),
        "open": Wanted(states=OPEN, order="due"),
        "overdue": Wanted(overdue_at=now, order="due"),
        "settled": Wanted(states=frozenset({State.SETTLED})),
        "all": Wanted(),
    }[name]


def _shared(held: Context, lang: str) -> dict[str, Any]:
    return {
        "states": STATES,
        "acts": ACTS,
        "assignment_names": ASSIGNMENTS,
        "kinds": KINDS,
        "identities": IDENTITIES,
        "agency": lambda one: view.agency_name(held, one, lang),
        "now": held.clock.now_us(),
    }


@router.get("/cases")
async def cases_page(
    request: Request,
    me: Annotated[Account, who(*LIST_READERS)],
    view_: Annotated[str, Query(alias="view")] = "",
    text: Annotated[str, Query(max_length=200)] = "",
    agency: Annotated[str, Query(max_length=100)] = "",
    kind: str = "",
    cursor: paging.Cursor = None,
) -> HTMLResponse:
    """A list of cases; a whole ticket number leads to the case itself."""
    held = context(request)
    lang = language_of(request)
    name = view_ if view_ in VIEWS else ("mine" if me.role in AGENTS else "open")
    if text and view_ not in VIEWS:
        name = "all"
    text = text.replace("\0", "")
    wanted = replace(
        _view(name, me, held.clock.now_us()),
        text=text,
        kind=kind if kind in KINDS else None,
        agency=agency.replace("\0", "") or None,
    )
    after = paging.decode(cursor, int, str)
    async with held.database.reading() as connection:
        found, place = await finding.search(
            connection, me, wanted, limit=ROWS,
            after=None if after is None else (after[0], after[1]),
        )  # fmt: skip
        rows = await view.rows(connection, held, me, found)
        counts = {
            key: await finding.count(connection, me, _view(key, me, held.clock.now_us()))
            for key in VIEWS
            if key != "all"
        }
    hint = ""
    if text and not rows and sum(c.isdecimal() for c in text) >= 8:
        try:
            parse(text)
        except NotATicket as error:
            hint = error.en if lang == "en" else error.th
    return render(
        request, "cases/list.html", rows=rows, views=VIEWS, view=name, counts=counts, text=text,
        kind=kind, chosen_agency=agency, agencies=list(held.config.agency), hint=hint,
        may_record=me.role in AGENTS, next=None if place is None else paging.encode(place),
        standard=_propose_seconds(held), **_shared(held, lang),
    )  # fmt: skip


def _propose_seconds(held: Context) -> int:
    edition = held.standards.on(held.clock.now_us())
    return edition.services["complaint"].steps["propose"].seconds or 0


@router.get("/cases/new")
async def new_page(
    request: Request,
    me: Annotated[Account, who(*AGENTS)],
    call: Annotated[str | None, Query(max_length=200)] = None,
) -> HTMLResponse:
    """The complaint form, filled with what the call tells."""
    held = context(request)
    async with held.database.reading() as connection:
        filled = await form.values(connection, held, me, call_id=call)
    return render(request, "cases/new.html", embedded=False, **filled)


@router.get("/cases/form")
async def form_fragment(
    request: Request,
    me: Annotated[Account, who(*AGENTS)],
    call: Annotated[str | None, Query(max_length=200)] = None,
) -> HTMLResponse:
    """The same form alone, for the agent's page to set into itself."""
    held = context(request)
    async with held.database.reading() as connection:
        filled = await form.values(connection, held, me, call_id=call)
    lang = language_of(request)
    body = fragment("cases/_form.html", lang, embedded=True, me=me, **filled)
    return HTMLResponse(body, headers={"Cache-Control": "no-store"})


@router.get("/cases/{ticket}/edit")
async def edit_page(
    request: Request, me: Annotated[Account, who(*CENTRE)], ticket: str
) -> HTMLResponse:
    """The form of a case that is there; refused with the reason where it may not be edited."""
    held = context(request)
    async with held.database.reading() as connection:
        case = await find(connection, me, ticket)
        if Act.EDIT not in allowed(case.state, me.role):
            th, en = why_not(case.state, Act.EDIT, me.role)
            raise Refused("act-not-now", th, en, 409)
        filled = await form.values(connection, held, me, case=case)
    return render(request, "cases/edit.html", embedded=False, **filled)


@router.get("/cases/{ticket}")
async def case_page(
    request: Request, me: Annotated[Account, who(*Role)], ticket: str
) -> HTMLResponse:
    """All about one case, and what this account can do with it."""
    held = context(request)
    lang = language_of(request)
    async with held.database.reading() as connection:
        case = await find(connection, me, ticket)
        found = await view.gather(connection, held, me, case)
        story = await timeline.read(connection, case.id, me)
        files = await attachments.of_case(connection, me, case)
        named = await subjects.names(connection, [case.subject_id] if case.subject_id else [])
        others = await elsewhere(connection, me, [f"case:{case.ticket}"], f"case:{case.id}")
    refused = [(act, why[lang == "en"]) for act, why in view.reasons(found, me)]
    steps = held.standards.on(case.recorded_us).services["complaint"].steps
    spoken = parse(case.ticket)
    return render(
        request, "cases/case.html", found=found, case=found.case, story=story, files=files,
        subject=named.get(case.subject_id or ""), refused=refused, steps=steps, spoken=spoken,
        agencies=list(held.config.agency), told_how=TOLD_HOW, cancelled_for=CANCELLED_FOR,
        extensions={e.id: e for e in found.asked},
        accept=",".join(f".{name}" for name in ALLOWED), extensions_allowed=", ".join(ALLOWED),
        megabytes=held.config.desk.attachment_megabytes, elsewhere=others,
        crm=lambda name: title(name, _kind(held, name)), **_shared(held, lang),
    )  # fmt: skip


def _kind(held: Context, connector: str) -> str:
    section = held.config.connector.get(connector)
    return section.kind if section is not None else connector


@router.get("/director")
async def director_page(
    request: Request, me: Annotated[Account, who(*DIRECTOR, Role.SUPERVISOR)]
) -> HTMLResponse:
    """What waits for the Director: proposals, requests for time, answers to judge."""
    held = context(request)
    lang = language_of(request)
    async with held.database.reading() as connection:

        async def listed(*states: State) -> list[view.Row]:
            found, _ = await finding.search(
                connection, me, Wanted(states=frozenset(states), order="due"), limit=100, after=None
            )
            return await view.rows(connection, held, me, found)

        waiting = await listed(State.PROPOSED)
        answered = await listed(State.ANSWERED)
        asked = await finding.asked(connection)
        late, _ = await finding.search(
            connection, me, Wanted(overdue_at=held.clock.now_us(), order="due"), limit=50,
            after=None,
        )  # fmt: skip
        overdue = await view.rows(connection, held, me, late)
    return render(
        request, "cases/director.html", waiting=waiting, answered=answered, asked=asked,
        overdue=overdue, agencies=list(held.config.agency), standard=_propose_seconds(held),
        may_assign=me.role is Role.DIRECTOR, **_shared(held, lang),
    )  # fmt: skip


@router.get("/agency")
async def agency_page(request: Request, me: Annotated[Account, who(*AGENCIES)]) -> HTMLResponse:
    """What the own agency owes, the most pressing first, and what it has answered."""
    held = context(request)
    lang = language_of(request)
    async with held.database.reading() as connection:
        found, _ = await finding.search(
            connection, me, Wanted(states=frozenset({State.ASSIGNED}), order="due"), limit=200,
            after=None,
        )  # fmt: skip
        rows = await view.rows(connection, held, me, found)
        older, _ = await finding.search(
            connection, me, Wanted(states=frozenset(State) - {State.ASSIGNED}), limit=50, after=None
        )
        done = await view.rows(connection, held, me, older)
    owing = [r for r in rows if any(a.state == "outstanding" for a in r.assigned)]
    done = [r for r in rows if r not in owing] + done
    return render(
        request, "cases/agency.html", owing=owing, done=done, own=me.agency,
        **_shared(held, lang),
    )  # fmt: skip


@router.get("/notifications")
async def bell_page(request: Request, me: Annotated[Account, who(*Role)]) -> HTMLResponse:
    """The bell's entries."""
    async with context(request).database.reading() as connection:
        entries = await bell.read(connection, me)
        # an agency that was released is told so, and has the case no longer
        wanted = {one.ticket for one in entries if one.ticket is not None}
        open_to_me = await seen_of(connection, me, wanted)
    return render(request, "cases/bell.html", entries=entries, open_to_me=open_to_me)
