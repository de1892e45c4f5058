"""The service manager is told the truth, over a real socket of its kind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from crm_bridge.systemd import Notifier
from tests.support.fake_ami import FakeAmi
from tests.support.migrated import sqlite_url
from tests.support.ports import free_port

WITHIN = 60.0


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """What systemd listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


async def told(manager: socket.socket) -> str:
    loop = asyncio.get_running_loop()
    return (await asyncio.wait_for(loop.sock_recv(manager, 4096), WITHIN)).decode()


def notifier(manager: socket.socket, **more: str) -> Notifier:
    return Notifier({"NOTIFY_SOCKET": manager.getsockname(), **more})


async def test_ready_and_stopping_are_told(manager: socket.socket) -> None:
    to = notifier(manager)
    to.ready("2 calls in progress")
    assert await told(manager) == "READY=1\nSTATUS=2 calls in progress"
    to.stopping()
    assert (await told(manager)).startswith("STOPPING=1\n")
    assert to.every is None


async def test_nobody_is_told_anything_where_nobody_listens(tmp_path: Path) -> None:
    Notifier({}).ready("fine")
    with capture_logs() as logs:
        Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready("fine")
    assert [entry["event"] for entry in logs] == ["the service manager was not told"]


@pytest.mark.parametrize(
    "environment, every",
    [
        ({"WATCHDOG_USEC": "60000000"}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),  # meant for another process
        ({"WATCHDOG_USEC": "0"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_it_must(environment, every) -> None:
    assert Notifier(environment).every == every


async def test_the_watchdog_starves_while_nothing_gets_on_and_is_fed_again_after(
    manager: socket.socket,
) -> None:
    why: str | None = None
    to = notifier(manager, WATCHDOG_USEC="20000")
    feeding = asyncio.create_task(to.keep_alive(lambda: why, lambda: "2 calls in progress"))
    try:
        for _ in range(2):
            assert await told(manager) == "WATCHDOG=1\nSTATUS=2 calls in progress"
        with capture_logs() as logs:
            why = "a commit has not come back for 76 s"
            while (said := await told(manager)).startswith("WATCHDOG"):
                pass
            assert said == f"STATUS={why}"
            await asyncio.sleep(0.05)  # several times as long as it would be fed
            with pytest.raises(BlockingIOError):
                manager.recv(4096)
            assert [entry["why"] for entry in logs] == [why]  # said once
        why = None
        assert (await told(manager)).startswith("WATCHDOG=1")
    finally:
        feeding.cancel()


async def test_an_event_loop_that_hangs_feeds_nothing(manager: socket.socket) -> None:
    program = (
        "import asyncio, time, sys\n"
        "from crm_bridge.systemd import Notifier\n"
        "async def main():\n"
        "    task = asyncio.create_task(Notifier().keep_alive(lambda: None, lambda: 'fine'))\n"
        "    await asyncio.sleep(0.1)\n"
        "    print('hangs', flush=True)\n"
        "    time.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    environment = {
        **os.environ, "NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "20000",
    }  # fmt: skip
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, env=environment, stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        assert await asyncio.wait_for(child.stdout.readline(), WITHIN) == b"hangs\n"
        fed = 0
        while True:
            try:
                fed += manager.recv(4096).startswith(b"WATCHDOG=1")
            except BlockingIOError:
                break
        assert fed
        await asyncio.sleep(0.1)  # ten of its turns
        with pytest.raises(BlockingIOError):
            manager.recv(4096)
    finally:
        child.kill()
        await child.wait()


@asynccontextmanager
async def program(
    config: Path, manager: socket.socket, **more: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {**os.environ, "NOTIFY_SOCKET": manager.getsockname(), **more}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crm_bridge.cli", "run", "--config", str(config), env=environment,
        cwd=Path(__file__).parents[2], stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def test_the_bridge_itself_tells_ready_life_and_stop(
    manager: socket.socket, tmp_path: Path
) -> None:
    ami = FakeAmi()
    await ami.start()
    await sqlite_url(tmp_path / "hotline.db")
    secret = tmp_path / "credentials"
    secret.write_text("right\n")
    config = tmp_path / "hotline.toml"
    config.write_text(
        f'[database]\nurl = "sqlite:///{tmp_path}/hotline.db"\n'
        f'[[node]]\nname = "pbx1"\nami_port = {ami.port}\n'
        f"[web]\nport = {free_port()}\n",
        "utf-8",
    )
    given = {"HOTLINE_NODE__AMI_SECRET_FILE": str(secret), "WATCHDOG_USEC": "400000"}
    async with program(config, manager, **given) as child:
        said = [await told(manager)]
        while not any(line.startswith("READY=1") for line in said):
            said.append(await told(manager))
        while "STATUS=0 calls in progress" not in said[-1]:
            said.append(await told(manager))
        assert said[-1].startswith("WATCHDOG=1")
        child.send_signal(signal.SIGTERM)
        while not said[-1].startswith("STOPPING=1"):
            said.append(await told(manager))
        assert await asyncio.wait_for(child.wait(), WITHIN) == 0
    await ami.stop()
