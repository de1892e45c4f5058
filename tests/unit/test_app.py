"""The bridge as a whole, where it must not go on as if nothing had happened."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crm_bridge.app import App
from crm_bridge.config import Config
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.database import Database
from crm_bridge.records.journal import Piece
from crm_bridge.records.writer import Batch, Writer
from ivr.ami.errors import AuthenticationFailed


class Broken:
    """A writer with a bug."""

    async def commit(self, _batch: Batch) -> Any:
        raise RuntimeError("a bug")

    async def close(self) -> None:
        """Nothing to give back."""


async def test_a_bug_that_ends_the_commit_loop_ends_the_bridge(tmp_path):
    loop = CommitLoop(Broken(), Policy(linger=0))
    app = App(Config.model_construct(), Database(f"sqlite:///{tmp_path}/x.db"), loop)
    loop.offer(Batch([Piece("pbx1", 0, 1, 1, 0, b"")]))
    with pytest.raises(RuntimeError, match="a bug"):
        await asyncio.wait_for(app.run(), 5)


async def test_a_bridge_that_is_stopped_ends_without_an_error(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/x.db")
    app = App(Config.model_construct(), database, CommitLoop(Writer(database)))
    app.stop()
    await asyncio.wait_for(app.run(), 5)


async def test_a_refused_login_ends_the_bridge_with_just_that_error(tmp_path, monkeypatch):
    database = Database(f"sqlite:///{tmp_path}/x.db")
    app = App(Config.model_construct(), database, CommitLoop(Writer(database)))

    async def refused(_app: App) -> None:
        raise AuthenticationFailed("127.0.0.1", 5038, "hotline", "no")

    monkeypatch.setattr(App, "_flush", refused)
    with pytest.raises(AuthenticationFailed):
        await asyncio.wait_for(app.run(), 5)


async def test_a_bug_in_a_task_of_the_desk_is_begun_again_and_the_line_goes_on(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("crm_bridge.app.BEGIN_AGAIN", 0.0)
    database = Database(f"sqlite:///{tmp_path}/x.db")
    app = App(Config.model_construct(), database, CommitLoop(Writer(database)))
    tried = 0

    async def fails(_app: App) -> None:
        nonlocal tried
        tried += 1
        if tried == 3:
            app.stop()
        raise RuntimeError("a bug")

    monkeypatch.setattr(App, "_tell_lost", fails)
    await asyncio.wait_for(app.run(), 5)
    assert tried >= 3
