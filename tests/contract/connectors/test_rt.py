"""The contract suite on a real Request Tracker 5, and what RT alone does."""

from __future__ import annotations

import asyncio
import base64
import itertools
import quopri
import sqlite3
import time
from collections.abc import Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace

import httpx
import pytest

from crm_bridge.clock import SystemClock
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.mapping import load
from crm_bridge.connectors.port import (
    Denied,
    Gone,
    Kind,
    Rejected,
    Status,
    Unreachable,
)
from crm_bridge.connectors.registry import make
from crm_bridge.connectors.rt.fields import cut
from crm_bridge.plain_text import plain_line, plain_text
from tests.contract.connectors.suite import (
    ContractSuite,
    Site,
    all_changes,
    assert_done_or_again,
    contact_draft,
    new_key,
    new_number,
    note,
    ticket_draft,
)
from tests.support.crms.rt import LOGIN, QUEUE, RtServer, rt_server
from tests.support.ports import NO_TLS

pytestmark = pytest.mark.timeout(300)  # the first run of a machine makes the root

_CUSTOM = """
    SELECT cf.Name, v.Content, v.LargeContent FROM ObjectCustomFieldValues v
    JOIN CustomFields cf ON cf.id = v.CustomField
    WHERE v.ObjectType = ? AND v.ObjectId = ? AND v.Disabled = 0
"""
_COUNT = {
    Kind.CONTACT: """
        SELECT count(DISTINCT u.id) FROM Users u JOIN Principals p ON p.id = u.id
        JOIN ObjectCustomFieldValues v ON v.ObjectType = 'RT::User' AND v.ObjectId = u.id
        JOIN CustomFields cf ON cf.id = v.CustomField AND cf.Name = 'Hotline Key'
        WHERE p.Disabled = 0 AND v.Disabled = 0 AND v.Content = ?
    """,
    Kind.TICKET: """
        SELECT count(DISTINCT t.id) FROM Tickets t
        JOIN ObjectCustomFieldValues v ON v.ObjectType = 'RT::Ticket' AND v.ObjectId = t.id
        JOIN CustomFields cf ON cf.id = v.CustomField AND cf.Name = 'Hotline Key'
        WHERE t.EffectiveId = t.id AND t.Status <> 'deleted' AND v.Disabled = 0 AND v.Content = ?
    """,
    Kind.NOTE: """
        SELECT count(*) FROM Attachments a JOIN Transactions t ON t.id = a.TransactionId
        WHERE t.Type = 'Comment' AND instr(a.Subject, '[' || ? || ']')
    """,
}
_TEXTS = """
    SELECT t.Type, a.Content, a.ContentEncoding
    FROM Transactions t JOIN Attachments a ON a.TransactionId = t.id
    WHERE t.ObjectType = 'RT::Ticket' AND t.ObjectId = ? AND a.ContentType = 'text/plain'
    ORDER BY t.id
"""


def _text(content, encoding):
    raw = content.encode() if isinstance(content, str) else content
    if encoding == "quoted-printable":
        raw = quopri.decodestring(raw)
    elif encoding == "base64":
        raw = base64.b64decode(raw)
    return raw.decode()


_names = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with rt_server(tmp_path_factory.mktemp("rt")) as running:
        yield running


