"""Erasure on each database: nothing is left that no law keeps, and nothing else goes."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from sqlalchemy import insert, select, update

import crm_bridge.records.desk_tables  # noqa: F401  # every table is on the metadata
from crm_bridge.errors import Refused
from crm_bridge.people import merge, notes, persons, privacy
from crm_bridge.people.holds import RULES, load_rules
from crm_bridge.people.rooms import ROOMS
from crm_bridge.records.desk_tables.accounts import accounts
from crm_bridge.records.desk_tables.appointments import appointments
from crm_bridge.records.desk_tables.cases import (
    case_assignments,
    case_attachments,
    case_events,
    case_extensions,
    cases,
)
from crm_bridge.records.desk_tables.connectors import connector_links, connectors, outbox
from crm_bridge.records.desk_tables.messages import messages
from crm_bridge.records.desk_tables.people import privacy_acts
from crm_bridge.records.desk_tables.wrapups import drafts, wrapups
from crm_bridge.records.rows import snapshot
from crm_bridge.records.tables import metadata
from crm_bridge.records.writer import Writer, batch_of
from tests.support.people import ADMINISTRATOR, AGENT, SUPERVISOR, Held, person
from tests.support.records import SECOND, START, full_call, full_steps

NAME, PHONE, HOME = "พิสมัย รักไทย", "+66812345678", "+6653123456"
EMAIL = "pisamai@example.com"
YEAR = 365 * 86_400 * SECOND


def values_for(table, **given):
    """A row with every needed column filled by something plain of its kind."""
    plain = {"TEXT": "", "BIGINT": START, "INTEGER": 1, "BOOLEAN": False}
    row = {
        c.name: plain[str(c.type).partition(" ")[0].upper()]
        for c in table.c
        if not c.nullable and c.name not in given
    }
    return {**row, **given}


async def fill(database, who) -> None:
    call = full_call()
    call.caller_name = NAME
    writer = Writer(database, Held())
    await writer.commit(batch_of(calls=[snapshot(call, full_steps(call))]))
    await writer.close()
    theirs = {"person_id": who.id, "complainant_name": NAME, "complainant_number": PHONE}
    async with database.writing() as connection:
        await connection.execute(
            insert(accounts).values(values_for(accounts, id="a1", login="a", role="agent"))
        )
        for n, (state, closed) in enumerate(
            (("assigned", None), ("closed", START), ("closed", START - 11 * YEAR))
        ):
            await connection.execute(
                insert(cases).values(
                    values_for(
                        cases, id=f"c{n}", ticket=f"69-00000{n}-0", state=state, closed_us=closed,
                        facts=f"เรื่องของ {NAME}", settlement=f"คืนเงินให้ {NAME}",
                        respondent_contact=f"เพื่อนบ้านของ {NAME}", **theirs,
                    )
                )
            )  # fmt: skip
            of_case = {"case_id": f"c{n}", "agency": "dit"}
            await connection.execute(
                insert(case_assignments).values(
                    values_for(case_assignments, id=f"a{n}", instruction=f"ติดต่อ {NAME}",
                               answer=f"พบ {NAME} แล้ว", state="accepted", **of_case)
                )
            )  # fmt: skip
            await connection.execute(
                insert(case_extensions).values(
                    values_for(case_extensions, id=f"e{n}", assignment_id=f"a{n}", state="granted",
                               reason=f"รอ {NAME}", decision=f"ให้รอ {NAME}", **of_case)
                )
            )  # fmt: skip
            await connection.execute(
                insert(case_attachments).values(
                    values_for(case_attachments, id=f"f{n}", case_id=f"c{n}", stored=f"f{n}",
                               name=f"บัตร {NAME}.pdf")
                )
            )  # fmt: skip
            body = json.dumps({"said": NAME}, ensure_ascii=False)
            await connection.execute(
                insert(case_events).values(
                    values_for(case_events, case_id=f"c{n}", ordinal=0, body=body)
                )
            )
            await connection.execute(
                insert(messages).values(
                    values_for(messages, id=f"m{n}", seq=n, kind="sms", recipient=PHONE,
                               body=f"เรียน {NAME}", about_kind="case", about_id=f"c{n}",
                               dedupe=f"m{n}", state="waiting")
                )
            )  # fmt: skip
        for n, closed in enumerate((None, START - 2 * YEAR)):
            await connection.execute(
                insert(appointments).values(
                    values_for(appointments, id=f"p{n}", ref=f"P{n}", name=NAME, phone=PHONE,
                               person_id=who.id, topic=NAME, closed_us=closed, state="held")
                )
            )  # fmt: skip
            await connection.execute(
                insert(messages).values(
                    values_for(messages, id=f"o{n}", seq=10 + n, kind="email", subject="นัดหมาย",
                               recipient="officer@example.go.th", body=f"ผู้ขอรับบริการ: {NAME}",
                               calendar=NAME.encode(), about_kind="appointment", about_id=f"p{n}",
                               dedupe=f"o{n}", state="sent")
                )
            )  # fmt: skip
        for key in (f"case:{call.call_id}", f"appointment:{call.call_id}", f"appointment:{who.id}"):
            body = json.dumps({"name": NAME, "phone": PHONE})
            await connection.execute(
                insert(drafts).values(values_for(drafts, account_id="a1", key=key, body=body))
            )
        await connection.execute(
            insert(wrapups).values(
                values_for(wrapups, call_id=call.call_id, agent="1001", account_id="a1",
                           summary=f"คุยกับ {NAME}")
            )
        )  # fmt: skip
        await notes.add_note(connection, Held(), AGENT, who.id, f"{NAME} โทรกลับ")


async def everything(database) -> str:
    async with database.reading() as connection:
        return repr(
            {
                table.name: [tuple(r) for r in (await connection.execute(select(table))).all()]
                for table in metadata.sorted_tables
            }
        )


async def test_what_no_law_keeps_is_gone_and_what_it_keeps_is_named(database):
    who = await person(database, NAME, PHONE, HOME, email=EMAIL, notes=NAME, address=NAME)
    await fill(database, who)
    async with database.writing() as connection:
        act = await privacy.erase(connection, Held(), ADMINISTRATOR, who.id, "ยื่นคำขอด้วยตนเอง")
    held = {(h["room"], h["ref"], h["rule"]) for h in act.holds}
    assert held == {
        ("cases", "69-000000-0", "open_case"),
        ("cases", "69-000001-0", "closed_case"),
        ("appointments", "P0", "open_appointment"),
    }
    untils = {h["ref"]: h["until"] for h in act.holds}
    assert untils["69-000000-0"] is None
    assert untils["69-000001-0"].startswith("2036-11-23")
    assert dict(act.done) == {
        "cases": 1, "appointments": 1, "messages": 2, "connectors": 0, "call_backs": 0,
        "caller_rules": 0, "voices": 0, "calls": 1, "people": 1,
    }  # fmt: skip
    async with database.writing() as connection:  # what is kept by law, put aside
        await connection.execute(case_events.delete().where(case_events.c.case_id != "c2"))
        await connection.execute(cases.delete().where(cases.c.id != "c2"))
        await connection.execute(messages.delete().where(messages.c.about_id.not_in(("c2", "p1"))))
        for table in (case_extensions, case_assignments, case_attachments):
            await connection.execute(table.delete().where(table.c.case_id != "c2"))
        await connection.execute(appointments.delete().where(appointments.c.id == "p0"))
    left = await everything(database)
    said = ascii(NAME)[1:-1]  # as in a draft
    for secret in (NAME, "พิสมัย", PHONE, PHONE[3:], HOME, EMAIL, said, repr(NAME.encode())[2:-1]):
        assert secret not in left


async def test_what_is_kept_is_kept_whole(database):
    who = await person(database, NAME, PHONE, email=EMAIL)
    await fill(database, who)
    async with database.writing() as connection:
        await privacy.erase(connection, Held(), ADMINISTRATOR, who.id, "คำขอ")
        query = select(cases.c.id, cases.c.complainant_name, cases.c.complainant_number)
        rows = (await connection.execute(query.order_by(cases.c.id))).all()
        sent = select(messages.c.id, messages.c.recipient, messages.c.state).where(
            messages.c.about_kind == "case"
        )
        texts = (await connection.execute(sent.order_by(messages.c.id))).all()
    assert [tuple(r) for r in rows] == [
        ("c0", NAME, PHONE), ("c1", NAME, PHONE), ("c2", "", None)
    ]  # fmt: skip
    assert [tuple(r) for r in texts] == [
        ("m0", PHONE, "waiting"), ("m1", PHONE, "waiting"), ("m2", "", "withdrawn")
    ]  # fmt: skip


async def test_nobody_else_is_touched_and_a_shared_number_keeps_its_calls(database):
    who = await person(database, NAME, PHONE)
    other = await person(database, "วิภาดา แก้วมณี", PHONE, HOME)
    await fill(database, who)
    async with database.writing() as connection:
        await connection.execute(update(cases).values(person_id=other.id))
        await connection.execute(update(appointments).values(person_id=other.id))
        before = (await connection.execute(select(cases))).all()
        act = await privacy.erase(connection, Held(), ADMINISTRATOR, who.id, "คำขอ")
        assert (await connection.execute(select(cases))).all() == before
        found = await persons.match(connection, PHONE)
        contacts = await persons.last_contacts(connection, [PHONE], None, 5)
    assert [(h["rule"], h["ref"]) for h in act.holds] == [("shared_number", "…5678")]
    assert (found.level, found.persons[0].id, len(contacts)) == ("known", other.id, 1)
    assert act.done["calls"] == 0


async def test_those_merged_into_the_person_are_erased_with_it(database):
    one, two = await person(database, NAME, PHONE), await person(database, "พิศมัย", HOME)
    async with database.writing() as connection:
        made = await merge.merge(connection, Held(), AGENT, keep=one.id, other=two.id, why=NAME)
        act = await privacy.erase(connection, Held(), ADMINISTRATOR, two.id, "คำขอ")
        assert (act.person_id, act.done["people"]) == (one.id, 2)
        with pytest.raises(Refused) as refused:
            await merge.undo(connection, Held(), AGENT, made.id)
    assert refused.value.status == 410
    left = await everything(database)
    assert not [s for s in ("พิศมัย", NAME, HOME) if s in left]


async def test_a_copy_holds_every_room_and_gives_nobody_elses_calls_away(database):
    who = await person(database, NAME, PHONE, email=EMAIL)
    await fill(database, who)
    async with database.writing() as connection:
        act, packed = await privacy.export(connection, Held(), ADMINISTRATOR, who.id, "คำขอ")
    data = json.loads(zipfile.ZipFile(io.BytesIO(packed)).read("data.json"))
    assert {key: len(records) for key, records in data["rooms"].items()} == dict(act.done) == {
        "cases": 3, "appointments": 2, "messages": 3, "connectors": 0, "call_backs": 0,
        "caller_rules": 0, "voices": 0, "calls": 1, "people": 1,
    }  # fmt: skip
    assert data["rooms"]["calls"][0]["wrapups"][0]["summary"] == f"คุยกับ {NAME}"
    assert data["rooms"]["people"][0]["dated_notes"][0]["text"] == f"{NAME} โทรกลับ"
    await person(database, "วิภาดา แก้วมณี", PHONE)
    async with database.writing() as connection:
        act, packed = await privacy.export(connection, Held(), ADMINISTRATOR, who.id, "คำขอ")
    data = json.loads(zipfile.ZipFile(io.BytesIO(packed)).read("data.json"))
    assert data["rooms"]["calls"] == []
    assert [w["rule"] for w in data["withheld"]] == ["shared_number"]


async def elsewhere(database, who) -> None:
    """The person, the number, the call and the cases stand in another CRM; more waits to go."""
    call_id = full_call().call_id
    async with database.writing() as connection:
        await connection.execute(
            insert(connectors).values(values_for(connectors, name="odoo", kind="odoo", active=True))
        )
        for n, (key, kind, url) in enumerate(
            (
                (f"person:{who.id}", "contact", "https://crm.example/contact/7"),
                (f"number:{PHONE}", "contact", None),
                (f"call:{call_id}", "ticket", None),
                ("case:69-000000-0", "ticket", None),
                ("case:69-000002-0", "ticket", None),
                ("number:+66899999999", "contact", None),
            )
        ):
            await connection.execute(
                insert(connector_links).values(
                    values_for(connector_links, connector="odoo", key=key, kind=kind,
                               id=f"id{n}", url=url, theirs=False)
                )
            )  # fmt: skip
        lanes = (f"call:{call_id}", "case:c0", "case:c2", f"person:{who.id}", "call:other")
        for n, lane in enumerate(lanes):
            await connection.execute(
                insert(outbox).values(
                    values_for(outbox, seq=n + 1, connector="odoo", kind=lane.partition(":")[0],
                               subject=f"s{n}", lane=lane, state="waiting", behind="waiting",
                               contact=PHONE if lane != "call:other" else "+66899999999",
                               overrides=json.dumps({"ticket.name": NAME}, ensure_ascii=False))
                )
            )  # fmt: skip


async def test_who_erases_is_told_where_else_and_what_waits_names_nobody(database):
    who = await person(database, NAME, PHONE, email=EMAIL)
    await fill(database, who)
    await elsewhere(database, who)
    async with database.writing() as connection:
        _, packed = await privacy.export(connection, Held(), ADMINISTRATOR, who.id, "คำขอ")
        act = await privacy.erase(connection, Held(), ADMINISTRATOR, who.id, "คำขอ")
    rooms = json.loads(zipfile.ZipFile(io.BytesIO(packed)).read("data.json"))["rooms"]
    assert [r["id"] for r in rooms["connectors"]] == ["id0", "id1", "id2", "id3", "id4"]
    told = [h["ref"] for h in act.holds if h["rule"] == "elsewhere"]
    assert told == [
        "odoo: contact https://crm.example/contact/7", "odoo: contact id1",
        "odoo: ticket id2", "odoo: ticket id3", "odoo: ticket id4",
    ]  # fmt: skip
    assert act.done["connectors"] == 4
    async with database.reading() as connection:
        left = (await connection.execute(select(connector_links.c.id))).scalars().all()
        rows = (await connection.execute(select(outbox).order_by(outbox.c.seq))).all()
    assert sorted(left) == ["id3", "id5"]  # of the case that is kept, and of somebody else
    assert [(r.lane, r.contact, r.behind, bool(r.overrides)) for r in rows] == [
        (f"call:{full_call().call_id}", None, None, False),
        ("case:c0", PHONE, "waiting", True),
        ("case:c2", None, None, False),
        (f"person:{who.id}", None, None, False),
        ("call:other", "+66899999999", "waiting", True),
    ]


async def test_who_asks_and_who_acts(database):
    who = await person(database, NAME, PHONE)
    async with database.writing() as connection:
        with pytest.raises(Refused) as refused:
            await privacy.ask(connection, Held(), AGENT, who.id, "export", "x")
        assert refused.value.status == 403
        for act in (privacy.erase, privacy.export):
            with pytest.raises(Refused) as refused:
                await act(connection, Held(), SUPERVISOR, who.id, "x")
            assert refused.value.status == 403
        with pytest.raises(Refused):
            await privacy.erase(connection, Held(), ADMINISTRATOR, who.id, "  ")
        asked = await privacy.ask(connection, Held(), SUPERVISOR, who.id, "erasure", "โทรมาขอ")
        same = await privacy.ask(connection, Held(), SUPERVISOR, who.id, "erasure", "อีกครั้ง")
        assert same.id == asked.id
        with pytest.raises(Refused):  # an export does not answer a request for erasure
            await privacy.export(connection, Held(), ADMINISTRATOR, who.id, "", asked.id)
        done = await privacy.erase(connection, Held(), ADMINISTRATOR, who.id, "", asked.id)
        (row,) = (await connection.execute(select(privacy_acts))).all()
    assert (done.id, done.asked_by, done.done_by) == (asked.id, "s1", "d1")
    assert (row.state, row.why, row.asked_by) == ("done", "โทรมาขอ", "s1")


def test_each_rule_names_its_law_in_both_languages():
    rules = load_rules()
    assert set(rules) == set(RULES)
    for rule in rules.values():
        assert all((rule.th, rule.en, rule.law_th, rule.law_en))
    leap = 1_709_164_800_000_000  # 2024-02-29T00:00:00Z
    assert rules["closed_appointment"].until(leap) == 1_740_700_800_000_000  # 2025-02-28
    assert len({room.key for room in ROOMS}) == len(ROOMS)
    assert ROOMS[-1].key == "people"
