"""Which backups are kept: the newest of so many days, weeks and months that have one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from crm_bridge.config_operations import BackupSection
from ivr.steps.standards import OFFICE_ZONE

_NAME: Final = re.compile(r"hotline-(\d{8}T\d{6}Z)\.backup")


def made_at(path: Path) -> datetime | None:
    """When a backup was made, by its name; None for a file that is none of ours."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        return None
    return datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def superfluous(files: Iterable[Path], section: BackupSection) -> list[Path]:
    """Those that no rule keeps, oldest first; days are the office's. The newest is always kept."""
    dated = sorted(((at, file) for file in files if (at := made_at(file))), reverse=True)
    kept: set[Path] = set()
    for count, span in (
        (section.daily, _day), (section.weekly, _week), (section.monthly, _month),
    ):  # fmt: skip
        kept |= _newest(dated, count, span)
    return [file for _, file in reversed(dated) if file not in kept]


def _newest(
    dated: list[tuple[datetime, Path]], count: int, span: Callable[[date], Any]
) -> set[Path]:
    newest: dict[Any, Path] = {}
    for at, file in dated:
        newest.setdefault(span(at.astimezone(OFFICE_ZONE).date()), file)
    return set(list(newest.values())[:count])


def _day(day: date) -> date:
    return day


def _week(day: date) -> tuple[int, int]:
    return day.isocalendar()[:2]


def _month(day: date) -> tuple[int, int]:
    return day.year, day.month