class RtSite(Site):
    """Looked into by its database, and as its administrator over REST."""

    name_field = "RealName"

    def __init__(self, server: RtServer) -> None:
        self.server = server
        self.address = server.url
        self.mapping = load(None, "rt")

    async def connect(self, *, wrong_secret=False, token="", mapping=None, transport=None):
        right = token or self.server.token
        section = ConnectorSection(
            kind="rt",
            url=self.server.url,
            token=right[:-4] + "0000" if wrong_secret else right,
            timeout_seconds=8,
            mapping=mapping,
        )
        return make("office", section, clock=SystemClock(), transport=transport)

    @asynccontextmanager
    async def stopped(self):
        self.server.stop()
        try:
            yield
        finally:
            self.server.start()  # not in a thread: what a thread starts ends with the thread

    def sql(self, query, *values):
        """Rows of RT's database."""
        path = f"file:{self.server.database}?mode=ro"
        with closing(sqlite3.connect(path, uri=True, timeout=20)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query, values)]

    async def ask(self, method, path, body=None, *, token=None):
        """A request of RT's administrator, or whoever's token it is: status and answer."""
        headers = {"Authorization": f"token {token or self.server.admin_token}"}
        url = f"{self.server.url}/REST/2.0/{path}"
        async with httpx.AsyncClient(trust_env=False, timeout=20, verify=NO_TLS) as client:
            answer = await client.request(method, url, json=body, headers=headers)
        return answer.status_code, answer.json() if answer.content else None

    async def made(self, path, body):
        """The number of what the administrator makes."""
        status, answer = await self.ask("POST", path, body)
        assert status == 201, answer
        name = answer["id"]
        return str((await self.ask("GET", f"{path}/{name}"))[1]["id"])

    async def count(self, kind, key):
        return next(iter(self.sql(_COUNT[kind], key)[0].values()))

    async def fields(self, kind, record):
        table, of = ("Users", "RT::User") if kind is Kind.CONTACT else ("Tickets", "RT::Ticket")
        (found,) = self.sql(f"SELECT * FROM {table} WHERE id = ?", record)
        for row in self.sql(_CUSTOM, of, record):
            found[f"CF.{{{row['Name']}}}"] = row["Content"] or row["LargeContent"]
        if kind is Kind.TICKET:
            found["Content"] = next(iter(self.texts(record, "Create")), None)
        return found

    def texts(self, ticket, of):
        """The texts of a ticket's transactions of this type, the oldest first."""
        rows = [row for row in self.sql(_TEXTS, ticket) if row["Type"] == of]
        return [_text(row["Content"], row["ContentEncoding"]) for row in rows]

    async def make_contact(self, name, number):
        body = {
            "Name": f"officer-made-{next(_names)}",
            "RealName": name,
            "CustomFields": {"Hotline Phone": f"tel:{number}"},
        }
        return await self.made("user", body)

    async def contact_of(self, ticket):
        rows = self.sql(
            "SELECT m.MemberId FROM Groups g JOIN GroupMembers m ON m.GroupId = g.id "
            "WHERE g.Domain = 'RT::Ticket-Role' AND g.Name = 'Requestor' AND g.Instance = ?",
            ticket,
        )
        assert len(rows) < 2
        return str(rows[0]["MemberId"]) if rows else None

    async def notes(self, ticket):
        return self.texts(ticket, "Comment")

    async def status(self, ticket):
        return self.sql("SELECT Status FROM Tickets WHERE id = ?", ticket)[0]["Status"]

    async def change_status(self, ticket, native):
        await self.ask("PUT", f"ticket/{ticket}", {"Status": native})
        assert await self.status(ticket) == native

    async def stands(self, kind, record):
        if kind is Kind.TICKET:
            return await self.status(record) != "deleted"
        (row,) = self.sql("SELECT Disabled FROM Principals WHERE id = ?", record)
        return not row["Disabled"]

    def kept(self, kind, fields):
        """RT keeps so many bytes of a name and a subject, on one line; marks of direction go."""
        limits = {"RealName": 120, "Subject": 200}
        return {
            name: cut(plain_line(value), limits[name])
            if name in limits
            else plain_text(value)
            if isinstance(value, str)
            else value
            for name, value in fields.items()
        }


class TestRt(ContractSuite):
    @pytest.fixture
    def site(self, server):
        return RtSite(server)


# --- what RT alone does ---------------------------------------------------------------------------


class Line(httpx.AsyncBaseTransport):
    """The network to RT; `after` may lose the answer to a request that took effect."""

    def __init__(self) -> None:
        self._real = httpx.AsyncHTTPTransport()
        self.asked: list[str] = []
        self.after: Callable[[httpx.Request], None] | None = None

    async def handle_async_request(self, request):
        self.asked.append(f"{request.method} {request.url.path}")
        answer = await self._real.handle_async_request(request)
        if self.after:
            await answer.aread()
            self.after(request)
        return answer

    async def aclose(self):
        await self._real.aclose()


