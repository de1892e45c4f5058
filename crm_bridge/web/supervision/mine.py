"""A supervisor's own telephone, and what may be done to one officer: pieces of the page."""

from __future__ import annotations

from typing import Final

from crm_bridge.access.account import Account
from crm_bridge.desk.line import not_connected
from crm_bridge.desk.ways import way_words
from crm_bridge.web.agent.screen import STAGE_WORDS
from crm_bridge.web.context import Context
from crm_bridge.web.pages import fragment
from crm_bridge.web.supervision.floor_view import FloorView
from ivr.calls.supervising import Spying

_NOW: Final[dict[str, tuple[str, str]]] = {
    "listen": ("กำลังฟังสายของ", "Listening to"),
    "whisper": ("กำลังแนะนำ", "Whispering to"),
    "barge": ("กำลังร่วมสนทนากับ", "In conversation with"),
}
"""What the supervisor is doing, before the officer's number."""


def floor_view(held: Context) -> FloorView:
    """The floor, made when the first page asks for it; Refused (503) without a line."""
    if held.floor is None:
        raise not_connected()
    if held.floor_view is None:
        held.floor_view = FloorView(held.floor, held.board, held.hub, held.config)
    return held.floor_view


def seat_of(held: Context, me: Account) -> str | None:
    """The extension where this supervisor sits."""
    sitting = held.floor.agents.of_account(me.id) if held.floor is not None else None
    return sitting.extension if sitting is not None else None


def own(held: Context, me: Account) -> Spying | None:
    """The call that this supervisor's telephone is at."""
    extension = seat_of(held, me)
    spyings = held.floor.line.spyings() if held.floor is not None else []
    return next((s for s in spyings if extension and s.by == extension), None)


def mine(held: Context, me: Account, lang: str) -> str:
    """The bar of the page: where I sit, and whose call I am at."""
    spying = own(held, me)
    return fragment(
        "supervision/mine.html", lang, extension=seat_of(held, me), spying=spying,
        doing=_NOW.get(spying.way, way_words(spying.way)) if spying else None,
        since=spying.since // 1000 if spying else None,
    )  # fmt: skip


def panel(held: Context, me: Account, extension: str, lang: str) -> str:
    """One officer, and what I may do there; empty where nobody sits there any more."""
    one = floor_view(held).officer(extension)
    if one is None:
        return ""
    spying = own(held, me)
    call = one.call
    return fragment(
        "supervision/panel.html", lang, one=one, call=call, view=call, me=me,
        mine=seat_of(held, me), spying=spying, ways=way_words, stages=STAGE_WORDS,
        rules=held.config.supervision,
        here=bool(spying and call and spying.live.call.call_id == call.call_id
                  and spying.agent == extension),
    )  # fmt: skip
