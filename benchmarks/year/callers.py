"""Who calls: a population of numbers in which most call once or twice and a few all the time."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

_MOBILE: Final = tuple(f"0{n}" for n in (*range(61, 67), *range(80, 100)))
"""Prefixes of Thai mobile numbers; seven digits follow."""

_FIXED: Final = tuple(f"0{n}" for n in (*range(32, 40), *range(42, 46), *range(52, 57), 73, 74, 75,
                                       76, 77))  # fmt: skip
"""Area codes of the provinces; six digits follow. Bangkok's 02 has seven."""

_FOREIGN: Final = ("+8562055", "+6581234", "+8613812", "+6012345", "+4479111")
_NAMES: Final = (
    "สมชาย ใจดี", "สมหญิง รักไทย", "ร้านเจริญพาณิชย์", "บจก. ไทยรุ่งเรืองการค้า", "วิชัย ทองดี",
    "หจก. สินทวีคูณ", "Suda Trading", "มาลี ศรีสุข", "ตลาดสดเทศบาล", "John Smith",
)  # fmt: skip

_MILLION: Final = 1_000_000
_TEN_MILLION: Final = 10_000_000
_STEP: Final = 7_368_787
"""Prime to the numbers there are: neighbours in the population have nothing alike."""

_HEAVY: Final = 0.3
"""Share of the calls that come from the tail of those who call again and again."""
_TAIL: Final = 1.6


@dataclass(frozen=True, slots=True)
class Caller:
    """What the line presents of a caller; `number` is None where it is withheld."""

    number: str | None
    name: str | None = None
    english: bool = False
    """Whether he will choose English."""


_WITHHELD: Final = Caller(None)
_WITHHELD_ENGLISH: Final = Caller(None, english=True)


class Callers:
    """The population that makes `count` calls in a year."""

    def __init__(self, seed: int, count: int) -> None:
        self.size = max(1, count * 45 // 100)
        self._offset = Random(f"callers/{seed}").randrange(100 * _TEN_MILLION)

    def draw(self, random: Random) -> Caller:
        """Whoever calls next."""
        roll = random.random()
        if roll < 0.025:
            return _WITHHELD if roll < 0.023 else _WITHHELD_ENGLISH
        place = random.random()
        if roll < 0.025 + _HEAVY:
            place **= _TAIL
        return self.caller(int(place * self.size))

    def caller(self, rank: int) -> Caller:
        """The caller of that rank in the population; the same one each time."""
        spread = (rank * _STEP + self._offset) % (100 * _TEN_MILLION)
        kind, rest = spread % 100, spread // 100
        name = _NAMES[rest % len(_NAMES)] if rest % 53 == 0 else None
        if kind < 88:
            prefix = _MOBILE[(spread // 7) % len(_MOBILE)]
            return Caller(f"{prefix}{rest % _TEN_MILLION:07d}", name, kind < 2)
        if kind < 94:
            return Caller(f"02{2_000_000 + rest % 8_000_000:07d}", name)
        if kind < 99:
            area = _FIXED[(spread // 7) % len(_FIXED)]
            return Caller(f"{area}{200_000 + rest % 800_000:06d}", name)
        prefix = _FOREIGN[rest % len(_FOREIGN)]
        return Caller(f"{prefix}{rest % 100_000:05d}", name, english=True)
