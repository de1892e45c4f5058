"""The desk's pages for tests: the real application over ASGI, on a SQLite file of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from copy import copy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.datastructures import State

from crm_bridge.access import accounts, sessions
from crm_bridge.access.account import Account
from crm_bridge.access.roles import OUTSIDE, Role
from crm_bridge.records.database import Database
from crm_bridge.web.app import create_app
from crm_bridge.web.context import Context
from crm_bridge.web.health import Health
from crm_bridge.web.policy import COOKIE, CSRF_HEADER
from tests.support.desk_clock import HeldClock
from tests.support.migrated import sqlite_url
from tests.support.scenario import config_of


@cache
def _made_once() -> FastAPI:
    """FastAPI works out each route when it is first asked for, which costs more than most tests."""
    return create_app(
        Context(config_of("ours"), Database("sqlite:///never-opened.db"), lambda: FIT, HeldClock())
    )


def app_on(context: Context) -> FastAPI:
    """The application on this context, its routes shared with every other."""
    app = copy(_made_once())
    app.state = State({"context": context})
    app.middleware_stack = None
    return app


@dataclass
class Desk:
    """The application, its database and its held clock; browsers of each role."""

    context: Context
    clock: HeldClock
    browsers: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return self.context.database

    async def account(self, role: Role, login: str | None = None, **more: Any) -> Account:
        """A new account of this role; an outside one of the agency `dit` unless told."""
        if role in OUTSIDE:
            more.setdefault("agency", "dit")
        names = {"name_th": f"ทดสอบ {role.value}", "name_en": f"Test {role.value}"}
        async with self.database.writing() as connection:
            return await accounts.create(
                connection, self.clock, login=login or role.value, role=role, **{**names, **more}
            )

    async def browser(self, account: Account | Role | None = None) -> httpx.AsyncClient:
        """A browser signed in as this account (a role: a new account of it), or as nobody."""
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url="http://desk.test",
        )
        self.browsers.append(client)
        if isinstance(account, Role):
            account = await self.account(account, f"{account.value}{len(self.browsers)}")
        if account is not None:
            async with self.database.writing() as connection:
                session, token = await sessions.begin(connection, self.clock, account)
            client.cookies.set(COOKIE, token)
            client.headers[CSRF_HEADER] = session.csrf
        return client

    def __post_init__(self) -> None:
        self.app = app_on(self.context)


FIT = Health("2026-11-23T00:00:00.000000Z", True, None, None, None, 0, False, 0)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk without a line: what needs no telephone."""
    database = Database(await sqlite_url(tmp_path / "desk.db"))
    clock = HeldClock()
    made = Desk(Context(config_of("ours"), database, lambda: FIT, clock), clock)
    yield made
    for browser in made.browsers:
        await browser.aclose()
    await database.close()