@pytest.fixture
def site(server):
    return RtSite(server)


@pytest.fixture
def line():
    return Line()


@pytest.fixture
async def connector(site, line):
    made = await site.connect(transport=line)
    yield made
    await made.close()


@pytest.fixture
def other_mapping(site, tmp_path):
    """A mapping file with something of the connector's own replaced."""

    def write(old, new):
        text = site.mapping.path.read_text("utf-8")
        assert old in text
        path = tmp_path / "mapping.toml"
        path.write_text(text.replace(old, new), "utf-8")
        return path

    return write


async def test_health_says_version_and_login(connector):
    health = await connector.health()
    assert health.product.startswith("Request Tracker 5.")
    assert health.login == LOGIN


async def test_a_custom_field_it_lacks_gets_201_and_is_lost_and_we_refuse_it(site, connector):
    body = {"Queue": QUEUE, "Subject": "x", "CustomFields": {"Nowhere": "lost"}}
    status, answer = await site.ask("POST", "ticket", body, token=site.server.token)
    assert status == 201
    assert "CF.{Nowhere}" not in await site.fields(Kind.TICKET, answer["id"])

    draft = ticket_draft(site.mapping)
    odd = replace(draft, fields={**draft.fields, "CF.{Nowhere}": "lost"})
    with pytest.raises(Rejected, match="Nowhere"):
        await connector.upsert_ticket(odd)
    assert await site.count(Kind.TICKET, draft.key) == 0
    ref = await connector.upsert_ticket(draft)
    with pytest.raises(Rejected, match="Nowhere"):
        await connector.upsert_ticket(replace(odd, known=ref.id))
    person = contact_draft(site.mapping)
    with pytest.raises(Rejected, match="Nowhere"):
        await connector.upsert_contact(
            replace(person, fields={**person.fields, "CF.{Nowhere}": "lost"})
        )


async def test_a_status_it_lacks_gets_200_with_an_error_and_we_reject_it(site, other_mapping):
    mapping = other_mapping('waiting = "stalled"', 'waiting = "on hold"')
    connector = await site.connect(mapping=mapping)
    ref = await connector.upsert_ticket(replace(ticket_draft(site.mapping), status=Status.NEW))
    status, answer = await site.ask("PUT", f"ticket/{ref.id}", {"Status": "on hold"})
    assert status == 200
    assert "isn't a valid status" in answer[0]
    with pytest.raises(Rejected, match="still new"):
        await connector.set_status(ref.id, Status.WAITING)
    assert await site.status(ref.id) == "new"
    await connector.close()


async def test_a_filter_it_ignores_returns_everybody_and_we_find_nobody(site, connector):
    number = new_number()
    _, answer = await site.ask("POST", "users", [{"field": "MobilePhone", "value": number}])
    assert answer["total"] > 2, "RT ignores the filter"
    assert await connector.find_contacts(number) == []


async def test_a_missing_field_for_numbers_stops_everything(site, other_mapping):
    mapping = other_mapping('phone_field = "Hotline Phone"', 'phone_field = "Telephones"')
    connector = await site.connect(mapping=mapping)
    with pytest.raises(Denied, match="Telephones"):
        await connector.find_contacts(new_number())
    with pytest.raises(Denied, match="Telephones"):
        await connector.upsert_contact(contact_draft(site.mapping))
    await connector.close()


async def test_a_missing_field_for_the_key_stops_everything_before_a_ticket_is_made(
    site, other_mapping
):
    before = site.sql("SELECT count(*) AS n FROM Tickets")
    mapping = other_mapping('key_field = "Hotline Key"', 'key_field = "Our Key"')
    connector = await site.connect(mapping=mapping)
    with pytest.raises(Denied, match="Our Key"):
        await connector.upsert_ticket(ticket_draft(site.mapping))
    assert site.sql("SELECT count(*) AS n FROM Tickets") == before
    await connector.close()


