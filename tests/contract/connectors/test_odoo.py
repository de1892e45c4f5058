"""The contract on a real Odoo 14, and what Odoo does that no other CRM does."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from crm_bridge.clock import SystemClock
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.mapping import Mapping as FieldMapping
from crm_bridge.connectors.mapping import load
from crm_bridge.connectors.odoo.connector import OdooConnector
from crm_bridge.connectors.odoo.notes import note_mark
from crm_bridge.connectors.odoo.records import KEY
from crm_bridge.connectors.port import (
    Connector,
    Denied,
    Gone,
    Kind,
    Ref,
    Rejected,
    Status,
    TicketDraft,
    Unsettled,
    Value,
)
from tests.contract.connectors.suite import (
    ContractSuite,
    Site,
    assert_says_nothing,
    contact_draft,
    new_key,
    new_number,
    note,
    ticket_draft,
)
from tests.support.crms.odoo import Odoo, odoo

MODELS = {Kind.CONTACT: "res.partner", Kind.TICKET: "crm.lead"}


def connector_of(crm: Odoo, mapping: FieldMapping, *, who: str = "hotline", key: str | None = None):
    """A connector to it as this user."""
    section = ConnectorSection(
        kind="odoo", url=crm.url, database=crm.database, username=who,
        token=key or crm.keys[who],
        timeout_seconds=60 if who == "setup" else 8,  # new fields have Odoo build its models anew
    )  # fmt: skip
    return OdooConnector("crm", section, mapping, clock=SystemClock())


class OdooSite(Site):
    """Odoo as its clerks see it: by the clerk's own login, in Thai."""

    mapping = load(None, "odoo")
    name_field = "name"

    def __init__(self, crm: Odoo) -> None:
        self.crm = crm
        self.address = crm.url

    async def call(self, model: str, method: str, *args: Any, who: str = "clerk", **kw: Any) -> Any:
        return await asyncio.to_thread(self.crm.call, model, method, *args, who=who, **kw)

    async def rows(self, model: str, domain: Sequence[Any], names: Sequence[str]) -> list[Any]:
        found = await self.call(
            model, "search_read", domain, names, context={"active_test": False}, order="id"
        )
        return list(found)

    async def connect(self, *, wrong_secret: bool = False) -> Connector:
        return connector_of(self.crm, self.mapping, key="0" * 40 if wrong_secret else None)

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        self.crm.stop()
        try:
            yield
        finally:
            self.crm.start()  # not in a thread: what a thread starts ends with the thread

    async def count(self, kind: Kind, key: str) -> int:
        if kind is Kind.NOTE:
            marked = await self.rows(
                "mail.message", [["message_id", "=like", "<hotline1203.%"]],
                ["message_id", "model", "res_id"],
            )  # fmt: skip
            marks = [note_mark(row["model"], row["res_id"], key) for row in marked]
            return sum(row["message_id"] == mark for row, mark in zip(marked, marks, strict=True))
        return len(await self.rows(MODELS[kind], [[KEY, "=", key]], ["id"]))

    async def fields(self, kind: Kind, record: str) -> Mapping[str, Value]:
        (row,) = await self.call(MODELS[kind], "read", [int(record)])
        return {
            name: value[0] if isinstance(value, list) and len(value) == 2 else value
            for name, value in row.items()
        }

    def kept(self, kind: Kind, fields: Mapping[str, Value]) -> Mapping[str, Value]:
        """Moments are kept in UTC without saying so; a name is one line."""
        kept = dict(fields)
        kept["name"] = " ".join(str(kept["name"]).split())
        for name, value in fields.items():
            if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value):
                kept[name] = value.replace("T", " ").removesuffix("Z")
        return kept

    async def make_contact(self, name: str, number: str) -> str:
        """As a clerk types it: 081-234 5678."""
        typed = f"0{number[3:5]}-{number[5:8]} {number[8:]}"
        return str(await self.call("res.partner", "create", {"name": name, "phone": typed}))

    async def contact_of(self, ticket: str) -> str | None:
        found = (await self.fields(Kind.TICKET, ticket))["partner_id"]
        return str(found) if found else None

    async def notes(self, ticket: str) -> Sequence[str]:
        domain = [["model", "=", "crm.lead"], ["res_id", "=", int(ticket)],
                  ["message_type", "=", "comment"]]  # fmt: skip
        return [plain(row["body"]) for row in await self.rows("mail.message", domain, ["body"])]

    async def status(self, ticket: str) -> str:
        (row,) = await self.call("crm.lead", "read", [int(ticket)], ["stage_id"])
        return str(row["stage_id"][1])

    async def change_status(self, ticket: str, native: str) -> None:
        (stage,) = await self.call("crm.stage", "search", [["name", "=", native]])
        await self.call("crm.lead", "write", [int(ticket)], {"stage_id": stage})

    async def stands(self, kind: Kind, record: str) -> bool:
        return bool(await self.call(MODELS[kind], "search", [["id", "=", int(record)]]))


