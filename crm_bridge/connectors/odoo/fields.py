"""What a field of Odoo takes, and whether it kept it.

| type of the field | what is sent |
|---|---|
| char | one line |
| text | the text |
| html | the text as paragraphs, everything escaped |
| integer, float, monetary | a number |
| boolean | true for `true`, `yes`, `1` and numbers but 0 |
| date, datetime | of ISO 8601, the moment in UTC |
| selection | the value |
| many2one | an id, an external id `module.name`, or the exact name |

Nothing (`None`, an empty text) empties a field. Other types cannot be written.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from crm_bridge.connectors.port import Value
from crm_bridge.plain_text import plain_line

WRITABLE: Final = frozenset(
    {"char", "text", "html", "integer", "float", "monetary", "boolean", "date", "datetime",
     "selection", "many2one"}
)  # fmt: skip

_ATTRIBUTES: Final = ("type", "relation", "required", "readonly", "string")


class Unfit(Exception):
    """A value that a field of this type cannot take; says which type."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a model, as `fields_get` describes it."""

    name: str
    type: str
    relation: str | None = None
    label: str = ""

    @property
    def column(self) -> str:
        """Its name as a column of `load`, where a record is named by its id."""
        return f"{self.name}/.id" if self.type == "many2one" else self.name


def attributes() -> list[str]:
    """What `fields_get` is asked for."""
    return list(_ATTRIBUTES)


def fields_of(described: Mapping[str, Any]) -> dict[str, Field]:
    """The fields that `fields_get` describes."""
    return {
        name: Field(name, str(one.get("type")), one.get("relation"), str(one.get("string") or ""))
        for name, one in described.items()
        if isinstance(one, dict)
    }


def to_odoo(field: Field, value: Value) -> Any:
    """The value as `write` takes it; raises Unfit. A many2one must be an id already."""
    if field.type not in WRITABLE:
        raise Unfit(f"fields of type {field.type} cannot be written")
    if field.type == "boolean":
        if isinstance(value, str):
            return value.strip().lower() in {"true", "yes", "1"}
        return bool(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        return False
    try:
        return _CONVERT[field.type](value)
    except (ValueError, OverflowError):
        raise Unfit(f"the value is no {field.type}") from None


def cell(value: Any) -> str:
    """The same as a cell of `load`, which takes texts alone."""
    if value is False:
        return ""
    return "1" if value is True else str(value)


def kept(field: Field, sent: Any, got: Any) -> bool:
    """Whether a field that was sent this now holds it."""
    got = _plain(field, got)
    if field.type in {"float", "monetary"}:
        # Odoo rounds to the field's digits
        return abs(float(got or 0) - float(sent or 0)) <= max(0.01, abs(float(sent or 0)) * 1e-6)
    if field.type == "integer":
        return int(got or 0) == int(sent or 0)
    if field.type == "boolean":
        return bool(got) == bool(sent)
    if field.type == "html":
        return text_of(str(got or "")) == text_of(str(sent or ""))
    if field.type in {"char", "text"}:
        return _bare(got) == _bare(sent)
    return bool((got or False) == (sent or False))


def is_empty(field: Field, got: Any) -> bool:
    """Whether nobody has written the field yet."""
    if field.type == "html":
        return not text_of(str(got or ""))
    return got is False or got is None or got == ""


def paragraphs(text: str) -> str:
    """Plain text as HTML that reads the same: nothing in it is markup, spaces and lines stay."""
    lines = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        escaped = html.escape(line, quote=True)
        lines.append(re.sub(r"^ +| {2,}", lambda m: "&nbsp;" * len(m[0]), escaped))
    return f"<p>{'<br>'.join(lines)}</p>"


def text_of(markup: str) -> str:
    """The words of HTML on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def moment(text: str) -> datetime:
    """A moment as Odoo gives it: UTC, without saying so."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def stamp(when: datetime) -> str:
    """A moment as Odoo takes it."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _plain(field: Field, got: Any) -> Any:
    """A many2one is read as `[id, name]`, empty as `false`."""
    if field.type == "many2one" and isinstance(got, list):
        return got[0] if got else False
    return got


def _bare(value: Any) -> str:
    return " ".join(str(value or "").split())


def _integer(value: Value) -> int:
    return round(float(str(value)))


def _datetime(value: Value) -> str:
    when = datetime.fromisoformat(str(value).strip().replace("Z", "+00:00"))
    return stamp(when if when.tzinfo else when.replace(tzinfo=UTC))


def _date(value: Value) -> str:
    return date.fromisoformat(str(value).strip()[:10]).isoformat()


_CONVERT: Final[Mapping[str, Callable[[Value], Any]]] = {
    "char": lambda value: plain_line(str(value)),
    "text": str,
    "html": lambda value: paragraphs(str(value)),
    "integer": _integer,
    "float": lambda value: float(str(value)),
    "monetary": lambda value: float(str(value)),
    "date": _date,
    "datetime": _datetime,
    "selection": lambda value: str(value).strip(),
    "many2one": _integer,
}