async def test_a_login_that_may_not_write_the_key_leaves_nothing_behind(site):
    """Its tickets would never be found again: each further try would make one more."""
    name = f"half-{next(_names)}"
    await site.made("user", {"Name": name, "Privileged": 1})
    token = await asyncio.to_thread(
        site.server.perl,
        f"""
        use lib '/usr/share/request-tracker5/lib'; use RT; RT::LoadConfig(); RT::Init();
        my $user = RT::User->new(RT->SystemUser); $user->Load('{name}');
        my $queue = RT::Queue->new(RT->SystemUser); $queue->Load('{QUEUE}');
        $user->PrincipalObj->GrantRight(Right => $_, Object => $queue)
            for qw(SeeQueue ShowTicket CreateTicket ModifyTicket DeleteTicket SeeCustomField);
        my $token = RT::AuthToken->new(RT->SystemUser);
        my ($ok, $said, $text) = $token->Create(Owner => $user->Id, Description => 'half');
        print $text;
        """,
    )
    connector = await site.connect(token=token)
    last = site.sql("SELECT max(id) AS n FROM Tickets")[0]["n"] or 0
    with pytest.raises(Denied, match="ModifyCustomField"):
        await connector.upsert_ticket(ticket_draft(site.mapping))
    made = site.sql("SELECT Status FROM Tickets WHERE id > ?", last)
    assert [row["Status"] for row in made] == ["deleted"]
    await connector.close()


async def test_a_creation_whose_answer_is_lost_is_found_and_not_made_again(site, connector, line):
    def lose(request):
        if request.method == "POST" and request.url.path.endswith(("/user", "/ticket", "/comment")):
            line.after = None
            raise httpx.ReadTimeout("lost", request=request)

    contact, ticket = contact_draft(site.mapping), ticket_draft(site.mapping)
    for act, draft, kind in (
        (connector.upsert_contact, contact, Kind.CONTACT),
        (connector.upsert_ticket, ticket, Kind.TICKET),
    ):
        line.after = lose
        with pytest.raises(Unreachable):
            await act(draft)
        assert not (await act(draft)).made
        assert await site.count(kind, draft.key) == 1
    ref, one = await connector.upsert_ticket(ticket), note()
    line.after = lose
    with pytest.raises(Unreachable):
        await connector.add_note(ref.id, one)
    assert await connector.add_note(ref.id, one) == await connector.add_note(ref.id, one)
    assert await site.count(Kind.NOTE, one.key) == 1


async def test_of_two_writers_of_one_key_one_record_remains(site, connector):
    """Two processes at once: not our way, but it must heal."""
    other = await site.connect()
    for _ in range(3):
        ticket, person = ticket_draft(site.mapping), contact_draft(site.mapping)
        answers = await asyncio.gather(
            connector.upsert_ticket(ticket), other.upsert_ticket(ticket),
            connector.upsert_contact(person), other.upsert_contact(person),
            return_exceptions=True,
        )  # fmt: skip
        assert_done_or_again(answers)
        left = await connector.upsert_ticket(ticket)
        assert await site.count(Kind.TICKET, ticket.key) == 1
        assert await site.count(Kind.CONTACT, person.key) == 1
        assert (await other.upsert_ticket(replace(ticket, known=left.id))).id == left.id
    await other.close()


async def test_two_tickets_of_a_key_become_one_with_what_was_said_on_both(site, connector):
    draft = ticket_draft(site.mapping)
    first = await connector.upsert_ticket(draft)
    body = {"Queue": QUEUE, "Subject": "x", "CustomFields": {"Hotline Key": draft.key}}
    _, second = await site.ask("POST", "ticket", body, token=site.server.token)
    await connector.add_note(second["id"], note("บนใบที่สอง"))
    assert await site.count(Kind.TICKET, draft.key) == 2
    assert (await connector.upsert_ticket(replace(draft, known=second["id"]))).id == first.id
    assert await site.count(Kind.TICKET, draft.key) == 1
    history = (await site.ask("GET", f"ticket/{first.id}/history?fields=Type"))[1]
    assert "Comment" in [one["Type"] for one in history["items"]]
    assert await connector.set_status(second["id"], Status.OPEN) == "open"
    assert await site.status(first.id) == "open"


