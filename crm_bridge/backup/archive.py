"""One backup as a file: a sealed stream in which a tar stands, its list of contents last.

    hotline-backup 1                              so that `file` and a person know it
    {"id": …, "key": …, "sealed": …}              which key opens it; one line
    sealed (recordings/sealing.py): tar, gzip     head.json, the files, manifest.json

Written and read in one pass, in the memory of a piece. The key is drawn for this file and stands in
it, sealed with one of `backup.keys`.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, Self, cast

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crm_bridge.errors import HotlineError
from crm_bridge.recordings.keyring import Keyring, SealedKey, SealFault
from crm_bridge.recordings.sealing import Opener, Sealer

FIRST_LINE: Final = b"hotline-backup 1\n"
HEAD: Final = "head.json"
MANIFEST: Final = "manifest.json"
_BLOCK: Final = 1 << 20
_LONGEST_LINE: Final = 1000
_MOST_OF_LIST: Final = 64 * 1_048_576


class BackupFault(HotlineError):
    """A backup that cannot be made, or is not whole: `where` is its file."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a backup is of; times are ISO 8601, UTC."""

    made_at: str
    program: str
    engine: str
    """`sqlite` or `postgresql`."""
    schema: str
    """The migration its tables stand at."""
    journal: Mapping[str, str] = field(default_factory=dict)
    """Node → until when its events are in it for certain; the books fill what came later."""
    audit: Mapping[str, Any] | None = None
    """The end of the chain of acts: a copy that lies elsewhere proves that none was taken out."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a backup."""

    name: str
    size: int
    sha256: str


class Writer:
    """Puts files into a backup; `finish` once, after the last."""

    def __init__(self, into: BinaryIO, keys: Keyring, head: Head) -> None:
        archive_id = f"backup-{uuid.uuid4().hex}"
        key, sealed = keys.draw(archive_id)
        line = {"id": archive_id, "key": sealed.key_id, "sealed": sealed.sealed.hex()}
        into.write(FIRST_LINE + json.dumps(line).encode() + b"\n")
        self._sealer = Sealer(into, AESGCM(key))
        self._tar = tarfile.open(mode="w|gz", fileobj=cast(IO[bytes], self._sealer))  # noqa: SIM115
        self._entries: list[Entry] = []
        self.text(HEAD, json.dumps(asdict(head), ensure_ascii=False, indent=1))

    def text(self, name: str, content: str) -> None:
        """A file that is made here."""
        data = content.encode()
        self._add(name, len(data), io.BytesIO(data))

    def file(self, name: str, source: Path) -> None:
        """A file of the disk; one that is gone meanwhile is left out. It may grow, not shrink."""
        try:
            with source.open("rb") as plain:
                self._add(name, source.stat().st_size, plain)
        except FileNotFoundError:
            return

    def _add(self, name: str, size: int, plain: BinaryIO) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        hashed = _Hashed(plain)
        self._tar.addfile(info, cast(IO[bytes], hashed))
        self._entries.append(Entry(name, size, hashed.digest.hexdigest()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._sealer.abandon()  # tarfile writes its end when it is thrown away

    def finish(self) -> list[Entry]:
        """The list of contents, and the end of the stream."""
        entries = list(self._entries)
        self.text(MANIFEST, json.dumps([asdict(entry) for entry in entries], ensure_ascii=False))
        self._tar.close()
        self._sealer.close()
        return entries


class _Hashed:
    def __init__(self, plain: BinaryIO) -> None:
        self._plain = plain
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._plain.read(size)
        self.digest.update(data)
        return data


@contextmanager
def reading(path: Path, keys: Keyring) -> Iterator[tarfile.TarFile]:
    """The tar within; BackupFault where it cannot be opened or is damaged, in or after this."""
    try:
        with path.open("rb") as file:
            if file.read(len(FIRST_LINE)) != FIRST_LINE:
                raise BackupFault("is no backup of the hotline", where=str(path))
            cipher = AESGCM(_key(file.readline(_LONGEST_LINE), keys))
            opener = Opener(file, cipher)
            with tarfile.open(mode="r|gz", fileobj=cast(IO[bytes], opener)) as tar:
                yield tar
    except SealFault as fault:
        damaged = "damaged" in fault.what or "not one of ours" in fault.what
        raise BackupFault(
            "is damaged or was cut off" if damaged else fault.what, where=str(path),
            mend="take another backup" if damaged
            else "give it the key it was sealed with: HOTLINE_BACKUP__KEYS__NAME",
        ) from None  # fmt: skip
    except (tarfile.TarError, EOFError, ValueError, KeyError) as error:
        raise BackupFault(
            "is damaged", where=str(path), mend="take another backup"
        ) from error  # fmt: skip
    except OSError as error:
        raise BackupFault(
            f"cannot be read: {error.strerror or type(error).__name__}", where=str(path)
        ) from error


def _key(line: bytes, keys: Keyring) -> bytes:
    found = json.loads(line)
    return keys.open(found["id"], SealedKey(found["key"], bytes.fromhex(found["sealed"])))


def unpack(path: Path, keys: Keyring, into: Path | None, prefix: str = "") -> tuple[Head, int]:
    """Reads a backup to its end, every hash compared; its head, and how many files it holds.

    `into`: where files go whose name begins with `prefix`; without it nothing is written. Raises
    BackupFault; what was written until then is the caller's to remove.
    """
    head: Head | None = None
    seen: dict[str, Entry] = {}
    listed: list[Entry] | None = None
    with reading(path, keys) as tar:
        for member in tar:
            plain = tar.extractfile(member)
            known = member.name in (HEAD, MANIFEST)
            if (
                plain is None
                or listed is not None
                or _strays(member.name)
                or (known and member.size > _MOST_OF_LIST)
            ):
                raise BackupFault("holds what no backup of ours holds", where=str(path))
            if member.name == MANIFEST:
                listed = [Entry(**entry) for entry in json.loads(plain.read(member.size))]
                continue
            kept = io.BytesIO() if member.name == HEAD else None
            target = into / member.name if into and member.name.startswith(prefix) else None
            seen[member.name] = _copy(member, plain, kept, target)
            if kept is not None:
                head = Head(**json.loads(kept.getvalue()))
    if head is None or listed is None:
        raise BackupFault("is not whole", where=str(path), mend="take another backup")
    if {entry.name: entry for entry in listed} != seen:
        raise BackupFault("holds other files than it lists", where=str(path))
    return head, len(seen)


def _strays(name: str) -> bool:
    return name.startswith("/") or ".." in Path(name).parts


def _copy(
    member: tarfile.TarInfo, plain: IO[bytes], kept: io.BytesIO | None, target: Path | None
) -> Entry:
    digest = hashlib.sha256()
    out: BinaryIO | None = None
    if target is not None:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        out = target.open("xb")
        target.chmod(0o600)
    try:
        while block := plain.read(_BLOCK):
            digest.update(block)
            for sink in (kept, out):
                if sink is not None:
                    sink.write(block)
    finally:
        if out is not None:
            out.close()
    return Entry(member.name, member.size, digest.hexdigest())
