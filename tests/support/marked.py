"""One caller who is everywhere in the records, and is known again wherever something shows him."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from sqlalchemy import insert

from crm_bridge.access.roles import Role
from crm_bridge.cases import complaints
from crm_bridge.cases.ticket_number import next_number
from crm_bridge.people import notes, persons
from crm_bridge.recordings import book
from crm_bridge.recordings.book import Recording
from crm_bridge.records.desk_tables.appointments import appointments
from crm_bridge.records.desk_tables.caller_rules import caller_rules
from crm_bridge.records.desk_tables.cases import case_assignments, cases
from crm_bridge.records.desk_tables.messages import messages
from crm_bridge.records.desk_tables.recordings import voicemails
from crm_bridge.records.desk_tables.wrapups import drafts, wrapups
from ivr.calls.call import Mark, Outcome
from tests.support.cases import form
from tests.support.desk_calls import SECOND, lost, save, served
from tests.support.web import Desk

NUMBER, NAME, SURNAME = "+66819998877", "มาลัยหอม", "วงศ์เดียวกัน"
EMAIL = "malai.hom@example.com"
_DIGITS = re.compile(r"(?:\+|00)?(?:66|0)[\s\-]?81[\s\-]?999[\s\-]?8877")


def seen_in(body: str) -> set[str]:
    """What of the caller stands in a text: `number`, `name`, `email`."""
    # JSON may say it in escapes
    text = body + re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), body)
    found = {"number"} if _DIGITS.search(text) or "819998877" in text else set()
    if NAME in text or SURNAME in text:
        found.add("name")
    return found | ({"email"} if EMAIL in text else set())


@dataclass
class Marked:
    """The ids of all there is of him."""

    person_id: str
    call_id: str
    ticket: str
    ref: str
    recording_id: str

    def filled(self, path: str) -> str:
        """A route's path with his ids in it; what is nobody's otherwise."""
        values = {
            "person_id": self.person_id, "call_id": self.call_id, "ticket": self.ticket,
            "ref": self.ref, "recording_id": self.recording_id,
            "key": f"case:{self.call_id}", "extension": "1001",
        }  # fmt: skip

        def one(match: re.Match[str]) -> str:
            kind = match[2] or ""
            return values.get(match[1], "1" if kind in {":int", ":float"} else "0" * 32)

        return re.sub(r"\{(\w+)(:\w+)?\}", one, path)


def values_for(table, **given):
    """A row with every needed column filled by something plain of its kind."""
    plain = {"TEXT": "", "BIGINT": 1_764_000_000_000_000, "INTEGER": 1, "BOOLEAN": False}
    row = {
        c.name: plain[str(c.type).partition(" ")[0].upper()]
        for c in table.c
        if not c.nullable and c.name not in given
    }
    return {**row, **given}


async def mark(desk: Desk) -> Marked:
    """Puts him into persons, calls, cases, appointments, messages, recordings, rules, drafts."""
    now = desk.clock.now_us()
    agent = await desk.account(Role.AGENT, "marked.agent")
    call = served(7, now - 3600 * SECOND, presented="0819998877")
    gone = lost(8, now - 1800 * SECOND, Outcome.ABANDONED_QUEUE, presented="0819998877")
    spoken = lost(
        9, now - 900 * SECOND, Outcome.ABANDONED_MENU, presented="0819998877", queued=False
    )
    spoken.marks = [Mark("closed", spoken.entered_at, "after")]
    for one in (call, gone, spoken):
        one.caller_name = NAME
    await save(desk.database, call, gone, spoken)
    async with desk.database.writing() as connection:
        who = await persons.create(
            connection, desk.clock, agent, numbers=(NUMBER,),
            fields={"name": f"{NAME} {SURNAME}", "email": EMAIL, "notes": f"คุณ{NAME}"},
        )  # fmt: skip
        await persons.create(
            connection, desk.clock, agent, numbers=(NUMBER,), fields={"name": f"{NAME} {SURNAME}"}
        )
        await notes.add_note(connection, desk.clock, agent, who.id, f"{NAME} โทรกลับ")
        case = await complaints.record(
            connection, desk.clock, agent,
            form(complainant_name=f"{NAME} {SURNAME}", complainant_number=NUMBER,
                 complainant_email=EMAIL, person_id=who.id),
            call_id=call.call_id,
        )  # fmt: skip
        await connection.execute(
            insert(case_assignments).values(
                values_for(case_assignments, id="as1", case_id=case.id, agency="dit", round=1,
                           state="outstanding")
            )
        )  # fmt: skip
        await connection.execute(
            cases.update().where(cases.c.id == case.id).values(state="assigned", round=1)
        )
        ref = str(await next_number(connection, now))
        await connection.execute(
            insert(appointments).values(
                values_for(appointments, id="ap1", ref=ref, name=NAME, surname=SURNAME,
                           phone=NUMBER, email=EMAIL, person_id=who.id, topic="หารือ", unit="dit",
                           province="กระบี่", state="requested", language="th", invited="",
                           created_by=agent.id)
            )
        )  # fmt: skip
        await connection.execute(
            insert(messages).values(
                values_for(messages, id="0" * 31 + "a", seq=1, kind="sms", recipient=NUMBER,
                           body=f"เรียนคุณ{NAME} เรื่องของท่าน", about_kind="case", about_id=case.id,
                           dedupe="m1", state="sent")
            )
        )  # fmt: skip
        recording = Recording("f" * 32, "voicemail", spoken.call_id, now, SECOND, None, None, None)
        await book.keep(connection, recording)
        await connection.execute(
            insert(voicemails).values(
                values_for(voicemails, recording_id=recording.id, call_id=spoken.call_id,
                           number=NUMBER, left_us=now)
            )
        )  # fmt: skip
        await connection.execute(
            insert(wrapups).values(
                values_for(wrapups, call_id=call.call_id, agent="1001", account_id=agent.id,
                           summary=f"คุยกับคุณ{NAME}", service="information", outcome="answered")
            )
        )  # fmt: skip
        await connection.execute(
            insert(caller_rules).values(
                values_for(caller_rules, id="r1", e164=NUMBER, kind="nuisance", treatment="last",
                           reason="โทรถี่", begun_by=agent.id, begun_us=now)
            )
        )  # fmt: skip
        body = json.dumps({"complainant_name": NAME, "complainant_number": NUMBER})
        await connection.execute(
            insert(drafts).values(
                values_for(drafts, account_id=agent.id, key=f"case:{call.call_id}", body=body)
            )
        )
    return Marked(who.id, call.call_id, case.ticket, ref, recording.id)
