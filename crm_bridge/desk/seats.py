"""Where each account sits, told to its open pages whenever that changes."""

from __future__ import annotations

from collections.abc import Callable

from crm_bridge.desk.agent_states import Seat
from crm_bridge.live.hub import Hub


def account_topic(account_id: str) -> str:
    """The hub's topic for what concerns one account, wherever it sits."""
    return f"account:{account_id}"


class Seats:
    """Account → extension, as agents sit down and leave (`Agents.changed`)."""

    def __init__(self, hub: Hub, reseated: Callable[[str], None]) -> None:
        """`reseated` is told the extension where another sits now; must not wait or raise."""
        self._hub = hub
        self._reseated = reseated
        self._at: dict[str, str] = {}
        """Extension → the account that sits there."""

    def changed(self, seat: Seat) -> None:
        """A seat has changed; never waits or raises."""
        before = self._at.get(seat.extension)
        now = seat.sitting.account_id if seat.sitting is not None else None
        if before == now:
            return
        if now is None:
            del self._at[seat.extension]
        else:
            self._at[seat.extension] = now
        self._reseated(seat.extension)
        for account in {before, now} - {None}:
            self._hub.publish(account_topic(str(account)), "seat", {}, key="seat")
