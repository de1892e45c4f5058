"""Differences to the figures: whole numbers only, so that they can be taken back exactly.

They are made by the finest level of each form that calls are counted by; `rows_to_add` adds them
up to the coarser levels, and to the forms that are sums of others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from crm_bridge.figures.forms import FORMS, Form
from crm_bridge.figures.histogram import Histogram, Packed, bucket, merge
from crm_bridge.figures.levels import beginning

Row = tuple[Any, ...]
Key = tuple[Any, ...]


@dataclass(slots=True)
class Tally:
    """One row of a table of figures, or a difference to it."""

    counts: list[int]
    spans: list[Histogram | Packed]
    """Read from the tables they are `Packed`; a difference is made of plain dicts."""

    @classmethod
    def of(cls, form: Form) -> Tally:
        """One of nothing."""
        return cls([0] * len(form.counts), [{} for _ in form.spans])

    def add(self, other: Tally, sign: int = 1) -> None:
        """Adds another of the same table, or with `sign` -1 takes it back."""
        for n, count in enumerate(other.counts):
            self.counts[n] += sign * count
        for n, theirs in enumerate(other.spans):
            if theirs:
                self._merge(n, theirs, sign)

    def note(self, span: int, micros: int, sign: int) -> None:
        """Adds one span of so many microseconds to a histogram, or takes it back."""
        self._merge(span, {bucket(micros): sign}, 1)

    def _merge(self, span: int, more: Mapping[int, int], sign: int) -> None:
        mine = self.spans[span]
        if isinstance(mine, Packed):
            self.spans[span] = mine.plus(more, sign)
        else:
            merge(mine, more, sign)

    def __bool__(self) -> bool:
        return any(self.counts) or any(self.spans)


@dataclass(slots=True)
class Tallies:
    """Differences to rows of the tables of figures, by table and key: beginning, and `keys`."""

    rows: dict[Form, dict[Key, Tally]] = field(
        default_factory=lambda: {f: {} for f in FORMS if f.of is None}
    )
    callers: dict[tuple[int, str], int] = field(default_factory=dict)
    """By month and number: how many calls more that caller has made; of these `REPEATS` is made."""
    numbers: dict[str, bool] = field(default_factory=dict)
    """Numbers whose `CALLBACKS` may be others now: true where one was lost, else one was served."""

    def at(self, form: Form, key: Key) -> Tally:
        """The row of this key, made where there is none yet."""
        rows = self.rows[form]
        found = rows.get(key)
        if found is None:
            found = rows[key] = Tally.of(form)
        return found

    def add(self, other: Tallies, sign: int = 1) -> None:
        """Adds all of another, or with `sign` -1 takes it back."""
        for form, rows in other.rows.items():
            for key, tally in rows.items():
                self.at(form, key).add(tally, sign)
        for caller, calls in other.callers.items():
            self.callers[caller] = self.callers.get(caller, 0) + sign * calls
        for number, lost in other.numbers.items():
            self.touch(number, lost=lost)

    def touch(self, number: str, *, lost: bool) -> None:
        """A call with this number came or went that was lost, or served."""
        self.numbers[number] = lost or self.numbers.get(number, False)


def rows_to_add(tallies: Tallies) -> Iterator[tuple[Form, dict[Key, Tally]]]:
    """For every form its rows by (level, beginning, *keys): what is to be added to its table."""
    for form in FORMS:
        rows = tallies.rows[form] if form.of is None else _summed(form, form.of, tallies)
        yield form, _at_every_level(form, rows)


def _summed(form: Form, of: Form, tallies: Tallies) -> dict[Key, Tally]:
    """The rows of a form that adds up those of another."""
    places = [1 + of.keys.index(name) for name in form.keys if name in of.keys]
    each = [(name, 1 + of.keys.index(name)) for name in form.each]
    counts = [of.counts.index(name) for name in form.counts]
    spans = [of.spans.index(name) for name in form.spans]
    found: dict[Key, Tally] = {}
    for key, tally in tallies.rows[of].items():
        more = Tally([tally.counts[n] for n in counts], [tally.spans[n] for n in spans])
        whole = (key[0], *(key[n] for n in places))
        for place in [(*whole, name, key[n]) for name, n in each] or [whole]:
            held = found.get(place)
            if held is None:
                held = found[place] = Tally.of(form)
            held.add(more)
    return found


def _at_every_level(form: Form, rows: Mapping[Key, Tally]) -> dict[Key, Tally]:
    """Rows of the finest level, and what they add up to."""
    finest = form.levels[0]
    found: dict[Key, Tally] = {(finest, *key): tally for key, tally in rows.items() if tally}
    finer = list(found.items())
    for level in form.levels[1:]:
        coarser: dict[Key, Tally] = {}
        for key, tally in finer:
            place = (level, beginning(level, key[1]), *key[2:])
            held = coarser.get(place)
            if held is None:
                held = coarser[place] = Tally.of(form)
            held.add(tally)
        finer = [(key, tally) for key, tally in coarser.items() if tally]
        found.update(finer)
    return found


def rows_of(tallies: Tallies) -> Iterator[tuple[Form, Key, Tally]]:
    """Every row that is not nothing, in order of table and key."""
    for form, rows in tallies.rows.items():
        for key in sorted(rows):
            if tally := rows[key]:
                yield form, key, tally


def written(tallies: Tallies) -> str:
    """Rows of tallies as JSON, the same for the same; empty for nothing."""
    rows = [
        [form.name, key, tally.counts, [sorted(spans.items()) for spans in tally.spans]]
        for form, key, tally in rows_of(tallies)
    ]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")) if rows else ""


def read_again(text: str) -> Tallies:
    """Tallies of which this is what `written` gave."""
    found = Tallies()
    for name, key, counts, spans in json.loads(text) if text else ():
        tally = found.at(_BY_NAME[name], tuple(key))
        tally.add(Tally(counts, [dict(pairs) for pairs in spans]))
    return found


_BY_NAME: Final = {form.name: form for form in FORMS}
