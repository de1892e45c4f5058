"""Every sound that the line plays, by its name and its text in both languages."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from ivr.selfservice import saying

LANGUAGES = saying.LANGUAGES
OURS = "hotline/"
"""Where the names of the hotline's own sounds begin; all others have names of Asterisk's."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One line of sounds/prompts.csv."""

    id: str
    thai: str
    english: str
    voice: str
    state: str
    """Of the sound this project brings: `placeholder` or `recorded`; a site's own: shelf.py."""

    def text(self, language: str) -> str:
        """What is said; `language` is th or en."""
        return self.thai if language == "th" else self.english

    def needed(self, language: str) -> bool:
        """Whether this language plays it: English says no ร้อย, Thai no o'clock."""
        if self.id not in _SAID:
            return True
        return self.id in saying.vocabulary(language)


_SAID = saying.vocabulary("th") | saying.vocabulary("en")


def read_prompts(source: Path) -> list[Prompt]:
    """Every prompt that is played, in order of the file; its number is its place, from 1."""
    path = source / "sounds" / "prompts.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return [Prompt(**row) for row in csv.DictReader(lines)]
