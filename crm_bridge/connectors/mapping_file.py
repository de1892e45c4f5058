"""The form of a mapping file, as it is read: TOML, checked, no key that is not known.

[options]        what only this connector understands: a queue, a model, a team
[calls]          which = "…"  a condition: which ended calls become tickets
[contact]        field of the other CRM = "template", or { value, type, empty }
[call]  [case]   the same, for a call's and a case's ticket
[notes]          wrapup = "…", case = "…"  the text of a note; empty: no note
[lookup]         show = [fields of their contact that an officer sees]
[status]         all six of ours = "their word"
[status_back]    their word = "ours", where several of theirs are one of ours
[[custom]]       a field of our own that `hotline connector setup` makes there
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from crm_bridge.connectors.port import Status
from crm_bridge.errors import ConfigMistake

FieldType = Literal["text", "integer", "number", "boolean", "datetime", "date"]
Option = StrictStr | StrictInt | StrictBool

_Word = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldForm(_Part):
    """What goes into one field of the other CRM."""

    value: StrictStr
    type: FieldType = "text"
    empty: Literal["keep", "clear"] = "keep"
    """Nothing to say: `keep` leaves what stands there, `clear` empties the field."""


def _plain(given: Any) -> Any:
    """A template or a constant alone stands for the table with nothing else in it."""
    if isinstance(given, str):
        return {"value": given}
    if isinstance(given, bool):
        return {"value": "true" if given else "false", "type": "boolean"}
    if isinstance(given, int):
        return {"value": str(given), "type": "integer"}
    if isinstance(given, float):
        return {"value": repr(given), "type": "number"}
    return given


Fields = dict[_Word, Annotated[FieldForm, BeforeValidator(_plain)]]


class CallsForm(_Part):
    """Which calls are told."""

    which: StrictStr = "true"


class NotesForm(_Part):
    """Texts of notes."""

    wrapup: StrictStr
    case: StrictStr


class LookupForm(_Part):
    """What of their contacts is shown."""

    show: list[_Word] = Field([], max_length=8)


class CustomForm(_Part):
    """A field that the other CRM must have for us."""

    name: _Word
    of: Literal["contact", "ticket"]
    type: FieldType = "text"
    label_th: _Word
    label_en: _Word


class MappingForm(_Part):
    """A whole mapping file."""

    options: dict[_Word, Option] = {}
    calls: CallsForm = CallsForm()
    contact: Fields = {}
    call: Fields = {}
    case: Fields = {}
    notes: NotesForm
    lookup: LookupForm = LookupForm()
    status: dict[Status, _Word]
    status_back: dict[_Word, Status] = {}
    custom: list[CustomForm] = []

    @field_validator("status")
    @classmethod
    def _all_six(cls, given: dict[Status, str]) -> dict[Status, str]:
        if lacking := [status.value for status in Status if status not in given]:
            raise ValueError(f"says nothing of {', '.join(lacking)}")
        return given

    @model_validator(mode="after")
    def _back_is_possible(self) -> MappingForm:
        for theirs, ours in self.status_back.items():
            meant = [s.value for s, word in self.status.items() if folded(word) == folded(theirs)]
            if meant and ours.value not in meant:
                said = " and ".join(meant)
                raise ValueError(
                    f"[status_back] {theirs} is {ours.value}, but [status] says {said}"
                )
        return self

    @field_validator("custom")
    @classmethod
    def _once(cls, given: list[CustomForm]) -> list[CustomForm]:
        names = [(custom.of, custom.name) for custom in given]
        if twice := {name for of, name in names if names.count((of, name)) > 1}:
            raise ValueError(f"has {', '.join(sorted(twice))} twice")
        return given


def folded(word: str) -> str:
    """A word of theirs as it is compared: capitals and spaces make no difference."""
    return " ".join(word.casefold().split())


def read(path: Path) -> MappingForm:
    """The file, checked as far as one can without looking into its templates; ConfigMistake."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigMistake(
            f"cannot be read: {error.strerror}",
            where=str(path),
            mend="name a mapping file that the bridge's user may read",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigMistake(
            f"is not TOML: {error}", where=str(path), mend="correct that line"
        ) from error
    try:
        return MappingForm(**data)
    except ValidationError as error:
        raise _mistake(path, error) from None


_MENDS: Final = {
    "missing": "add it",
    "extra_forbidden": "there is no such key here: remove it, or correct its spelling",
    "string_type": 'give a text in "quotes"',
    "model_type": 'give a template in "quotes", or { value = "…", type = "…" }',
    "dict_type": "give a [table]",
    "list_type": "give a list in [brackets]",
    "literal_error": "use one of the values named",
    "enum": "use one of the values named",
    "value_error": "correct what is said there",
}
_STATUSES: Final = ", ".join(status.value for status in Status)


def _mistake(path: Path, error: ValidationError) -> ConfigMistake:
    lines: list[str] = []
    mends: list[str] = []
    for fault in error.errors(include_url=False, include_input=False):
        parts = [str(part) for part in fault["loc"] if part != "[key]"]
        key = f"[{parts[0]}] {'.'.join(parts[1:])}".strip() if parts else "(whole file)"
        said = fault["msg"].removeprefix("Value error, ")
        line = f"{key}: {said[:1].lower()}{said[1:]}"
        if line not in lines:
            lines.append(line)
        mends.append(_MENDS.get(fault["type"], "correct that value"))
        if fault["loc"][:1] == ("status",):
            mends.append(f"[status] has each of {_STATUSES}")
    return ConfigMistake("; ".join(lines), where=str(path), mend="; ".join(dict.fromkeys(mends)))
