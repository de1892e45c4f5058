"""A call's media: an SDP offer or answer, µ-law silence or speech, keys as RFC 4733 events."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import struct

_FRAME = 0.02
"""Seconds of sound in one packet."""
_SILENCE = b"\xff" * 160
_PCMU = 0
_KEYS = "0123456789*#ABCD"
_EVENT_FRAMES = 5
"""A key lasts this many frames (100 ms), then three end packets."""


class Media(asyncio.DatagramProtocol):
    """One RTP stream of a call, on a port of its own; what comes in is counted and dropped."""

    def __init__(self, address: str, *, steady: bool = True) -> None:
        self.address = address
        self.port = 0
        self.received = 0
        self.steady = steady
        self.speech = b""
        """µ-law that is spoken over and over; empty: silence."""
        self._remote: tuple[str, int] | None = None
        self._event_type = 101
        self._transport: asyncio.DatagramTransport | None = None
        self._sequence = secrets.randbelow(1 << 15)
        self._timestamp = secrets.randbelow(1 << 30)
        self._source = secrets.randbits(32)
        self._stream: asyncio.Task[None] | None = None
        self._session = secrets.randbelow(1 << 30)
        self._version = 0

    async def open(self) -> None:
        """Binds a free port of the agent's own address."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(self.address, 0)
        )
        self.port = self._transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Counts what is heard."""
        self.received += 1

    def error_received(self, exc: Exception) -> None:
        """The far side is gone; the call's own signalling tells."""

    def description(self, direction: str = "sendrecv") -> bytes:
        """The SDP of this stream: µ-law and telephone events."""
        self._version += 1
        return "\r\n".join(
            [
                "v=0",
                f"o=lab {self._session} {self._version} IN IP4 {self.address}",
                "s=lab",
                f"c=IN IP4 {self.address}",
                "t=0 0",
                f"m=audio {self.port} RTP/AVP 0 101",
                "a=rtpmap:0 PCMU/8000",
                "a=rtpmap:101 telephone-event/8000",
                "a=fmtp:101 0-16",
                "a=ptime:20",
                f"a={direction}",
                "",
            ]
        ).encode()

    def connect(self, body: bytes) -> None:
        """Takes the far side's address from its SDP and begins to send silence."""
        text = body.decode("utf-8", "replace")
        host = re.search(r"^c=IN IP4 (\S+)", text, re.MULTILINE)
        port = re.search(r"^m=audio (\d+)", text, re.MULTILINE)
        event = re.search(r"^a=rtpmap:(\d+) telephone-event/8000", text, re.MULTILINE)
        if not host or not port:
            return
        self._remote = (host.group(1), int(port.group(1)))
        if event:
            self._event_type = int(event.group(1))
        if self._stream is None:
            self._stream = asyncio.get_running_loop().create_task(self._speak())

    async def _speak(self) -> None:
        # Answer() and the first announcement wait until something is heard from the caller.
        loop = asyncio.get_running_loop()
        due = loop.time()
        frames = 0
        while self.steady or frames < 10:  # a short burst is enough to be heard
            at = frames * 160 % len(self.speech) if self.speech else 0
            self._send(_PCMU, self.speech[at : at + 160] or _SILENCE)
            self._timestamp += 160
            frames += 1
            due += _FRAME
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _send(self, payload_type: int, payload: bytes, *, marker: bool = False) -> None:
        if self._transport is None or self._remote is None or not self._remote[1]:
            return
        self._sequence = (self._sequence + 1) & 0xFFFF
        head = struct.pack(
            "!BBHII",
            0x80,
            payload_type | (0x80 if marker else 0),
            self._sequence,
            self._timestamp & 0xFFFFFFFF,
            self._source,
        )
        self._transport.sendto(self.packed(head + payload), self._remote)

    def packed(self, packet: bytes) -> bytes:
        """The RTP packet as it goes onto the wire."""
        return packet

    async def press(self, keys: str, gap: float = 0.08) -> None:
        """Presses the keys, each 100 ms long with `gap` seconds between."""
        await self._pause()
        for key in keys:
            code = _KEYS.index(key)
            for frame in range(1, _EVENT_FRAMES + 1):
                event = struct.pack("!BBH", code, 10, 160 * frame)
                self._send(self._event_type, event, marker=frame == 1)
                await asyncio.sleep(_FRAME)
            for _ in range(3):
                self._send(self._event_type, struct.pack("!BBH", code, 0x8A, 160 * _EVENT_FRAMES))
            self._timestamp += 160 * (_EVENT_FRAMES + 1)
            await asyncio.sleep(gap)
        if self.steady:
            self._stream = asyncio.get_running_loop().create_task(self._speak())

    async def _pause(self) -> None:
        if self._stream is not None:
            self._stream.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._stream

    def close(self) -> None:
        """Ends the stream and frees the port."""
        if self._stream is not None:
            self._stream.cancel()
        if self._transport is not None:
            self._transport.close()
