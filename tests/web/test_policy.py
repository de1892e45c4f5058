"""Every route says who may use it, and holds to it: route × role, and nobody."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from crm_bridge.access import tokens
from crm_bridge.access.roles import Role
from crm_bridge.web.policy import COOKIE, Open, Who
from tests.support.web import Desk

FOR_EVERYBODY = {
    "GET /", "GET /healthz", "GET /readyz", "GET /sign-in", "GET /sign-in/oidc",
    "GET /metrics",  # asks for itself where the request comes from, or for its token
    "GET /sign-in/oidc/callback", "POST /api/v1/sign-in", "PUT /api/v1/language",
    # the form of webhook events, which every event names the address of: nothing of anybody
    "GET /api/v1/hooks/schemas", "GET /api/v1/hooks/schemas/{name}",
    # a television without a person, known by its secret
    "GET /wallboard/screen/{secret}", "GET /wallboard/screen",
    "GET /api/v1/wallboard/screen/stream",
    # what the office must publish: the guide to its services and their statistics
    "GET /public/", "GET /public/guide", "GET /public/guide.{form}", "GET /public/statistics",
    "GET /public/statistics/{year}", "GET /public/statistics/{year}.{form}",
    # another system, known by its signature
    "POST /api/v1/hooks/{connector}/status",
}  # fmt: skip
"""Routes that ask for no account. A new one is added here on purpose, with a reason to show."""

WITHOUT_ROUTES_OF_OURS = {"/api/v1/openapi.json", "/static"}
"""What FastAPI and Starlette serve themselves, for everybody: the API's description, styles."""

SAFE = {"GET", "HEAD"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        try:
            return str(json.loads(self.body).get("type", ""))
        except (ValueError, AttributeError):
            return ""


async def ask(desk: Desk, method: str, path: str, headers: dict[str, str]) -> Answer:
    """One request; of a stream that goes on for ever, its beginning."""
    path, _, query = path.partition("?")
    begun = asyncio.Event()
    gone = asyncio.Event()
    start: dict[str, Any] = {}
    body = b""
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal body
        if message["type"] == "http.response.start":
            start.update(message)
            begun.set()
        else:
            body += message.get("body", b"")

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "", "server": ("desk.test", 80), "client": ("127.0.0.1", 1), "state": {},
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
    }  # fmt: skip
    serving = asyncio.ensure_future(desk.app(scope, receive, send))
    begins = asyncio.ensure_future(begun.wait())
    try:
        async with asyncio.timeout(20):
            await asyncio.wait({serving, begins}, return_when=asyncio.FIRST_COMPLETED)
            given = {k.decode().lower(): v.decode() for k, v in start.get("headers", [])}
            if begun.is_set() and given.get("content-type", "").startswith("text/event-stream"):
                gone.set()
                serving.cancel()
            await asyncio.wait({serving})
    finally:
        begins.cancel()
    if not serving.cancelled() and not begun.is_set():
        serving.result()  # raises what the application raised instead of answering
    if not serving.cancelled():
        serving.exception()
    return Answer(start["status"], given, body)


def rules(dependant: Dependant) -> Iterator[Who | Open]:
    for inner in dependant.dependencies:
        if isinstance(inner.call, Who | Open):
            yield inner.call
        yield from rules(inner)


def walked(desk: Desk) -> list[RouteContext]:
    """Every route of the application, those of included routers too."""
    return list(iter_route_contexts(desk.app.routes))


def places(desk: Desk) -> Iterator[tuple[str, RouteContext]]:
    for route in walked(desk):
        if isinstance(route.original_route, APIRoute):
            for method in sorted(route.methods):
                yield method, route


def name(method: str, route: RouteContext) -> str:
    return f"{method} {route.path}"


def filled(route: RouteContext) -> str:
    """The path with something in each place that fits its kind and is nobody's."""

    def one(match: re.Match[str]) -> str:
        kind = match[2] or ""
        return "1" if kind in {":int", ":float"} else "0" * 32

    return re.sub(r"\{(\w+)(:\w+)?\}", one, route.path)


def rule(route: RouteContext) -> Who | Open:
    (found,) = rules(route.dependant)
    return found


async def test_each_route_says_who_may_use_it_once(desk: Desk):
    unstated = [
        name(method, route)
        for method, route in places(desk)
        if len(list(rules(route.dependant))) != 1
    ]
    assert unstated == []
    open_ = {name(m, r) for m, r in places(desk) if isinstance(rule(r), Open)}
    assert open_ == FOR_EVERYBODY
    # a mount would hide routes from this walk
    others = {r.path for r in walked(desk) if not isinstance(r.original_route, APIRoute)}
    assert others == WITHOUT_ROUTES_OF_OURS
    assert len(open_) + len(others) < 30 < len(list(places(desk)))


async def cookie_of(desk: Desk, role: Role) -> dict[str, str]:
    browser = await desk.browser(await desk.account(role, f"{role.value}.browser"))
    return {"Cookie": f"{COOKIE}={browser.cookies[COOKIE]}"}


