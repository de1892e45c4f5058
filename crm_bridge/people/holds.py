"""What the law keeps of a person who asks to be forgotten: the table `holds.toml`, read."""

from __future__ import annotations

import calendar
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Final

from crm_bridge.clock import iso, micros
from ivr.calls.call import Micros

RULES: Final = (
    "open_case",
    "closed_case",
    "open_appointment",
    "closed_appointment",
    "shared_number",
    "elsewhere",
)
"""The rules the rooms ask for; each has its table in `holds.toml`."""

_DAY: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    """Why something is kept, by which law, and for how long after its end (`None`: no end set)."""

    name: str
    th: str
    en: str
    law_th: str
    law_en: str
    years: int | None = None
    days: int | None = None

    def until(self, ended: Micros | None) -> Micros | None:
        """Until when what ended then is kept; `None` where the rule sets no end."""
        if ended is None or (self.years is None and self.days is None):
            return None
        return _years_on(ended, self.years or 0) + (self.days or 0) * _DAY


@dataclass(frozen=True, slots=True)
class Hold:
    """One thing that is kept: in which room, what it is called, why, until when."""

    room: str
    ref: str
    rule: Rule
    until_us: Micros | None

    def as_json(self) -> dict[str, str | None]:
        """The hold as it is recorded and told to the person."""
        until = None if self.until_us is None else iso(self.until_us)
        return {
            "room": self.room,
            # a number stands with its last digits only: the act outlives who had it
            "ref": f"…{self.ref[-4:]}" if self.rule.name == "shared_number" else self.ref,
            "rule": self.rule.name,
            "th": self.rule.th,
            "en": self.rule.en,
            "law_th": self.rule.law_th,
            "law_en": self.rule.law_en,
            "until": until,
        }


@lru_cache(maxsize=1)
def load_rules() -> Mapping[str, Rule]:
    """The rules by name, from the table that comes with the program."""
    text = files("crm_bridge.people").joinpath("holds.toml").read_text(encoding="utf-8")
    return {name: Rule(name, **values) for name, values in tomllib.loads(text).items()}


def _years_on(moment: Micros, years: int) -> Micros:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)
    year = at.year + years
    day = min(at.day, calendar.monthrange(year, at.month)[1])
    return micros(at.replace(year=year, day=day).isoformat())
