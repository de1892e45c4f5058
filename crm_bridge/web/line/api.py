"""The agent's state, acts on the agent's calls, and the directory, as an API."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases import calendars
from crm_bridge.desk import sittings
from crm_bridge.desk.agent_states import Seat
from crm_bridge.desk.control import Done
from crm_bridge.desk.directory import Kind
from crm_bridge.desk.floor import Floor
from crm_bridge.desk.line import not_connected
from crm_bridge.errors import Refused
from crm_bridge.web.context import context
from crm_bridge.web.line.schemas import (
    ActOut,
    AgentOut,
    CallBack,
    CallId,
    DirectoryOut,
    EntryOut,
    Extension,
    Number,
    Pause,
    ReasonOut,
    SeatOut,
    SeatsOut,
    SignIn,
)
from crm_bridge.web.policy import who

router = APIRouter(prefix="/api/v1", tags=["line"])

Officer = Annotated[Account, who(Role.AGENT, Role.SUPERVISOR)]
Watcher = Annotated[Account, who(Role.AGENT, Role.SUPERVISOR, Role.DIRECTOR, Role.ADMINISTRATOR)]
Supervisor = Annotated[Account, who(Role.SUPERVISOR, Role.ADMINISTRATOR)]


def _floor(request: Request) -> Floor:
    floor = context(request).floor
    if floor is None:
        raise not_connected()
    return floor


def _agent(floor: Floor, me: Account) -> str:
    """The officer's id on the line. Raises Refused where the account sits nowhere."""
    sitting = floor.agents.of_account(me.id)
    if sitting is None:
        raise Refused(
            "not-signed-in-at-a-telephone",
            "ท่านยังไม่ได้ลงชื่อเข้าปฏิบัติงานที่เครื่องโทรศัพท์",
            "you are not signed in at a telephone",
        )
    return sitting.extension


def _seat(floor: Floor, seat: Seat) -> SeatOut:
    return SeatOut(**floor.agents.view(seat))


def _act(done: Done) -> ActOut:
    return ActOut(act=done.act, call_id=done.call_id, changed=done.changed)


# --- the agent's state ---


@router.get("/agent", summary="My seat, the reasons for a pause, the queues")
async def agent(request: Request, me: Officer) -> AgentOut:
    """Where I sit and what I am; `seat` is null while I sit nowhere."""
    held = context(request)
    async with held.database.reading() as connection:
        reasons = await sittings.reasons(connection)
    floor = held.floor
    sitting = floor.agents.of_account(me.id) if floor is not None else None
    seat = None
    if floor is not None and sitting is not None:
        seat = _seat(floor, floor.agents.seat(sitting.extension))
    return AgentOut(
        seat=seat,
        reasons=[ReasonOut(code=r.code, name_th=r.name_th, name_en=r.name_en) for r in reasons],
        queues=sorted(held.config.queue),
    )


@router.get("/agents", summary="Every extension: who sits there, in which state")
async def agents(request: Request, me: Watcher) -> SeatsOut:
    """In order of the extensions' numbers."""
    floor = _floor(request)
    return SeatsOut(items=[_seat(floor, seat) for seat in floor.agents.seats()])


@router.post("/agent/sign-in", summary="Sit down at a telephone")
async def sign_in(request: Request, me: Officer, given: SignIn) -> SeatOut:
    """The agent is put into the queues; again at the same telephone changes nothing."""
    floor = _floor(request)
    seat = await floor.agents.sign_in(me, given.extension, ready=given.ready, queues=given.queues)
    return _seat(floor, seat)


@router.post("/agent/ready", summary="Take calls")
async def ready(request: Request, me: Officer) -> SeatOut:
    """Ends a pause or the wrap-up."""
    floor = _floor(request)
    return _seat(floor, await floor.agents.ready(me.id))


@router.post("/agent/pause", summary="Take no calls, for a reason")
async def pause(request: Request, me: Officer, given: Pause) -> SeatOut:
    """Paused in every queue the agent serves."""
    floor = _floor(request)
    return _seat(floor, await floor.agents.pause(me.id, given.reason))


@router.post("/agent/sign-out", summary="Leave the telephone")
async def sign_out(request: Request, me: Officer) -> AgentOut:
    """Taken out of the queues; nothing changes for who sits nowhere."""
    await _floor(request).agents.sign_out(me.id)
    return await agent(request, me)


