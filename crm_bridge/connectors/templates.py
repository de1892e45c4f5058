"""Templates of a mapping: Jinja2 in a sandbox, over the facts of one occasion and nothing else.

What a template may name is known beforehand, so that a wrong name is found when the file is read
and not when a call ends at night: every name, attribute, filter and test of every branch is looked
up then. Data stays data: a caller's name that looks like a template is text. Of what is not known
(`None`) every attribute is not known either, and is written as nothing.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

import jinja2
import phonenumbers
from jinja2 import meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from crm_bridge.connectors.facts import CallFacts, CaseFacts, ContactFacts, EventFacts, WrapupFacts
from crm_bridge.plain_text import plain_line, plain_text
from ivr.calls.call import Micros
from ivr.steps.standards import OFFICE_ZONE

LONGEST: Final = 64_000
"""Characters of what a template may make; more is a mistake of the mapping."""

MONTHS_TH: Final = ("ม.ค.", "ก.พ.", "มี.ค.", "เม.ย.", "พ.ค.", "มิ.ย.", "ก.ค.", "ส.ค.", "ก.ย.",
                    "ต.ค.", "พ.ย.", "ธ.ค.")  # fmt: skip
MONTHS_EN: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
                    "Dec")  # fmt: skip

FACTS: Final[Mapping[str, type]] = {
    "contact": ContactFacts,
    "call": CallFacts,
    "wrapup": WrapupFacts,
    "case": CaseFacts,
    "event": EventFacts,
}
"""What a template may name, as far as its occasion has it."""


class TemplateMistake(Exception):
    """A template that cannot be used; `mend` says what a person should write instead."""

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend


class Template:
    """One template, checked; `render` gives its text."""

    def __init__(self, text: str, scope: Iterable[str], *, condition: bool = False) -> None:
        """`scope`: what of `FACTS` it may name; `condition`: `text` is one expression.

        Raises TemplateMistake.
        """
        self.scope = tuple(scope)
        self.text = text
        source = f"{{% if {text} %}}true{{% endif %}}" if condition else text
        try:
            tree = _ENVIRONMENT.parse(source)
            _check(tree, self.scope)
            self._compiled = _ENVIRONMENT.from_string(source)
        except jinja2.TemplateSyntaxError as error:
            line = f" (line {error.lineno})" if "\n" in text else ""
            raise TemplateMistake(
                f"is no template: {error.message}{line}", "correct what stands in {{ }} or {% %}"
            ) from None

    def render(self, facts: Mapping[str, object]) -> str:
        """The text that these facts make, fit to be sent; raises TemplateMistake."""
        length = 0
        pieces: list[str] = []
        try:
            for piece in self._compiled.generate({name: facts.get(name) for name in self.scope}):
                length += len(piece)
                if length > LONGEST:
                    raise TemplateMistake(
                        f"makes more than {LONGEST:,} characters", "shorten it with `| cut(…)`"
                    )
                pieces.append(piece)
        except TemplateMistake:
            raise
        except jinja2.UndefinedError as error:
            raise TemplateMistake(
                error.message or "names what is not there",
                "docs/connectors/mapping.md has every name",
            ) from None
        except Exception as error:  # whatever an expression may do wrong with what it was given
            raise TemplateMistake(
                f"cannot be worked out: {type(error).__name__}",
                "look at what its filters and operators are given",
            ) from error
        return plain_text("".join(pieces))


# --- filters -----------------------------------------------------------------------------------


def _local(value: object, wanted_by: str) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TemplateMistake(f"`{wanted_by}` wants a moment", "such as `call.entered_at`")
    return datetime.fromtimestamp(value / 1_000_000, UTC).astimezone(OFFICE_ZONE)


def moment(value: Micros | None, language: str = "th") -> str:
    """`24 พ.ย. 2569 14:05 น.`, or with 'en' `24 Nov 2026 14:05`: the office's wall clock."""
    if value is None:
        return ""
    when = _local(value, "moment")
    return f"{_day(when.date(), language)} {when:%H:%M}{'' if language == 'en' else ' น.'}"


def day(value: Micros | str | None, language: str = "th") -> str:
    """`24 พ.ย. 2569`, or with 'en' `24 Nov 2026`; of a moment or of a day `2026-11-24`."""
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        try:
            return _day(date.fromisoformat(value), language)
        except ValueError:
            raise TemplateMistake(
                "`day` wants a moment or a day", "such as `call.entered_at` or `2026-11-24`"
            ) from None
    return _day(_local(value, "day").date(), language)


