"""Recordings: their sound, each playing on record; callers' messages as tasks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.clock import iso
from crm_bridge.desk.lost_calls import TASKS
from crm_bridge.recordings import voicemail
from crm_bridge.recordings.voicemail import Voicemail
from crm_bridge.web.context import context
from crm_bridge.web.policy import who
from crm_bridge.web.recordings import playing

router = APIRouter(prefix="/api/v1", tags=["recordings"])

Officer = Annotated[Account, who(Role.AGENT, Role.SUPERVISOR)]
Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


class WavResponse(Response):
    """A file of sound."""

    media_type = "audio/wav"


class VoicemailOut(BaseModel):
    """A message that a caller left."""

    id: str
    call_id: str
    number: str | None
    caller_name: str | None
    left_at: str
    seconds: float
    done_at: str | None

    @classmethod
    def of(cls, found: Voicemail) -> VoicemailOut:
        """The published form."""
        return cls(
            id=found.recording_id, call_id=found.call_id, number=found.number,
            caller_name=found.name, left_at=iso(found.left_us),
            seconds=found.length_us / 1_000_000,
            done_at=None if found.done_us is None else iso(found.done_us),
        )  # fmt: skip


@router.get(
    "/recordings/{recording_id}/audio", summary="The sound of a recording",
    response_class=WavResponse,
)  # fmt: skip
async def audio(request: Request, me: Officer, recording_id: Id) -> Response:
    """Who had it played, and when, is on record; whole, never in parts."""
    sound = await playing.sound(context(request), me, recording_id)
    return WavResponse(sound, headers={"Cache-Control": "no-store", "Accept-Ranges": "none"})


@router.get("/voicemails", summary="Messages that callers left")
async def voicemails(
    request: Request,
    me: Officer,
    done: Annotated[bool, Query(description="also those that are dealt with")] = False,
) -> list[VoicemailOut]:
    """The oldest first."""
    async with context(request).database.reading() as connection:
        found = await voicemail.waiting(connection, done=done)
    return [VoicemailOut.of(one) for one in found]


@router.post("/voicemails/{recording_id}/done", status_code=204, summary="A message is dealt with")
async def done(request: Request, me: Officer, recording_id: Id) -> None:
    """Nobody need hear it any more; a second time changes nothing."""
    held = context(request)
    async with held.database.writing() as connection:
        await voicemail.dealt_with(connection, held.clock, me, recording_id)
    held.hub.publish(TASKS, TASKS, {}, key=TASKS)
