"""The bridge as a whole, where it must not go on as if nothing had happened."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from pydantic import SecretStr

from crm_bridge.app import App
from crm_bridge.building import build
from crm_bridge.config import Config, DatabaseSection, NodeSection, RecordingsSection
from crm_bridge.desk.kept_places import TOPIC as KEPT_PLACES
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.database import Database
from crm_bridge.records.journal import Piece
from crm_bridge.records.writer import Batch, Writer
from ivr.ami.errors import AuthenticationFailed
from ivr.ami.reconnect import LinkState
from tests.support.migrated import sqlite_url
from tests.support.scenario import config_of


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


async def test_a_kept_place_is_told_at_once(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/x.db")
    app = App(Config.model_construct(), database, CommitLoop(Writer(database)))
    listener = app.hub.listen([KEPT_PLACES])
    app.wished()
    assert listener.take() is not None, "not after the calls of before are on disk, as tasks are"


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


async def bridge(tmp_path, *, key: str = "") -> App:
    """A bridge of one node, built and not connected."""
    config = config_of("ours").model_copy(
        update={
            "database": DatabaseSection(url=await sqlite_url(tmp_path / "hotline.db")),
            "node": [NodeSection(name="pbx1", ami_secret="x", recordings=tmp_path)],
            "recordings": RecordingsSection(keys={"k1": SecretStr(key)} if key else {}),
        }
    )
    return await build(config)


async def test_without_a_key_what_is_to_be_deleted_is_seen_to(tmp_path):
    app = await bridge(tmp_path)
    rounds = app.voice_rounds
    assert (app.vault, rounds is None) == (None, False)
    assert (rounds.messages, rounds.conversations) == (None, None)
    await rounds.go()
    await app.database.close()


async def test_a_conversation_is_over_where_the_line_is_known_and_nothing_of_it_is_there(tmp_path):
    app = await bridge(tmp_path, key=base64.b64encode(bytes(32)).decode())
    over = app.voice_rounds.conversations.over
    (node,) = app.floor.line.nodes
    assert not over("pbx1-1.1", "1.1")  # not connected yet
    node.members.known, node.link.state = True, LinkState.UP
    assert over("pbx1-1.1", "1.1")
    assert not over("pbx2-1.1", "1.1")  # of a node that this bridge has not
    node.tracker.net.channels["1.1"] = None
    assert not over("pbx1-1.1", "1.1")  # a channel of which no call is known
    node.tracker.net.channels.clear()
    node.tracker.lives["pbx1-1.1"] = None
    assert not over("pbx1-1.1", "1.1")
    node.tracker.lives.clear()
    node.link.state = LinkState.CONNECTING
    assert not over("pbx1-1.1", "1.1")
    await app.database.close()
