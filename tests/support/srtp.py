"""SRTP (RFC 3711, AES_CM_128_HMAC_SHA1_80, keys by SDES): a second witness of Asterisk's own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ivr.lab.rtp import Media

SUITE = "AES_CM_128_HMAC_SHA1_80"
_TAG = 10


def _counter(key: bytes, start: int, data: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.CTR(start.to_bytes(16, "big")))
    return cipher.encryptor().update(data)


class Keys:
    """The keys of one direction, from its master key and salt; one stream, in order."""

    def __init__(self, master: bytes) -> None:
        key, salt = master[:16], int.from_bytes(master[16:30], "big")

        def derived(label: int, length: int) -> bytes:
            return _counter(key, (salt ^ (label << 48)) << 16, bytes(length))

        self._key, self._auth = derived(0, 16), derived(1, 20)
        self._salt = int.from_bytes(derived(2, 14), "big")
        self._rollovers, self._last = 0, -1

    def _cipher(self, packet: bytes) -> bytes:
        number, source = struct.unpack("!H", packet[2:4])[0], struct.unpack("!I", packet[8:12])[0]
        if number < self._last - 0x8000:
            self._rollovers += 1
        self._last = number
        start = (self._salt << 16) ^ (source << 64) ^ (((self._rollovers << 16) | number) << 16)
        return packet[:12] + _counter(self._key, start, packet[12:])

    def _tag(self, packet: bytes) -> bytes:
        signed = packet + struct.pack("!I", self._rollovers)
        return hmac.new(self._auth, signed, hashlib.sha1).digest()[:_TAG]

    def sealed(self, packet: bytes) -> bytes:
        closed = self._cipher(packet)
        return closed + self._tag(closed)

    def opened(self, packet: bytes) -> bytes | None:
        """What is in it, or None where it is not of these keys."""
        closed, tag = packet[:-_TAG], packet[-_TAG:]
        plain = self._cipher(closed)
        return plain if hmac.compare_digest(tag, self._tag(closed)) else None


class SecureMedia(Media):
    """A stream that is sealed; what comes in and could be opened is counted in `opened`."""

    def __init__(self, address: str, **more: bool) -> None:
        super().__init__(address, **more)
        self.opened = 0
        self._master = secrets.token_bytes(30)
        self._ours = Keys(self._master)
        self._theirs: Keys | None = None

    def description(self, direction: str = "sendrecv") -> bytes:
        line = f"a=crypto:1 {SUITE} inline:{base64.b64encode(self._master).decode()}\r\n"
        plain = super().description(direction).replace(b"RTP/AVP", b"RTP/SAVP")
        return plain.replace(b"a=rtpmap:0", line.encode() + b"a=rtpmap:0", 1)

    def connect(self, body: bytes) -> None:
        found = re.search(rb"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:([A-Za-z0-9+/=]+)", body)
        assert found, body
        assert b"RTP/SAVP" in body
        self._theirs = Keys(base64.b64decode(found[1]))
        super().connect(body)

    def packed(self, packet: bytes) -> bytes:
        return self._ours.sealed(packet)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) > 1 and 192 <= data[1] <= 223:  # RTCP, which has keys of its own
            return
        if self._theirs is not None and self._theirs.opened(data) is not None:
            self.opened += 1
        else:
            self.received += 1
