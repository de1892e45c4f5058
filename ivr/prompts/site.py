"""A site's own prompts: `prompts.csv` beside its menu file, with the columns of ours.

They are checked as ours are, are laid down as placeholders until the site has recorded them, and
their rows lie with the sounds (`LAID`), so that whatever looks after the sounds knows of them.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ivr.prompts.catalogue import OURS, Prompt, dialplan_directory, read_prompts

NAME: Final = "prompts.csv"
"""The file's name, beside the menu file."""
LAID: Final = "site-prompts.csv"
"""Where its rows lie in the directory of sounds."""
COLUMNS: Final = ("id", "thai", "english", "voice", "state")

_ID: Final = re.compile(rf"{OURS}[a-z0-9]+(?:-[a-z0-9]+)*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_HEAD: Final = ",".join(COLUMNS)


@dataclass(frozen=True, slots=True)
class RowFault:
    """One thing wrong with the file: in which line (from 1), what, and the mend."""

    line: int
    what: str
    mend: str


def read(text: str, ours: Sequence[Prompt]) -> tuple[list[Prompt], list[RowFault]]:
    """The prompts of a file's text, and everything wrong with it; a faulty row is left out."""
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    found: list[Prompt] = []
    faults: list[RowFault] = []
    taken = {prompt.id: "the hotline itself has it" for prompt in ours}
    try:
        head = next(rows, [])
        if tuple(head) != COLUMNS:
            return [], [RowFault(1, f"the first line is not {_HEAD}", f"write {_HEAD} there")]
        for row in rows:
            if not row:
                continue
            line = rows.line_num
            wrong = _wrong(row, taken)
            if wrong is not None:
                faults.append(RowFault(line, *wrong))
                continue
            found.append(Prompt(*row))
            taken[row[0]] = f"line {line} has it"
    except csv.Error as error:
        faults.append(RowFault(rows.line_num or 1, f"is not CSV: {error}", "correct that line"))
    return found, faults


def _wrong(row: list[str], taken: dict[str, str]) -> tuple[str, str] | None:
    """What is wrong with a row, and the mend."""
    if len(row) != len(COLUMNS):
        return (
            f"{len(row)} values in place of {len(COLUMNS)}",
            f"write {_HEAD}, quoted where needed",
        )
    name, thai, english, voice, state = row
    if not _ID.fullmatch(name):
        return f"{name!r} names no prompt", f"write {OURS}NAME, of a-z, 0-9 and -"
    if name in taken:
        return f"{name} is there twice: {taken[name]}", "give it another name"
    for language, text in (("Thai", thai), ("English", english)):
        if not text.strip() or _CONTROL.search(text):
            return f"{name} has no text in {language}", "write what is said, on one line"
    if not voice.strip() or _CONTROL.search(voice):
        return f"{name} has no voice", "write female or male"
    if state != "placeholder":
        return f"the state of {name} is {state!r}", "write placeholder: its recording is imported"
    return None


def beside(menu: Path | None) -> Path | None:
    """The site's file, where there is one beside its menus."""
    if menu is None:
        return None
    path = menu.parent / NAME
    return path if path.is_file() else None


def prompts_of(sounds: Path | None) -> list[Prompt]:
    """Every prompt of the line whose sounds these are: ours, then those of its site."""
    ours = read_prompts(dialplan_directory())
    laid = sounds / LAID if sounds is not None else None
    if laid is None or not laid.is_file():
        return ours
    return ours + read(laid.read_text(encoding="utf-8"), ours)[0]


def lay(sounds: Path, more: Sequence[Prompt]) -> None:
    """Lets the rows of a site's prompts lie with the sounds; none where there are none."""
    at = sounds / LAID
    if not more:
        at.unlink(missing_ok=True)
        return
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows((p.id, p.thai, p.english, p.voice, p.state) for p in more)
    fresh = at.with_suffix(".new")
    fresh.write_text(text.getvalue(), encoding="utf-8")
    fresh.replace(at)
