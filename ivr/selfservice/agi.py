"""FastAGI, framed and written without I/O: a call's request, Asterisk's replies, our commands.

Asterisk connects, sends `agi_NAME: value` lines and an empty one, and then answers each command of
ours with a reply; `HANGUP` may stand between any two of them. Bytes come in pieces of any size;
what is longer than a bound is an `AgiFault`, never memory.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LINE_MOST: Final = 4096
"""Bytes of one line; Asterisk's own lines end below that."""
LINES_MOST: Final = 128
"""Lines of a request, and of a reply of several."""
COMMAND_MOST: Final = 2000
"""Bytes of a command with its end: Asterisk reads 2047."""

TRYING: Final = 100
"""A reply before the reply: the command is begun."""
SUCCESS: Final = 200
UNKNOWN_COMMAND: Final = 510
DEAD_CHANNEL: Final = 511
BAD_SYNTAX: Final = 520

_VERB: Final = re.compile(r"[A-Z]+(?: [A-Z]+)*")
_RESULT: Final = re.compile(r"result=(\S*)(?: \((.*)\))?")
_CODE: Final = re.compile(r"[0-9]{3}(?:[ -]|$)")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_HANGUP: Final = b"HANGUP"


class AgiFault(Exception):
    """The other side speaks no FastAGI, or more of it than is taken."""


class UnsafeCommand(ValueError):
    """A word of a command would end its line, or the command is longer than Asterisk reads."""


@dataclass(frozen=True, slots=True)
class Request:
    """What Asterisk tells of the call, by name without `agi_`."""

    values: Mapping[str, str]

    def get(self, name: str) -> str:
        """A value; empty where there is none."""
        return self.values.get(name, "")


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one command; `result` and `data` are empty where it has none."""

    code: int
    result: str = ""
    data: str = ""
    """What stands in parentheses: `timeout`, a variable's value."""
    text: str = ""
    """The rest of the line, or the lines of a reply of several."""

    @property
    def gone(self) -> bool:
        """The caller is no longer there, or the command could not be carried out on the channel."""
        return self.code == DEAD_CHANNEL or (self.code == SUCCESS and self.result == "-1")


@dataclass(frozen=True, slots=True)
class HungUp:
    """The caller has hung up, or Asterisk ended the call."""


Event = Request | Reply | HungUp


class Framer:
    """Bytes in, events out; the first is the Request."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._request: dict[str, str] | None = {}
        self._several: list[str] | None = None
        self._code = 0

    def feed(self, data: bytes) -> list[Event]:
        """The events that are whole with these bytes; raises AgiFault, after which it is done."""
        self._buffer += data
        found: list[Event] = []
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end]).removesuffix(b"\r")
            del self._buffer[: end + 1]
            if len(line) > LINE_MOST:
                break
            if (event := self._line(line)) is not None:
                found.append(event)
        else:
            if len(self._buffer) <= LINE_MOST:
                return found
        raise AgiFault(f"a line of more than {LINE_MOST} bytes")

    def _line(self, line: bytes) -> Event | None:
        if line == _HANGUP:
            return HungUp()
        text = line.decode("utf-8", "replace")
        if self._request is not None:
            return self._told(text)
        if self._several is not None:
            return self._further(text)
        code = text[:3]
        if not _CODE.match(text):
            raise AgiFault("a line that is no reply")
        if text[3:4] == "-":
            self._several, self._code = [text[4:]], int(code)
            return None
        return _reply(int(code), text[4:])

    def _told(self, text: str) -> Event | None:
        values = self._request
        if values is None:
            raise AgiFault("a request after the request")
        if not text:
            self._request = None
            return Request(values)
        name, colon, value = text.partition(":")
        if not colon or not name.startswith("agi_"):
            raise AgiFault("a line of the request that is no `agi_NAME: value`")
        values[name.removeprefix("agi_")] = value.strip()
        if len(values) > LINES_MOST:
            raise AgiFault(f"a request of more than {LINES_MOST} lines")
        return None

    def _further(self, text: str) -> Event | None:
        lines = self._several or []
        lines.append(text)
        if text.startswith(f"{self._code} "):
            self._several = None
            return Reply(self._code, text="\n".join(lines))
        if len(lines) > LINES_MOST:
            raise AgiFault(f"a reply of more than {LINES_MOST} lines")
        return None


def _reply(code: int, text: str) -> Reply:
    found = _RESULT.match(text)
    if found is None:
        return Reply(code, text=text)
    return Reply(code, found[1], found[2] or "", text[found.end() :].strip())


def command(verb: str, *words: str) -> bytes:
    """One command as Asterisk reads it back, word for word: each word in quotes.

    `verb` is in capitals (`SET VARIABLE`). Raises UnsafeCommand for a word with a line break, NUL
    or another control character in it, and for more than Asterisk reads.
    """
    if not _VERB.fullmatch(verb):
        raise UnsafeCommand(f"{verb!r} is no name of a command")
    line = " ".join([verb, *map(_quoted, words)]).encode() + b"\n"
    if len(line) > COMMAND_MOST:
        raise UnsafeCommand(
            f"{verb}: {len(line)} bytes, more than the {COMMAND_MOST} that are read"
        )
    return line


def _quoted(word: str) -> str:
    if _CONTROL.search(word):
        raise UnsafeCommand("a word of a command with a control character in it")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
