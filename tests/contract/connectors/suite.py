"""What every connector does, tried on the real CRM behind it: one suite, one file a connector.

A vendor's file says how the CRM is looked into by another way than the connector (`Site`: its
database, its web pages, another of its interfaces) and begins a test class:

    class TestRoundup(ContractSuite):
        @pytest.fixture
        async def site(self, roundup_server) -> AsyncIterator[Site]: ...

What a CRM cannot do its connector's `Capabilities` say, and then `Unsupported` is demanded; nothing
is skipped.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from crm_bridge.connectors.facts import CallFacts, ContactFacts, Facts
from crm_bridge.connectors.mapping import Mapping as FieldMapping
from crm_bridge.connectors.port import (
    CallEvent,
    Connector,
    ConnectorError,
    ContactDraft,
    Denied,
    Gone,
    Kind,
    Moment,
    Note,
    Ref,
    Rejected,
    Status,
    StatusChange,
    Then,
    TicketDraft,
    Unreachable,
    Unsupported,
    Value,
)

AT = 1_795_000_000_000_000
"""When the calls of these tests were."""

HOSTILE_NAMES = (
    "นางสาวมาลี “วงศ์สวัสดิ์” (เจ้าของร้าน)",
    'O\'Connor "Jimmy" \\ ; DROP TABLE users; --',
    "<script>alert(1)</script> & <b>Co.</b> &amp;",
    "บรรทัดแรก\r\nBcc: everyone@example.com\r\nบรรทัดสาม",
    "นายสมชาย \u202eevil.exe\u202c \u200fใจดี",
    "ร้าน 🍜 ก๋วยเตี๋ยว 👩‍👩‍👧 %s {{ 7*7 }} ${x}",
    "ที่ปรึกษากฎหมาย " * 33,
)
"""Quotes, HTML, a header's break, marks that turn the direction, emoji, 500 characters."""

HOSTILE_TEXT = (
    "ผู้ร้องแจ้งว่า ร้านขายน้ำมันพืช 60 บาท ป้าย 45 บาท\n"
    "\n"
    '  - ซื้อเมื่อ <20 พ.ย.> & ขอ "ใบเสร็จ" แล้วไม่ให้\n'
    "<b>not bold</b> {{ x }} %d 'quoted' \\n https://example.com/?a=1&b=2\n"
    "# ไม่ใช่หัวข้อ 🍜"
)

_numbers = itertools.count(secrets.randbelow(80_000_000))


def new_number() -> str:
    """A mobile number (E.164) that no other test uses."""
    return f"+668{10_000_000 + next(_numbers) % 89_000_000:08d}"


def new_key(kind: str) -> str:
    """An external key that no other test uses."""
    return f"{kind}:{secrets.token_hex(8)}"


def seen(text: str) -> str:
    """What of a text a reader sees: without controls, marks of direction and spaces."""
    return "".join(c for c in text if unicodedata.category(c)[0] not in "CZ")


class Site(ABC):
    """A real CRM that runs, and ways into it besides the connector."""

    mapping: FieldMapping
    name_field: str
    """Its own name of the field that holds a contact's name."""
    address: str
    """How the addresses of its pages begin."""
    unknown_field = "x_no_such_field_1203"
    """A field that it does not have."""

    @abstractmethod
    async def connect(self, *, wrong_secret: bool = False) -> Connector:
        """A connector to it, with a time limit of a few seconds; the suite closes it."""

    @abstractmethod
    def stopped(self) -> AbstractAsyncContextManager[None]:
        """It does not run, or at least answers nobody, for as long as the block lasts."""

    @abstractmethod
    async def count(self, kind: Kind, key: str) -> int:
        """How many contacts, tickets or notes bear this external key."""

    @abstractmethod
    async def fields(self, kind: Kind, record: str) -> Mapping[str, Value]:
        """A record's fields by its own names, those that the mapping writes at least."""

    @abstractmethod
    async def make_contact(self, name: str, number: str) -> str:
        """One of its own people makes a contact (number in E.164); returns the id."""

    @abstractmethod
    async def contact_of(self, ticket: str) -> str | None:
        """The id of the contact whose ticket it is."""

    @abstractmethod
    async def notes(self, ticket: str) -> Sequence[str]:
        """What its people read on the ticket as plain text, the oldest first."""

    @abstractmethod
    async def status(self, ticket: str) -> str:
        """The ticket's status in its own word."""

    @abstractmethod
    async def change_status(self, ticket: str, native: str) -> None:
        """One of its own people brings the ticket there."""

    @abstractmethod
    async def stands(self, kind: Kind, record: str) -> bool:
        """Whether the record is there and in use: not deleted, archived or closed."""

    async def heard(self) -> Sequence[tuple[str, Moment]]:
        """Calls it was told of while they rang: (call id, moment)."""
        return ()

    def kept(self, kind: Kind, fields: Mapping[str, Value]) -> Mapping[str, Value]:
        """What stands there once these were written; differs only where a test file says why."""
        return fields

    def unknown_id(self, kind: Kind) -> str:
        """An id as it gives them, of a record that never was."""
        return "99999999"


