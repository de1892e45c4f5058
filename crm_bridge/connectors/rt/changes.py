"""What officers did to our tickets' statuses in Request Tracker, since a cursor.

RT numbers everything that happens, so that the cursor is such a number: `1200`, or `1200 1203 1204`
with those that were told already and are too new to be passed over for good. A number is given when
a change begins, and a change that began earlier may be seen later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from crm_bridge.connectors.port import Changes, Rejected, Status, StatusChange
from crm_bridge.connectors.rt.client import PAGE, Turn
from crm_bridge.connectors.rt.house import House

SETTLING: Final = 60_000_000
"""Microseconds after which no earlier change is still to come; RT's scrips run inside a change."""


async def changed(
    house: House, ours: Callable[[str], Status | None], cursor: str | None
) -> Changes:
    """Our tickets whose status changed since the cursor, each as it was after its last change."""
    rt = house.rt
    if cursor is None:
        return Changes((), str(await rt.last_number()))
    base, told = _parsed(cursor)
    turns = await rt.turns(base)
    fresh = [turn for turn in turns if turn.number not in told]
    last = {turn.ticket: turn for turn in fresh}
    keys: dict[str, str] = {}
    if last:
        for ticket in await rt.tickets_by_number(sorted(last, key=int)):
            keys[ticket.id] = ticket.first(house.setting.key)
    items = tuple(
        StatusChange(
            turn.ticket, keys[turn.ticket], turn.native, ours(turn.native), turn.at, turn.by
        )
        for turn in sorted(last.values(), key=lambda turn: turn.number)
        if keys.get(turn.ticket)
    )
    more = len(turns) >= PAGE
    return Changes(items, _next(base, turns, more), more)


def _parsed(cursor: str) -> tuple[int, frozenset[int]]:
    parts = cursor.split()
    if not parts or not all(part.isascii() and part.isdigit() for part in parts):
        raise Rejected("the cursor is none of Request Tracker's", mend="begin anew, without one")
    return int(parts[0]), frozenset(int(part) for part in parts[1:])


def _next(base: int, turns: list[Turn], more: bool) -> str:
    """Past all that is old enough by RT's own clock; past a whole page in any case."""
    if not turns:
        return str(base)
    newest = max(turn.at for turn in turns)
    if more:
        return str(turns[-1].number)
    settled = [turn.number for turn in turns if turn.at <= newest - SETTLING]
    base = max([base, *settled])
    return " ".join(str(n) for n in [base, *(turn.number for turn in turns if turn.number > base)])
