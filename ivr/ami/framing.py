"""Whole AMI messages from bytes that arrive in any pieces; unneeded events dropped unread.

Rules
1. A message ends at the first empty line (CR LF CR LF). What is handed on are the bytes before it,
   without CR LFs in front (Asterisk adds an extra one after some events).
2. A message is an event (`Event: NAME` is its *first* line; a later one is only a field), a
   response (`Response:` is its first line, always handed on) or garbage (counted, dropped): so a
   stream that begins in the middle of a message costs that message and nothing else.
3. The banner (`Asterisk Call Manager/x.y.z`) is one line with no empty line after it: the first
   message starts right behind it.
4. A message longer than `max_message` is dropped and counted; reading goes on behind its end.
5. `Command` output is read in the form of Asterisk 14 and later (`Output:` headers, one message).
   The older form may hold empty lines before its `--END COMMAND--`: only what stands before the
   first of them is handed on, the rest counts as garbage.

Speed: an unfiltered Asterisk sends about five events for each that is needed. One `split` finds
them all, then each costs one slice and one look into a set of message beginnings which are known
not to be needed; the rest one look into those known to be. Both are learned and bounded, and hold
only beginnings that say for certain: they change how fast an event is judged, never how.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

END: Final = b"\r\n\r\n"
BANNER: Final = b"Asterisk Call Manager/"

_PREFIX: Final = 26  # holds most names whole; what follows (`Privilege: …`) never differs
_MAX_LEARNED: Final = 1024  # an Asterisk 22 with everything loaded knows some 200 event names
_SMALL: Final = 4096  # below this it is cheaper to grow the remainder in place

Keep = Mapping[bytes, tuple[bytes, ...]]
"""Event name → needles: keep the event where one of them stands in it; no needles: always."""


class Framer:
    """One connection's bytes in, whole needed messages out; no I/O, no clock.

    `keep=None` hands on every event.
    """

    __slots__ = (
        "_droppable",
        "_keep",
        "_kept_lines",
        "_known",
        "_last_lines",
        "_max_message",
        "_rest",
        "_skipping",
        "banner",
        "bytes_fed",
        "cut_short",
        "dropped",
        "garbage",
        "messages",
        "oversized",
    )

    def __init__(self, keep: Keep | None = None, *, max_message: int = 1 << 20) -> None:
        self._keep: dict[bytes, tuple[bytes, ...]] | None = None if keep is None else dict(keep)
        self._kept_lines = [b"Event: " + name + b"\r\n" for name in self._keep or ()]
        # The CR LF of a message's last line went with the empty line; a needle may name it.
        self._last_lines = (
            tuple(
                needle[:-2]
                for needles in self._keep.values()
                for needle in needles
                if needle[-2:] == b"\r\n"
            )
            if self._keep
            else ()
        )
        self._max_message = max_message
        self._droppable: set[bytes] = set()
        self._known: dict[bytes, tuple[bytes, ...]] = {}
        self._rest = bytearray()
        self._skipping = False
        self.banner: bytes | None = None
        """The last banner line seen, without its CR LF."""
        self.bytes_fed = 0
        """Bytes fed so far."""
        self.messages = 0
        """Messages handed on."""
        self.dropped = 0
        """Whole events that were not needed."""
        self.oversized = 0
        """Messages longer than `max_message`, dropped."""
        self.garbage = 0
        """Blocks that are neither event nor response, dropped."""
        self.cut_short = 0
        """Messages that a lost connection left unfinished."""

    def feed(self, data: bytes | memoryview) -> list[bytes]:
        """Return the needed messages that `data` completes, in order."""
        size = len(data)
        self.bytes_fed += size
        rest = self._rest
        if size >= _SMALL and size >= len(rest):
            block = b"".join((rest, data)) if rest else bytes(data)
        else:
            start = len(rest) - 3  # an end may lie across the border of two reads
            rest += data
            if rest.find(END, max(start, 0)) < 0:
                if len(rest) - 3 > self._max_message:
                    self._skip()
                return []
            block = bytes(rest)
        parts = block.split(END)
        self._rest = bytearray(parts.pop())
        if self._skipping and parts:
            self._skipping = False
            del parts[0]  # the end of the message that was too long
        if len(self._rest) - 3 > self._max_message:
            self._skip()
        droppable = self._droppable
        unsure = [part for part in parts if part[:_PREFIX] not in droppable]
        self.dropped += len(parts) - len(unsure)
        known, longest = self._known, self._max_message
        out = []
        for part in unsure:
            needles = known.get(part[:_PREFIX])
            if needles is None or len(part) > longest:
                message = self._examine(part)
                if message is not None:
                    out.append(message)
            elif not needles or self._holds(part, needles):
                out.append(part)
            else:
                self.dropped += 1
        self.messages += len(out)
        return out

    def reset(self) -> None:
        """The connection is gone: forget its unfinished message; counters go on."""
        if self._skipping or self._rest.strip(b"\r\n"):
            self.cut_short += 1
        self._rest = bytearray()
        self._skipping = False

    def _skip(self) -> None:
        """Give up the unfinished message; keep what may be the beginning of its end."""
        if not self._skipping:
            self._skipping = True
            self.oversized += 1
        del self._rest[:-3]

    def _examine(self, part: bytes) -> bytes | None:
        """Return the event or response behind line ends and banner where it is needed.

        Counts what is not, and learns what its beginning says about others.
        """
        if len(part) > self._max_message:
            self.oversized += 1
            return None
        message = part.lstrip(b"\r\n")
        while message.startswith(BANNER):
            self.banner, _, message = message.partition(b"\r\n")
            message = message.lstrip(b"\r\n")
        if message.startswith(b"Response:"):
            return message
        if not message.startswith(b"Event: "):
            if message:
                self.garbage += 1
            return None
        if self._keep is None:
            return message
        line, ended, _ = message.partition(b"\r\n")
        needles = self._keep.get(line[7:])
        self._learn(message[:_PREFIX], line + ended, needles)
        if needles is not None and (not needles or self._holds(message, needles)):
            return message
        self.dropped += 1
        return None

    def _holds(self, message: bytes, needles: tuple[bytes, ...]) -> bool:
        """Tell whether one of the needles stands in the event."""
        for needle in needles:
            if needle in message:
                return True
        if message.endswith(self._last_lines):
            for needle in needles:
                if needle[-2:] == b"\r\n" and message.endswith(needle[:-2]):
                    return True
        return False

    def _learn(self, prefix: bytes, line: bytes, needles: tuple[bytes, ...] | None) -> None:
        """Note what every event that begins with `prefix` has in store, where that is certain."""
        if len(self._droppable) + len(self._known) >= _MAX_LEARNED:
            return
        if needles is None:
            if not any(kept.startswith(prefix) for kept in self._kept_lines):
                self._droppable.add(prefix)
        elif prefix.startswith(line) and line.endswith(b"\r\n"):
            self._known[prefix] = needles
