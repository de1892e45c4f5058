"""The capture file: what came from an AMI socket, when, and where the connection was lost.

Gzip or plain JSON lines. First a header `{"hotline_capture": 1, "node", "asterisk", "started_at"}`,
then a line per chunk read, `{"t": seconds since start, "b": base64}`, or `{"t": …, "cut": true}`.
The writer flushes often enough that a crash costs seconds, not the file; the reader names the very
byte at which a file is damaged.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from ivr.ami.errors import CaptureError

VERSION: Final = 1
_BLOCK: Final = 1 << 16
_MAX_LINE: Final = 1 << 26
_MAX_CHUNK: Final = 1 << 20
_GZIP_MAGIC: Final = b"\x1f\x8b"
_MEND: Final = (
    "All before it is good; replay what there is up to this point by allowing truncation"
    " (allow_truncated=True), or take the capture anew."
)


@dataclass(frozen=True, slots=True)
class CaptureHeader:
    """The first line; `started_at` in epoch seconds, UTC."""

    node: str
    asterisk: str | None
    started_at: float


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes as one read gave them; `t` in seconds since the start of the capture."""

    t: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection was lost at `t` seconds since the start of the capture."""

    t: float


class CaptureWriter:
    """Writes one capture; synchronous, so call it where a short write to disk may happen.

    `compress=None` follows the suffix: `.gz` is gzip. Flushed after `flush_bytes` of AMI data or
    when `flush_seconds` have passed between two entries, whichever is first, and at every cut.
    """

    def __init__(
        self,
        path: Path,
        *,
        node: str,
        started_at: float,
        asterisk: str | None = None,
        compress: bool | None = None,
        flush_bytes: int = 1 << 18,
        flush_seconds: float = 1.0,
    ) -> None:
        self.path = path
        self.bytes_written = 0
        """AMI bytes taken so far."""
        if compress is None:
            compress = path.suffix == ".gz"
        self._file: IO[bytes] | gzip.GzipFile = (
            gzip.GzipFile(path, "wb", 6) if compress else path.open("wb")  # closed by close()
        )
        self._flush_bytes = flush_bytes
        self._flush_seconds = flush_seconds
        self._unflushed = 0
        self._flushed_t = 0.0
        self._line(
            {
                "hotline_capture": VERSION,
                "node": node,
                "asterisk": asterisk,
                "started_at": datetime.fromtimestamp(started_at, UTC).isoformat(
                    timespec="microseconds"
                ),
            }
        )
        self._file.flush()

    def chunk(self, t: float, data: bytes) -> None:
        """Add what one read gave, `t` seconds after the start. Raises OSError on a full disk."""
        for start in range(0, len(data), _MAX_CHUNK):
            piece = data[start : start + _MAX_CHUNK]
            self._line({"t": round(t, 6), "b": base64.b64encode(piece).decode("ascii")})
        self.bytes_written += len(data)
        self._unflushed += len(data)
        if self._unflushed >= self._flush_bytes or t - self._flushed_t >= self._flush_seconds:
            self._flush(t)

    def cut(self, t: float) -> None:
        """Note that the connection was lost `t` seconds after the start."""
        self._line({"t": round(t, 6), "cut": True})
        self._flush(t)

    def close(self) -> None:
        """Write the end of the file; calling it again does nothing."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _line(self, entry: dict[str, object]) -> None:
        self._file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")

    def _flush(self, t: float) -> None:
        self._file.flush()  # for gzip a sync flush: all up to here can be unpacked
        self._unflushed = 0
        self._flushed_t = t


def read_capture(
    path: Path, *, allow_truncated: bool = False
) -> tuple[CaptureHeader, Iterator[Chunk | Cut]]:
    """Read the header now, the entries as they are asked for; gzip is told by its first bytes.

    A file that ends in the middle of an entry (a crash while it was written) raises
    CaptureError after the last whole entry; with `allow_truncated` it simply ends there. Any other
    damage always raises CaptureError. A missing file raises OSError.
    """
    source = _Source(path)
    entries = _entries(source, allow_truncated)
    try:
        header = next(entries)
    except StopIteration:
        raise CaptureError(path, "is empty; a capture begins with a header line", byte=0) from None
    if not isinstance(header, CaptureHeader):
        raise source.error("the first line is not a capture header", 0)
    return header, (entry for entry in entries if not isinstance(entry, CaptureHeader))


