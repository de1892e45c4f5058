"""The contract suite on our own CRM, on both engines, and what its rules make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from crm_bridge.access import accounts
from crm_bridge.access.roles import Role
from crm_bridge.cases import complaints, directing, proceedings, timeline
from crm_bridge.cases.case import find
from crm_bridge.cases.workflow import OPEN, State
from crm_bridge.clock import SystemClock
from crm_bridge.connectors.mapping import load
from crm_bridge.connectors.port import Denied, Gone, Kind, Rejected, Status
from crm_bridge.delivery.case_path import path
from crm_bridge.delivery.embedded import EmbeddedConnector
from crm_bridge.errors import ConfigMistake
from crm_bridge.people import persons
from crm_bridge.people.names import plain
from crm_bridge.plain_text import plain_text
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.accounts import accounts as accounts_table
from crm_bridge.records.desk_tables.cases import cases
from crm_bridge.records.desk_tables.connectors import connector_links, connectors, outbox
from tests.contract.connectors.suite import ContractSuite, Site, contact_draft, note, ticket_draft
from tests.support.postgres import Cluster

Stop = Callable[[], AbstractContextManager[None]]


class EmbeddedSite(Site):
    """Looked into by the rooms' own functions and tables, under an officer's account."""

    name_field = "name"
    address = "https://1203.example/"

    def __init__(self, database: Database, stop: Stop) -> None:
        self.mapping = load(None, "embedded")
        self.database = database
        self.clock = SystemClock()
        self._stop = stop

    async def furnish(self) -> EmbeddedSite:
        async with self.database.writing() as connection:
            for login, role in (
                ("head", Role.SUPERVISOR), ("boss", Role.DIRECTOR), ("officer", Role.AGENT),
            ):  # fmt: skip
                made = await accounts.create(
                    connection, self.clock, login=login, role=role, name_th=login
                )
                setattr(self, login, made)
        return self

    async def connect(self, *, wrong_secret=False):
        return EmbeddedConnector(
            "embedded", self.database, self.clock, self.mapping,
            login="officer" if wrong_secret else "head", address="https://1203.example",
        )  # fmt: skip

    @asynccontextmanager
    async def stopped(self):
        await self.database.close()
        with self._stop():
            yield

    async def count(self, kind, key):
        column = cases.c.made_key if kind is Kind.TICKET else connector_links.c.key
        async with self.database.reading() as connection:
            query = select(func.count()).select_from(column.table).where(column == key)
            return await connection.scalar(query)

    async def fields(self, kind, record):
        async with self.database.reading() as connection:
            if kind is Kind.CONTACT:
                return asdict(await persons.get(connection, record))
            return asdict(await find(connection, self.officer, record))

    async def make_contact(self, name, number):
        async with self.database.writing() as connection:
            made = await persons.create(
                connection, self.clock, self.officer, fields={"name": name}, numbers=[number]
            )
        return made.id

    async def contact_of(self, ticket):
        return (await self.fields(Kind.TICKET, ticket))["person_id"]

    async def notes(self, ticket):
        async with self.database.reading() as connection:
            case = await find(connection, self.officer, ticket)
            entries = await timeline.read(connection, case.id, self.officer)
        return [e.body["text"] for e in entries if e.kind == "note"]

    async def status(self, ticket):
        return (await self.fields(Kind.TICKET, ticket))["state"].value

    async def change_status(self, ticket, native):
        async with self.database.writing() as connection:
            if native == "proposed":
                await proceedings.propose(connection, self.clock, self.officer, ticket)
            else:
                assert native == "settled"
                await directing.settle(connection, self.clock, self.boss, ticket, text="ยุติ")

    async def stands(self, kind, record):
        if kind is Kind.TICKET:
            return State(await self.status(record)) in OPEN
        async with self.database.reading() as connection:
            return (await persons.listed(connection, record)).erased_us is None

    def kept(self, kind, fields):
        """As an officer's typing is kept: no marks that act unseen, a name of 200 characters."""
        clean = {n: plain_text(v) if isinstance(v, str) else v for n, v in fields.items()}
        if kind is Kind.CONTACT and fields.get("name"):
            clean["name"] = plain(str(fields["name"]))[:200].strip()
        return clean


@pytest.fixture
def stop(database: Database, request: pytest.FixtureRequest) -> Stop:
    """How the database is taken away for a while: its file, or its name on the server."""

    @contextmanager
    def without_file() -> Iterator[None]:
        file = Path(database.url.database or "")
        away = file.with_name("away.db")
        file.rename(away)
        file.mkdir()
        try:
            yield
        finally:
            file.rmdir()
            away.rename(file)

    @contextmanager
    def without_name() -> Iterator[None]:
        server: Cluster = request.getfixturevalue("postgres")
        name = database.url.database
        server.sql(f"ALTER DATABASE {name} RENAME TO {name}_away")
        try:
            yield
        finally:
            server.sql(f"ALTER DATABASE {name}_away RENAME TO {name}")

    return without_file if database.sqlite else without_name


@pytest.fixture
async def site(database: Database, stop: Stop) -> EmbeddedSite:
    return await EmbeddedSite(database, stop).furnish()


class TestEmbedded(ContractSuite):
    @pytest.fixture
    async def site(self, database, stop):
        return await EmbeddedSite(database, stop).furnish()


# --- what its own rules make of it ----------------------------------------------------------------