class ContractSuite:
    """The tests; a subclass gives `site`."""

    @pytest.fixture
    def site(self) -> Site:
        raise NotImplementedError("a connector's test file says where its CRM is")

    @pytest.fixture
    async def connector(self, site: Site) -> AsyncIterator[Connector]:
        made = await site.connect()
        yield made
        await made.close()

    @pytest.fixture
    def mapping(self, site: Site) -> FieldMapping:
        return site.mapping

    # --- there, and let in ------------------------------------------------------------------------

    async def test_health_names_the_product(self, connector):
        health = await connector.health()
        assert health.product
        assert connector.name
        assert connector.kind

    async def test_wrong_secret_is_denied(self, site):
        wrong = await site.connect(wrong_secret=True)
        try:
            for act in acts(wrong, site):
                with pytest.raises(Denied) as caught:
                    await act
                assert_says_nothing(caught.value)
        finally:
            await wrong.close()

    async def test_a_stopped_crm_is_unreachable_and_back_it_is_asked_again(self, site, connector):
        await connector.health()  # a connection is kept that will be dead
        async with site.stopped():
            for act in acts(connector, site):
                began = time.monotonic()
                with pytest.raises(Unreachable) as caught:
                    await act
                assert time.monotonic() - began < 15
                assert caught.value.then is Then.RETRY
                assert_says_nothing(caught.value)
        assert await connector.health()

    # --- contacts ---------------------------------------------------------------------------------

    async def test_contact_twice_is_one_and_up_to_date(self, site, connector, mapping):
        if await no_contacts(connector):
            return
        draft = contact_draft(mapping, name="สมหมาย ใจดี")
        first = await connector.upsert_contact(draft)
        assert first.made
        assert await kept_as_sent(site, Kind.CONTACT, first, draft)
        changed = contact_draft(mapping, key=draft.key, number=draft.numbers[0], name="สมหมาย รักดี")
        second = await connector.upsert_contact(changed)
        assert (second.id, second.made) == (first.id, False)
        assert await site.count(Kind.CONTACT, draft.key) == 1
        assert await kept_as_sent(site, Kind.CONTACT, second, changed)
        third = await connector.upsert_contact(replace(draft, known=first.id))
        assert (third.id, third.made) == (first.id, False)
        assert await site.count(Kind.CONTACT, draft.key) == 1
        assert await kept_as_sent(site, Kind.CONTACT, third, draft)

    async def test_contact_is_found_by_its_number_and_no_other(self, connector, mapping):
        if await no_contacts(connector):
            return
        one, other = contact_draft(mapping, name="หนึ่ง"), contact_draft(mapping, name="สอง")
        ref = await connector.upsert_contact(one)
        await connector.upsert_contact(other)
        number = one.numbers[0]
        found = await connector.find_contacts(number)
        assert [(c.id, c.key) for c in found] == [(ref.id, one.key)]
        assert number in found[0].numbers
        assert found[0].name == "หนึ่ง"
        for wrong in (number[:-1], number + "0", "+66" + number[-4:], number[-9:], new_number()):
            assert not [c.id for c in await connector.find_contacts(wrong)], wrong[:3]

    async def test_hostile_names_are_kept_as_text(self, site, connector, mapping):
        if await no_contacts(connector):
            return
        for name in HOSTILE_NAMES:
            draft = contact_draft(mapping, name=name)
            ref = await connector.upsert_contact(draft)
            assert await kept_as_sent(site, Kind.CONTACT, ref, draft)
            (found,) = await connector.find_contacts(draft.numbers[0])
            kept = str(site.kept(Kind.CONTACT, draft.fields)[site.name_field])
            assert seen(found.name) == seen(kept)
            assert seen(name).startswith(seen(kept))
            assert seen(kept) == seen(name) or len(kept.encode()) >= 100, "cut short"

    async def test_a_contact_of_theirs_is_not_written_over(self, site, connector, mapping):
        if await no_contacts(connector):
            return
        number = new_number()
        theirs = await site.make_contact("ชื่อเดิมของเขา", number)
        (found,) = await connector.find_contacts(number)
        assert (found.id, found.key, found.name) == (theirs, None, "ชื่อเดิมของเขา")
        before = dict(await site.fields(Kind.CONTACT, theirs))
        draft = replace(
            contact_draft(mapping, number=number, name="ชื่อของเรา"), known=theirs, theirs=True
        )
        for again in (draft, draft, replace(draft, known=None)):
            ref = await connector.upsert_contact(again)
            assert (ref.id, ref.made) == (theirs, False)
        after = await site.fields(Kind.CONTACT, theirs)
        kept = site.kept(Kind.CONTACT, draft.fields)
        for name, value in kept.items():
            old = plainly(before.get(name))
            assert plainly(after.get(name)) == (plainly(value) if old is None else old), name
        assert after[site.name_field] == "ชื่อเดิมของเขา"
        assert await site.count(Kind.CONTACT, draft.key) == 1
        assert [c.key for c in await connector.find_contacts(number)] == [draft.key]

    async def test_several_contacts_have_a_number(self, site, connector, mapping):
        if await no_contacts(connector):
            return
        number = new_number()
        theirs = await site.make_contact("ผู้อื่นที่ใช้เบอร์เดียวกัน", number)
        ours = await connector.upsert_contact(contact_draft(mapping, number=number, name="ของเรา"))
        assert ours.id != theirs
        assert {c.id for c in await connector.find_contacts(number)} == {theirs, ours.id}

    async def test_an_unknown_contact_is_gone(self, site, connector, mapping):
        if await no_contacts(connector):
            return
        draft = replace(contact_draft(mapping), known=site.unknown_id(Kind.CONTACT))
        with pytest.raises(Gone) as caught:
            await connector.upsert_contact(draft)
        assert_says_nothing(caught.value)
        assert await site.count(Kind.CONTACT, draft.key) == 0

    # --- tickets ----------------------------------------------------------------------------------

    async def test_ticket_twice_is_one_with_its_contact(self, site, connector, mapping):
        contact = await contact_of(connector, mapping)
        draft = replace(ticket_draft(mapping), contact=contact, status=Status.NEW)
        first = await connector.upsert_ticket(draft)
        assert first.made
        assert await kept_as_sent(site, Kind.TICKET, first, draft)
        assert await site.contact_of(first.id) == contact
        assert await site.status(first.id) == mapping.native(Status.NEW)
        changed = replace(
            draft, fields=ticket_draft(mapping, key=draft.key, outcome="served").fields
        )
        second = await connector.upsert_ticket(changed)
        assert (second.id, second.made) == (first.id, False)
        assert await kept_as_sent(site, Kind.TICKET, second, changed)
        third = await connector.upsert_ticket(replace(draft, known=first.id))
        assert (third.id, third.made) == (first.id, False)
        assert await kept_as_sent(site, Kind.TICKET, third, draft)
        assert await site.contact_of(first.id) == contact
        assert await site.count(Kind.TICKET, draft.key) == 1

    async def test_ticket_without_a_contact(self, site, connector, mapping):
        """A caller who withheld the number is nobody there."""
        draft = ticket_draft(mapping, number=None)
        ref = await connector.upsert_ticket(draft)
        assert await kept_as_sent(site, Kind.TICKET, ref, draft)
        assert await site.contact_of(ref.id) is None

    async def test_two_at_once_make_one(self, site, connector, mapping):
        contact, ticket = contact_draft(mapping), ticket_draft(mapping)
        if connector.capabilities.contacts:
            made = await at_once(connector.upsert_contact, contact)
            assert {(await connector.upsert_contact(contact)).id} >= made
            assert await site.count(Kind.CONTACT, contact.key) == 1
        made = await at_once(connector.upsert_ticket, ticket)
        assert {(await connector.upsert_ticket(ticket)).id} >= made
        assert await site.count(Kind.TICKET, ticket.key) == 1

    async def test_a_field_it_does_not_have_is_rejected(self, site, connector, mapping):
        """Never dropped in silence: whoever wrote the mapping must hear of it."""
        draft = ticket_draft(mapping)
        odd = replace(draft, fields={**draft.fields, site.unknown_field: SECRET})
        with pytest.raises(Rejected) as caught:
            await connector.upsert_ticket(odd)
        assert caught.value.then is Then.GIVE_UP
        assert_says_nothing(caught.value)

    async def test_an_unknown_ticket_is_gone(self, site, connector, mapping):
        unknown = site.unknown_id(Kind.TICKET)
        draft = replace(ticket_draft(mapping), known=unknown)
        for act in (
            connector.upsert_ticket(draft),
            connector.add_note(unknown, note()),
            connector.set_status(unknown, Status.RESOLVED),
        ):
            with pytest.raises(Gone) as caught:
                await act
            assert caught.value.then is Then.GIVE_UP
            assert_says_nothing(caught.value)
        assert await site.count(Kind.TICKET, draft.key) == 0

    # --- notes ------------------------------------------------------------------------------------

    async def test_note_twice_is_one_and_they_keep_their_order(self, site, connector, mapping):
        ticket = (await connector.upsert_ticket(ticket_draft(mapping))).id
        said = [note(f"บันทึกที่ {n} ของเจ้าหน้าที่", at=AT + n * 1_000_000) for n in range(1, 6)]
        first = [await connector.add_note(ticket, one) for one in said]
        assert len(set(first)) == len(said)
        again = [await connector.add_note(ticket, one) for one in said]
        assert again == first
        for one in said:
            assert await site.count(Kind.NOTE, one.key) == 1
        read = [text for text in await site.notes(ticket) if "บันทึกที่" in text]
        assert len(read) == len(said)
        assert all(one.text in text for one, text in zip(said, read, strict=True))

    async def test_two_at_once_write_one_note(self, site, connector, mapping):
        ticket = (await connector.upsert_ticket(ticket_draft(mapping))).id
        one = note("พร้อมกันสองครั้ง")
        answers = await asyncio.gather(
            *(connector.add_note(ticket, one) for _ in range(2)), return_exceptions=True
        )
        assert_done_or_again(answers)
        await connector.add_note(ticket, one)
        assert await site.count(Kind.NOTE, one.key) == 1

    async def test_a_notes_text_is_intact(self, site, connector, mapping):
        ticket = (await connector.upsert_ticket(ticket_draft(mapping))).id
        await connector.add_note(ticket, note(HOSTILE_TEXT))
        read = "\n".join(await site.notes(ticket)).replace("\r\n", "\n")
        assert HOSTILE_TEXT in read

    # --- statuses ---------------------------------------------------------------------------------

    @pytest.mark.parametrize("status", list(Status))
    async def test_every_status_can_be_set(self, site, connector, mapping, status):
        ref = await connector.upsert_ticket(replace(ticket_draft(mapping), status=Status.NEW))
        for _ in range(2):  # to be there already is no error
            native = await connector.set_status(ref.id, status)
            assert native == mapping.native(status)
            assert await site.status(ref.id) == native
        ours = mapping.status(native)
        assert ours is not None
        assert mapping.native(ours) == native

    async def test_a_settled_ticket_keeps_its_status_and_is_opened_again(
        self, site, connector, mapping
    ):
        draft = replace(ticket_draft(mapping), status=Status.NEW)
        ref = await connector.upsert_ticket(draft)
        await connector.set_status(ref.id, Status.RESOLVED)
        await connector.upsert_ticket(draft)
        assert await site.status(ref.id) == mapping.native(Status.RESOLVED)
        await connector.set_status(ref.id, Status.OPEN)
        assert await site.status(ref.id) == mapping.native(Status.OPEN)

    async def test_changes_by_others_are_seen_once(self, site, connector, mapping):
        if not connector.capabilities.changes:
            with pytest.raises(Unsupported):
                await connector.changes(None)
            return
        one, other = ticket_draft(mapping), ticket_draft(mapping)
        first = await connector.upsert_ticket(replace(one, status=Status.NEW))
        second = await connector.upsert_ticket(replace(other, status=Status.NEW))
        begun = await connector.changes(None)
        assert begun.items == ()
        open_, resolved = mapping.native(Status.OPEN), mapping.native(Status.RESOLVED)
        await site.change_status(first.id, open_)
        items, cursor = await all_changes(connector, begun.cursor)
        mine = [c for c in items if c.key in {one.key, other.key}]
        assert [(c.id, c.key, c.native) for c in mine] == [(first.id, one.key, open_)]
        assert mine[0].status is not None
        assert mapping.native(mine[0].status) == open_
        assert mine[0].at > 0
        items, cursor = await all_changes(connector, cursor)
        assert not [c for c in items if c.key in {one.key, other.key}]
        await site.change_status(first.id, resolved)
        await site.change_status(second.id, open_)
        items, cursor = await all_changes(connector, cursor)
        last = {c.key: c.native for c in items if c.key in {one.key, other.key}}
        assert last == {one.key: resolved, other.key: open_}
        items, _ = await all_changes(connector, cursor)
        assert not [c for c in items if c.key in {one.key, other.key}]

    # --- pages, calls, set-up, removal ------------------------------------------------------------

    async def test_records_have_addresses(self, site, connector, mapping):
        ticket = await connector.upsert_ticket(ticket_draft(mapping))
        refs = [(Kind.TICKET, ticket)]
        if connector.capabilities.contacts:
            refs.append((Kind.CONTACT, await connector.upsert_contact(contact_draft(mapping))))
        for kind, ref in refs:
            url = connector.record_url(kind, ref.id)
            assert url == ref.url
            assert url is None or url.startswith(site.address)
            assert (url is None) == (site.address == "")

    async def test_an_id_with_odd_characters_stays_inside_the_address(self, site, connector):
        url = connector.record_url(Kind.TICKET, "1/../../x?y=1#\"'<z>")
        assert url is None or (
            url.startswith(site.address) and not set("\"'<> ") & set(url) and "/../" not in url
        )

    async def test_call_events(self, site, connector):
        number = new_number()
        events = [
            CallEvent(
                moment, f"lab1-{secrets.token_hex(6)}", AT, "inbound", number, "สมหมาย ใจดี", "1203",
                agent="1001", queue="information", service="information",
                outcome="served" if moment is Moment.ENDED else None,
            )
            for moment in Moment
        ]  # fmt: skip
        if not connector.capabilities.call_events:
            with pytest.raises(Unsupported):
                await connector.call_event(events[0])
            return
        for event in (*events, events[-1]):
            await connector.call_event(event)
        heard = await site.heard()
        for event in events:
            assert (event.call_id, event.moment) in heard

    async def test_setup_twice_makes_nothing_more(self, connector):
        if not connector.capabilities.setup:
            with pytest.raises(Unsupported):
                await connector.setup()
            return
        first = await connector.setup()
        assert first
        again = await connector.setup()
        assert [step.what for step in again] == [step.what for step in first]
        assert {step.state for step in again} <= {"there", "by_hand"}
        assert all(step.text != ("", "") for step in again if step.state == "by_hand")

    async def test_what_was_made_can_be_removed(self, site, connector, mapping):
        ticket = await connector.upsert_ticket(ticket_draft(mapping))
        await connector.add_note(ticket.id, note())
        if connector.capabilities.contacts:
            draft = contact_draft(mapping)
            contact = await connector.upsert_contact(draft)
            assert await site.stands(Kind.CONTACT, contact.id)
            for _ in range(2):
                await connector.remove(Kind.CONTACT, contact.id)
            assert not await site.stands(Kind.CONTACT, contact.id)
            assert not await connector.find_contacts(draft.numbers[0])
        assert await site.stands(Kind.TICKET, ticket.id)
        for _ in range(2):
            await connector.remove(Kind.TICKET, ticket.id)
        assert not await site.stands(Kind.TICKET, ticket.id)
        await connector.remove(Kind.TICKET, site.unknown_id(Kind.TICKET))


