"""A call and its steps as rows, and back: the one place that knows which field is which column."""

from __future__ import annotations

import json
import marshal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from crm_bridge.records.callers import LONGEST_PRESENTED, clean, normalise
from ivr.calls.call import (
    OUTBOUND,
    AgencyLeg,
    AgentPart,
    Attempt,
    AttemptOutcome,
    Call,
    Consultation,
    ConsultationOutcome,
    EndedBy,
    Evidence,
    Gap,
    Hold,
    Leg,
    Mark,
    MenuChoice,
    Outcome,
    PassageOutcome,
    QueuePassage,
    Role,
    Transfer,
    TransferKind,
    TransferOutcome,
)
from ivr.steps.timing import StepTiming

Row = tuple[Any, ...]

_LONGEST: Final = 255
"""Characters kept of any text that came over the wire."""

REVISION: Final = 2
CALLER: Final = 5
NAME: Final = 7
ENTERED: Final = 9
ENDED: Final = 11
CLOSED: Final = 17
DIGEST: Final = 18
UPDATED: Final = 19
"""Where in `CallRows.call`, and in a row of `calls`, stands what is compared or told."""
NO_RECORD: Final = 0
"""In the place of a stored record's digest: there is none."""
_DIRECTION: Final = 3
_DIALLED: Final = 4
_PRESENTED: Final = 6
_LEGS: Final = 2
_MAY_NAME_A_NUMBER: Final[dict[int, tuple[int, ...]]] = {
    _LEGS: (3, 5), 7: (3,), 8: (4,), 9: (3,), 11: (4,),
}  # fmt: skip
"""List of `CallRows.children` → its columns where a dialled number may stand: a leg's channel and
party, the target of a consultation or transfer, an agency leg's number, a mark's value."""


@dataclass(frozen=True, slots=True)
class CallRows:
    """A call's record at one revision, copied into plain tuples.

    `call` is the row of `calls` up to `closed`; `children` are the rows of `tables.CHILDREN`, list
    by list; `digest` is of both, signed 64 bits, the same on every machine.
    """

    call_id: str
    revision: int
    call: Row
    children: tuple[tuple[Row, ...], ...]
    digest: int
    size: int
    """About how many bytes the record holds, for whoever must bound what waits."""
    based_on: int | None = None
    """Digest of the stored record that this was made of, `NO_RECORD` where there was none: written
    over nothing else. `None`: this is the source, whatever is stored."""


def snapshot(call: Call, steps: Sequence[StepTiming]) -> CallRows:
    """The call and its steps as they stand, sharing nothing that can change."""
    i = clean(call.call_id, _LONGEST)
    number = normalise(call.caller_presented)
    head: Row = (
        i,
        call.node,
        call.revision,
        call.direction,
        clean(call.dialled, _LONGEST),
        number.e164,
        None if call.caller_presented is None else clean(call.caller_presented, LONGEST_PRESENTED),
        None if call.caller_name is None else clean(call.caller_name, _LONGEST),
        call.withheld or (call.caller_presented is not None and number.withheld),
        call.entered_at,
        call.answered_at,
        call.ended_at,
        _plain(call.ended_by),
        _plain(call.outcome),
        _text(call.service),
        _text(call.language),
        call.times_inferred,
        call.closed,
    )
    children: tuple[tuple[Row, ...], ...] = (
        tuple([(i, n, x) for n, x in enumerate(call.linkedids)]),
        tuple([(i, n, clean(m.menu, _LONGEST), clean(m.key, _LONGEST), m.at)
               for n, m in enumerate(call.menu)]),
        tuple([(i, n, x.uniqueid, clean(x.channel, _LONGEST), _plain(x.role), _text(x.party),
                x.started_at, x.answered_at, x.ended_at, x.cause)
               for n, x in enumerate(call.legs)]),
        tuple([(i, n, clean(p.queue, _LONGEST), p.joined_at, p.left_at, _plain(p.outcome),
                p.position)
               for n, p in enumerate(call.passages)]),
        tuple([(i, o, n, a.agent, a.rang_at, a.ended_at, _plain(a.outcome))
               for o, p in enumerate(call.passages) for n, a in enumerate(p.attempts)]),
        tuple([(i, n, a.agent, a.connected_at, a.released_at) for n, a in enumerate(call.agents)]),
        tuple([(i, n, h.by, h.started_at, h.ended_at) for n, h in enumerate(call.holds)]),
        tuple([(i, n, c.by, clean(c.target, _LONGEST), c.agency, c.started_at, c.answered_at,
                c.ended_at, _plain(c.outcome))
               for n, c in enumerate(call.consultations)]),
        tuple([(i, n, _plain(t.kind), t.by, clean(t.target, _LONGEST), t.agency, t.asked_at,
                t.answered_at, t.ended_at, _plain(t.outcome))
               for n, t in enumerate(call.transfers)]),
        tuple([(i, n, a.agency, clean(a.number, _LONGEST), a.connected_at, a.released_at)
               for n, a in enumerate(call.agency_legs)]),
        tuple([(i, n, s.step, s.service, s.started_at, s.ended_at, s.elapsed, s.standard_seconds,
                _plain(s.state), _plain(s.evidence), _parts(s.parts))
               for n, s in enumerate(steps)]),
        tuple([(i, n, clean(m.name, _LONGEST), m.at, clean(m.value, _LONGEST), _text(m.by))
               for n, m in enumerate(call.marks)]),
        tuple([(i, n, g.started_at, g.ended_at, _plain(g.filled_by))
               for n, g in enumerate(call.gaps)]),
    )  # fmt: skip
    return _sealed(head, children)


