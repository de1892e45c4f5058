"""What a real Odoo 14 rarely answers, and what newer ones answer otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from crm_bridge.clock import SystemClock
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.http import JsonHttp
from crm_bridge.connectors.mapping import load
from crm_bridge.connectors.odoo.client import OdooClient
from crm_bridge.connectors.odoo.connector import OdooConnector
from crm_bridge.connectors.odoo.fields import Field, Unfit, kept, paragraphs, text_of, to_odoo
from crm_bridge.connectors.odoo.numbers import numbers_in, patterns
from crm_bridge.connectors.odoo.records import external_id
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
from crm_bridge.errors import ConfigMistake

SECRET = "สมหญิง-Zebra-0812345678"
"""Something of a caller that no error may repeat."""


class Scripted:
    """An Odoo that answers what a test says: (model.method) → a result, or an exception's name."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {
            "common.version": {"server_version": "14.0", "server_version_info": [14, 0, 0]},
            "common.authenticate": 7,
            "res.users.context_get": {"lang": "th_TH"},
            "res.lang.get_installed": [["th_TH", "ไทย"]],
            "ir.model.data.search_read": [],
            **{name.replace("__", "."): answer for name, answer in answers.items()},
        }
        self.asked: list[tuple[str, list[Any], dict[str, Any]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        params = body["params"]
        name, args, kwargs = f"{params['service']}.{params['method']}", params["args"], {}
        if params["method"] == "execute_kw":
            _, _, _, model, method, args, kwargs = params["args"]
            name = f"{model}.{method}"
        self.asked.append((name, args, kwargs))
        answer = self.answers[name]
        if callable(answer):
            answer = answer(args, kwargs)
        if isinstance(answer, httpx.Response):
            return answer
        said = {"jsonrpc": "2.0", "id": body["id"]}
        if isinstance(answer, Failure):
            return httpx.Response(200, json={**said, "error": answer.error})
        return httpx.Response(200, json=said if answer is None else {**said, "result": answer})

    def of(self, name: str) -> list[tuple[list[Any], dict[str, Any]]]:
        return [(args, kwargs) for asked, args, kwargs in self.asked if asked == name]


class Failure:
    """An exception of Odoo's."""

    def __init__(self, name: str, message: str = SECRET, code: int = 200) -> None:
        data = {"name": name, "message": message, "debug": f"Traceback … {SECRET}", "arguments": []}
        self.error = {"code": code, "message": "Odoo Server Error", "data": data}


def client_of(odoo: Callable[[httpx.Request], httpx.Response]) -> OdooClient:
    http = JsonHttp("https://odoo.example", transport=httpx.MockTransport(odoo))
    return OdooClient(http, database="moc", username="hotline", key="k" * 40)


def connector_of(odoo: Scripted, **options: Any) -> OdooConnector:
    mapping = load(None, "odoo")
    mapping = replace(mapping, options={**mapping.options, **options})
    section = ConnectorSection(
        kind="odoo", url="https://odoo.example", database="moc", username="hotline", token="k" * 40
    )
    transport = httpx.MockTransport(odoo)
    return OdooConnector("crm", section, mapping, clock=SystemClock(), transport=transport)


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (Failure("odoo.exceptions.AccessDenied", "Access Denied"), Denied),
        (Failure("odoo.exceptions.MissingError"), Gone),
        (Failure("odoo.exceptions.ValidationError"), Rejected),
        (Failure("odoo.exceptions.UserError"), Rejected),
        (Failure("odoo.exceptions.Warning"), Rejected),
        (Failure("builtins.ValueError"), Rejected),
        (Failure("builtins.KeyError", "x_field"), Rejected),
        (Failure("psycopg2.errors.InvalidTextRepresentation"), Rejected),
        (Failure("psycopg2.errors.SerializationFailure"), Unsettled),
        (Failure("psycopg2.extensions.TransactionRollbackError"), Unsettled),
        (Failure("psycopg2.errors.DeadlockDetected"), Unsettled),
        (Failure("psycopg2.errors.UniqueViolation"), Unsettled),
        (Failure("psycopg2.OperationalError", 'FATAL: database "moc" does not exist\n'), Denied),
        (Failure("psycopg2.OperationalError", "could not connect to server"), Unreachable),
        (Failure("psycopg2.InterfaceError", "connection already closed"), Unreachable),
        (Failure("psycopg2.pool.PoolError", "The Connection Pool Is Full"), Unreachable),
        (Failure("odoo.http.SessionExpiredException", "Session expired", 100), Unreachable),
        (Failure("werkzeug.exceptions.NotFound", "404: Not Found", 404), Denied),
        (Failure("werkzeug.exceptions.TooManyRequests", "429"), Busy),
        (Failure("builtins.ZeroDivisionError"), Unreachable),
        (Failure(""), Unreachable),
    ],
)
async def test_each_exception_is_its_error_and_says_nothing_of_a_caller(failure, error):
    client = client_of(Scripted(res__partner__write=failure))
    with pytest.raises(ConnectorError) as caught:
        await client.call("res.partner", "write", [1], {"name": SECRET}, act="write a contact")
    assert type(caught.value) is error
    for part in SECRET.split("-"):
        assert part not in str(caught.value)
    assert "odoo.example" in str(caught.value)
    assert "write a contact" in str(caught.value)


