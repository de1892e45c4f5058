"""The edition of a paper that may leave the office: nobody named, small counts withheld."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from crm_bridge.papers.paper import Paper
from crm_bridge.reports.sheets import Sheet
from crm_bridge.reports.suppression import published

_PERSONS: Final = frozenset({"agent", "officer"})
"""Columns whose rows are of one person each."""


def published_edition(paper: Paper, without: frozenset[str] = frozenset()) -> Paper:
    """Tables of single officers, charts (whose bars have a length) and `without` are left out."""
    kept = [s for s in paper.sheets if s.id not in without and not _of_persons(s)]
    return replace(
        paper,
        id=f"{paper.id}-published",
        sheets=tuple(published(sheet) for sheet in kept),
        charts={},
        summary=(),
        published=True,
    )


def _of_persons(sheet: Sheet) -> bool:
    return any(column.id in _PERSONS for column in sheet.columns)
