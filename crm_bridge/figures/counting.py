"""What one call adds to the figures.

A call counts once it is closed; what a later act or repair changes of it is its old tallies taken
back and its new ones added. Everything is read from the rows of the record, so that counting anew
from disk gives the same. What happened more than a day after the call was entered is counted a day
after, so that the calls behind a row are found by their time of entering.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from crm_bridge.figures.forms import (
    AGENCY_STEPS,
    AGENT_STEPS,
    AGENTS,
    CALLBACKS,
    CALLS,
    HOURS,
    MENUS,
    QUEUES,
    STEPS,
    SURVEYS,
    TRANSFERS,
    WAITS_TOLD,
)
from crm_bridge.figures.levels import DAY, day_of, hour_of_week, month_of, quarter_of
from crm_bridge.figures.tallies import Tallies, Tally
from crm_bridge.figures.told import CAME, came

Row = tuple[Any, ...]

LATEST: Final = DAY
"""What comes later than this after the call was entered is counted as if it came then."""


def count_call(
    tallies: Tallies, head: Row, children: Sequence[Sequence[Row]], sign: int = 1
) -> None:
    """Adds a call given as its rows (`CallRows`); with `sign` -1 takes it back.

    One that is not closed adds nothing.
    """
    if head[_CLOSED]:
        _Counting(tallies, head, children, sign).all()


# where the columns stand in the rows of `crm_bridge.records.rows`; a test holds the two together
_DIRECTION, _CALLER, _WITHHELD, _ENTERED, _ANSWERED, _ENDED = 3, 5, 8, 9, 10, 11
_OUTCOME, _SERVICE, _LANGUAGE, _INFERRED, _CLOSED = 13, 14, 15, 16, 17
_MENU, _LEGS, _PASSAGES, _AGENTS, _HOLDS, _CONSULTATIONS, _TRANSFERS, _STEPS, _MARKS, _GAPS = (
    1, 2, 3, 5, 6, 7, 8, 10, 11, 12,
)  # fmt: skip
LISTS: Final = (
    _MENU, _LEGS, _PASSAGES, _AGENTS, _HOLDS, _CONSULTATIONS, _TRANSFERS, _STEPS, _MARKS, _GAPS,
)  # fmt: skip
"""Lists of a call that are counted, by their place in `tables.CHILDREN`; the rest may be empty."""

_STATE: Final = {"within": 0, "over": 1, "open": 2}
_EVIDENCE: Final = {"observed": 3, "declared": 4, "inferred": 5, "unknown": 6}
_ELAPSED: Final = 7
_LEFT: Final = {"answered": 0, "abandoned": 1, "timeout": 2, "left": 3, "transferred": 4, None: 5}
_WAITED: Final = 6
_AFTER: Final = {"answered": 0, "abandoned": 1}
_HOUR: Final = {"within": 1, "over": 2}
_OFFERED, _HOUR_OF = 3, {"answered": 4, "abandoned": 5}
_INBOUND: Final = "inbound"
_SERVED: Final = "served"
_LOST: Final = ("abandoned_queue", "queue_timeout")
_IN_MENU: Final = "abandoned_menu"
"""Lost too where the caller had been in a queue."""
_LEFT_IT: Final = "left"
"""Out of the queue by a key: he may come back to where he stood."""
_ANSWERED_IT: Final = "answered"
_AGENCY: Final = "agency"
"""`Role` of an agency's leg."""
_COMPLETED: Final = "completed"
_ANSWERS: Final = {
    "survey_rating": {"1": 1, "2": 2, "3": 3, "4": 4, "5": 5},
    "survey_settled": {"yes": 6, "no": 7},
}
_UNRATED: Final = 0
_CHOICES: Final = 6
"""So many keys of a caller's way through the menus are kept apart."""
_KEY: Final = 2
"""A longer one was not pressed to choose: a number, maybe somebody's."""


def add_timing(
    tallies: Tallies, at: int, what: tuple[str, str, str], state: str, evidence: str,
    elapsed: int | None, *, agent: str, agency: str, sign: int = 1,
) -> None:  # fmt: skip
    """Adds the timing of a step that began at `at`; `what` is its queue, service and step."""
    day, step = day_of(at), what[::-1]
    rows = [
        tallies.at(STEPS, (quarter_of(at), *what)), tallies.at(AGENT_STEPS, (day, *step, agent))
    ]  # fmt: skip
    if agency:
        rows.append(tallies.at(AGENCY_STEPS, (day, agency, *what)))
    hour = tallies.at(HOURS, (day, *step, hour_of_week(at)))
    hour.counts[0] += sign
    if state in _HOUR:
        hour.counts[_HOUR[state]] += sign
    for tally in rows:
        tally.counts[_STATE[state]] += sign
        tally.counts[_EVIDENCE[evidence]] += sign
        if elapsed is not None:
            tally.counts[_ELAPSED] += sign * elapsed
            tally.note(0, elapsed, sign)


