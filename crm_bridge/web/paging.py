"""Long lists, a page at a time: a cursor says where the next page begins, and is not to be read."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import Query, Request
from pydantic import BaseModel

from crm_bridge.errors import Refused

T = TypeVar("T")

LARGEST: Final = 200

Limit = Annotated[int, Query(ge=1, le=LARGEST, description="entries of a page")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next` of the page before")]


class Page(BaseModel, Generic[T]):
    """A page of a list; `next` is the cursor of the page after, null on the last."""

    items: Sequence[T]
    next: str | None = None


def encode(key: Sequence[Any]) -> str:
    """The cursor of a place in a list: the sort key of the last entry before it."""
    text = json.dumps(list(key), separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """The sort key in a cursor, each part of its kind; Refused (422) where it is none of ours."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded, b"-_", validate=True))
    except (binascii.Error, UnicodeError, ValueError, RecursionError):
        key = None
    fits = isinstance(key, list) and len(key) == len(kinds)
    if not fits or not all(
        isinstance(part, kind) and not isinstance(part, bool) and _bounded(part)
        for part, kind in zip(key, kinds, strict=True)
    ):
        th, en = "ตัวชี้หน้าไม่ถูกต้อง", "this is no cursor of this list"
        raise Refused("cursor", th, en, 422, {"cursor": (th, en)})
    return tuple(key)


def asked(request: Request) -> dict[str, str]:
    """What an address asks for on whichever page of its list."""
    return {name: value for name, value in request.query_params.items() if name != "cursor"}


def _bounded(part: Any) -> bool:
    """Whether a database takes it."""
    if isinstance(part, int):
        return abs(part) < 2**63
    return not isinstance(part, str) or ("\0" not in part and part.isprintable())
