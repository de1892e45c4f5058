"""The wire between the bridge and Asterisk's AMI, spoiled at will: cut, silent, slow, in bursts."""

from __future__ import annotations

import asyncio
import contextlib
from random import Random

from ivr.lab.proxy import Proxy

_AT_ONCE = 65536


class Wire(Proxy):
    """A proxy that can do worse than cut; what it spoils is what Asterisk says, in `way`.

    `silent`: nothing is passed either way, and the connection stands. `held`: what Asterisk says is
    kept, and let go at once afterwards. `drip`: a little at a time. `chopped`: in pieces of any
    length, some of one byte. `swapped`: neighbours of one read that Asterisk said at the same
    moment, of two channels, in the other order.
    """

    def __init__(self, address: str, server: str, port: int, rng: Random) -> None:
        super().__init__(address, server, port)
        self.way = "plain"
        self.swaps = 0
        self._rng = rng
        self._turn = asyncio.Event()

    def spoil(self, way: str) -> None:
        """From here on, until `plain`."""
        self.way = way
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        far: asyncio.StreamWriter | None = None
        passing: list[asyncio.Task[None]] = []
        try:
            if self._mended.is_set():
                heard, far = await asyncio.open_connection(self._server, self.port)
                self._writers.add(far)
                passing = [
                    asyncio.create_task(self._said(reader, far)),
                    asyncio.create_task(self._heard(heard, writer)),
                ]
                await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            pass  # Asterisk is down
        finally:
            for task in passing:
                task.cancel()
            for end in (writer, far):
                if end is not None:
                    self._writers.discard(end)
                    end.transport.abort()

    async def _said(self, reader: asyncio.StreamReader, far: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_AT_ONCE):
                while self.way == "silent":
                    await self._turn.wait()
                far.write(data)
                await far.drain()

    async def _heard(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_AT_ONCE):
                while self.way in {"silent", "held"}:
                    await self._turn.wait()
                    # all that has come meanwhile goes at once: the kernel has kept it
                if self.way == "drip":
                    await self._slowly(near, data, lambda: 300, 0.01)
                elif self.way == "chopped":
                    await self._slowly(near, data, lambda: self._rng.choice((1, 2, 3, 17, 400)), 0)
                elif self.way == "swapped":
                    near.write(self._swapped(data))
                    await near.drain()
                else:
                    near.write(data)
                    await near.drain()

    async def _slowly(self, near: asyncio.StreamWriter, data: bytes, size, pause: float) -> None:
        at = 0
        while at < len(data) and self.way in {"drip", "chopped"}:
            piece = data[at : at + size()]
            near.write(piece)
            await near.drain()
            at += len(piece)
            await asyncio.sleep(pause)
        near.write(data[at:])
        await near.drain()

    def _swapped(self, data: bytes) -> bytes:
        """Whole messages only: what is torn at either end of the read stays where it is."""
        pieces = data.split(b"\r\n\r\n")
        n = 1
        while n + 2 < len(pieces):
            one, two = pieces[n], pieces[n + 1]
            if _free_of(one, two) and self._rng.random() < 0.5:
                pieces[n], pieces[n + 1] = two, one
                self.swaps += 1
                n += 1
            n += 1
        return b"\r\n\r\n".join(pieces)


def _free_of(one: bytes, two: bytes) -> bool:
    """Two events that may come in either order: two calls' own, within half a millisecond."""
    a, b = _headers(one), _headers(two)
    if not {b"Event", b"Timestamp", b"Linkedid"} <= a.keys() & b.keys():
        return False
    return (
        a[b"Linkedid"] != b[b"Linkedid"]
        and b"DestLinkedid" not in a.keys() | b.keys()
        and abs(float(a[b"Timestamp"]) - float(b[b"Timestamp"])) < 0.0005
    )


def _headers(message: bytes) -> dict[bytes, bytes]:
    return {
        name: value.strip()
        for name, _, value in (line.partition(b":") for line in message.split(b"\r\n"))
    }