# --- what the tests are made of -------------------------------------------------------------------

SECRET = "ลับเฉพาะ-Zebra-7719"
"""Something of a caller that stands nowhere else."""


def facts_of(number: str | None, *, key: str, name: str = SECRET) -> ContactFacts:
    return ContactFacts(
        key=key, number=number, numbers=(number,) if number else (), name=name,
        email=f"{key.replace(':', '.')}@example.com", province="กระบี่",
        address="12/3 หมู่ 4\nตำบลไสไทย อำเภอเมือง", language="th",
        link=f"https://1203.example/people/{key}",
    )  # fmt: skip


def contact_draft(
    mapping: FieldMapping,
    *,
    key: str | None = None,
    number: str | None = None,
    name: str = SECRET,
) -> ContactDraft:
    """A contact as the mapping makes it of somebody who calls."""
    number, key = number or new_number(), key or new_key("person")
    fields = mapping.contact(Facts(contact=facts_of(number, key=key, name=name)))
    return ContactDraft(key, (number,), fields)


_ANY = object()


def ticket_draft(
    mapping: FieldMapping,
    *,
    key: str | None = None,
    number: str | object | None = _ANY,
    outcome: str = "abandoned_queue",
) -> TicketDraft:
    """A call as the mapping makes a ticket of it."""
    call_id = (key or new_key("call")).removeprefix("call:")
    caller = new_number() if number is _ANY else None
    contact = facts_of(caller, key=f"number:{caller}") if caller else None
    call = CallFacts(
        key=f"call:{call_id}", call_id=call_id, revision=7, direction="inbound", dialled="1203",
        number=caller, presented="0" + caller[3:] if caller else None,
        name=SECRET if caller else None, withheld=caller is None, entered_at=AT,
        answered_at=AT + 1_000_000, ended_at=AT + 300_000_000, ended_by="caller", outcome=outcome,
        outcome_name=("วางสายขณะรอ", "Abandoned in the queue")
        if outcome == "abandoned_queue"
        else ("ให้บริการแล้ว", "Served"),
        service="information", service_name=("สอบถามข้อมูล", "Information"), language="th",
        queue="information", agents=("1001",), officers=("สมหญิง แสงทอง",), wait_seconds=12.5,
        talk_seconds=240.0, total_seconds=300.0, menu="2",
        link=f"https://1203.example/calls/{call_id}",
    )  # fmt: skip
    fields = mapping.call(Facts(contact=contact, call=call))
    return TicketDraft(call.key, fields)


