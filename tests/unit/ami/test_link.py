"""The client and the link against the fake AMI server of conftest.py, over real TCP."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from ivr.ami import actions
from ivr.ami.address import NodeAddress
from ivr.ami.client import Client
from ivr.ami.errors import (
    ActionRefused,
    ActionTimeout,
    AuthenticationFailed,
    ConnectFailed,
    LinkLost,
    NotConnected,
    UnsafeAction,
)
from ivr.ami.feed import Feed
from ivr.ami.message import fields
from ivr.ami.reconnect import Link, LinkState, LinkTiming, ReconnectPolicy

KEEP = {b"Hangup": (), b"UserEvent": (b"UserEvent: Hotline1203\r\n",)}
HANGUP = "Event: Hangup\r\nPrivilege: call,all\r\nTimestamp: 5.0\r\nUniqueid: %d"
SNAPSHOT = [
    "HotlineLinkUp",
    "Response",
    "CoreShowChannel",
    "CoreShowChannelsComplete",
    "BridgeListItem",
    "BridgeListItem",
    "BridgeListItem",
    "BridgeListComplete",
    "BridgeInfoChannel",
    "BridgeInfoComplete",
    "QueueParams",
    "QueueStatusComplete",
    "ExtensionStatus",
    "ExtensionStateListComplete",
    "HotlineSnapshotEnd",
]


class Heard:
    """What a link handed on."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.bytes = b""
        self.cuts: list[float] = []

    def on_messages(self, messages: list[bytes], at: float) -> None:
        self.messages += messages

    def on_bytes(self, data: bytes, at: float) -> None:
        self.bytes += data

    @property
    def names(self) -> list[str]:
        return [fields(m).get("Event", "Response") for m in self.messages]


@pytest.fixture
async def links() -> AsyncIterator[Callable[..., Any]]:
    """Start a link in a task; at the end no task may be left."""
    before = asyncio.all_tasks()
    running: list[tuple[Link, asyncio.Task[None]]] = []

    def start(ami: Any, heard: Heard, **options: Any) -> tuple[Link, asyncio.Task[None]]:
        options.setdefault("timing", LinkTiming(ping_every=60))
        options.setdefault("policy", ReconnectPolicy(first=0.001, cap=0.01))
        secret = options.pop("secret", "right")
        link = Link(
            "pbx1",
            NodeAddress("127.0.0.1", ami.port, "hotline", secret),
            options.pop("keep", KEEP),
            heard.on_messages,
            on_bytes=heard.on_bytes,
            on_cut=heard.cuts.append,
            **options,
        )
        task = asyncio.create_task(link.run())
        running.append((link, task))
        return link, task

    yield start
    for link, task in running:
        link.stop()
        if not task.done():
            async with asyncio.timeout(5):
                await task
    await asyncio.sleep(0)
    assert {t for t in asyncio.all_tasks() - before if "Link" in repr(t)} == set()


async def test_connect_filter_snapshot_and_events_in_order(ami, until, links) -> None:
    heard = Heard()
    link, task = links(ami, heard)
    await until(lambda: link.state is LinkState.UP)
    assert heard.names == SNAPSHOT
    assert fields(heard.messages[8])["ActionID"] == "hotline-bridge-b-1"
    assert [a["Action"] for a in ami.received] == [
        *("Login", "Filter", "CoreStatus", "CoreShowChannels", "BridgeList"),
        *("BridgeInfo", "BridgeInfo", "QueueStatus", "ExtensionStateList", "Ping"),
    ]
    assert ami.received[1]["Filter"] == actions.event_filter(KEEP)
    ami.send(*(HANGUP % i for i in range(50)), "Event: VarSet\r\nX: 1", "Event: Hangup\r\nValue: ")
    await until(lambda: len(heard.messages) == len(SNAPSHOT) + 51)
    after = heard.messages[len(SNAPSHOT) :]
    assert [fields(m).get("Uniqueid") for m in after[:50]] == [str(i) for i in range(50)]
    assert fields(after[50])["Value"] == ""
    assert "HotlineArrival" in fields(after[50])
    link.stop()
    await task
    assert link.state is LinkState.STOPPED
    assert heard.names[-1] == "HotlineLinkLost"
    await until(lambda: ami.received[-1]["Action"] == "Logoff")


