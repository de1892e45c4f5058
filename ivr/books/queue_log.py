"""Asterisk's queue_log: bytes become rows of `epoch|call|queue|agent|verb|…`.

Sans-IO, never raises on what a file holds. Its times are whole seconds, cut off, so that a row may
have happened up to a second after what it says. Tolerated: a torn last line, also with the next row
in the same line; rows of verbs nobody knows (`QueueLog()` of a dialplan writes what it likes);
`NONE` for what there is not. All else is counted as garbage and passed over.

What app_queue is known to say oddly: COMPLETECALLER of an officer who hangs up in the moment of
answering; CONNECT with the member who was rung, not with him who picked the call up; a RINGNOANSWER
of 0 ms for a telephone that was never rung; ABANDON on its own time-out where the caller hangs up
in the same moment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ivr.books.lines import Line, Lines
from ivr.calls.call import Micros

_BEGIN: Final = re.compile(rb"\d{10}(?:\.\d{1,6})?\|")
_NONE: Final = "NONE"
_FIELDS: Final = 5
_MOST: Final = 16
"""Values behind the verb that are kept."""

VERBS: Final = frozenset({
    "ABANDON", "ADDMEMBER", "AGENTDUMP", "AGENTLOGIN", "AGENTCALLBACKLOGIN", "AGENTLOGOFF",
    "AGENTCALLBACKLOGOFF", "ATTENDEDTRANSFER", "BLINDTRANSFER", "COMPLETEAGENT", "COMPLETECALLER",
    "CONFIGRELOAD", "CONNECT", "DID", "ENTERQUEUE", "EXITEMPTY", "EXITWITHKEY", "EXITWITHTIMEOUT",
    "INFO", "PAUSE", "PAUSEALL", "PENALTY", "QUEUESTART", "REMOVEMEMBER", "RINGCANCELED",
    "RINGNOANSWER", "SYSCOMPAT", "TRANSFER", "UNPAUSE", "UNPAUSEALL",
})  # fmt: skip
"""Every verb that app_queue and the logger write; another one is somebody's own."""


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One line of the book; `call` is the caller's uniqueid, empty where there is none."""

    place: int
    at: Micros
    """The whole second in which it happened."""
    call: str
    queue: str
    agent: str
    """The member's name, or his interface where he has none."""
    verb: str
    values: tuple[str, ...] = ()

    def number(self, index: int) -> int | None:
        """The value at this place as a whole number; `None` where it is none."""
        try:
            return int(self.values[index])
        except (IndexError, ValueError):
            return None

    def value(self, index: int) -> str:
        """The value at this place; empty where there is none."""
        return self.values[index] if index < len(self.values) else ""


class QueueLogReader:
    """One file's rows in the order in which they were written; `at` is where reading begins."""

    def __init__(self, at: int = 0) -> None:
        self._lines = Lines(at)
        self.garbage = 0

    def feed(self, data: bytes) -> list[QueueRow]:
        """The rows that these bytes complete."""
        return self._rows(self._lines.feed(data))

    def end(self) -> list[QueueRow]:
        """The last row, of a file that will not grow any more."""
        return self._rows(self._lines.end())

    @property
    def at(self) -> int:
        """Where the first row begins that has not been given out."""
        return self._lines.at

    @property
    def overlong(self) -> int:
        """Lines too long for a row."""
        return self._lines.overlong

    def _rows(self, lines: list[Line]) -> list[QueueRow]:
        found: list[QueueRow] = []
        for place, line in lines:
            starts = [m.start() for m in _BEGIN.finditer(line)]
            # a row may follow a torn one in its line; a plain number among the values is no start
            row = parse(place, line)
            torn = row is None or row.verb not in VERBS
            for start in reversed(starts if torn else []):
                later = parse(place + start, line[start:]) if start else None
                if later is not None and later.verb in VERBS:
                    row = later
                    self.garbage += 1
                    break
            if row is None:
                self.garbage += 1
            else:
                found.append(row)
        return found


def parse(place: int, line: bytes) -> QueueRow | None:
    """The row in these bytes, or `None` where they are none."""
    text = line.removesuffix(b"\r").decode("utf-8", "replace").replace("\x00", "")
    parts = text.split("|", _FIELDS + _MOST)
    if len(parts) < _FIELDS:
        return None
    seconds, _, fraction = parts[0].partition(".")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) == 10):
        return None
    verb = parts[4]
    if not verb or not (verb.isascii() and verb.replace("_", "").isalnum()):
        return None
    part = int(fraction.ljust(6, "0")[:6]) if fraction.isascii() and fraction.isdigit() else 0
    call, queue, agent = ("" if part == _NONE else part for part in (parts[1], parts[2], parts[3]))
    at = int(seconds) * 1_000_000 + part
    return QueueRow(place, at, call, queue, agent, verb, tuple(parts[_FIELDS : _FIELDS + _MOST]))