def _day(when: date, language: str) -> str:
    if language == "en":
        return f"{when.day} {MONTHS_EN[when.month - 1]} {when.year}"
    return f"{when.day} {MONTHS_TH[when.month - 1]} {when.year + 543}"


def iso(value: Micros | None) -> str:
    """`2026-11-24T14:05:09+07:00`."""
    return "" if value is None else _local(value, "iso").replace(microsecond=0).isoformat()


def iso_date(value: Micros | None) -> str:
    """`2026-11-24`, the day in Bangkok."""
    return "" if value is None else _local(value, "date").date().isoformat()


def before(value: Micros | None) -> Micros | None:
    """The last microsecond before: of the end of a period, its last day."""
    return None if value is None else value - 1


def seconds(value: float | None) -> str:
    """A span as `0:04:07`."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TemplateMistake("`seconds` wants a span", "such as `call.talk_seconds`")
    minutes, rest = divmod(max(0, round(value)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def _pair(value: object, which: int, wanted_by: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, tuple) or len(value) != 2:
        raise TemplateMistake(
            f"`{wanted_by}` wants a word in two languages", "such as `call.service_name`"
        )
    return str(value[which] or value[1 - which] or "")


def th(value: object) -> str:
    """The Thai of a word in two languages; the English where there is no Thai."""
    return _pair(value, 0, "th")


def en(value: object) -> str:
    """The English of a word in two languages; the Thai where there is no English."""
    return _pair(value, 1, "en")


def phone(value: str | None) -> str:
    """A number as people in Thailand write it: `081 234 5678`; foreign ones with their country."""
    if not value:
        return ""
    try:
        parsed = phonenumbers.parse(value, "TH")
    except phonenumbers.NumberParseException:
        return value
    if not phonenumbers.is_possible_number(parsed):
        return value
    thai = parsed.country_code == 66
    form = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, form.NATIONAL if thai else form.INTERNATIONAL)


def first_line(value: str | None) -> str:
    """The first line that has something on it."""
    return next((line.strip() for line in (value or "").splitlines() if line.strip()), "")


def line(value: str | None) -> str:
    """Everything on one line."""
    return plain_line(value or "")


def cut(value: str | None, length: int) -> str:
    """At most so many characters; `…` stands for what is left out."""
    text = value or ""
    return text if len(text) <= length else text[: max(0, length - 1)].rstrip() + "…"


def default(value: object, other: object = "") -> object:
    """The value, or the other where it is not known or empty."""
    return other if value is None or value == "" else value


def join(values: Iterable[object] | None, between: str = "") -> str:
    """The texts of a list in one."""
    return between.join(str(_written(value)) for value in values or ())


def length(value: Any) -> int:
    """How many characters or members."""
    return 0 if value is None else len(value)


def rounded(value: float | None, places: int = 0) -> float | None:
    """A number with so many places behind the point; a whole one without."""
    if value is None:
        return None
    return round(value, places) if places else round(value)


def whole(value: Any) -> int | None:
    """A whole number; what is behind the point falls away."""
    return None if value is None or value == "" else int(float(value))


def replaced(value: str | None, old: str, new: str) -> str:
    """The text with each `old` become `new`."""
    if not old:
        raise TemplateMistake("`replace` wants to know what to replace", "replace('a', 'b')")
    return (value or "").replace(old, new)


_OWN: Final[Mapping[str, Callable[..., Any]]] = {
    "moment": moment, "day": day, "iso": iso, "date": iso_date, "before": before,
    "seconds": seconds, "th": th, "en": en, "phone": phone, "first_line": first_line,
    "line": line, "cut": cut, "default": default, "join": join, "length": length,
    "round": rounded, "int": whole, "replace": replaced,
    "lower": lambda value: (value or "").lower(), "upper": lambda value: (value or "").upper(),
    "trim": lambda value: (value or "").strip(),
}  # fmt: skip
_OF_JINJA: Final = ("first", "last", "map", "reject", "rejectattr", "select", "selectattr")
"""Those that do no harm with what is not known; the others would write `None`, or 0."""
FILTERS: Final = (*_OWN, *_OF_JINJA)
"""Every filter that a mapping may use."""

_METHODS: Final = frozenset({"endswith", "lower", "split", "startswith", "strip", "upper"})


# --- the sandbox -------------------------------------------------------------------------------


class _Undefined(jinja2.StrictUndefined):
    """What is not there, said with what is."""

    @property
    def _undefined_message(self) -> str:
        thing, name = self._undefined_obj, self._undefined_name
        if dataclasses.is_dataclass(thing) and isinstance(name, str):
            own = next((n for n, cls in FACTS.items() if isinstance(thing, cls)), "it")
            return f"there is no `{own}.{name}`"
        return "names what is not there"  # and not which: a key may come out of the data


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        return None if obj is None else super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return None if obj is None else super().getitem(obj, argument)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or not all(isinstance(x, int | float) for x in (left, right)):
            raise SecurityError("only numbers are multiplied")  # a text could grow without end
        return super().call_binop(context, operator, left, right)

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        if obj is None:
            return None
        return super().call(context, obj, *args, **kwargs)

    def is_safe_callable(self, obj: Any) -> bool:
        return (
            isinstance(getattr(obj, "__self__", None), str)
            and getattr(obj, "__name__", "") in _METHODS
        )


def _written(value: object) -> object:
    """How a value stands in a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float | jinja2.Undefined):
        return value
    raise TemplateMistake(
        "would write a list or a pair as the program holds it",
        "choose with `| th` or `| en`, or write a list with `| join(', ')`",
    )