@pytest.mark.parametrize(
    ("allowed", "error", "then"),
    [
        (True, Rejected, Then.GIVE_UP),
        (False, Denied, Then.WAIT),
        (Failure("builtins.AttributeError"), Denied, Then.WAIT),
        (Failure("odoo.exceptions.AccessError"), Denied, Then.WAIT),
        (Failure("psycopg2.InterfaceError"), Unreachable, Then.RETRY),
    ],
    ids=["a rule for this record", "the model", "Odoo 19 has it not", "not even asking", "gone"],
)
async def test_a_refused_right_is_looked_into(allowed, error, then):
    odoo = Scripted(
        crm__lead__write=Failure("odoo.exceptions.AccessError"),
        crm__lead__check_access_rights=allowed,
    )
    with pytest.raises(ConnectorError) as caught:
        await client_of(odoo).call("crm.lead", "write", [1], {"name": SECRET}, act="write")
    assert type(caught.value) is error
    assert caught.value.then is then
    assert SECRET not in str(caught.value)


async def test_a_refused_login_is_asked_anew_next_time():
    answers = iter([Failure("odoo.exceptions.AccessDenied"), []])
    odoo = Scripted(res__partner__search=lambda *_: next(answers))
    client = client_of(odoo)
    with pytest.raises(Denied):
        await client.call("res.partner", "search", [], act="search")
    assert await client.call("res.partner", "search", [], act="search") == []
    assert len(odoo.of("common.authenticate")) == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(200, json=[1]), Unreachable),
        (httpx.Response(200, json={"jsonrpc": "2.0", "id": 99, "result": 1}), Unreachable),
        (httpx.Response(200, html="<input type='password'>"), Denied),
        (httpx.Response(404, html="Not Found"), Denied),
        (httpx.Response(303, headers={"Location": "https://odoo.example/web/login"}), Denied),
        (httpx.Response(502, html="Bad Gateway"), Unreachable),
        (httpx.Response(429, html="slow", headers={"Retry-After": "7"}), Busy),
        (False, Denied),
        (None, Denied),
    ],
)
async def test_what_is_no_login(answer, error):
    with pytest.raises(error):
        await client_of(Scripted(common__authenticate=answer)).uid()


async def test_a_method_that_returns_nothing():
    """Odoo leaves `result` out of the answer then."""
    assert await client_of(Scripted(crm__lead__x=None)).call("crm.lead", "x", act="x") is None


