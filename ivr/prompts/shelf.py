"""Where the sounds of one line lie, what each of them is, and how a recording is put there.

Below `sounds/` of Asterisk's data: `LANG/NAME.wav` is what `hotline install` lays down (a
placeholder), or Asterisk's own in another format; `LANG/custom/NAME.wav` (8 kHz) and `.wav16`
(16 kHz) is the site's recording, which Asterisk looks for first (`sounds_search_custom_dir`) and no
installation touches. `NAME.before.wav` beside it is the recording before. Asterisk plays it as
another user than the one that put it there: what lies here may be read by everybody.
"""

from __future__ import annotations

import os
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ivr.prompts import sound
from ivr.prompts.catalogue import OURS, Prompt
from ivr.prompts.faults import BadSound
from ivr.prompts.placeholder import is_placeholder

CUSTOM: Final = "custom"
BEFORE: Final = ".before"
FORMATS: Final = {sound.NARROW: ".wav", sound.WIDE: ".wav16"}
"""Samples a second → how the file's name ends."""
_FILE: Final = 0o644
_FOLDER: Final = 0o755


class State(StrEnum):
    """What a line plays under a name."""

    RECORDED = "recorded"
    PACKAGED = "packaged"
    """Asterisk's own recording of a sound with a name of Asterisk's."""
    PLACEHOLDER = "placeholder"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Shelf:
    """The sounds of one line: `sounds/` of its Asterisk's data directory."""

    sounds: Path

    def recorded(self, prompt: str, language: str, rate: int = sound.NARROW) -> Path:
        """Where the site's recording is, or would be."""
        return self.sounds / language / CUSTOM / f"{prompt}{FORMATS[rate]}"

    def laid(self, prompt: str, language: str) -> Path:
        """Where the installation puts its sound."""
        return self.sounds / language / f"{prompt}.wav"

    def packaged(self, prompt: str, language: str) -> Path | None:
        """Asterisk's own recording, where it has one."""
        if prompt.startswith(OURS):
            return None
        at = self.laid(prompt, language)
        others = (p for p in at.parent.glob(f"{at.stem}.*") if p.suffix not in FORMATS.values())
        return min(others, default=None)

    def state(self, prompt: Prompt, language: str) -> State:
        """What is played under the prompt's name in that language."""
        return self.find(prompt, language)[0]

    def find(self, prompt: Prompt, language: str) -> tuple[State, Path | None]:
        """What is played under the prompt's name, and its file."""
        recording = self.recorded(prompt.id, language)
        if recording.exists():
            return State.RECORDED, recording
        if packaged := self.packaged(prompt.id, language):
            return State.PACKAGED, packaged
        laid = self.laid(prompt.id, language)
        if not laid.exists():
            return State.MISSING, None
        return (State.PLACEHOLDER if placeholder_at(laid) else State.RECORDED), laid

    def put(self, prompt: str, language: str, made: Mapping[int, NDArray[np.int16]]) -> None:
        """Keep a recording (`sound.prepared`); the one before is then NAME.before.

        Each file is whole from the first moment on: a caller hears the old one or the new one.
        """
        places = {rate: self.recorded(prompt, language, rate) for rate in FORMATS}
        again = any(at.exists() for at in places.values())
        for rate, at in places.items():
            self._folder(at.parent)
            if again:
                before = at.with_name(f"{at.stem}{BEFORE}{FORMATS[rate]}")
                before.unlink(missing_ok=True)
                if at.exists():
                    os.link(at, before)  # a second name: the first is never without a sound
            if rate in made:
                fresh = at.with_name(f"{at.name}.new")
                write_wave(fresh, made[rate].astype("<i2").tobytes(), rate)
                fresh.chmod(_FILE)  # whatever the umask of who puts it
                fresh.replace(at)
            else:
                at.unlink(missing_ok=True)

    def _folder(self, wanted: Path) -> None:
        """Makes the folder; it and those above, up to the sounds, may be entered by everybody."""
        wanted.mkdir(parents=True, exist_ok=True)
        for one in (wanted, *wanted.parents):
            if one == self.sounds:
                return
            stat = one.stat()
            if stat.st_uid == os.geteuid() and stat.st_mode & _FOLDER != _FOLDER:
                one.chmod(_FOLDER)


def placeholder_at(path: Path) -> bool:
    """Whether the file is a placeholder's tone; one that cannot be read is none."""
    try:
        with wave.open(str(path)) as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, 2):
                return False
            return is_placeholder(file.readframes(file.getnframes()))
    except (OSError, EOFError, wave.Error):
        return False


def write_wave(path: Path, samples: bytes, rate: int) -> None:
    """16 bit, one channel, in a plain WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples)


def look(path: Path, rate: int) -> None:
    """Raises BadSound where a recording would not be heard well: its rate, silence, clipping."""
    try:
        with wave.open(str(path)) as file:
            form = (file.getframerate(), file.getsampwidth(), file.getnchannels())
            data = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise BadSound("unreadable", str(error) or "it ends too soon") from None
    if form != (rate, 2, 1):
        raise BadSound("rate", f"{form[0]} Hz, {8 * form[1]} bit, {form[2]} channels")
    sound.judge(np.frombuffer(data, "<i2").astype(np.float64) / 32768, rate)