def _environment() -> _Sandbox:
    made = _Sandbox(
        undefined=_Undefined,
        autoescape=False,
        finalize=_written,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.clear()
    builtin = dict(made.filters)
    made.filters.clear()
    made.filters.update({name: builtin[name] for name in _OF_JINJA})
    made.filters.update(_OWN)
    return made


_ENVIRONMENT: Final = _environment()


# --- what a template names, looked up before it is used ------------------------------------------


def _check(tree: nodes.Template, scope: tuple[str, ...]) -> None:
    banned = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.Macro,
              nodes.CallBlock, nodes.Block, nodes.Concat)  # fmt: skip
    if next(tree.find_all(banned), None) is not None:
        raise TemplateMistake(
            "uses a part of Jinja that mappings have not",
            "there are {{ }}, if, for and set; instead of `~` write {{ }}{{ }}",
        )
    for called in tree.find_all(nodes.Filter):
        if called.name not in _ENVIRONMENT.filters:
            raise TemplateMistake(
                f"there is no filter `{called.name}`", _names(called.name, FILTERS)
            )
    for asked in tree.find_all(nodes.Test):
        if asked.name not in _ENVIRONMENT.tests:
            raise TemplateMistake(
                f"there is no test `{asked.name}`", _names(asked.name, sorted(_ENVIRONMENT.tests))
            )
    for name in sorted(meta.find_undeclared_variables(tree)):
        if name not in scope:
            raise TemplateMistake(f"`{name}` is not known here", _names(name, scope))
    known: dict[str, object] = {name: FACTS[name] for name in scope}
    for stored in tree.find_all(nodes.Name):
        if stored.ctx == "store" and stored.name in FACTS:
            raise TemplateMistake(f"`{stored.name}` cannot be set", "use another name")
    for loop in tree.find_all(nodes.For):
        held = typing.get_args(_hint(loop.iter, known))
        if isinstance(loop.target, nodes.Name):
            known[loop.target.name] = held[0] if len(held) == 2 and held[1] is ... else None
    for got in tree.find_all(nodes.Getattr):
        _hint(got, known)


def _hint(node: nodes.Node, known: Mapping[str, object]) -> object:
    """The type of what an expression names, `None` where that is not plain to see."""
    if isinstance(node, nodes.Name):
        return known.get(node.name)
    if not isinstance(node, nodes.Getattr):
        return None
    holder = _hint(node.node, known)
    if not isinstance(holder, type) or not dataclasses.is_dataclass(holder):
        return None
    hints = typing.get_type_hints(holder)
    if node.attr not in hints:
        own = next((name for name, cls in FACTS.items() if cls is holder), holder.__name__)
        raise TemplateMistake(f"there is no `{own}.{node.attr}`", _names(node.attr, hints))
    return _without_none(hints[node.attr])


def _without_none(hint: object) -> object:
    if isinstance(hint, types.UnionType):
        left = [one for one in typing.get_args(hint) if one is not types.NoneType]
        return left[0] if len(left) == 1 else None
    return hint


def _names(wrong: str, there: Iterable[str]) -> str:
    there = list(there)
    near = difflib.get_close_matches(wrong, there, 1)
    return f"did you mean `{near[0]}`?" if near else f"there is: {', '.join(there)}"
