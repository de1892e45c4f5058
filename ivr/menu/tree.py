"""The menu tree: menus, their keys, and where each key leads; read from `menu.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

KEYS: Final = "0123456789*#"


class Kind(StrEnum):
    """What a key leads to."""

    QUEUE = "queue"
    MENU = "menu"
    AGENCY = "agency"
    STATUS = "status"
    GOODBYE = "goodbye"
    LANGUAGE = "language"
    AGAIN = "again"
    TEXT = "text"
    SLOWER = "slower"


NAMED: Final = frozenset({Kind.QUEUE, Kind.MENU, Kind.AGENCY})
"""Kinds that name one of several: `queue complaint`."""
HERE: Final = frozenset({Kind.LANGUAGE, Kind.AGAIN, Kind.SLOWER, Kind.TEXT})
"""Kinds after which the caller is in the same menu as before."""


class MenuFault(ValueError):
    """One thing wrong with a menu file: in which line (from 1), what, and the mend."""

    def __init__(self, line: int, what: str, mend: str) -> None:
        self.line = line
        self.what = what
        self.mend = mend
        super().__init__(f"line {line}: {what}; {mend}")


@dataclass(frozen=True, slots=True)
class Choice:
    """One key of a menu."""

    key: str
    kind: Kind
    target: str
    """Of a queue, a menu or an agency; else empty."""
    says: str
    """The prompt that offers it; empty where another key's prompt does."""
    service: str
    """The service it means; empty: none is marked. A queue's own stands for itself."""
    th: str
    en: str
    line: int


@dataclass(frozen=True, slots=True)
class Menu:
    """One menu: what it reads, its keys in the order in which they are spoken."""

    id: str
    th: str
    en: str
    officer: str
    """The queue of who presses nothing, or nothing that is known, for the last time."""
    reads: tuple[str, ...]
    """Prompts before the keys are offered; who has heard them to the end was served."""
    choices: tuple[Choice, ...]
    slow: str
    """One prompt that says slowly what is read, or where nothing is, the keys; empty: none."""
    line: int

    @property
    def offers(self) -> tuple[str, ...]:
        """The prompts that tell the keys, each once, in order; not that of the slow form's."""
        told = (c.says for c in self.choices if c.says and c.kind is not Kind.SLOWER)
        return tuple(dict.fromkeys(told))

    @property
    def slower(self) -> str:
        """The prompt that offers the slow form; empty: none."""
        return next((c.says for c in self.choices if c.kind is Kind.SLOWER), "")


@dataclass(frozen=True, slots=True)
class Tree:
    """Every menu, and the one where a caller begins."""

    start: str
    menus: Mapping[str, Menu]
    line: int = 1
    """Where `start` stands."""

    def depths(self) -> dict[str, int]:
        """Menus that can be reached, and the fewest keys to each."""
        found, ahead = {self.start: 0}, [self.start]
        for name in ahead:
            menu = self.menus.get(name)
            for choice in menu.choices if menu else ():
                if choice.kind is Kind.MENU and choice.target not in found:
                    found[choice.target] = found[name] + 1
                    ahead.append(choice.target)
        return found


@dataclass(slots=True)
class _Lines:
    """Where the tables and keys of the file stand."""

    text: str
    tables: dict[str, int] = field(default_factory=dict)
    keys: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        table = ""
        for number, line in enumerate(self.text.splitlines(), 1):
            if found := _TABLE.match(line):
                table = re.sub(r"[\s\"']", "", found[1])
                self.tables.setdefault(table, number)
            elif found := _KEY.match(line):
                self.keys.setdefault((table, found[1].strip("\"'")), number)

    def of(self, table: str, key: str = "") -> int:
        return self.keys.get((table, key)) or self.tables.get(table, 1)


_TABLE: Final = re.compile(r"^\s*\[([^\]]+)\]")
_KEY: Final = re.compile(r"^\s*(\"[^\"]*\"|'[^']*'|[\w-]+)\s*=")
_AT_LINE: Final = re.compile(r"\(at line (\d+)[^)]*\)")
_ID: Final = re.compile(r"[a-z][a-z0-9_]*\Z")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_MENU_FIELDS: Final[dict[str, type[object]]] = {
    "th": str,
    "en": str,
    "officer": str,
    "reads": list,
    "slow": str,
    "keys": dict,
}
_NEEDED: Final = ("th", "en", "officer", "keys")
_CHOICE_FIELDS: Final = ("to", "says", "service", "th", "en")


