"""The acts on a case over the API: each one transaction, answered with the case as it is then.

Whatever changes its state or its assignments names in If-Match the version it is based on.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response

from crm_bridge.access.account import Account
from crm_bridge.cases import answering, complaints, directing, proceedings
from crm_bridge.cases.directing import Order
from crm_bridge.web.cases import view
from crm_bridge.web.cases.performing import AGENCIES, AGENTS, CENTRE, DIRECTOR, LEADS, perform
from crm_bridge.web.cases.schemas import (
    AcceptIn,
    AgencyReasonIn,
    AskExtensionIn,
    AssignIn,
    BatchAssignIn,
    CancelIn,
    CaseOut,
    CaseSummary,
    CloseIn,
    GrantExtensionIn,
    NoteIn,
    ProposeIn,
    ReasonIn,
    RefuseExtensionIn,
    TellIn,
    TextIn,
)
from crm_bridge.web.context import context
from crm_bridge.web.policy import who

router = APIRouter(prefix="/api/v1", tags=["cases"])


@router.post("/cases/{ticket}/tell", summary="The ticket number is told")
async def tell(
    request: Request, response: Response, me: Annotated[Account, who(*AGENTS)], ticket: str,
    body: TellIn,
) -> CaseOut:  # fmt: skip
    """By voice now, or by a text message that is sent."""
    clock = context(request).clock
    return await perform(
        request, response, me,
        lambda c, v: complaints.tell(c, clock, me, ticket, how=body.how, based_on=v),
        guarded=False,
    )  # fmt: skip


@router.post("/cases/{ticket}/note", summary="A note in the timeline")
async def note(
    request: Request, response: Response, me: Annotated[Account, who(*CENTRE, *AGENCIES)],
    ticket: str, body: NoteIn,
) -> CaseOut:  # fmt: skip
    """An agency's note is read by that agency and the centre."""
    clock = context(request).clock
    return await perform(
        request, response, me,
        lambda c, _: complaints.note(
            c, clock, me, ticket, text=body.text, internal=body.internal
        ),
        guarded=False,
    )  # fmt: skip


@router.post("/cases/{ticket}/propose", summary="Lay the case before the Director")
async def propose(
    request: Request, response: Response, me: Annotated[Account, who(*AGENTS)], ticket: str,
    body: ProposeIn,
) -> CaseOut:  # fmt: skip
    """The 15 working days begin."""
    clock = context(request).clock
    return await perform(
        request, response, me,
        lambda c, v: proceedings.propose(c, clock, me, ticket, note=body.note, based_on=v),
    )  # fmt: skip


@router.post("/cases/{ticket}/return", summary="Return the case for correction")
async def return_(
    request: Request, response: Response, me: Annotated[Account, who(*DIRECTOR)], ticket: str,
    body: ReasonIn,
) -> CaseOut:  # fmt: skip
    """To its owner; the deadline goes on."""
    clock = context(request).clock
    return await perform(
        request, response, me,
        lambda c, v: directing.return_(c, clock, me, ticket, reason=body.reason, based_on=v),
    )  # fmt: skip


@router.post("/cases/{ticket}/assign", summary="Order agencies to answer")
async def assign(
    request: Request, response: Response, me: Annotated[Account, who(*DIRECTOR)], ticket: str,
    body: AssignIn,
) -> CaseOut:  # fmt: skip
    """One or more, with an instruction."""
    held = context(request)
    return await perform(
        request, response, me,
        lambda c, v: directing.assign(
            c, held.clock, me, ticket, orders=_orders(body), known=held.config.agency, based_on=v
        ),
    )  # fmt: skip


@router.post("/director/assignments", summary="The same order for several cases, all or none")
async def assign_all(
    request: Request, me: Annotated[Account, who(*DIRECTOR)], body: BatchAssignIn
) -> list[CaseSummary]:
    """Refused as a whole where one cannot be assigned, or has changed since it was chosen."""
    held = context(request)
    async with held.database.writing() as connection:
        done = await directing.assign_all(
            connection, held.clock, me, {one.ticket: one.version for one in body.tickets},
            orders=_orders(body), known=held.config.agency,
        )  # fmt: skip
        rows = await view.rows(connection, held, me, done)
    for case in done:
        held.hub.publish(
            "cases", "case", {"ticket": case.ticket, "state": case.state.value}, key=case.ticket
        )
    return [view.summary(row) for row in rows]


@router.post("/cases/{ticket}/release", summary="Take the case from an agency")
async def release(
    request: Request, response: Response, me: Annotated[Account, who(*DIRECTOR)], ticket: str,
    body: AgencyReasonIn,
) -> CaseOut:  # fmt: skip
    """It need not answer, and sees the case no more."""
    clock = context(request).clock
    return await perform(
        request, response, me,
        lambda c, v: directing.release(
            c, clock, me, ticket, agency=body.agency, reason=body.reason, based_on=v
        ),
    )  # fmt: skip


@router.post("/cases/{ticket}/answer", summary="The agency's answer")
async def answer(
    request: Request, response: Response, me: Annotated[Account, who(*AGENCIES)], ticket: str,
    body: TextIn,
) -> CaseOut:  # fmt: skip
    """With the last one outstanding the case awaits judgement."""
    clock = context(request).clock
    return await perform(
        request, response, me,
        lambda c, v: answering.answer(c, clock, me, ticket, text=body.text, based_on=v),
    )  # fmt: skip


