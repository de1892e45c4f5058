"""What a session can do with a caller: play sounds, take keys, mark, and say where he goes next.

Before each command the caller's own time limit (`TIMEOUT(absolute)`) is set to what the command
takes at the longest: where the bridge stands still, or Asterisk hears no more of it, the dialplan's
`T` takes the caller on. A number is taken by one command (GET DATA): between two, keys are lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ivr.selfservice.agi import SUCCESS, AgiFault, Reply
from ivr.selfservice.server import Line

OUTCOME: Final = "HOTLINE_SELF"
"""The dialplan's variable: how far self-service has come; the bridge alone gives it a word."""
NEXT: Final = "HOTLINE_SELF_NEXT"
"""The dialplan's variable: where the caller goes, set last; empty says that the session broke."""

SLOW: Final = "HOTLINE_SLOW"
"""The dialplan's variable: 1 where the caller wants to hear things slowly (menu.conf)."""
PAUSE: Final = 0.6
"""Seconds of silence after each sound of what is said slowly: Asterisk plays at one speed."""

KEYS: Final = "0123456789*#"
NO_KEY: Final = "hotline/no-key"
WRONG_KEY: Final = "hotline/wrong-key"
KEY_WAIT: Final = 6.0
"""Seconds for the next digit of a number."""
OFFER_WAIT: Final = 5.0
"""Seconds for a key after an offer."""
SPOKEN: Final = 12.0
"""Seconds a sound of ours may take."""
SHORT: Final = 3.0
"""Seconds that one digit, number or month may take."""
_LIMIT: Final = "TIMEOUT(absolute)"
BETWEEN: Final = 1.9
"""Seconds the bridge may take between two commands; its desk must have answered by then. With what
Asterisk needs the caller is on his way within two."""
FIRST: Final = 0.9
"""Seconds from its first word to the next, which come to the one the dialplan gave it for that."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """What a caller pressed, without the # at its end."""

    keys: str
    ended: bool = False
    """By # or because all were there; else the time was up."""


class Session:
    """A caller in self-service."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.language = "en" if line.request.get("language") == "en" else "th"
        self.number = _number(line.request.get("callerid"))
        self.uniqueid = line.request.get("uniqueid")

    async def begin(self, *, speaks: bool = True) -> None:
        """The first word: Asterisk knows that somebody is there.

        Who speaks with nobody has no more time than the dialplan has given for all.
        """
        if speaks:
            await self.wait_for_us(FIRST)
        await self.set(OUTCOME, "begun")

    async def wait_for_us(self, seconds: float) -> None:
        """The caller goes on in the dialplan where he hears nothing of us for so long."""
        await self._done("SET VARIABLE", _LIMIT, f"{seconds:.1f}")

    async def set(self, name: str, value: str) -> None:
        """Sets a variable of the dialplan."""
        await self._done("SET VARIABLE", name, value)

    async def mark(self, name: str, value: str) -> None:
        """Emits a marker through the dialplan's one subroutine."""
        await self.run("mark", "s", f"{name},{value}")

    async def run(
        self, context: str, extension: str, arguments: str, *, seconds: float = 0.0
    ) -> None:
        """Runs a subroutine of the dialplan; one that speaks or listens takes `seconds` at most."""
        if seconds:
            await self.wait_for_us(seconds + BETWEEN)
        await self._done("GOSUB", context, extension, "1", arguments, seconds=seconds)
        if seconds:
            await self.wait_for_us(BETWEEN)

    async def get(self, name: str) -> str:
        """The value of a variable of the dialplan; empty where it has none."""
        return (await self._done("GET VARIABLE", name)).data

    async def speak(self, language: str) -> None:
        """What is said from here on is said in this language: th or en."""
        await self.set("CHANNEL(language)", language)
        self.language = language
        await self.mark("language", language)

    async def play(self, sounds: Sequence[str], *, pause: float = 0.0) -> str | None:
        """Plays sounds to their end, or to the key that is pressed meanwhile: that key.

        `pause`: seconds of silence after each of them.
        """
        for sound in sounds:
            seconds = _longest(sound)
            await self.wait_for_us(seconds + pause + BETWEEN)
            reply = await self._done("STREAM FILE", sound, KEYS, seconds=seconds)
            if pause and reply.result == "0":
                milliseconds = str(round(pause * 1000))
                reply = await self._done("WAIT FOR DIGIT", milliseconds, seconds=pause)
            if reply.result != "0":
                self._our_turn()
                return _key(reply.result)
        if sounds:  # of nothing the limit stands as it was
            self._our_turn()
        return None

    async def keys(
        self, sounds: Sequence[str], most: int, wait: float, *, pound: bool = False
    ) -> Keyed:
        """Plays sounds until a key is pressed, then takes up to `most` keys.

        `wait`: seconds for the first after the sounds, and for each further one. `pound`: # is a
        choice, and does not skip what is said before the last sound.
        """
        *before, last = sounds
        first = await self.play(before)
        if first == "#":
            if pound:
                return Keyed("", ended=True)
            first = None  # it skips what is said before
        if first is not None and most == 1:
            return Keyed(first, ended=True)
        seconds = wait * most + (_longest(last) if first is None else 0.0)
        await self.wait_for_us(seconds + BETWEEN)
        prompt, left = (last, most) if first is None else ("", most - 1)
        reply = await self._done(
            "GET DATA", prompt, str(round(wait * 1000)), str(left), seconds=seconds
        )
        self._our_turn()
        return Keyed((first or "") + reply.result, reply.data != "timeout")

    async def end(self, outcome: str, following: str) -> None:
        """Says how it came out and where the caller goes; the last words of a session."""
        await self.set(OUTCOME, outcome)
        await self.set(NEXT, following)

    def _our_turn(self) -> None:
        """The same as `wait_for_us(BETWEEN)`, carried out while we look up what to say next."""
        self._line.tell("SET VARIABLE", _LIMIT, f"{BETWEEN:.1f}")

    async def _done(self, verb: str, *words: str, seconds: float = 0.0) -> Reply:
        reply = await self._line.ask(verb, *words, seconds=seconds)
        if reply.code != SUCCESS:
            raise AgiFault(f"{verb} was answered {reply.code}")
        return reply


def _longest(sound: str) -> float:
    return SPOKEN if sound.startswith("hotline/") else SHORT


def _key(result: str) -> str:
    key = chr(int(result)) if result.isascii() and result.isdecimal() and len(result) < 4 else ""
    if not key or key not in KEYS:
        raise AgiFault("a key that no telephone has")
    return key


def _number(presented: str) -> str | None:
    return None if presented.lower() in {"", "unknown", "anonymous"} else presented