def test_every_status_is_reached_by_the_workflows_acts_or_said_to_be_out_of_reach():
    ended = frozenset(State) - OPEN
    for start in State:
        for to in (State.RECORDED, State.PROPOSED, State.RETURNED, *ended):
            way = path(start, to)
            assert way is None or len(way) <= 3
            if to in ended and start in OPEN:
                assert way, f"{start} → {to}"
    assert path(State.RECORDED, State.CLOSED) == ("propose", "settle", "close")
    assert path(State.CLOSED, State.PROPOSED) == ("reopen",)
    assert path(State.CANCELLED, State.PROPOSED) == ("reopen", "propose")
    assert path(State.ASSIGNED, State.RETURNED) is None, "never settled in passing"
    assert path(State.PROPOSED, State.RECORDED) is None, "never cancelled in passing"


async def test_a_status_that_no_act_leads_to_is_rejected_with_what_can_be_done(site):
    connector = await site.connect()
    ref = await connector.upsert_ticket(ticket_draft(site.mapping))
    await connector.set_status(ref.id, Status.OPEN)
    with pytest.raises(Rejected, match="no act leads from proposed to recorded") as caught:
        await connector.set_status(ref.id, Status.NEW)
    assert "you can:" in caught.value.mend
    assert await site.status(ref.id) == "proposed"


async def test_a_settled_case_is_not_corrected_from_outside(site):
    connector = await site.connect()
    draft = ticket_draft(site.mapping)
    ref = await connector.upsert_ticket(draft)
    await connector.set_status(ref.id, Status.RESOLVED)
    with pytest.raises(Rejected, match="act-not-now"):
        await connector.upsert_ticket(replace(draft, fields={**draft.fields, "title": "อื่น"}))


async def test_what_it_writes_reaches_other_crms_once_and_never_itself(site):
    """The row of its own is inactive: what it writes is in the outbox of the other CRM alone."""
    async with site.database.writing() as connection:
        await connection.execute(
            insert(connectors).values(name="other", kind="rt", active=True, since_us=0)
        )
    connector = await site.connect()
    contact, ticket = contact_draft(site.mapping), ticket_draft(site.mapping)
    said = note("ข้อความ")
    for _ in range(3):
        person = await connector.upsert_contact(contact)
        case = await connector.upsert_ticket(replace(ticket, contact=person.id))
        await connector.add_note(case.id, said)
        await connector.set_status(case.id, Status.OPEN)
    async with site.database.reading() as connection:
        rows = (await connection.execute(select(outbox).order_by(outbox.c.seq))).all()
        own = select(connectors.c.active).where(connectors.c.name == "embedded")
        assert await connection.scalar(own) is False
    assert {row.connector for row in rows} == {"other"}
    kinds = [row.kind for row in rows]
    assert kinds == ["person", "case", "case", "case"], "made, recorded, noted, proposed"


async def test_agencies_do_not_read_who_complains_nor_what_was_noted(site):
    connector = await site.connect()
    person = await connector.upsert_contact(contact_draft(site.mapping, name="สมหมาย ใจดี"))
    ref = await connector.upsert_ticket(replace(ticket_draft(site.mapping), contact=person.id))
    await connector.add_note(ref.id, note("ความลับ"))
    async with site.database.writing() as connection:
        case = await find(connection, site.officer, ref.id)
        agency = await accounts.create(
            connection, site.clock, login="dit", role=Role.AGENCY_OFFICER, agency="dit",
            name_th="dit",
        )  # fmt: skip
        assert case.hidden_complainant
        assert case.complainant_name == "สมหมาย ใจดี"
        seen = await timeline.read(connection, case.id, agency)
        mine = await timeline.read(connection, case.id, site.officer)
    assert "note" not in [e.kind for e in seen]
    (noted,) = [e for e in mine if e.kind == "note"]
    assert noted.by_name == "สมหญิง แสงทอง"


async def test_a_removed_person_is_erased_and_calls_of_its_number_are_not(site):
    connector = await site.connect()
    draft = contact_draft(site.mapping)
    ref = await connector.upsert_contact(draft)
    await connector.remove(Kind.CONTACT, ref.id)
    with pytest.raises(Gone):
        await connector.upsert_contact(replace(draft, known=ref.id))
    again = await connector.upsert_contact(draft)
    assert again.made
    assert again.id != ref.id


async def test_a_person_of_the_house_is_only_parted_from_its_key(site):
    connector = await site.connect()
    draft = contact_draft(site.mapping)
    here = await site.make_contact("คนของเรา", draft.numbers[0])
    await connector.upsert_contact(replace(draft, known=here, theirs=True))
    await connector.remove(Kind.CONTACT, here)
    assert await site.stands(Kind.CONTACT, here)
    assert [c.key for c in await connector.find_contacts(draft.numbers[0])] == [None]


async def test_a_closed_account_may_not_act(site):
    connector = await site.connect()
    async with site.database.writing() as connection:
        await connection.execute(
            accounts_table.update().where(accounts_table.c.login == "head").values(active=False)
        )
    with pytest.raises(Denied):
        await connector.health()


async def test_a_mapping_with_words_that_are_no_states_is_a_mistake(site):
    with pytest.raises(ConfigMistake, match="no such state"):
        EmbeddedConnector("embedded", site.database, site.clock, load(None, "memory"), login="head")


async def test_changes_of_cases_that_officers_made_are_not_told(site):
    connector = await site.connect()
    begun = await connector.changes(None)
    async with site.database.writing() as connection:
        form = complaints.Complaint(title="เรื่อง", facts="ข้อเท็จจริง", identity="anonymous")
        case = await complaints.record(connection, site.clock, site.officer, form)
    await site.change_status(case.ticket, "proposed")
    assert (await connector.changes(begun.cursor)).items == ()