def plain(body: str) -> str:
    """What a clerk reads of a message."""
    text = re.sub(r"<br\s*/?>", "\n", body)
    return html.unescape(re.sub(r"<[^>]+>", "", text)).replace("\xa0", " ")


@pytest.fixture(scope="module")
def crm() -> Iterator[Odoo]:
    with odoo() as running:

        async def set_up() -> None:
            connector = connector_of(running, OdooSite.mapping, who="setup")
            steps = await connector.setup()
            await connector.close()
            assert {step.state for step in steps} == {"made"}

        asyncio.run(set_up())
        yield running


class TestOdoo(ContractSuite):
    @pytest.fixture
    def site(self, crm: Odoo) -> Site:
        return OdooSite(crm)

    # --- what Odoo alone does -------------------------------------------------------------------

    async def test_four_writers_of_one_key_make_one_record(self, site, mapping):
        """Four connectors, as four processes would be: Odoo's external id keeps them apart."""
        four = [await site.connect() for _ in range(4)]
        drafts = [(Kind.CONTACT, contact_draft(mapping)), (Kind.TICKET, ticket_draft(mapping))]
        for kind, draft in drafts:
            acts = {Kind.CONTACT: "upsert_contact", Kind.TICKET: "upsert_ticket"}
            done = await asyncio.gather(
                *(getattr(one, acts[kind])(draft) for one in four), return_exceptions=True
            )
            refs = [one for one in done if isinstance(one, Ref)]
            assert refs
            assert all(isinstance(one, Ref | Unsettled) for one in done), done
            assert any(one.made for one in refs)
            assert len({one.id for one in refs}) == 1
            assert {(await getattr(one, acts[kind])(draft)).id for one in four} == {refs[0].id}
            assert await site.count(kind, draft.key) == 1
        for one in four:
            await one.close()

    async def test_an_archived_contact_is_brought_up_to_date_and_not_made_anew(
        self, site, connector, mapping
    ):
        draft = contact_draft(mapping, name="เก็บเข้าคลังแล้ว")
        ref = await connector.upsert_contact(draft)
        await site.call("res.partner", "write", [int(ref.id)], {"active": False})
        assert await connector.find_contacts(draft.numbers[0]) == []
        changed = contact_draft(mapping, key=draft.key, number=draft.numbers[0], name="ชื่อใหม่")
        for again in (changed, replace(changed, known=ref.id)):
            assert await connector.upsert_contact(again) == replace(ref, made=False)
        fields = await site.fields(Kind.CONTACT, ref.id)
        assert (fields["name"], fields["active"]) == ("ชื่อใหม่", False)
        assert await site.count(Kind.CONTACT, draft.key) == 1

    async def test_a_deleted_ticket_is_gone_and_then_made_anew(self, site, connector, mapping):
        draft = ticket_draft(mapping)
        first = await connector.upsert_ticket(draft)
        await site.call("crm.lead", "unlink", [int(first.id)])
        for known in (first.id, "0", "-1", "x"):
            with pytest.raises(Gone):
                await connector.upsert_ticket(replace(draft, known=known))
        second = await connector.upsert_ticket(draft)
        assert second.made
        assert second.id != first.id

    async def test_a_merged_contact_is_the_one_it_was_merged_into(self, site, connector, mapping):
        one, other = contact_draft(mapping, name="หนึ่ง"), contact_draft(mapping, name="สอง")
        gone, left = await connector.upsert_contact(one), await connector.upsert_contact(other)
        ids = [int(gone.id), int(left.id)]
        wizard = await site.call(
            "base.partner.merge.automatic.wizard", "create",
            {"partner_ids": [[6, 0, ids]], "dst_partner_id": ids[1], "state": "selection"},
            who="setup",
        )  # fmt: skip
        await site.call(
            "base.partner.merge.automatic.wizard", "action_merge", [wizard], who="setup"
        )
        with pytest.raises(Gone):
            await connector.upsert_contact(replace(one, known=gone.id))
        assert (await connector.upsert_contact(one)).id == left.id
        assert (await connector.upsert_contact(other)).id == left.id

    async def test_a_copy_that_an_officer_makes_is_not_ours(self, site, connector, mapping):
        draft = ticket_draft(mapping)
        ref = await connector.upsert_ticket(draft)
        copied = await site.call("crm.lead", "copy", int(ref.id))
        assert (await connector.upsert_ticket(draft)).id == ref.id
        assert await site.count(Kind.TICKET, draft.key) == 1
        with pytest.raises(Gone):
            await connector.set_status(str(copied), Status.OPEN)

    @pytest.mark.parametrize(
        "typed",
        ["081-234 5678", "+66 81 234 5678", "(081)2345678 ต่อ 5", "๐๘๑-๒๓๔-๕๖๗๘",
         "0066812345678", "02-547-5000-5, 0812345678", "66812345678"],
    )  # fmt: skip
    async def test_a_number_is_found_however_a_clerk_typed_it(self, site, connector, typed):
        theirs = await site.call("res.partner", "create", {"name": "คุณมาลี", "phone": typed})
        mobile = await site.call("res.partner", "create", {"name": "มือถือ", "mobile": typed})
        near = await site.call("res.partner", "create", {"name": "เลขอื่น", "phone": "0812345679"})
        long = await site.call(
            "res.partner", "create", {"name": "ยาวกว่า", "phone": "081-2345-6780"}
        )
        try:
            found = await connector.find_contacts("+66812345678")
            assert [contact.id for contact in found] == [str(mobile), str(theirs)]
            assert all("+66812345678" in contact.numbers for contact in found)
        finally:
            await site.call("res.partner", "unlink", [theirs, mobile, near, long])

    async def test_a_ticket_changes_nothing_of_its_contact(self, site, connector, mapping):
        """Odoo writes a lead's telephone and mail back to its contact."""
        number = new_number()
        theirs = await site.make_contact("เจ้าของเดิม", number)
        before = await site.fields(Kind.CONTACT, theirs)
        ref = await connector.upsert_ticket(replace(ticket_draft(mapping), contact=theirs))
        fields = await site.fields(Kind.TICKET, ref.id)
        assert (fields["partner_id"], fields["user_id"]) == (int(theirs), False)
        after = await site.fields(Kind.CONTACT, theirs)
        assert (after["phone"], after["email"], after["name"]) == (
            before["phone"], before["email"], "เจ้าของเดิม",
        )  # fmt: skip

    async def test_what_an_officer_did_with_the_ticket_stays(self, site, connector, mapping):
        draft = ticket_draft(mapping)
        ref = await connector.upsert_ticket(draft)
        clerk = (await site.call("res.users", "search", [["login", "=", "clerk"]]))[0]
        mine = {"user_id": clerk, "priority": "2"}
        await site.call("crm.lead", "write", [int(ref.id)], mine)
        await connector.upsert_ticket(ticket_and(draft, "name", "ชื่อใหม่"))
        fields = await site.fields(Kind.TICKET, ref.id)
        assert (fields["name"], fields["user_id"], fields["priority"]) == ("ชื่อใหม่", clerk, "2")

    async def test_a_lost_ticket_is_told_as_cancelled(self, site, connector, mapping):
        ref = await connector.upsert_ticket(replace(ticket_draft(mapping), status=Status.NEW))
        begun = await connector.changes(None)
        await site.call("crm.lead", "write", [int(ref.id)], {"active": False, "probability": 0})
        (item,) = (await connector.changes(begun.cursor)).items
        assert (item.id, item.status, item.by) == (ref.id, Status.CANCELLED, "Clerk")
        assert await connector.set_status(ref.id, Status.CLOSED) == mapping.native(Status.CLOSED)

    async def test_a_stage_of_theirs_is_told_by_its_name_in_any_language(
        self, site, connector, mapping
    ):
        """[status_back] may say “Proposition” of what officers see as “ข้อเสนอ”."""
        back = {**mapping._ours, "proposition": Status.WAITING}
        other = connector_of(site.crm, replace(mapping, _ours=back))
        ref = await connector.upsert_ticket(ticket_draft(mapping))
        begun = await other.changes(None)
        await site.call("crm.lead", "write", [int(ref.id)], {"stage_id": 3})
        (item,) = (await other.changes(begun.cursor)).items
        assert (item.id, item.native, item.status) == (ref.id, "ข้อเสนอ", Status.WAITING)
        (item,) = (await connector.changes(begun.cursor)).items
        assert (item.native, item.status) == ("ข้อเสนอ", None)
        await other.close()

    async def test_our_own_writes_are_no_news(self, connector, mapping):
        begun = await connector.changes(None)
        for _ in range(3):
            draft = ticket_draft(mapping)
            await connector.upsert_ticket(draft)
            await connector.upsert_ticket(ticket_and(draft, "name", "ใหม่"))
        assert (await connector.changes(begun.cursor)).items == ()

    async def test_changes_of_many_at_once_come_page_by_page(
        self, site, connector, mapping, monkeypatch
    ):
        """A clerk who moves a whole column: all of them in one second, as Odoo keeps moments."""
        monkeypatch.setattr("crm_bridge.connectors.odoo.changes.PAGE", 10)
        key, begun = new_key("call"), await connector.changes(None)
        made = await site.call(
            "crm.lead", "create", [{"name": f"{n}", KEY: f"{key}.{n}"} for n in range(25)],
            who="setup",
        )  # fmt: skip
        (stage,) = await site.call(
            "crm.stage", "search", [["name", "=", mapping.native(Status.RESOLVED)]]
        )
        await site.call("crm.lead", "write", made, {"stage_id": stage})
        cursor, pages, told = begun.cursor, 0, []
        while True:
            page = await connector.changes(cursor)
            told += [item.id for item in page.items]
            cursor, pages = page.cursor, pages + 1
            if not page.more:
                break
        assert sorted(told) == sorted(str(one) for one in made)
        assert pages == 3
        await site.call("crm.lead", "unlink", made)

    # --- rights and set-up ----------------------------------------------------------------------

    async def test_a_user_without_rights_is_told_which(self, crm, mapping):
        narrow = connector_of(crm, mapping, who="reader")
        assert (await narrow.health()).login == "reader"
        assert await narrow.find_contacts(new_number()) == []
        for act in (
            narrow.upsert_contact(contact_draft(mapping)),
            narrow.upsert_ticket(ticket_draft(mapping)),
        ):
            with pytest.raises(Denied) as caught:
                await act
            assert_says_nothing(caught.value)
            assert "on res.partner" in str(caught.value) or "on crm.lead" in str(caught.value)
            assert "docs/connectors/odoo.md" in caught.value.mend
        await narrow.close()

    async def test_a_ticket_that_the_user_may_not_see_is_not_made_twice(
        self, site, crm, connector, mapping
    ):
        """“Own documents only”: the ticket is there, and nobody's fault but a rule's."""
        draft = ticket_draft(mapping)
        ref = await connector.upsert_ticket(draft)
        clerk = (await site.call("res.users", "search", [["login", "=", "clerk"]]))[0]
        await site.call("crm.lead", "write", [int(ref.id)], {"user_id": clerk})
        own = connector_of(crm, mapping, who="own")
        with pytest.raises(Rejected) as caught:
            await own.upsert_ticket(draft)
        assert "All Documents" in caught.value.mend
        assert await site.count(Kind.TICKET, draft.key) == 1
        await own.close()

    async def test_a_user_without_an_address_is_to_be_given_one(self, site, connector, mapping):
        """Odoo takes no note from such a user: a fault of the set-up, of no entry."""
        ref = await connector.upsert_ticket(ticket_draft(mapping))
        (user,) = await site.rows("res.users", [["login", "=", "hotline"]], ["email"])
        await site.call("res.users", "write", [user["id"]], {"email": False}, who="setup")
        try:
            with pytest.raises(Denied) as caught:
                await connector.add_note(ref.id, note("the sender's email address"))
            assert "e-mail address" in caught.value.mend
        finally:
            address = {"email": user["email"]}
            await site.call("res.users", "write", [user["id"]], address, who="setup")
        assert await connector.add_note(ref.id, note())

    async def test_a_wrong_database_is_denied(self, crm, mapping):
        section = ConnectorSection(
            kind="odoo", url=crm.url, database="none_such", username="hotline", token="x" * 40
        )
        wrong = OdooConnector("crm", section, mapping, clock=SystemClock())
        with pytest.raises(Denied) as caught:
            await wrong.health()
        assert "database" in str(caught.value)
        await wrong.close()

    async def test_a_user_who_is_no_administrator_is_told_what_to_do_by_hand(self, crm, mapping):
        more = replace(
            mapping, setup=(*mapping.setup, replace(mapping.setup[0], name="x_hotline_more"))
        )
        narrow = connector_of(crm, more)
        steps = {step.what: step for step in await narrow.setup()}
        await narrow.close()
        lacking = steps.pop("res.partner.x_hotline_more")
        assert lacking.state == "by_hand"
        assert "x_hotline_more" in lacking.text[0]
        assert "x_hotline_more" in lacking.text[1]
        assert steps["crm.lead.x_hotline_key"].state == "there"
        assert not any("สร้าง" in one.text[0] or "make" in one.text[1] for one in steps.values())

    async def test_the_fields_stand_on_the_forms(self, site, connector, mapping):
        for model, name in (("crm.lead", "x_hotline_outcome"), ("res.partner", KEY)):
            form = await site.call(model, "fields_view_get", view_type="form")
            assert f'name="{name}"' in form["arch"]

    async def test_a_field_that_the_mapping_has_later_comes_to_the_form(self, site, crm, mapping):
        field = next(one for one in mapping.setup if one.of is Kind.TICKET)
        later = replace(field, name="x_hotline_later")
        admin = connector_of(crm, replace(mapping, setup=(*mapping.setup, later)), who="setup")
        for state in ("made", "there"):
            steps = {step.what: step.state for step in await admin.setup()}
            assert (steps["crm.lead (form)"], steps["res.partner (form)"]) == (state, "there")
        await admin.close()
        form = await site.call("crm.lead", "fields_view_get", view_type="form")
        for name in ("x_hotline_later", "x_hotline_outcome"):
            assert form["arch"].count(f'name="{name}"') == 1

    async def test_stages_are_known_in_any_language(self, site, connector, mapping):
        """A mapping may have the English name of a stage that officers see in Thai, or an id."""
        ref = await connector.upsert_ticket(ticket_draft(mapping))
        for native in ("Proposition", "ข้อเสนอ", "crm.stage_lead3", "3"):
            other = replace(mapping, _native={**mapping._native, Status.WAITING: native})
            named = connector_of(site.crm, other)
            await named.set_status(ref.id, Status.OPEN)
            assert await named.set_status(ref.id, Status.WAITING) == native
            fields = await site.fields(Kind.TICKET, ref.id)
            assert fields["stage_id"] == 3
            await named.close()


