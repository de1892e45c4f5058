"""The sounds an installation lays down: what the project has recorded, placeholders of the rest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ivr.lab.site import Site
from ivr.prompts.catalogue import LANGUAGES, Prompt, read_prompts
from ivr.prompts.placeholder import RATE, pitch, tone
from ivr.prompts.shelf import CUSTOM, Shelf, placeholder_at, write_wave

__all__ = ["Prompt", "lay_sounds", "read_prompts"]


def lay_sounds(site: Site, prompts: Iterable[Prompt], source: Path) -> None:
    """Lay down every sound in the languages that play it, and music for those who wait.

    A site's own recordings are left alone, wherever they are; so are Asterisk's own.
    """
    base = site.on_host(site.astdatadir)
    shelf = Shelf(base / "sounds")
    for language in LANGUAGES:
        (shelf.sounds / language / CUSTOM).mkdir(parents=True, exist_ok=True)
    for place, prompt in enumerate(prompts):
        for language in filter(prompt.needed, LANGUAGES):
            target = shelf.laid(prompt.id, language)
            target.parent.mkdir(parents=True, exist_ok=True)
            if shelf.packaged(prompt.id, language):
                continue  # Asterisk's own recording of a prompt of its own is the better one
            if target.exists() and not placeholder_at(target):
                continue  # somebody has recorded it here
            if prompt.state == "recorded":
                recorded = source / "sounds" / language / f"{prompt.id}.wav"
                target.write_bytes(recorded.read_bytes())
                continue
            seconds = site.prompt_seconds or max(0.4, len(prompt.text(language)) / 15)
            _tone(target, seconds, pitch(place))
    music = base / "moh-1203"
    music.mkdir(parents=True, exist_ok=True)
    _tone(music / "waiting.wav", 10.0, 220)


def _tone(path: Path, seconds: float, hertz: int) -> None:
    write_wave(path, tone(max(1, int(RATE * seconds)), hertz), RATE)
