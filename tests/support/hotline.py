"""`hotline run` as a process of its own, as an operator starts it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.ready_made import COMPILED, Ready, ReadyMade

ROOT = Path(__file__).parents[2]
DEADLINE = 30.0


@dataclass(slots=True)
class Hotline:
    """The process, and what it has logged."""

    process: asyncio.subprocess.Process | Ready
    logged: list[dict[str, Any]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """Lines on stderr that are no log lines."""
    web: str = ""
    _reading: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls, config: Path, maker: ReadyMade | None = None, **environment: str
    ) -> Hotline:
        """Starts it; `ready` waits until it works. A `maker` has imported the program already."""
        if maker is not None:
            argv = ["run", "--config", str(config), "--log", "json"]
            process = await maker.start(argv, {"HOTLINE_WEB__PORT": "0", **environment})
            return cls._reading_of(process)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "crm_bridge.cli", "run", "--config", str(config),
            "--log", "json", stderr=asyncio.subprocess.PIPE, cwd=ROOT,
            env={**os.environ, "HOTLINE_WEB__PORT": "0", **COMPILED, **environment},
        )  # fmt: skip
        return cls._reading_of(process)

    @classmethod
    def _reading_of(cls, process: asyncio.subprocess.Process | Ready) -> Hotline:
        hotline = cls(process)
        hotline._reading = asyncio.create_task(hotline._read())
        return hotline

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for raw in self.process.stderr:
            line = raw.decode()
            try:
                entry = json.loads(line)
            except ValueError:
                self.said.append(line.rstrip())
                continue
            self.logged.append(entry)
            self.web = entry.get("web", self.web)

    async def ready(self) -> Hotline:
        """Waits until it says of itself that it is fit."""
        async with asyncio.timeout(DEADLINE), httpx.AsyncClient() as client:
            while not self.web or (await client.get(f"{self.web}/readyz")).status_code != 200:
                assert self.process.returncode is None, self.said or self.logged
                await asyncio.sleep(0.02)
        return self

    async def killed(self) -> None:
        """SIGKILL: it can neither save nor say anything more."""
        self.process.kill()
        await self.ended()

    async def stopped(self) -> int:
        """SIGTERM; its exit code."""
        self.process.terminate()
        return await self.ended()

    async def ended(self) -> int:
        """Waits until it has ended; its exit code, all it said in `logged` and `said`."""
        async with asyncio.timeout(DEADLINE):
            code = await self.process.wait()
            if self._reading is not None:
                await self._reading
        return code

    async def away(self) -> None:
        """Ends it whatever a test left of it."""
        if self.process.returncode is None:
            self.process.kill()
        await self.ended()