class _Counting:
    """One call being counted."""

    def __init__(
        self, into: Tallies, head: Row, children: Sequence[Sequence[Row]], sign: int
    ) -> None:
        self._into = into
        self._head = head
        self._sign = sign
        self._latest = head[_ENTERED] + LATEST
        self._menu = children[_MENU]
        self._legs = children[_LEGS]
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
            if self._on_the_line(passage):
                self._passage(passage)
        for step in self._steps:
            self._step(step)
        for part in self._parts:
            self._part(part)
        for transfer in self._transfers:
            self._transfer(transfer)
        for consultation in self._consultations:
            self._consultation(consultation)
        self._survey()
        self._told()

    def _call(self) -> None:
        head = self._head
        if head[_CALLER] is not None and head[_OUTCOME] == _SERVED and self._parts:
            self._into.touch(head[_CALLER], lost=False)
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
        if head[_DIRECTION] == _INBOUND:
            way = (day_of(head[_ENTERED]), self._path(), head[_OUTCOME] or "")
            self._into.at(MENUS, way).counts[0] += self._sign
            lost = head[_OUTCOME] in _LOST or (head[_OUTCOME] == _IN_MENU and bool(self._passages))
            if head[_CALLER] is None:
                if lost:
                    row = self._into.at(CALLBACKS, (day_of(head[_ENTERED]), "no_number"))
                    row.counts[0] += self._sign
            else:
                if lost:
                    self._into.touch(head[_CALLER], lost=True)
                caller = month_of(head[_ENTERED]), head[_CALLER]
                callers = self._into.callers
                callers[caller] = callers.get(caller, 0) + self._sign

    def _on_the_line(self, passage: Row) -> bool:
        """As `Call.on_the_line`."""
        answered, joined = self._head[_ANSWERED], passage[3]
        return self._head[_DIRECTION] == _INBOUND or (answered is not None and joined >= answered)

    def _passage(self, passage: Row) -> None:
        _, _, queue, joined, left, outcome, _ = passage
        at = min(joined, self._latest)
        tally = self._into.at(QUEUES, (quarter_of(at), queue))
        tally.counts[_LEFT[outcome]] += self._sign
        if outcome is not None:
            hour = self._into.at(HOURS, (day_of(at), "", "", queue, hour_of_week(at)))
            hour.counts[_OFFERED] += self._sign
            if outcome in _HOUR_OF:
                hour.counts[_HOUR_OF[outcome]] += self._sign
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
        add_timing(
            self._into, at, (queue, service, step), state, evidence, elapsed, agent=agent,
            agency=agency, sign=self._sign,
        )  # fmt: skip

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

    def _transfer(self, transfer: Row) -> None:
        _, _, kind, by, target, agency, asked, answered, ended, outcome = transfer
        for c in self._consultations:
            # who spoke with the agency first asked it when the consultation began
            same = c[2:5] == (by, target, agency) and c[8] == _COMPLETED
            if kind == "attended" and same and c[5] <= asked:
                asked, answered = c[5], c[6] if c[6] is not None else answered
        self._handed_on(kind, target, agency, outcome, asked, answered, ended)

    def _consultation(self, consultation: Row) -> None:
        _, _, _, target, agency, started, answered, ended, outcome = consultation
        if outcome != _COMPLETED:
            self._handed_on("consult", target, agency, outcome, started, answered, ended)

    def _handed_on(
        self, kind: str, target: str, agency: str | None, outcome: str | None, asked: int,
        answered: int | None, ended: int | None,
    ) -> None:  # fmt: skip
        day = day_of(min(asked, self._latest))
        tally = self._into.at(TRANSFERS, (day, kind, agency or "", outcome or ""))
        tally.counts[0] += self._sign
        over = answered if answered is not None else ended
        if over is None:
            return
        self._span(tally, 1, 0, over - asked)
        for leg in self._legs:
            if leg[4] == _AGENCY and leg[5] == (agency or target) and asked <= leg[6] <= over:
                self._span(tally, 2, 1, leg[6] - asked)
                # they ring no longer, though the caller is not back yet
                silent = min(over, leg[8]) if answered is None and leg[8] is not None else over
                self._span(tally, 3, 2, silent - leg[6])
                return

    def _survey(self) -> None:
        asked = next((mark for mark in self._marks if mark[2] == "survey_begin"), None)
        if asked is None:
            return
        _, _, _, at, queue, _ = asked
        agent = next((p[2] for p in reversed(self._parts) if p[3] <= at), "")
        counts = self._into.at(SURVEYS, (day_of(min(at, self._latest)), queue, agent)).counts
        answers = {m[2]: _ANSWERS[m[2]].get(m[4]) for m in self._marks if m[2] in _ANSWERS}
        counts[answers.get("survey_rating") or _UNRATED] += self._sign
        if (matter := answers.get("survey_settled")) is not None:
            counts[matter] += self._sign

    def _told(self) -> None:
        mark = next((mark for mark in self._marks if mark[2] == "wait"), None)
        if mark is None:
            return
        at, told = mark[3], mark[4]
        stood: Row | None = None
        last: Row | None = None
        for passage in self._passages:
            if passage[3] < at:
                continue
            if last is None:
                stood = passage
            elif passage[2] != last[2] or last[5] != _LEFT_IT:
                break
            last = passage
        waited = None
        if stood is not None and last is not None and last[4] is not None:
            waited = last[4] - stood[3]
        how = came(told, waited, answered=last is not None and last[5] == _ANSWERED_IT)
        key = (day_of(min(at, self._latest)), "" if stood is None else stood[2], told)
        self._into.at(WAITS_TOLD, key).counts[CAME.index(how)] += self._sign

    def _path(self) -> str:
        """The keys by which a caller went through the menus."""
        chosen = [f"{menu}:{key if len(key) <= _KEY else '…'}" for _, _, menu, key, _ in self._menu]
        return "/".join([*chosen[:_CHOICES], *("…" for _ in chosen[_CHOICES : _CHOICES + 1])])

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
