"""Logs hold ids and kinds, never anything of a caller: driven at debug, searched whole."""

from __future__ import annotations

import ast
import io
import json
import logging
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from crm_bridge.access.roles import Role
from crm_bridge.commands import logs
from crm_bridge.errors import StorageUnavailable
from ivr.ami.message import LINK_UP, synthetic
from tests.support.fake_ami import FakeAmi
from tests.support.live import until
from tests.support.migrated import sqlite_url
from tests.support.scenario import messages_of
from tests.support.served import bridge
from tests.support.web import Desk

SOURCES = Path(__file__).parents[2]
NUMBER, NAME, NOTES = "0812345678", "สมชาย", "ราคาแพงผิดปกติที่ตลาดบางแค"
SECRETS = (NUMBER, NUMBER[1:], NAME, NOTES, "บางแค", "0898765432", "มาลี")
FORM = {
    "title": NOTES, "facts": NOTES, "respondent": "ร้านตัวอย่าง", "complainant_name": "มาลี ร้องเรียน",
    "complainant_number": "0898765432", "notice_version": "2569-01", "consent": True,
    "consent_how": "voice",
}  # fmt: skip


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All that is logged from here on, as a service has it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    logs.set_up(logs.LogForm.AUTO, logs.LogLevel.DEBUG)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


async def test_no_log_line_holds_anything_of_a_caller_at_debug(
    log: io.StringIO, ami: FakeAmi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bridge(ami, await sqlite_url(tmp_path / "hotline.db")) as asked:
        app = asked.app
        node = app.nodes[0]
        _, messages = messages_of("answered_served")
        assert any(NUMBER.encode() in raw for raw, _ in messages)
        node.intake.put([raw for raw, _ in messages], time.time())
        await until("worked in", lambda: not len(node.intake) and not node.pipeline.tracker.lives)
        node.pipeline.flush(everything=True)
        await until("saved", lambda: not app.loop.pending_bytes)

        desk = Desk(asked.context, app.clock)
        agent = await desk.browser(Role.AGENT)
        made = await agent.post("/api/v1/cases", json=FORM)
        assert made.status_code == 201, made.text
        for path in (f"/people?q={NUMBER}", f"/people/{NUMBER}", f"/api/v1/people?q={NAME}"):
            await agent.get(path)
        await agent.post("/api/v1/cases", json={**FORM, "complainant_number": NUMBER * 5})
        await agent.post("/api/v1/sign-in", json={"login": NAME, "password": NUMBER})

        # what fails must not quote what it choked on
        def broken(_event: object) -> None:
            raise ValueError(f"no such caller: {NAME} {NUMBER}")

        with monkeypatch.context() as patched:
            patched.setattr(node.pipeline.tracker, "apply", broken)
            node.pipeline.take(synthetic(LINK_UP, 1763900000.0), 1763900000_000000)

        async def refuses(_batch: object) -> None:
            raise StorageUnavailable("the disk is full", where="hotline.db")

        real = app.loop._writer.commit
        app.loop._writer.commit = refuses
        node.intake.put([raw for raw, _ in messages], time.time())
        await until("worked in", lambda: not len(node.intake))
        node.pipeline.flush(everything=True)
        await until("a commit failed", lambda: app.loop.counters.last_error)
        app.loop._writer.commit = real
        await until("saved", lambda: app.loop.healthy)
        for client in desk.browsers:
            await client.aclose()

    said = log.getvalue()
    entries = [json.loads(line) for line in said.splitlines()]
    assert {"event not understood", "records are not being saved"} <= {e["event"] for e in entries}
    (fault,) = [entry for entry in entries if entry["event"] == "event not understood"]
    assert "ValueError" in fault["exception"]
    assert "pipeline.py" in fault["exception"]
    found = [
        entry for entry in entries
        if any(secret in json.dumps(entry, ensure_ascii=False) for secret in SECRETS)
    ]  # fmt: skip
    assert found == []
    for entry in entries:
        assert {"event", "level", "timestamp"} <= entry.keys()


PERSONAL = re.compile(r"number|caller|phone|name|text|notes?|address|email|query|body")
ALLOWED = {"name"}  # of a connector, a node, a task: a test would find a person's


def logged() -> Iterator[tuple[str, int, ast.Call]]:
    """Every line of the program that logs by structlog."""
    for source in sorted((SOURCES / "crm_bridge").rglob("*.py")):
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "_log"
            ):
                yield str(source.relative_to(SOURCES)), node.lineno, node


def test_events_are_words_that_stay_the_same_and_fields_name_no_person() -> None:
    lines = list(logged())
    assert len(lines) > 50
    wrong = []
    for source, number, call in lines:
        said = call.args[0] if call.args else None
        plain = (
            isinstance(said, ast.Constant) and isinstance(said.value, str) and len(call.args) == 1
        )
        fields = {field.arg or "**" for field in call.keywords}
        if not plain or any(PERSONAL.search(field) for field in fields - ALLOWED):
            wrong.append(f"{source}:{number} {sorted(fields)}")
    assert wrong == []


def test_a_traceback_says_kinds_and_places_and_no_words() -> None:
    try:
        try:
            raise KeyError(NUMBER)
        except KeyError as first:
            raise ExceptionGroup(NAME, [ValueError(NAME)]) from first
    except ExceptionGroup:
        told = logs.wordless(sys.exc_info())
    assert [word in told for word in ("KeyError", "ExceptionGroup", "ValueError")] == [True] * 3
    assert "test_logs.py" in told
    assert NUMBER not in told
    assert NAME not in told