async def test_a_ticket_that_an_officer_cloned_with_our_key_is_left_alone(site, connector):
    draft = ticket_draft(site.mapping)
    body = {"Queue": QUEUE, "Subject": "clone", "CustomFields": {"Hotline Key": draft.key}}
    ref = await connector.upsert_ticket(draft)
    clone = await site.made("ticket", body)
    assert (await connector.upsert_ticket(draft)).id == ref.id
    assert (await site.fields(Kind.TICKET, clone))["EffectiveId"] == int(clone)


async def test_a_ticket_that_officers_merged_into_another_is_followed_and_not_written_over(
    site, connector
):
    one, other = ticket_draft(site.mapping), ticket_draft(site.mapping)
    kept, gone = await connector.upsert_ticket(one), await connector.upsert_ticket(other)
    before = await site.fields(Kind.TICKET, kept.id)
    await site.ask("PUT", f"ticket/{gone.id}", {"MergeInto": kept.id})
    assert (await connector.upsert_ticket(replace(other, known=gone.id))).id == kept.id
    assert (await site.fields(Kind.TICKET, kept.id))["CF.{Hotline Key}"] == one.key
    assert (await site.fields(Kind.TICKET, kept.id))["Subject"] == before["Subject"]
    await connector.add_note(gone.id, note("ไปที่ใบเดียวกัน"))
    assert any("ไปที่ใบเดียวกัน" in text for text in await site.notes(kept.id))


async def test_a_ticket_moved_where_we_may_not_look_is_a_persons_to_see_to(site, connector):
    """Only that ticket: the rest goes on."""
    draft = ticket_draft(site.mapping)
    ref = await connector.upsert_ticket(draft)
    await site.ask("PUT", f"ticket/{ref.id}", {"Queue": "General"})
    for act in (
        connector.upsert_ticket(replace(draft, known=ref.id)),
        connector.add_note(ref.id, note()),
        connector.set_status(ref.id, Status.OPEN),
    ):
        with pytest.raises(Rejected, match="does not show it") as caught:
            await act
        assert not isinstance(caught.value, Gone)
    assert (await connector.upsert_ticket(ticket_draft(site.mapping))).made


async def test_a_deleted_ticket_and_a_disabled_user_are_gone_and_made_anew(site, connector):
    person, ticket = contact_draft(site.mapping), ticket_draft(site.mapping)
    user, call = await connector.upsert_contact(person), await connector.upsert_ticket(ticket)
    await site.change_status(call.id, "deleted")
    await site.ask("PUT", f"user/{user.id}", {"Disabled": 1})
    for act in (
        connector.upsert_contact(replace(person, known=user.id)),
        connector.upsert_ticket(replace(ticket, known=call.id)),
        connector.add_note(call.id, note()),
        connector.set_status(call.id, Status.OPEN),
    ):
        with pytest.raises(Gone):
            await act
    assert await site.status(call.id) == "deleted", "RT would have opened it again"
    again, anew = await connector.upsert_contact(person), await connector.upsert_ticket(ticket)
    assert again.made
    assert anew.made
    assert (await connector.upsert_contact(person)).id == again.id != user.id
    assert (await connector.upsert_ticket(ticket)).id == anew.id != call.id


async def test_a_requestor_by_name_is_dropped_and_by_number_is_kept(site, connector):
    person = contact_draft(site.mapping, key=new_key("person"))
    user = await connector.upsert_contact(person)
    name = "tel:+66812345678"
    body = {"Queue": QUEUE, "Subject": "x", "Requestor": [name]}
    _, made = await site.ask("POST", "ticket", body, token=site.server.token)
    assert await site.contact_of(made["id"]) is None
    ref = await connector.upsert_ticket(replace(ticket_draft(site.mapping), contact=user.id))
    assert await site.contact_of(ref.id) == user.id


