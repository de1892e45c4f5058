"""What a running hotline shows to others: where it listens, its process, its log at its loudest."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import secrets
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from crm_bridge.access import accounts
from crm_bridge.access.roles import Role
from crm_bridge.clock import SystemClock
from crm_bridge.commands.lab_config import write_config
from crm_bridge.connectors.webhook.signing import new_secret
from crm_bridge.records.database import Database
from ivr.lab.address import FASTAGI_PORT, address
from ivr.lab.asterisk import Lab, running
from ivr.lab.rtp import Media
from ivr.lab.sipua import Identity
from ivr.lab.stage import Stage
from tests.support.certificates import Authority
from tests.support.migrated import sqlite_url
from tests.support.ports import free_port
from tests.support.sockets import listening

pytestmark = [pytest.mark.line, pytest.mark.timeout(300)]

DEADLINE = 90.0
CALLER = Identity("0898765432", "ปกปิด นามสมมุติ")
OF_THE_CALLER = ("898765432", "ปกปิด", "นามสมมุติ", "\\u0e1b\\u0e01\\u0e1b", "89-876-5432")


class Drawn:
    """Every secret that a configuration can hold, and those that people bring."""

    def __init__(self) -> None:
        self.webhook = new_secret()
        self.sms, self.mail, self.oidc, self.password, self.wrong = (
            secrets.token_urlsafe(24) for _ in range(5)
        )
        self.voices = base64.b64encode(secrets.token_bytes(32)).decode()

    def environment(self, port: int) -> dict[str, str]:
        nobody = f"http://127.0.0.1:{free_port()}"
        return {
            "HOTLINE_CONNECTOR__OTHER__KIND": "webhook",
            "HOTLINE_CONNECTOR__OTHER__URL": f"http://127.0.0.1:{port}/events",
            "HOTLINE_CONNECTOR__OTHER__TOKEN": self.webhook,
            "HOTLINE_MESSAGES__GATEWAY": "http",
            "HOTLINE_MESSAGES__URL": f"{nobody}/sms",
            "HOTLINE_MESSAGES__TOKEN": self.sms,
            "HOTLINE_MAIL__GATEWAY": "smtp",
            "HOTLINE_MAIL__HOST": "127.0.0.1",
            "HOTLINE_MAIL__PORT": str(free_port()),
            "HOTLINE_MAIL__USERNAME": "hotline",
            "HOTLINE_MAIL__PASSWORD": self.mail,
            "HOTLINE_OIDC__ISSUER": nobody,
            "HOTLINE_OIDC__CLIENT_ID": "desk",
            "HOTLINE_OIDC__CLIENT_SECRET": self.oidc,
            "HOTLINE_OIDC__ADDRESS": "http://127.0.0.1:1",
            "HOTLINE_RECORDINGS__KEYS__K1": self.voices,
        }


class Running:
    """`hotline run --log-level debug` on a real Asterisk, over HTTPS, and all that it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said = ""
        self.web = ""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for raw in self.process.stderr:
            line = raw.decode()
            self.said += line
            with suppress(ValueError):
                self.web = json.loads(line).get("web", self.web)

    async def ready(self, client: httpx.AsyncClient) -> None:
        said = "nothing"
        end = asyncio.get_running_loop().time() + DEADLINE
        while asyncio.get_running_loop().time() < end:
            assert self.process.returncode is None, self.said
            if self.web:
                with suppress(httpx.TransportError):
                    answer = await client.get(f"{self.web}/readyz")
                    if answer.status_code == 200:
                        return
                    said = answer.text
            await asyncio.sleep(0.05)
        raise AssertionError(f"not ready: {said}\n{self.said}")

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        await asyncio.wait_for(self.process.wait(), DEADLINE)
        await self._reading


@pytest.fixture
async def failing() -> AsyncIterator[tuple[int, list[bytes]]]:
    """Another system that takes nothing, and says back what it was told."""
    told: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"content-length:\s*([0-9]+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(found[1]) if found else 0)
            told.append(body)
            said = json.dumps({"error": body.decode("utf-8", "replace")}).encode()
            head = b"HTTP/1.1 500 No\r\nContent-Type: application/json\r\nConnection: close\r\n"
            writer.write(head + b"Content-Length: %d\r\n\r\n" % len(said) + said)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], told
    server.close()
    await server.wait_closed()


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.file)