@router.post("/agents/{extension}/sign-out", summary="Sign another person out of a telephone")
async def sign_another_out(request: Request, me: Supervisor, extension: Extension) -> SeatOut:
    """For a telephone that somebody left behind signed in."""
    floor = _floor(request)
    await floor.supervision.officers.sign_out(me, extension)
    return _seat(floor, floor.agents.seat(extension))


# --- acts on my calls ---


@router.post("/line/calls/{call_id}/hold", summary="Put the caller on hold")
async def hold(request: Request, me: Officer, call_id: CallId) -> ActOut:
    """My telephone is asked to hold; refused where it cannot be asked."""
    floor = _floor(request)
    return _act(await floor.control.hold(_agent(floor, me), call_id))


@router.post("/line/calls/{call_id}/resume", summary="Take the caller back from hold")
async def resume(request: Request, me: Officer, call_id: CallId) -> ActOut:
    """My telephone is asked to take the call back."""
    floor = _floor(request)
    return _act(await floor.control.resume(_agent(floor, me), call_id))


@router.post("/line/calls/{call_id}/recording/pause", summary="Pause the recording of my call")
async def pause_recording(request: Request, me: Officer, call_id: CallId) -> ActOut:
    """For what must not be recorded; what is spoken meanwhile is silence in it."""
    floor = _floor(request)
    return _act(await floor.control.pause_recording(_agent(floor, me), call_id))


@router.post("/line/calls/{call_id}/recording/resume", summary="Record my call again")
async def resume_recording(request: Request, me: Officer, call_id: CallId) -> ActOut:
    """Ends the pause, whoever began it."""
    floor = _floor(request)
    return _act(await floor.control.resume_recording(_agent(floor, me), call_id))


@router.post("/line/calls/{call_id}/transfer", summary="Hand the caller over without asking first")
async def transfer(request: Request, me: Officer, call_id: CallId, given: Number) -> ActOut:
    """A blind transfer to an agency, an officer or a queue."""
    floor = _floor(request)
    return _act(await floor.control.blind_transfer(_agent(floor, me), call_id, given.number))


@router.post("/line/calls/{call_id}/consult", summary="Speak with an agency while the caller waits")
async def consult(request: Request, me: Officer, call_id: CallId, given: Number) -> ActOut:
    """Then `complete` hands the caller over, `back` returns to the caller."""
    floor = _floor(request)
    return _act(await floor.control.consult(_agent(floor, me), call_id, given.number))


@router.post("/line/calls/{call_id}/complete", summary="Hand the caller to whom I consult")
async def complete(request: Request, me: Officer, call_id: CallId) -> ActOut:
    """Ends my part of the call."""
    floor = _floor(request)
    return _act(await floor.control.complete(_agent(floor, me), call_id))


@router.post("/line/calls/{call_id}/back", summary="Come back to the caller")
async def back(request: Request, me: Officer, call_id: CallId) -> ActOut:
    """Ends the consultation."""
    floor = _floor(request)
    return _act(await floor.control.back(_agent(floor, me), call_id))


@router.post("/line/calls/{call_id}/hang-up", summary="Hang up")
async def hang_up(request: Request, me: Officer, call_id: CallId) -> ActOut:
    """Ends the call with the caller."""
    floor = _floor(request)
    return _act(await floor.control.hang_up(_agent(floor, me), call_id))


@router.post("/line/call-back", summary="Call a number: my telephone rings first")
async def call_back(request: Request, me: Officer, given: CallBack) -> ActOut:
    """Thai numbers only."""
    floor = _floor(request)
    agent = _agent(floor, me)
    return _act(await floor.control.call_back(agent, given.number, given.lost_call or ""))


# --- the directory ---


@router.get("/directory", summary="Agencies, officers and queues by name, place or number")
async def directory(
    request: Request,
    me: Watcher,
    q: Annotated[str, Query(max_length=80)] = "",
    kind: Annotated[list[Kind] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> DirectoryOut:
    """The best first, with whether they are open and their telephone is free now."""
    held = context(request)
    async with held.database.reading() as connection:
        calendar = await calendars.current(connection, held.clock)
    found = _floor(request).directory.search(
        q, now=held.clock.now_us(), calendar=calendar, kinds=kind or list(Kind), limit=limit
    )
    return DirectoryOut(
        items=[
            EntryOut(
                kind=one.entry.kind, id=one.entry.id, number=one.entry.number,
                name_th=one.entry.name_th, name_en=one.entry.name_en,
                province=one.entry.province, group=one.entry.group, hours=one.entry.hours,
                open=one.open, presence=one.presence,
            )
            for one in found
        ]
    )  # fmt: skip
