"""A paper as PDF: one Jinja2 template, Sarabun from our own files, nothing from anywhere else.

Only the press imports this module: WeasyPrint needs Pango of the system, and takes seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import crm_bridge
from crm_bridge.errors import HotlineError
from crm_bridge.papers.lettering import lifted
from crm_bridge.papers.paper import OFFICE, Paper, bare
from crm_bridge.reports.sheets import TOTAL, Column, Kind, Withheld, Words
from crm_bridge.written import day_text, length_text, moment_text, office_time, share_text

FONTS: Final = Path(crm_bridge.__file__).parent / "web" / "static" / "fonts"
_FONT_FILES: Final = {
    f"paper:{script}-{weight}": FONTS / f"sarabun-{script}-{weight}-normal.woff2"
    for script in ("latin", "thai")
    for weight in (400, 700)
}
"""Every address that a paper may ask for."""


MOST_ROWS_OF_A_CHART: Final = 12
"""A chart of more figures stands without them; they are in the CSV and XLSX."""


_UPRIGHT: Final = 7
"""Columns that an upright page holds; a wider table turns the paper."""
_CHART_MM: Final = {False: 165, True: 129}
"""The width of a chart: on a paper that is turned, two stand side by side."""
_NARROW: Final = 20
"""Letters of a first column whose rows are not to break."""


class PressFault(HotlineError):
    """A PDF could not be made."""


def html(paper: Paper) -> str:
    """The paper as the page that is printed."""
    wide = any(len(sheet.columns) > _UPRIGHT for sheet in paper.sheets)
    template = _environment(paper.lang).get_template("paper.html")
    return template.render(
        paper=paper,
        say=paper.say,
        office=paper.say(OFFICE),
        about=list(paper.about()),
        pictures={name: lifted(chart) for name, chart in paper.charts.items()},
        chart_mm=_CHART_MM[wide],
        most_rows=MOST_ROWS_OF_A_CHART,
        fonts=_FONT_FILES,
        wide=wide,
        english=paper.lang == "en",
        total=TOTAL,
        narrow=lambda sheet: all(len(_first(row, paper.lang)) <= _NARROW for row in sheet.rows),
    )


def _first(row: tuple[Any, ...], lang: str) -> str:
    return _text(bare(row[0]), lang)


def pdf(paper: Paper) -> bytes:
    """The PDF, tagged so that it can be read aloud; PressFault where this machine cannot."""
    try:
        from weasyprint import HTML  # noqa: PLC0415  it loads Pango, which only the press needs
        from weasyprint.urls import URLFetcher, URLFetcherResponse  # noqa: PLC0415
    except OSError as error:
        raise PressFault(
            f"a library of the system is missing: {error}",
            mend="bash docker/system-packages.sh base",
        ) from error

    class Ours(URLFetcher):  # type: ignore[misc]  # the package has no types
        """Gives our own fonts and refuses everything else."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            path = _FONT_FILES.get(url)
            if path is None:
                raise ValueError(f"a paper asks for nothing but our fonts, not {url[:80]}")
            return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": "font/woff2"})

    made: bytes = HTML(string=html(paper), url_fetcher=Ours()).write_pdf(
        pdf_tags=True,
        pdf_identifier=(paper.source or paper.id).encode()[:32],
        finisher=_letters_named,
    )
    return made


def _letters_named(_: Any, made: Any) -> None:
    """Gives every Thai glyph its letters, for what is copied, searched or read aloud.

    The engine takes them from where a glyph stood first, and finds none for half of a sara am.
    """
    for thing in made.objects:
        lines = getattr(thing, "stream", None)
        if lines and any(isinstance(line, bytes) and b"beginbfchar" in line for line in lines):
            thing.stream = [_letters_of(line) for line in lines]


def _letters_of(line: bytes) -> bytes:
    found = _MAPPED.fullmatch(line)
    if found is None or not (found[2] == b"" or found[2].startswith(b"0e")):
        return line
    letters = _thai_glyphs().get(int(found[1], 16))
    return line if letters is None else b"<%s> <%s>" % (found[1], letters.encode())


@cache
def _thai_glyphs() -> dict[int, str]:
    """The letters of a glyph, as its name has them: `uni0E4D0E49.narrow` is two."""
    from fontTools.ttLib import TTFont  # noqa: PLC0415  only the press needs it

    with TTFont(_FONT_FILES["paper:thai-400"]) as font:
        names = enumerate(font.getGlyphOrder())
        return {
            n: found[1].lower()
            for n, name in names
            if (found := _THAI_NAME.match(name)) is not None
        }


_MAPPED: Final = re.compile(rb"<([0-9a-f]{4})> <([0-9a-f]*)>")
_THAI_NAME: Final = re.compile(r"uni((?:0E[0-9A-F]{2})+)(?:\.|$)")


def _environment(lang: str) -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["cell"] = _cell(lang)
    made.filters["bare_svg"] = lambda picture: Markup(picture.svg)  # noqa: S704  of our templates
    made.filters["iso"] = lambda micros: office_time(micros).isoformat(timespec="seconds")
    return made


def _cell(lang: str) -> Callable[[Any, Column], str]:
    def written(given: Any, column: Column) -> str:
        value = bare(given)
        if value is None:
            return "–"
        if isinstance(value, Withheld):
            return value.mark
        return _KINDS[column.kind](value, lang)

    return written


def _text(value: str | Words, lang: str) -> str:
    return value[lang == "en"] if isinstance(value, tuple) else str(value)


def _day(value: Any, lang: str) -> str:
    if isinstance(value, str):
        value = date.fromisoformat(value)
    return day_text(value if isinstance(value, date) else office_time(value).date(), lang)


_KINDS: Final[dict[Kind, Callable[[Any, str], str]]] = {
    Kind.TEXT: _text,
    Kind.COUNT: lambda value, _: f"{value:,}",
    Kind.SHARE: lambda value, _: share_text(value),
    Kind.SPAN: length_text,
    Kind.NUMBER: lambda value, _: f"{value:,.2f}".rstrip("0").rstrip("."),
    Kind.DAY: _day,
    Kind.MOMENT: moment_text,
}
