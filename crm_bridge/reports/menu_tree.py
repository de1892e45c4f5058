"""The menus as they are, with how many callers took each key and where they gave up.

From the rows of `MENUS` (a caller's keys and how his call came out) and the file of the menus. A
key that callers pressed and the file does not have stands there too: a former one, or a wrong one
(the figures do not tell the two apart).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from crm_bridge.charts.tree import Branch
from crm_bridge.charts.tree import Tree as Picture
from crm_bridge.config import Config
from crm_bridge.reports.dashboards.menu_flow import LOST, pressed
from crm_bridge.reports.names import agency_name
from crm_bridge.reports.sheets import Words
from ivr.menu.tree import Choice, Kind, Menu, Tree
from ivr.selfservice import closed, status

TITLE: Final[Words] = ("เมนูของสาย", "The menus of the line")
_ALL: Final[Words] = ("สายเข้าทั้งหมด", "All calls in")
_NOT_THERE: Final[Words] = ("ไม่มีในเมนูปัจจุบัน", "not in the menu now")
_FORMER: Final[Words] = ("เมนูเดิม", "Former menu")
_SPOKEN: Final[dict[str, Words]] = {
    status.NAME: ("บริการสถานะเรื่อง", "Status of a ticket"),
    closed.MENU: ("เมนูนอกเวลาทำการ", "Menu out of hours"),
}
"""Menus that self-service speaks, which are in no file."""


@dataclass(slots=True)
class _Counts:
    """Calls by what was pressed in them; a key counts once a call."""

    calls: int = 0
    keyed: Counter[str] = field(default_factory=Counter)
    """By step (`main:1`)."""
    within: Counter[str] = field(default_factory=Counter)
    """By menu that a key led to, or in which one was pressed."""
    gave_up: Counter[str] = field(default_factory=Counter)
    """By the last key, of those who gave up; empty: no key."""


def picture(tree: Tree | None, ways: Mapping[tuple[str, str], int], config: Config) -> Picture:
    """The menus with the calls of `ways` ((path, outcome) → calls); without a file, the keys."""
    counts = _counted(ways, tree)
    leads = _Leads(config)
    branches: list[Branch] = []
    shown: set[str] = set()
    label = _ALL
    if tree is not None and tree.start in tree.menus:
        start = tree.menus[tree.start]
        label = (f"{start.th}: {_ALL[0]}", f"{start.en}: {_ALL[1]}")
        branches += _branches(tree, start, counts, counts.calls, leads, shown)
        for name, menu in tree.menus.items():
            if name not in shown:  # callers are led there from elsewhere
                branches.append(_whole(tree, menu, counts, leads, shown))
    for name in sorted({step.rpartition(":")[0] for step in counts.keyed} - shown - {""}):
        branches.append(_unlisted(name, counts))
    root = Branch(label, counts.calls, None, counts.gave_up[""], branches=tuple(branches))
    return Picture(TITLE, root)


def _counted(ways: Mapping[tuple[str, str], int], tree: Tree | None) -> _Counts:
    leading = {
        f"{menu.id}:{choice.key}": choice.target
        for menu in (tree.menus.values() if tree else ())
        for choice in menu.choices
        if choice.kind is Kind.MENU
    }
    counts = _Counts()
    for (path, outcome), calls in ways.items():
        keys = pressed(path)
        counts.calls += calls
        for step in {*keys}:
            counts.keyed[step] += calls
        came = {step.rpartition(":")[0] for step in keys}
        for menu in came | {leading[step] for step in keys if step in leading}:
            counts.within[menu] += calls
        if outcome in LOST:
            counts.gave_up[keys[-1] if keys else ""] += calls
    return counts


def _branches(
    tree: Tree, menu: Menu, counts: _Counts, of: int, leads: _Leads, shown: set[str]
) -> Iterator[Branch]:
    """The keys of a menu, `of` calls of which came to it; then those that it does not have."""
    shown.add(menu.id)
    for choice in menu.choices:
        step = f"{menu.id}:{choice.key}"
        calls = counts.keyed[step]
        below: tuple[Branch, ...] = ()
        if choice.kind is Kind.MENU and choice.target in tree.menus and choice.target not in shown:
            below = tuple(
                _branches(
                    tree,
                    tree.menus[choice.target],
                    counts,
                    counts.within[choice.target],
                    leads,
                    shown,
                )
            )
        yield Branch(
            leads.label(tree, choice), calls, calls / of if of else None, counts.gave_up[step],
            branches=below,
        )  # fmt: skip
    known = {choice.key for choice in menu.choices}
    yield from _others(menu.id, counts, of, lambda key: key not in known)


def _others(
    menu: str, counts: _Counts, of: int, wanted: Callable[[str], bool], *, former: bool = True
) -> Iterator[Branch]:
    """Keys pressed in a menu that its file does not have."""
    for step in sorted(counts.keyed):
        there, _, key = step.rpartition(":")
        if there == menu and wanted(key):
            calls = counts.keyed[step]
            words = (f"{key} · {_NOT_THERE[0]}", f"{key} · {_NOT_THERE[1]}")
            yield Branch(
                words if former else (f"กด {key}", f"Key {key}"), calls,
                calls / of if of else None, counts.gave_up[step], former,
            )  # fmt: skip


def _whole(tree: Tree, menu: Menu, counts: _Counts, leads: _Leads, shown: set[str]) -> Branch:
    calls = counts.within[menu.id]
    below = tuple(_branches(tree, menu, counts, calls, leads, shown))
    share = calls / counts.calls if counts.calls else None
    return Branch((menu.th, menu.en), calls, share, branches=below)


def _unlisted(name: str, counts: _Counts) -> Branch:
    """A menu that is in no file: one that self-service speaks, or a former one."""
    calls, words = counts.within[name], _SPOKEN.get(name)
    former = words is None
    below = tuple(_others(name, counts, calls, lambda _: True, former=False))
    return Branch(
        words or (f"{_FORMER[0]} {name}", f"{_FORMER[1]} {name}"), calls,
        calls / counts.calls if counts.calls else None, former=former, branches=below,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Leads:
    """Names what a key leads to."""

    config: Config

    def label(self, tree: Tree, choice: Choice) -> Words:
        there = self._there(tree, choice)
        if there is None:
            return f"{choice.key} · {choice.th}", f"{choice.key} · {choice.en}"
        return (
            f"{choice.key} · {choice.th} → {there[0]}",
            f"{choice.key} · {choice.en} → {there[1]}",
        )

    def _there(self, tree: Tree, choice: Choice) -> Words | None:
        if choice.kind is Kind.QUEUE:
            return f"คิว {choice.target}", f"queue {choice.target}"
        if choice.kind is Kind.AGENCY:
            return agency_name(self.config, choice.target)
        if choice.kind is Kind.MENU and choice.target == tree.start:
            menu = tree.menus[choice.target]
            return menu.th, menu.en
        return None
