"""A paper as XLSX: every value of its own kind, so that it can be reckoned with.

Shares are percentages, spans durations (`[h]:mm:ss`), days and moments dates by the office's clock.
No text becomes a formula or a link.
"""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any, Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from crm_bridge.papers.paper import OFFICE, Paper, bare
from crm_bridge.reports.sheets import Column, Kind, Sheet, Withheld
from crm_bridge.written import office_time

_FONT: Final = "TH Sarabun New"
"""The font of Thai government documents; where it is not installed the program takes its own."""
_DAY_US: Final = 86_400_000_000
_NUMBERS: Final = {
    Kind.COUNT: "#,##0",
    Kind.NUMBER: "#,##0.##",
    Kind.SHARE: "0.0%",
    Kind.SPAN: "[h]:mm:ss",
    Kind.DAY: "[$-107041E]d mmm yyyy",
    Kind.MOMENT: "[$-107041E]d mmm yyyy hh:mm:ss",
    Kind.TEXT: "@",
}
"""107041E: Thai with Buddhist years."""
_ENGLISH: Final = {Kind.DAY: "d mmm yyyy", Kind.MOMENT: "d mmm yyyy hh:mm:ss"}
_LONGEST_NAME: Final = 31
"""Letters of a sheet's name, by the format's own rule."""


def xlsx(paper: Paper) -> bytes:
    """The workbook: a sheet for each table, `about` before them and `definitions` after."""
    into = io.BytesIO()
    book = xlsxwriter.Workbook(
        into,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_format_properties": {"font_name": _FONT, "font_size": 14},
        },
    )
    book.set_properties(
        {
            "title": paper.say(paper.title),
            "author": paper.say(OFFICE),
            "created": office_time(paper.made).replace(tzinfo=None),
            "comments": f"SHA-256 {paper.source}" if paper.source else "",
        }
    )
    _Writer(book, paper).all()
    book.close()
    return into.getvalue()


class _Writer:
    """One workbook being written."""

    def __init__(self, book: Workbook, paper: Paper) -> None:
        self._book = book
        self._paper = paper
        numbers = _NUMBERS | (_ENGLISH if paper.lang == "en" else {})
        self._of = {kind: self._format(num_format=number) for kind, number in numbers.items()}
        self._bad = {
            kind: self._format(num_format=number, bold=True, font_color="#9C0006")
            for kind, number in numbers.items()
        }
        self._wrapped = self._format(text_wrap=True, valign="top")
        self._bold = self._format(bold=True, valign="top")
        self._title = self._format(bold=True, font_size=18)
        self._head = self._format(
            bold=True, text_wrap=True, valign="vcenter", bg_color="#E7ECF3", border=1
        )
        self._soft = self._format(italic=True, font_color="#555555")
        self._right = self._format(align="right")
        self._taken: set[str] = set()

    def _format(self, **given: Any) -> Format:
        return self._book.add_format({"font_name": _FONT, "font_size": 14, **given})

    def all(self) -> None:
        paper = self._paper
        self._about(self._sheet(paper.say(("เกี่ยวกับรายงาน", "about"))))
        for sheet in paper.sheets:
            self._table(self._sheet(paper.say(sheet.title)), sheet)
        self._definitions(self._sheet("definitions"))

    def _sheet(self, name: str) -> Worksheet:
        fit = "".join(" " if c in "[]:*?/\\'" else c for c in name)[:_LONGEST_NAME].strip()
        number, tried = 2, fit or "sheet"
        while tried.lower() in self._taken:
            tried = f"{fit[: _LONGEST_NAME - 4]} ({number})"
            number += 1
        self._taken.add(tried.lower())
        made = self._book.add_worksheet(tried)
        made.set_landscape()
        made.set_paper(9)  # A4
        made.fit_to_pages(1, 0)
        made.set_footer(f"&L{self._paper.say(OFFICE)}&R&P / &N")
        return made

    def _about(self, into: Worksheet) -> None:
        into.set_column(0, 0, 26)
        into.set_column(1, 1, 90)
        for n, (name, text) in enumerate(self._paper.about()):
            into.write_string(n, 0, name, self._bold)
            into.write_string(n, 1, text, self._title if n == 0 else self._wrapped)
        n += 2
        for words in self._paper.summary:
            into.write_string(n, 1, self._paper.say(words), self._wrapped)
            n += 1

    def _table(self, into: Worksheet, sheet: Sheet) -> None:
        say = self._paper.say
        for n, column in enumerate(sheet.columns):
            into.write_string(0, n, say(column.name), self._head)
            into.set_column(n, n, self._width(sheet, n, column))
        into.freeze_panes(1, 1)
        into.repeat_rows(0)
        for n, row in enumerate(sheet.rows, 1):
            for place, (column, given) in enumerate(zip(sheet.columns, row, strict=True)):
                self._cell(into, n, place, column, given)
        if sheet.rows:
            into.autofilter(0, 0, len(sheet.rows), len(sheet.columns) - 1)
        n = len(sheet.rows) + 2
        for note in sheet.notes:
            into.write_string(n, 0, say(note), self._soft)
            n += 1

    def _width(self, sheet: Sheet, n: int, column: Column) -> float:
        if column.kind is not Kind.TEXT:
            return 13 if column.kind is not Kind.MOMENT else 20
        longest = max((len(self._text(bare(row[n]))) for row in sheet.rows), default=8)
        return min(max(longest * 0.9, 12), 60)

    def _text(self, value: Any) -> str:
        if value is None:
            return ""
        return self._paper.say(value) if isinstance(value, tuple) else str(value)

    def _cell(self, into: Worksheet, row: int, place: int, column: Column, given: Any) -> None:
        value, kind = bare(given), column.kind
        looks = (self._bad if getattr(given, "bad", False) else self._of)[kind]
        if value is None:
            into.write_blank(row, place, None, looks)
        elif isinstance(value, Withheld):
            into.write_string(row, place, value.mark, self._right)
        elif kind is Kind.TEXT:
            into.write_string(row, place, self._text(value), looks)
        elif kind is Kind.SPAN:
            into.write_number(row, place, value / _DAY_US, looks)
        elif kind in {Kind.DAY, Kind.MOMENT}:
            into.write_datetime(row, place, _dated(value, kind), looks)
        else:
            into.write_number(row, place, value, looks)

    def _definitions(self, into: Worksheet) -> None:
        say, english = self._paper.say, self._paper.lang == "en"
        head = (("ตัวเลข", "Figure"), ("สูตร", "Formula"), ("ที่มา", "Source"), ("ฉบับที่", "Version"))
        for n, (words, width) in enumerate(zip(head, (28, 90, 18, 10), strict=True)):
            into.write_string(0, n, say(words), self._head)
            into.set_column(n, n, width)
        into.freeze_panes(1, 0)
        for n, metric in enumerate(self._paper.definitions(), 1):
            into.write_string(n, 0, metric.name[english], self._bold)
            into.write_string(n, 1, metric.formula[english], self._wrapped)
            into.write_string(n, 2, metric.source, self._wrapped)
            into.write_number(n, 3, metric.version, self._wrapped)


def _dated(value: Any, kind: Kind) -> datetime:
    if isinstance(value, str):
        value = date.fromisoformat(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001  a cell knows no zone
    when = office_time(value).replace(tzinfo=None)
    return when if kind is Kind.MOMENT else datetime(when.year, when.month, when.day)  # noqa: DTZ001
