"""What is wrong with a menu tree, by line and with the mend: no caller is to find it out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ivr.menu.tree import NAMED, Kind, Menu, MenuFault, Tree, leads, read

DEEPEST: Final = 3
"""Keys until the last menu, at the most."""
LONGEST: Final = 60.0
"""Seconds that a menu may take to tell its keys, spoken at `LETTERS` a second."""
LETTERS: Final = 15
"""Letters of a prompt's text that are said in a second (Thai and English alike)."""
TAKEN: Final = ("menu", "hours", "status", "closed", "text", "callback")
"""Names that the dialplan uses otherwise: its contexts 1203-NAME, and the menu out of hours."""
GUIDE: Final = "guide"
"""The menu whose address is sent by text message, and to which callers come back (text.conf)."""
ENTERED: Final = (GUIDE,)
"""Menus that the dialplan leads to from elsewhere: out of hours (hours.conf)."""
_MOST_NAMED: Final = 6


@dataclass(frozen=True, slots=True)
class World:
    """What a menu can use: prompts with their texts (Thai, English), queues, agencies by id."""

    prompts: Mapping[str, tuple[str, str]]
    queues: Collection[str]
    """Each is also the name of its service."""
    agencies: Mapping[str, str]
    """Id → the number it is reached at."""


def check(text: str, world: World) -> tuple[Tree | None, list[MenuFault]]:
    """The tree of a menu file's text, and everything wrong with it in order of its lines."""
    tree, faults = read(text)
    if tree is not None:
        faults += _faults(tree, world)
    return tree, sorted(faults, key=lambda fault: fault.line)


def _faults(tree: Tree, world: World) -> Iterator[MenuFault]:
    if tree.start not in tree.menus:
        yield MenuFault(
            tree.line, f"callers begin at the menu {tree.start!r}, which is not here",
            f"write it, or begin at one of: {', '.join(tree.menus)}",
        )  # fmt: skip
        return
    first = tree.menus[tree.start]
    if tree.start in ENTERED:
        yield MenuFault(
            first.line, f"callers begin at the menu {tree.start}",
            "let them begin at another: out of office hours they are led to this one by its name",
        )  # fmt: skip
    if first.reads:
        yield MenuFault(
            first.line, f"the menu {first.id}, at which callers begin, reads information",
            "let a key lead to what is read: who has heard it counts as served",
        )  # fmt: skip
    depths = tree.depths()
    for name in ENTERED:
        if name not in tree.menus:
            yield MenuFault(
                tree.line, f"there is no menu {name}",
                "write it: callers are led there out of office hours (hours.conf)",
            )  # fmt: skip
    for menu in tree.menus.values():
        if menu.id in TAKEN:
            yield MenuFault(menu.line, f"the name {menu.id} is taken", "give it another name")
        if menu.id not in depths and menu.id not in ENTERED:
            yield MenuFault(
                menu.line, f"no key leads to the menu {menu.id}",
                f'let one (to = "menu {menu.id}"), or leave the menu out',
            )  # fmt: skip
        if depths.get(menu.id, 0) > DEEPEST:
            yield MenuFault(
                menu.line, f"the menu {menu.id} is reached after {depths[menu.id]} keys",
                f"let it be reached after {DEEPEST} at the most",
            )  # fmt: skip
        yield from _menu(tree, menu, world)


