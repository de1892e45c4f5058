"""One AMI message read: headers from bytes, a missing one is `None`, never ''.

`Headers` is the quick way for the events of a busy line, of which a few headers are wanted;
`fields` reads them all; `Message` is for everything that needs order, repeated headers or any
spelling of a name (Asterisk writes `Uniqueid`, `UniqueID`, `uniqueid`).
UTF-8 is decoded with `errors="replace"`: Asterisk cuts names below 80 bytes, even within a letter.
"""

from __future__ import annotations

from typing import Final

LINK_UP: Final = "HotlineLinkUp"
"""Made by us: the first message of a connection that has logged in."""
SNAPSHOT_END: Final = "HotlineSnapshotEnd"
"""Made by us: the replies to the snapshot's actions all stand before it."""
LINK_LOST: Final = "HotlineLinkLost"
"""Made by us: the connection is gone; nothing is known from here to the next link-up."""
DECLARED: Final = "HotlineDeclared"
"""Made by us: an act that a person declared at the desk, with CallID, Mark, Value and By."""
ARRIVAL: Final = "HotlineArrival"
"""Header appended to a message without Timestamp: arrival, epoch seconds with microseconds."""

_NO_TIMESTAMP_BEFORE: Final = b"\r\nTimestamp: "


class _Needles(dict[bytes, bytes]):
    """Header name → how its line begins; names are the program's own, so there are few."""

    def __missing__(self, name: bytes) -> bytes:
        needle = self[name] = b"\r\n" + name + b":"
        return needle


_NEEDLES: Final = _Needles()
_WORDS: Final[dict[bytes, str]] = {}
_MAX_WORDS: Final = 4096
_LONGEST_WORD: Final = 48


class Headers:
    """One message's headers by their exact name, each read when it is asked for.

    Of a repeated header the first counts; `Value:` and `Value: ` give ''. The first line, which
    names the message, is not among them.
    """

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes) -> None:
        self._raw = raw + b"\r\n"

    def bytes_of(self, name: bytes) -> bytes | None:
        """The header's value as it came, `None` where it is missing."""
        raw = self._raw
        needle = _NEEDLES[name]
        start = raw.find(needle)
        if start < 0:
            return None
        start += len(needle)
        if raw[start] == 0x20:
            start += 1
        return raw[start : raw.find(b"\r\n", start)]

    def get(self, name: bytes) -> str | None:
        """The header's value, `None` where it is missing."""
        value = self.bytes_of(name)
        return None if value is None else value.decode("utf-8", "replace")

    def need(self, name: bytes) -> str:
        """The header's value; `KeyError` where it is missing."""
        value = self.bytes_of(name)
        if value is None:
            raise KeyError(name)
        return value.decode("utf-8", "replace")

    def word(self, name: bytes) -> str | None:
        """As `get`, for a value that many messages share: one string in memory for all of them."""
        value = self.bytes_of(name)
        if value is None:
            return None
        word = _WORDS.get(value)
        if word is None:
            word = value.decode("utf-8", "replace")
            if len(_WORDS) < _MAX_WORDS and len(value) <= _LONGEST_WORD:
                _WORDS[value] = word
        return word

    def term(self, name: bytes) -> str:
        """As `word`; `KeyError` where it is missing."""
        word = self.word(name)
        if word is None:
            raise KeyError(name)
        return word

    def holds(self, name: bytes, value: bytes) -> bool:
        """Whether the header is there with just this value."""
        return self.bytes_of(name) == value


def fields(raw: bytes) -> dict[str, str]:
    """Headers of one message by their exact name; of a repeated header the first counts.

    `Value:` and `Value: ` give ''; a line that is no header is left out.
    """
    lines = raw.decode("utf-8", "replace").split("\r\n")
    try:
        # A line without ': ' makes a list of one, on which dict() raises: it is read below.
        found: dict[str, str] = dict([line.split(": ", 1) for line in lines])
    except ValueError:
        pass
    else:
        if len(found) == len(lines):
            return found
    found = {}
    for name, value in _headers(lines):
        found.setdefault(name, value)
    return found


def event_name(raw: bytes) -> str | None:
    """Name of the event, `None` for a response."""
    if not raw.startswith(b"Event: "):
        return None
    end = raw.find(b"\r\n")
    return raw[7 : end if end >= 0 else None].decode("utf-8", "replace")


def stamped(raw: bytes, at: float) -> bytes:
    """The message with `HotlineArrival` appended where Asterisk gave it no Timestamp.

    `at` is epoch seconds.
    """
    if _NO_TIMESTAMP_BEFORE in raw:
        return raw
    return b"%b\r\n%b: %.6f" % (raw, ARRIVAL.encode(), at)


def synthetic(name: str, at: float) -> bytes:
    """A message of our own, `at` in epoch seconds, in the shape of Asterisk's."""
    return b"Event: %b\r\nTimestamp: %.6f" % (name.encode(), at)


def declaration(call_id: str, name: str, at_us: int, value: str, by: str) -> bytes:
    """A desk act as a message of our own, at microseconds since the epoch.

    Whatever the texts hold, each stays within its own header.
    """
    seconds, part = divmod(at_us, 1_000_000)
    headers = (("CallID", call_id), ("Mark", name), ("Value", value), ("By", by))
    told = "".join(f"\r\n{key}: {_one_line(text)}" for key, text in headers)
    return f"Event: {DECLARED}\r\nTimestamp: {seconds}.{part:06d}{told}".encode("utf-8", "replace")


def _one_line(text: str) -> str:
    return text.translate({ord(c): " " for c in "\r\n\0"})


class Message:
    """One message with its headers in order; names are found whatever their case."""

    __slots__ = ("headers", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.headers: tuple[tuple[str, str], ...] = tuple(
            _headers(raw.decode("utf-8", "replace").split("\r\n"))
        )

    def get(self, name: str) -> str | None:
        """Value of the first header of that name."""
        wanted = name.lower()
        for key, value in self.headers:
            if key.lower() == wanted:
                return value
        return None

    def all(self, name: str) -> list[str]:
        """Values of every header of that name, in order."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    @property
    def event(self) -> str | None:
        """The event's name; `None` for a response, whatever fields it carries."""
        return event_name(self.raw)

    @property
    def response(self) -> str | None:
        """`Success`, `Error`, `Goodbye` …; `None` for an event."""
        return self.get("Response") if self.raw.startswith(b"Response:") else None

    def __repr__(self) -> str:
        # Names only: values hold callers' data, and a repr ends up in logs.
        return f"<Message {' '.join(key for key, _ in self.headers)}>"


def _headers(lines: list[str]) -> list[tuple[str, str]]:
    found = []
    for line in lines:
        name, colon, value = line.partition(": ")
        if not colon:
            name, colon, value = line.partition(":")
        if colon:
            found.append((name, value))
    return found
