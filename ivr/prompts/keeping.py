"""A take recorded by telephone becomes the prompt: what Asterisk asks the bridge for over FastAGI.

The take is a file in the line's directory of takes, recorded by `dialplan/prompts.conf`; it is
trimmed and made evenly loud as a studio's recording is.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from ivr.prompts import sound, studio
from ivr.prompts.catalogue import LANGUAGES
from ivr.prompts.faults import BadSound
from ivr.prompts.shelf import Shelf
from ivr.selfservice.server import Line

_log = structlog.get_logger(__name__)

NAME: Final = "keep-prompt"
"""The script Asterisk asks for."""
KEPT: Final = "kept"
BAD: Final = "bad"
"""Nothing is heard in it, or it is distorted: what was played until now still is."""
FAILED: Final = "failed"
ANSWER: Final = "PROMPT_KEPT"
"""The dialplan's variable that takes one of the three."""

_PROMPT: Final = re.compile(r"[a-z0-9]+(/[a-z0-9-]+)?")
_TAKE: Final = re.compile(r"[0-9]{1,40}")
_OLD: Final = 86_400.0
"""Seconds after which a take that nobody kept is removed."""


@dataclass(frozen=True, slots=True)
class Place:
    """One line's sounds and takes, as this machine sees them."""

    sounds: Path
    takes: Path


class Keeper:
    """Keeps takes; the one whose directory has the take is the line that asks."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places

    async def session(self, line: Line) -> None:
        """Keeps the take that is asked for, and answers how it went."""
        asked = [line.request.get(f"arg_{place}") for place in (1, 2, 3)]
        answer = await asyncio.to_thread(self.keep, *asked)
        await line.ask("SET VARIABLE", ANSWER, answer)

    def keep(self, prompt: str, language: str, take: str) -> str:
        """KEPT, BAD or FAILED; raises nothing. What is asked for is looked at as a stranger's."""
        if not (_PROMPT.fullmatch(prompt) and language in LANGUAGES and _TAKE.fullmatch(take)):
            _log.warning("a take of no prompt was to be kept")
            return FAILED
        for place in self._places:
            path = place.takes / f"{take}.wav"
            if path.is_file():
                return self._keep(place, path, prompt, language)
        _log.error(
            "a take that was recorded is not to be found", prompt=prompt,
            mend="[[node]] takes and sounds in hotline.toml are what `hotline install` printed",
        )  # fmt: skip
        return FAILED

    def _keep(self, place: Place, path: Path, prompt: str, language: str) -> str:
        try:
            samples, rate = studio.read(path)
            Shelf(place.sounds).put(prompt, language, sound.prepared(samples, rate))
            path.unlink()
            _clear(place.takes)
        except BadSound as bad:
            _log.info("a take was not kept", prompt=prompt, language=language, why=bad.fault)
            return BAD
        except OSError as error:
            _log.error(
                "a take could not be kept", prompt=prompt, why=error.strerror,
                mend="let the bridge's user write the directories [[node]] sounds and takes",
            )  # fmt: skip
            return FAILED
        _log.info("a prompt was recorded by telephone", prompt=prompt, language=language)
        return KEPT


def _clear(takes: Path) -> None:
    """Removes takes that nobody kept."""
    for path in takes.glob("[0-9]*.wav"):  # callers' messages lie here too
        if path.stat().st_mtime < time.time() - _OLD:
            path.unlink(missing_ok=True)
