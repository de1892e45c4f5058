"""Recordings of a studio, or of a telephone, made into prompts of the line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from ivr.prompts import sound
from ivr.prompts.catalogue import LANGUAGES, Prompt
from ivr.prompts.faults import BadSound
from ivr.prompts.shelf import Shelf

ENDINGS: Final = (".wav", ".flac", ".mp3")


@dataclass(frozen=True, slots=True)
class Delivered:
    """One file of a studio, and the prompt it is of."""

    path: Path
    prompt: Prompt
    language: str


class Unknown(Exception):
    """A file whose name is no prompt's, or that does not say its language; in words."""

    def __init__(self, th: str, en: str) -> None:
        super().__init__(en)
        self.th = th
        self.en = en


def read(path: Path) -> tuple[sound.Samples, int]:
    """A recording, its channels mixed to one, and its samples a second; raises BadSound."""
    try:
        samples, rate = soundfile.read(str(path), dtype="float64", always_2d=True)
    except (soundfile.SoundFileError, OSError, RuntimeError) as error:
        raise BadSound("unreadable", _reason(error)) from None
    return np.asarray(samples, np.float64).mean(axis=1), int(rate)


def bring_in(shelf: Shelf, delivered: Delivered) -> None:
    """Make the recording the line's; raises BadSound and leaves what is there as it is."""
    samples, rate = read(delivered.path)
    shelf.put(delivered.prompt.id, delivered.language, sound.prepared(samples, rate))


def deliveries(
    place: Path, prompts: Iterable[Prompt], language: str | None, prompt: str | None = None
) -> Iterator[Delivered | tuple[Path, Unknown]]:
    """The recordings in a directory (or the one file), each with its prompt.

    `th/hotline/welcome.flac`, `th/hotline_welcome.flac`, or `hotline/welcome.flac` with a language
    given. A name that is no prompt's comes as (path, Unknown).
    """
    known = {one.id: one for one in prompts}
    if place.is_file():
        yield _of(place, Path(place.name), known, language, prompt)
        return
    for path in sorted(p for p in place.rglob("*") if p.suffix.lower() in ENDINGS):
        yield _of(path, path.relative_to(place), known, language, None)


def _of(
    path: Path, name: Path, known: dict[str, Prompt], language: str | None, prompt: str | None
) -> Delivered | tuple[Path, Unknown]:
    parts = list(name.with_suffix("").parts)
    if len(parts) > 1 and parts[0] in LANGUAGES:
        said = parts.pop(0)
        if language not in (None, said):
            return path, Unknown(
                f"อยู่ใน {said}/ แต่ระบุภาษา {language}",
                f"lies under {said}/, and the language given is {language}",
            )
        language = said
    wanted = prompt or "/".join(parts)
    found = known.get(wanted) or known.get(wanted.replace("_", "/", 1))
    if found is None:
        return path, Unknown(
            f"ไม่มีข้อความชื่อ {wanted} ดูชื่อได้จาก hotline prompts list",
            f"{wanted} is no prompt; `hotline prompts list` names them",
        )
    if language is None:
        return path, Unknown(
            "ไม่ทราบภาษา ให้วางไว้ใน th/ หรือ en/ หรือระบุ --language",
            "its language is not known: put it under th/ or en/, or give --language",
        )
    return Delivered(path, found, language)


def _reason(error: Exception) -> str:
    text = str(getattr(error, "error_string", "") or error)
    return text.rsplit(": ", 1)[-1].rstrip(".") or type(error).__name__
