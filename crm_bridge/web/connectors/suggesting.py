"""Names that other CRMs know a caller by, offered to whoever fills in a form, never put in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from crm_bridge.desk.board import Board
from crm_bridge.desk.pop import CallView
from crm_bridge.web.connectors.words import title

MOST: Final = 4
"""Names that are offered."""

Suggested = list[tuple[str, str]]
"""CRM and name, each name once."""


def of_call(board: Board, call_id: str | None) -> Suggested:
    """Names for the caller of a call that is on a screen; none for one that our records know."""
    view = board.view(call_id) if call_id else None
    return _names([view] if view is not None else [])


def of_number(board: Board, e164: str | None) -> Suggested:
    """Names for whoever calls from this number now."""
    return _names([view for view in board if e164 is not None and view.e164 == e164])


def _names(views: Iterable[CallView]) -> Suggested:
    found: dict[str, str] = {}
    for view in views:
        if view.withheld or view.level == "known":
            continue
        for one in view.found:
            for contact in one.contacts:
                if contact.name:
                    found.setdefault(contact.name, title(one.connector, one.kind))
    return [(crm, name) for name, crm in found.items()][:MOST]
