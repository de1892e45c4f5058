"""What Request Tracker's answers become that the real one seldom gives."""

from __future__ import annotations

import json

import httpx
import pytest

from crm_bridge.clock import SystemClock
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.port import (
    Busy,
    ConnectorError,
    ContactDraft,
    Denied,
    Gone,
    Kind,
    Note,
    Rejected,
    Status,
    Then,
    TicketDraft,
    Unreachable,
    Unsettled,
    Unsupported,
)
from crm_bridge.connectors.registry import make
from crm_bridge.errors import ConfigMistake

NUMBER = "+66812345678"
LOGIN_PAGE = '<html><title>Login</title><form><input type="password" name="pass"></form></html>'
EMPTY = {"items": [], "count": 0}
CONTACT = ContactDraft("person:1", (NUMBER,), {"RealName": "สมหมาย ลับเฉพาะ"})
TICKET = TicketDraft("call:1.1", {"Subject": "สมหมาย ลับเฉพาะ"})
NOTE = Note("wrapup:1.1/1001/1", "ลับเฉพาะ", 1_795_000_000_000_000)


def rt(answer):
    """A connector whose every request `answer` answers."""
    section = ConnectorSection(
        kind="rt", url="https://rt.example/rt", token="1-29-" + "a" * 32, timeout_seconds=2
    )
    return make("office", section, clock=SystemClock(), transport=httpx.MockTransport(answer))


def acts(connector):
    yield connector.health()
    yield connector.find_contacts(NUMBER)
    yield connector.upsert_contact(CONTACT)
    yield connector.upsert_ticket(TICKET)
    yield connector.add_note("7", NOTE)
    yield connector.set_status("7", Status.OPEN)
    yield connector.changes("5")
    yield connector.changes(None)
    yield connector.remove(Kind.TICKET, "7")


@pytest.mark.parametrize(
    ("answer", "error", "then", "wait"),
    [
        (httpx.Response(429, headers={"Retry-After": "17"}), Busy, Then.WAIT, 17.0),
        (httpx.Response(503, headers={"Retry-After": "5"}), Busy, Then.WAIT, 5.0),
        (httpx.Response(500), Unreachable, Then.RETRY, None),
        (httpx.Response(502, html="<html>Bad Gateway</html>"), Unreachable, Then.RETRY, None),
        (httpx.Response(200, html=LOGIN_PAGE), Denied, Then.WAIT, None),
        (httpx.Response(302, headers={"Location": "/NoAuth/Login.html"}), Denied, Then.WAIT, None),
        (httpx.Response(401, json={"message": "Unauthorized"}), Denied, Then.WAIT, None),
        (httpx.Response(200, content=b'{"items": [{"id"'), Unreachable, Then.RETRY, None),
        (httpx.Response(200, json={"message": "maintenance"}), Unreachable, Then.RETRY, None),
        (httpx.Response(200, json=["not now"]), Unreachable, Then.RETRY, None),
        (httpx.Response(200, json={"items": "none"}), Unreachable, Then.RETRY, None),
        (httpx.Response(200, json={"items": [{"id": 7}]}), Unreachable, Then.RETRY, None),
        (httpx.Response(412, json={"message": "Precondition Failed"}), Unsettled, Then.RETRY, None),
    ],
)
async def test_every_act_takes_an_odd_answer_for_what_it_is(answer, error, then, wait):
    connector = rt(lambda request: answer)
    for act in acts(connector):
        with pytest.raises(ConnectorError) as caught:
            await act
        assert type(caught.value) is error
        assert (caught.value.then, caught.value.wait) == (then, wait)
        assert "rt.example" in str(caught.value)
        assert not {"ลับเฉพาะ", NUMBER, "812345678"} & set(str(caught.value).split())
    await connector.close()


def ticket(**more):
    return {
        "type": "ticket", "id": 7, "Subject": "x", "Status": "new", "Requestor": [],
        "Creator": {"type": "user", "id": "hotline1203"},
        "Queue": {"type": "queue", "id": "3", "Name": "Hotline 1203"},
        "CustomFields": [{"name": "Hotline Key", "values": ["call:1.1"]}],
        **more,
    }  # fmt: skip


USER = {"id": 29, "type": "user", "Name": "hotline1203", "Privileged": 1, "Disabled": "0",
        "CustomFields": []}  # fmt: skip
QUEUE = {"TicketCustomFields": [{"name": "Hotline Key"}]}