@router.post("/cases/{ticket}/decline", summary="Not this agency's matter")
async def decline(
    request: Request, response: Response, me: Annotated[Account, who(*AGENCIES)], ticket: str,
    body: ReasonIn,
) -> CaseOut:  # fmt: skip
    """The Director decides again where no other agency is left."""
    clock = context(request).clock
    return await perform(
        request, response, me,
        lambda c, v: answering.decline(c, clock, me, ticket, reason=body.reason, based_on=v),
    )  # fmt: skip


@router.post("/cases/{ticket}/ask-extension", summary="Ask for more time")
async def ask_extension(
    request: Request, response: Response, me: Annotated[Account, who(*AGENCIES)], ticket: str,
    body: AskExtensionIn,
) -> CaseOut:  # fmt: skip
    """In working days, with the reason."""
    clock = context(request).clock
    return await perform(
        request, response, me,
        lambda c, v: answering.ask_extension(
            c, clock, me, ticket, working_days=body.working_days, reason=body.reason, based_on=v
        ),
    )  # fmt: skip


@router.post("/cases/{ticket}/grant-extension", summary="Grant more time")
async def grant_extension(
    request: Request, response: Response, me: Annotated[Account, who(*DIRECTOR)], ticket: str,
    body: GrantExtensionIn,
) -> CaseOut:  # fmt: skip
    """What was asked for, or another number of working days."""
    clock = context(request).clock
    return await perform(
        request, response, me,
        lambda c, v: directing.decide_extension(
            c, clock, me, ticket, agency=body.agency, granted=True,
            working_days=body.working_days, note=body.note, based_on=v,
        ),
    )  # fmt: skip


@router.post("/cases/{ticket}/refuse-extension", summary="Refuse more time")
async def refuse_extension(
    request: Request, response: Response, me: Annotated[Account, who(*DIRECTOR)], ticket: str,
    body: RefuseExtensionIn,
) -> CaseOut:  # fmt: skip
    """With the reason."""
    clock = context(request).clock
    return await perform(
        request, response, me,
        lambda c, v: directing.decide_extension(
            c, clock, me, ticket, agency=body.agency, granted=False, note=body.note, based_on=v
        ),
    )  # fmt: skip


@router.post("/cases/{ticket}/send-back", summary="Send an answer back")
async def send_back(
    request: Request, response: Response, me: Annotated[Account, who(*LEADS)], ticket: str,
    body: AgencyReasonIn,
) -> CaseOut:  # fmt: skip
    """The agency owes another."""
    clock = context(request).clock
    return await perform(
        request, response, me,
        lambda c, v: directing.send_back(
            c, clock, me, ticket, agency=body.agency, reason=body.reason, based_on=v
        ),
    )  # fmt: skip


@router.post("/cases/{ticket}/accept", summary="Accept answers")
async def accept(
    request: Request, response: Response, me: Annotated[Account, who(*LEADS)], ticket: str,
    body: AcceptIn,
) -> CaseOut:  # fmt: skip
    """Once all are accepted the case is settled."""
    clock = context(request).clock
    return await perform(
        request, response, me,
        lambda c, v: directing.accept(
            c, clock, me, ticket, agency=body.agency, note=body.note, based_on=v
        ),
    )  # fmt: skip


@router.post("/cases/{ticket}/settle", summary="Settle the case by the Director's own answer")
async def settle(
    request: Request, response: Response, me: Annotated[Account, who(*DIRECTOR)], ticket: str,
    body: TextIn,
) -> CaseOut:  # fmt: skip
    """Nobody owes an answer any more."""
    clock = context(request).clock
    return await perform(
        request, response, me,
        lambda c, v: directing.settle(c, clock, me, ticket, text=body.text, based_on=v),
    )  # fmt: skip


@router.post("/cases/{ticket}/close", summary="The complainant knows the result")
async def close(
    request: Request, response: Response, me: Annotated[Account, who(*CENTRE)], ticket: str,
    body: CloseIn,
) -> CaseOut:  # fmt: skip
    """And the case is closed."""
    clock = context(request).clock
    return await perform(
        request, response, me,
        lambda c, v: proceedings.close(
            c, clock, me, ticket, how=body.how, note=body.note, based_on=v
        ),
    )  # fmt: skip


@router.post("/cases/{ticket}/reopen", summary="Take the matter up again")
async def reopen(
    request: Request, response: Response, me: Annotated[Account, who(*CENTRE)], ticket: str,
    body: ReasonIn,
) -> CaseOut:  # fmt: skip
    """Before the Director, with a new deadline."""
    clock = context(request).clock
    return await perform(
        request, response, me,
        lambda c, v: proceedings.reopen(c, clock, me, ticket, reason=body.reason, based_on=v),
    )  # fmt: skip


@router.post("/cases/{ticket}/cancel", summary="End a case that is not pursued")
async def cancel(
    request: Request, response: Response, me: Annotated[Account, who(*CENTRE)], ticket: str,
    body: CancelIn,
) -> CaseOut:  # fmt: skip
    """With the reason."""
    clock = context(request).clock
    return await perform(
        request, response, me,
        lambda c, v: proceedings.cancel(
            c, clock, me, ticket, why=body.why, note=body.note, based_on=v
        ),
    )  # fmt: skip


def _orders(body: AssignIn) -> list[Order]:
    common = [Order(agency, body.instruction) for agency in body.agencies]
    return common + [Order(o.agency, o.instruction or body.instruction) for o in body.orders]
