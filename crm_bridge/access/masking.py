"""Who sees callers' numbers, names and addresses whole, and how they are written for who does not.

Officers who serve callers, their supervisors and the Director need them; what an agency or province
sees of a complainant is decided by the complainant's consent (`crm_bridge/cases/case.py`). Who
checks, and who runs the system, works by ids: a number's last digits and a name's first letter tell
two callers apart. An administrator sees persons whole: a person's rights are carried out there.
Words that officers wrote are shown as they are, but for numbers in them.
"""

from __future__ import annotations

import re
from typing import Any, Final

from crm_bridge.access.roles import Role

MASKED: Final[dict[Role, tuple[str, ...]]] = {
    Role.AUDITOR: (),
    Role.ADMINISTRATOR: ("/people", "/api/v1/people"),
}
"""Roles for which callers are masked, and the beginnings of routes where they are not."""

HIDES: Final = "hotline_hides"
"""Where a request says that callers are masked for whoever asks."""

_NUMBERS: Final = frozenset(
    {"number", "numbers", "e164", "caller_number", "caller_number_presented", "phone", "dialled",
     "complainant_number", "presented", "contact", "target"}
)  # fmt: skip
_NAMES: Final = frozenset(
    {"caller_name", "complainant_name", "full_name", "surname", "first_name", "second_name",
     "person_name"}
)  # fmt: skip
_EMAILS: Final = frozenset({"email", "complainant_email"})
_WHOLE_TEXTS: Final = frozenset({"/api/v1/messages"})
"""Routes whose texts are letters to the person."""
_OF_PERSONS: Final = ("/api/v1/people", "/api/v1/appointments", "/api/v1/lost-calls")
"""Routes in which `_PERSONS_OWN` are a person's; another address is a page's or a browser's."""
_PERSONS_OWN: Final = frozenset({"name", "address"})
_IN_TEXT: Final = re.compile(r"(?<![\w+.])(?:\+66|0)[\s-]?\d(?:[\s-]?\d){7,8}(?![\w.])")


def hides(role: Role, route: str) -> bool:
    """Whether callers are masked for this role in this route."""
    whole = MASKED.get(role)
    return whole is not None and not any(route.startswith(begin) for begin in whole)


def number(text: str | None) -> str:
    """`+66819998877` → `•••• 8877`; a short one whole: it is nobody's own."""
    digits = re.sub(r"\D", "", text or "")
    return (text or "") if len(digits) < 7 else f"•••• {digits[-4:]}"


def name(text: str | None) -> str:
    """`สมชาย ใจดี` → `ส•••`."""
    plain = (text or "").strip()
    return f"{plain[0]}•••" if plain else ""


def email(text: str | None) -> str:
    """`somchai@example.com` → `s•••@example.com`."""
    plain, at, domain = (text or "").partition("@")
    return f"{plain[:1]}•••{at}{domain}" if plain else ""


def words(text: str) -> str:
    """Free words with the numbers in them masked."""
    return _IN_TEXT.sub(lambda found: number(found[0]), text)


def published(value: Any, route: str) -> Any:
    """What an API route answers, masked by the names of its fields."""
    if isinstance(value, dict):
        return {key: _field(key, inner, route) for key, inner in value.items()}
    if isinstance(value, list):
        return [published(inner, route) for inner in value]
    return words(value) if isinstance(value, str) else value


def _field(key: str, value: Any, route: str) -> Any:
    if isinstance(value, str):
        if key in _NUMBERS:
            return number(value)
        if key in _NAMES or (key in _PERSONS_OWN and route.startswith(_OF_PERSONS)):
            return name(value)
        if key in _EMAILS:
            return email(value)
        if route in _WHOLE_TEXTS and key in {"to", "text", "subject"}:
            return number(value) if key == "to" and "@" not in value else name(value)
    if isinstance(value, list) and key in _NUMBERS:
        return [number(one) if isinstance(one, str) else published(one, route) for one in value]
    return published(value, route)
