"""What the browser tests stand on; a failed one keeps its screens and consoles in its tmp_path."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.support.browser import Browsers, browsers, served
from tests.support.desk_house import House, LiveHouse, furnished, house, live_house
from tests.support.lab import lab, lab_number, lab_root, on_stage
from tests.support.web import Desk, desk

__all__ = ["desk", "furnished", "house", "lab", "lab_number", "lab_root", "live_house", "on_stage"]

_failed = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, Any]:
    """Names the place of the screens in the report of a failed test."""
    report = yield
    place = getattr(item, "funcargs", {}).get("tmp_path")
    if report.when == "call" and report.failed and place is not None:
        item.stash[_failed] = True
        report.sections.append(("screens and consoles", f"{place}/failed-*"))
    return report


@pytest.fixture(autouse=True)
def plain_log() -> Iterator[None]:
    """Failures in plain words: drawing a traceback with all its values takes longer than a page."""
    renderer = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    quiet = structlog.make_filtering_bound_logger(30)
    structlog.configure(processors=[structlog.stdlib.add_log_level, renderer], wrapper_class=quiet)
    yield
    structlog.reset_defaults()


@pytest.fixture
async def windows(
    desk: Desk, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Browsers]:
    """Windows on a desk without a line."""
    async with served(desk.app) as base, browsers(base, desk) as opened:
        yield opened
        await judged(opened, tmp_path, request.node)


@pytest.fixture
async def office_windows(
    house: House, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Browsers]:
    """Windows on the furnished desk without a line."""
    async with served(house.app) as base, browsers(base, house) as opened:
        yield opened
        await judged(opened, tmp_path, request.node)


@pytest.fixture
async def live_windows(
    live_house: LiveHouse, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Browsers]:
    """Windows on the furnished desk beside a real Asterisk."""
    async with browsers(live_house.base, live_house) as opened:
        yield opened
        await judged(opened, tmp_path, request.node)


async def judged(opened: Browsers, place: Path, item: pytest.Item) -> None:
    """Keeps the screens of a failed test; fails one whose pages showed faults."""
    faults = opened.faults()
    if faults or item.stash.get(_failed, False):
        await opened.keep(place)
    assert not faults, "\n".join([*faults, f"screens: {place}/failed-*"])
