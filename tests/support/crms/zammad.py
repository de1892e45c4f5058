"""A stand-in for Zammad's generic CTI interface: no Zammad runs here.

It checks the documented forms strictly and answers as Zammad's own source does: what is not in the
documentation (a field, a form of a number, a cause, an order of events) is answered as Zammad would
and kept in `faults`, which tests demand to be empty. Written from docs.zammad.org (Generic CTI:
newCall, answer, hangup) and the sources of 2021 to 2026 (cti_controller.rb, cti/driver/base.rb,
cti/log.rb, handles_errors.rb).
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_ALWAYS: Final = {"event", "from", "to", "direction", "callId"}
NEEDED: Final = {"newCall": _ALWAYS, "answer": _ALWAYS, "hangup": _ALWAYS | {"cause"}}
MAY: Final = {
    "newCall": {"user", "queue"},
    "answer": {"user", "answeringNumber"},
    "hangup": {"user", "answeringNumber"},
}
CAUSES: Final = {
    "normalClearing", "busy", "cancel", "noAnswer", "congestion", "notFound", "forwarded",
}  # fmt: skip
_NUMBER: Final = re.compile(r"anonymous|[0-9]{2,20}")
_ADMINISTRATOR: Final = "Please contact your administrator."


@dataclass(slots=True)
class Call:
    """A line of the caller log."""

    state: str
    done: bool
    told: list[dict[str, Any]]
    to_comment: str | None = None
    queue: str | None = None
    comment: str | None = None

    @property
    def missed(self) -> bool:
        """Whether the caller log asks for somebody to call back."""
        return self.state == "hangup" and not self.done


@dataclass(slots=True)
class StandIn:
    """The interface: `enabled` and `configured` are its switches; `blocked` callers are refused."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(20))
    enabled: bool = True
    configured: bool = True
    blocked: set[str] = field(default_factory=set)
    outbound_id: str | None = None
    calls: dict[str, Call] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    requests: int = 0

    @property
    def app(self) -> Starlette:
        """The application; paths and methods that it has not are answered with 404 and 405."""
        return Starlette(routes=[Route("/api/v1/cti/{token}", self.serve, methods=["POST"])])

    async def serve(self, request: Request) -> Response:
        """One request, in the order in which Zammad looks at it."""
        self.requests += 1
        if not self.enabled:
            return _error(422, "Feature is disabled, please contact your administrator!")
        if not self.configured:
            return _error(422, "Feature not configured, please contact your admin!")
        if request.path_params["token"] != self.token:
            return _error(401, "Invalid token, please contact your admin!")
        params = await self._params(request)
        if params.get("direction") not in {"in", "out"}:
            return _error(422, "Invalid direction!")
        self._check(params)
        return self._process(params)

    async def _params(self, request: Request) -> dict[str, Any]:
        kind = request.headers.get("content-type", "").partition(";")[0]
        if request.query_params:
            self.faults.append("something stands in the address")
        if kind == "application/json":
            given = await request.json()
            return given if isinstance(given, dict) else {}
        if kind in {"multipart/form-data", "application/x-www-form-urlencoded"}:
            async with request.form() as form:
                return {
                    name.removesuffix("[]"): form.getlist(name)
                    if name.endswith("[]")
                    else form[name]
                    for name in form
                }
        self.faults.append(f"content type {kind or 'none'}")
        return {}

    def _check(self, params: dict[str, Any]) -> None:
        event = params.get("event")
        if event not in NEEDED:
            self.faults.append(f"event {event!r}")
            return
        if lacking := NEEDED[event] - params.keys():
            self.faults.append(f"{event} lacks {sorted(lacking)}")
        if unknown := params.keys() - NEEDED[event] - MAY[event]:
            self.faults.append(f"{event} has {sorted(unknown)}")
        for name in ("from", "to"):
            if not _NUMBER.fullmatch(str(params.get(name))):
                self.faults.append(f"{event} {name} is no number")
        if not 0 < len(str(params.get("callId", ""))) <= 250:
            self.faults.append(f"{event} callId is empty or too long")
        if event == "hangup" and params.get("cause") not in CAUSES:
            self.faults.append(f"cause {params.get('cause')!r}")
        if event != "newCall" and isinstance(params.get("user"), list):
            self.faults.append(f"{event} user is a list")  # Zammad fails on it where it looks it up
        if any(value in (None, "") for value in params.values()):
            self.faults.append(f"{event} has an empty field")

    def _process(self, params: dict[str, Any]) -> Response:
        event, inbound = params.get("event"), params["direction"] == "in"
        number = str(params.get("callId"))
        call = self.calls.get(number)
        user = params.get("user")
        shown = ", ".join(user) if isinstance(user, list) else user
        if event == "newCall":
            if call is not None:
                return _error(500, "Object already exists!")
            self.calls[number] = Call(
                "newCall", not inbound, [params], shown or params.get("queue"),
                params.get("queue") or params.get("to"),
            )  # fmt: skip
            if inbound and params.get("from") in self.blocked:
                return JSONResponse({"action": "reject", "reason": "busy"})
            if not inbound and self.outbound_id:
                return JSONResponse(
                    {"action": "dial", "caller_id": self.outbound_id, "number": params["to"]}
                )
            return JSONResponse({})
        if event not in {"answer", "hangup"}:
            return _failed(422)
        if call is None:
            return _failed(500)
        if event == "answer" and call.state == "hangup":
            return JSONResponse({})
        call.told.append(params)
        if event == "answer":
            call.state, call.done, call.to_comment = "answer", True, shown or call.to_comment
        else:
            call.done = not (
                inbound and call.state == "newCall" and params.get("cause") != "forwarded"
            )
            call.state = "hangup"
        call.comment = params.get("cause")
        return JSONResponse({})


class _Server(uvicorn.Server):
    """uvicorn that says when it listens, and leaves the signals to the tests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(standin: StandIn, port: int) -> AsyncIterator[None]:
    """The stand-in on this port of loopback, for as long as the block lasts."""
    server = _Server(
        uvicorn.Config(
            standin.app,
            "127.0.0.1",
            port,
            lifespan="off",
            ws="none",
            log_config=None,
        )
    )
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(20):
            await server.listening.wait()
        yield
    finally:
        server.should_exit = True
        await serving


def _error(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status)


def _failed(status: int) -> Response:
    """What Zammad says of an error that it did not foresee."""
    return _error(status, f"Error ID {secrets.token_urlsafe(6)}: {_ADMINISTRATOR}")
