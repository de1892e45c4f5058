"""What one call adds to the figures: whole numbers only, so that it can be taken back exactly.

A call counts once it is closed; what a later act or repair changes of it is its old tallies taken
back and its new ones added. Everything is read from the rows of the record, so that counting anew
from disk gives the same. What is counted, and by which keys, is said in `forms.py`.

Calls are counted by the finest level of each form; `at_every_level` adds its rows up to those of
the coarser ones. What happened more than a day after the call was entered is counted a day after,
so that the calls behind a row are found by their time of entering.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from crm_bridge.figures.forms import AGENT_STEPS, AGENTS, CALLS, FORMS, QUEUES, STEPS, Form
from crm_bridge.figures.histogram import Histogram, Packed, bucket, merge
from crm_bridge.figures.levels import DAY, beginning, day_of, quarter_of

Row = tuple[Any, ...]
Key = tuple[Any, ...]

LATEST: Final = DAY
"""What comes later than this after the call was entered is counted as if it came then."""


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

    rows: dict[Form, dict[Key, Tally]] = field(default_factory=lambda: {f: {} for f in FORMS})

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

    def count(self, head: Row, children: Sequence[Sequence[Row]], sign: int = 1) -> None:
        """Adds a call given as its rows (`CallRows`); with `sign` -1 takes it back.

        One that is not closed adds nothing.
        """
        if head[_CLOSED]:
            _Counting(self, head, children, sign).all()


# where the columns stand in the rows of `crm_bridge.records.rows`; a test holds the two together
_DIRECTION, _WITHHELD, _ENTERED, _ENDED = 3, 8, 9, 11
_OUTCOME, _SERVICE, _LANGUAGE, _INFERRED, _CLOSED = 13, 14, 15, 16, 17
_PASSAGES, _AGENTS, _HOLDS, _CONSULTATIONS, _TRANSFERS, _STEPS, _MARKS, _GAPS = (
    3, 5, 6, 7, 8, 10, 11, 12,
)  # fmt: skip
LISTS: Final = (_PASSAGES, _AGENTS, _HOLDS, _CONSULTATIONS, _TRANSFERS, _STEPS, _MARKS, _GAPS)
"""Lists of a call that are counted, by their place in `tables.CHILDREN`; the rest may be empty."""

_STATE: Final = {"within": 0, "over": 1, "open": 2}
_EVIDENCE: Final = {"observed": 3, "declared": 4, "inferred": 5, "unknown": 6}
_ELAPSED: Final = 7
_LEFT: Final = {"answered": 0, "abandoned": 1, "timeout": 2, "left": 3, "transferred": 4, None: 5}
_WAITED: Final = 6
_AFTER: Final = {"answered": 0, "abandoned": 1}


class _Counting:
    """One call being counted."""

    def __init__(
        self, into: Tallies, head: Row, children: Sequence[Sequence[Row]], sign: int
    ) -> None:
        self._into = into
        self._head = head
        self._sign = sign
        self._latest = head[_ENTERED] + LATEST
        self._passages = children[_PASSAGES]
        self._parts = children[_AGENTS]
        self._holds = children[_HOLDS]
        self._consultations = children[_CONSULTATIONS]
        self._transfers = children[_TRANSFERS]
        self._steps = children[_STEPS]
        self._marks = children[_MARKS]
        self._gaps = children[_GAPS]

    def all(self) -> None:
        self._call()
        for passage in self._passages:
            self._passage(passage)
        for step in self._steps:
            self._step(step)
        for part in self._parts:
            self._part(part)

    def _call(self) -> None:
        head = self._head
        key = (
            quarter_of(head[_ENTERED]), head[_DIRECTION], head[_SERVICE] or "",
            head[_LANGUAGE] or "", head[_OUTCOME] or "",
        )  # fmt: skip
        tally = self._into.at(CALLS, key)
        tally.counts[0] += self._sign
        tally.counts[1] += self._sign * bool(head[_WITHHELD])
        missed = bool(head[_INFERRED]) or any(gap[4] is None for gap in self._gaps)
        tally.counts[2] += self._sign * missed
        if head[_ENDED] is not None:
            self._span(tally, 3, 0, head[_ENDED] - head[_ENTERED])

    def _passage(self, passage: Row) -> None:
        _, _, queue, joined, left, outcome, _ = passage
        tally = self._into.at(QUEUES, (quarter_of(min(joined, self._latest)), queue))
        tally.counts[_LEFT[outcome]] += self._sign
        if left is None or outcome not in _AFTER:
            return
        wait = left - joined
        if outcome == "answered":
            tally.counts[_WAITED] += self._sign * wait
        tally.note(_AFTER[outcome], wait, self._sign)

    def _step(self, row: Row) -> None:
        _, _, step, service, started, ended, elapsed, _, state, evidence, _ = row
        at = min(started, self._latest)
        queue = self._queue_of(step, started, ended)
        agent, agency = self._who(step, started, ended)
        for form, key in (
            (STEPS, (quarter_of(at), queue, service, step)),
            (AGENT_STEPS, (day_of(at), agent, agency, queue, service, step)),
        ):
            tally = self._into.at(form, key)
            tally.counts[_STATE[state]] += self._sign
            tally.counts[_EVIDENCE[evidence]] += self._sign
            if elapsed is not None:
                self._span(tally, _ELAPSED, 0, elapsed)

    def _part(self, part: Row) -> None:
        _, _, agent, connected, released = part
        if released is None:
            return
        held = self._held(agent, connected, released)
        wrap, over_at = 0, released
        if self._logging(released) is part:
            for row in self._steps:
                if row[2] == "log" and row[4] == released and row[5] is not None:
                    wrap, over_at = row[6] or 0, row[5]
        at = day_of(min(over_at, self._latest))
        tally = self._into.at(AGENTS, (at, agent, self._queue_at(connected)))
        talk = released - connected - held
        for n, count in enumerate((1, talk, held, wrap)):
            tally.counts[n] += self._sign * count
        tally.note(0, talk + held + wrap, self._sign)

    def _span(self, tally: Tally, count: int, span: int, micros: int) -> None:
        tally.counts[count] += self._sign * micros
        tally.note(span, micros, self._sign)

    def _held(self, agent: str, connected: int, released: int) -> int:
        """How long this officer held the caller; what two of their telephones did, once."""
        held, until = 0, connected
        for hold in sorted((h for h in self._holds if h[2] == agent), key=lambda h: int(h[3])):
            end = released if hold[4] is None else min(hold[4], released)
            held += max(0, end - max(hold[3], until))
            until = max(until, end)
        return held

    def _logging(self, released: int) -> Row | None:
        """Whose log begins then: of officers whose parts ended at once, the first to come."""
        return next((part for part in self._parts if part[4] == released), None)

    def _queue_of(self, step: str, started: int, ended: int | None) -> str:
        if step == "greet":  # where it was owed last, as its service is; open: nobody answered
            return self._queue_at(ended)
        if step == "log" and (part := self._logging(started)) is not None:
            # the next queue may have been joined a moment before the part was over
            return self._queue_at(part[3])
        return self._queue_at(started)

    def _queue_at(self, at: int | None) -> str:
        """The queue joined last by then, or of all; none where the call came past the queues."""
        found = ""
        for passage in self._passages:
            if at is None or passage[3] <= at:
                found = passage[2]
        return found

    def _who(self, step: str, started: int, ended: int | None) -> tuple[str, str]:
        """Whose timing it is, officer and agency; empty where nobody's."""
        if step == "transfer":
            for t in self._transfers:
                if t[6] == started:
                    return t[3], t[5] or ""
        if step == "enquire":
            for c in self._consultations:
                if c[5] == started:
                    return c[2], c[4] or ""
            for mark in self._marks:
                if mark[2] == "enquire_begin" and mark[3] == started:
                    return mark[5] or "", ""
        if step == "greet":
            return next((p[2] for p in self._parts if p[3] >= started), "") if ended else "", ""
        if step == "log":
            part = self._logging(started)
            return ("" if part is None else part[2]), ""
        return next((p[2] for p in self._parts if p[4] is None or p[4] >= started), ""), ""


def at_every_level(form: Form, rows: Mapping[Key, Tally]) -> dict[Key, Tally]:
    """Rows by (level, beginning, *keys): those of the finest level, and what they add up to."""
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
    for form in FORMS:
        for key in sorted(tallies.rows[form]):
            tally = tallies.rows[form][key]
            if tally:
                yield form, key, tally
