"""Files of a case over the API: taken in a stream, given as an attachment to who may see them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from python_multipart.exceptions import MultipartParseError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases import attachments
from crm_bridge.cases.case import find
from crm_bridge.errors import Refused
from crm_bridge.web import etags
from crm_bridge.web.cases import view
from crm_bridge.web.cases.performing import AGENCIES, CENTRE
from crm_bridge.web.cases.schemas import AttachmentOut
from crm_bridge.web.context import context
from crm_bridge.web.policy import who

router = APIRouter(prefix="/api/v1/cases/{ticket}/attachments", tags=["cases"])

_CHUNK: Final = 1 << 18
_SLACK: Final = 16_384
"""Bytes of a multipart body besides the file."""

_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "internal": {"type": "boolean", "description": "not for agencies"},
                    },
                }
            }
        },
    }
}


@router.get("", summary="The files of a case")
async def list_files(
    request: Request, me: Annotated[Account, who(*Role)], ticket: str
) -> list[AttachmentOut]:
    """Those this account may see."""
    async with context(request).database.reading() as connection:
        case = await find(connection, me, ticket)
        found = await attachments.of_case(connection, me, case)
    return [view.attachment_out(file) for file in found]


@router.post("", status_code=201, summary="Attach a file", openapi_extra=_BODY)
async def attach(
    request: Request,
    response: Response,
    me: Annotated[Account, who(*CENTRE, *AGENCIES)],
    ticket: str,
) -> AttachmentOut:
    """As multipart/form-data, field `file`; judged by name and content together."""
    held = context(request)
    store = view.store(held)
    async with held.database.reading() as connection:
        await attachments.may_attach(connection, me, ticket)
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > store.limit + _SLACK:
        raise store.too_large()
    try:
        form = await request.form(max_files=1, max_fields=4)
    except (HTTPException, MultipartParseError):
        raise _no_file() from None
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise _no_file()
        arrived = await store.take(file.filename or "", _chunks(file))
        try:
            async with held.database.writing() as connection:
                case, made = await attachments.attach(
                    connection, held.clock, me, ticket, arrived,
                    internal=form.get("internal") in {"true", "on", "1"},
                )  # fmt: skip
        except BaseException:
            await store.discard(arrived)
            raise
    finally:
        await form.close()
    etags.give(response, case.version)
    return view.attachment_out(made)


@router.get("/{file}", summary="One file", response_class=FileResponse)
async def give(
    request: Request, me: Annotated[Account, who(*Role)], ticket: str, file: str
) -> Response:
    """Always as a download, never shown in the page."""
    held = context(request)
    async with held.database.reading() as connection:
        case = await find(connection, me, ticket)
        found = await attachments.one(connection, me, case, file)
    path = view.store(held).path(found.stored)
    if not path.is_file():  # one stat of a local file
        what = ("ไฟล์นี้หายไปจากที่เก็บ โปรดแจ้งผู้ดูแลระบบ", "the file is gone from its place")
        raise Refused("file-gone", *what, 404)
    return FileResponse(
        path,
        media_type=found.type,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
        },
    )


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(_CHUNK):
        yield chunk


def _no_file() -> Refused:
    what = ("โปรดเลือกไฟล์หนึ่งไฟล์", "choose one file")
    return Refused("file-missing", *what, 422, {"file": what})