async def test_acts_go_out_while_events_flow_and_each_gets_its_own_answer(
    ami, until, links
) -> None:
    heard = Heard()
    link, _ = links(ami, heard)
    with pytest.raises(NotConnected, match="pbx1 is not connected"):
        await link.act(actions.hangup("", "PJSIP/1001-1"))
    assert ami.received == []
    await until(lambda: link.state is LinkState.UP)
    ami.refused.add("Atxfer")
    acts = [asyncio.create_task(link.act(actions.hangup("", f"PJSIP/100{n}-1"))) for n in range(9)]
    refused = asyncio.create_task(link.act(actions.attended_transfer("", "P/1", "2001", "x")))
    ami.send(*(HANGUP % i for i in range(200)))
    replies = await asyncio.gather(*acts)
    assert {reply["Message"] for reply in replies} == {"Channel Hungup"}
    assert len({reply["ActionID"] for reply in replies}) == len(acts)
    with pytest.raises(ActionRefused, match="Permission denied"):
        await refused
    await until(lambda: heard.names.count("Hangup") == 200)
    ami.silent.add("Hangup")
    with pytest.raises(ActionTimeout):
        await link.act(actions.hangup("", "PJSIP/1001-1"), seconds=0.01)
    waiting = asyncio.create_task(link.act(actions.hangup("", "PJSIP/1001-1")))
    await until(lambda: len([a for a in ami.received if a["Action"] == "Hangup"]) == 11)
    ami.cut()
    with pytest.raises(LinkLost):
        await waiting


async def test_an_asterisk_that_still_starts_is_asked_again_and_one_without_is_taken(
    ami, until, links
) -> None:
    ami.refused.add("QueueStatus")
    ami.why = "Invalid/unknown command: QueueStatus."
    heard = Heard()
    link, _ = links(ami, heard)
    await until(lambda: link.failures >= 2)
    assert "still starting" in str(link.last_error)
    assert "HotlineSnapshotEnd" not in heard.names
    ami.refused.clear()
    await until(lambda: link.state is LinkState.UP)
    ami.refused.add("QueueStatus")
    ami.cut()
    await until(lambda: link.connects == 2 and link.state is LinkState.UP)
    assert link.failures == 6


async def test_what_is_captured_replays_to_the_same_messages(ami, until, links) -> None:
    heard = Heard()
    link, task = links(ami, heard, clock=lambda: 7.0)
    await until(lambda: link.state is LinkState.UP)
    ami.send(HANGUP % 1)
    await until(lambda: "Hangup" in heard.names)
    link.stop()
    await task
    feed = Feed(KEEP)
    assert feed.chunk(heard.bytes, 7.0) + feed.cut(7.0) == heard.messages


async def test_bytes_one_by_one_and_a_second_event_header(ami, until, links) -> None:
    heard = Heard()
    link, _ = links(ami, heard)
    await until(lambda: link.state is LinkState.UP)
    evil = "Event: UserEvent\r\nUserEvent: Hotline1203\r\nEvent: Hangup\r\nName: François สมชาย"
    for byte in evil.encode() + b"\r\n\r\n":
        ami.writers[-1].write(bytes([byte]))
        await ami.writers[-1].drain()
        await asyncio.sleep(0)
    await until(lambda: "UserEvent" in heard.names)
    assert fields(heard.messages[-1])["Name"] == "François สมชาย"
    assert link.connects == 1


