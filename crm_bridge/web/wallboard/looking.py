"""Who may look at the wallboard: persons by their role and a setting, screens by their secret."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query, Request

from crm_bridge.access import sessions, wall_screens
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.errors import Refused, StorageError
from crm_bridge.web.context import Context
from crm_bridge.web.figures.readers import READERS
from crm_bridge.web.policy import COOKIE, who

LOOKERS: Final = (*READERS, Role.AGENT)
SCREEN_COOKIE: Final = "hotline_screen"

Looker = Annotated[Account, who(*LOOKERS)]
Theme = Annotated[str, Query(pattern="^(dark|light|)$", description="the system's own, if none")]
Lang = Annotated[str, Query(pattern="^(th|en|)$", description="the person's own, if none")]


def may_look(held: Context, me: Account) -> None:
    """Refused (403) for an agent where the office does not show them the wall."""
    if me.role is Role.AGENT and not held.config.wallboard.agents:
        raise Refused(
            "not-allowed",
            "หน่วยงานไม่ได้เปิดกระดานสถานะให้เจ้าหน้าที่รับสาย",
            "the wallboard is not open to agents here",
            403,
        )


async def screen_of(held: Context, secret: str) -> str:
    """The id of the screen that shows this secret; Refused (403) where there is none."""
    found = await wall_screens.find(held.database, held.clock, secret) if secret else None
    if found is None:
        raise Refused(
            "no-such-screen",
            "จอนี้ยังไม่ได้ลงทะเบียน หรือถูกยกเลิกแล้ว โปรดขอที่อยู่ใหม่จากผู้ดูแลระบบ",
            "this screen is not known here, or was withdrawn: ask an administrator for an address",
            403,
        )
    return found


async def person_still(held: Context, request: Request) -> bool:
    """Whether the browser is still signed in. It is while nobody can tell."""
    if request.state.session is None or not (cookie := request.cookies.get(COOKIE)):
        return True
    try:
        session = await sessions.find(held.database, held.clock, cookie)
    except StorageError:
        return True
    return session is not None and session.account.role in LOOKERS


async def screen_still(held: Context, secret: str) -> bool:
    """Whether the screen is in use. It is while nobody can tell."""
    try:
        return await wall_screens.find(held.database, held.clock, secret) is not None
    except StorageError:
        return True