def routed(**routes):
    """Answers by `METHOD path` (spaces and slashes as `_`), else an empty list."""

    def answer(request):
        path = request.url.path.removeprefix("/rt/REST/2.0/")
        name = f"{request.method}_{path}".replace("/", "_").replace(" ", "_")
        found = routes.get(name, EMPTY)
        if callable(found):
            found = found(request)
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

    return answer


async def test_a_write_that_is_taken_and_not_there_is_unsettled():
    connector = rt(
        routed(
            GET_tickets={"items": [ticket(Subject="old")]},
            PUT_ticket_7=["Ticket 7: Subject changed"],
        )
    )
    with pytest.raises(Unsettled, match="Subject"):
        await connector.upsert_ticket(TICKET)


async def test_a_ticket_that_is_taken_and_was_never_made_is_unsettled():
    answer = httpx.Response(200, json={"message": "temporarily out of order"})
    connector = rt(routed(GET_queue_Hotline_1203=QUEUE, POST_ticket=answer))
    with pytest.raises(Unsettled):
        await connector.upsert_ticket(TICKET)


async def test_a_status_refused_in_rts_own_words_is_given_up_and_in_others_words_tried_again():
    for words, error in (
        (["Ticket 7: Status 'open' isn't a valid status for this ticket."], Rejected),
        (["Ticket 7: Permission Denied"], Rejected),
        (["Could not write to the database"], Unsettled),
        ([], Unsettled),
    ):
        connector = rt(routed(GET_ticket_7=ticket(), PUT_ticket_7=words))
        with pytest.raises(error) as caught:
            await connector.set_status("7", Status.OPEN)
        assert type(caught.value) is error


async def test_a_number_that_reads_alike_is_not_the_same():
    """RT on SQLite takes numbers for numbers; a filter that it does not know it ignores."""

    def user(values):
        fields = [
            {"name": "Hotline Key", "values": []},
            {"name": "Hotline Phone", "values": values},
        ]
        return {**USER, "RealName": "ก", "CustomFields": fields}

    for values, found in (
        ([f"tel:{NUMBER}"], 1),
        ([NUMBER], 1),
        ([NUMBER[1:]], 0),
        ([f"tel:{NUMBER}0"], 0),
        (["tel:0812345678"], 0),
        ([], 0),
    ):
        connector = rt(routed(POST_users={"items": [user(values)]}))
        assert len(await connector.find_contacts(NUMBER)) == found, values


async def test_a_user_whose_name_was_taken_meanwhile_is_that_one():
    made = {"id": 35, "type": "user", "Name": "hotline1203-person-1", "RealName": "สมหมาย ลับเฉพาะ",
            "Disabled": "0", "CustomFields": [
                {"name": "Hotline Key", "values": ["person:1"]},
                {"name": "Hotline Phone", "values": [f"tel:{NUMBER}"]}]}  # fmt: skip
    there = iter([httpx.Response(404, json={"message": "Not Found"}), made, made])
    connector = rt(
        routed(
            **{
                "GET_user_hotline1203-person-1": lambda _: next(there),
                "POST_user": httpx.Response(400, json={"message": "Name in use"}),
            }
        )
    )
    assert (await connector.upsert_contact(CONTACT)).id == "35"


async def test_a_user_refused_for_another_reason_is_rejected_without_the_callers_words():
    connector = rt(
        routed(
            **{
                "GET_user_hotline1203-person-1": httpx.Response(404, json={"message": "Not Found"}),
                "POST_user": httpx.Response(400, json={"message": "สมหมาย is no valid name"}),
            }
        )
    )
    with pytest.raises(Rejected) as caught:
        await connector.upsert_contact(CONTACT)
    assert "สมหมาย" not in str(caught.value)


async def test_the_tokens_login_is_asked_for_once():
    asked = []

    def answer(request):
        asked.append(request.url.path)
        return httpx.Response(200, json={"Version": "5.0.7", **USER})

    connector = rt(answer)
    for _ in range(3):
        assert (await connector.health()).login == "hotline1203"
    assert asked.count("/rt/REST/2.0/user/29") == 1
    assert asked.count("/rt/REST/2.0/rt") == 3


async def test_what_is_sent_names_no_redirect_and_the_token_alone():
    seen = []

    def answer(request):
        seen.append(request)
        return httpx.Response(200, json=EMPTY)

    await rt(answer).find_contacts(NUMBER)
    (request,) = seen
    assert request.headers["Authorization"] == "token 1-29-" + "a" * 32
    assert json.loads(request.content) == [
        {"field": "CF.{Hotline Phone}", "value": f"tel:{NUMBER}"}
    ]
    assert NUMBER[1:] not in str(request.url)