async def test_a_wrong_password_is_fatal_and_never_retried(ami, links) -> None:
    heard = Heard()
    link, task = links(ami, heard, secret="wrong")
    with pytest.raises(AuthenticationFailed, match="ami_secret"):
        await task
    assert [a["Action"] for a in ami.received] == ["Login"]
    assert heard.messages == []
    assert link.state is LinkState.STOPPED
    assert "wrong" not in str(task.exception()).replace("wrongly", "")


async def test_a_cut_in_mid_message_is_named_and_the_link_comes_back(ami, until, links) -> None:
    heard = Heard()
    link, _ = links(ami, heard)
    await until(lambda: link.state is LinkState.UP)
    ami.cut(b"Event: Hangup\r\nUniqueid: 9")
    await until(lambda: link.connects == 2)
    assert heard.names == [*SNAPSHOT, "HotlineLinkLost", *SNAPSHOT]
    assert len(heard.cuts) == 1
    assert link.feed.framer.cut_short == 1


async def test_the_backoff_grows_is_jittered_and_starts_anew(ami, until, links) -> None:
    heard, waits = Heard(), []
    now = [0.0]

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)
        if len(waits) == 4:
            await ami.start()

    await ami.stop()
    link, _ = links(
        ami,
        heard,
        sleep=sleep,
        chance=lambda: 0.5,
        monotonic=lambda: now[0],
        policy=ReconnectPolicy(first=1, factor=2, cap=5, jitter=0.5),
    )
    await until(lambda: link.state is LinkState.UP)
    assert waits == [0.75, 1.5, 3.0, 3.75]
    now[0] = 100.0
    ami.cut()
    await until(lambda: link.connects == 2)
    assert waits[4:] == [0.75]


def test_the_policy_is_bounded() -> None:
    policy = ReconnectPolicy()
    for failures in range(0, 10_000, 7):
        assert 0 < policy.delay(failures, random.random()) <= policy.cap
    assert policy.delay(1, 0) == policy.first


async def test_a_half_open_connection_is_found_by_ping(ami, until, links) -> None:
    heard = Heard()
    link, _ = links(ami, heard, timing=LinkTiming(ping_every=0.02, ping_answer=0.05))
    await until(lambda: link.state is LinkState.UP)
    pings = sum(a["Action"] == "Ping" for a in ami.received)
    await until(lambda: sum(a["Action"] == "Ping" for a in ami.received) > pings + 2)
    assert link.connects == 1
    ami.silent = {"Ping"}
    await until(lambda: heard.cuts)
    ami.silent = set()
    await until(lambda: link.connects == 2)
    assert heard.names.count("HotlineLinkLost") == 1


async def test_a_busy_asterisk_that_answers_late_is_not_given_up(ami, until, links) -> None:
    heard = Heard()
    link, _ = links(ami, heard, timing=LinkTiming(ping_every=0.01, ping_answer=0.1))
    await until(lambda: link.state is LinkState.UP)
    ami.silent = {"Ping"}
    seen = len(ami.received)
    while len(ami.received) < seen + 3:
        ami.send(HANGUP % 1)
        await asyncio.sleep(0.005)
    assert link.connects == 1
    assert heard.cuts == []


async def test_dropped_on_purpose_within_the_callback(ami, until, links) -> None:
    heard = Heard()
    link, _ = links(ami, heard)
    await until(lambda: link.state is LinkState.UP)
    passed = link._on_messages

    def full(messages: list[bytes], at: float) -> None:
        if b"Event: Hangup" in messages[0]:
            link.drop("the queue is full")
        passed(messages, at)

    link._client._protocol._on_messages = full
    ami.send(HANGUP % 1)
    await until(lambda: link.connects == 2)
    after = heard.names[len(SNAPSHOT) :]
    assert after == ["Hangup", "HotlineLinkLost", *SNAPSHOT]


