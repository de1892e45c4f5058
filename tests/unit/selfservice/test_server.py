"""The server over a socket: bounded, one session's fault never another's, a clean stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import ClassVar

import pytest

from ivr.selfservice import server as rooms
from ivr.selfservice.server import Line, Server
from tests.support.live import until

HEAD = b"agi_network_script: %s\nagi_language: th\n\n"


async def echo(line: Line) -> None:
    """Asks until it is told 9."""
    while (await line.ask("WAIT FOR DIGIT", "1000")).result != "9":
        pass


async def telling(line: Line) -> None:
    """Looks something up while Asterisk carries out what it was told."""
    line.tell("SET VARIABLE", "a", "1")
    line.tell("SET VARIABLE", "b", "2")
    await line.ask("WAIT FOR DIGIT", "1000")


async def following(line: Line) -> None:
    """Hears of a key when it was pressed, in one turn."""
    reply = await line.ask_after(("GOSUB", "a"), ("GET VARIABLE", "b"), seconds=1.0)
    await line.ask("VERBOSE", reply.data)


async def broken(_line: Line) -> None:
    raise LookupError("a bug")


@contextlib.asynccontextmanager
async def serving(**how: object) -> AsyncIterator[tuple[Server, int]]:
    sessions = {"echo": echo, "broken": broken, "telling": telling, "following": following}
    server = Server(sessions, **how)  # type: ignore[arg-type]
    port = await server.start("127.0.0.1", 0)
    try:
        yield server, port
    finally:
        await server.stop()
        while Asterisk.opened:
            await Asterisk.opened.pop().close()


class Asterisk:
    """The other side, as bare as it can be."""

    opened: ClassVar[list[Asterisk]] = []

    def __init__(self, port: int) -> None:
        self.port = port

    async def open(self, script: bytes = b"echo") -> Asterisk:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(HEAD % script)
        self.opened.append(self)
        return self

    async def asked(self) -> bytes:
        """The next command; empty where the connection is closed."""
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.readline(), 5)
        return b""

    async def meanwhile(self) -> bytes:
        """What has come after many turns of the loop: nothing where one reply is awaited."""
        for _ in range(50):
            await asyncio.sleep(0)
        return bytes(self.reader._buffer)  # type: ignore[attr-defined]

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


async def ended(server: Server, how: str, times: int = 1) -> None:
    await until(f"{times} sessions {how}: {server.counts}", lambda: server.counts[how] >= times)


async def test_a_session_to_its_end_and_one_that_is_hung_up():
    async with serving() as (server, port):
        one = await Asterisk(port).open()
        assert await one.asked() == b'WAIT FOR DIGIT "1000"\n'
        one.say(b"100 result=0 Trying...\n200 result=1\n")
        await one.asked()
        one.say(b"200 result=9\n")
        assert await one.asked() == b""
        await ended(server, "done")
        for words in (b"HANGUP\n", b"200 result=-1\n", b"511 dead\n", None):
            two = await Asterisk(port).open()
            await two.asked()
            if words is None:
                await two.close()
            else:
                two.say(words)
                assert await two.asked() == b""
        await ended(server, "gone", 4)
        assert len(server) == 0


async def test_what_follows_a_subroutine_is_asked_while_it_runs_and_never_before():
    async with serving() as (server, port):
        for begins in (True, False):
            one = await Asterisk(port).open(b"following")
            assert await one.asked() == b'GOSUB "a"\n'
            assert not await one.meanwhile()
            one.say(b"100 result=0 Trying...\n" if begins else b"200 result=0\n")
            assert await one.asked() == b'GET VARIABLE "b"\n'
            if begins:
                one.say(b"200 result=0 Gosub complete\n")
                assert not await one.meanwhile()
            one.say(b"200 result=1 (7)\n")
            assert await one.asked() == b'VERBOSE "7"\n'
            one.say(b"200 result=1\n")
        await ended(server, "done", 2)
        one = await Asterisk(port).open(b"following")
        await one.asked()
        one.say(b"520 unknown\n")
        await ended(server, "fault")


@pytest.mark.parametrize(
    ("answer", "how"),
    [(b"200 result=1\n", "done"), (b"520 unknown\n", "fault"), (b"HANGUP\n", "gone"),
     (b"200 result=-1\n", "gone")],
)  # fmt: skip
async def test_a_command_told_is_answered_before_the_next_is_asked(answer, how):
    async with serving() as (server, port):
        one = await Asterisk(port).open(b"telling")
        assert await one.asked() == b'SET VARIABLE "a" "1"\n'
        assert not await one.meanwhile()
        one.say(answer)
        if how == "done":
            assert await one.asked() == b'SET VARIABLE "b" "2"\n'
            assert not await one.meanwhile()
            one.say(answer)
            assert await one.asked() == b'WAIT FOR DIGIT "1000"\n'
            one.say(b"200 result=0\n")
        assert await one.asked() == b""
        await ended(server, how)


async def test_one_sessions_fault_is_no_others():
    async with serving() as (server, port):
        good = await Asterisk(port).open()
        await good.asked()
        for script in (b"broken", b"nothing-of-ours", b"x" * 5000):
            bad = await Asterisk(port).open(script)
            assert await bad.asked() == b""
        await ended(server, "fault", 3)
        good.say(b"200 result=9\n")
        assert await good.asked() == b""
        await ended(server, "done")


async def test_who_says_nothing_or_lasts_too_long_is_let_go(monkeypatch):
    monkeypatch.setattr(rooms, "REQUEST_WITHIN", 0.1)
    monkeypatch.setattr(rooms, "REPLY_LATE", 0.1)
    async with serving(longest=0.5) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"agi_network: yes\n")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        mute = await Asterisk(port).open()
        await mute.asked()
        assert await mute.asked() == b""  # its reply is late
        long = await Asterisk(port).open()
        while await long.asked():
            long.say(b"200 result=1\n")
            await asyncio.sleep(0.05)
        await ended(server, "late", 3)
        writer.close()


async def test_only_so_many_at_once():
    async with serving(most=2) as (server, port):
        kept = [await Asterisk(port).open() for _ in range(2)]
        for one in kept:
            await one.asked()
        third = await Asterisk(port).open()
        assert await third.asked() == b""
        assert server.counts["full"] == 1
        kept[0].say(b"HANGUP\n")
        await ended(server, "gone")
        fourth = await Asterisk(port).open()
        assert await fourth.asked()


async def test_strangers_are_turned_away():
    async with serving(peers=["192.0.2.0/24"]) as (server, port):
        one = await Asterisk(port).open()
        assert await one.asked() == b""
        await ended(server, "refused")


async def test_a_stop_ends_what_runs_and_takes_no_more():
    async with serving() as (server, port):
        one = await Asterisk(port).open()
        await one.asked()
        await server.stop()
        assert await one.asked() == b""
        assert len(server) == 0
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asyncio.open_connection("127.0.0.1", port)
        await server.stop()
