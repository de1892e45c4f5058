"""Numbers, dates and times as the sounds that say them, in Thai and English; pure.

Names are those that Asterisk's own `say` uses (`digits/1`, `digits/roi`, `digits/mon-0`), so that
a sound recorded once serves both. The order is ours: Asterisk 22 says 101 as "หนึ่งร้อยหนึ่ง" and
has the Gregorian year on its plain path (docs/decisions/0030-numbers-said-in-thai.md). `language`
is `th` or `en`; another raises ValueError.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

LANGUAGES: Final = ("th", "en")
BUDDHIST: Final = 543

_MILLION: Final = 10**6
_THAI_POWERS: Final = ((10**5, "san"), (10**4, "muan"), (10**3, "pan"), (10**2, "roi"))
_ENGLISH_POWERS: Final = (
    (10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (10**2, "hundred"),
)  # fmt: skip
_CENTURIES: Final = range(1100, 2000)
"""English years that are said as two numbers: nineteen, ninety-nine."""
_TEENS: Final = range(21)
"""Numbers that have one sound each in both languages."""
_SIGNS: Final = {"*": "star", "#": "pound"}
_SPACERS: Final = " -–./"
"""Signs within a number that are not said: of a ticket, of a telephone."""


def digits(text: str) -> tuple[str, ...]:
    """`text` digit by digit, the same in both languages; Thai digits, * and # are said too.

    Spaces, dashes, dots and slashes are passed over; ValueError for any other sign.
    """
    said = []
    for place, sign in enumerate(text, 1):
        if sign.isdecimal():
            said.append(f"digits/{int(sign)}")
        elif sign in _SIGNS:
            said.append(f"digits/{_SIGNS[sign]}")
        elif sign not in _SPACERS:
            raise ValueError(f"sign {place} of {len(text)} is no digit and no * or #")
    return tuple(said)


def number(n: int, language: str) -> tuple[str, ...]:
    """A whole number of any size, as a count."""
    if _thai(language):
        return _sounds("lop", *_thai_number(-n)) if n < 0 else _sounds(*_thai_number(n))
    return _sounds("minus", *_english_number(-n)) if n < 0 else _sounds(*_english_number(n))


def date(day: dt.date, language: str, *, weekday: bool = False) -> tuple[str, ...]:
    """วันที่ 5 เดือนมกราคม พ.ศ. 2569; "January fifth, two thousand twenty-six".

    With `weekday` it begins with that: วันจันทร์ที่ 5 …, "Monday, January fifth …".
    """
    named = f"day-{day.isoweekday() % 7}"
    month = f"mon-{day.month - 1}"
    if _thai(language):
        return _sounds(
            named if weekday else "wan",
            "tee",
            *_thai_number(day.day),
            "duan",
            month,
            "posor",
            *_thai_number(day.year + BUDDHIST),
        )
    return _sounds(
        *([named] if weekday else []), month, *_english_ordinal(day.day), *_english_year(day.year)
    )


def clock(hour: int, minute: int, language: str) -> tuple[str, ...]:
    """A time of day, 0:00 to 23:59, as office hours are: แปดนาฬิกาสามสิบนาที, "eight thirty a.m.".

    ValueError where there is no such time.
    """
    dt.time(hour, minute)
    if _thai(language):
        minutes = [*_thai_number(minute), "natee"] if minute else []
        return _sounds(*_thai_number(hour), "naliga", *minutes)
    if minute == 0:
        minutes = ["oclock"]
    elif minute < 10:
        minutes = ["oh", str(minute)]
    else:
        minutes = _english_number(minute)
    return _sounds(str((hour + 11) % 12 + 1), *minutes, "a-m" if hour < 12 else "p-m")


def vocabulary(language: str) -> frozenset[str]:
    """Every sound that anything here can name in that language."""
    both = [*map(str, _TEENS), *map(str, range(30, 100, 10)), *_SIGNS.values()]
    both += [f"day-{n}" for n in range(7)] + [f"mon-{n}" for n in range(12)]
    if _thai(language):
        own = [str(n) for n in range(21, 100, 10)] + [name for _, name in _THAI_POWERS]
        own += ["larn", "et", "lop", "wan", "tee", "duan", "posor", "naliga", "natee"]
    else:
        own = [f"h-{n}" for n in (*range(1, 21), 30)] + [name for _, name in _ENGLISH_POWERS]
        own += ["minus", "oh", "oclock", "a-m", "p-m"]
    return frozenset(_sounds(*both, *own))


def _thai(language: str) -> bool:
    if language not in LANGUAGES:
        raise ValueError(f"language {language!r}: numbers are said in th and en")
    return language == "th"


def _sounds(*names: str) -> tuple[str, ...]:
    return tuple(f"digits/{name}" for name in names)


def _thai_number(n: int) -> list[str]:
    """What stands before ล้าน is a number of its own, so that ล้านล้าน comes out by itself."""
    said: list[str] = []
    if n >= _MILLION:
        said = [*_thai_number(n // _MILLION), "larn"]
        n %= _MILLION
        if n == 0:
            return said
    for power, name in _THAI_POWERS:
        if n >= power:
            said += [str(n // power), name]
            n %= power
    if n == 1 and said:
        return [*said, "et"]  # เอ็ด after anything else: 101, 1,001, 1,000,001
    if n == 0 and said:
        return said
    return said + _thai_tens(n)


def _thai_tens(n: int) -> list[str]:
    if n in _TEENS or n % 10 == 1:
        return [str(n)]  # สิบเอ็ด, ยี่สิบเอ็ด, … เก้าสิบเอ็ด have a sound each
    return [str(n - n % 10), *([str(n % 10)] if n % 10 else [])]


def _english_number(n: int) -> list[str]:
    said: list[str] = []
    for power, name in _ENGLISH_POWERS:
        if n >= power:
            said += [*_english_number(n // power), name]
            n %= power
    if n == 0 and said:
        return said
    if n in _TEENS:
        return [*said, str(n)]
    return [*said, str(n - n % 10), *([str(n % 10)] if n % 10 else [])]


def _english_ordinal(n: int) -> list[str]:
    """A day of the month."""
    if n in _TEENS or n % 10 == 0:
        return [f"h-{n}"]
    return [str(n - n % 10), f"h-{n % 10}"]


def _english_year(year: int) -> list[str]:
    if year not in _CENTURIES:
        return _english_number(year)
    century, rest = divmod(year, 100)
    if rest == 0:
        return [str(century), "hundred"]
    return [str(century), *(["oh"] if rest < 10 else []), *_english_number(rest)]
