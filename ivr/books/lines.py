"""Bytes of a growing book become whole lines, each with the place where it began.

Sans-IO: any chunking gives the same lines. A last line without its end is not given out: Asterisk
may still be writing it. What is no line of a book (longer than `LONGEST`) is passed over and
counted, so that no garbage can fill the memory.
"""

from __future__ import annotations

from typing import Final

LONGEST: Final = 65_536
"""Bytes of the longest line that is kept; Asterisk's own are below a few thousand."""

Line = tuple[int, bytes]
"""Where it begins (bytes from the start of the file), and what it holds without its end."""


class Lines:
    """Cuts one file's bytes into lines; `at` is where the first byte fed stands in the file."""

    def __init__(self, at: int = 0) -> None:
        self._rest = bytearray()
        self._at = at
        self._skipping = False
        self.overlong = 0
        """Lines that were passed over because of their length."""

    def feed(self, data: bytes) -> list[Line]:
        """The lines that these bytes complete."""
        if not data:
            return []
        rest = self._rest
        known = len(rest)
        rest += data
        end = rest.rfind(b"\n", known)
        if end < 0:
            self._bound()
            return []
        whole = bytes(rest[:end])
        del rest[: end + 1]
        found: list[Line] = []
        at = self._at
        self._at += end + 1
        for line in whole.split(b"\n"):
            if self._skipping:
                self._skipping = False
            elif len(line) > LONGEST:
                self.overlong += 1
            elif line:
                found.append((at, line))
            at += len(line) + 1
        self._bound()
        return found

    def end(self) -> list[Line]:
        """What stands behind the last line end, of a file that will not grow any more."""
        rest, at = bytes(self._rest), self._at
        self._at += len(rest)
        self._rest.clear()
        if self._skipping or not rest:
            self._skipping = False
            return []
        return [(at, rest)]

    @property
    def at(self) -> int:
        """Where the first line begins that has not been given out."""
        return self._at

    def _bound(self) -> None:
        if len(self._rest) <= LONGEST:
            return
        if not self._skipping:
            self.overlong += 1
        self._skipping = True
        self._at += len(self._rest)
        self._rest.clear()
