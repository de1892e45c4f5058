"""[hours]: when callers are served."""

from __future__ import annotations

import re
from typing import Final

from pydantic import Field, model_validator

from crm_bridge.config_outside import Section

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
_MIDNIGHT: Final = 24 * 60


class HoursSection(Section):
    """[hours]: without the section the hotline is always open. A day left out is closed."""

    monday: list[str] = Field([], description="spans of the day, `08:30-12:00`, Bangkok time")
    tuesday: list[str] = Field([], description="as monday")
    wednesday: list[str] = Field([], description="as monday")
    thursday: list[str] = Field([], description="as monday")
    friday: list[str] = Field([], description="as monday")
    saturday: list[str] = Field([], description="as monday")
    sunday: list[str] = Field([], description="as monday")

    @model_validator(mode="after")
    def _some_hours_in_order(self) -> HoursSection:
        if not any(self.minutes()):
            raise ValueError("hours: no day has any: give one some, or leave the section out")
        return self

    def minutes(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Each day's spans in minutes after midnight, Monday first; ValueError names the day."""
        return tuple(_minutes(day, getattr(self, day)) for day in DAYS)


def _minutes(day: str, spans: list[str]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for span in spans:
        match = _SPAN.fullmatch(span)
        if match is None:
            raise ValueError(f"hours.{day}: {span!r} is no span of a day; write 08:30-12:00")
        start = int(match[1]) * 60 + int(match[2])
        end = _MIDNIGHT if match[3] is None else int(match[3]) * 60 + int(match[4])
        if end <= start or (found and start < found[-1][1]):
            raise ValueError(f"hours.{day}: {span!r} ends too early, or overlaps the one before")
        found.append((start, end))
    return tuple(found)
