"""The bridge's web application: health, the features' pages and their API."""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST

from crm_bridge.config import Config
from crm_bridge.config_operations import MetricsSection
from crm_bridge.errors import Refused
from crm_bridge.web import problems
from crm_bridge.web.context import Context
from crm_bridge.web.context import context as context_of
from crm_bridge.web.features import ROUTERS
from crm_bridge.web.guard import Guard
from crm_bridge.web.health import Reason
from crm_bridge.web.pages import HERE
from crm_bridge.web.policy import OPEN, NotSignedIn
from crm_bridge.web.watch import Watch


def create_app(context: Context) -> FastAPI:
    """The application on this context."""
    app = FastAPI(
        title="hotline 1203",
        version="1",
        description="Calls, cases, appointments and callers of hotline 1203. Times are ISO 8601"
        " in UTC; errors are application/problem+json; lists come in pages with a cursor; edits"
        " name the version they are based on (If-Match).",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=problems.RESPONSES,
    )
    app.state.context = context
    problems.install(app)
    app.add_middleware(Watch)
    app.add_middleware(Guard, hosts=_hosts(context.config), over_tls=context.config.web.https)

    @app.exception_handler(NotSignedIn)
    async def sign_in_first(_: Request, error: NotSignedIn) -> Response:
        return RedirectResponse(error.to, 303)

    @app.get(
        "/healthz",
        summary="Alive: the event loop and the commit loop go on",
        dependencies=[OPEN],
        include_in_schema=False,
    )
    async def healthz(request: Request) -> JSONResponse:
        health = context_of(request).health()
        if dead := health.dead():
            return _unfit("the bridge gets on with nothing", dead, {})
        return JSONResponse({"status": "alive", "started_at": health.started_at})

    @app.get(
        "/readyz",
        summary="Fit: every Asterisk is connected and records are being saved",
        dependencies=[OPEN],
        include_in_schema=False,
    )
    async def readyz(request: Request) -> JSONResponse:
        health = context_of(request).health()
        state = asdict(health)
        del state["seen"]  # it is among the reasons
        found = health.reasons()
        if found:
            return _unfit("the bridge is not ready", found, state)
        return JSONResponse({"status": "ready", **state})

    @app.get(
        "/metrics",
        summary="What Prometheus reads; from loopback, or with the token",
        dependencies=[OPEN],
        include_in_schema=False,
    )
    async def metrics(request: Request) -> Response:
        held = context_of(request)
        if not may_read_metrics(request, held.config.metrics):
            raise Refused("not-allowed", "ไม่อนุญาตให้อ่านค่าเหล่านี้จากที่นี่",
                          "these figures may not be read from here", 403)  # fmt: skip
        return Response(held.meters.text(), media_type=CONTENT_TYPE_LATEST)

    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    return app


def _hosts(config: Config) -> frozenset[str]:
    """The names that browsers may call the pages by; empty: any, while none is configured."""
    named = (urlsplit(address).hostname for address in (config.web.address, config.oidc.address))
    return frozenset(host for host in named if host)


def may_read_metrics(request: Request, section: MetricsSection) -> bool:
    """Whether who asks comes from where [metrics] lets in, or shows its token."""
    token = section.secret()
    if token:
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and secrets.compare_digest(shown.encode(), token.encode()):
            return True
    try:
        peer = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    return any(peer in ipaddress.ip_network(network) for network in section.peers)


def _unfit(title: str, found: list[Reason], state: dict[str, Any]) -> JSONResponse:
    """RFC 9457: what is wrong, in words and as codes, with the state it was read from."""
    return JSONResponse(
        {
            "type": "about:blank",
            "title": title,
            "status": 503,
            "detail": "; ".join(reason.what for reason in found),
            "problems": [reason.what for reason in found],
            "reasons": [asdict(reason) for reason in found],
            **state,
        },
        503,
        media_type=problems.MEDIA_TYPE,
    )
