"""The contract suite on a real Roundup, and what Roundup alone does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import quote

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
    Unsettled,
)
from crm_bridge.connectors.registry import make
from tests.contract.connectors.suite import (
    ContractSuite,
    Site,
    assert_done_or_again,
    contact_draft,
    new_number,
    note,
    ticket_draft,
)
from tests.support.crms.roundup import ADDITION, Roundup, roundup


@pytest.fixture(scope="module")
def tracker():
    with roundup() as made:
        yield made


class RoundupSite(Site):
    """Looked into over REST as an officer, who sees what his pages show."""

    name_field = "name"

    def __init__(self, tracker: Roundup) -> None:
        self.tracker = tracker
        self.address = tracker.url
        self.mapping = load(None, "roundup")

    async def connect(self, *, wrong_secret=False, transport=None, **more):
        # the wrong password is another user's: after four of them Roundup locks the login
        section = ConnectorSection(
            kind="roundup",
            url=self.tracker.url,
            username="stranger" if wrong_secret else self.tracker.login,
            token="wrong" if wrong_secret else self.tracker.secret,
            timeout_seconds=5,
            **more,
        )
        return make("office", section, clock=SystemClock(), transport=transport)

    @asynccontextmanager
    async def stopped(self):
        await asyncio.to_thread(self.tracker.stop)
        try:
            yield
        finally:
            await asyncio.to_thread(self.tracker.start)

    async def ask(self, method, path, body=None, **query):
        return await asyncio.to_thread(self.tracker.ask, method, path, body, **query)

    async def count(self, kind, key):
        if kind is Kind.NOTE:
            query = {"messageid:": f"<{quote(key, safe='')}@hotline1203>"}
            return (await self.ask("GET", "msg", **query))["@total_size"]
        query = {"hotline_key:": key}
        return (await self.ask("GET", self.class_(kind), **query))["@total_size"]

    async def fields(self, kind, record):
        path, query = f"{self.class_(kind)}/{record}", {"@verbose": "2"}
        found = (await self.ask("GET", path, **query))["attributes"]
        if kind is Kind.TICKET and found["messages"]:
            found["message"] = (await self.notes(record))[0]
        return found

    async def make_contact(self, name, number):
        national = f"0{number[3:5]}-{number[5:8]}-{number[8:]}"  # as officers write it
        made = await self.ask("POST", "contact", {"name": name, "phone": national})
        return made["id"]

    async def contact_of(self, ticket):
        caller = (await self.ask("GET", f"issue/{ticket}"))["attributes"]["caller"]
        return caller["id"] if caller else None

    async def notes(self, ticket):
        messages = (await self.ask("GET", f"issue/{ticket}"))["attributes"]["messages"]
        query = {"@verbose": "3", "@fields": "content"}
        return [
            (await self.ask("GET", f"msg/{one['id']}", **query))["attributes"]["content"]
            for one in messages
        ]

    async def status(self, ticket):
        query = {"@verbose": "2"}
        return (await self.ask("GET", f"issue/{ticket}", **query))["attributes"]["status"]["name"]

    async def change_status(self, ticket, native):
        await asyncio.to_thread(self.tracker.change, f"issue/{ticket}", status=native)

    async def stands(self, kind, record):
        return (await self.ask("GET", self.class_(kind), id=record))["@total_size"] == 1

    def class_(self, kind):
        return {Kind.CONTACT: "contact", Kind.TICKET: "issue", Kind.NOTE: "msg"}[kind]


class TestRoundup(ContractSuite):
    @pytest.fixture
    def site(self, tracker):
        return RoundupSite(tracker)


# --- what Roundup alone does ----------------------------------------------------------------------


class Line(httpx.AsyncBaseTransport):
    """The network to the tracker, with something happening before or after chosen requests."""

    def __init__(self) -> None:
        self._real = httpx.AsyncHTTPTransport()
        self.asked: list[str] = []
        self.passwords = 0
        self.instead: dict[str, httpx.Response] = {}
        self.before: Callable[[httpx.Request], Awaitable[None]] | None = None
        self.after: Callable[[httpx.Request], Awaitable[None]] | None = None

    async def handle_async_request(self, request):
        self.asked.append(f"{request.method} {request.url.path}")
        self.passwords += "Authorization" in request.headers
        if answer := self.instead.get(request.url.path):
            return answer
        if self.before:
            await self.before(request)
        answer = await self._real.handle_async_request(request)
        if self.after:
            await answer.aread()
            await self.after(request)
        return answer

    async def send(self, request):
        """The same request once more, past whatever happens before and after."""
        copy = httpx.Request(request.method, request.url, headers=request.headers,
                             content=request.content)  # fmt: skip
        answer = await self._real.handle_async_request(copy)
        await answer.aread()
        return answer.status_code

    async def aclose(self):
        await self._real.aclose()


@pytest.fixture
def site(tracker):
    return RoundupSite(tracker)


@pytest.fixture
def line():
    return Line()


@pytest.fixture
async def connector(site, line):
    made = await site.connect(transport=line)
    yield made
    await made.close()


def creates(request: httpx.Request) -> bool:
    return "/@poe/" in request.url.path


async def test_a_creation_whose_answer_is_lost_is_found_and_not_made_again(site, connector, line):
    async def lose(request):
        if creates(request):
            line.after = None
            raise httpx.ReadTimeout("lost", request=request)

    for act, draft in (
        (connector.upsert_contact, contact_draft(site.mapping)),
        (connector.upsert_ticket, ticket_draft(site.mapping)),
    ):
        line.after = lose
        with pytest.raises(Unreachable):
            await act(draft)
        ref = await act(draft)
        again = await act(draft)
        assert ref.id == again.id
        kind = Kind(
            draft.key.partition(":")[0].replace("person", "contact").replace("call", "ticket")
        )
        assert await site.count(kind, draft.key) == 1


async def test_a_creation_that_takes_effect_late_is_not_made_twice(site, connector, line):
    """Behind a slow proxy the first request arrives after our second search found nothing."""
    late: list[httpx.Request] = []

    async def hold(request):
        if creates(request):
            if not late:
                late.append(request)
                raise httpx.ReadTimeout("slow", request=request)
            if len(late) == 1:
                assert await line.send(late[0]) == 201
                late.append(request)

    line.before = hold
    draft = contact_draft(site.mapping)
    with pytest.raises(Unreachable):
        await connector.upsert_contact(draft)
    ref = await connector.upsert_contact(draft)
    assert len(late) == 2
    assert late[0].url == late[1].url, "the second try takes the address of the first"
    assert await site.count(Kind.CONTACT, draft.key) == 1
    assert (await connector.upsert_contact(draft)).id == ref.id


async def test_an_address_used_for_nothing_is_given_up_and_a_new_one_taken(site, connector, line):
    """The first request was refused there by a reset connection after it had spent the address."""
    spent: list[int] = []

    async def spend(request):
        if creates(request) and not spent:
            body = httpx.Request("POST", request.url, headers=request.headers, content=b'{"x":1}')
            body.headers["Content-Length"] = "7"
            spent.append(await line.send(body))
            raise httpx.ReadError("reset", request=request)

    line.before = spend
    draft = contact_draft(site.mapping)
    with pytest.raises(Unreachable):
        await connector.upsert_contact(draft)
    assert spent == [400]
    with pytest.raises(Unsettled):
        await connector.upsert_contact(draft)
    assert (await connector.upsert_contact(draft)).made
    assert await site.count(Kind.CONTACT, draft.key) == 1


async def test_of_two_writers_of_one_key_one_record_remains(site, connector):
    """Two processes at once: not our way, but it must heal."""
    other = await site.connect()
    for _ in range(3):
        draft = ticket_draft(site.mapping)
        answers = await asyncio.gather(
            connector.upsert_ticket(draft), other.upsert_ticket(draft), return_exceptions=True
        )
        assert_done_or_again(answers)
        left = await connector.upsert_ticket(draft)
        assert await site.count(Kind.TICKET, draft.key) == 1
        assert (await other.upsert_ticket(draft)).id == left.id
    await other.close()


async def test_a_link_that_is_at_work_still_is_waited_for_and_not_made_twice(site, connector, line):
    """Roundup checks the version before it takes its lock: two changes at work both pass."""
    ref = await connector.upsert_ticket(ticket_draft(site.mapping))
    said = note()
    at_work: list[asyncio.Task[int]] = []

    async def late(request):
        if request.method in {"PUT", "PATCH"} and "/issue/" in request.url.path:
            line.before = None

            async def arrive():
                await asyncio.sleep(0.3)  # the tracker is busy
                return await line.send(request)

            at_work.append(asyncio.create_task(arrive()))
            raise httpx.ReadTimeout("busy", request=request)

    line.before = late
    with pytest.raises(Unreachable):
        await connector.add_note(ref.id, said)
    message = await connector.add_note(ref.id, said)
    assert await at_work[0] < 300
    writes = [asked for asked in line.asked if asked.startswith(("PUT", "PATCH"))]
    assert len([asked for asked in writes if "/issue/" in asked]) == 1
    assert (await linked(site, ref.id)).count(message) == 1


async def test_a_message_that_was_linked_twice_is_linked_once_again(site, connector):
    ref = await connector.upsert_ticket(ticket_draft(site.mapping))
    said = note()
    message = await connector.add_note(ref.id, said)
    before = await linked(site, ref.id)
    await asyncio.to_thread(site.tracker.link_again, ref.id, message)
    assert (await linked(site, ref.id)).count(message) == 2
    assert await connector.add_note(ref.id, said) == message
    assert await linked(site, ref.id) == before


async def linked(site, ticket):
    found = (await site.ask("GET", f"issue/{ticket}"))["attributes"]["messages"]
    return [one["id"] for one in found]


async def test_a_change_by_an_officer_at_the_same_moment_is_kept(site, connector, line):
    draft = ticket_draft(site.mapping)
    ref = await connector.upsert_ticket(draft)

    async def meddle(request):
        if request.method == "PATCH":
            line.before = None
            await site.change_status(ref.id, "testing")

    line.before = meddle
    changed = ticket_draft(site.mapping, key=draft.key)
    await connector.upsert_ticket(replace(changed, fields={**changed.fields, "title": "ใหม่"}))
    assert (await site.fields(Kind.TICKET, ref.id))["title"] == "ใหม่"
    assert await site.status(ref.id) == "testing"
    assert sum("PATCH" in asked for asked in line.asked) >= 2

    line.before = meddle
    await connector.add_note(ref.id, note("ระหว่างนั้น"))
    assert any("ระหว่างนั้น" in text for text in await site.notes(ref.id))
    assert await site.status(ref.id) == "testing"


async def test_a_note_does_not_reopen_a_settled_ticket_as_roundup_would(site, connector):
    ref = await connector.upsert_ticket(ticket_draft(site.mapping))
    await connector.set_status(ref.id, Status.RESOLVED)
    await connector.add_note(ref.id, note("หลังปิดเรื่อง"))
    assert await site.status(ref.id) == "resolved"
    message = await site.ask("POST", "msg", {"content": "from an officer", "author": "clerk"})
    there = [m["id"] for m in (await site.ask("GET", f"issue/{ref.id}"))["attributes"]["messages"]]
    await asyncio.to_thread(
        site.tracker.change, f"issue/{ref.id}", messages=[*there, message["id"]]
    )
    assert await site.status(ref.id) == "chatting", "Roundup does so by itself"


async def test_a_retired_record_is_gone_although_roundup_still_shows_it(site, connector):
    contact, ticket = contact_draft(site.mapping), ticket_draft(site.mapping)
    person, call = await connector.upsert_contact(contact), await connector.upsert_ticket(ticket)
    for path in (f"contact/{person.id}", f"issue/{call.id}"):
        await asyncio.to_thread(site.tracker.retire, path)
        assert (await site.ask("GET", path))["id"]
    assert not await connector.find_contacts(contact.numbers[0])
    for act in (
        connector.upsert_contact(replace(contact, known=person.id)),
        connector.upsert_ticket(replace(ticket, known=call.id)),
        connector.add_note(call.id, note()),
        connector.set_status(call.id, Status.OPEN),
    ):
        with pytest.raises(Gone):
            await act
    assert (await connector.upsert_contact(contact)).id != person.id


@pytest.mark.parametrize(
    "written",
    [
        "0{1}-{2}-{3}",
        "0{1}{2}{3}",
        "+66 {1} {2} {3}",
        "โทร. 0{1} {2} {3} ต่อ 12",
        "02-123-4567, 0{1}{2}{3}",
    ],
)
async def test_a_number_is_found_however_an_officer_wrote_it(site, connector, written):
    number = new_number()
    text = written.format("", number[3:5], number[5:8], number[8:])
    made = await site.ask("POST", "contact", {"name": "ก", "phone": text})
    assert [c.id for c in await connector.find_contacts(number)] == [made["id"]]


async def test_further_numbers_are_found_and_taken_away_again(site, connector):
    one, two, three = new_number(), new_number(), new_number()
    draft = replace(contact_draft(site.mapping, number=one), numbers=(one, two, three))
    ref = await connector.upsert_contact(draft)
    for number in draft.numbers:
        (found,) = await connector.find_contacts(number)
        assert (found.id, found.numbers) == (ref.id, draft.numbers)
    await connector.upsert_contact(replace(draft, numbers=(one,)))
    assert not await connector.find_contacts(two)


async def test_changes_come_page_by_page_and_none_is_lost(site, connector, monkeypatch):
    monkeypatch.setattr("crm_bridge.connectors.roundup.connector._TICKETS_A_PAGE", 3)
    begun = await connector.changes(None)
    drafts = [ticket_draft(site.mapping) for _ in range(8)]
    for draft in drafts:
        await connector.upsert_ticket(draft)
    cursor, pages, keys = begun.cursor, 0, set()
    while True:
        found = await connector.changes(cursor)
        keys |= {change.key for change in found.items}
        pages, cursor = pages + 1, found.cursor
        if not found.more:
            break
    assert {draft.key for draft in drafts} <= keys
    assert pages > 2
    last = await connector.changes(cursor)
    assert not {change.key for change in last.items} & {draft.key for draft in drafts[:-1]}


async def test_links_are_given_by_name_and_emptied(site, connector):
    draft = ticket_draft(site.mapping)
    given = {**draft.fields, "priority": "urgent", "assignedto": "clerk"}
    ref = await connector.upsert_ticket(replace(draft, fields=given))
    found = await site.fields(Kind.TICKET, ref.id)
    assert (found["priority"]["name"], found["assignedto"]["username"]) == ("urgent", "clerk")
    await connector.upsert_ticket(replace(draft, fields={**given, "priority": None}))
    assert (await site.fields(Kind.TICKET, ref.id))["priority"] is None
    with pytest.raises(Rejected):
        await connector.upsert_ticket(replace(draft, fields={**given, "priority": "nonesuch"}))


async def test_a_cursor_of_something_else_is_refused(connector):
    with pytest.raises(Rejected):
        await connector.changes("17")


async def test_the_password_is_checked_once(site, connector, line):
    """Each check costs Roundup a fifth of a second."""
    await asyncio.gather(*(connector.find_contacts(new_number()) for _ in range(5)))
    assert len(line.asked) > 10
    assert line.passwords == 1


async def test_a_session_that_ended_is_begun_again(site, connector, line):
    ref = await connector.upsert_ticket(ticket_draft(site.mapping))
    async with site.stopped():
        sessions = [*(site.tracker.folder / "tracker" / "db").glob("*session*")]
        assert sessions
        for each in sessions:
            each.unlink()
    assert await connector.set_status(ref.id, Status.OPEN) == "in-progress"
    assert line.passwords == 2


async def test_a_tracker_with_a_login_page_of_its_own_gets_the_password_each_time(
    site, connector, line
):
    line.instead = {"/office/": httpx.Response(404, html="<title>Sign in elsewhere</title>")}
    ref = await connector.upsert_ticket(ticket_draft(site.mapping))
    assert ref.made
    assert line.passwords == len(line.asked) - 1


async def test_a_user_who_may_not_use_rest_is_denied(site):
    section = ConnectorSection(
        kind="roundup", url=site.tracker.url, username="visitor", token=site.tracker.secret
    )
    visitor = make("office", section, clock=SystemClock())
    with pytest.raises(Denied) as caught:
        await visitor.health()
    assert "role Hotline" in caught.value.mend
    await visitor.close()


async def test_a_locked_login_is_denied_and_not_asked_again_at_once(site):
    wrong = await site.connect(wrong_secret=True)
    said = set()
    for _ in range(6):
        with pytest.raises(Denied) as caught:
            await wrong.health()
        said.add("locked" in caught.value.what)
    await wrong.close()
    assert True in said


async def test_another_address_than_the_trackers_own_is_named_as_the_fault(site):
    port = site.tracker.port
    section = ConnectorSection(
        kind="roundup", url=f"http://localhost:{port}/office/", username=site.tracker.login,
        token=site.tracker.secret,
    )  # fmt: skip
    wrong = make("office", section, clock=SystemClock())
    with pytest.raises(Denied) as caught:
        await wrong.upsert_ticket(ticket_draft(site.mapping))
    assert "config.ini" in caught.value.mend
    await wrong.close()


async def test_a_user_without_rights_is_denied(site):
    section = ConnectorSection(
        kind="roundup", url=site.tracker.url, username="clerk", token=site.tracker.secret
    )
    clerk = make("office", section, clock=SystemClock())
    ref = await clerk.upsert_ticket(ticket_draft(site.mapping))
    with pytest.raises(Denied):
        await clerk.remove(Kind.TICKET, ref.id)
    await clerk.close()


OFFICE = """
from roundup.exceptions import Reject

