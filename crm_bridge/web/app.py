"""The bridge's web application: so far, whether it is alive and whether it is fit."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from crm_bridge.web.health import Ask

PROBLEM = "application/problem+json"


def create_app(ask: Ask) -> FastAPI:
    """The application; `ask` gives the bridge's state."""
    app = FastAPI(
        title="hotline 1203",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )

    @app.get("/healthz", summary="Alive: the event loop and the commit loop go on")
    async def healthz() -> JSONResponse:
        health = ask()
        if not health.committing:
            return _problem("the commit loop has ended", ["start the bridge again"], {})
        return JSONResponse({"status": "alive", "started_at": health.started_at})

    @app.get("/readyz", summary="Fit: every Asterisk is connected and records are being saved")
    async def readyz() -> JSONResponse:
        health = ask()
        problems = health.problems()
        if problems:
            return _problem("the bridge is not ready", problems, asdict(health))
        return JSONResponse({"status": "ready", **asdict(health)})

    return app


def _problem(title: str, problems: list[str], state: dict[str, Any]) -> JSONResponse:
    """RFC 9457: what is wrong, in words, with the state it was read from."""
    return JSONResponse(
        {
            "type": "about:blank",
            "title": title,
            "status": 503,
            "detail": "; ".join(problems),
            "problems": problems,
            **state,
        },
        503,
        media_type=PROBLEM,
    )
