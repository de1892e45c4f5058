"""Every sound that the line plays, by its name and its text in both languages."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

from ivr.selfservice import saying

LANGUAGES = saying.LANGUAGES
OURS = "hotline/"
"""Where the names of the hotline's own sounds begin; all others have names of Asterisk's."""

ANNOUNCED: Final = "hotline/announce-"
"""Where the names of those begin that are put on the line in an emergency."""


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


def dialplan_directory() -> Path:
    """The `dialplan/` this package came with: inside a wheel, else beside it in the checkout."""
    packaged = Path(str(resources.files("ivr"))) / "_dialplan"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "dialplan"


@cache
def announceable() -> tuple[Prompt, ...]:
    """The prompts that can be put on the line in an emergency."""
    return tuple(p for p in read_prompts(dialplan_directory()) if p.id.startswith(ANNOUNCED))