# --- changes --------------------------------------------------------------------------------------


def turn(number, ticket_id, native, at="2026-11-24T00:10:00Z"):
    return {"type": "transaction", "id": str(number), "ObjectId": str(ticket_id), "Created": at,
            "NewValue": native, "Creator": {"type": "user", "id": "somsri"}}  # fmt: skip


async def test_a_change_that_began_earlier_and_is_seen_later_is_not_missed():
    turns = [turn(101, 7, "open")]

    def since(request):
        after = int(json.loads(request.content)[-1]["value"])
        return {"items": [t for t in turns if int(t["id"]) > after]}

    tickets = {"items": [ticket(), ticket(id=8, CustomFields=[
        {"name": "Hotline Key", "values": ["call:2"]}])]}  # fmt: skip
    connector = rt(routed(POST_transactions=since, GET_tickets=tickets))
    first = await connector.changes("90")
    assert [(c.id, c.native, c.status, c.by) for c in first.items] == [
        ("7", "open", Status.OPEN, "somsri")
    ]
    turns.insert(0, turn(100, 8, "resolved"))  # began before 101, and was saved after it
    second = await connector.changes(first.cursor)
    assert [(c.id, c.key) for c in second.items] == [("8", "call:2")]
    turns.append(turn(140, 7, "stalled", at="2026-11-24T00:20:00Z"))
    third = await connector.changes(second.cursor)
    assert [(c.id, c.native) for c in third.items] == [("7", "stalled")]
    assert third.cursor == "101 140", "what is old enough is behind it"
    assert (await connector.changes(third.cursor)).items == ()


async def test_tickets_without_our_key_are_nobody_elses_business():
    tickets = {"items": [ticket(CustomFields=[])]}
    connector = rt(routed(POST_transactions={"items": [turn(5, 7, "open")]}, GET_tickets=tickets))
    assert (await connector.changes("1")).items == ()


async def test_a_status_that_the_mapping_does_not_know_is_told_in_rts_word():
    connector = rt(
        routed(
            POST_transactions={"items": [turn(5, 7, "รออะไหล่")]}, GET_tickets={"items": [ticket()]}
        )
    )
    (change,) = (await connector.changes("1")).items
    assert (change.native, change.status) == ("รออะไหล่", None)


@pytest.mark.parametrize("cursor", ["", "x", "12 x", "-1", "1;2"])
async def test_a_cursor_of_another_is_refused(cursor):
    with pytest.raises(Rejected):
        await rt(routed()).changes(cursor)


# --- the rest -------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", ["", "x", "7/../8", "7 OR 1=1", "9" * 30, "٧"])
async def test_an_id_that_rt_never_gave_is_gone_and_never_part_of_a_path(odd):
    asked = []

    def answer(request):
        asked.append(request.url.path)
        return httpx.Response(200, json=EMPTY)

    connector = rt(answer)
    for act in (
        connector.add_note(odd, NOTE),
        connector.set_status(odd, Status.OPEN),
        connector.upsert_contact(ContactDraft("person:1", known=odd)),
        connector.upsert_ticket(TicketDraft("call:1", known=odd)),
    ):
        with pytest.raises(Gone):
            await act
    await connector.remove(Kind.TICKET, odd)
    assert set(asked) <= {"/rt/REST/2.0/tickets"}


async def test_calls_that_ring_are_not_asked_of_it():
    connector = rt(routed())
    assert not connector.capabilities.call_events
    with pytest.raises(Unsupported):
        await connector.call_event(None)


async def test_an_address_with_a_path_keeps_it():
    connector = rt(routed())
    assert (
        connector.record_url(Kind.TICKET, "7") == "https://rt.example/rt/Ticket/Display.html?id=7"
    )


def test_an_option_of_another_type_is_a_mistake(tmp_path):
    from crm_bridge.connectors.mapping import default_path

    text = default_path("rt").read_text("utf-8").replace('queue = "Hotline 1203"', "queue = 3")
    (tmp_path / "own.toml").write_text(text, "utf-8")
    section = ConnectorSection(
        kind="rt", url="https://rt.example", token="x", mapping=tmp_path / "own.toml"
    )
    with pytest.raises(ConfigMistake, match="queue"):
        make("office", section, clock=SystemClock())