def _sealed(head: Row, children: tuple[tuple[Row, ...], ...]) -> CallRows:
    # marshal's second format is the same for equal values whoever holds them, and the fastest
    image = marshal.dumps((head, children), 2)
    digest = int.from_bytes(blake2b(image, digest_size=8).digest(), "big", signed=True)
    return CallRows(head[0], head[REVISION], head, children, digest, 2 * len(image))


def without_caller(rows: CallRows) -> CallRows:
    """The same record without who called: number, name, and the number wherever else it stands.

    Times, revision and everything an officer or agency did stay. Done twice it changes nothing.
    """
    head = list(rows.call)
    number = head[CALLER]
    forms: tuple[str, ...] = ()
    if number is not None:
        national = number[3:] if number.startswith("+66") else number[1:]
        forms = (number, number[1:], "0" + national, national)
    if head[_DIRECTION] == OUTBOUND:
        head[_DIALLED] = ""
    head[_DIALLED] = _hidden(head[_DIALLED], forms)
    head[CALLER] = head[_PRESENTED] = head[NAME] = None
    children = tuple(
        [
            tuple([_hidden_in(row, _MAY_NAME_A_NUMBER.get(table, ()), forms) for row in entries])
            for table, entries in enumerate(rows.children)
        ]
    )
    legs = tuple(
        [(*leg[:5], None, *leg[6:]) if leg[4] == Role.CALLER else leg for leg in children[_LEGS]]
    )
    return _sealed(tuple(head), (*children[:_LEGS], legs, *children[_LEGS + 1 :]))


def _hidden_in(row: Row, columns: tuple[int, ...], forms: tuple[str, ...]) -> Row:
    if not columns or not forms:
        return row
    return tuple([_hidden(x, forms) if n in columns else x for n, x in enumerate(row)])


def _hidden(value: Any, forms: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        for form in forms:
            value = value.replace(form, "")
    return value


def restore(head: Row, children: Sequence[Sequence[Row]]) -> tuple[Call, list[StepTiming]]:
    """The call and steps of which `head` and `children` are the rows, as `snapshot` gives them."""
    (linkedids, menu, legs, passages, attempts, agents, holds, consultations, transfers,
     agency_legs, steps, marks, gaps) = children  # fmt: skip
    queue_passages = [
        QueuePassage(r[2], r[3], r[4], _as(PassageOutcome, r[5]), r[6]) for r in passages
    ]
    for r in attempts:
        queue_passages[r[1]].attempts.append(Attempt(r[3], r[4], r[5], _as(AttemptOutcome, r[6])))
    call = Call(
        call_id=head[0],
        node=head[1],
        revision=head[2],
        direction=head[3],
        dialled=head[4],
        caller_presented=head[6],
        caller_name=head[7],
        withheld=bool(head[8]),
        entered_at=head[9],
        answered_at=head[10],
        ended_at=head[11],
        ended_by=_as(EndedBy, head[12]),
        outcome=_as(Outcome, head[13]),
        service=head[14],
        language=head[15],
        times_inferred=bool(head[16]),
        closed=bool(head[17]),
        linkedids=[r[2] for r in linkedids],
        menu=[MenuChoice(r[2], r[3], r[4]) for r in menu],
        passages=queue_passages,
        agents=[AgentPart(*r[2:]) for r in agents],
        holds=[Hold(*r[2:]) for r in holds],
        consultations=[
            Consultation(r[2], r[3], r[4], r[5], r[6], r[7], _as(ConsultationOutcome, r[8]))
            for r in consultations
        ],
        transfers=[
            Transfer(
                TransferKind(r[2]), r[3], r[4], r[5], r[6], r[7], r[8], _as(TransferOutcome, r[9])
            )
            for r in transfers
        ],
        agency_legs=[AgencyLeg(*r[2:]) for r in agency_legs],
        legs=[Leg(r[2], r[3], Role(r[4]), *r[5:]) for r in legs],
        marks=[Mark(*r[2:]) for r in marks],
        gaps=[Gap(*r[2:]) for r in gaps],
    )
    timings = [
        StepTiming(
            step=r[2],
            service=r[3],
            started_at=r[4],
            ended_at=r[5],
            elapsed=r[6],
            standard_seconds=r[7],
            state=r[8],
            evidence=Evidence(r[9]),
            parts=json.loads(r[10]),
        )
        for r in steps
    ]
    return call, timings


def _plain(value: Any) -> Any:
    """An enum's own string: the drivers take a plain `str` by a shorter way than a subclass."""
    return None if value is None else str.__str__(value)


def _text(value: str | None) -> str | None:
    return None if value is None else clean(value, _LONGEST)


def _parts(parts: Mapping[str, int]) -> str:
    return json.dumps(parts, separators=(",", ":")) if parts else "{}"


def _as(kind: Any, value: str | None) -> Any:
    return None if value is None else kind(value)
