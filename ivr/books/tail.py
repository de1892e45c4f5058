"""Reading a book that grows, is rotated and truncated, from a place that outlives the reader.

This module does I/O. A place is an offset in a file that is known by its first bytes, not by its
name or inode: a file that was moved away (`hotline.csv.1`, `hotline.csv-20261130`), copied and
truncated (copytruncate), or compressed (`.gz`) is found again beside the book, read to its end, and
then what came after it. Memory is bounded by one piece. A book whose place is in no file any more
is read from its beginning and says so (`lost`).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from io import BufferedReader
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

PIECE: Final = 32_768
"""Bytes read at once: some milliseconds of work."""
_KNOWN_BY: Final = 512
"""First bytes by which a file is known; the first row of a book has a time in it."""
_SIBLINGS: Final = 500
"""Files beside the book that are looked at for an older part of it."""


class Reader(Protocol[R_co]):
    """What makes rows of bytes; `at` is where the first one begins that is still to come."""

    garbage: int

    def feed(self, data: bytes) -> Sequence[R_co]:
        """The rows that these bytes complete."""
        ...

    def end(self) -> Sequence[R_co]:
        """The last row, of a file that will not grow any more."""
        ...

    @property
    def at(self) -> int:
        """Where the first row begins that has not been given out."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """A point in a book: so many bytes into the file that begins so."""

    known_by: int
    """How many first bytes the digest is of."""
    digest: str
    offset: int

    def as_text(self) -> str:
        """The place in one line, for whoever keeps it."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def of_text(cls, text: str) -> Place | None:
        """The place written there; `None` where it is none."""
        try:
            found = json.loads(text)
            return cls(int(found["known_by"]), str(found["digest"]), int(found["offset"]))
        except (ValueError, TypeError, KeyError):
            return None


@dataclass(slots=True)
class _File:
    path: Path
    start: int
    base: int = 0
    """What is added to an offset in this file to make the number of a row's place."""


class Tail(Generic[R]):
    """One book from a place to its end as it is now. OSError where it cannot be read."""

    def __init__(
        self, path: Path, make: Callable[[int], Reader[R]], place: Place | None = None,
        *, rotated: bool = False,
    ) -> None:  # fmt: skip
        """`rotated`: without a place it begins with the oldest part that lies beside the book."""
        self.path = path
        self.lost = False
        """The place was in no file any more: what stood between is not in the book."""
        self.garbage = 0
        self._make = make
        self._files = self._from(place, rotated=rotated)
        self._at = 0

    def rows(self) -> Iterator[Sequence[R]]:
        """The rows, a piece of the file at a time; their `place` is a number for `place_of`."""
        base = 0
        for n, file in enumerate(self._files):
            file.base = base
            reader = self._make(base + file.start)
            read = file.start
            with _open(file.path) as stream:
                stream.seek(file.start)
                while data := stream.read(PIECE):
                    read += len(data)
                    rows = reader.feed(data)
                    self._at = reader.at
                    yield rows
            if n + 1 < len(self._files):
                yield reader.end()
            self._at = reader.at
            self.garbage += reader.garbage
            base += read + 1

    @property
    def at(self) -> int:
        """The number of the place where the first row begins that has not been given out."""
        return self._at

    def place_of(self, number: int) -> Place:
        """The place that outlives this reader, of a row's number."""
        file = next(f for f in reversed(self._files) if f.base <= number or f is self._files[0])
        known_by, digest = _known_by(file.path, _KNOWN_BY)
        return Place(known_by, digest, max(0, number - file.base))

    def _from(self, place: Place | None, *, rotated: bool) -> list[_File]:
        current = _File(self.path, 0)
        if place is None and not rotated:
            return [current]
        if place is not None and _is_in(self.path, place):
            return [_File(self.path, place.offset)]
        older = sorted(self._siblings(), key=lambda p: (p.stat().st_mtime_ns, p.name))
        if place is None:
            return [*(_File(p, 0) for p in older), current]
        for n, path in enumerate(older):
            if _is_in(path, place):
                return [_File(path, place.offset), *(_File(p, 0) for p in older[n + 1 :]), current]
        self.lost = place.offset > 0
        return [current]

    def _siblings(self) -> list[Path]:
        found = [
            path
            for path in self.path.parent.glob(f"{self.path.name}?*")
            if path.is_file() and path.name[len(self.path.name)] in ".-_"
        ]
        return found[:_SIBLINGS]


def _open(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def _known_by(path: Path, length: int) -> tuple[int, str]:
    with _open(path) as stream:
        head = stream.read(length)
    return len(head), sha256(head).hexdigest()


def _is_in(path: Path, place: Place) -> bool:
    """Whether this file begins so and reaches that far."""
    try:
        if _known_by(path, place.known_by) != (place.known_by, place.digest):
            return False
        if path.suffix == ".gz":
            return True  # how far it reaches is seen on reading
        return path.stat().st_size >= place.offset
    except (OSError, EOFError):
        return False
