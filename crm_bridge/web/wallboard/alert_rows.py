"""The strip of alerts on the wall: what is active now, the gravest first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from crm_bridge.desk.wall_rows import Row, millis
from ivr.calls.call import Micros

MOST: Final = 6
"""Alerts that are shown; how many more there are is said."""

_GRAVITY: Final = {"critical": 0, "warning": 1, "notice": 2}


class Active(Protocol):
    """An alert that is active now, in words that may hang on a wall."""

    @property
    def id(self) -> str:
        """The same as long as it is active."""

    @property
    def th(self) -> str:
        """What it says, in Thai."""

    @property
    def en(self) -> str:
        """In English."""

    @property
    def level(self) -> str:
        """`critical`, `warning` or `notice`."""

    @property
    def since(self) -> Micros:
        """When it was raised."""


def alert_rows(active: Iterable[Active]) -> dict[str, Row]:
    """The section `alerts`."""
    found = sorted(active, key=lambda one: (_GRAVITY.get(one.level, 1), one.since, one.id))
    rows: dict[str, Row] = {
        one.id: {"text": (one.th, one.en), "level": one.level, "since": millis(one.since)}
        for one in found[:MOST]
    }
    if len(found) > MOST:
        more = len(found) - MOST
        rows[""] = {"text": (f"และอีก {more} รายการ", f"and {more} more"), "level": "more"}
    return rows