@pytest.mark.parametrize(
    ("said", "text", "major"),
    [
        ({"server_version": "14.0-20210119", "server_version_info": [14, 0]}, "14.0-20210119", 14),
        ({"server_version": "saas~17.2", "server_version_info": ["saas~17", 2]}, "saas~17.2", 17),
        ({"server_version": "18.0+e", "server_version_info": [18, 0]}, "18.0+e", 18),
        ({"server_version": "15.0"}, "15.0", 15),
    ],
)
async def test_versions(said, text, major):
    version = await client_of(Scripted(common__version=said)).version()
    assert (version.text, version.major) == (text, major)


@pytest.mark.parametrize("said", [{}, None, "x", {"server_version": ""}])
async def test_what_is_no_odoo(said):
    with pytest.raises(Denied, match="is no Odoo"):
        await client_of(Scripted(common__version=said)).version()


# --- load -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("could not serialize access due to concurrent update\n", Unsettled),
        ("duplicate key value violates unique constraint", Unsettled),
        ("Unknown error during import: <class 'odoo.exceptions.AccessError'>: no", Denied),
        (f"Missing required value for the field 'Name' (name) {SECRET}", Rejected),
        ("", Rejected),
    ],
)
async def test_a_row_that_is_not_taken(message, error):
    said = {"ids": False, "messages": [{"type": "error", "message": message, "field": "name"}]}
    odoo = Scripted(crm__lead__load=said, crm__lead__check_access_rights=False)
    with pytest.raises(error) as caught:
        await client_of(odoo).load("crm.lead", "m.n", {"name": SECRET}, act="make")
    for part in SECRET.split("-"):
        assert part not in str(caught.value)


PARTNER = {"name": {"type": "char"}, "x_hotline_key": {"type": "char"}, "phone": {"type": "char"}}


async def test_without_setup_everything_waits_and_look_ups_go_on():
    odoo = Scripted(
        res__partner__fields_get={"name": {"type": "char"}, "phone": {"type": "char"}},
        crm__lead__fields_get={"name": {"type": "char"}},
        res__partner__search_read=[{"id": 5, "name": "ก", "phone": "081-234 5678"}],
    )
    connector = connector_of(odoo)
    for act in (
        connector.upsert_contact(ContactDraft("person:1", ("+66812345678",), {"name": "x"})),
        connector.upsert_ticket(TicketDraft("call:1", {"name": "x"})),
        connector.add_note("1", Note("n", "x", 1)),
        connector.set_status("1", Status.OPEN),
        connector.changes(None),
    ):
        with pytest.raises(Denied, match="connector setup"):
            await act
    (found,) = await connector.find_contacts("+66812345678")
    assert (found.id, found.key, found.numbers) == ("5", None, ("+66812345678",))


async def test_setup_run_meanwhile_is_seen():
    answers = iter([{"name": {"type": "char"}}, PARTNER])
    rows = iter([[], [{"id": 3, "x_hotline_key": "person:1", "name": "x"}]])
    odoo = Scripted(
        res__partner__fields_get=lambda *_: next(answers),
        res__partner__search_read=lambda *_: next(rows),
        res__partner__load={"ids": [3], "messages": []},
    )
    connector = connector_of(odoo)
    draft = ContactDraft("person:1", (), {"name": "x"})
    with pytest.raises(Denied):
        await connector.upsert_contact(draft)
    assert (await connector.upsert_contact(draft)).made


async def test_what_was_written_and_is_not_there_is_unsettled():
    before = {"id": 3, "x_hotline_key": "person:1", "name": "old"}
    odoo = Scripted(
        res__partner__fields_get=PARTNER,
        res__partner__search_read=[before],
        res__partner__write=True,
    )
    draft = ContactDraft("person:1", (), {"name": "new"}, known="3")
    with pytest.raises(Unsettled) as caught:
        await connector_of(odoo).upsert_contact(draft)
    assert "name" in str(caught.value)
    assert odoo.of("res.partner.write")[0][0] == [[3], {"name": "new"}]


