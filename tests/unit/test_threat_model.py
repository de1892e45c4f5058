"""Every test that the threat model leans on is there, under that name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))


def test_the_page_names_tests_in_every_row() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|") and line.count("|") == 4]
    with_defence = [row for row in rows if not re.match(r"\|(-|\s*threat)", row)]
    assert len(with_defence) > 30
    assert [row for row in with_defence if "`tests/" not in row] == []


def test_what_the_audit_log_defends_is_tested_on_the_audit_log() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|") and "audit.md" in line]
    assert rows
    for row in rows:
        for file in re.findall(r"`(tests/[\w/]+\.py)", row):
            assert "audit_book" in (ROOT / file).read_text("utf-8"), file


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_each_is_there(file: str, name: str) -> None:
    found = {
        node.name
        for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not name or name in found
    assert any(one.startswith("test_") for one in found)
