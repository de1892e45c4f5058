"""In a queue: a caller who pressed the key keeps his place, and is called back when it is his turn.

The dialplan (`dialplan/callback.conf`) has him out of the queue for as long as this takes, and puts
him back where he stood unless he says goodbye here.
"""

from __future__ import annotations

import re
from typing import Final

from ivr.selfservice.agi import AgiFault
from ivr.selfservice.port import CallBackDesk, Place
from ivr.selfservice.server import Line
from ivr.selfservice.session import Session
from ivr.selfservice.wish import ALREADY, ASKED, LEFT, SERVICE, Wish

NAME: Final = SERVICE
"""The script Asterisk asks for."""

GOODBYE: Final = "goodbye"
QUEUE: Final = "queue"

SAID: Final = {
    ASKED: ["hotline/callback-place-kept"],
    ALREADY: ["hotline/callback-already"],
    LEFT: ["hotline/callback-not-taken"],
}
"""What is said of how it came out, before goodbye or the queue."""

_QUEUE: Final = re.compile(r"[a-z_]{1,40}")


class PlaceService:
    """Takes the wishes of callers who wait in a queue."""

    def __init__(self, desk: CallBackDesk) -> None:
        self._desk = desk

    async def session(self, line: Line) -> None:
        """One caller; Asterisk's arguments are the queue and the second he joined it."""
        queue, joined = line.request.get("arg_1"), line.request.get("arg_2")
        if not _QUEUE.fullmatch(queue) or not joined.isdecimal():
            raise AgiFault("a place in no queue")
        caller = Session(line)
        await caller.begin()
        outcome = await Wish(caller, self._desk, Place(queue, int(joined))).run()
        await caller.play(SAID.get(outcome, []))
        await caller.end(outcome, GOODBYE if outcome in {ASKED, ALREADY} else QUEUE)