async def test_without_the_privilege_to_filter_all_events_are_sorted_here(
    ami, until, links
) -> None:
    heard = Heard()
    ami.refused = {"Filter", "CoreShowChannels"}
    link, _ = links(ami, heard)
    await until(lambda: link.state is LinkState.UP)
    ami.send("Event: VarSet\r\nX: 1", HANGUP % 1)
    await until(lambda: heard.names[-1] == "Hangup")
    assert "CoreShowChannel" not in heard.names
    assert "VarSet" not in heard.names
    ami.cut()
    await until(lambda: link.connects == 2)
    assert sum(a["Action"] == "Filter" for a in ami.received) == 1


async def test_every_event_where_no_filter_is_wanted(ami, until, links) -> None:
    heard = Heard()
    link, _ = links(ami, heard, keep=None)
    await until(lambda: link.state is LinkState.UP)
    ami.send("Event: VarSet\r\nX: 1")
    await until(lambda: heard.names[-1] == "VarSet")
    assert "Filter" not in [a["Action"] for a in ami.received]


async def test_a_silent_server_is_left_after_the_time_limit(ami, until, links) -> None:
    heard = Heard()
    ami.silent = {"Login"}
    link, _ = links(ami, heard, timing=LinkTiming(action=0.03))
    await until(lambda: len(ami.received) >= 2)
    assert "Login" in (link.last_error or "")
    link._timing = LinkTiming(listing=0.03)
    ami.silent = {"QueueStatus"}
    await until(lambda: "QueueStatus" in (link.last_error or ""))
    link._timing = LinkTiming()
    ami.silent = set()
    await until(lambda: link.state is LinkState.UP)


async def test_cancelling_ends_it_at_once(ami, until, links) -> None:
    heard = Heard()
    link, task = links(ami, heard)
    await until(lambda: link.state is LinkState.UP)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert link.state is LinkState.STOPPED
    assert heard.names[-1] == "HotlineLinkLost"


async def test_stop_while_waiting_for_another_attempt(ami, until, links) -> None:
    heard = Heard()
    await ami.stop()
    link, task = links(ami, heard, policy=ReconnectPolicy(first=60, cap=60))
    await until(lambda: link.failures)
    assert "no connection" in (link.last_error or "")
    link.stop()
    async with asyncio.timeout(2):
        await task
    await ami.start()


async def connected(ami: Any, heard: Heard) -> tuple[Client, NodeAddress]:
    address = NodeAddress("127.0.0.1", ami.port, "hotline", "right")
    return await Client.connect(address, Feed(KEEP), heard.on_messages), address


async def test_single_actions(ami) -> None:
    client, address = await connected(ami, Heard())
    await client.login(address)
    assert (await client.act(actions.ping("p")))["Ping"] == "Pong"
    assert len(await client.listed(actions.bridge_list("b"))) == 4
    ami.refused = {"BridgeList", "Ping"}
    with pytest.raises(ActionRefused, match="Permission denied"):
        await client.listed(actions.bridge_list("b"))
    with pytest.raises(ActionRefused):
        await client.act(actions.ping("p"))
    ami.silent = {"Ping"}
    with pytest.raises(ActionTimeout):
        await client.act(actions.ping("p"), seconds=0.02)
    with pytest.raises(UnsafeAction):
        await client.act({"Action": "Ping", "ActionID": "1", "X": "a\r\nAction: Hangup"})
    waiting = asyncio.ensure_future(client.act(actions.ping("q")))
    await asyncio.sleep(0.02)
    client.close("test")
    with pytest.raises(LinkLost, match="test"):
        await waiting
    with pytest.raises(LinkLost):
        await client.act(actions.ping("r"))
    assert "Hangup" not in [a["Action"] for a in ami.received]


async def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, never listening
        address = NodeAddress("127.0.0.1", taken.getsockname()[1], "u", "s")
        with pytest.raises(ConnectFailed, match="no connection"):
            await Client.connect(address, Feed(KEEP), Heard().on_messages)
    assert "'s'" not in repr(address)
