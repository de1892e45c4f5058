"""A bridge with its desk beside a lab's real Asterisk: agents signed in, acts on real calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from crm_bridge.access import accounts
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.app import App
from crm_bridge.clock import SystemClock
from crm_bridge.config import Config
from crm_bridge.desk.floor import Floor
from crm_bridge.errors import Refused
from crm_bridge.records.database import Database
from crm_bridge.records.schema import upgrade
from ivr.calls.live import Live
from tests.support.live import bridge, until


@dataclass
class Running:
    """A bridge that runs, and its floor."""

    app: App
    floor: Floor

    async def account(self, login: str) -> Account:
        """An agent's account of this login, made where there is none."""
        return await agent_account(self.app.database, login)

    async def sign_in(self, extension: str, **how: Any) -> Account:
        """An agent, signed in at this extension."""
        account = await self.account(f"agent{extension}")
        await self.floor.agents.sign_in(account, extension, **how)
        return account

    def call_of(self, agent: str) -> Live:
        """The call an officer is in."""
        return self.floor.line.parts(agent)[-1].live

    async def in_call(self, agent: str) -> str:
        """Waits until an officer is in a call as the desk sees it; its id."""
        await until(f"{agent} in a call at the desk", lambda: self.floor.line.parts(agent))
        return self.call_of(agent).call.call_id

    def told(self, agent: str) -> tuple[Any, ...]:
        """What Asterisk's queues say of an officer: (queue, paused, reason) of each."""
        return tuple((m.queue, m.paused, m.reason) for m in self.floor.line.members(agent))

    async def everywhere(self, agent: str, paused: bool, reason: str = "") -> None:
        """Waits until all four queues have the officer so."""
        await until(
            f"{agent} paused={paused} {reason} in every queue: {self.told(agent)}",
            lambda: [told[1:] for told in self.told(agent)] == [(paused, reason)] * 4,
        )


async def agent_account(database: Database, login: str) -> Account:
    """An agent's account of this login, made where there is none."""
    async with database.writing() as connection:
        try:
            return await accounts.named(connection, login)
        except Refused:
            return await accounts.create(
                connection, SystemClock(), login=login, role=Role.AGENT,
                name_th=f"เจ้าหน้าที่ {login}", name_en=login,
            )  # fmt: skip


@asynccontextmanager
async def floor(config: Config) -> AsyncIterator[Running]:
    """A bridge and its floor for as long as the block lasts; its tables are made."""
    await upgrade(config.database.url)
    async with bridge(config) as app:
        assert app.floor is not None
        yield Running(app, app.floor)


async def refused(work: Awaitable[Any]) -> str:
    """The code with which an act is refused, in both languages; fails where it is not."""
    with pytest.raises(Refused) as caught:
        await work
    assert caught.value.th
    assert caught.value.en
    return caught.value.code