async def test_what_odoo_formats_in_its_own_way_is_written():
    rows = iter(
        [
            [{"id": 3, "x_hotline_key": "person:1", "phone": False}],
            [{"id": 3, "x_hotline_key": "person:1", "phone": "+66 81 234 5678"}],
        ]
    )
    odoo = Scripted(
        res__partner__fields_get=PARTNER,
        res__partner__search_read=lambda *_: next(rows),
        res__partner__write=True,
    )
    draft = ContactDraft("person:1", (), {"phone": "081 234 5678"}, known="3")
    assert (await connector_of(odoo).upsert_contact(draft)).id == "3"


async def test_what_stands_already_is_not_sent():
    row = {"id": 3, "x_hotline_key": "person:1", "name": "same"}
    odoo = Scripted(res__partner__fields_get=PARTNER, res__partner__search_read=[row])
    draft = ContactDraft("person:1", (), {"name": "same"}, known="3")
    assert (await connector_of(odoo).upsert_contact(draft)).id == "3"


async def test_a_loser_of_the_race_finds_the_winners_record():
    lost = {"ids": False, "messages": [{"type": "error", "message": "could not serialize access"}]}
    row = {"id": 9, "x_hotline_key": "person:1", "name": "x"}
    rows = iter([[], [row], [row]])
    odoo = Scripted(
        res__partner__fields_get=PARTNER,
        res__partner__search_read=lambda *_: next(rows),
        res__partner__load=lost,
    )
    ref = await connector_of(odoo).upsert_contact(ContactDraft("person:1", (), {"name": "x"}))
    assert (ref.id, ref.made) == ("9", False)


async def test_external_ids_where_a_user_may_not_list_them():
    def check(args, _):
        return ["res.partner", 4] if "person" in args[1] else Failure("builtins.ValueError")

    row = {"id": 4, "x_hotline_key": "person:1", "name": "x"}
    rows = iter([[], [row], [row], []])
    odoo = Scripted(
        res__partner__fields_get=PARTNER,
        res__partner__search_read=lambda *_: next(rows),
        ir__model__data__search_read=Failure("odoo.exceptions.AccessError"),
        ir__model__data__check_access_rights=False,
        ir__model__data__check_object_reference=check,
        res__partner__load=Failure("odoo.exceptions.UserError"),
    )
    connector = connector_of(odoo)
    ref = await connector.upsert_contact(ContactDraft("person:1", (), {"name": "x"}))
    assert (ref.id, ref.made) == ("4", False)
    with pytest.raises(Rejected):
        await connector.upsert_contact(ContactDraft("number:1", (), {"name": "x"}))
    assert len(odoo.of("ir.model.data.search_read")) == 1


# --- newer versions -------------------------------------------------------------------------------


@pytest.mark.parametrize(("info", "told"), [([14, 0], False), ([17, 0], True), ([18, 0], True)])
async def test_a_note_is_html_and_from_17_on_says_so(info, told):
    seen: list[int] = []
    version = {"server_version": "x", "server_version_info": info}
    odoo = Scripted(
        common__version=version,
        crm__lead__fields_get={"x_hotline_key": {"type": "char"}},
        crm__lead__search_read=[{"id": 3, "x_hotline_key": "call:1"}],
        mail__message__search=lambda *_: list(seen),
        crm__lead__message_post=lambda *_: seen.append(41),
    )
    connector = connector_of(odoo)
    assert await connector.add_note("3", Note("wrapup:1", "a <b>\n  c", 0)) == "41"
    assert await connector.add_note("3", Note("wrapup:1", "a <b>\n  c", 0)) == "41"
    ((args, kwargs),) = odoo.of("crm.lead.message_post")
    assert args == [[3]]
    assert kwargs["body"] == "<p>a &lt;b&gt;<br>&nbsp;&nbsp;c</p>"
    assert kwargs["date"] == "1970-01-01 00:00:00"
    assert ("body_is_html" in kwargs) is told


