"""A bridge that runs on the fake AMI, and what its pages answer to a machine that watches it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from crm_bridge.app import App
from crm_bridge.building import build
from crm_bridge.commands.serve import context_of
from crm_bridge.commands.standing import Standing
from crm_bridge.config import Config, DatabaseSection, NodeSection
from crm_bridge.config_operations import HealthSection
from tests.support.fake_ami import FakeAmi
from tests.support.live import until
from tests.support.scenario import config_of
from tests.support.web import app_on


class Asked:
    """A bridge that runs, and what its pages answer."""

    def __init__(self, app: App, config: Config) -> None:
        self.app = app
        self.context = context_of(config, app)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app_on(self.context)),
            base_url="http://bridge.test",
        )

    async def state(self, path: str = "/readyz") -> tuple[int, dict[str, Any]]:
        answer = await self.client.get(path)
        return answer.status_code, answer.json()

    async def codes(self) -> list[str]:
        assert self.app.vitals is not None
        await self.app.vitals.look()
        status, body = await self.state()
        codes = [reason["code"] for reason in body.get("reasons", [])]
        assert status == (503 if codes else 200)
        for reason in body.get("reasons", []):
            assert reason["what"]
            assert reason["where"]
            assert reason["mend"] or reason["code"] == "commit_loop_ended"
        return codes


@asynccontextmanager
async def bridge(ami: FakeAmi, url: str, **more: Any) -> AsyncIterator[Asked]:
    config = config_of("ours").model_copy(
        update={
            "database": DatabaseSection(url=url),
            "node": [NodeSection(name="pbx1", ami_port=ami.port, ami_secret="right")],
            "health": HealthSection(disk_free_megabytes=1),
            **more,
        }
    )
    app = await build(config)
    app.meters.registry.register(Standing(app))
    running = asyncio.create_task(app.run())
    asked = Asked(app, config)
    try:
        await until("connected", lambda: app.nodes[0].link.connects)
        yield asked
    finally:
        await asked.client.aclose()
        app.hub.close()
        app.stop()
        await asyncio.wait_for(running, 30)