async def test_what_officers_steer_stays_theirs(site, connector):
    person, officer = contact_draft(site.mapping), await site.make_contact("ผู้แทน", new_number())
    user = await connector.upsert_contact(person)
    draft = replace(ticket_draft(site.mapping), contact=user.id)
    ref = await connector.upsert_ticket(draft)
    await site.ask("PUT", f"ticket/{ref.id}", {"Requestor": [officer], "Owner": "root"})
    await connector.upsert_ticket(replace(draft, known=ref.id))
    assert await site.contact_of(ref.id) == officer
    owner = (await site.fields(Kind.TICKET, ref.id))["Owner"]
    assert site.sql("SELECT Name FROM Users WHERE id = ?", owner) == [{"Name": "root"}]


async def test_a_comment_does_not_reopen_a_settled_ticket(site, connector):
    ref = await connector.upsert_ticket(ticket_draft(site.mapping))
    await connector.set_status(ref.id, Status.RESOLVED)
    await connector.add_note(ref.id, note("หลังปิดเรื่อง"))
    assert await site.status(ref.id) == "resolved"


async def test_a_change_says_when_and_by_whom(site, connector):
    draft = ticket_draft(site.mapping)
    ref = await connector.upsert_ticket(draft)
    begun = await connector.changes(None)
    await site.change_status(ref.id, "open")
    items, _ = await all_changes(connector, begun.cursor)
    (mine,) = (item for item in items if item.key == draft.key)
    assert mine.by == "root"
    assert abs(mine.at / 1e6 - time.time()) < 60, "not shifted by anybody's time zone"


async def test_many_changes_come_in_pages_without_a_gap(site, connector, monkeypatch):
    monkeypatch.setattr("crm_bridge.connectors.rt.client.PAGE", 5)
    monkeypatch.setattr("crm_bridge.connectors.rt.changes.PAGE", 5)
    drafts = [ticket_draft(site.mapping) for _ in range(3)]
    refs = [await connector.upsert_ticket(draft) for draft in drafts]
    begun = await connector.changes(None)
    for native in ("open", "stalled", "open", "stalled"):
        for ref in refs:
            await site.change_status(ref.id, native)
    await site.change_status(refs[0].id, "resolved")
    pages, cursor = [], begun.cursor
    while True:
        page = await connector.changes(cursor)
        pages.append(page)
        if not page.more:
            break
        cursor = page.cursor
    assert len(pages) == 3
    last = {item.key: item.status for page in pages for item in page.items}
    assert [last[draft.key] for draft in drafts] == [
        Status.RESOLVED, Status.WAITING, Status.WAITING,
    ]  # fmt: skip


async def test_the_address_of_a_password_page_is_denied(site):
    """A token typed wrong at a proxy, or the address of a page instead of RT's."""
    section = ConnectorSection(kind="rt", url=f"{site.server.url}/NoAuth", token="1-29-" + "0" * 32)
    connector = make("office", section, clock=SystemClock())
    with pytest.raises(Denied):
        await connector.health()
    await connector.close()


async def test_setup_finds_everything_where_the_administrator_read_the_file(connector):
    assert {step.state for step in await connector.setup()} == {"there"}


async def test_setup_says_what_is_to_be_done_where_it_may_not(site, other_mapping):
    mapping = other_mapping("CF.{Hotline Outcome}", "CF.{Hotline Result}")
    connector = await site.connect(mapping=mapping)
    steps = {step.what: step for step in await connector.setup()}
    step = steps["custom field Hotline Result on tickets"]
    assert step.state == "by_hand"
    assert all("Hotline Result" in text or "initialdata.pl" in text for text in step.text)
    await connector.close()


async def test_setup_makes_the_fields_of_tickets_where_it_may(site, other_mapping):
    mapping = other_mapping("CF.{Hotline Outcome}", "CF.{Hotline Ending}")
    connector = await site.connect(mapping=mapping, token=site.server.admin_token)
    what = "custom field Hotline Ending on tickets"
    assert [s.state for s in await connector.setup() if s.what == what] == ["made"]
    assert [s.state for s in await connector.setup() if s.what == what] == ["there"]
    ref = await connector.upsert_ticket(ticket_draft(load(mapping, "rt")))
    assert (await site.fields(Kind.TICKET, ref.id))["CF.{Hotline Ending}"] == "วางสายขณะรอ"
    await connector.close()


