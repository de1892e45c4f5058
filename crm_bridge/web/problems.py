"""What went wrong, to whoever asked: RFC 9457 for the API, a plain page for a person.

A `Refused` of any room becomes a problem in the language of the person; a database that cannot
take a write becomes 503 with the mend; anything else is a bug: 500, with an id that is in the log.
"""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from crm_bridge.errors import Refused, StorageError, StorageUnavailable
from crm_bridge.web.pages import language_of, render

_log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"

RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {
        "description": what,
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "title": "Problem",
                    "description": "RFC 9457; `type` is for programs, the rest for people",
                    "type": "object",
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                        "fields": {"type": "object", "additionalProperties": {"type": "string"}},
                    },
                    "required": ["type", "title", "status", "detail"],
                }
            }
        },
    }
    for status, what in (("4XX", "The request is not right, or not allowed"), ("5XX", "A failure"))
}
"""What the OpenAPI says of every route's errors."""

_STATUS_WORDS: Final = {
    400: ("คำขอไม่ถูกต้อง", "The request is not right"),
    401: ("กรุณาลงชื่อเข้าใช้", "Please sign in"),
    403: ("บัญชีของท่านไม่มีสิทธิ์ทำรายการนี้", "Your account may not do this"),
    404: ("ไม่พบสิ่งที่ขอ", "There is no such thing here"),
    405: ("ทำรายการแบบนี้ที่นี่ไม่ได้", "This cannot be done here"),
    413: ("ข้อมูลใหญ่เกินกำหนด", "Too much data"),
    422: ("ข้อมูลบางช่องไม่ถูกต้อง", "Some fields are not right"),
    500: ("ระบบขัดข้อง", "The system failed"),
    502: ("ระบบที่เชื่อมต่อไม่ตอบ", "A system behind this one does not answer"),
    503: ("ระบบยังไม่พร้อมในขณะนี้", "The system is not ready now"),
}


def problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    fields: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Response:
    """The answer for something that went wrong: a problem for programs, a page for people."""
    lang = language_of(request)
    th, en = _STATUS_WORDS.get(status, ("", ""))
    title = (en if lang == "en" else th) or HTTPStatus(status).phrase
    if _wants_page(request):
        return render(
            request, "problem.html", status_code=status, title=title, detail=detail,
            code=code, headers=headers, **more,
        )  # fmt: skip
    body: dict[str, Any] = {"type": code, "title": title, "status": status, "detail": detail}
    if fields:
        body["fields"] = fields
    return JSONResponse({**body, **more}, status, headers, media_type=MEDIA_TYPE)


def _wants_page(request: Request) -> bool:
    if request.url.path.startswith("/api/") or request.method not in {"GET", "HEAD"}:
        return False
    return "text/html" in request.headers.get("accept", "")


def refused(request: Request, error: Refused) -> Response:
    """The answer for an act that is not allowed, or not now."""
    english = language_of(request) == "en"
    fields = {name: en if english else th for name, (th, en) in error.fields.items()}
    return problem(
        request, error.status, error.code, error.en if english else error.th, fields=fields
    )


def _path(request: Request) -> str:
    """What was asked for, for the log: the template, for an address may hold anything."""
    return getattr(request.scope.get("route"), "path", "…")


def install(app: FastAPI) -> None:
    """Puts the handlers in place."""

    @app.exception_handler(Refused)
    async def on_refused(request: Request, error: Refused) -> Response:
        return refused(request, error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        fields: dict[str, str] = {}
        for fault in error.errors():
            name = ".".join(str(part) for part in fault["loc"][1:]) or str(fault["loc"][0])
            fields[name] = fault["msg"].removeprefix("Value error, ")
        detail = "; ".join(f"{name}: {what}" for name, what in fields.items())
        return problem(request, 422, "invalid", detail, fields=fields)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        th, en = _STATUS_WORDS.get(error.status_code, (str(error.detail), str(error.detail)))
        detail = en if language_of(request) == "en" else th
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        headers = dict(error.headers) if error.headers else None
        return problem(request, error.status_code, code, detail, headers=headers)

    @app.exception_handler(StorageError)
    async def on_storage(request: Request, error: StorageError) -> Response:
        _log.error("an act was not saved", what=str(error), path=_path(request))
        th, en = (
            "ฐานข้อมูลไม่พร้อม รายการนี้ยังไม่ถูกบันทึก โปรดลองอีกครั้ง",
            "the database is not available; nothing was saved, please try again",
        )
        if not isinstance(error, StorageUnavailable):
            th, en = "ฐานข้อมูลไม่รับข้อมูลนี้", "the database does not take this data"
        detail = en if language_of(request) == "en" else th
        return problem(request, 503, "storage-unavailable", detail, headers={"Retry-After": "2"})

    @app.exception_handler(Exception)
    async def on_bug(request: Request, error: Exception) -> Response:
        incident = uuid.uuid4().hex[:12]
        _log.error("a request failed", incident=incident, path=_path(request), exc_info=error)
        th = f"เกิดข้อผิดพลาดของระบบ โปรดแจ้งผู้ดูแลระบบพร้อมรหัส {incident}"
        en = f"the system failed; tell the administrator the code {incident}"
        detail = en if language_of(request) == "en" else th
        return problem(request, 500, "failed", detail, incident=incident)
