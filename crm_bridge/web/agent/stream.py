"""What happens on one agent's desk, as server-sent events: the whole state, then each change.

| event | data |
|---|---|
| `state` | everything: `calls` (each as in `call`), `seat`, `now`; whatever the page had is to go |
| `call` | one call: `stage`, HTML of its panels, `card` where that is another than before |
| `seat` | the agent's own state: HTML |
| `tasks` | what waits for the agent has changed: ask for it again |
| `notices` | what a supervisor tells this account has changed: ask for it again |
| `now` | every ten seconds the server's time (ms), so that silence is known to be a fault |
| `ended` | the session is over: sign in again |

Events carry the hub's id. A page that comes back names the last one it has and gets what it missed,
each call as it stands now; where that is not known, or it sat down elsewhere, the state.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

import structlog
from starlette.types import Receive, Scope, Send

from crm_bridge.access import sessions
from crm_bridge.access.account import Account
from crm_bridge.clock import micros
from crm_bridge.desk.board import topic_of
from crm_bridge.desk.lost_calls import TASKS
from crm_bridge.desk.pop import CallView, Stage
from crm_bridge.desk.seats import account_topic
from crm_bridge.errors import StorageError
from crm_bridge.live.hub import Happening, Listener
from crm_bridge.web.agent.screen import sse
from crm_bridge.web.context import Context
from crm_bridge.web.pages import fragment

_log = structlog.get_logger(__name__)

HEARTBEAT: Final = 10.0
"""Seconds between two events at the most."""

SESSION_LOOK: Final = 120.0
"""Seconds after which the session is looked up again."""

_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]

_NO_CARD: Final = object()


class DeskStream:
    """One page's stream; an ASGI response."""

    def __init__(
        self,
        held: Context,
        account: Account,
        lang: str,
        *,
        session_id: str | None,
        cookie: str | None,
        last_id: str | None,
    ) -> None:
        self._held = held
        self._account = account
        self._lang = lang
        self._session_id = session_id
        self._cookie = cookie
        self._last_id = last_id
        self._agent: str | None = None
        self._sitting = ""
        """The id of the sitting whose calls the page has."""
        self._cards: dict[str, tuple[object, object]] = {}
        """Call → the card that the page has of it, and what other CRMs say."""
        self._listener: Listener | None = None
        self._left = False
        """The page has gone."""
        self._looked = held.clock.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams until the page goes, the session ends or the desk stops."""
        listener = self._listen(self._last_id)
        leaving = asyncio.create_task(self._until_gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            first = self._state() if listener.resync else self._now()
            await self._send(send, b"retry: 1000\n\n" + first)
            await self._go_on(send)
            with contextlib.suppress(OSError):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except OSError:
            pass  # the page has gone in the middle of an event
        finally:
            leaving.cancel()
            if self._listener is not None:
                self._listener.close()

    async def _go_on(self, send: Send) -> None:
        while (listener := self._listener) is not None:
            happening = await listener.next(HEARTBEAT)
            if happening is None:
                if listener.closed:
                    return
                await self._send(send, self._now())
                if not await self._still_signed_in():
                    await self._send(send, sse("ended", {}))
                    return
                continue
            told = bytearray()
            while happening is not None:
                if happening.kind == "ended":
                    await self._send(send, bytes(told) + sse("ended", {}))
                    return
                if self._left:
                    return
                told += self._told(happening)
                if self._listener is not listener:
                    break
                happening = listener.take()
            if told:
                await self._send(send, bytes(told))

    async def _send(self, send: Send, body: bytes) -> None:
        await send({"type": "http.response.body", "body": body, "more_body": True})

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._left = True
        if self._listener is not None:
            self._listener.close()

    def _listen(self, last_id: str | None) -> Listener:
        """Listens to this account, and to the extension where it sits now."""
        sitting = self._held.agents.of_account(self._account.id) if self._held.agents else None
        self._agent = sitting.extension if sitting is not None else None
        self._sitting = sitting.session_id if sitting is not None else ""
        topics = [account_topic(self._account.id), TASKS]
        if self._session_id is not None:
            topics.append(f"session:{self._session_id}")
        if self._agent is not None:
            topics.append(topic_of(self._agent))
        if self._listener is not None:
            self._listener.close()
        # what was told before somebody else sat here is not this page's
        if last_id is not None and not last_id.endswith(f"@{self._sitting}"):
            last_id = None
        plain = last_id.partition("@")[0] if last_id else None
        self._listener = self._held.hub.listen(topics, plain)
        return self._listener

    def _id(self, hub_id: str) -> str:
        """The id a page names when it comes back: of the hub, and of the sitting."""
        return f"{hub_id}@{self._sitting}"

    def _state(self) -> bytes:
        views = self._held.board.desk(self._agent) if self._agent is not None else []
        self._cards.clear()
        data = {
            "calls": [self._call(view, 0) for view in views],
            "seat": self._seat(),
            "agent": self._agent,
            "now": self._held.clock.now_us() // 1000,
        }
        return sse("state", data, self._id(self._held.hub.last_id))

    def _now(self) -> bytes:
        return sse("now", {"now": self._held.clock.now_us() // 1000})

    def _told(self, happening: Happening) -> bytes:
        """One event of the hub as the page gets it; nothing where it says nothing to it."""
        event_id = self._id(happening.id)
        match happening.kind:
            case "call":
                view: CallView = happening.data["view"]
                return sse("call", self._call(view, happening.data["at"]), event_id)
            case "state":
                return sse("seat", {"html": self._seat()}, event_id)
            case "seat":
                self._listen(None)
                return self._state()
            case "notices":
                return sse("notices", {}, event_id)
            case "tasks":
                return sse("tasks", {}, event_id)
            case _:
                return b""

    def _call(self, view: CallView, at: int) -> dict[str, Any]:
        told = self._held.screen.call(view, self._lang, at)
        if view.stage is Stage.GONE:
            self._cards.pop(view.call_id, None)
        elif self._another(view):
            if view.call_id not in self._cards and view.stage is Stage.RINGING and view.rang_at:
                self._held.meters.popped((self._held.clock.now_us() - view.rang_at) / 1_000_000)
            self._cards[view.call_id] = (view.card, view.found)
            told["card"] = self._held.screen.card(view, self._lang)
            self._held.reads.saw_later(
                self._account.id, "browser", "desk.pop", [f"call:{view.call_id}"]
            )
        return told

    def _another(self, view: CallView) -> bool:
        """Whether the page has another card of this call, or none."""
        card, found = self._cards.get(view.call_id, (_NO_CARD, _NO_CARD))
        return card is not view.card or found != view.found

    def _seat(self) -> str:
        agents = self._held.agents
        seat = None
        if agents is not None and self._agent is not None:
            seat = agents.view(agents.seat(self._agent))
        since = micros(seat["since"]) // 1000 if seat is not None and seat["since"] else None
        return fragment("agent/seat.html", self._lang, seat=seat, since=since)

    async def _still_signed_in(self) -> bool:
        """Whether the session goes on; looked up now and then. It does while nobody can tell."""
        now = self._held.clock.monotonic()
        if self._cookie is None or now - self._looked < SESSION_LOOK:
            return True
        self._looked = now
        held = self._held
        try:
            return await sessions.find(held.database, held.clock, self._cookie) is not None
        except StorageError as error:
            _log.warning("sessions cannot be looked up", error=str(error))
            return True
