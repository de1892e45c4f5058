"""A paper as CSV: a table for another program, or for a spreadsheet that must run nothing of it.

UTF-8 with a byte order mark and CRLF. Shares are numbers from 0 to 1, spans seconds, moments ISO
8601 with their offset; what is not known is empty, what is withheld is `*`.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from crm_bridge.errors import Refused
from crm_bridge.papers.paper import Paper, bare
from crm_bridge.reports.sheets import Column, Kind, Sheet, Withheld
from crm_bridge.written import office_time

_ACTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Beginnings that a spreadsheet takes for a formula (OWASP), the wide forms of East Asia too."""
_UNITS: Final = {
    Kind.SPAN: ("วินาที", "seconds"),
    Kind.SHARE: ("สัดส่วน 0–1", "share, 0 to 1"),
}
_BEGINNING: Final = (1980, 1, 1, 0, 0, 0)
"""The date of every file in a zip: the same paper is the same bytes."""


def one_csv(paper: Paper, sheet_id: str) -> bytes:
    """One sheet alone; Refused (404) where the paper has none of that name."""
    for sheet in paper.sheets:
        if sheet.id == sheet_id:
            return _sheet(paper, sheet)
    raise Refused("no-such-sheet", "ไม่มีตารางนี้ในรายงาน", "The report has no such table.", 404)


def csv_zip(paper: Paper) -> bytes:
    """Each sheet as a file, with `about.csv` and `definitions.csv`."""
    english = paper.lang == "en"
    files = {"about.csv": _written(list(paper.about()))}
    files |= {f"{sheet.id}.csv": _sheet(paper, sheet) for sheet in paper.sheets}
    files["definitions.csv"] = _written(
        [
            ("id", *_said(paper, _DEFINED)),
            *(
                (m.id, m.name[english], m.formula[english], m.source, str(m.version))
                for m in paper.definitions()
            ),
        ]
    )
    notes = [(sheet.id, paper.say(note)) for sheet in paper.sheets for note in sheet.notes]
    if notes:
        files["notes.csv"] = _written(notes)
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(zipfile.ZipInfo(name, _BEGINNING), data, zipfile.ZIP_DEFLATED)
    return into.getvalue()


_DEFINED: Final = (
    ("ตัวเลข", "figure"),
    ("สูตร", "formula"),
    ("ที่มา", "source"),
    ("ฉบับที่", "version"),
)


def _sheet(paper: Paper, sheet: Sheet) -> bytes:
    head = [_head(paper, column) for column in sheet.columns]
    rows = (
        [_cell(paper, c, v) for c, v in zip(sheet.columns, row, strict=True)] for row in sheet.rows
    )
    return _written([head, *rows])


def _head(paper: Paper, column: Column) -> str:
    name = paper.say(column.name)
    return f"{name} ({paper.say(_UNITS[column.kind])})" if column.kind in _UNITS else name


def _cell(paper: Paper, column: Column, given: Any) -> str:
    value = bare(given)
    if value is None:
        return ""
    if isinstance(value, Withheld):
        return value.mark
    if column.kind is Kind.TEXT:
        return _tame(paper.say(value) if isinstance(value, tuple) else str(value))
    if column.kind is Kind.SPAN:
        return f"{value / 1_000_000:.6f}".rstrip("0").rstrip(".")
    if column.kind is Kind.MOMENT:
        return office_time(value).isoformat(timespec="seconds")
    if column.kind is Kind.DAY:
        return str(value if isinstance(value, date | str) else office_time(value).date())
    if column.kind is Kind.SHARE:
        return f"{value:.6f}"
    return str(value)


def _tame(text: str) -> str:
    return f"'{text}" if text.startswith(_ACTS) else text


def _said(paper: Paper, words: Iterable[tuple[str, str]]) -> list[str]:
    return [paper.say(one) for one in words]


def _written(rows: Sequence[Sequence[str]]) -> bytes:
    into = io.StringIO()
    csv.writer(into).writerows([[_tame(c) if _loose(c) else c for c in row] for row in rows])
    return b"\xef\xbb\xbf" + into.getvalue().encode()


def _loose(text: str) -> bool:
    """Whether it could act; a negative number cannot."""
    if not text.startswith(_ACTS):
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False