def read(text: str) -> tuple[Tree | None, list[MenuFault]]:
    """The tree of a file's text, and what in it is not of its form; None where nothing can be read.

    What has a fault is left out of the tree, so that the rest can be checked all the same.
    """
    lines = _Lines(text)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, [_no_toml(str(error), text)]
    faults: list[MenuFault] = []
    for name in data:
        if name not in ("start", "menu"):
            where = lines.of("", name) if ("", name) in lines.keys else lines.of(name)
            faults.append(_unknown(where, name, ("start", "[menu.NAME]")))
    start, menus = data.get("start"), data.get("menu")
    if not isinstance(start, str):
        faults.append(MenuFault(1, "no start", 'say where callers begin: start = "main"'))
    if not isinstance(menus, dict) or not menus:
        faults.append(MenuFault(1, "no menu", "write one: [menu.main]"))
        return None, faults
    read_menus = {}
    for name, given in menus.items():
        menu, wrong = _menu(name, given, lines)
        faults += wrong
        if menu is not None:
            read_menus[name] = menu
    return Tree(start if isinstance(start, str) else "", read_menus, lines.of("", "start")), faults


def _no_toml(error: str, text: str) -> MenuFault:
    at = _AT_LINE.search(error)
    line = int(at[1]) if at else max(1, len(text.splitlines()))
    if "overwrite" in error or "twice" in error:
        written = text.splitlines()[line - 1].split("=", 1)[0].strip()
        return MenuFault(line, f"{written} stands here twice", "leave one of them out")
    return MenuFault(line, f"is not TOML: {_AT_LINE.sub('', error).strip()}", "correct that line")


def _unknown(line: int, name: str, known: tuple[str, ...]) -> MenuFault:
    return MenuFault(line, f"{name} is not known here", f"it is one of: {', '.join(known)}")


def _broken(line: int, name: str) -> MenuFault:
    return MenuFault(line, f"{name} has a line break or control character in it", "take it out")


def _menu(name: str, given: Any, lines: _Lines) -> tuple[Menu | None, list[MenuFault]]:
    table = f"menu.{name}"
    at = lines.of(table)
    if not isinstance(given, dict):
        return None, [MenuFault(at, f"menu {name} is no table", f"write it as [{table}]")]
    faults = []
    if not _ID.match(name):
        faults.append(MenuFault(at, f"{name!r} names no menu", "a-z, digits and _, a letter first"))
    for key, value in given.items():
        if key not in _MENU_FIELDS:
            faults.append(_unknown(lines.of(table, key), key, tuple(_MENU_FIELDS)))
        elif not isinstance(value, _MENU_FIELDS[key]):
            form = {"reads": 'reads = ["hotline/…"]', "keys": f"[{table}.keys]"}.get(key)
            mend = f"write {form}" if form else f'write {key} = "…"'
            faults.append(MenuFault(lines.of(table, key), f"{key} has another form", mend))
        elif isinstance(value, str) and _CONTROL.search(value):
            faults.append(_broken(lines.of(table, key), key))
    faults += [
        MenuFault(at, f"menu {name} has no {key}", f"write {key} below [{table}]")
        for key in _NEEDED
        if key not in given
    ]
    if faults:
        return None, faults
    choices = []
    for key, value in given["keys"].items():
        line = lines.of(f"{table}.keys", key)
        choice = _choice(key, value, line)
        if isinstance(choice, MenuFault):
            faults.append(choice)
        else:
            choices.append(choice)
    menu = Menu(
        name, given["th"], given["en"], given["officer"],
        tuple(str(prompt) for prompt in given.get("reads", ())), tuple(choices),
        given.get("slow", ""), at,
    )  # fmt: skip
    return menu, faults


def _choice(key: str, given: Any, line: int) -> Choice | MenuFault:
    if len(key) != 1 or key not in KEYS:
        return MenuFault(line, f"{key!r} is no telephone key", "use one of 0-9 * #")
    form = f'"{key}" = {{ to = "queue information", says = "hotline/…", th = "…", en = "…" }}'
    if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
        return MenuFault(line, f"key {key} has another form", f"write {form}")
    for name in given:
        if name not in _CHOICE_FIELDS:
            return _unknown(line, name, _CHOICE_FIELDS)
        if _CONTROL.search(given[name]):
            return _broken(line, name)
    for name in ("to", "th", "en"):
        if not given.get(name, "").strip():
            return MenuFault(line, f"key {key} has no {name}", f"write {form}")
    kind, _, target = given["to"].partition(" ")
    if kind not in {*Kind} or (Kind(kind) in NAMED) != bool(target.strip()):
        return MenuFault(
            line, f"key {key} leads to {given['to']!r}, which is no such place",
            f"it is one of: {', '.join(_written(one) for one in Kind)}",
        )  # fmt: skip
    return Choice(
        key, Kind(kind), target.strip(), given.get("says", ""), given.get("service", ""),
        given["th"], given["en"], line,
    )  # fmt: skip


def _written(kind: Kind) -> str:
    return f"{kind} NAME" if kind in NAMED else str(kind)


def leads(tree: Tree, name: str) -> Iterator[Choice]:
    """The choices of a menu that lead out of it."""
    menu = tree.menus.get(name)
    yield from (c for c in menu.choices if c.kind not in HERE) if menu else ()
