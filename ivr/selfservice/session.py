"""What a session can do with a caller: play sounds, take keys, mark, and say where he goes next.

What speaks or listens is a subroutine of the dialplan, which itself limits the caller's time
(`TIMEOUT(absolute)`) once it is over: however long it was, a bridge that stands still has BETWEEN
seconds from there on, and then the dialplan's `T` takes the caller on. A number is taken by one
command: between two, keys are lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Sequence
from typing import Final, TypeVar

from ivr.selfservice.agi import SUCCESS, AgiFault, Reply
from ivr.selfservice.server import Gone, Line

T = TypeVar("T")

OUTCOME: Final = "HOTLINE_SELF"
"""The dialplan's variable: how far self-service has come; the bridge alone gives it a word."""
NEXT: Final = "HOTLINE_SELF_NEXT"
"""The dialplan's variable: where the caller goes, set last; empty says that the session broke."""

SLOW: Final = "HOTLINE_SLOW"
"""The dialplan's variable: 1 where the caller wants to hear things slowly (menu.conf)."""
PAUSE: Final = 0.6
"""Seconds of silence after each sound of what is said slowly: Asterisk plays at one speed."""

KEYED: Final = "HOTLINE_KEYED"
"""The dialplan's variable: what a caller has pressed; a number stays there until it is read."""
SOUND: Final = "self-sound"
"""The dialplan's subroutine that plays and takes keys (selfservice.conf)."""
NO_KEY: Final = "hotline/no-key"
WRONG_KEY: Final = "hotline/wrong-key"
KEY_WAIT: Final = 6.0
"""Seconds for the next digit of a number."""
OFFER_WAIT: Final = 5.0
"""Seconds for a key after an offer."""
SPOKEN: Final = 180.0
"""Seconds after which we give up a sound that Asterisk does not end: none is longer."""
_LIMIT: Final = "TIMEOUT(absolute)"
BETWEEN: Final = 1.8
"""Seconds the bridge may take for its next word once a caller has heard or keyed what was asked;
its desk must have answered by then. With what Asterisk needs he is on his way within two."""
FIRST: Final = 0.9
"""Seconds from its first word to the next, which come to the one the dialplan gave it for that."""
ALIVE: Final = 0.5
"""Seconds between two signs of life while something takes longer than BETWEEN."""

_AT_ONCE: Final = 0.001
"""Seconds for a key after a sound that asks for none; of 0 Asterisk makes ten seconds."""
_PRESSED: Final = re.compile(r"[0-9*#A-D]*")


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
        """Runs a subroutine of the dialplan.

        One that speaks or listens takes `seconds` at most, and has as its last argument for how
        long the caller then waits for us: it sets that limit itself, when it is over.
        """
        if seconds:
            arguments = f"{arguments},{BETWEEN:.1f}"
        await self._done("GOSUB", context, extension, "1", arguments, seconds=seconds)

    async def meanwhile(self, work: Awaitable[T]) -> T:
        """What comes of work that takes longer, with signs of life to Asterisk until then.

        It goes on to its end also where the caller is gone; the next word to him says so.
        """
        task = asyncio.ensure_future(work)
        try:
            with contextlib.suppress(Gone, AgiFault, TimeoutError):
                while not task.done():
                    await self.wait_for_us(BETWEEN)
                    await asyncio.wait({task}, timeout=ALIVE)
            return await task
        finally:
            task.cancel()  # where the session itself is ended; else it is done

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
            if key := await self._sound(sound, 1, pause or _AT_ONCE):
                return key
        return None

    async def keys(
        self, sounds: Sequence[str], most: int, wait: float, *, pound: bool = False
    ) -> str:
        """Plays sounds until a key is pressed, then takes up to `most` keys, or those before a #.

        `wait`: seconds for the first after the sounds, and for each further one. `pound`: # is a
        choice, and does not skip what is said before the last sound.
        """
        *before, last = sounds
        first = await self.play(before)
        if first == "#" and not pound:
            first = None  # it skips what is said before
        if most == 1:
            key = first or await self._sound(last, 1, wait)
            return "" if key == "#" and not pound else key
        if first is None:
            keyed = await self._sound(last, most, wait)
        else:
            keyed = first + await self._sound("", most - 1, wait)
        self._line.tell("SET VARIABLE", KEYED, "")  # while we look up whose it is
        return keyed

    async def end(self, outcome: str, following: str) -> None:
        """Says how it came out and where the caller goes; the last words of a session."""
        await self.set(OUTCOME, outcome)
        await self.set(NEXT, following)

    async def _sound(self, sound: str, most: int, wait: float) -> str:
        """Plays a sound to its end or a key, and takes keys: up to `most`, or those before a #.

        One alone is any key, also #.
        """
        any_key = "t" if most == 1 else ""
        arguments = f"{sound},{most},{any_key},{wait:g},{BETWEEN:.1f}"
        reply = await self._line.ask_after(
            ("GOSUB", SOUND, "s", "1", arguments),
            ("GET VARIABLE", KEYED),
            seconds=SPOKEN + wait * most,
        )
        if reply.code != SUCCESS or not _PRESSED.fullmatch(reply.data):
            raise AgiFault("a key that no telephone has")
        return reply.data

    async def _done(self, verb: str, *words: str, seconds: float = 0.0) -> Reply:
        reply = await self._line.ask(verb, *words, seconds=seconds)
        if reply.code != SUCCESS:
            raise AgiFault(f"{verb} was answered {reply.code}")
        return reply


def _number(presented: str) -> str | None:
    return None if presented.lower() in {"", "unknown", "anonymous"} else presented
