"""Values as Roundup takes and gives them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import phonenumbers

from crm_bridge.connectors.port import Value
from crm_bridge.plain_text import plain_text

_ISO: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)Z")
_NATIVE: Final = re.compile(r"\d{4}-\d\d-\d\d\.\d\d:\d\d:\d\d")
_E164: Final = re.compile(r"(?<![\w+])\+[1-9]\d{5,14}(?!\d)")
_LONGEST: Final = 500


def to_send(fields: Mapping[str, Value]) -> dict[str, Any]:
    """Fields in the form in which Roundup keeps them, so that they read back the same."""
    return {name: _kept(value) for name, value in fields.items()}


def _kept(value: Value) -> Value:
    if not isinstance(value, str):
        return value
    text = plain_text(value)
    if found := _ISO.fullmatch(text):
        return f"{found[1]}.{found[2]}"
    return text or None


def same(sent: Any, got: Any) -> bool:
    """Whether what stands there is what was sent; a link by its id or its name."""
    if isinstance(got, dict):
        return str(sent) in {ident(got), word(got)}
    if isinstance(got, list):
        wanted = sent if isinstance(sent, list) else str(sent or "").split(",")
        wanted = [str(one).strip() for one in wanted if str(one).strip()]
        named = [{ident(one), word(one)} for one in got]
        return len(wanted) == len(got) and all(any(w in n for n in named) for w in wanted)
    if sent in (None, "") or got in (None, ""):
        return sent in (None, "") and got in (None, "")
    if isinstance(sent, bool) or isinstance(got, bool):
        return str(sent).casefold() == str(got).casefold()
    if isinstance(sent, int | float) or isinstance(got, int | float):
        try:
            return float(sent) == float(got)
        except (TypeError, ValueError):
            return False
    return _lines(str(sent)) == _lines(str(got)) or f"{sent}.00:00:00" == got


def _lines(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).strip()


def ident(value: Any) -> str:
    """The id of a link; empty where it is none."""
    return str(value.get("id", "")) if isinstance(value, dict) else ""


def idents(value: Any) -> list[str]:
    """The ids of several links."""
    return [ident(one) for one in value] if isinstance(value, list) else []


def word(value: Any) -> str:
    """What a person reads: a link's name, or the value itself."""
    if isinstance(value, dict):
        return next((str(v) for k, v in value.items() if k not in {"id", "link"} and v), "")
    return "" if value is None else str(value)


def numbers(text: str, region: str = "TH") -> tuple[str, ...]:
    """Every telephone number in a text that people wrote, as E.164, each once."""
    text = text[:_LONGEST]
    found = dict.fromkeys(match[0] for match in _E164.finditer(text))
    for match in phonenumbers.PhoneNumberMatcher(text, region):
        form = phonenumbers.PhoneNumberFormat.E164
        found[phonenumbers.format_number(match.number, form)] = None
    return tuple(found)


def native_moment(when: datetime) -> str:
    """A moment as Roundup reads it for a user whose time zone is UTC."""
    return f"{when.astimezone(UTC):%Y-%m-%d.%H:%M:%S}"


def moment(text: str) -> datetime:
    """The moment that Roundup wrote, in UTC; the epoch where it wrote none."""
    found = _NATIVE.match(text)
    if found is None:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return datetime.strptime(found[0], "%Y-%m-%d.%H:%M:%S").replace(tzinfo=UTC)