class _Source:
    """Lines of a plain or gzip file, with the place of each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = 0
        self.line_start = 0
        """Unpacked bytes before the current line."""
        self.file_byte = 0
        """Bytes of the file read so far."""
        with path.open("rb") as file:
            self.packed = file.read(2) == _GZIP_MAGIC

    def error(self, what: str, within: int, *, truncated: bool = False) -> CaptureError:
        """Damage `within` bytes of the current line's start."""
        place = self.line_start + within
        return CaptureError(
            self.path,
            what,
            byte=self.file_byte if self.packed else place,
            decompressed_byte=place if self.packed else None,
            line=self.line or 1,
            mend=_MEND,
            truncated=truncated,
        )

    def lines(self) -> Iterator[bytes]:
        """Each line with its LF; the last one may lack it. Raises CaptureError."""
        rest = bytearray()
        blocks = self._unpacked() if self.packed else self._plain()
        try:
            for block in blocks:
                searched = len(rest)
                rest += block
                if block.find(b"\n") < 0:
                    if len(rest) > _MAX_LINE:
                        self.line += 1
                        raise self.error("holds a line of more than 64 MB", 0)
                    continue
                done = 0
                end = rest.find(b"\n", searched)
                while end >= 0:
                    yield from self._next(bytes(rest[done : end + 1]))
                    done = end + 1
                    end = rest.find(b"\n", done)
                del rest[:done]
        except _UnreadableError as damage:
            self.line += 1
            self.file_byte = damage.byte
            raise self.error(damage.what, len(rest), truncated=damage.truncated) from None
        if rest:
            yield from self._next(bytes(rest))

    def _next(self, line: bytes) -> Iterator[bytes]:
        self.line += 1
        yield line
        self.line_start += len(line)

    def _plain(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while block := file.read(_BLOCK):
                self.file_byte += len(block)
                yield block

    def _unpacked(self) -> Iterator[bytes]:
        """Unpacked blocks of one gzip member after another."""
        unpack = zlib.decompressobj(31)
        begun = False
        with self.path.open("rb") as file:
            while block := file.read(_BLOCK):
                while block:
                    before = unpack.copy()
                    try:
                        data = unpack.decompress(block)
                    except zlib.error:
                        good, data = _bad_byte(before, block)
                        if data:
                            yield data
                        raise _UnreadableError(
                            "the gzip data is damaged", self.file_byte + good
                        ) from None
                    left = unpack.unused_data
                    self.file_byte += len(block) - len(left)
                    begun = True
                    if data:
                        yield data
                    block = left
                    if unpack.eof:
                        unpack = zlib.decompressobj(31)
                        begun = False
        if begun:
            raise _UnreadableError("the gzip data ends too early", self.file_byte, truncated=True)


class _UnreadableError(Exception):
    def __init__(self, what: str, byte: int, *, truncated: bool = False) -> None:
        self.what = what
        self.byte = byte
        self.truncated = truncated


def _bad_byte(unpack: Any, block: bytes) -> tuple[int, bytes]:
    """Index of the byte at which unpacking fails, and what could be unpacked before it."""
    good = bytearray()
    for index in range(len(block)):
        try:
            good += unpack.decompress(block[index : index + 1])
        except zlib.error:
            return index, bytes(good)
    return len(block), bytes(good)


def _entries(source: _Source, allow_truncated: bool) -> Iterator[CaptureHeader | Chunk | Cut]:
    first = True
    try:
        for line in source.lines():
            whole = line.endswith(b"\n")
            try:
                entry = _entry(source, line, first)
            except CaptureError as damage:
                if whole:
                    raise
                raise source.error(
                    "ends in the middle of an entry", len(line), truncated=True
                ) from damage
            first = False
            yield entry
    except CaptureError as damage:
        if damage.truncated and allow_truncated and not first:
            return
        raise


def _entry(source: _Source, line: bytes, first: bool) -> CaptureHeader | Chunk | Cut:
    try:
        entry = json.loads(line)
    except UnicodeDecodeError as bad:
        raise source.error("is not UTF-8", bad.start) from None
    except json.JSONDecodeError as bad:
        raise source.error(f"is not JSON ({bad.msg})", len(bad.doc[: bad.pos].encode())) from None
    except RecursionError:
        raise source.error("is not an entry", 0) from None
    if not isinstance(entry, dict):
        raise source.error("is not an entry", 0)
    if first:
        return _header(source, entry)
    t = entry.get("t")
    if isinstance(t, bool) or not isinstance(t, int | float) or not math.isfinite(t) or t < 0:
        raise source.error('lacks its time "t" in seconds', 0)
    if entry.get("cut") is True:
        return Cut(float(t))
    data = entry.get("b")
    if not isinstance(data, str):
        raise source.error('has neither bytes "b" nor "cut"', 0)
    try:
        return Chunk(float(t), base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        raise source.error(
            'holds bytes "b" that are not base64', max(line.find(b'"b"'), 0)
        ) from None


def _header(source: _Source, entry: dict[str, Any]) -> CaptureHeader:
    if entry.get("hotline_capture") != VERSION:
        raise source.error(
            f'is no capture of a form known here ("hotline_capture" must be {VERSION})', 0
        )
    started = entry.get("started_at")
    try:
        if isinstance(started, str):
            at = datetime.fromisoformat(started)
            seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
        else:
            seconds = float(started)  # type: ignore[arg-type]  # what float refuses is reported
        if not math.isfinite(seconds):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise source.error('lacks "started_at" (ISO 8601 or epoch seconds)', 0) from None
    node, asterisk = entry.get("node"), entry.get("asterisk")
    return CaptureHeader(
        node if isinstance(node, str) else "",
        asterisk if isinstance(asterisk, str) else None,
        seconds,
    )
