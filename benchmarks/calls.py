"""As many distinct calls as wanted from one that a real Asterisk carried.

Every uniqueid, channel name, bridge, officer, caller's number and time of the captured call is
written anew for each copy, so that copies are calls of their own, in order of time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.framing import END, stream_of

SERVED: Final = Path(__file__).parents[1] / "tests" / "scenarios" / "answered_served.capture"
_IDS: Final = 64
"""More than any captured call has ids: those of two copies never meet."""
_OFFICER: Final = b"1001"
_CALLER: Final = b"0812345678"
_NAMED: Final = re.compile(
    rb"\r\n(?:(?:Dest)?(?:Uniqueid|Linkedid|Channel)|BridgeUniqueid|Value): ([^\r\n]{6,})"
)
_ID: Final = re.compile(
    rb"(?:[\w]+-)?(\d{10})\.\d+|PJSIP/\S+-[0-9a-f]{8}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
_TIMESTAMP: Final = re.compile(rb"\r\nTimestamp: (\d+)\.(\d{6})")


class Template:
    """One captured call as messages that can be written for any number of calls."""

    def __init__(self, capture: Path = SERVED) -> None:
        messages = _of_the_call(stream_of(capture).split(END))
        text = END.join(messages)
        named = {found for found in _NAMED.findall(text) if _ID.fullmatch(found)}
        self._ids = sorted(named, key=lambda one: (-len(one), one))
        self._stamps = sorted({a + b"." + b for a, b in _TIMESTAMP.findall(text)})
        words = [re.escape(word) for word in self._ids + self._stamps]
        words += [rb"(?<![\d.])" + word + rb"(?!\d)" for word in (_OFFICER, _CALLER)]
        split = re.compile(b"(" + b"|".join(words) + b")")
        self._messages = [split.split(message + END) for message in messages]
        self.first = _micros(self._stamps[0])
        """When the captured call began; microseconds since the epoch."""
        self.talking = 1 + max(
            (n for n, m in enumerate(messages) if m.startswith(b"Event: BridgeEnter")), default=-1
        )
        """Messages up to and with the officer's joining the caller; none where none joins him."""

    def __len__(self) -> int:
        return len(self._messages)

    def call(
        self,
        number: int,
        begin: int = 0,
        end: int | None = None,
        *,
        shift: int | None = None,
        stretch: int = 1,
    ) -> list[bytes]:
        """The messages of call `number`, each whole; calls begin 20 ms apart, or `shift` later
        (µs) than the captured one. It takes `stretch` times as long.
        """
        if shift is None:
            shift = number * 20_000
        new = {
            stamp: b"%d.%06d"
            % divmod(
                self.first + (_micros(stamp) - self.first) * stretch + shift,
                1_000_000,
            )
            for stamp in self._stamps
        }
        for n, old in enumerate(self._ids):
            if old.startswith(b"PJSIP/1"):
                new[old] = b"PJSIP/%d-%08x" % (1000 + number % 900, number * _IDS + n)
            elif old.startswith(b"PJSIP/"):
                new[old] = old[:-8] + b"%08x" % (number * _IDS + n)
            elif old.count(b"-") == 4:
                new[old] = old[:24] + b"%012x" % (number * _IDS + n)
            else:
                stem = old.rpartition(b".")[0]
                born = int(stem[-10:]) + shift // 1_000_000
                new[old] = b"%b%d.%d" % (stem[:-10], born, 1000 + number * _IDS + n)
        new[_OFFICER] = b"%d" % (1000 + number % 900)
        new[_CALLER] = b"08%08d" % (10_000_000 + number)
        return [
            b"".join([new.get(part, part) if n % 2 else part for n, part in enumerate(parts)])
            for parts in self._messages[begin:end]
        ]

    def side_by_side(self, first: int, count: int, abreast: int = 10) -> Iterator[bytes]:
        """Whole calls, so many of them at any time, their messages one by one in turns."""
        for start in range(first, first + count, abreast):
            group = [self.call(n) for n in range(start, min(start + abreast, first + count))]
            yield b"".join([message for turn in zip(*group, strict=True) for message in turn])


def _of_the_call(messages: list[bytes]) -> list[bytes]:
    """From the first channel to the last hang-up; the snapshot before it is left out."""
    names = [message.lstrip(b"\r\n").split(b"\r\n", 1)[0] for message in messages]
    first = names.index(b"Event: Newchannel")
    last = len(names) - names[::-1].index(b"Event: Hangup")
    return [message.lstrip(b"\r\n") for message in messages[first:last]]


def _micros(stamp: bytes) -> int:
    return int(stamp.replace(b".", b""))