async def test_a_note_that_came_through_twice_is_one():
    """A request given up as too slow is carried out after the second one was sent."""
    answers = iter([[], [41, 42]])
    odoo = Scripted(
        crm__lead__fields_get={"x_hotline_key": {"type": "char"}},
        crm__lead__search_read=[{"id": 3, "x_hotline_key": "call:1"}],
        mail__message__search=lambda *_: next(answers),
        crm__lead__message_post=42,
        mail__message__unlink=True,
    )
    assert await connector_of(odoo).add_note("3", Note("wrapup:1", "x", 0)) == "41"
    assert [args for args, _ in odoo.of("mail.message.unlink")] == [[[42]]]


async def test_a_note_that_is_not_there_is_unsettled():
    odoo = Scripted(
        crm__lead__fields_get={"x_hotline_key": {"type": "char"}},
        crm__lead__search_read=[{"id": 3, "x_hotline_key": "call:1"}],
        mail__message__search=[],
        crm__lead__message_post=42,
    )
    with pytest.raises(Unsettled):
        await connector_of(odoo).add_note("3", Note("wrapup:1", "x", 0))


async def test_without_a_field_for_mobiles_numbers_are_found():
    """Odoo 19 has one number of a contact."""
    odoo = Scripted(
        res__partner__fields_get={"name": {"type": "char"}, "phone": {"type": "char"}},
        res__partner__search_read=[
            {"id": 5, "name": "ก", "phone": "081-234 5678"},
            {"id": 6, "name": "ข", "phone": "081-234 5679, 1203"},
        ],
    )
    found = await connector_of(odoo).find_contacts("+66812345678")
    assert [contact.id for contact in found] == ["5"]
    ((domain, _), kwargs) = odoo.of("res.partner.search_read")[0]
    assert {term[0] for term in domain if term != "|"} == {"phone"}
    assert kwargs["context"]["active_test"] is True


@pytest.mark.parametrize("e164", ["", "0812345678", "anonymous", "+", "+66"])
async def test_what_is_no_number_is_not_asked_for(e164):
    odoo = Scripted()
    assert list(await connector_of(odoo).find_contacts(e164)) == []
    assert odoo.asked == []


async def test_a_cursor_of_somebody_elses_begins_anew():
    row = {
        "id": 3, "x_hotline_key": "call:1", "stage_id": [2, "Open"], "write_uid": [9, "Clerk"],
        "write_date": "2026-11-24 01:00:00", "create_date": "2026-11-23 01:00:00",
        "date_last_stage_update": "2026-11-24 00:59:59", "active": True,
    }  # fmt: skip
    names = ("x_hotline_key", "date_last_stage_update", "active", "write_date")
    odoo = Scripted(
        crm__lead__fields_get={
            **{name: {"type": "char"} for name in names},
            "stage_id": {"type": "many2one", "relation": "crm.stage"},
        },
        crm__lead__search_read=[row],
        crm__stage__fields_get={"name": {"type": "char"}},
        crm__stage__search_read=[{"id": 2, "name": "กำลังดำเนินการ"}],
    )
    changes = await connector_of(odoo).changes("2 nonsense")
    (item,) = changes.items
    assert (item.id, item.key, item.native) == ("3", "call:1", "กำลังดำเนินการ")
    assert (item.status, item.by, item.at) == (Status.OPEN, "Clerk", 1_795_481_999_000_000)
    assert changes.cursor == "2026-11-24 01:00:00 3:2"
    assert (await connector_of(odoo).changes(changes.cursor)).items == ()


