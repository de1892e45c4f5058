"""One AMI message read: headers from bytes, a missing one is `None`, never ''.

`fields` is the quick way for the events of a busy line; `Message` for everything that needs order,
repeated headers or any spelling of a name (Asterisk writes `Uniqueid`, `UniqueID`, `uniqueid`).
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
ARRIVAL: Final = "HotlineArrival"
"""Header appended to a message without Timestamp: arrival, epoch seconds with microseconds."""

_NO_TIMESTAMP_BEFORE: Final = b"\r\nTimestamp: "


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
