"""Mappings: what of our facts goes into which field of the other CRM, as a file says it.

Without a file of the office's own the connector's `mapping.toml` is used. A file stands by itself:
what it does not name is not sent; only `[options]` that it leaves out are the connector's. Every
template is tried against `samples` when the file is read, so that a mistake shows at start.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from crm_bridge.connectors import samples
from crm_bridge.connectors.facts import CallFacts, Facts, Named
from crm_bridge.connectors.mapping_file import (
    FieldForm,
    FieldType,
    MappingForm,
    Option,
    folded,
    read,
)
from crm_bridge.connectors.port import Kind, Rejected, Status, Value
from crm_bridge.connectors.templates import Template, TemplateMistake
from crm_bridge.errors import ConfigMistake
from ivr.steps.standards import OFFICE_ZONE

T = TypeVar("T", str, int, bool)

SCOPES: Final = {
    "contact": ("contact",),
    "call": ("call", "contact"),
    "calls": ("call",),
    "case": ("case", "contact"),
    "wrapup": ("wrapup", "call", "contact"),
    "event": ("event", "case", "contact"),
}
"""Part of a mapping → what its templates may name. Of a withheld call and of a case whose
complainant is not told, `contact` is not known."""


@dataclass(frozen=True, slots=True)
class Custom:
    """A field that the other CRM must have for us."""

    name: str
    of: Kind
    type: FieldType
    label: Named


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    template: Template
    form: FieldForm

    def value(self, facts: AnyMapping[str, object]) -> Value:
        """What these facts put there, `None` for nothing; raises TemplateMistake."""
        return typed(self.template.render(facts), self.form.type)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A checked mapping. Fields and texts raise Rejected where a template fails on real facts."""

    kind: str
    path: Path
    options: AnyMapping[str, Option]
    """The vendor's own, those that the file leaves out as the connector's file has them."""
    setup: tuple[Custom, ...]
    lookup: tuple[str, ...]
    """Fields of their contacts that an officer sees."""
    _which: Template
    _fields: AnyMapping[str, tuple[_Field, ...]]
    _notes: AnyMapping[str, Template]
    _native: AnyMapping[Status, str]
    _ours: AnyMapping[str, Status] = field(default_factory=dict)

    def option(self, name: str, default: T) -> T:
        """An option of the default's type; ConfigMistake where it has another."""
        found = self.options.get(name, default)
        if type(found) is not type(default):
            raise ConfigMistake(
                f"[options] {name}: is no {_TYPES[type(default)]}",
                where=str(self.path),
                mend=f"write it like {_toml(default)}",
            )
        return found

    def contact(self, facts: Facts) -> dict[str, Value]:
        """Fields of a contact; a field that is not there is left as it is, `None` empties it."""
        return self._made("contact", facts)

    def call(self, facts: Facts) -> dict[str, Value]:
        """Fields of a call's ticket."""
        return self._made("call", facts)

    def case(self, facts: Facts) -> dict[str, Value]:
        """Fields of a case's ticket."""
        return self._made("case", facts)

    def wrapup_note(self, facts: Facts) -> str:
        """The note of a wrap-up; empty: none is to be written."""
        return self._text("wrapup", facts)

    def case_note(self, facts: Facts) -> str:
        """The note of an entry in a case's timeline; empty: none is to be written."""
        return self._text("event", facts)

    def wants_call(self, call: CallFacts) -> bool:
        """Whether this call becomes a ticket there."""
        try:
            return bool(self._which.render({"call": call}))
        except TemplateMistake as mistake:
            raise self._rejected("[calls] which", mistake) from mistake

    def origin(self, part: str) -> dict[str, str]:
        """The templates behind a part's fields as the file has them; of a note: `text`."""
        if part in self._notes:
            return {"text": self._notes[part].text}
        return {each.name: each.form.value for each in self._fields[part]}

    def native(self, status: Status) -> str:
        """Our status in their word."""
        return self._native[status]

    def status(self, native: str) -> Status | None:
        """Their word in ours, however it is capitalised; `None`: the mapping does not know it."""
        return self._ours.get(folded(native))

    def _made(self, part: str, facts: Facts) -> dict[str, Value]:
        known = _known(facts)
        made: dict[str, Value] = {}
        for each in self._fields[part]:
            try:
                value = each.value(known)
            except TemplateMistake as mistake:
                raise self._rejected(f"[{part}] {each.name}", mistake) from mistake
            if value is not None or each.form.empty == "clear":
                made[each.name] = value
        return made

    def _text(self, note: str, facts: Facts) -> str:
        try:
            return self._notes[note].render(_known(facts))
        except TemplateMistake as mistake:
            raise self._rejected(f"[notes] {_NOTES[note]}", mistake) from mistake

    def _rejected(self, key: str, mistake: TemplateMistake) -> Rejected:
        return Rejected(
            f"{key}: {mistake.what}",
            where=self.path.name,
            mend=mistake.mend or "correct the mapping; `hotline connector show` tries it",
        )


def default_path(kind: str) -> Path:
    """The mapping file that comes with a connector."""
    here = Path(__file__).parent
    inside = here / kind / "mapping.toml"
    return inside if inside.exists() else here / f"{kind}.toml"


def load(path: Path | None, kind: str) -> Mapping:
    """The mapping of this file, or the connector's own; ConfigMistake names file, key and mend."""
    own = default_path(kind)
    form = read(path or own)
    options = form.options
    if path is not None:
        options = _options(path, form.options, read(own).options)
    return _checked(path or own, kind, form, options)