async def key_of(desk: Desk, role: Role) -> dict[str, str]:
    account = await desk.account(role, f"{role.value}.program")
    async with desk.database.writing() as connection:
        _, key = await tokens.issue(connection, desk.clock, account, "walk", ("write",))
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_gets_what_is_its_own_and_nothing_else(desk: Desk, role: Role):
    cookie, key = await cookie_of(desk, role), await key_of(desk, role)
    wrong = []
    for method, route in places(desk):
        found = rule(route)
        if isinstance(found, Open):
            continue
        # a key for acts: an act that ends the session must not end the walk
        headers = cookie if method in SAFE else key
        answer = await ask(desk, method, filled(route), headers)
        let_in = answer.status != 401 and answer.code != "not-allowed"
        fine = (
            let_in if role in found.roles else (answer.status, answer.code) == (403, "not-allowed")
        )
        if not fine or answer.status == 500 or (answer.status > 500 and not answer.code):
            wrong.append((name(method, route), answer.status, answer.code))
        elif answer.status >= 400 and answer.headers["content-type"] != "application/problem+json":
            wrong.append((name(method, route), answer.status, answer.headers["content-type"]))
    assert wrong == []


async def test_nobody_is_sent_to_the_sign_in_or_told_so(desk: Desk):
    wrong = []
    for method, route in places(desk):
        if isinstance(rule(route), Open):
            continue
        answer = await ask(desk, method, filled(route), {})
        if method in SAFE and not route.path.startswith("/api/"):
            fine = answer.status == 303 and answer.headers["location"].startswith("/sign-in?next=")
        else:
            fine = (answer.status, answer.code) == (401, "not-signed-in")
        if not fine:
            wrong.append((name(method, route), answer.status, answer.code))
    assert wrong == []


async def test_an_act_of_a_browser_shows_its_token(desk: Desk):
    cookies = {role: await cookie_of(desk, role) for role in Role}
    wrong = []
    for method, route in places(desk):
        found = rule(route)
        if method in SAFE or isinstance(found, Open):
            continue
        for role in found.roles:
            for token in ({}, {"X-CSRF-Token": "another"}):
                answer = await ask(desk, method, filled(route), {**cookies[role], **token})
                if (answer.status, answer.code) != (403, "csrf"):
                    wrong.append((name(method, route), role, answer.status, answer.code))
    assert wrong == []


async def test_the_one_time_password_is_changed_before_anything_else(desk: Desk):
    before = {
        "GET /account/password", "GET /api/v1/account", "POST /api/v1/account/password",
        "POST /api/v1/sign-out",
    }  # fmt: skip
    routes = [(m, r) for m, r in places(desk) if isinstance(rule(r), Who)]
    assert {name(m, r) for m, r in routes if rule(r).before_change} == before
    made = {}
    for role in Role:
        account = await desk.account(role, f"{role.value}.once", must_change=True)
        browser = await desk.browser(account)
        made[role] = {
            "Cookie": f"{COOKIE}={browser.cookies[COOKIE]}",
            "X-CSRF-Token": browser.headers["X-CSRF-Token"],
        }
    wrong = []
    for method, route in routes:
        if name(method, route) in before:
            continue
        role = sorted(rule(route).roles)[0]
        answer = await ask(desk, method, filled(route), made[role])
        if method in SAFE and not route.path.startswith("/api/"):
            fine = answer.headers.get("location", "").startswith("/account/password?next=")
        else:
            fine = (answer.status, answer.code) == (403, "password-change-first")
        if not fine:
            wrong.append((name(method, route), answer.status, answer.code))
    assert wrong == []


async def test_the_api_is_described_and_the_pages_are_not(desk: Desk):
    described = desk.app.openapi()["paths"]
    wrong = []
    for method, route in places(desk):
        entry = described.get(re.sub(r":\w+\}", "}", route.path), {}).get(method.lower())
        if not route.path.startswith("/api/v1/"):
            if entry is not None:
                wrong.append((name(method, route), "a page in the API's description"))
        elif entry is None:
            wrong.append((name(method, route), "not described"))
        elif not entry.get("summary") or not entry.get("tags"):
            wrong.append((name(method, route), "without a summary or tag"))
        elif route.summary is None:
            wrong.append((name(method, route), "its summary is only its function's name"))
    assert wrong == []
    assert {"4XX", "5XX"} <= described["/api/v1/accounts"]["get"]["responses"].keys()


async def test_what_is_not_there_is_a_problem_too(desk: Desk):
    browser = await desk.browser(Role.AGENT)
    for method, path, status in (
        ("GET", "/api/v1/nothing", 404), ("DELETE", "/api/v1/sign-in", 405),
        ("POST", "/api/v1/sign-in", 422),
    ):  # fmt: skip
        answer = await browser.request(
            method, path, content=b"{", headers={"content-type": "application/json"}
        )
        assert (answer.status_code, answer.headers["content-type"]) == (
            status, "application/problem+json",
        )  # fmt: skip
        assert {"type", "title", "status", "detail"} <= answer.json().keys()