def _menu(tree: Tree, menu: Menu, world: World) -> Iterator[MenuFault]:
    if menu.officer not in world.queues:
        yield MenuFault(
            menu.line, f"officer: there is no queue {menu.officer!r}", _one_of(world.queues)
        )
    kinds = {choice.kind for choice in menu.choices}
    for kind, key, what in (
        (Kind.AGAIN, "*", "again"), (Kind.LANGUAGE, "9", "in the other language"),
    ):  # fmt: skip
        if kind not in kinds:
            yield MenuFault(
                menu.line, f"the menu {menu.id} cannot be heard {what}",
                f'give a key to it: "{key}" = {{ to = "{kind}", … }}',
            )  # fmt: skip
    yield from _slow(menu, world)
    if not _ends(tree, menu.id):
        yield MenuFault(
            menu.line, f"the menu {menu.id} is a dead end: no key leads out of the menus",
            "let one lead to a queue, status, an agency or goodbye",
        )  # fmt: skip
    for prompt in menu.reads:
        yield from _prompt(menu.line, prompt, world)
    for choice in menu.choices:
        line = choice.line
        if choice.says:
            yield from _prompt(line, choice.says, world)
        elif not any(
            (c.kind, c.target) == (choice.kind, choice.target) and c.says for c in menu.choices
        ):
            yield MenuFault(
                line, f"nobody tells callers of key {choice.key}", 'write says = "hotline/…"'
            )
        if choice.service and choice.service not in world.queues:
            yield MenuFault(line, f"there is no service {choice.service!r}", _one_of(world.queues))
        if choice.kind is Kind.STATUS and not choice.service:
            yield MenuFault(line, "status has no service", 'write service = "complaint"')
        if choice.kind is Kind.TEXT and not (menu.id == GUIDE and menu.reads):
            yield MenuFault(
                line, "the text message has the address of the guide, which is not read here",
                f"give the key to the menu {GUIDE}, with what it reads",
            )  # fmt: skip
        if choice.kind in NAMED:
            there = {
                Kind.QUEUE: world.queues, Kind.MENU: tree.menus, Kind.AGENCY: world.agencies,
            }[choice.kind]  # fmt: skip
            if choice.target not in there:
                yield MenuFault(
                    line, f"there is no {choice.kind} {choice.target!r}", _one_of(there)
                )
    for language, place in (("Thai", 0), ("English", 1)):
        letters = sum(len(world.prompts.get(p, ("", ""))[place]) for p in menu.offers)
        if letters / LETTERS > LONGEST:
            yield MenuFault(
                menu.line,
                f"the menu {menu.id} takes {letters / LETTERS:.0f} s to tell its keys ({language})",
                f"keep it to {LONGEST:.0f} s: fewer keys, shorter prompts, or a second menu",
            )


def _slow(menu: Menu, world: World) -> Iterator[MenuFault]:
    """The slow form has a key, is there, and says all that it stands for."""
    if bool(menu.slow) != bool(menu.slower):
        yield MenuFault(
            menu.line, f"the menu {menu.id} has a slow form or a key to it, and not both",
            'write slow = "hotline/…" and a key { to = "slower", says = … }, or neither',
        )  # fmt: skip
    if not menu.slow:
        return
    yield from _prompt(menu.line, menu.slow, world)
    said = world.prompts.get(menu.slow)
    for prompt in menu.reads or menu.offers:
        texts = world.prompts.get(prompt)
        if (
            said
            and texts
            and not all(part in whole for part, whole in zip(texts, said, strict=True))
        ):
            yield MenuFault(
                menu.line, f"{menu.slow} does not say what {prompt} says",
                "write the same words into both rows of prompts.csv",
            )  # fmt: skip


def _prompt(line: int, prompt: str, world: World) -> Iterator[MenuFault]:
    texts = world.prompts.get(prompt)
    if texts is None:
        yield MenuFault(
            line,
            f"there is no prompt {prompt!r}",
            "write it into prompts.csv beside the menu, or name one",
        )
    elif not all(text.strip() for text in texts):
        yield MenuFault(line, f"the prompt {prompt} lacks a text", "write it in both languages")


def _ends(tree: Tree, name: str) -> bool:
    """Whether a caller who presses keys in this menu can come out of the menus."""
    seen, ahead = {name}, [name]
    for one in ahead:
        for choice in leads(tree, one):
            if choice.kind is not Kind.MENU:
                return True
            if choice.target not in seen:
                seen.add(choice.target)
                ahead.append(choice.target)
    return False


def _one_of(names: Collection[str]) -> str:
    shown = list(names)[:_MOST_NAMED]
    return f"it is one of: {', '.join(shown)}{', …' if len(names) > _MOST_NAMED else ''}"
