"""Shifts as a CSV file: what a spreadsheet gives and takes. Pure.

    agent,day,from,to
    1001,2026-11-30,08:30,12:00

One line a part of a day; commas, semicolons or tabs; UTF-8 with or without its mark. A day may be
`2026-11-30`, `30/11/2026` or of the Buddhist era (`30/11/2569`). A file is taken whole or not at
all. What it names of days is their whole plan.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from datetime import date
from typing import Final

from crm_bridge.errors import Refused
from crm_bridge.planning.shift import AGENT, Shift, check, clock_text, minute_of, wrong_words

COLUMNS: Final = ("agent", "day", "from", "to")
LARGEST: Final = 400_000
"""Bytes; some 14,000 lines."""
_NAMED: Final = {
    "agent": "agent", "officer": "agent", "เจ้าหน้าที่": "agent", "เลขภายใน": "agent",
    "day": "day", "date": "day", "วันที่": "day",
    "from": "from", "start": "from", "เริ่ม": "from", "ตั้งแต่": "from",
    "to": "to", "end": "to", "ถึง": "to", "เลิก": "to",
}  # fmt: skip
_SHOWN: Final = 8
"""Lines at fault that are told of."""
_TIME: Final = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})(?::00)?", re.ASCII)
_SLASHED: Final = re.compile(r"([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4})", re.ASCII)
_BUDDHIST: Final = 543
_EARLIEST, _LATEST = 2000, 2200


class _Wrong(Exception):
    """One line at fault, in Thai and English."""

    def __init__(self, th: str, en: str) -> None:
        self.th, self.en = th, en
        super().__init__(en)


def written(found: Iterable[Shift]) -> str:
    """The shifts as such a file, with the byte order mark that spreadsheets know Thai by."""
    into = io.StringIO()
    lines = csv.writer(into, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    for shift in sorted(found):
        lines.writerow(
            (shift.agent, shift.day, clock_text(shift.from_minute), clock_text(shift.to_minute))
        )
    return "\ufeff" + into.getvalue()


def read(data: bytes) -> list[Shift]:
    """The shifts of a file; Refused (422) names the lines at fault, of which nothing is kept."""
    if len(data) > LARGEST:
        raise _refused([("ไฟล์ใหญ่เกินไป", "the file is too large")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refused(
            [("ไฟล์ไม่ใช่ UTF-8 โปรดบันทึกเป็น CSV UTF-8", "not UTF-8: save it as CSV UTF-8")]
        ) from None
    if "\0" in text:
        raise _refused([("ไฟล์นี้ไม่ใช่ข้อความ", "the file is no text")])
    head = text.lstrip().split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    try:
        lines = list(csv.reader(io.StringIO(text), delimiter=separator, strict=True))
    except csv.Error as error:
        raise _refused([(f"อ่านไฟล์ไม่ได้: {error}", f"the file cannot be read: {error}")]) from None
    filled = [(n, row) for n, row in enumerate(lines, 1) if any(cell.strip() for cell in row)]
    return _shifts(filled)


def _shifts(rows: list[tuple[int, list[str]]]) -> list[Shift]:
    if not rows:
        raise _refused([("ไฟล์ว่าง", "the file is empty")])
    (_, head), *lines = rows
    names = [_NAMED.get(cell.strip().lower(), "") for cell in head]
    missing = [column for column in COLUMNS if names.count(column) != 1]
    if missing:
        columns = ",".join(COLUMNS)
        raise _refused([(f"แถวแรกต้องเป็นหัวตาราง {columns}", f"the first line must be {columns}")])
    if not lines:
        raise _refused([("ไม่มีเวรในไฟล์", "there is no shift in the file")])
    found: list[Shift] = []
    wrong: list[tuple[str, str]] = []
    days: dict[tuple[date, str], list[Shift]] = {}
    for number, row in lines:
        cells = dict(zip(names, [cell.strip() for cell in row], strict=False))
        try:
            shift = _shift(cells)
            same = days.setdefault((shift.day, shift.agent), [])
            try:
                check([*same, shift])
            except ValueError as error:
                raise _Wrong(*wrong_words(error)) from None
        except _Wrong as error:
            wrong.append((f"บรรทัด {number}: {error.th}", f"line {number}: {error.en}"))
            continue
        same.append(shift)
        found.append(shift)
    if wrong:
        raise _refused(wrong)
    return sorted(found)


def _shift(cells: dict[str, str]) -> Shift:
    agent = cells.get("agent", "")
    if AGENT.fullmatch(agent) is None:
        raise _Wrong("เลขภายในไม่ถูกต้อง", "no officer can have this extension")
    return Shift(
        _day(cells.get("day", "")), agent, _minute(cells.get("from", "")),
        _minute(cells.get("to", "")),
    )  # fmt: skip


def _day(text: str) -> date:
    slashed = _SLASHED.fullmatch(text)
    try:
        if slashed is not None:
            year = int(slashed[3])
            year -= _BUDDHIST if year > _LATEST else 0
            found = date(year, int(slashed[2]), int(slashed[1]))
        else:
            found = date.fromisoformat(text)
    except ValueError:
        raise _Wrong("วันที่ไม่ถูกต้อง", "there is no such day") from None
    if not _EARLIEST <= found.year <= _LATEST:
        raise _Wrong("วันที่ไม่ถูกต้อง", "there is no such day")
    return found


def _minute(text: str) -> int:
    found = _TIME.fullmatch(text)
    minute = None if found is None else minute_of(found[1], found[2])
    if minute is None:
        raise _Wrong("เวลาไม่ถูกต้อง", "there is no such time of day")
    return minute


def _refused(wrong: list[tuple[str, str]]) -> Refused:
    """The first of the faults, and how many more there are."""
    more = len(wrong) - _SHOWN
    thai = [th for th, _ in wrong[:_SHOWN]] + ([f"และอีก {more} บรรทัด"] if more > 0 else [])
    english = [en for _, en in wrong[:_SHOWN]] + ([f"and {more} more lines"] if more > 0 else [])
    said = (
        f"ยังไม่ได้นำเข้า: {' · '.join(thai)}", f"nothing was taken in: {' · '.join(english)}"
    )  # fmt: skip
    return Refused("shift-file-wrong", *said, 422, {"file": said})
