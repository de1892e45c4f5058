"""Edits by two people at once: the second is told, and overwrites nothing.

What can be edited is sent with its version as ETag; an edit says in If-Match which it saw.
"""

from __future__ import annotations

from fastapi import Request, Response

from crm_bridge.errors import Refused


def tag(version: int) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def give(response: Response, version: int) -> None:
    """Says the version of what is sent."""
    response.headers["ETag"] = tag(version)


def seen(request: Request) -> int:
    """The version an edit is based on; Refused (428) where it does not say."""
    text = request.headers.get("if-match", "").removeprefix("W/").strip('" ')
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Refused(
            "precondition-required",
            "การแก้ไขต้องระบุรุ่นของข้อมูล (If-Match)",
            "an edit names the version it is based on: send If-Match with the ETag",
            428,
        )
    return int(text)


def require(request: Request, version: int) -> None:
    """Refused (412) unless the edit is based on this version."""
    check(seen(request), version)


def check(based_on: int, version: int) -> None:
    """Refused (412) unless the two are the same."""
    if based_on != version:
        raise Refused(
            "changed-meanwhile",
            "มีผู้อื่นแก้ไขข้อมูลนี้ไปแล้ว โปรดโหลดใหม่แล้วแก้ไขอีกครั้ง",
            "somebody else has changed this meanwhile: load it again, then repeat the edit",
            412,
        )
