"""What a person typed, made fit to be kept, sent and shown: no character that acts unseen."""

from __future__ import annotations

import unicodedata
from typing import Final

_UNSEEN: Final = frozenset(
    [0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x061C]
)
"""Marks that turn the direction of writing, and the byte order mark.

The zero width space (U+200B) stays: Thai uses it between words.
"""


def plain_text(text: str) -> str:
    """The text in NFC with line feeds alone as breaks, without controls and direction marks."""
    whole = text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair is no text
    lines = whole.replace("\r\n", "\n").replace("\r", "\n")
    fit = "".join(_fit(character) for character in lines)
    return unicodedata.normalize("NFC", fit).strip()


def plain_line(text: str) -> str:
    """The same on one line: every run of white space one space."""
    return " ".join(plain_text(text).split())


def _fit(character: str) -> str:
    if character == "\n":
        return character
    if character in "\t\v\f\u2028\u2029\x85":
        return " "
    if unicodedata.category(character) == "Cc" or ord(character) in _UNSEEN:
        return ""
    return character
