"""The prompts of the dialplan: their list, and placeholder sounds until a person records them."""

from __future__ import annotations

import csv
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ivr.lab.site import Site


@dataclass(frozen=True, slots=True)
class Prompt:
    """One line of sounds/prompts.csv."""

    id: str
    thai: str
    english: str
    voice: str
    state: str


def read_prompts(source: Path) -> list[Prompt]:
    """Every prompt the dialplan plays, in order of the file."""
    path = source / "sounds" / "prompts.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return [Prompt(**row) for row in csv.DictReader(lines)]


def lay_sounds(site: Site, prompts: Iterable[Prompt], source: Path) -> None:
    """Copy recorded prompts and make placeholders of the others, in both languages, and music."""
    base = site.on_host(site.astdatadir)
    for index, prompt in enumerate(prompts):
        for language, text in (("th", prompt.thai), ("en", prompt.english)):
            target = base / "sounds" / language / f"{prompt.id}.wav"
            target.parent.mkdir(parents=True, exist_ok=True)
            if "/" not in prompt.id and any(
                other.suffix != ".wav" for other in target.parent.glob(f"{prompt.id}.*")
            ):
                continue  # Asterisk's own recording of a prompt of its own is the better one
            recorded = source / "sounds" / language / f"{prompt.id}.wav"
            if prompt.state == "recorded":
                target.write_bytes(recorded.read_bytes())
                continue
            seconds = site.prompt_seconds or max(0.4, len(text) / 15)
            _tone(target, seconds, 330 + 20 * (index % 12))
    music = base / "moh-1203"
    music.mkdir(parents=True, exist_ok=True)
    _tone(music / "waiting.wav", 10.0, 220)


def _tone(path: Path, seconds: float, hertz: int) -> None:
    """A quiet tone that swells and fades, as a placeholder: 8 kHz, 16 bit, mono."""
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(_samples(max(1, int(8000 * seconds)), hertz))


@lru_cache(maxsize=64)  # a lab's placeholders are all of one length and a dozen pitches
def _samples(count: int, hertz: int) -> bytes:
    at = np.arange(count)
    tone = 1200 * np.sin(np.pi * at / count) * np.sin(2 * np.pi * hertz * at / 8000)
    return tone.astype("<i2").tobytes()
