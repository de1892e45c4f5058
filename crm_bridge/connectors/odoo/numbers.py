"""Telephone numbers that people typed into a text field, as E.164."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

_THAI: Final = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")
_ARABIC: Final = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
_BETWEEN: Final = re.compile(r"[,;/|\n]|\b(?:or|and)\b|หรือ|และ")
_EXTENSION: Final = re.compile(r"(?:ext|ต่อ|ถึง|#|\bx(?=[\s.\d])).*$", re.IGNORECASE | re.DOTALL)
_LONGEST: Final = 200


def numbers_in(text: str, region: str = "TH") -> tuple[str, ...]:
    """Every valid number that the text holds, each once; extensions are left off."""
    found: dict[str, None] = {}
    for piece in _BETWEEN.split(text[:_LONGEST].translate(_ARABIC)):
        for candidate in _readings(_EXTENSION.sub("", piece), region):
            try:
                number = phonenumbers.parse(candidate, region)
            except NumberParseException:
                continue
            if phonenumbers.is_valid_number(number):
                found[phonenumbers.format_number(number, PhoneNumberFormat.E164)] = None
                break
    return tuple(found)


def patterns(e164: str) -> tuple[str, ...]:
    """LIKE patterns that match every way to write the number, and more: re-check what they find.

    None for what is no number.
    """
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException:
        return ()
    digits = phonenumbers.national_significant_number(number)
    pattern = "%" + "%".join(digits) + "%"
    return (pattern, pattern.translate(_THAI))


def _readings(piece: str, region: str) -> Iterator[str]:
    """Ways to read the digits of one number, the likeliest first."""
    digits = re.sub(r"[^\d]", "", piece)
    if not 6 <= len(digits) <= 20:
        return
    country = str(phonenumbers.country_code_for_region(region))
    if piece.lstrip(" (").startswith("+"):
        yield "+" + digits
    elif digits.startswith("00" + country):
        yield "+" + digits[2:]  # phonenumbers would read 006 as a carrier's prefix
    else:
        yield digits
        if digits.startswith("00"):
            yield "+" + digits[2:]
        elif digits.startswith(country):
            yield "+" + digits
    if piece.count("-") > 1:  # 02-547-5000-5: an extension, or the last of a bundle of lines
        yield re.sub(r"[^\d+]", "", piece.rpartition("-")[0])
