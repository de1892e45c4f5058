"""Cases and the entries of their timeline as a mapping is given them; see `contents.py`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases.case import KINDS, OUT_OF_IT, Case, assignments, case_of
from crm_bridge.cases.workflow import ACTS, STATES, Act, State
from crm_bridge.config import Config
from crm_bridge.connectors.facts import CaseFacts, ContactFacts, EventFacts, Facts, Named
from crm_bridge.connectors.port import Status
from crm_bridge.delivery import contents
from crm_bridge.records.desk_tables.cases import case_events, cases
from crm_bridge.records.desk_tables.people import erased_calls, persons

STATUS: Final[dict[State, Status]] = {
    State.RECORDED: Status.NEW,
    State.PROPOSED: Status.OPEN,
    State.RETURNED: Status.OPEN,
    State.ASSIGNED: Status.WAITING,
    State.ANSWERED: Status.OPEN,
    State.SETTLED: Status.RESOLVED,
    State.CLOSED: Status.CLOSED,
    State.CANCELLED: Status.CANCELLED,
}
"""Where a case of ours stands, in the words that every CRM has."""

THERE: Final = "there"
"""The kind of a timeline entry that another CRM made: a status that was changed there."""

EVENTS: Final[dict[str, Named]] = {
    "record": ("บันทึกเรื่อง", "Recorded"),
    "told": ("ข้อความแจ้งเลขเรื่องส่งถึงผู้ให้บริการแล้ว", "The message with the number has gone"),
    THERE: ("สถานะในระบบ CRM เปลี่ยน", "The status in the other CRM changed"),
    **{act.value: name for act, name in ACTS.items()},
}
"""What an entry of the timeline says was done."""

_OWN_WORDS: Final = frozenset({Act.NOTE.value, Act.ATTACH.value})
_TEXTS: Final = ("instruction", "text", "reason", "note", "name")
_HONORIFICS: Final = frozenset(
    ("นาย", "นาง", "นางสาว", "น.ส.", "ด.ช.", "ด.ญ.", "คุณ", "mr", "mr.", "mrs", "mrs.", "ms", "ms.")
)
_HONORIFIC: Final = re.compile("^(นางสาว|นาย|นาง|น\\.ส\\.|ด\\.ช\\.|ด\\.ญ\\.|คุณ)")
_SHORTEST: Final = 2
"""A name of so few letters stands in too many words to be looked for."""


@dataclass(frozen=True, slots=True)
class Move:
    """Where an entry of the timeline left the case; `moved`: it was elsewhere before."""

    ticket: str
    status: Status
    moved: bool
    first: bool


async def case_facts(connection: AsyncConnection, config: Config, case_id: str) -> Facts | None:
    """The case as it is now; None where it is unknown, or was emptied by an erasure."""
    row = (await connection.execute(select(cases).where(cases.c.id == case_id))).one_or_none()
    if row is None:
        return None
    case = case_of(row)
    if not case.title and not case.facts:
        return None
    complainant = await _complainant(connection, config, case)
    return Facts(contact=complainant, case=await _case(connection, config, case, complainant))


async def event_facts(
    connection: AsyncConnection, config: Config, case_id: str, ordinal: int
) -> Facts | None:
    """The case with this entry of its timeline; of an internal one, the case alone."""
    facts = await case_facts(connection, config, case_id)
    table = case_events
    query = select(table).where(table.c.case_id == case_id, table.c.ordinal == ordinal)
    row = (await connection.execute(query)).one_or_none()
    if facts is None or facts.case is None or row is None:
        return None
    if row.internal:
        return facts
    found = await connection.execute(select(cases).where(cases.c.id == case_id))
    secrets = _secrets(case_of(found.one()))
    event = EventFacts(
        key=f"event:{facts.case.ticket}/{ordinal}",
        kind=row.kind,
        name=EVENTS.get(row.kind, (row.kind, row.kind)),
        at=row.at_us,
        by=contents.scrubbed(row.by_name, secrets),
        text=contents.scrubbed(_said(row.kind, row.agency, json.loads(row.body)), secrets),
        state_name=STATES[State(row.state)],
        agency=None if row.agency is None else contents.agency(config, row.agency),
    )
    return Facts(contact=facts.contact, case=facts.case, event=event)


async def move(connection: AsyncConnection, case_id: str, ordinal: int) -> Move | None:
    """Where this entry of the timeline brought the case."""
    table = case_events.c
    query = (
        select(cases.c.ticket, table.ordinal, table.state)
        .join(cases, cases.c.id == table.case_id)
        .where(table.case_id == case_id, table.ordinal.in_((ordinal - 1, ordinal)))
        .order_by(table.ordinal)
    )
    rows = (await connection.execute(query)).all()
    if not rows or rows[-1].ordinal != ordinal:
        return None
    status = STATUS[State(rows[-1].state)]
    moved = len(rows) == 1 or STATUS[State(rows[0].state)] is not status
    return Move(rows[-1].ticket, status, moved, ordinal == 0)


async def _case(
    connection: AsyncConnection, config: Config, case: Case, complainant: ContactFacts | None
) -> CaseFacts:
    secrets = _secrets(case)

    def text(words: str) -> str:
        return contents.scrubbed(words, secrets)

    parts = [a for a in await assignments(connection, case) if a.round == case.round]
    return CaseFacts(
        key=f"case:{case.ticket}",
        ticket=case.ticket,
        kind=case.kind,
        kind_name=KINDS.get(case.kind, (case.kind, case.kind)),
        title=text(case.title),
        facts=text(case.facts),
        wanted=text(case.wanted),
        respondent=text(case.respondent),
        place=text(case.place),
        province=case.province,
        product=text(case.product),
        subject=await contents.subject(connection, case.subject_id),
        identity=case.identity,
        complainant=complainant,
        state=case.state.value,
        state_name=STATES[case.state],
        status=STATUS[case.state],
        recorded_at=case.recorded_us,
        due_at=case.due_us,
        settled_at=case.settled_us,
        settlement=None if case.settlement is None else text(case.settlement),
        agencies=tuple(
            contents.agency(config, part.agency) for part in parts if part.state not in OUT_OF_IT
        ),
        officer=await contents.officer(connection, case.owner),
        call_key=await _call_key(connection, case),
        link=contents.link(config, "cases", case.ticket),
    )


async def _complainant(
    connection: AsyncConnection, config: Config, case: Case
) -> ContactFacts | None:
    if case.hidden_complainant:
        return None
    if case.person_id is not None:
        erased = await connection.scalar(
            select(persons.c.erased_us).where(persons.c.id == case.person_id)
        )
        if erased is not None:
            return None
        return await contents.person(connection, config, case.person_id)
    number = case.complainant_number
    if number is None:
        return None
    known = await contents.of_number(connection, config, number)
    if known.key.startswith("person:"):
        return known
    return ContactFacts(
        key=known.key,
        number=number,
        numbers=(number,),
        name=case.complainant_name or None,
        email=case.complainant_email,
        province=case.complainant_province,
    )


async def _call_key(connection: AsyncConnection, case: Case) -> str | None:
    """The call it came of: not where that would tell who complains, or was erased."""
    if case.call_id is None or case.hidden_complainant:
        return None
    query = select(erased_calls.c.call_id).where(erased_calls.c.call_id == case.call_id)
    if await connection.scalar(query) is not None:
        return None
    return f"call:{case.call_id}"


def _secrets(case: Case) -> tuple[str, ...]:
    """What nobody outside may read in this case's texts: the longest first."""
    if not case.hidden_complainant:
        return ()
    found = {case.complainant_name.strip(), (case.complainant_email or "").strip()}
    for word in case.complainant_name.split():
        found |= {word, _HONORIFIC.sub("", word)} - _HONORIFICS
    number = case.complainant_number
    if number is not None:
        found.add(number)
        if number.startswith("+66"):
            rest = number[3:]
            found |= {f"0{rest}", f"66{rest}", rest}
            found |= {f"0{rest[:2]}-{rest[2:5]}-{rest[5:]}", f"0{rest[:2]} {rest[2:5]} {rest[5:]}"}
            found.add(f"0{rest[:2]}-{rest[2:]}")
    return tuple(sorted((f for f in found if len(f) > _SHORTEST), key=lambda f: (-len(f), f)))


def _said(kind: str, agency: str | None, body: dict[str, Any]) -> str:
    """What was said; of what the centre did for itself, that it was done."""
    if agency is None and kind not in _OWN_WORDS:
        return ""
    return "\n\n".join(str(body[name]) for name in _TEXTS if body.get(name))
