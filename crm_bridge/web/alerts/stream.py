"""What rises, as server-sent events for the browsers of those who oversee.

| event | data |
|---|---|
| `count` | `count`: alerts to which nobody sees yet; `level`: the gravest of them, or null |
| `told` | `alerts`: those that are to be shown now, each as the hub tells it |
| `now` | every twenty seconds, so that silence is known to be a fault |
| `ended` | the session is over |

It listens beside what happens on the line: that somebody waits for alerts is no reason to read
Asterisk's events any sooner.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from crm_bridge.access import sessions
from crm_bridge.alerts.keeper import TOPIC
from crm_bridge.errors import StorageError
from crm_bridge.live.hub import Listener
from crm_bridge.web.agent.screen import sse
from crm_bridge.web.context import Context

HEARTBEAT: Final = 20.0
"""Seconds between two events at the most."""
SESSION_LOOK: Final = 120.0
"""Seconds after which the session is looked up again."""

_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class AlertStream:
    """One browser's stream; an ASGI response."""

    def __init__(
        self, held: Context, *, session_id: str | None, cookie: str | None, last_id: str | None
    ) -> None:
        self._held = held
        self._session_id = session_id
        self._cookie = cookie
        self._last_id = last_id
        self._looked = held.clock.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams until the page goes, the session ends or the desk stops."""
        topics = [TOPIC]
        if self._session_id is not None:
            topics.append(f"session:{self._session_id}")
        listener = self._held.hub.listen(topics, self._last_id, beside=True)
        leaving = asyncio.create_task(_until_gone(receive, listener))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            # what was missed still follows: until then the page is where it was
            at = self._held.hub.last_id if listener.resync else self._last_id
            await _send(send, b"retry: 3000\n\n" + self._count(at))
            await self._go_on(listener, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except OSError:
            pass  # the page has gone in the middle of an event
        finally:
            leaving.cancel()
            listener.close()

    async def _go_on(self, listener: Listener, send: Send) -> None:
        while True:
            happening = await listener.next(HEARTBEAT)
            if happening is None:
                if listener.closed:
                    return
                await _send(send, sse("now", {}))
                if not await self._still_signed_in():
                    await _send(send, sse("ended", {}))
                    return
                continue
            told = bytearray()
            counted, newest = False, happening.id
            while happening is not None:
                if happening.kind == "ended":
                    await _send(send, bytes(told) + sse("ended", {}))
                    return
                if happening.kind == "told":
                    told += sse("told", dict(happening.data), happening.id)
                else:
                    counted = True  # of many only how things are after the last
                newest = happening.id
                happening = listener.take()
            if counted:
                told += self._count(newest)
            await _send(send, bytes(told))

    def _count(self, event_id: str | None) -> bytes:
        keeper = self._held.alerts
        waiting = keeper.unattended() if keeper is not None else []
        data: dict[str, Any] = {
            "count": len(waiting),
            "level": waiting[0].level.value if waiting else None,
        }
        return sse("count", data, event_id)

    async def _still_signed_in(self) -> bool:
        """Whether the session goes on; it does while nobody can tell."""
        now = self._held.clock.monotonic()
        if self._cookie is None or now - self._looked < SESSION_LOOK:
            return True
        self._looked = now
        try:
            found = await sessions.find(self._held.database, self._held.clock, self._cookie)
        except StorageError:
            return True
        return found is not None


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _until_gone(receive: Receive, listener: Listener) -> None:
    with contextlib.suppress(OSError):
        while (await receive())["type"] != "http.disconnect":
            pass
    listener.close()
