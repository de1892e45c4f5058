"""The doctor on the lab's real Asterisk: what it knows, and what it says of a wrong user."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from crm_bridge.commands import exits
from crm_bridge.commands.lab_config import write_config
from ivr.lab.asterisk import Lab, running
from ivr.lab.stage import Stage
from tests.support.cli import Hotline, hotline

__all__ = ["hotline"]

pytestmark = pytest.mark.line


@pytest.fixture
def on_lab(hotline: Hotline, lab: Lab, tmp_path: Path) -> Hotline:
    hotline.config = write_config(running(lab.directory)[0], tmp_path)
    return hotline


def look(hotline: Hotline, *words: str, **environment: str) -> tuple[int, dict[str, Any]]:
    said = hotline("doctor", "--json", *words, HOTLINE_WEB__PORT="1", **environment)
    return said.code, {f"{o['where']} {o['check']}": o for o in said.objects}


def test_the_lab_is_sound(on_lab: Hotline, lab: Lab) -> None:
    on_lab("migrate")
    code, found = look(on_lab, "--listen", "0")
    assert code == exits.FINE, found
    name = f"lab{lab.number}"
    for check in ("reachable", "login", "version", "may do what it must", "the desk may act",
                  "may do no more", "clock",
                  "queues", "officers"):  # fmt: skip
        assert found[f"{name} {check}"]["grade"] == "ok", found[f"{name} {check}"]
    prompts = found[f"{name} prompts"]  # a lab has nothing but placeholders, which is no failure
    assert prompts["grade"] == "warning"
    assert "prompts in Thai are placeholders" in prompts["told"]
    assert found[f"{name} prompts can be read"]["grade"] == "ok", found
    assert found[f"{name} queue_log"]["grade"] != "warning", found
    assert "22." in found[f"{name} version"]["told"] or "20." in found[f"{name} version"]["told"]


async def test_a_call_shows_time_and_filter(on_lab: Hotline, on_stage: Stage) -> None:
    looking = asyncio.create_task(asyncio.to_thread(look, on_lab, "--listen", "10"))
    caller = await on_stage.dial()
    _, found = await looking
    caller.hang_up()
    name = f"lab{on_stage.lab.number}"
    assert found[f"{name} timestampevents"]["grade"] == "ok"
    assert found[f"{name} event filter"]["grade"] == "ok"


def test_a_wrong_secret_is_refused(on_lab: Hotline) -> None:
    code, found = look(on_lab, HOTLINE_NODE__AMI_SECRET="wrong")
    assert code == exits.FOUND
    assert any(o["check"] == "login" and o["grade"] == "failed" for o in found.values())


def test_a_user_with_all_rights_is_warned_of(on_lab: Hotline, lab: Lab) -> None:
    code, found = look(
        on_lab, HOTLINE_NODE__AMI_USERNAME="lab", HOTLINE_NODE__AMI_SECRET=lab.secret
    )
    name = f"lab{lab.number}"
    assert found[f"{name} may do no more"]["grade"] == "warning"
    assert "ModuleLoad" in found[f"{name} may do no more"]["told"]
    assert found[f"{name} modules"]["grade"] == "ok"
    assert found[f"{name} timestampevents"]["grade"] == "ok"  # its own login is an event
    assert code == exits.FINE
