"""The bridge itself sends what acts have written, and stops while it does."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from crm_bridge.building import build
from crm_bridge.clock import SystemClock
from crm_bridge.config import Config, DatabaseSection
from crm_bridge.config_outside import MailSection, MessagesSection
from crm_bridge.outgoing import messages
from crm_bridge.records.database import Database
from crm_bridge.records.schema import upgrade


async def test_a_bridge_that_runs_sends_messages(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'hotline.db'}"
    await upgrade(url)
    outbox = tmp_path / "outbox"
    config = Config(
        database=DatabaseSection(url=url),
        messages=MessagesSection(folder=outbox),
        mail=MailSection(folder=outbox),
    )
    database = Database(url)
    async with database.writing() as connection:
        written = await messages.enqueue(
            connection, SystemClock(), kind="sms", to="+66812345678", text="ทดสอบ",
            about=("case", "c1"), dedupe="d1",
        )  # fmt: skip
    app = await build(config)
    running = asyncio.create_task(app.run())
    async with asyncio.timeout(20):
        while (await state(database, written)) != "sent":  # noqa: ASYNC110  # a row has no event
            await asyncio.sleep(0.02)
        app.stop()
        await running
    (file,) = outbox.iterdir()
    assert json.loads(file.read_text(encoding="utf-8"))["id"] == written
    await database.close()


async def state(database: Database, message_id: str) -> str:
    async with database.reading() as connection:
        return (await messages.get(connection, message_id)).state
