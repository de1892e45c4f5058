"""What other CRMs say of a caller, re-checked and made fit to be shown to an officer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from crm_bridge.connectors.port import Contact
from crm_bridge.plain_text import plain_line
from crm_bridge.records.callers import normalise

SHOWN: Final = 5
"""Contacts, and lines of each, that an officer is shown."""

_LONGEST: Final = 120


class State(StrEnum):
    """What has come of asking one CRM."""

    FOUND = "found"
    NONE = "none"
    LATE = "late"
    """It has not answered yet."""
    FAILED = "failed"
    """It could not be asked, or did not answer."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one CRM says of a caller."""

    connector: str
    kind: str
    state: State
    contacts: tuple[Contact, ...] = ()
    more: int = 0
    """Contacts beyond those shown."""


def checked(found: Sequence[Contact], e164: str) -> tuple[Contact, ...]:
    """Contacts that bear this very number, each once, fit to be shown.

    A CRM may ignore what it was asked for and answer with everybody it knows.
    """
    fit: dict[str, Contact] = {}
    for contact in found:
        numbers = tuple(n for one in contact.numbers if (n := normalise(one).e164) is not None)
        if e164 in numbers:
            fit.setdefault(contact.id, _shown(contact, numbers))
    return tuple(fit.values())


def _shown(contact: Contact, numbers: tuple[str, ...]) -> Contact:
    lines = [line for text in contact.lines[:SHOWN] if (line := plain_line(text)[:_LONGEST])]
    return Contact(
        contact.id,
        plain_line(contact.name)[:_LONGEST],
        numbers,
        contact.key,
        safe_url(contact.url),
        tuple(lines),
    )


def safe_url(url: str | None) -> str | None:
    """The address where it is one of the web; anything else is made no link."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.hostname else None
