"""The wall as server-sent events: everything once, then what changes.

| event | data |
|---|---|
| `state` | every section: `order` of its rows, `set`: the rows; what the page had is to go |
| `change` | the sections that changed: `set` rows anew, `order` where that is another |
| `now` | the server's time (ms), every few seconds, so that silence is known to be a fault |
| `ended` | this browser or screen may look no longer |

A screen that has not taken a frame when the next comes skips it, and is sent everything. Bytes are
the same for all screens of a language; nothing is kept of a screen but the number of its frame.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from crm_bridge.clock import Clock
from crm_bridge.desk.wall_frames import Frame
from crm_bridge.live.hub import Happening, Listener
from crm_bridge.web.agent.screen import sse
from crm_bridge.web.wallboard.wall import Wall

HEARTBEAT: Final = 5.0
"""Seconds between two events at the most."""

LOOK_AGAIN: Final = 120.0
"""Seconds after which it is asked again whether this screen may look."""

_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class WallStream(Response):
    """One screen's stream."""

    def __init__(
        self,
        wall: Wall,
        clock: Clock,
        lang: str,
        *,
        topics: Iterable[str],
        still: Callable[[], Awaitable[bool]],
    ) -> None:
        """`topics`: whose `ended` ends it; `still` says whether it may go on."""
        super().__init__()
        self._wall = wall
        self._clock = clock
        self._lang = lang
        self._topics = tuple(topics)
        self._still = still
        self._number: int | None = None
        """The frame that the screen has; `None` while it has none."""
        self._looked = clock.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams until the screen goes, may look no longer, or the desk stops."""
        listener = self._wall.watch(self._topics)
        leaving = asyncio.create_task(_until_gone(receive, listener))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            # taken when the screen can take it: what came meanwhile is in it
            await self._send(send, b"retry: 1000\n\n" + self._told(self._wall.frame()))
            await self._send(send, self._now())
            await self._go_on(listener, send)
            with contextlib.suppress(OSError):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except OSError:
            pass  # the screen has gone in the middle of an event
        finally:
            leaving.cancel()
            listener.close()
            self._wall.leave()

    async def _go_on(self, listener: Listener, send: Send) -> None:
        loop = asyncio.get_running_loop()
        spoken = loop.time()
        while True:
            happening = await listener.next(max(0.0, spoken + HEARTBEAT - loop.time()))
            if happening is None:
                if listener.closed:
                    return
                spoken = loop.time()
                await self._send(send, self._now())
                if not await self._may_go_on():
                    await self._send(send, sse("ended", {}))
                    return
            elif happening.kind == "ended":
                await self._send(send, sse("ended", {}))
                return
            elif told := self._of(happening):
                await self._send(send, told)

    def _of(self, happening: Happening) -> bytes:
        frame = happening.data.get("frame")
        return self._told(frame) if isinstance(frame, Frame) else b""

    def _told(self, frame: Frame) -> bytes:
        had = self._number
        if had is not None and frame.number <= had:
            return b""  # made before it began to look
        self._number = frame.number
        following = had is not None and frame.number == had + 1
        return frame.change(self._lang) if following else frame.whole(self._lang)

    def _now(self) -> bytes:
        return sse("now", {"now": self._clock.now_us() // 1000})

    async def _may_go_on(self) -> bool:
        now = self._clock.monotonic()
        if now - self._looked < LOOK_AGAIN:
            return True
        self._looked = now
        return await self._still()

    async def _send(self, send: Send, body: bytes) -> None:
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _until_gone(receive: Receive, listener: Listener) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.close()