def watch(db, cl, nodeid, newvalues):
    title = newvalues.get("title") or ""
    if "vetoed" in title:
        raise Reject("no calls of this kind")
    if "shouted" in title:
        newvalues["title"] = title.upper()

def init(db):
    db.issue.audit("create", watch)
    db.issue.audit("set", watch)
"""


async def test_a_detector_that_vetoes_or_changes_what_is_written_is_noticed():
    with roundup(detector=OFFICE) as tracker:
        site = RoundupSite(tracker)
        connector = await site.connect()
        draft = ticket_draft(site.mapping)
        with pytest.raises(Rejected) as vetoed:
            await connector.upsert_ticket(replace(draft, fields={"title": "vetoed"}))
        assert "no calls of this kind" in vetoed.value.what
        with pytest.raises(Unsettled) as shouted:
            await connector.upsert_ticket(replace(draft, fields={"title": "shouted"}))
        assert "title" in shouted.value.what
        assert await site.count(Kind.TICKET, draft.key) == 1
        await connector.close()


async def test_a_tracker_without_the_addition_is_told_what_to_add():
    with roundup(addition=False) as tracker:
        site = RoundupSite(tracker)
        connector = await site.connect()
        assert await connector.health()
        steps = {step.what: step for step in await connector.setup()}
        for missing in ("contact.phone", "issue.caller", "issue.hotline_key"):
            assert steps[missing].state == "by_hand"
            assert ADDITION.read_text("utf-8") in steps[missing].text[1]
        assert steps["issue.title"].state == "there"
        assert steps["status resolved"].state == "there"
        for act in (
            connector.find_contacts(new_number()),
            connector.upsert_contact(contact_draft(site.mapping)),
            connector.upsert_ticket(ticket_draft(site.mapping)),
            connector.changes(None),
        ):
            with pytest.raises(Denied) as caught:
                await act
            assert "schema.py" in caught.value.mend
        await connector.close()