def _checked(path: Path, kind: str, form: MappingForm, options: dict[str, Option]) -> Mapping:
    mistakes: list[tuple[str, TemplateMistake]] = []

    def compiled(key: str, text: str, part: str) -> Template | None:
        try:
            return Template(text, SCOPES[part], condition=part == "calls")
        except TemplateMistake as mistake:
            mistakes.append((key, mistake))
            return None

    fields: dict[str, tuple[_Field, ...]] = {}
    for part, given in (("contact", form.contact), ("call", form.call), ("case", form.case)):
        made = []
        for name, wanted in given.items():
            template = compiled(f"[{part}] {name}", wanted.value, part)
            if template is not None:
                made.append(_Field(name, template, wanted))
        fields[part] = tuple(made)
    notes = {}
    for note, text in (("wrapup", form.notes.wrapup), ("event", form.notes.case)):
        if (template := compiled(f"[notes] {_NOTES[note]}", text, note)) is not None:
            notes[note] = template
    which = compiled("[calls] which", form.calls.which, "calls")
    if which is not None and not mistakes:
        mapping = Mapping(
            kind=kind,
            path=path,
            options=options,
            setup=tuple(
                Custom(c.name, Kind(c.of), c.type, (c.label_th, c.label_en)) for c in form.custom
            ),
            lookup=tuple(form.lookup.show),
            _which=which,
            _fields=fields,
            _notes=notes,
            _native=form.status,
            _ours=_back(form),
        )
        mistakes = list(_tried(mapping))
        if not mistakes:
            return mapping
    lines = dict.fromkeys(f"{key}: {mistake.what}" for key, mistake in mistakes)
    mends = dict.fromkeys(mistake.mend for _, mistake in mistakes if mistake.mend)
    raise ConfigMistake("; ".join(lines), where=str(path), mend="; ".join(mends))


def _tried(mapping: Mapping) -> Iterator[tuple[str, TemplateMistake]]:
    """Every mistake that shows when the samples are put through the mapping."""
    for part, made in mapping._fields.items():
        for known in _samples(part):
            for each in made:
                try:
                    each.value(known)
                except TemplateMistake as mistake:
                    yield f"[{part}] {each.name}", mistake
    for part, template in [*mapping._notes.items(), ("call", mapping._which)]:
        for known in _samples(part):
            try:
                template.render(known)
            except TemplateMistake as mistake:
                yield (f"[notes] {_NOTES[part]}" if part in _NOTES else "[calls] which"), mistake


def _samples(part: str) -> list[dict[str, Any]]:
    full: Facts = getattr(samples.FULL, part)
    return [_known(facts) for facts in (full, getattr(samples.BARE, part), *samples.lacking(full))]


_NOTES: Final = {"wrapup": "wrapup", "event": "case"}
_TYPES: Final[dict[type, str]] = {str: "text", int: "whole number", bool: "true or false"}


def _toml(value: Option) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


def _options(path: Path, given: dict[str, Option], own: dict[str, Option]) -> dict[str, Option]:
    """The connector's options with the office's over them; only what the connector knows."""
    for name, value in given.items():
        if name not in own:
            raise ConfigMistake(
                f"[options] {name}: this connector has no such option",
                where=str(path),
                mend=f"there is: {', '.join(own) or 'none'}",
            )
        if type(value) is not type(own[name]):
            raise ConfigMistake(
                f"[options] {name}: is no {_TYPES[type(own[name])]}",
                where=str(path),
                mend=f"write it like {_toml(own[name])}",
            )
    return {**own, **given}


def _back(form: MappingForm) -> dict[str, Status]:
    """Their word → ours; where two of ours are one word there, the earlier unless it is told."""
    back: dict[str, Status] = {}
    for status in Status:
        back.setdefault(folded(form.status[status]), status)
    back.update({folded(theirs): ours for theirs, ours in form.status_back.items()})
    return back


def _known(facts: Facts) -> dict[str, Any]:
    return {
        "contact": facts.contact,
        "call": facts.call,
        "wrapup": facts.wrapup,
        "case": facts.case,
        "event": facts.event,
    }


def typed(text: str, wanted: FieldType) -> Value:
    """A template's text as a field wants it, `None` where it is empty; raises TemplateMistake.

    A datetime is `2026-11-24T06:05:09Z`, a date `2026-11-24`.
    """
    if not text:
        return None
    try:
        match wanted:
            case "integer":
                return int(text)
            case "number":
                number = float(text)
                if math.isfinite(number):
                    return number
            case "boolean":
                return _TRUTH[text.casefold()]
            case "datetime":
                return f"{_moment(text).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            case "date":
                return (
                    date.fromisoformat(text).isoformat()
                    if len(text) == 10
                    else _moment(text).astimezone(OFFICE_ZONE).date().isoformat()
                )
            case "text":
                return text
    except (ValueError, KeyError, OverflowError, OSError):
        pass
    raise TemplateMistake(f"makes what is no {wanted}", _WRITE[wanted])


def _moment(text: str) -> datetime:
    if text.isdecimal():  # microseconds since the epoch, as facts hold a moment
        return datetime.fromtimestamp(int(text) / 1_000_000, UTC)
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=OFFICE_ZONE) if found.tzinfo is None else found


_TRUTH: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_WRITE: Final = {
    "text": "",
    "integer": "write digits alone, as with `| round | int`",
    "number": "write digits with at most one point",
    "boolean": "write true or false",
    "datetime": "write a moment, such as {{ call.entered_at }}, with `| iso` or without",
    "date": "write a day, as with `| date`",
}
