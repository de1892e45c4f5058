"""What is sealed piece by piece with AES-256-GCM, in memory of one piece: recordings and backups.

`MAGIC`, then pieces of at most `PIECE` bytes, each bound to its place and to being the last or not,
so that none can be left out, swapped or cut off unseen. A key is used for one stream, written once.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crm_bridge.recordings.keyring import NONCE, SealFault

MAGIC: Final = b"hotline1"
PIECE: Final = 1 << 16
_TAG: Final = 16


class Sealer:
    """Takes plain bytes and writes sealed ones; `close` writes the last piece, nothing else."""

    def __init__(self, into: BinaryIO, cipher: AESGCM) -> None:
        self._into = into
        self._cipher = cipher
        self._number = 0
        self._held = bytearray()
        into.write(MAGIC)

    def abandon(self) -> None:
        """What is still written goes nowhere: the file is given up."""
        self._into = io.BytesIO()

    def write(self, data: bytes) -> int:
        """Seals what fills a piece; the rest waits for more."""
        self._held += data
        while len(self._held) > PIECE:
            self._seal(bytes(self._held[:PIECE]), last=False)
            del self._held[:PIECE]
        return len(data)

    def close(self) -> None:
        """Nothing more comes."""
        self._seal(bytes(self._held), last=True)
        self._held.clear()

    def _seal(self, piece: bytes, *, last: bool) -> None:
        nonce = _nonce(self._number, last=last)
        self._into.write(self._cipher.encrypt(nonce, piece, MAGIC))
        self._number += 1


class Opener:
    """Reads plain bytes out of a sealed stream; SealFault where it is damaged or cut off."""

    def __init__(self, file: BinaryIO, cipher: AESGCM) -> None:
        self._pieces = opened(file, cipher)
        self._held = bytearray()

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, fewer only at the end; all of them without it."""
        while size < 0 or len(self._held) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._held += piece
        size = len(self._held) if size < 0 else size
        data = bytes(self._held[:size])
        del self._held[:size]
        return data


def opened(file: BinaryIO, cipher: AESGCM) -> Iterator[bytes]:
    """The plain pieces one after another."""
    if file.read(len(MAGIC)) != MAGIC:
        raise SealFault("its file is not one of ours")
    number, piece = 0, file.read(PIECE + _TAG)
    while True:
        following = file.read(PIECE + _TAG)
        try:
            yield cipher.decrypt(_nonce(number, last=not following), piece, MAGIC)
        except (InvalidTag, ValueError):
            raise SealFault("its file is damaged") from None
        if not following:
            return
        number, piece = number + 1, following


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(NONCE - 1, "big") + bytes([last])
