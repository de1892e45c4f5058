"""Fields of Request Tracker 5: which there are, how much they hold, and when two values are one.

A mapping names a field as RT does: `Subject`, or `CF.{Hotline Service}` for a custom field. RT
drops what it does not know and cuts what is too long without a word, so that both is looked at
here before anything is sent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from crm_bridge.connectors.port import Rejected, Value
from crm_bridge.plain_text import plain_line, plain_text

KEY: Final = "Hotline Key"
"""The custom field, on tickets and on users, that holds our external key."""
PHONE: Final = "Hotline Phone"
"""The custom field on users that holds their numbers, one value each."""
TEL: Final = "tel:"
"""Before every number: RT on SQLite takes `+66…` for a number and drops the plus."""

TEXT: Final = None
"""A field of any length with line feeds."""

TICKET: Final[Mapping[str, int | None]] = {
    "Subject": 200, "Due": 30, "Starts": 30, "Started": 30, "Content": TEXT, "Queue": 200,
    "Owner": 200, "Priority": 11, "InitialPriority": 11, "FinalPriority": 11,
    "TimeEstimated": 11, "TimeWorked": 11, "TimeLeft": 11, "SLA": 64,
}  # fmt: skip
"""A ticket's own fields and how many bytes of UTF-8 RT keeps of each (on every database)."""

AT_BIRTH: Final = frozenset({
    "Queue", "Content", "Owner", "Priority", "InitialPriority", "FinalPriority", "TimeWorked",
    "SLA",
})  # fmt: skip
"""What is said when a ticket is made and is then the officers' own."""

USER: Final[Mapping[str, int | None]] = {
    "RealName": 120, "NickName": 16, "EmailAddress": 120, "Organization": 200, "Lang": 16,
    "Gecos": 16, "HomePhone": 30, "WorkPhone": 30, "MobilePhone": 30, "PagerPhone": 30,
    "Address1": 200, "Address2": 200, "City": 100, "State": 100, "Zip": 16, "Country": 50,
    "Timezone": 50, "Comments": TEXT, "FreeformContactInfo": TEXT, "Signature": TEXT,
}  # fmt: skip
"""A user's own fields; the name that RT logs in by is ours to give."""

OURS: Final = "hotline1203-"
"""How the names of users begin whom we made."""

_CUSTOM: Final = re.compile(r"CF\.\{(.+)\}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What shall stand in a record: its own fields, and its custom fields by name."""

    own: dict[str, str] = field(default_factory=dict)
    custom: dict[str, tuple[str, ...]] = field(default_factory=dict)


def custom_name(name: str) -> str | None:
    """The custom field that a mapping names (`CF.{Hotline Service}`), or None."""
    found = _CUSTOM.fullmatch(name)
    return found[1] if found else None


def wanted(fields: Mapping[str, Value], known: Mapping[str, int | None], where: str) -> Wanted:
    """The draft's fields as RT keeps them; Rejected where it has no such field."""
    made = Wanted()
    for name, value in fields.items():
        custom = custom_name(name)
        if custom is not None:
            text = plain_text(_text(value))
            made.custom[custom] = (text,) if text else ()
        elif name in known:
            limit = known[name]
            text = _text(value)
            made.own[name] = plain_text(text) if limit is None else cut(plain_line(text), limit)
        else:
            raise Rejected(
                f"Request Tracker has no field {name[:40]}",
                where=where,
                mend="correct the mapping; a custom field is written CF.{its name}",
            )
    return made


def _text(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)


def cut(text: str, limit: int) -> str:
    """As much of the text as `limit` bytes of UTF-8 hold, never through a Thai letter's marks."""
    raw = text.encode()
    if len(raw) <= limit:
        return text
    end = len(raw[:limit].decode("utf-8", "ignore"))
    while end and _joined(text[end]):
        end -= 1
    return text[:end].rstrip()


def _joined(character: str) -> bool:
    """Whether it hangs on the letter before it."""
    return unicodedata.category(character) in {"Mn", "Mc", "Me"} or character == "\u200d"


def same(one: str, other: str) -> bool:
    """Whether RT's value is what was sent: the same words, or the same moment."""
    if one.split() == other.split():
        return True
    first, second = _moment(one), _moment(other)
    return first is not None and first == second


_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(text: str) -> datetime | None:
    """The moment a text names; RT writes the beginning of 1970 for none."""
    if not text:
        return _NEVER
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def differing(
    want: Wanted, own: Mapping[str, Any], custom: Mapping[str, tuple[str, ...]]
) -> Wanted:
    """What of the wanted does not stand in a record yet."""
    return Wanted(
        {name: text for name, text in want.own.items() if not same(_said(own.get(name)), text)},
        {name: values for name, values in want.custom.items() if not _alike(custom, name, values)},
    )


def _said(value: object) -> str:
    return "" if value is None else str(value)


def _alike(custom: Mapping[str, tuple[str, ...]], name: str, values: tuple[str, ...]) -> bool:
    found = custom.get(name, ())
    return sorted(v.split() for v in found if v) == sorted(v.split() for v in values)


def user_name(key: str) -> str:
    """The name by which RT knows the contact of a key: no two users have one name, so it is one.

    A colon would make RT look for a group, so that all but letters, digits and dots is spelled out.
    """
    kind, _, rest = key.partition(":")
    return f"{OURS}{_spelled(kind)}-{_spelled(rest)}"


def _spelled(text: str) -> str:
    return "".join(
        c if (c.isascii() and c.isalnum() and not c.isupper()) or c == "." else f"_{ord(c):x}_"
        for c in text
    )
