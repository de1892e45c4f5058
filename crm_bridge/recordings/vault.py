"""Where sealed recordings lie: a file each, named at random, below the desk's own folder.

A file is sealed as `sealing.py` says, with the recording's own key (`keyring.py`).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crm_bridge.config import Config
from crm_bridge.recordings.keyring import Keyring, SealedKey, SealFault
from crm_bridge.recordings.sealing import PIECE, Sealer, opened

_ID: Final = re.compile(r"[0-9a-f]{32}")


class Vault:
    """The folder of sealed recordings. Every method blocks; OSError where the disk refuses."""

    def __init__(self, folder: Path, keys: Keyring) -> None:
        self.folder = folder / "recordings"
        self.keys = keys

    def path(self, recording_id: str) -> Path:
        """Where a recording lies; ValueError for what is no id."""
        if not _ID.fullmatch(recording_id):
            raise ValueError("no id of a recording")
        return self.folder / recording_id[:2] / recording_id

    def put(self, source: Path, recording_id: str, head: bytes = b"") -> SealedKey:
        """Seals a file's content, on disk when this returns; the source stays where it is.

        `head` stands in place of as many bytes of its beginning.
        """
        key, sealed = self.keys.draw(recording_id)
        place = self.path(recording_id)
        new = not place.parent.exists()
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = place.with_suffix(".part")
        try:
            with source.open("rb") as plain, part.open("xb") as into:
                os.fchmod(into.fileno(), 0o600)
                _seal(plain, into, AESGCM(key), head)
                into.flush()
                os.fsync(into.fileno())
            part.replace(place)
            for folder in (place.parent, *((self.folder, self.folder.parent) if new else ())):
                settle(folder)
        except BaseException:
            part.unlink(missing_ok=True)
            place.unlink(missing_ok=True)
            raise
        return sealed

    def read(self, recording_id: str, sealed: SealedKey) -> Iterator[bytes]:
        """The content, piece by piece; raises SealFault where it cannot be opened or is damaged."""
        cipher = AESGCM(self.keys.open(recording_id, sealed))
        try:
            file = self.path(recording_id).open("rb")
        except FileNotFoundError:
            raise SealFault("its file is gone from its place") from None
        with file:
            yield from opened(file, cipher)

    def drop(self, recording_id: str) -> None:
        """Deletes it; one that is gone already is no fault."""
        self.path(recording_id).unlink(missing_ok=True)

    def lying(self, older_than: float) -> Iterator[str]:
        """Ids of what has lain for so many seconds; what was never finished is deleted."""
        for path in self.folder.glob("??/*"):
            if time.time() - path.stat().st_mtime < older_than:
                continue
            if path.suffix == ".part":
                path.unlink(missing_ok=True)
            elif _ID.fullmatch(path.name):
                yield path.name


def vault_of(config: Config) -> Vault | None:
    """The vault of this installation; None where there is no key."""
    return keyless(config) if config.recordings.keyed else None


def keyless(config: Config) -> Vault:
    """The vault of this installation, to delete from it: it may have no key."""
    section = config.recordings
    return Vault(config.desk.data_dir, Keyring(section.bytes_by_name(), section.in_force))


def settle(folder: Path) -> None:
    """What stands in the folder is on disk: a name that is not is gone with a crash."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _seal(plain: BinaryIO, into: BinaryIO, cipher: AESGCM, head: bytes) -> None:
    sealer = Sealer(into, cipher)
    sealer.write(head + plain.read(PIECE)[len(head) :])
    while piece := plain.read(PIECE):
        sealer.write(piece)
    sealer.close()