async def test_setup_on_a_newer_odoo_gives_a_stage_to_its_team():
    made: list[Any] = []
    odoo = Scripted(
        res__partner__fields_get=lambda *_: {"name": {"type": "char"}, **FIELDS},
        crm__lead__fields_get=lambda *_: {
            **FIELDS, "stage_id": {"type": "many2one", "relation": "crm.stage"},
        },
        ir__ui__view__search_read=lambda *_: [FORM],
        crm__team__name_search=[[5, "สายด่วน 1203"]],
        crm__stage__fields_get={"team_ids": {"type": "many2many"}, "fold": {"type": "boolean"}},
        crm__stage__search_read=lambda *_: [
            {"id": n, "name": one["name"], "team_ids": [5]} for n, one in enumerate(made, start=1)
        ],
        crm__stage__create=lambda args, _: made.extend(args[0]) or [len(made)],
    )  # fmt: skip
    steps = await connector_of(odoo).setup()
    assert {step.state for step in steps if step.what.startswith("crm.stage")} == {"made"}
    assert made[0] == {"name": "รับเรื่อง", "sequence": -99, "fold": False, "team_ids": [[6, 0, [5]]]}
    assert [one["fold"] for one in made] == [False, False, False, False, True, True]


FIELDS = {
    "x_hotline_key": {"type": "char"}, "x_hotline_numbers": {"type": "char"},
    "x_hotline_link": {"type": "char"}, "x_hotline_number": {"type": "char"},
    "x_hotline_service": {"type": "char"}, "x_hotline_outcome": {"type": "char"},
    "x_hotline_entered_at": {"type": "datetime"}, "x_hotline_wait_seconds": {"type": "float"},
    "x_hotline_talk_seconds": {"type": "char"}, "x_hotline_case": {"type": "char"},
    "x_hotline_due": {"type": "date"},
}  # fmt: skip
FORM = {"id": 1, "arch_base": "".join(f'<field name="{name}"/>' for name in FIELDS)}


async def test_a_field_of_another_type_is_told():
    odoo = Scripted(
        res__partner__fields_get={"name": {"type": "char"}, **FIELDS},
        crm__lead__fields_get={**FIELDS, "stage_id": {"type": "many2one", "relation": "crm.stage"}},
        ir__ui__view__search_read=lambda *_: [FORM],
        crm__team__name_search=[],
        crm__team__create=Failure("odoo.exceptions.AccessError"),
        crm__team__check_access_rights=False,
        crm__stage__fields_get={},
        crm__stage__search_read=[],
        crm__stage__create=Failure("odoo.exceptions.AccessError"),
        crm__stage__check_access_rights=False,
    )
    steps = {step.what: step for step in await connector_of(odoo).setup()}
    assert steps["crm.lead.x_hotline_talk_seconds"].state == "by_hand"
    assert "float" in steps["crm.lead.x_hotline_talk_seconds"].text[1]
    assert steps["crm.lead.x_hotline_key"].state == "there"
    assert steps["crm.team “สายด่วน 1203”"].state == "by_hand"
    assert steps["crm.stage “รับเรื่อง”"].state == "by_hand"


# --- addresses and options ------------------------------------------------------------------------


def test_addresses():
    connector = connector_of(Scripted())
    assert connector.record_url(Kind.CONTACT, "5") == (
        "https://odoo.example/mail/view?model=res.partner&res_id=5"
    )
    assert connector.record_url(Kind.TICKET, "5&x=1#<") == (
        "https://odoo.example/mail/view?model=crm.lead&res_id=5%26x%3D1%23%3C"
    )
    assert connector.record_url(Kind.NOTE, "5") is None


@pytest.mark.parametrize("model", ["", "res.partner"])
def test_a_model_that_can_hold_no_tickets(model):
    with pytest.raises(ConfigMistake, match="ticket_model"):
        connector_of(Scripted(), ticket_model=model)


async def test_a_model_without_stages_is_told():
    odoo = Scripted(
        res__country__fields_get={"x_hotline_key": {"type": "char"}},
        res__country__search_read=[{"id": 1, "x_hotline_key": "call:1", "stage_id": False}],
    )
    with pytest.raises(Denied, match="no stages"):
        await connector_of(odoo, ticket_model="res.country").set_status("1", Status.OPEN)


