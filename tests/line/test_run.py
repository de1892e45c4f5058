"""`hotline run` as a process on a real Asterisk: a call is on record, a stop loses nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from crm_bridge.commands import exits
from crm_bridge.commands.lab_config import write_config
from ivr.lab.asterisk import Lab, running
from ivr.lab.stage import Stage
from tests.support.ports import free_port

pytestmark = pytest.mark.line

DEADLINE = 20.0


@dataclass
class Bridge:
    config: Path
    port: int
    process: asyncio.subprocess.Process

    async def ready(self) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE), httpx.AsyncClient() as client:
            while True:
                try:
                    answer = await client.get(f"http://127.0.0.1:{self.port}/readyz")
                    if answer.status_code == 200:
                        return dict(answer.json())
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)

    async def calls(self) -> list[dict[str, Any]]:
        out = await hotline(self.config, "calls", "--jsonl")
        return [json.loads(line) for line in out[1].splitlines()]

    async def ended(self) -> None:
        """Waits until the call on record has its end."""
        async with asyncio.timeout(DEADLINE):
            while True:
                calls = await self.calls()
                if calls and all(call["ended_at"] for call in calls):
                    return
                await asyncio.sleep(0.1)

    async def stop(self) -> int:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), DEADLINE)


async def start(config: Path, *words: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crm_bridge.cli", *words, "--config", str(config),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment}, cwd=Path(__file__).parents[2],
    )  # fmt: skip


async def hotline(config: Path, *words: str, **environment: str) -> tuple[int, str, str]:
    process = await start(config, *words, **environment)
    out, err = await asyncio.wait_for(process.communicate(), DEADLINE)
    return process.returncode or 0, out.decode(), err.decode()


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while True:
            if reached():
                return
            await asyncio.sleep(0.05)


@pytest.fixture
def config(lab: Lab, tmp_path: Path) -> Path:
    return write_config(running(lab.directory)[0], tmp_path)


@pytest.fixture
async def bridge(config: Path) -> AsyncIterator[Bridge]:
    port = free_port()
    process = await start(config, "run", HOTLINE_WEB__PORT=str(port))
    place = Bridge(config, port, process)
    await place.ready()
    yield place
    await place.stop()


async def test_a_call_is_on_record_with_its_steps(bridge: Bridge, on_stage: Stage) -> None:
    caller, officer = await on_stage.served_by(await on_stage.officer(1001))
    state = await bridge.ready()
    assert state["nodes"][0]["open_calls"] == 1
    assert abs(state["nodes"][0]["lag_seconds"]) < 1
    caller.hang_up()
    await officer.ended()
    await on_stage.quiet()
    await bridge.ended()
    (call,) = await bridge.calls()
    assert call["outcome"] == "served"
    assert call["agents"][0]["agent"] == "1001"
    assert [s["step"] for s in call["steps"]] == ["greet", "inform", "log"]
    assert call["steps"][0]["evidence"] == "observed"


async def test_a_stop_in_mid_call_leaves_what_was_read_on_disk(
    bridge: Bridge, on_stage: Stage
) -> None:
    caller, officer = await on_stage.served_by(await on_stage.officer(1002))
    assert await bridge.stop() == exits.FINE
    caller.hang_up()
    await officer.ended()
    (call,) = await bridge.calls()
    assert call["outcome"] is None
    assert call["ended_at"] is None
    # An officer of the test before may have been rung in vain first.
    attempt = call["queue_passages"][0]["attempts"][-1]
    assert attempt["agent"] == "1002"
    assert attempt["outcome"] == "answered"
    _, err = await bridge.process.communicate()
    assert b"bridge stopped" in err
    assert b"Traceback" not in err
    assert "0812345678" not in err.decode()
    assert "สมชาย" not in err.decode()


async def test_a_wrong_secret_ends_it_at_once_with_one_line(config: Path) -> None:
    code, _, err = await hotline(
        config, "run", HOTLINE_NODE__AMI_SECRET="wrong", HOTLINE_WEB__PORT=str(free_port())
    )
    assert code == exits.UNREACHED
    assert "Traceback" not in err
    last = err.strip().splitlines()[-1]
    assert last.startswith("hotline: Asterisk at")
    assert "refuses the AMI user 'hotline'" in last


async def test_ctrl_c_stops_it_as_cleanly(config: Path) -> None:
    port = free_port()
    bridge = Bridge(config, port, await start(config, "run", HOTLINE_WEB__PORT=str(port)))
    await bridge.ready()
    bridge.process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(bridge.process.wait(), DEADLINE) == exits.FINE


async def test_a_capture_of_a_call_replays_to_the_same_call(
    config: Path, bridge: Bridge, on_stage: Stage, tmp_path: Path
) -> None:
    file = tmp_path / "call.capture.gz"
    recording = await start(config, "capture", str(file))
    await until(file.exists)
    caller, officer = await on_stage.served_by(await on_stage.officer(1003))
    caller.hang_up()
    await officer.ended()
    await on_stage.quiet()
    await bridge.ended()
    recording.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(recording.communicate(), DEADLINE)
    assert recording.returncode == 0, err
    assert b"0 cuts" in out
    (live,) = await bridge.calls()
    again = {"HOTLINE_DATABASE__URL": f"sqlite:///{tmp_path}/again.db"}
    assert (await hotline(config, "replay", str(file), **again))[0] == 0
    _, text, _ = await hotline(config, "calls", "--jsonl", **again)
    replayed = json.loads(text)
    for key in (
        "call_id",
        "outcome",
        "steps",
        "queue_passages",
        "agents",
        "entered_at",
        "ended_at",
    ):
        assert replayed[key] == live[key], key
