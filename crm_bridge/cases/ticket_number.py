"""The number of a case: `69-000123-4`, made to be read out over the telephone.

Buddhist year in two digits, running number of the year in six, check digit. Damm's quasigroup
finds every single wrong digit and every swap of two neighbours, so a misheard number names no
other case. It says nothing of province, agency or person.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases.working_days import office_day
from crm_bridge.records.desk_tables.cases import ticket_sequences
from ivr.calls.call import Micros

BUDDHIST: Final = 543
LAST: Final = 999_999
"""The highest running number of a year."""

_DAMM: Final = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)
"""H. Michael Damm's table (2004): totally anti-symmetric, zeros on the diagonal."""

_THAI: Final = ("ศูนย์", "หนึ่ง", "สอง", "สาม", "สี่", "ห้า", "หก", "เจ็ด", "แปด", "เก้า")
_ENGLISH: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
)  # fmt: skip
_GROUPS: Final = re.compile(r"\d+")
_DIGITS: Final = 9
_RUNNING: Final = 6


@dataclass(frozen=True, slots=True, order=True)
class TicketNumber:
    """One number; `str()` is its written form."""

    year: int
    """Buddhist, four digits."""
    running: int

    def __post_init__(self) -> None:
        if not 2500 <= self.year <= 2599 or not 1 <= self.running <= LAST:
            raise ValueError(f"no ticket number: {self.year} {self.running}")

    @property
    def check(self) -> int:
        """The check digit."""
        return damm(f"{self.year % 100:02}{self.running:06}")

    def __str__(self) -> str:
        return f"{self.year % 100:02}-{self.running:06}-{self.check}"

    def spoken(self, language: str = "th") -> str:
        """How it is read out: digit by digit, in groups of at most three."""
        words = _ENGLISH if language == "en" else _THAI
        digits = f"{self.running:06}"
        groups = (f"{self.year % 100:02}", digits[:3], digits[3:], str(self.check))
        if language == "en":
            return ", ".join(" ".join(words[int(d)] for d in group) for group in groups)
        return "  ".join(" ".join(words[int(d)] for d in group) for group in groups)


class NotATicket(ValueError):
    """The text is no ticket number; `th` and `en` say what is wrong with it."""

    def __init__(self, th: str, en: str) -> None:
        super().__init__(en)
        self.th = th
        self.en = en


def damm(digits: str) -> int:
    """The check digit of these digits; of digits that end in theirs it is 0."""
    interim = 0
    for digit in digits:
        interim = _DAMM[interim][int(digit)]
    return interim


def parse(text: str) -> TicketNumber:
    """The number a person wrote or said: Thai digits, spaces, dots, words around it, no dashes.

    Zeros before the running number may be left out where the parts stand apart (`69-123-4`).
    Raises NotATicket, with the reason.
    """
    plain = "".join(_digit(c) for c in text)
    groups = _GROUPS.findall(plain)
    digits = "".join(groups)
    if len(groups) == 3 and len(groups[0]) == 2 and len(groups[2]) == 1:
        digits = f"{groups[0]}{groups[1].zfill(_RUNNING)}{groups[2]}"
    if len(digits) == _DIGITS + 2 and digits.startswith("25"):
        digits = digits[2:]  # the whole Buddhist year was written
    if len(digits) != _DIGITS:
        raise NotATicket(
            f"เลขเรื่องมีตัวเลข 9 หลัก เช่น 69-000123-{damm('69000123')} แต่ที่ระบุมี {len(digits)} หลัก",
            f"a ticket number has 9 digits, such as 69-000123-{damm('69000123')};"
            f" this has {len(digits)}",
        )
    if damm(digits):
        raise NotATicket(
            "เลขเรื่องไม่ถูกต้อง มีตัวเลขผิดหรือสลับที่ โปรดตรวจสอบอีกครั้ง",
            "this is no ticket number: a digit is wrong or two are swapped; check it again",
        )
    try:
        return TicketNumber(2500 + int(digits[:2]), int(digits[2:8]))
    except ValueError:
        raise NotATicket("ไม่มีเลขเรื่องนี้", "there is no such ticket number") from None


def looks_like(text: str) -> bool:
    """Whether the text is a ticket number and nothing else: one parses, no letter is in it."""
    try:
        parse(text)
    except NotATicket:
        return False
    return not any(c.isalpha() for c in text)


async def next_number(connection: AsyncConnection, now: Micros) -> TicketNumber:
    """The next number of this year; call it in a writing transaction, which makes it unique.

    ValueError once a year's 999,999 numbers are used up.
    """
    year = office_day(now).year + BUDDHIST
    sequence = ticket_sequences.c
    last = await connection.scalar(select(sequence.last).where(sequence.year == year))
    if last is None:
        await connection.execute(insert(ticket_sequences).values(year=year, last=1))
        return TicketNumber(year, 1)
    await connection.execute(
        update(ticket_sequences).where(sequence.year == year).values(last=last + 1)
    )
    return TicketNumber(year, last + 1)


def _digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)
