"""A sheet as a page shows it: every cell as text, with where it leads to and its sign."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape

from crm_bridge.reports.dashboard import Choice
from crm_bridge.reports.sheets import Cell, Column, Kind, Sheet, Withheld
from crm_bridge.written import day_text, length_text, moment_text, share_text

UNKNOWN: Final = "–"
_METERS: Final = {"compliance", "service_level"}
"""Shares that are also drawn as a bar: the nearer to whole the better."""
_SLIGHT: Final = 0.0005


class Shown(NamedTuple):
    """One cell of a page."""

    text: str
    href: str | None = None
    bad: bool = False
    figure: bool = True
    """Stands to the right, as figures do."""
    soft: bool = False
    sign: str = ""
    """▲ where the figure of these days is the higher one, ▼ where it is the lower."""
    meter: float | None = None


class Row(NamedTuple):
    """A row; `head` stands above it where it is the first of those that share it."""

    cells: tuple[Shown, ...]
    head: str | None = None


def columns_of(sheet: Sheet) -> tuple[Column, ...]:
    """The columns of the page: those that head rows stand above them."""
    return tuple(column for column in sheet.columns if not column.heads)


def rows_of(sheet: Sheet, lang: str) -> list[Row]:
    """The rows of the page, each cell written out."""
    places = {column.id: n for n, column in enumerate(sheet.columns)}
    heading = next((n for n, column in enumerate(sheet.columns) if column.heads), None)
    shown = [
        _shown_in(n, column, places, lang)
        for n, column in enumerate(sheet.columns)
        if not column.heads
    ]
    found: list[Row] = []
    before: str | None = None
    for row in sheet.rows[: sheet.on_page]:
        head = None if heading is None else _WRITTEN[Kind.TEXT](_plain(row[heading]), lang)
        cells = tuple([show(row) for show in shown])
        found.append(Row(cells, head if head != before else None))
        before = head
    return found


_NUMBER: Final = ' class="num"'
_CLASSES: Final = {
    (True, True): ' class="num nowrap soft"',
    (True, False): ' class="num nowrap"',
    (False, True): ' class="soft"',
    (False, False): "",
}


def body_of(sheet: Sheet, lang: str) -> Markup:
    """The rows of the page as `<tbody>`s; written here, for a template takes five times as long."""
    wide = len(columns_of(sheet))
    parts: list[str] = []
    for n, row in enumerate(rows_of(sheet, lang)):
        if row.head is not None:
            parts.append("</tbody><tbody>" if n else "<tbody>")
            parts.append(
                f'<tr class="head"><th scope="rowgroup" colspan="{wide}">'
                f"{escape(row.head)}</th></tr>"
            )
        elif n == 0:
            parts.append("<tbody>")
        parts.append("<tr>")
        for place, cell in enumerate(row.cells):
            inner = _cell(cell, lang)
            if place == 0:
                parts.append(f'<th scope="row"{_NUMBER if cell.figure else ""}>{inner}</th>')
            else:
                parts.append(f"<td{_CLASSES[cell.figure, cell.soft]}>{inner}</td>")
        parts.append("</tr>")
    return Markup("".join([*parts, "</tbody>"] if parts else ()))  # noqa: S704  each part is escaped


def options_of(choices: Sequence[Choice], chosen: str | None, lang: str) -> Markup:
    """The `<option>`s of a filter, of which there are hundreds of officers; as `body_of`."""
    parts = [
        f'<option value="{escape(one.value)}"{" selected" if one.value == chosen else ""}>'
        f"{escape(one.name[lang == 'en'])}</option>"
        for one in choices
    ]
    return Markup("".join(parts))  # noqa: S704  each part is escaped


def _cell(cell: Shown, lang: str) -> str:
    text = str(escape(cell.text))
    if cell.href:
        text = f'<a href="{escape(cell.href)}">{text}</a>'
    if cell.bad:
        words = "misses its target" if lang == "en" else "ต่ำกว่าเป้าหมาย"
        text = (
            '<b class="bad-text"><span aria-hidden="true">✕</span>'
            f'<span class="visually-hidden">{words}</span> {text}</b>'
        )
    if cell.sign:
        text += f' <span aria-hidden="true">{cell.sign}</span>'
    if cell.meter is not None:
        text += f'<meter min="0" max="1" value="{cell.meter:.4f}" aria-hidden="true"></meter>'
    return text


def _shown_in(
    n: int, column: Column, places: dict[str, int], lang: str
) -> Callable[[tuple[Any, ...]], Shown]:
    """What shows the cell of this column of a row: thousands are, so what it needs is at hand."""
    written, figure = _WRITTEN[column.kind], column.kind is not Kind.TEXT
    now = None if column.then_of is None else places[column.then_of]
    metered = column.metric in _METERS and column.kind is Kind.SHARE and now is None

    def show(row: tuple[Any, ...]) -> Shown:
        value = row[n]
        href: str | None = None
        bad = False
        if isinstance(value, Cell):
            href, bad, value = value.href, value.bad, value.value
        if value is None:
            text = UNKNOWN
        elif isinstance(value, Withheld):
            text = value.mark
        else:
            text = written(value, lang)
        sign = "" if now is None else _sign(_plain(row[now]), value)
        meter = value if metered and isinstance(value, float) else None
        return Shown(text, href, bad, figure, now is not None, sign, meter)

    return show


def _sign(now: Any, then: Any) -> str:
    if now is None or then is None:
        return ""
    slight = _SLIGHT if isinstance(now, float) else 0
    return "▲" if now - then > slight else "▼" if then - now > slight else "="


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Cell) else value


def _in_words(value: Any, lang: str) -> str:
    if value is None:
        return UNKNOWN
    return str(value[lang == "en"] if isinstance(value, tuple) else value)


_WRITTEN: Final[dict[Kind, Callable[[Any, str], str]]] = {
    Kind.TEXT: _in_words,
    Kind.COUNT: lambda value, _: f"{value:,}",
    Kind.SHARE: lambda value, _: share_text(value),
    Kind.SPAN: length_text,
    Kind.NUMBER: lambda value, _: f"{value:,.1f}",
    Kind.DAY: day_text,
    Kind.MOMENT: moment_text,
}
