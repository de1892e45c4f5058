"""The desk furnished with the whole office, for pages that are looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from crm_bridge.config import MailSection, MessagesSection
from crm_bridge.records.database import Database
from crm_bridge.records.schema import upgrade
from crm_bridge.web.context import Context
from tests.support.office import Office, furnish, office_config
from tests.support.web import FIT, Desk, HeldClock


@dataclass
class House(Desk):
    """A desk with an office in it."""

    office: Office = None  # type: ignore[assignment]  # set by `house`, after the fields with values


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """The office as it is on a Monday at ten; no line."""
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    await upgrade(url)
    database = Database(url)
    outbox = tmp_path / "outbox"
    config = office_config().model_copy(
        update={"messages": MessagesSection(folder=outbox), "mail": MailSection(folder=outbox)}
    )
    office = await furnish(database, config)
    clock = HeldClock()
    yield House(Context(config, database, lambda: FIT, clock), clock, office=office)
    await database.close()
