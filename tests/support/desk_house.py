"""The desk furnished with the whole office: alone, or on a bridge beside a real Asterisk."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from crm_bridge.access.roles import Role
from crm_bridge.app import App
from crm_bridge.cases import directing, proceedings
from crm_bridge.commands.serve import context_of
from crm_bridge.config import Config, DeskSection
from crm_bridge.config_outside import MailSection, MessagesSection
from crm_bridge.records.database import Database
from crm_bridge.records.schema import upgrade
from crm_bridge.web.app import create_app
from crm_bridge.web.context import Context
from ivr.lab.stage import Stage
from tests.support.browser import OfficeClock, served
from tests.support.desk_clock import HeldClock
from tests.support.live import bridge, bridge_config, caught_up, on_disk
from tests.support.office import Office, furnish, office_config
from tests.support.web import FIT, Desk


@dataclass
class House(Desk):
    """A desk with an office in it."""

    office: Office = None  # type: ignore[assignment]  # set by `house`, after the fields with values

    async def propose_and_assign(self, ticket: str, instruction: str, agency: str = "dit") -> None:
        """A recorded case goes on to an agency."""
        by, director = self.office.of(Role.AGENT), self.office.of(Role.DIRECTOR)
        async with self.database.writing() as connection:
            await proceedings.propose(connection, self.clock, by, ticket)
            orders = [directing.Order(agency, instruction)]
            known = set(self.context.config.agency)
            await directing.assign(
                connection, self.clock, director, ticket, orders=orders, known=known
            )


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Office]:
    """A database with the office in it, to be copied; and what is in it."""
    place = tmp_path_factory.mktemp("office")
    config = at_home(office_config(), place)

    async def fill() -> Office:
        url = f"sqlite:///{place / 'desk.db'}"
        await upgrade(url)
        database = Database(url)
        try:
            return await furnish(database, config)
        finally:
            await database.close()

    return place / "desk.db", asyncio.run(fill())


@pytest.fixture
async def house(tmp_path: Path, furnished: tuple[Path, Office]) -> AsyncIterator[House]:
    """The office as it is on a Monday at ten; no line."""
    file, office = furnished
    shutil.copyfile(file, tmp_path / "desk.db")
    database = Database(f"sqlite:///{tmp_path / 'desk.db'}")
    config = at_home(office_config(), tmp_path)
    clock = HeldClock()
    yield House(Context(config, database, lambda: FIT, clock), clock, office=office)
    await database.close()


def at_home(config: Config, place: Path) -> Config:
    """The configuration with everything it writes in this directory."""
    outbox = place / "outbox"
    return config.model_copy(
        update={
            "messages": MessagesSection(folder=outbox),
            "mail": MailSection(folder=outbox),
            "desk": DeskSection(data_dir=place / "files"),
        }
    )


@dataclass
class LiveHouse:
    """The furnished desk on a bridge beside a lab, its telephones on stage."""

    app: App
    office: Office
    stage: Stage
    clock: OfficeClock
    base: str
    outbox: Path
    url: str = field(repr=False)

    @property
    def database(self) -> Database:
        return self.app.database

    async def calls(self) -> list[dict[str, Any]]:
        """Every call as `hotline calls --jsonl` prints it, once the bridge has seen all end."""
        await caught_up(self.app)
        assert self.app.declare is not None
        await self.app.declare.settle()
        return await on_disk(self.url)


@pytest.fixture
async def live_house(on_stage: Stage, tmp_path: Path) -> AsyncIterator[LiveHouse]:
    """The office with the line running; furnished up to now."""
    file = tmp_path / "desk.db"
    config = at_home(office_config(bridge_config(file, on_stage.lab)), tmp_path)
    # who hangs up at once has called too: no test waits until that is a lost call
    line = config.line.model_copy(update={"short_wait_seconds": 0.0})
    config = config.model_copy(update={"line": line})
    url = config.database.url
    await upgrade(url)
    clock = OfficeClock()
    database = Database(url)
    office = await furnish(database, config, now=clock.now_us())
    await database.close()
    async with bridge(config, clock) as app, served(create_app(context_of(config, app))) as base:
        yield LiveHouse(app, office, on_stage, clock, base, tmp_path / "outbox", url)
        for phone in on_stage.phones.values():  # a test that failed in a call leaves the line free
            for leg in list(phone.legs):
                leg.hang_up()
        await on_stage.quiet()
