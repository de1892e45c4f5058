"""At a queue's door, before a caller stands in it: priority, who knows him, his wait.

One question to the desk, answered from its memory. Who is refused hears so, and goodbye. The wait
is said in bands that hold; where an officer is free nothing is said: he is put through as ever.
Nothing is played in the session: Asterisk gives it one second, and plays what it was told after it.
"""

from __future__ import annotations

from typing import Final

from ivr.selfservice import saying
from ivr.selfservice.port import Arrival, DoorDesk, Expect, Wait
from ivr.selfservice.server import Line
from ivr.selfservice.session import Session

NAME: Final = "door"
"""The script Asterisk asks for."""
CONTEXT: Final = "door"
"""The dialplan's side: dialplan/door.conf."""

LET_IN: Final = "let_in"
REFUSED: Final = "refused"
FOR_QUEUE: Final = "queue"
GOODBYE: Final = "goodbye"
PRIORITY: Final = "HOTLINE_PRIO"
"""The dialplan's variable: his priority in the queue."""
SAY: Final = "HOTLINE_SAY"
"""The dialplan's variable: the sounds it plays when the session is over, joined by &."""

_SAID: Final = {
    Expect.AT_ONCE: (),
    Expect.UNKNOWN: ("hotline/wait-unknown",),
    Expect.NOBODY: ("hotline/wait-nobody",),
}


class DoorService:
    """Receives callers at queues, as the desk tells it to."""

    def __init__(self, desk: DoorDesk) -> None:
        self._desk = desk

    async def session(self, line: Line) -> None:
        """One caller; Asterisk's argument is the queue."""
        caller = Session(line)
        await caller.begin(speaks=False)
        arrival = Arrival(caller.uniqueid, line.request.get("arg_1"), caller.number)
        welcome = self._desk.welcome(arrival)
        if welcome.refused:
            await caller.run(CONTEXT, "refused", welcome.why)
            await caller.set(SAY, "hotline/not-taken")
            await caller.end(REFUSED, GOODBYE)
            return
        if welcome.priority:
            await caller.set(PRIORITY, str(welcome.priority))
            await caller.run(CONTEXT, "priority", f"{welcome.priority}:{welcome.why}")
        if welcome.officer:
            await caller.set("HOTLINE_KNOWN", welcome.officer)
            await caller.set("HOTLINE_KNOWN_FOR", str(welcome.officer_seconds))
            await caller.set("HOTLINE_KNOWN_WHY", welcome.officer_why)
        else:
            await caller.run(CONTEXT, "wait", welcome.wait.text)
            await caller.set(SAY, "&".join(sentence(welcome.wait, caller.language)))
        await caller.end(LET_IN, FOR_QUEUE)


def sentence(wait: Wait, language: str) -> tuple[str, ...]:
    """What is said of a wait, as the sounds that say it."""
    if wait.expect is not Expect.BAND:
        return _SAID[wait.expect]
    if wait.high is None:
        return ("hotline/wait-over", *saying.number(wait.low, language), "hotline/wait-minutes")
    minutes = "hotline/wait-minute" if wait.high == 1 else "hotline/wait-minutes"
    last = (*saying.number(wait.high, language), minutes)
    if wait.low == 0:
        return ("hotline/wait-under", *last)
    return ("hotline/wait-about", *saying.number(wait.low, language), "hotline/wait-to", *last)
