"""The published standards: which steps a service has, and how long each may take, by date."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

PUBLISHED = Path(__file__).with_name("standards.toml")

OFFICE_ZONE = timezone(timedelta(hours=7), "Asia/Bangkok")
"""The office's wall clock; Thailand keeps no summer time."""


@dataclass(frozen=True, slots=True)
class Step:
    """One published step; exactly one of `seconds` and `working_days` is set."""

    step: str
    th: str
    en: str
    seconds: int | None
    working_days: int | None
    basis: str


@dataclass(frozen=True, slots=True)
class GuideStep:
    """A step as the published guide has it, for who wants the service; texts in Thai, English."""

    text: tuple[str, str]
    seconds: int | None
    working_days: int | None
    when: tuple[str, str] | None = None
    """Where it is not always taken."""


@dataclass(frozen=True, slots=True)
class Guide:
    """What the guideline tells the public of a service; texts in Thai and English."""

    begins: tuple[str, str]
    steps: tuple[GuideStep, ...]
    channel: tuple[str, str]
    fee: tuple[str, str]
    documents: tuple[tuple[str, str], ...]
    laws: tuple[tuple[str, str], ...]
    made_by: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the hotline and its steps in the guideline's order."""

    service: str
    name_th: str
    name_en: str
    steps: Mapping[str, Step]
    guide: Guide


@dataclass(frozen=True, slots=True)
class Edition:
    """The standards as published from one day on."""

    edition: str
    valid_from: date
    source: str
    services: Mapping[str, Service]


@dataclass(frozen=True, slots=True)
class Standards:
    """All editions, oldest first."""

    editions: tuple[Edition, ...]

    def on(self, micros: int) -> Edition:
        """The edition in force at this time (µs since the epoch), by the office's calendar."""
        day = datetime.fromtimestamp(micros // 1_000_000, UTC).astimezone(OFFICE_ZONE).date()
        for edition in reversed(self.editions):
            if edition.valid_from <= day:
                return edition
        return self.editions[0]


def _service(name: str, data: Mapping[str, Any], all_data: Mapping[str, Any]) -> Service:
    steps = all_data[data["same_as"]]["step"] if "same_as" in data else data["step"]
    return Service(
        name,
        data["name_th"],
        data["name_en"],
        {
            s["id"]: Step(
                s["id"], s["th"], s["en"], s.get("seconds"), s.get("working_days"), s["basis"]
            )
            for s in steps
        },
        _guide(data, steps),
    )


def _guide(data: Mapping[str, Any], steps: list[Mapping[str, Any]]) -> Guide:
    shown = data.get("guide") or [s for s in steps if s.get("printed", True)]
    return Guide(
        _both(data, "begins"),
        tuple(
            GuideStep(
                (s["th"], s["en"]),
                s.get("seconds"),
                s.get("working_days"),
                _both(s, "when") if "when_th" in s else None,
            )
            for s in shown
        ),
        _both(data, "channel"),
        _both(data, "fee"),
        tuple((d["th"], d["en"]) for d in data["documents"]),
        tuple((law["th"], law["en"]) for law in data["laws"]),
        _both(data, "made_by"),
    )


def _both(data: Mapping[str, Any], name: str) -> tuple[str, str]:
    return data[f"{name}_th"], data[f"{name}_en"]


@lru_cache(maxsize=4)
def load_standards(path: Path = PUBLISHED) -> Standards:
    """Reads the published standards; raises ValueError naming the file where it is unreadable."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        editions = tuple(
            Edition(
                e["id"],
                e["valid_from"],
                e["source"],
                {name: _service(name, s, e["service"]) for name, s in e["service"].items()},
            )
            for e in data["edition"]
        )
    except (KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: not a table of standards: {error!r}") from error
    return Standards(tuple(sorted(editions, key=lambda e: e.valid_from)))
