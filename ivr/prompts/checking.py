"""What is wrong with a line's prompts: names without a row, rows without a sound, bad sounds."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ivr.prompts.catalogue import LANGUAGES, Prompt
from ivr.prompts.faults import BadSound
from ivr.prompts.shelf import FORMATS, Shelf, State, look
from ivr.selfservice import closed, door, place, saying, status, text, wish

_OURS: Final = re.compile(r"\bhotline/[a-z0-9-]+(?![a-z0-9{-])")
_PLAYED: Final = re.compile(r"\b(?:Playback|Background)\(([^,)]*)|\bRead\([^,)]*,([^,)]*)")
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "no-row": (
        "มีการเล่นเสียงนี้ แต่ไม่มีใน prompts.csv",
        "is played, but no row of prompts.csv has it",
    ),
    "no-text": ("ไม่มีข้อความให้อ่าน", "its row has no text to read"),
    "no-sound": (
        "ไม่มีไฟล์เสียง ให้เรียก hotline install หรือ hotline prompts import",
        "there is no sound: run hotline install, or hotline prompts import",
    ),
    "twice": ("มีใน prompts.csv สองแถว", "prompts.csv has two rows of it"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: with which prompt, in which language (`*`: whichever), why."""

    prompt: str
    language: str
    th: str
    en: str


def named(source: Path) -> set[str]:
    """Every sound that the dialplan in `source` or self-service plays, or that can be said."""
    found = _self_service() | saying.vocabulary("th") | saying.vocabulary("en")
    for path in sorted(source.glob("*.conf")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.lstrip().startswith(";"):
                continue
            found |= set(_OURS.findall(line))
            for match in _PLAYED.finditer(line):
                names = (match[1] or match[2] or "").split("&")
                found |= {name for name in names if name and "$" not in name and "@" not in name}
    return found


def _self_service() -> set[str]:
    """What the bridge plays to callers: as it stands in the conversations' text and tables."""
    talks = (status, closed, door, place, wish, text)
    found = {name for talk in talks for name in _OURS.findall(inspect.getsource(talk))}
    for table in (status.KINDS, status.STATES, status.ACTS, status.SLIPS, closed.REASONS):
        found |= {*table.values()}
    return found


def faults(prompts: list[Prompt], played: set[str], shelf: Shelf) -> Iterator[Fault]:
    """What is wrong, in order of the rows; nothing where all is well."""
    rows = [prompt.id for prompt in prompts]
    for name in sorted(played - set(rows)):
        yield _fault(name, "*", "no-row")
    for name in dict.fromkeys(rows):
        if rows.count(name) > 1:
            yield _fault(name, "*", "twice")
    for prompt in prompts:
        for language in filter(prompt.needed, LANGUAGES):
            if not prompt.text(language).strip():
                yield _fault(prompt.id, language, "no-text")
            yield from _of_sound(prompt, language, shelf)


def _of_sound(prompt: Prompt, language: str, shelf: Shelf) -> Iterator[Fault]:
    state, path = shelf.find(prompt, language)
    if path is None:
        yield _fault(prompt.id, language, "no-sound")
    if state is not State.RECORDED:
        return
    for rate in FORMATS:
        at = shelf.recorded(prompt.id, language, rate)
        if at.exists():
            yield from _looked(prompt, language, at, rate)
    if path is not None and path == shelf.laid(prompt.id, language):
        yield from _looked(prompt, language, path, next(iter(FORMATS)))


def _looked(prompt: Prompt, language: str, path: Path, rate: int) -> Iterator[Fault]:
    try:
        look(path, rate)
    except BadSound as bad:
        yield Fault(prompt.id, language, f"{path.name}: {bad.th}", f"{path.name}: {bad.en}")


def _fault(prompt: str, language: str, what: str) -> Fault:
    return Fault(prompt, language, *_WORDS[what])
