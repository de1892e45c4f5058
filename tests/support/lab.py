"""The lab for tests: one real Asterisk a session, and fresh ones where a test needs its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ivr.lab.address import Claim
from ivr.lab.asterisk import Lab
from ivr.lab.configure import ours
from ivr.lab.root import Root, find_root
from ivr.lab.sipua import NotInTime
from ivr.lab.stage import Stage, stage


@pytest.fixture(scope="session")
def lab_root() -> Root:
    """Where Asterisk comes from; made on the first run of a machine."""
    return find_root()


@pytest.fixture
def lab_number() -> Iterator[int]:
    """A lab number nobody else has."""
    claim = Claim.take()
    yield claim.number
    claim.release()


@contextmanager
def own_lab(root: Root, tmp_path_factory: pytest.TempPathFactory, **site: object) -> Iterator[Lab]:
    """A lab with the 1203 configuration, for as long as the block lasts.

    A file has one of its own where callers give up while a telephone that is put away is rung:
    Asterisk calls that one again for half a minute, whoever stands there then; or where it needs
    other values of the `site`.
    """
    claim = Claim.take()
    place = Lab(tmp_path_factory.mktemp("lab"), claim.number, root=root, configure=ours(**site))
    asyncio.run(place.start())
    yield place
    asyncio.run(place.remove())
    claim.release()


@pytest.fixture(scope="session")
def lab(lab_root: Root, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab that runs for the whole session."""
    with own_lab(lab_root, tmp_path_factory) as place:
        yield place


@pytest.fixture
async def on_stage(lab: Lab) -> AsyncIterator[Stage]:
    """Telephones around the session's lab; put away, and the line quiet, after the test."""
    async with stage(lab) as place:
        yield place
        try:
            await place.quiet()
        except NotInTime:  # the next test is not to find them
            await lab.cli("channel request hangup all")
            raise


def lines(path: Path, start: int = 0) -> list[str]:
    """The lines a book has beyond its first `start` characters."""
    return path.read_text("utf-8")[start:].splitlines() if path.exists() else []