def command_of(pid: int) -> str:
    """Its line in the list of processes, and those of its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return "".join(
        Path(f"/proc/{one}/cmdline").read_bytes().decode() for one in (str(pid), *children)
    )


async def test_a_running_hotline_shows_no_secret_and_no_caller(
    lab: Lab, on_stage: Stage, tmp_path: Path, failing: tuple[int, list[bytes]]
) -> None:
    drawn = Drawn()
    port, told = failing
    config = write_config(running(lab.directory)[0], tmp_path)
    text = re.sub(r"^\[(messages|mail)\]\nfolder.*\n", "", config.read_text("utf-8"), flags=re.M)
    config.write_text(text, "utf-8")
    database = Database(await sqlite_url(tmp_path / "hotline.db"))
    async with database.writing() as connection:
        await accounts.create(
            connection, SystemClock(), login="somsri", role=Role.ADMINISTRATOR, name_th="สมศรี",
            name_en="Somsri", password=drawn.password,
        )  # fmt: skip
    await database.close()
    authority = Authority(tmp_path / "keys")
    cert, key = authority.issue("desk.lab", "127.0.0.1")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crm_bridge.cli", "run", "--config", str(config), "--log", "json",
        "--log-level", "debug", stderr=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
        env={
            **os.environ, **drawn.environment(port), "HOTLINE_WEB__PORT": "0",
            "HOTLINE_WEB__TLS_CERT": str(cert), "HOTLINE_WEB__TLS_KEY": str(key),
        },
    )  # fmt: skip
    bridge = Running(process)
    shown = {lab.ami_secret, *vars(drawn).values()}
    try:
        async with httpx.AsyncClient(verify=trusting(authority)) as client:
            await bridge.ready(client)
            await over_tls(client, bridge.web, Authority(tmp_path / "other"))
            own = int(bridge.web.rpartition(":")[2])
            assert listening(process.pid) == {
                ("tcp", "127.0.0.1", own), ("tcp", address(lab.number, 3), FASTAGI_PORT),
            }  # fmt: skip
            since = on_stage.witness.mark()
            caller = await on_stage.queued("complaint", CALLER)
            shown |= await people(client, bridge.web, drawn)
            caller.hang_up()
            await on_stage.witness.seen("the end", lambda e: e["Event"] == "Hangup", since=since)
            async with asyncio.timeout(DEADLINE):  # the other system heard of the caller
                while not any(b"898765432" in body for body in told):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            command = command_of(process.pid)
    finally:
        await bridge.stop()
    assert "bridge started" in bridge.said
    assert '"level": "debug"' in bridge.said
    for secret in shown:
        assert len(secret) > 15
        assert secret not in bridge.said
        assert secret not in command
    for word in OF_THE_CALLER:
        assert word not in bridge.said
        assert word not in command


async def over_tls(client: httpx.AsyncClient, web: str, another: Authority) -> None:
    """HTTPS alone, to who trusts its authority; told to stay at it."""
    answer = await client.get(f"{web}/sign-in")
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
    async with httpx.AsyncClient(verify=trusting(another)) as stranger:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await stranger.get(f"{web}/sign-in")
    with pytest.raises(httpx.TransportError):
        await client.get(web.replace("https:", "http:") + "/sign-in")


async def people(client: httpx.AsyncClient, web: str, drawn: Drawn) -> set[str]:
    """Signs in wrongly and rightly, searches for the caller; what browsers and programs hold."""
    for password, status in ((drawn.wrong, 401), (drawn.password, 200)):
        answer = await client.post(
            f"{web}/api/v1/sign-in", json={"login": "somsri", "password": password}
        )
        assert answer.status_code == status
    cookie = answer.headers["set-cookie"]
    assert "; Secure" in cookie
    page = await client.get(f"{web}/account")
    csrf = page.text.partition('name="csrf" content="')[2].partition('"')[0]
    for path in (
        f"/people?q={CALLER.number}", f"/api/v1/people?q={CALLER.number}", "/sign-in/oidc",
        f"/sign-in/oidc/callback?code={drawn.wrong}&state=x", f"/nowhere/{drawn.wrong}",
        f"/wallboard/screen/{drawn.wrong}",
    ):  # fmt: skip
        await client.get(f"{web}{path}")
    screen = await client.post(
        f"{web}/api/v1/wallboard/screens", json={"name": "hall"}, headers={"X-CSRF-Token": csrf}
    )
    found = set(re.findall(r"/wallboard/screen/([\w-]{20,})", screen.text))
    assert found, screen.text
    return {cookie.partition("=")[2].partition(";")[0], csrf, *found}


def test_asterisk_listens_where_the_site_says_and_nowhere_else(lab: Lab) -> None:
    """Beside it PJSIP keeps two sockets by which it asks for names: on ports of the moment."""
    assert lab.process is not None
    found = listening(lab.process.pid)
    asks = {(kind, host, port) for kind, host, port in found if host in ("0.0.0.0", "::")}
    assert len(asks) <= 2
    assert all(kind == "udp" and port >= 32768 for kind, _, port in asks), asks
    assert found - asks == {
        ("tcp", lab.server, 5038), ("tcp", lab.server, 8088), ("tcp", lab.server, 5060),
        ("udp", lab.server, 5060),
    }  # fmt: skip


async def test_a_stranger_speaks_into_no_call_and_hears_none(lab: Lab, on_stage: Stage) -> None:
    """He sends sound and keys to the port that a call's media is at (RTP bleed)."""
    since = on_stage.witness.mark()
    caller = await on_stage.dial()
    await on_stage.menu(since=since)
    stranger = Media(address(lab.number, 77))
    await stranger.open()
    try:
        stranger._remote = caller.media._remote
        heard = caller.media.received
        stranger._stream = asyncio.get_running_loop().create_task(stranger._speak())
        await asyncio.sleep(0.5)
        await stranger.press("2")
        await asyncio.sleep(0.5)
        assert stranger.received == 0, "the call's sound goes to whoever spoke last"
        assert caller.media.received > heard
        events = on_stage.witness.events[since:]
        assert not [e for e in events if e.get("Event") in {"DTMFEnd", "QueueCallerJoin"}]
        await caller.press("2")
        await on_stage.joined(since=since)
    finally:
        stranger.close()
        caller.hang_up()
