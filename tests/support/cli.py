"""The command line as the tests run it: in this process, each test with its own database."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from crm_bridge.cli import app
from tests.support.ports import free_port

SCENARIOS = Path(__file__).parents[1] / "scenarios"
CONFIG = SCENARIOS / "ours.toml"


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


class Hotline:
    def __init__(self, database: Path) -> None:
        self.database = database
        self.config = CONFIG
        self.port = str(free_port())
        self.environment = {
            "HOTLINE_DATABASE__URL": f"sqlite:///{database}",
            "HOTLINE_DESK__DATA_DIR": str(database.parent / "desk-data"),
            "COLUMNS": "100",
        }

    def __call__(self, *words: str | Path, **environment: str) -> Said:
        env = {"HOTLINE_CONFIG": str(self.config), **self.environment, **environment}
        if self.config == CONFIG:  # the default port may be a bridge's that runs here
            env.setdefault("HOTLINE_WEB__PORT", self.port)
        result = CliRunner().invoke(app, [str(word) for word in words], env=env)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    def replay(self, *names: str) -> Said:
        return self("replay", *(capture(name) for name in names))


def capture(name: str) -> Path:
    return SCENARIOS / f"{name}.capture"


@pytest.fixture
def hotline(tmp_path: Path) -> Iterator[Hotline]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Hotline(tmp_path / "hotline.db")
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