async def test_an_update_that_changes_nothing_writes_nothing(site, connector, line):
    person, ticket = contact_draft(site.mapping), ticket_draft(site.mapping)
    user, call = await connector.upsert_contact(person), await connector.upsert_ticket(ticket)
    line.asked.clear()
    await connector.upsert_contact(replace(person, known=user.id))
    await connector.upsert_ticket(replace(ticket, known=call.id))
    assert [asked.split()[0] for asked in line.asked] == ["GET", "GET"]


async def test_a_moment_is_kept_to_the_second(site, connector):
    draft = ticket_draft(site.mapping)
    fields = {**draft.fields, "Due": "2026-12-09T17:00:00Z"}
    ref = await connector.upsert_ticket(replace(draft, fields=fields))
    assert (await site.fields(Kind.TICKET, ref.id))["Due"] == "2026-12-09 17:00:00"


async def test_numbers_of_rts_own_users_are_found_once_the_script_has_run(site, connector):
    number, work, thai, other = (new_number() for _ in range(4))
    local = f"0{number[3:5]}-{number[5:8]}-{number[8:]}"
    digits = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")
    body = {"Name": f"officer-made-{next(_names)}", "RealName": "ลูกค้าเดิม",  # 30 bytes at most
            "MobilePhone": f"1203, {local}/0{other[3:]}",
            "WorkPhone": f"+66 {work[3:5]} {work[5:]} ต่อ 12",
            "HomePhone": f"0{thai[3:]}".translate(digits)}  # fmt: skip
    user = await site.made("user", body)
    assert not await connector.find_contacts(number)
    first = await asyncio.to_thread(site.server.script, "numbers.pl")
    assert first.endswith("4 added\n")
    for one in (number, work, thai, other):
        assert [(c.id, c.key) for c in await connector.find_contacts(one)] == [(user, None)]
    again = await asyncio.to_thread(site.server.script, "numbers.pl")
    assert again.endswith(" 0 added\n")


async def test_a_ticket_moved_where_we_may_look_goes_on_without_the_fields_it_lost(site, connector):
    name = f"Section {next(_names)}"
    await site.made("queue", {"Name": name})
    await asyncio.to_thread(
        site.server.perl,
        f"""
        use lib '/usr/share/request-tracker5/lib'; use RT; RT::LoadConfig(); RT::Init();
        my $queue = RT::Queue->new(RT->SystemUser); $queue->Load('{name}');
        my $group = RT::Group->new(RT->SystemUser);
        $group->LoadUserDefinedGroup('Hotline 1203 bridge');
        $group->PrincipalObj->GrantRight(Right => $_, Object => $queue)
            for qw(SeeQueue ShowTicket ShowTicketComments ModifyTicket CommentOnTicket);
        """,
    )
    draft = ticket_draft(site.mapping)
    ref = await connector.upsert_ticket(draft)
    await site.ask("PUT", f"ticket/{ref.id}", {"Queue": name})
    changed = replace(draft, fields={**draft.fields, "Subject": "ย้ายแล้ว"})
    for again in (replace(changed, known=ref.id), changed):
        assert (await connector.upsert_ticket(again)).id == ref.id
    assert (await site.fields(Kind.TICKET, ref.id))["Subject"] == "ย้ายแล้ว"
    await connector.add_note(ref.id, note("ตามไป"))
    assert await connector.set_status(ref.id, Status.RESOLVED) == "resolved"
    assert await site.count(Kind.TICKET, draft.key) == 1


def test_the_administrators_file_read_twice_makes_nothing_twice(site):
    def there():
        return [
            site.sql("SELECT Name, LookupType FROM CustomFields WHERE Name LIKE 'Hotline%'"),
            site.sql("SELECT Name FROM Groups WHERE Domain = 'UserDefined'"),
            site.sql("SELECT Name FROM Queues"),
            site.sql("SELECT Name FROM Users WHERE Name = ?", LOGIN),
            site.sql("SELECT PrincipalId, RightName, ObjectType, ObjectId FROM ACL"),
        ]

    before = there()
    site.server.insert("/srv/hotline-rt/initialdata.pl")
    assert there() == before
