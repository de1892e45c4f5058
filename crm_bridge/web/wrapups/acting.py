"""Which officer of a call the account that asks is, and what the desk offers it there."""

from __future__ import annotations

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.desk.declare import Declare
from crm_bridge.desk.wrapups import Wrapups, agents_of, had_part
from crm_bridge.errors import Refused
from crm_bridge.web.context import Context


def declare_of(held: Context) -> Declare:
    """Puts marks on calls; Refused (503) where pages are served without a line."""
    if held.declare is None:
        raise Refused(
            "no-line", "ระบบโทรศัพท์ยังไม่พร้อม", "the line is not connected to these pages", 503
        )
    return held.declare


def may_see_supervision(held: Context, me: Account) -> bool:
    """Whether this account may know which supervisors were at a call (`tell_officer`)."""
    return me.role is not Role.AGENT or held.config.supervision.tell_officer


def wrapups_of(held: Context) -> Wrapups:
    """Saves officers' records."""
    return Wrapups(held.database, held.clock, declare_of(held))


async def officer_in(held: Context, me: Account, call_id: str, asked: str | None = None) -> str:
    """The officer's id as which the account acts on this call.

    An agent acts as whoever the agent sat as; a supervisor as the officer named. Refused (404)
    where the call had no such officer.
    """
    found = await _known(held, me, call_id, asked)
    if not found:
        extension = _on_screen(held, me, call_id)
        if extension is not None and asked in {None, extension}:
            return extension
        await declare_of(held).settle()  # the line may know what the disk does not yet
        found = await _known(held, me, call_id, asked)
    if not found:
        raise Refused(
            "no-part-in-call",
            "ไม่พบสายนี้ในรายการที่ท่านรับ",
            "you had no part in such a call",
            404,
        )
    return asked if asked in found else found[-1]


def _on_screen(held: Context, me: Account, call_id: str) -> str | None:
    """Where the account sits, if that officer's screen has spoken in this call.

    The line knows it before the disk does, and without having everything saved first.
    """
    sitting = held.agents.of_account(me.id) if held.agents is not None else None
    if sitting is None:
        return None
    extension = sitting.extension
    spoken = any(
        view.call_id == call_id and view.answered_at is not None
        for view in held.board.desk(extension)
    )
    return extension if spoken else None


async def _known(held: Context, me: Account, call_id: str, asked: str | None) -> list[str]:
    async with held.database.reading() as connection:
        own = await agents_of(connection, call_id, me.id)
        if asked is None or asked in own:
            return own
        if me.role is Role.SUPERVISOR and await had_part(connection, call_id, asked):
            return [asked]
    return []
