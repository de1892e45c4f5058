"""docs/connectors/mapping.md names everything that a mapping may name, and its example is one."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from crm_bridge.connectors import mapping, samples
from crm_bridge.connectors.facts import StepFacts
from crm_bridge.connectors.templates import FACTS, FILTERS

PAGE = (Path(__file__).parents[3] / "docs/connectors/mapping.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_is_told(name: str) -> None:
    part = PAGE.split(f"**{name}**", 1)[1].split("\n**", 1)[0]
    told = set(re.findall(r"`([a-z_]+)`", part))
    names = {field.name for field in fields(FACTS[name])}
    assert names <= told
    if name == "call":
        assert {field.name for field in fields(StepFacts)} <= told


def test_every_filter_is_told_and_no_other() -> None:
    table = PAGE.split("| filter | makes |", 1)[1].split("\n\n", 1)[0]
    cells = [row.split(" | ")[0] for row in table.replace("\\|", "").splitlines()[2:]]
    told = {name for cell in cells for name in re.findall(r"`([a-z_]+)", cell)}
    assert told == set(FILTERS)


def test_the_example_can_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [example] = [block for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
                 if "[status]" in block]  # fmt: skip
    path = tmp_path / "office.toml"
    path.write_text(example, encoding="utf-8")
    found = mapping.load(path, "rt")
    assert found.call(samples.FULL.call)["Due"] == "2026-11-24T06:09:31Z"
    assert found.call(samples.BARE.call)["Due"] is None
    assert found.wants_call(samples.CALL)
    assert found.setup[0].label == ("เปิดในระบบ 1203", "Open in 1203")
