"""What stands around every route: who asks for what, and that a read is on record before it leaves.

The answer of a route that shows personal data (`personal.py`) waits until its row is on disk. Where
the database does not take the row, a program is given nothing, nor anybody a file; a page is shown
all the same, callers are waiting, and its row is written as soon as it can be.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm_bridge.access import masking
from crm_bridge.access.account import Account
from crm_bridge.errors import StorageError
from crm_bridge.records.audit import ACTOR, Actor
from crm_bridge.web.context import Context
from crm_bridge.web.personal import ABOUT, FILES, NO_ACT, SHOWS

_log = structlog.get_logger(__name__)

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
STREAMS: Final = frozenset({"GET /api/v1/desk/stream", "GET /api/v1/supervision/floor"})
"""What goes on: a caller's card in it is put on record when it is sent, without waiting."""

_NOT_NOW: Final = json.dumps(
    {
        "type": "storage-unavailable",
        "title": "ระบบยังไม่พร้อมในขณะนี้ (The system is not ready now)",
        "status": 503,
        "detail": "ฐานข้อมูลไม่พร้อมบันทึกการเข้าดูข้อมูล โปรดลองอีกครั้ง"
        " (the read cannot be put on record; please try again)",
    },
    ensure_ascii=False,
).encode()


def asked(request: Request, account: Account | None, via: str) -> None:
    """Takes in who asks for what; the rules of routes call it (`policy.py`)."""
    actor = ACTOR.get()
    if actor is None:
        return
    method, path = request.method, request.scope["route"].path
    name = f"{'GET' if method == 'HEAD' else method} {path}"
    actor.act, actor.via = name, via
    actor.by = account.id if account is not None else None
    actor.about = _about(request.path_params)
    actor.reads = method in _SAFE or name in NO_ACT
    if account is not None:
        request.scope[masking.HIDES] = masking.hides(account.role, path)


def _about(params: Mapping[str, Any]) -> str | None:
    for name, kind in ABOUT.items():
        if name in params:
            return f"{kind}:{params[name]}"
    return None


class Watch:
    """Wraps the application; `context` is asked for each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held: Context = scope["app"].state.context
        actor = Actor("", "nobody", held.clock.now_us, reads=True)
        before = ACTOR.set(actor)
        withheld = False
        masked: _Masked | None = None

        async def watched(message: Message) -> None:
            nonlocal withheld, masked
            if withheld:
                return
            if masked is not None:
                await masked.more(message)
                return
            if message["type"] == "http.response.start" and message["status"] < 300:
                withheld = not await _on_record(held, actor)
                if withheld:
                    await _withhold(send)
                    return
                if scope.get(masking.HIDES) and _is_json(message):
                    masked = _Masked(message, scope["route"].path, send)
                    return
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            ACTOR.reset(before)


async def _on_record(held: Context, actor: Actor) -> bool:
    """Whether the answer may be given."""
    if actor.by is None:
        return True
    about = list(actor.shown) or ([actor.about] if actor.about else [])
    if actor.act in STREAMS:
        held.reads.saw_later(actor.by, actor.via, actor.act)
    elif actor.act in SHOWS:
        try:
            await held.reads.saw(actor.by, actor.via, actor.act, about)
        except StorageError as error:
            if actor.via != "browser" or actor.act in FILES:
                _log.error("a read is not answered: it cannot be put on record", why=str(error))
                return False
            # the desk must still be seen while the database takes nothing
            held.reads.saw_later(actor.by, actor.via, actor.act, about)
    elif not actor.reads and not actor.noted:
        # done, and nothing of it went to the records by itself: an act on the line
        held.reads.did(actor.by, actor.via, actor.act, about)
    return True


def _is_json(start: Message) -> bool:
    kind = next((v for k, v in start["headers"] if k.lower() == b"content-type"), b"")
    return bool(kind.partition(b";")[0] == b"application/json")


class _Masked:
    """An answer of the API that is held until it is whole, and goes masked."""

    def __init__(self, start: Message, route: str, send: Send) -> None:
        self._start = start
        self._route = route
        self._send = send
        self._body = bytearray()

    async def more(self, message: Message) -> None:
        """Takes in a part of it; with the last one it goes."""
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        body = bytes(self._body)
        if body:
            shown = masking.published(json.loads(body), self._route)
            body = json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()
        headers = [(k, v) for k, v in self._start["headers"] if k.lower() != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await self._send({**self._start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


async def _withhold(send: Send) -> None:
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(_NOT_NOW)).encode()),
        (b"retry-after", b"2"),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": _NOT_NOW})
