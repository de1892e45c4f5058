"""What the doctor finds of an Asterisk's prompts: how many are still to be recorded, and whether
it can read them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from crm_bridge.commands.book_findings import owner_of
from crm_bridge.commands.file_rights import may_read, open_to_all
from crm_bridge.commands.findings import Finding, Grade
from crm_bridge.config import NodeSection
from ivr.prompts.catalogue import LANGUAGES
from ivr.prompts.shelf import Shelf, State
from ivr.prompts.site import prompts_of
from ivr.prompts.sound import WIDE

_NAMES: Final = {"th": "Thai", "en": "English"}
_NAMED: Final = 3
"""So many files are named of those that Asterisk cannot read."""


def of_prompts(node: NodeSection) -> Iterator[Finding]:
    """Two findings where the node's sounds can be looked at, else the one that says why not."""
    sounds = node.sounds
    if sounds is None:
        yield Finding(
            node.label, "prompts", Grade.UNKNOWN, "their place is not known",
            "give [[node]] sounds, or run on the Asterisk host: hotline prompts list --open",
        )  # fmt: skip
        return
    try:
        if not sounds.is_dir():
            yield Finding(
                node.label, "prompts", Grade.WARNING, f"there is no directory {sounds}",
                "correct [[node]] sounds, or run hotline install",
            )  # fmt: skip
            return
        yield _recorded(node, sounds)
        yield _readable(node, sounds)
    except OSError as error:
        yield Finding(
            node.label, "prompts", Grade.UNKNOWN,
            f"{error.filename or sounds} cannot be looked at: {error.strerror}",
            f"let everybody read them: chmod -R a+rX {sounds}",
        )  # fmt: skip


def _recorded(node: NodeSection, sounds: Path) -> Finding:
    """Placeholders are a warning: the line works, but says nothing that anybody understands."""
    shelf, prompts = Shelf(sounds), prompts_of(sounds)
    told, still = [], 0
    for language in LANGUAGES:
        states = Counter(shelf.state(one, language) for one in prompts if one.needed(language))
        name, count = _NAMES[language], states.total()
        told.append(
            f"{states[State.PLACEHOLDER]} of {count} prompts in {name} are placeholders"
            if states[State.PLACEHOLDER]
            else f"all {count} prompts in {name} are recorded"
        )
        if states[State.MISSING]:
            told[-1] += f", {states[State.MISSING]} have no sound at all"
        still += states[State.PLACEHOLDER] + states[State.MISSING]
    if still:
        return Finding(
            node.label, "prompts", Grade.WARNING, "; ".join(told),
            f"record them (docs/prompts.md): hotline prompts list --open --sounds {sounds}",
        )  # fmt: skip
    return Finding(node.label, "prompts", Grade.OK, "; ".join(told))


def _readable(node: NodeSection, sounds: Path) -> Finding:
    """As the user who writes the books, for that is Asterisk's; without books, as everybody."""
    uid = owner_of(node)
    closed, unknown = [], 0
    for file in _played(sounds):
        may = may_read(file, uid) if uid is not None else open_to_all(file) or None
        if may is None:
            unknown += 1
        elif not may:
            closed.append(str(file))

    def found(grade: Grade, told: str, mend: str = "") -> Finding:
        return Finding(node.label, "prompts can be read", grade, told, mend)

    mend = f"let everybody read them: chmod -R a+rX {sounds}, and enter the folders above"
    if closed:
        more = f" and {len(closed) - _NAMED} more" if len(closed) > _NAMED else ""
        return found(
            Grade.WARNING,
            f"by their modes Asterisk cannot read {', '.join(closed[:_NAMED])}{more}:"
            " callers hear nothing there", mend,
        )  # fmt: skip
    if unknown:
        return found(
            Grade.UNKNOWN, f"{unknown} are not open to everybody, and Asterisk's user is not known",
            mend,
        )  # fmt: skip
    return found(Grade.OK, "by their modes Asterisk can read every one")


def _played(sounds: Path) -> Iterator[Path]:
    """Every file that is played under a name of the prompts."""
    shelf = Shelf(sounds)
    for prompt in prompts_of(sounds):
        for language in LANGUAGES:
            _, file = shelf.find(prompt, language)
            if file is not None:
                yield file
            wide = shelf.recorded(prompt.id, language, WIDE)
            if wide.exists():
                yield wide
