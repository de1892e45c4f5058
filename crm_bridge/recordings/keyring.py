"""The keys from the environment, and what they seal: a key of its own for each recording.

A recording is sealed with a key that is drawn for it; that key lies in the recording's row, sealed
with one of these, whose name stands beside it. So another key can be put in force without touching
a file (`reseal`), and a recording whose row has lost its key is noise, wherever copies of it lie.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE: Final = 12
_BITS: Final = 256


class SealFault(Exception):
    """What is sealed cannot be opened: `what` in words, without anything of the content."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(frozen=True, slots=True)
class SealedKey:
    """The key of one recording as its row has it."""

    key_id: str
    sealed: bytes = field(repr=False)


class Keyring:
    """The keys by name, and the name of the one in force."""

    def __init__(self, keys: Mapping[str, bytes], in_force: str) -> None:
        self._keys = {name: AESGCM(key) for name, key in keys.items()}
        self.in_force = in_force

    def draw(self, recording_id: str) -> tuple[bytes, SealedKey]:
        """A new key for this recording, open and sealed with the key in force."""
        key = AESGCM.generate_key(_BITS)
        return key, self._seal(recording_id, key)

    def open(self, recording_id: str, sealed: SealedKey) -> bytes:
        """The recording's key; raises SealFault."""
        with_ = self._keys.get(sealed.key_id)
        if with_ is None:
            raise SealFault(f"the key {sealed.key_id!r} is not in recordings.keys")
        nonce, rest = sealed.sealed[:NONCE], sealed.sealed[NONCE:]
        try:
            return with_.decrypt(nonce, rest, _bound(recording_id))
        except (InvalidTag, ValueError):
            raise SealFault(f"the key {sealed.key_id!r} is another one than it was") from None

    def reseal(self, recording_id: str, sealed: SealedKey) -> SealedKey:
        """The same key sealed with the one in force; raises SealFault."""
        return self._seal(recording_id, self.open(recording_id, sealed))

    def _seal(self, recording_id: str, key: bytes) -> SealedKey:
        nonce = os.urandom(NONCE)
        sealed = self._keys[self.in_force].encrypt(nonce, key, _bound(recording_id))
        return SealedKey(self.in_force, nonce + sealed)


def _bound(recording_id: str) -> bytes:
    """A sealed key opens for its own recording and no other."""
    return f"hotline recording {recording_id}".encode()
