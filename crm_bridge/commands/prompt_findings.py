"""What the doctor finds of an Asterisk's prompts: how many nobody has recorded."""

from __future__ import annotations

from collections import Counter

from crm_bridge.commands.findings import Finding, Grade
from crm_bridge.config import NodeSection
from ivr.prompts.catalogue import LANGUAGES
from ivr.prompts.shelf import Shelf, State
from ivr.prompts.site import prompts_of

_NAMES = {"th": "Thai", "en": "English"}


def of_prompts(node: NodeSection) -> Finding:
    """Placeholders are a warning: the line works, but says nothing that anybody understands."""
    if node.sounds is None:
        return Finding(
            node.label, "prompts", Grade.UNKNOWN, "their place is not known",
            "give [[node]] sounds, or run on the Asterisk host: hotline prompts list --open",
        )  # fmt: skip
    if not node.sounds.is_dir():
        return Finding(
            node.label, "prompts", Grade.WARNING, f"there is no directory {node.sounds}",
            "correct [[node]] sounds, or run hotline install",
        )  # fmt: skip
    shelf, prompts = Shelf(node.sounds), prompts_of(node.sounds)
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
            f"record them (docs/prompts.md): hotline prompts list --open --sounds {node.sounds}",
        )  # fmt: skip
    return Finding(node.label, "prompts", Grade.OK, "; ".join(told))
