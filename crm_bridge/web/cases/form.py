"""What the complaint form is filled with before anybody types: of the call, its caller, a case."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.appointments.offices import NAME, Offices, offices
from crm_bridge.cases import notices, subjects
from crm_bridge.cases.case import IDENTITIES, KINDS, Case
from crm_bridge.cases.complaints import Complaint, as_form
from crm_bridge.clock import iso
from crm_bridge.desk import drafts
from crm_bridge.people.matching import match
from crm_bridge.records.tables import calls
from crm_bridge.web.connectors import suggesting
from crm_bridge.web.context import Context

CAPITAL: Final = "กรุงเทพมหานคร"
_PLAIN: Final = re.compile(r"[A-Za-z0-9._:-]{1,160}")


def provinces(directory: Offices) -> list[str]:
    """The provinces' Thai names, the capital first."""
    return [CAPITAL, *(office.name_th.removeprefix(NAME) for office in directory.provinces)]


def draft_key(call_id: str | None) -> str:
    """Under which the form of this call is kept while it is typed."""
    return f"case:{call_id if call_id and _PLAIN.fullmatch(call_id) else 'new'}"


async def values(
    connection: AsyncConnection,
    held: Context,
    me: Account,
    *,
    call_id: str | None = None,
    case: Case | None = None,
) -> dict[str, Any]:
    """What `cases/_form.html` is given: a new form (of this call), or that of a case."""
    now = held.clock.now_us()
    draft = None if case is not None else await drafts.read(connection, me.id, draft_key(call_id))
    filled = as_form(case) if case is not None else await _of_call(connection, call_id)
    return {
        "case": case,
        "form": filled,
        "suggested": suggesting.of_call(held.board, call_id) if case is None else [],
        "draft": draft_key(call_id),
        "drafted": draft is not None,
        "call_id": None if case is not None else call_id,
        "opened_at": iso(now),
        "key": uuid.uuid4().hex,
        "notice": notices.current(now),
        "headings": await subjects.catalogue(connection, service="complaint"),
        "provinces": provinces(offices(held.config)),
        "kinds": KINDS,
        "identities": IDENTITIES,
    }


async def _of_call(connection: AsyncConnection, call_id: str | None) -> Complaint:
    """The caller as the call and the records know; nothing of one who withholds the number."""
    empty = Complaint()
    if call_id is None:
        return empty
    row = (
        await connection.execute(
            select(calls.c.caller_e164, calls.c.withheld).where(calls.c.call_id == call_id)
        )
    ).one_or_none()
    if row is None or row.withheld or row.caller_e164 is None:
        return empty
    filled = replace(empty, complainant_number=row.caller_e164)
    found = await match(connection, row.caller_e164, withheld=False)
    if found.level != "known":
        return filled
    person = found.persons[0]
    return replace(
        filled,
        person_id=person.id,
        complainant_name=person.name or "",
        complainant_email=person.email,
        complainant_province=person.province,
    )
