"""Who is calling: the number as presented → E.164, or the reason why there is none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber

Kind = Literal["mobile", "fixed", "other", "foreign", "short", "invalid", "withheld", "unknown"]

LONGEST_PRESENTED: Final = 80
"""Characters of a presented number that are kept: Asterisk's own limit for a caller's number."""

_LONGEST_PARSED: Final = 40
_LONGEST_SHORT_CODE: Final = 6
_WITHHELD: Final = frozenset({"anonymous", "restricted", "private", "withheld", "hidden"})
_UNKNOWN: Final = frozenset({"", "unknown", "unavailable", "null", "none", "asterisk"})
_EXTENSION: Final = re.compile(r"\s*(?:[;,#]|ext\b|ต่อ|x(?=[\s.\d])).*$", re.IGNORECASE | re.DOTALL)
_SHAPE: Final = re.compile(r"\+?[\d\s().\-–/]+")
_NOT_DIGIT: Final = re.compile(r"\D")
_THAI_DIGITS: Final = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")


@dataclass(frozen=True, slots=True)
class Number:
    """A caller's number: `e164` where it is one, what was presented, and of what kind it is."""

    e164: str | None
    presented: str | None
    withheld: bool
    kind: Kind


@lru_cache(maxsize=16_384)
def normalise(presented: str | None, region: str = "TH") -> Number:
    """The number presented by the line, as seen from `region`.

    A short code (1203, 1111, 191) or an inner extension is kept as presented, without E.164;
    a hidden number or none at all is `withheld`. Any text is taken; none raises.
    """
    if presented is None:
        return Number(None, None, True, "unknown")
    kept = clean(presented, LONGEST_PRESENTED)
    bare = _bare(presented[: 2 * LONGEST_PRESENTED])
    word = bare.strip("<>\"' ").lower()
    if word in _WITHHELD:
        return Number(None, kept, True, "withheld")
    if word in _UNKNOWN and (word or not presented.strip("<>\"' ")):
        return Number(None, kept, True, "unknown")
    if len(bare) > _LONGEST_PARSED or not _SHAPE.fullmatch(bare):
        return Number(None, kept, False, "invalid")
    for candidate in _candidates(bare, region):
        try:
            number = phonenumbers.parse(candidate, region)
        except NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            return Number(e164, kept, False, _kind(number, region))
    digits = _NOT_DIGIT.sub("", bare)
    kind: Kind = "short" if 0 < len(digits) <= _LONGEST_SHORT_CODE else "invalid"
    return Number(None, kept, False, kind)


def clean(text: str, longest: int) -> str:
    """The text cut to `longest`, without what no database holds: NUL, half a surrogate pair."""
    if len(text) > longest:
        text = text[:longest]
    if text.isascii():
        return text.replace("\0", "") if "\0" in text else text
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _bare(text: str) -> str:
    """The number alone: without `sip:`, `@host`, an extension, with Thai digits made plain."""
    text = text.strip().translate(_THAI_DIGITS)
    lowered = text.lower()
    for scheme in ("sips:", "sip:", "tel:"):
        if lowered.startswith(scheme):
            text = text[len(scheme) :]
            break
    return _EXTENSION.sub("", text.partition("@")[0]).strip()


def _candidates(bare: str, region: str) -> list[str]:
    """Ways to read the digits, the likeliest first; the first valid one is taken."""
    digits = _NOT_DIGIT.sub("", bare)
    if bare.startswith("+"):
        found = ["+" + digits]
    else:
        country = str(phonenumbers.country_code_for_region(region))
        if digits.startswith("00" + country):
            # phonenumbers takes the 006 of 0066… for a carrier's prefix and finds another country
            found = ["+" + digits[2:]]
        elif digits.startswith("00"):
            found = [digits, "+" + digits[2:]]
        else:
            found = [digits]
    if bare.count("-") > 1:
        # 02-547-5000-5: the last group is an extension, or the range of a bundle of lines
        found.append(_NOT_DIGIT.sub("", bare.rpartition("-")[0]))
        if bare.startswith("+"):
            found[-1] = "+" + found[-1]
    return found


def _kind(number: PhoneNumber, region: str) -> Kind:
    if number.country_code != phonenumbers.country_code_for_region(region):
        return "foreign"
    match phonenumbers.number_type(number):
        case phonenumbers.PhoneNumberType.MOBILE:
            return "mobile"
        case phonenumbers.PhoneNumberType.FIXED_LINE:
            return "fixed"
        case _:
            return "other"