def note(text: str = SECRET, *, at: int = AT) -> Note:
    return Note(f"wrapup:lab1-{secrets.token_hex(6)}/1001/1", text, at, "สมหญิง แสงทอง")


async def contact_of(connector: Connector, mapping: FieldMapping) -> str | None:
    """The id of a new contact, where the CRM has contacts."""
    if not connector.capabilities.contacts:
        return None
    return (await connector.upsert_contact(contact_draft(mapping))).id


async def no_contacts(connector: Connector) -> bool:
    """Whether the CRM has no contacts; then it says so to whoever asks."""
    if connector.capabilities.contacts:
        return False
    with pytest.raises(Unsupported):
        await connector.find_contacts(new_number())
    with pytest.raises(Unsupported):
        await connector.upsert_contact(ContactDraft(new_key("person"), (new_number(),)))
    return True


def acts(connector: Connector, site: Site):
    """One of each kind of request, with a caller's data in it; one after the other."""
    mapping, number = site.mapping, new_number()
    yield connector.health()
    if connector.capabilities.contacts:
        yield connector.find_contacts(number)
        yield connector.upsert_contact(contact_draft(mapping, number=number))
    yield connector.upsert_ticket(ticket_draft(mapping))
    yield connector.add_note(site.unknown_id(Kind.TICKET), note())
    yield connector.set_status(site.unknown_id(Kind.TICKET), Status.RESOLVED)
    if connector.capabilities.changes:
        yield connector.changes(None)


