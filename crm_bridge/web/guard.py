"""What stands before every route: the headers of each answer, how much a request may bring, and the
count of answers by route.
"""

from __future__ import annotations

import ipaddress
import re
import time
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm_bridge.meters import NO_ROUTE

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; media-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
}

LARGEST: Final = 512 * 1024
"""Bytes of a request, other than a file's."""

LARGEST_FILE: Final = 12 * 1024 * 1024
"""Bytes of a request that brings a file; the attachment's own limit is below it."""

HSTS: Final = "max-age=31536000"
"""Told over TLS alone: for a year the browser asks for these pages in no other way."""

_NOT_OURS: Final = (
    b'{"type":"not-our-name","title":"Not our name","status":421,'
    b'"detail":"the pages are not called so; see web.address"}'
)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_TOO_MUCH: Final = (
    b'{"type":"too-large","title":"Too much data","status":413,'
    b'"detail":"the request is larger than this route takes"}'
)


class Guard:
    """Adds the security headers; ends a request that brings too much before it is read whole.

    So it does one that calls the pages by another name than theirs: a stranger's page could have
    its own name lead here (DNS rebinding), or a Host that is made up stand in an address we write.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: frozenset[str] = frozenset(), over_tls: bool = False
    ) -> None:
        """`hosts`: names that the pages have, empty for any; `over_tls`: a proxy ends it."""
        self._app = app
        self._hosts = hosts
        self._over_tls = over_tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = LARGEST_FILE if scope["path"].endswith("/attachments") else LARGEST
        brought = 0
        begun = False
        came = time.perf_counter()

        async def counted() -> Message:
            nonlocal brought
            message = await receive()
            brought += len(message.get("body", b""))
            if brought > limit:
                raise _TooMuch
            return message

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                _count(scope, message["status"], came)
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self._over_tls or scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", HSTS)
            await send(message)

        try:
            if not self._is_ours(_host(scope)):
                await _end(guarded, 421, _NOT_OURS)
                return
            if _announced(scope) > limit:
                raise _TooMuch
            await self._app(scope, counted, guarded)
        except _TooMuch:
            if begun:
                raise
            await _end(guarded, 413, _TOO_MUCH)
        except Exception:
            if not begun:
                _count(scope, 500, came)  # what stands before us answers it
            raise

    def _is_ours(self, host: str) -> bool:
        """Whether a request may name us so: by our name, by this machine's, or by an address."""
        if not self._hosts or host in self._hosts or host == "localhost":
            return True
        try:  # whoever calls us by an address has no name that could lead elsewhere tomorrow
            ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return False
        return True


class _TooMuch(Exception):
    pass


async def _end(send: Send, status: int, problem: bytes) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"application/problem+json"),
                (b"content-length", str(len(problem)).encode()),
                (b"connection", b"close"),
            ],
        }
    )
    await send({"type": "http.response.body", "body": problem})


def _host(scope: Any) -> str:
    """The host that the request names, without its port, in lower case; empty where none is."""
    for name, value in scope["headers"]:
        if name == b"host":
            return re.sub(r":[0-9]*\Z", "", value.decode("latin-1")).lower()
    return ""


def _announced(scope: Any) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _count(scope: Scope, status: int, came: float) -> None:
    """Counts an answer under its route's template: an address may hold a number or a secret."""
    route = getattr(scope.get("route"), "path", None)
    if route is None and scope["path"].startswith("/static/"):
        route = "/static"
    method = scope["method"] if scope["method"] in _METHODS else "other"
    seconds = time.perf_counter() - came
    scope["app"].state.context.meters.answered(method, route or NO_ROUTE, status, seconds)