async def test_a_call_that_rings_is_nothing_for_odoo():
    with pytest.raises(Unsupported):
        await connector_of(Scripted()).call_event(None)


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "value", "sent"),
    [
        ("char", "a\r\nb  c", "a b c"),
        ("char", None, False),
        ("char", "  ", False),
        ("char", 12, "12"),
        ("text", "a\nb", "a\nb"),
        ("html", "a & <b>\n c", "<p>a &amp; &lt;b&gt;<br>&nbsp;c</p>"),
        ("integer", "12", 12),
        ("integer", 12.6, 13),
        ("float", "1.5", 1.5),
        ("float", 0, 0.0),
        ("boolean", "yes", True),
        ("boolean", "false", False),
        ("boolean", None, False),
        ("date", "2026-11-24T23:00:00Z", "2026-11-24"),
        ("datetime", "2026-11-24T07:00:00+07:00", "2026-11-24 00:00:00"),
        ("datetime", "2026-11-24T00:00:00Z", "2026-11-24 00:00:00"),
        ("selection", " high ", "high"),
        ("many2one", 5, 5),
        ("many2one", None, False),
    ],
)
def test_values_as_odoo_takes_them(type_, value, sent):
    assert to_odoo(Field("f", type_), value) == sent


@pytest.mark.parametrize(
    ("type_", "value"),
    [("integer", "x"), ("date", "tomorrow"), ("datetime", "x"), ("float", "x"), ("binary", "x"),
     ("many2many", "x"), ("one2many", 1), ("integer", float("inf"))],
)  # fmt: skip
def test_values_that_do_not_fit(type_, value):
    with pytest.raises(Unfit):
        to_odoo(Field("f", type_), value)


@pytest.mark.parametrize(
    ("type_", "sent", "got", "stands"),
    [
        ("char", "a", "a", True),
        ("char", "a", "a ", True),
        ("char", "a", "b", False),
        ("char", False, False, True),
        ("html", "<p>a<br>b</p>", '<p style="x">a<br>b</p>', True),
        ("html", "<p>a</p>", "<p>b</p>", False),
        ("float", 1.234, 1.23, True),
        ("float", 1.5, 2.5, False),
        ("integer", 0, False, True),
        ("many2one", 5, [5, "Name"], True),
        ("many2one", 5, [6, "Name"], False),
        ("many2one", False, False, True),
        ("boolean", False, False, True),
        ("datetime", "2026-11-24 00:00:00", "2026-11-24 00:00:00", True),
    ],
)
def test_what_stands_there(type_, sent, got, stands):
    assert kept(Field("f", type_), sent, got) is stands


def test_text_of_is_the_way_back():
    assert text_of(paragraphs("a  <b>\n & c")) == "a <b> & c"


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("081-234 5678", ("+66812345678",)),
        ("๐๒-๕๔๗-๕๐๐๐", ("+6625475000",)),
        ("02-547-5000-5", ("+6625475000",)),
        ("02-547-5000 ถึง 9", ("+6625475000",)),
        ("02 547 5000 ต่อ 12 หรือ 081 234 5678", ("+6625475000", "+66812345678")),
        ("+44 20 7946 0958 / 0066812345678", ("+442079460958", "+66812345678")),
        ("004420 7946 0958", ("+442079460958",)),
        ("1203", ()),
        ("ไม่มี", ()),
        ("081234567", ()),
        ("0" * 5000, ()),
    ],
)
def test_numbers_as_people_type_them(typed, numbers):
    assert numbers_in(typed) == numbers


def test_a_pattern_finds_every_way_to_write_a_number():
    latin, thai = patterns("+66812345678")
    assert latin == "%8%1%2%3%4%5%6%7%8%"
    assert thai == "%๘%๑%๒%๓%๔%๕%๖%๗%๘%"


def test_external_ids_differ_where_keys_do():
    keys = ["call:a.1", "call:a-1", "call_a_1", "case:1203-69-000123", "person:1", "number:+6681"]
    made = {external_id("crm.lead", key) for key in keys}
    assert len(made) == len(keys)
    assert not any(set(one) & set(". :+") for one in made)
