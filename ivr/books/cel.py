"""Asterisk's channel event log, as `dialplan/cel_custom.conf` writes it: bytes become rows.

Sans-IO, never raises on what a file holds. A row is fifteen quoted columns, `""` for a quote within
one. Tolerated: a torn line (Asterisk or the machine died in the middle of it), also where the next
row follows in the same line or the torn column holds a line end; bytes that are no UTF-8; rows with
further columns behind the fifteen; anything else is counted as garbage and passed over.

Times are microseconds since the epoch, UTC. A `dateformat` in cel.conf is understood only where it
names its zone (`%F %T.%6q%z`): a time without one is no time, and such a row is garbage.
"""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ivr.books.lines import LONGEST, Line, Lines
from ivr.calls.call import Micros
from ivr.events.decode import micros

COLUMNS: Final = 15

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BEGIN: Final = re.compile(rb'"(?:\d{10}\.\d{1,6}|\d{4}-\d\d-\d\d[ T][^"\n]{8,24})","')
"""How a row begins: what a torn one is told from its successor by."""
_SECONDS: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_LATEST: Final = 32_503_680_000_000_000
"""The year 3000: beyond it stands no time of a call."""
_PIECES: Final = 8
"""Lines that one row may take, where a column of it holds line ends."""


@dataclass(frozen=True, slots=True)
class CelRow:
    """One channel event; columns without a value are empty."""

    place: int
    """Where the row begins in its file, in bytes."""
    at: Micros
    event: str
    """Asterisk's name of it; for a user-defined one, the name its maker gave it."""
    uniqueid: str
    linkedid: str
    channel: str
    peer: str
    name: str
    number: str
    exten: str
    context: str
    app: str
    data: str
    extra: str
    """JSON, or empty."""

    def more(self) -> dict[str, Any]:
        """The values in `extra`; empty where it holds no JSON object."""
        if not self.extra:
            return {}
        try:
            found = json.loads(self.extra)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class CelReader:
    """One file's rows in the order in which they were written; `at` is where reading begins."""

    def __init__(self, at: int = 0) -> None:
        self._lines = Lines(at)
        self._open: list[Line] = []
        """Lines of a row whose last column is not closed yet."""
        self.garbage = 0
        """Lines, or pieces of them, that are no row."""

    def feed(self, data: bytes) -> list[CelRow]:
        """The rows that these bytes complete."""
        return self._rows(self._lines.feed(data))

    def end(self) -> list[CelRow]:
        """The last row, of a file that will not grow any more."""
        rows = self._rows(self._lines.end())
        rows += self._give_up()
        return rows

    @property
    def at(self) -> int:
        """Where the first row begins that has not been given out."""
        return self._open[0][0] if self._open else self._lines.at

    @property
    def overlong(self) -> int:
        """Lines too long for a row."""
        return self._lines.overlong

    def _rows(self, lines: list[Line]) -> list[CelRow]:
        found: list[CelRow] = []
        for place, line in lines:
            if self._open:
                if _BEGIN.match(line):
                    found += self._give_up()
                else:
                    self._open.append((place, line))
                    self._close(found)
                    continue
            row = parse(place, line)
            if row is not None:
                found.append(row)
            elif line.count(b'"') % 2 and _BEGIN.match(line):
                self._open.append((place, line))
            else:
                found += self._rest_of(place, line)
        return found

    def _close(self, found: list[CelRow]) -> None:
        text = b"\n".join([line for _, line in self._open])
        if len(text) > LONGEST or len(self._open) > _PIECES:
            found += self._give_up()
        elif text.count(b'"') % 2 == 0:
            row = parse(self._open[0][0], text)
            if row is None:
                found += self._give_up()
            else:
                found.append(row)
                self._open.clear()

    def _give_up(self) -> list[CelRow]:
        """The lines of a row that was never finished: there may be whole rows behind it."""
        pieces, self._open = self._open, []
        found: list[CelRow] = []
        for place, line in pieces:
            found += self._rest_of(place, line)
        return found

    def _rest_of(self, place: int, line: bytes) -> list[CelRow]:
        """A row that follows a torn one in the same line, if there is one."""
        self.garbage += 1
        starts = [m.start() for m in _BEGIN.finditer(line, 1)]
        for start in reversed(starts):
            row = parse(place + start, line[start:])
            if row is not None:
                return [row]
        return []


def parse(place: int, line: bytes) -> CelRow | None:
    """The row in these bytes, or `None` where they are none."""
    line = line.removesuffix(b"\r")
    if line[:1] != b'"' or line[-1:] != b'"':
        return None
    text = line.decode("utf-8", "replace").replace("\x00", "")
    if '""' in text:
        try:
            columns = next(csv.reader([text], strict=True), [])
        except csv.Error:
            return None
    else:
        columns = text[1:-1].split('","')
        if any('"' in column for column in columns):
            return None
    if len(columns) < COLUMNS or (len(columns) > COLUMNS and _BEGIN.search(line, 1)):
        return None  # torn; the next row may stand in the same line
    at = _moment(columns[0])
    event, uniqueid = columns[1], columns[2]
    if at is None or not event or not uniqueid:
        return None
    return CelRow(
        place, at, event, uniqueid, columns[3] or uniqueid, columns[4], columns[5], columns[6],
        columns[7], columns[10], columns[11], columns[12], columns[13], columns[14],
    )  # fmt: skip


def _moment(text: str) -> Micros | None:
    if _SECONDS.fullmatch(text):
        at = micros(text)
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        at = None if moment.tzinfo is None else (moment - _EPOCH) // timedelta(microseconds=1)
    return at if at is not None and 0 < at < _LATEST else None
