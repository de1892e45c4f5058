"""Whom an officer can hand a caller to: agencies, officers, queues; found by name, place or number.

Nothing else can be dialled from the desk: what is not in here is refused before it is sent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from rapidfuzz import fuzz

from crm_bridge.cases.subjects import SERVICES
from crm_bridge.cases.working_days import Calendar
from crm_bridge.config import Config
from crm_bridge.desk.line import Line
from crm_bridge.errors import Refused
from ivr.calls.call import Micros
from ivr.calls.members import Presence
from ivr.steps.standards import OFFICE_ZONE

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_GOOD: Final = 72.0
"""Likeness (0-100) from which a misspelt word still counts as the one that is meant."""
_GOOD_WHOLE: Final = 80.0
"""The same for all that was asked, as one word."""
_SHORTEST_WHOLE: Final = 5
_OFFICE: Final = re.compile("^(สำนักงาน)?พาณิชย(จังหวัด)?")
"""How a provincial commerce office is asked for, without its marks."""
_SHORTEST_GUESS: Final = 3
"""Letters below which nothing is guessed: a short word is like too much."""
_THAI_DIGITS: Final = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
_COMMON: Final = (
    "สำนักงานพาณิชย์จังหวัด", "สำนักงานพาณิชย์", "provincial commerce office",
    "department of", "กรมการ", "กรม",
)  # fmt: skip
"""What many names have, and nobody is told apart by."""
_SATURDAY: Final = 5


class Kind(StrEnum):
    """What stands behind a number."""

    AGENCY = "agency"
    OFFICER = "officer"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class Entry:
    """One number that a caller can be handed to."""

    kind: Kind
    id: str
    number: str
    name_th: str
    name_en: str
    province: str = ""
    group: str = ""
    """Of an agency: `department`, `division` or `province`, as the configuration says."""
    hours: str = ""
    """Office hours, `08:30-16:30`; empty: always."""


@dataclass(frozen=True, slots=True)
class Found:
    """An entry as it stands now."""

    entry: Entry
    presence: Presence
    open: bool | None
    """In its office hours; `None` where it keeps none."""
    score: float = 100.0


class Directory:
    """The agency directory, the officers and the queues, as they are now."""

    def __init__(self, config: Config, line: Line) -> None:
        self._line = line
        self._agencies = tuple(
            Entry(
                Kind.AGENCY, key, number, a.name_th or key, a.name_en or key,
                a.province, a.kind, a.hours,
            )
            for key, a in config.agency.items()
            for number in a.numbers
        )  # fmt: skip
        self._queues = tuple(
            Entry(
                Kind.QUEUE, name, queue.number, f"คิว{SERVICES[queue.service][0]}",
                f"Queue: {SERVICES[queue.service][1]}",
            )
            for name, queue in config.queue.items()
            if queue.number
        )  # fmt: skip

    def entries(self) -> list[Entry]:
        """Everything that can be dialled, agencies first."""
        officers = (
            Entry(Kind.OFFICER, number, number, f"เจ้าหน้าที่ {number}", f"Officer {number}")
            for number in self._line.extensions()
        )
        return [*self._agencies, *self._queues, *officers]

    def check(self, number: str, agent: str) -> str:
        """The number, where an officer may hand a caller to it. Raises Refused."""
        dialled = number.strip().translate(_THAI_DIGITS)
        if dialled == agent:
            raise _refused("to-oneself", "โอนสายให้ตนเองไม่ได้", "a call cannot be handed to yourself")
        if not any(entry.number == dialled for entry in self.entries()):
            raise _refused(
                "not-in-the-directory",
                "ไม่มีหมายเลขนี้ในสมุดโทรศัพท์ของหน่วยงาน เจ้าหน้าที่ หรือคิวบริการ",
                "this number is not in the directory of agencies, officers and queues",
            )
        return dialled

    def search(
        self,
        text: str,
        *,
        now: Micros,
        calendar: Calendar | None = None,
        kinds: Iterable[Kind] = Kind,
        limit: int = 20,
    ) -> list[Found]:
        """Entries that fit, the best first; without a text everything in the directory's order.

        Names in Thai or English, provinces and numbers; slips of spelling are forgiven. `calendar`
        tells the government's holidays, else only weekends are known.
        """
        wanted = frozenset(kinds)
        asked = _plain(text).split()
        found = []
        for entry in self.entries():
            score = _score(entry, asked) if entry.kind in wanted else 0.0
            if score >= _GOOD:
                presence = self._line.presence(entry.number)
                found.append(Found(entry, presence, is_open(entry.hours, now, calendar), score))
        found.sort(key=lambda one: -one.score)  # stable: the directory's order among equals
        return found[:limit]


def is_open(hours: str, now: Micros, calendar: Calendar | None = None) -> bool | None:
    """Whether an office with these hours (`08:30-16:30`, Bangkok) is open; `None` without any."""
    if not hours:
        return None
    opens, _, closes = hours.partition("-")
    here = (_EPOCH + timedelta(microseconds=now)).astimezone(OFFICE_ZONE)
    day = here.date()
    if calendar is not None and calendar.first <= day <= calendar.last:
        works = calendar.working(day)
    else:
        works = day.weekday() < _SATURDAY
    return works and time.fromisoformat(opens) <= here.time() < time.fromisoformat(closes)


def _refused(code: str, th: str, en: str) -> Refused:
    return Refused(code, th, en, 422, {"number": (th, en)})


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    """As it is compared: lower case, one form of each letter, no marks that are often left out."""
    folded = unicodedata.normalize("NFKC", text).lower().translate(_THAI_DIGITS)
    folded = re.sub(r"[\u0e47-\u0e4e]", "", folded)  # tone and silence marks
    return " ".join(re.sub(r"[^\w\u0e00-\u0e7f]+", " ", folded).split())


@lru_cache(maxsize=4096)
def _words_of(entry: Entry) -> tuple[str, ...]:
    """What an entry may be asked for by: whole names, and what tells them apart."""
    found = []
    for name in (entry.name_th, entry.name_en, entry.province, entry.id.replace("-", " ")):
        plain = _plain(name)
        if not plain:
            continue
        found.append(plain)
        short = plain
        for common in _COMMON:
            short = short.replace(_plain(common), " ")
        found += [word for word in {*short.split(), " ".join(short.split())} if len(word) > 1]
    return tuple(dict.fromkeys(found))


def _score(entry: Entry, asked: list[str]) -> float:
    """How well an entry fits every word that was asked for; the worst fit of a word counts most.

    What was asked for is also taken as one word: a slip weighs less in a long one, and Thai may be
    written with or without its spaces.
    """
    if not asked:
        return 100.0
    each = [_fit(entry, word) for word in asked]
    words = 0.0 if min(each) < _GOOD else (min(each) + sum(each) / len(each)) / 2
    whole = "".join(asked)
    if whole.isdigit() or len(whole) < _SHORTEST_WHOLE:
        return words
    alike = max(
        fuzz.ratio(known.replace(" ", ""), part)
        for known in _words_of(entry)
        for part in (whole, _OFFICE.sub("", whole) or whole)
    )
    return max(words, 0.95 * alike if alike >= _GOOD_WHOLE else 0.0)


def _fit(entry: Entry, word: str) -> float:
    if word.isdigit():
        return (100.0 if entry.number == word else 96.0) if entry.number.startswith(word) else 0.0
    best = 0.0
    for known in _words_of(entry):
        if known == word:
            return 100.0
        if known.startswith(word):
            best = max(best, 97.0)
        elif word in known:
            best = max(best, 93.0)
        elif len(word) >= _SHORTEST_GUESS:
            best = max(best, 0.92 * fuzz.ratio(known, word))
    return best