class TestOdooTasks:
    """Tickets as tasks of a project: another model, in which text is HTML."""

    @pytest.fixture
    async def site(self, crm: Odoo) -> OdooSite:
        return OdooSite(crm)

    async def test_the_whole_way(self, site):
        mapping = load(None, "odoo")
        mapping = replace(mapping, options={**mapping.options, "ticket_model": "project.task"})
        setup = connector_of(site.crm, mapping, who="setup")
        steps = await setup.setup()
        assert {step.state for step in steps} <= {"made", "there"}
        await setup.close()
        connector = connector_of(site.crm, mapping)
        text = "ร้าน <b>x</b> & ลูก\n  - สองเว้นวรรค"
        draft = ticket_and(ticket_draft(mapping), "description", text)
        ref = await connector.upsert_ticket(replace(draft, status=Status.NEW))
        assert ref.made
        row = (await site.call("project.task", "read", [int(ref.id)], who="setup"))[0]
        assert plain(row["description"]) == text
        assert row["project_id"][1] == "สายด่วน 1203"
        assert row["stage_id"][1] == mapping.native(Status.NEW)
        assert not row["user_id"]
        assert (await connector.upsert_ticket(draft)).id == ref.id
        begun = await connector.changes(None)
        for status in Status:
            assert await connector.set_status(ref.id, status) == mapping.native(status)
        await connector.add_note(ref.id, note(text))
        (stage,) = await site.call(
            "project.task.type", "search", [["name", "=", mapping.native(Status.OPEN)]], who="setup"
        )
        await site.call("project.task", "write", [int(ref.id)], {"stage_id": stage}, who="setup")
        (item,) = (await connector.changes(begun.cursor)).items
        assert (item.id, item.key, item.status) == (ref.id, draft.key, Status.OPEN)
        await connector.remove(Kind.TICKET, ref.id)
        assert not await site.call("project.task", "search", [["id", "=", int(ref.id)]])
        await connector.close()


def ticket_and(draft: TicketDraft, name: str, value: Value) -> TicketDraft:
    """The same draft with another field."""
    return replace(draft, fields={**draft.fields, name: value})
