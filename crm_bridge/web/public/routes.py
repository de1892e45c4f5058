"""What everybody may read: the guide to the services and their statistics, as pages and files.

Nothing of who asks is looked at: no cookie, no session, no account. The language is in the address
(`?lang=en`), so that whatever stands between may keep an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import structlog
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from crm_bridge.errors import Refused
from crm_bridge.papers.paper import MEDIA_TYPES, Paper
from crm_bridge.papers.press import PrintingFailed
from crm_bridge.papers.public_papers import facts, time_words
from crm_bridge.papers.publications import PUBLIC_FORMS, File, Publications, PublicForm
from crm_bridge.web.context import context
from crm_bridge.web.figures.view import columns_of, rows_of
from crm_bridge.web.pages import fragment
from crm_bridge.web.policy import OPEN

router = APIRouter(include_in_schema=False, dependencies=[OPEN])
_log = structlog.get_logger(__name__)

Lang = Annotated[Literal["th", "en"], Query(description="the language")]
Year = Annotated[int, Path(ge=1, le=9999, description="of either era")]
GuideForm = Literal["pdf", "json"]

HEADERS: Final = {
    "Cache-Control": "public, max-age=3600",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""Nothing runs on a public page; other sites may take its files."""
_BUDDHIST: Final = 543
_LATEST: Final = 2400
"""A year beyond it is meant in the Buddhist era."""


@router.get("/public/")
async def index(request: Request, lang: Lang = "th") -> Response:
    """The first page: what there is."""
    held = _open(request)
    years = await held.years()
    return await _page(request, ("index",), lang, "public/index.html", lambda: {"years": years})


@router.get("/public/guide.{form}")
async def guide_file(request: Request, form: GuideForm, lang: Lang = "th") -> Response:
    """The guide as PDF or JSON."""
    held = _open(request)
    return await _file(request, held, held.guide(lang), form)


@router.get("/public/guide")
async def guide(request: Request, lang: Lang = "th") -> Response:
    """The guide to all services."""
    held = _open(request)
    edition = context(request).standards.on(held.guide(lang).made)
    return await _page(
        request, ("guide",), lang, "public/guide.html",
        lambda: {"edition": edition, "facts": facts, "time_words": time_words},
    )  # fmt: skip


@router.get("/public/statistics")
async def newest(request: Request, lang: Lang = "th") -> Response:
    """The statistics of the newest year of which there are any."""
    held = _open(request)
    for year in (await held.years())[:2]:
        if (paper := await held.statistics(year, lang)) is not None:
            return await _statistics(request, held, year, paper)
    return await _statistics(request, held, None, None, lang)


@router.get("/public/statistics/{year}.{form}")
async def statistics_file(
    request: Request, year: Year, form: PublicForm, lang: Lang = "th"
) -> Response:
    """The statistics of a year as a file."""
    held = _open(request)
    return await _file(request, held, await _of(held, year, lang), form)


@router.get("/public/statistics/{year}")
async def statistics(request: Request, year: Year, lang: Lang = "th") -> Response:
    """The statistics of a year, of either era."""
    held = _open(request)
    if request.path_params["year"] != str(year):  # one spelling, one page that is kept
        raise _not_published()
    return await _statistics(request, held, _gregorian(year), await _of(held, year, lang))


def _open(request: Request) -> Publications:
    held = context(request)
    if not held.config.reports.public:
        raise _not_published()
    return held.publications


def _not_published() -> Refused:
    return Refused("not-published", "ไม่มีหน้านี้", "There is no such page.", 404)


async def _of(held: Publications, year: int, lang: str) -> Paper:
    paper = await held.statistics(_gregorian(year), lang)
    if paper is None:
        raise Refused(
            "nothing-published",
            "ยังไม่มีสถิติที่เผยแพร่ของปีนี้",
            "No statistics of that year are published.",
            404,
        )
    return paper


def _gregorian(year: int) -> int:
    return year - _BUDDHIST if year > _LATEST else year


async def _statistics(
    request: Request, held: Publications, year: int | None, paper: Paper | None, lang: str = ""
) -> Response:
    years = await held.years()
    return await _page(
        request, ("statistics", year), paper.lang if paper else lang, "public/statistics.html",
        lambda: {"year": year, "years": years, "paper": paper, "forms": PUBLIC_FORMS,
                 "rows_of": rows_of, "columns_of": columns_of},
    )  # fmt: skip


async def _page(
    request: Request,
    key: tuple[object, ...],
    lang: str,
    template: str,
    values: Callable[[], dict[str, Any]],
) -> Response:
    async def made() -> bytes:
        return fragment(template, lang, here=request.url.path, **values()).encode()

    # an address has one page: a year of either era, or none, is a page of its own
    kept = await context(request).publications.kept(("page", *key, lang, request.url.path), made)
    return _answer(request, kept, "text/html; charset=utf-8")


async def _file(request: Request, held: Publications, paper: Paper, form: PublicForm) -> Response:
    try:
        file = await held.file(paper, form)
    except PrintingFailed as fault:
        _log.error("a publication was not printed", what=fault.what, where=fault.where)
        th, en = "จัดทำไฟล์ไม่สำเร็จ โปรดลองใหม่ภายหลัง", "The file could not be made: try again later."
        raise Refused("printing-failed", th, en, 503) from fault
    kind = "zip" if form == "csv" else form
    answer = _answer(request, file, MEDIA_TYPES[kind])
    answer.headers["Content-Disposition"] = f'inline; filename="{paper.file_name(kind)}"'
    return answer


def _answer(request: Request, file: File, media_type: str) -> Response:
    headers = {**HEADERS, "ETag": file.etag}
    asked = [tag.strip().removeprefix("W/") for tag in
             request.headers.get("if-none-match", "")[:2000].split(",")]  # fmt: skip
    if file.etag in asked or "*" in asked:
        return Response(status_code=304, headers=headers)
    return Response(file.data, media_type=media_type, headers=headers)