async def kept_as_sent(site: Site, kind: Kind, ref: Ref, draft: ContactDraft | TicketDraft) -> bool:
    """Whether each field stands there as it was sent."""
    found = await site.fields(kind, ref.id)
    wanted = {name: plainly(value) for name, value in site.kept(kind, draft.fields).items()}
    assert {name: plainly(found.get(name)) for name in wanted} == wanted
    return True


def plainly(value: Value) -> Value:
    """The value without what no CRM tells apart: empty or nothing, one form of break or another."""
    if isinstance(value, str):
        value = value.replace("\r\n", "\n").strip()
    return None if value in ("", False) else value


async def at_once(act, draft) -> set[str]:
    """The ids that two requests at the same moment gave."""
    answers = await asyncio.gather(act(draft), act(draft), return_exceptions=True)
    assert_done_or_again(answers)
    return {answer.id for answer in answers if isinstance(answer, Ref)}


def assert_done_or_again(answers: Sequence[object]) -> None:
    """Each was done, or is to be tried again."""
    for answer in answers:
        if isinstance(answer, ConnectorError):
            assert answer.then is Then.RETRY
        elif isinstance(answer, BaseException):
            raise answer


async def all_changes(connector: Connector, cursor: str) -> tuple[list[StatusChange], str]:
    """Everything since the cursor, and where to go on."""
    items: list[StatusChange] = []
    while True:
        found = await connector.changes(cursor)
        items += found.items
        cursor = found.cursor
        if not found.more:
            return items, cursor


def assert_says_nothing(error: ConnectorError) -> None:
    """The error's text holds nothing of a caller."""
    text = str(error)
    for part in (*SECRET.split("-"), "+668", "สมหญิง", "กระบี่", "ไสไทย", "@example.com"):
        assert part not in text, "the error speaks of the caller"
