"""Frames of a wall: everything a screen shows at one moment, and what changed since the one before.

Pure. A frame is made once; what goes to the screens is encoded once for each language, when the
first asks for it, and the same bytes are every screen's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from crm_bridge.desk.wall_rows import Row

Sections = Mapping[str, Mapping[str, Row]]
"""Name of a section → its rows by key, in the order in which they are shown."""

Encode = Callable[[str, Mapping[str, Any]], bytes]
"""Kind and data of an event → the bytes that a screen is sent."""

_PLACE: Final = {"th": 0, "en": 1}


class Frame:
    """One moment of the wall; `number` grows by one from frame to frame."""

    def __init__(
        self, number: int, sections: Sections, before: Sections | None, encode: Encode
    ) -> None:
        """`before`: the sections of the frame before, which is not kept."""
        self.number = number
        self.sections = sections
        self._changes = changes(before, sections) if before is not None else {}
        self._encode = encode
        self._made: dict[tuple[str, str], bytes] = {}

    @property
    def changed(self) -> bool:
        """Whether it shows anything else than the one before."""
        return bool(self._changes)

    def whole(self, lang: str) -> bytes:
        """Everything, for a screen that has nothing or missed a frame."""
        return self._bytes("state", lang)

    def change(self, lang: str) -> bytes:
        """What changed, for a screen that has the frame before."""
        return self._bytes("change", lang)

    def _bytes(self, kind: str, lang: str) -> bytes:
        made = self._made.get((kind, lang))
        if made is None:
            if kind == "state":
                told: dict[str, Any] = {
                    name: {"order": list(rows), "set": _said(rows, lang)}
                    for name, rows in self.sections.items()
                }
            else:
                told = {
                    name: {**change, "set": _said(change["set"], lang)}
                    for name, change in self._changes.items()
                }
            made = self._made[kind, lang] = self._encode(
                kind, {"number": self.number, "sections": told}
            )
        return made


def changes(before: Sections, after: Sections) -> dict[str, dict[str, Any]]:
    """Section → rows that are new or another (`set`), and `order` where that changed.

    What is not in `order` any more is gone. Sections that stay the same are left out.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, rows in after.items():
        old = before.get(name, {})
        changed = {
            key: row for key, row in rows.items() if (was := old.get(key)) is not row and was != row
        }
        change: dict[str, Any] = {"set": changed}
        if list(old) != list(rows):
            change["order"] = list(rows)
        if changed or "order" in change:
            found[name] = change
    return found


def _said(rows: Mapping[str, Row], lang: str) -> dict[str, dict[str, Any]]:
    place = _PLACE[lang]
    return {
        key: {
            name: cell[place] if isinstance(cell, tuple) else cell
            for name, cell in row.items()
            if cell is not None
        }
        for key, row in rows.items()
    }
