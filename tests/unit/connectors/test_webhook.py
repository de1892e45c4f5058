"""A webhook's requests: signed, the same twice with the same id, and what each answer means."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.mapping import load
from crm_bridge.connectors.port import (
    Busy,
    CallEvent,
    ContactDraft,
    Denied,
    Gone,
    Kind,
    Moment,
    Note,
    Rejected,
    Status,
    TicketDraft,
    Unreachable,
    Unsettled,
    Unsupported,
)
from crm_bridge.connectors.webhook import events, signing
from crm_bridge.connectors.webhook.connector import WebhookConnector
from crm_bridge.errors import ConfigMistake
from tests.support.desk_clock import HeldClock

SECRET, OLD = "whsec_" + base64.b64encode(b"k" * 32).decode(), signing.new_secret()
NUMBER = "+66812345678"
NAME = "ลับเฉพาะ-Zebra"


class Other:
    """The other side: what came, and what it answers."""

    def __init__(self, status: int = 200, **more: Any) -> None:
        self.status, self.more = status, more
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.status, **self.more)

    @property
    def ids(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.requests]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.requests]


def make(
    other: Other,
    *,
    clock: HeldClock | None = None,
    url: str = "https://crm.example/hooks/1203",
    token: str = SECRET,
    folder: Path | None = None,
    **options: str | bool,
) -> WebhookConnector:
    mapping = load(None, "webhook")
    if options:
        assert folder is not None
        path = folder / "webhook.toml"
        text = mapping.path.read_text("utf-8").split("[calls]", 1)[1]
        lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in options.items())
        path.write_text(f"[options]\n{lines}\n[calls]{text}", "utf-8")
        mapping = load(path, "webhook")
    section = ConnectorSection(kind="webhook", url=url, token=token)
    return WebhookConnector(
        "ministry", section, mapping, clock=clock or HeldClock(),
        transport=httpx.MockTransport(other),
    )  # fmt: skip


CONTACT = ContactDraft("person:1", (NUMBER,), {"name": NAME}, revision=3)
TICKET = TicketDraft("case:1", {"title": NAME}, status=Status.OPEN, revision=3)
NOTE = Note("event:1/2", NAME, 1_795_000_000_000_000, "สมหญิง")
CALL = CallEvent(
    Moment.ANSWERED, "lab1-1.1", 1_795_000_000_000_000, "inbound", NUMBER, NAME, "1203", "1001"
)


# --- signatures ---------------------------------------------------------------------------------


def test_a_signature_is_that_of_the_specification():
    """Worked out by the specification's own Python library, 1.1.0."""
    (secret,) = signing.secrets_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signing.sign(
        [secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330_000_000, b'{"test": 2432232314}'
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_while_a_secret_is_changed_both_are_good():
    now, body = 1_795_000_000_000_000, b"{}"
    both = signing.secrets_of(f"{SECRET}  {OLD}\n")
    sent = signing.sign(both, "evt_1", now, body)
    assert len(sent["webhook-signature"].split()) == 2
    for alone in (SECRET, OLD):
        key = signing.secrets_of(alone)
        assert signing.verified(key, sent, now, body)
        assert signing.verified(both, signing.sign(key, "evt_1", now, body), now, body)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "evt_2"}, {"webhook-id": ""}, {"webhook-timestamp": "1795000001"},
        {"webhook-timestamp": ""}, {"webhook-timestamp": "-5"}, {"webhook-timestamp": "9" * 30},
        {"webhook-timestamp": "๑๗๙๕๐๐๐๐๐๐"}, {"webhook-signature": ""},
        {"webhook-signature": "v1,"}, {"webhook-signature": "v1a,AAAA ๆ \udc80"},
    ],
)  # fmt: skip
def test_a_changed_header_is_not_verified(change):
    now, keys = 1_795_000_000_000_000, signing.secrets_of(SECRET)
    sent = signing.sign(keys, "evt_1", now, b"{}")
    assert signing.verified(keys, sent, now, b"{}")
    assert not signing.verified(keys, {**sent, **change}, now, b"{}")
    assert not signing.verified(keys, sent, now, b"{ }")
    assert not signing.verified(signing.secrets_of(OLD), sent, now, b"{}")


@pytest.mark.parametrize("seconds, good", [(300, True), (-300, True), (301, False), (-301, False)])
def test_a_timestamp_is_good_for_five_minutes(seconds, good):
    now, keys = 1_795_000_000_000_000, signing.secrets_of(SECRET)
    sent = signing.sign(keys, "evt_1", now, b"{}")
    assert signing.verified(keys, sent, now + seconds * 1_000_000, b"{}") is good


@pytest.mark.parametrize("wrong", ["", "geheim", "whsec_geheim!", "whsec_c2hvcnQ=",
                                   "whsec_" + base64.b64encode(bytes(65)).decode()])  # fmt: skip
def test_what_is_no_secret_is_refused_and_not_repeated(wrong):
    with pytest.raises(ConfigMistake) as caught:
        make(Other(), token=wrong)
    assert "openssl rand" in caught.value.mend
    assert not wrong or wrong not in str(caught.value)


# --- events -------------------------------------------------------------------------------------


async def send_everything(connector: WebhookConnector) -> None:
    await connector.health()
    await connector.upsert_contact(CONTACT)
    await connector.upsert_ticket(TICKET)
    await connector.add_note("17", NOTE)
    await connector.set_status("17", Status.RESOLVED)
    await connector.remove(Kind.TICKET, "17")
    for moment in Moment:
        await connector.call_event(replace(CALL, moment=moment))


async def test_each_request_is_a_signed_event_that_fits_its_schema(tmp_path):
    other = Other(json={"id": 17})
    desk = "https://1203.example"
    connector = make(other, folder=tmp_path, our_address=f"{desk}/", token=f"{SECRET} {OLD}")
    await send_everything(connector)
    clock = HeldClock()
    for request, event in zip(other.requests, other.bodies, strict=True):
        assert str(request.url) == "https://crm.example/hooks/1203"
        assert request.method == "POST"
        assert request.headers["content-type"] == "application/cloudevents+json"
        for alone in (SECRET, OLD):
            assert signing.verified(
                signing.secrets_of(alone), request.headers, clock.now_us(), request.content
            )
        assert event["id"] == request.headers["webhook-id"]
        assert (event["specversion"], event["source"]) == ("1.0", desk)
        kind = events.BY_TYPE[event["type"]]
        assert event["dataschema"] == events.schema(kind, desk)["$id"]
        for schema, value in (
            (events.envelope_schema(desk), event),
            (events.schema(kind, desk), event["data"]),
        ):
            jsonschema_rs.Draft202012Validator(schema).validate(value)
    assert [body["type"].removeprefix(events.PREFIX) for body in other.bodies] == [
        ".ping.v1", ".contact.upserted.v1", ".ticket.upserted.v1", ".note.added.v1",
        ".status.set.v1", ".record.removed.v1", ".call.ringing.v1", ".call.answered.v1",
        ".call.ended.v1",
    ]  # fmt: skip
    assert [body["subject"] for body in other.bodies[1:4]] == ["person:1", "case:1", "event:1/2"]
    assert other.bodies[3]["time"] == other.bodies[6]["time"] == "2026-11-18T11:06:40.000000Z"
    await connector.close()


async def test_without_the_desks_address_names_stand_for_it():
    other = Other()
    connector = make(other)
    await connector.upsert_contact(CONTACT)
    (event,) = other.bodies
    assert event["source"] == "urn:hotline1203:ministry"
    assert event["dataschema"].startswith("urn:hotline1203:schema:th.go.moc.")
    await connector.close()


async def test_the_same_thing_again_has_the_same_id_and_another_has_not():
    other, clock = Other(), HeldClock()
    connector = make(other, clock=clock)

    async def id_of(act: Any) -> str:
        clock.forward(seconds=40)
        await act
        return other.ids[-1]

    contact = await id_of(connector.upsert_contact(CONTACT))
    assert contact == await id_of(connector.upsert_contact(replace(CONTACT, known="17")))
    for change in (
        {"key": "person:2"}, {"revision": 4}, {"fields": {"name": "x"}}, {"numbers": ()},
    ):  # fmt: skip
        assert contact != await id_of(connector.upsert_contact(replace(CONTACT, **change)))
    ticket = await id_of(connector.upsert_ticket(TICKET))
    assert ticket == await id_of(connector.upsert_ticket(replace(TICKET, contact="5", known="6")))
    assert ticket != await id_of(connector.upsert_ticket(replace(TICKET, revision=4)))
    note = await id_of(connector.add_note("17", NOTE))
    assert note == await id_of(connector.add_note("18", replace(NOTE, text="changed")))
    assert note != await id_of(connector.add_note("17", replace(NOTE, key="event:1/3")))
    ringing = await id_of(connector.call_event(CALL))
    assert ringing == await id_of(connector.call_event(CALL))
    for change in ({"agent": "1002"}, {"at": CALL.at + 1}, {"moment": Moment.ENDED}):
        assert ringing != await id_of(connector.call_event(replace(CALL, **change)))
    assert len({contact, ticket, note, ringing}) == 4
    times = [request.headers["webhook-timestamp"] for request in other.requests]
    assert len(set(times)) == len(times)  # each attempt has its own
    await connector.close()


async def test_what_has_no_revision_is_never_taken_for_what_was_before():
    """A name changed and changed back, a status set and set back: three events."""
    other, clock = Other(), HeldClock()
    connector = make(other, clock=clock)
    plain = replace(CONTACT, revision=None)
    for act in (
        lambda: connector.upsert_contact(plain),
        lambda: connector.upsert_contact(plain),
        lambda: connector.set_status("17", Status.OPEN),
        lambda: connector.set_status("17", Status.OPEN),
    ):
        clock.forward(seconds=1)
        await act()
    assert len(set(other.ids)) == 4
    await connector.close()


async def test_the_address_is_used_as_it_was_given():
    other = Other()
    for url in (
        "https://crm.example", "https://crm.example/a/b/", "https://crm.example/a%2Fb?code=k%3D1&x=",
    ):  # fmt: skip
        connector = make(other, url=url)
        await connector.health()
        await connector.close()
    assert [str(request.url) for request in other.requests] == [
        "https://crm.example/", "https://crm.example/a/b/",
        "https://crm.example/a%2Fb?code=k%3D1&x=",
    ]  # fmt: skip


async def test_half_a_surrogate_pair_is_sent_as_text():
    other = Other()
    connector = make(other)
    await connector.call_event(replace(CALL, name="a\ud800b"))
    await connector.upsert_contact(replace(CONTACT, fields={"name": "\udc00"}))
    assert [body["data"].get("name") for body in other.bodies] == ["a?b", None]
    assert other.bodies[1]["data"]["fields"] == {"name": "?"}
    await connector.close()


# --- answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer, id_, url, made",
    [
        (Other(204), "person:1", None, False),
        (Other(202, text="thank you"), "person:1", None, False),
        (Other(201, json={"id": 17, "url": "https://crm.example/c/17"}), "17",
         "https://crm.example/c/17", True),
        (Other(200, json={"id": "x", "url": "javascript:alert(1)"}), "x", None, False),
        (Other(200, json={"id": True, "url": 5}), "person:1", None, False),
        (Other(200, json={"id": ""}), "person:1", None, False),
        (Other(200, json=["17"]), "person:1", None, False),
        (Other(200, json={"error": None, "id": "x"}), "x", None, False),
    ],
)  # fmt: skip
async def test_a_2xx_is_taken(answer, id_, url, made):
    connector = make(answer)
    ref = await connector.upsert_contact(CONTACT)
    assert (ref.id, ref.url, ref.made) == (id_, url, made)
    assert connector.record_url(Kind.CONTACT, ref.id) is None
    await connector.close()


HTML = {"html": f"<title>{NAME}</title>"}


@pytest.mark.parametrize(
    "answer, error",
    [
        (Other(200, **HTML), Denied), (Other(200, json={"error": NAME}), Unsettled),
        (Other(200, json={"errors": [NAME]}), Unsettled),
        (Other(302, headers={"Location": "https://login.example/"}), Denied),
        (Other(400, json={"message": NAME}), Rejected), (Other(422, text=NAME), Rejected),
        (Other(401), Denied), (Other(403), Denied), (Other(404), Denied),
        (Other(404, **HTML), Denied),
        (Other(404, json={"message": NAME}), Gone), (Other(410), Rejected),
        (Other(410, **HTML), Rejected), (Other(410, json={"message": NAME}), Rejected),
        (Other(409), Unsettled), (Other(429, headers={"Retry-After": "7"}), Busy),
        (Other(503, headers={"Retry-After": "7"}), Busy), (Other(500), Unreachable),
        (Other(502, **HTML), Unreachable),
    ],
)  # fmt: skip
async def test_anything_else_is_an_error_that_tells_nothing(answer, error):
    connector = make(answer)
    for act in (
        connector.upsert_contact(CONTACT), connector.upsert_ticket(TICKET),
        connector.add_note("17", NOTE), connector.call_event(CALL),
    ):  # fmt: skip
        with pytest.raises(error) as caught:
            await act
        assert type(caught.value) is error
        if error is Busy:
            assert caught.value.wait == 7
        for secret in ("Zebra", "ลับเฉพาะ", "812345", SECRET):
            assert secret not in str(caught.value)
    await connector.close()


async def test_a_record_that_is_gone_need_not_be_removed():
    connector = make(Other(404, json={"message": "no such record"}))
    await connector.remove(Kind.TICKET, "17")
    await connector.close()


async def test_a_receipt_can_be_demanded(tmp_path):
    connector = make(Other(200), folder=tmp_path, wants_receipt=True)
    for act in (connector.upsert_contact(CONTACT), connector.add_note("17", NOTE)):
        with pytest.raises(Unsettled, match="without an id"):
            await act
    await connector.call_event(CALL)
    await connector.set_status("17", Status.OPEN)
    await connector.close()


async def test_pages_of_records_are_named_in_the_mapping(tmp_path):
    connector = make(Other(), folder=tmp_path, contact_url="https://crm.example/c?id={id}")
    ref = await connector.upsert_contact(CONTACT)
    assert ref.url == "https://crm.example/c?id=person%3A1"
    assert connector.record_url(Kind.TICKET, "1") is None
    await connector.close()


@pytest.mark.parametrize(
    "option", [{"contact_url": "https://crm.example/c"}, {"ticket_url": "http://crm.example/{id}"},
               {"lookup_url": "ftp://crm.example/"}, {"our_address": "1203"}]
)  # fmt: skip
def test_an_option_that_is_no_address_is_refused(option, tmp_path):
    with pytest.raises(ConfigMistake, match=next(iter(option))):
        make(Other(), folder=tmp_path, **option)


# --- look-up ------------------------------------------------------------------------------------


async def test_without_an_address_for_it_nobody_is_looked_up():
    other = Other()
    connector = make(other)
    assert not connector.capabilities.lookup
    assert await connector.find_contacts(NUMBER) == ()
    assert other.requests == []
    with pytest.raises(Unsupported):
        await connector.changes(None)
    await connector.close()


async def test_a_contact_that_is_found_really_has_the_number(tmp_path):
    found = [
        {"id": 1, "name": "other", "numbers": ["+66812345679"]},
        {"id": 2, "name": "none"},
        {"id": 3, "name": "ours", "numbers": ["x", "081-234-5678"], "key": "person:1",
         "lines": ["VIP"], "url": "https://crm.example/3"},
        {"id": "4", "name": "end only", "numbers": ["5678"]},
    ]  # fmt: skip
    other = Other(json={"contacts": found})
    connector = make(other, folder=tmp_path, lookup_url="https://crm.example/look")
    assert connector.capabilities.lookup
    (contact,) = await connector.find_contacts(NUMBER)
    assert (contact.id, contact.name, contact.key) == ("3", "ours", "person:1")
    assert (contact.numbers, contact.lines) == ((NUMBER,), ("VIP",))
    assert contact.url == "https://crm.example/3"
    assert str(other.requests[0].url) == "https://crm.example/look"
    assert other.bodies[0]["data"] == {"number": NUMBER}
    assert NUMBER not in str(other.requests[0].url) + str(other.requests[0].headers)
    await connector.close()


@pytest.mark.parametrize("answer", [{}, [], {"contacts": [{"name": "x"}]}, {"contacts": "none"}])
async def test_an_answer_of_another_form_is_no_answer(answer, tmp_path):
    connector = make(Other(json=answer), folder=tmp_path, lookup_url="https://crm.example/look")
    with pytest.raises(Unreachable, match="not as documented"):
        await connector.find_contacts(NUMBER)
    await connector.close()


# --- the registry -------------------------------------------------------------------------------


@pytest.mark.parametrize("event", events.EVENTS, ids=lambda event: event.name)
def test_each_type_has_a_schema_that_its_example_fits(event):
    schema = events.schema(event, "https://1203.example")
    jsonschema_rs.meta.validate(schema)
    validator = jsonschema_rs.Draft202012Validator(schema)
    validator.validate(event.example.model_dump(mode="json"))
    assert not validator.is_valid({})
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"https://1203.example/api/v1/hooks/schemas/{event.type}"
    for name, field in schema["properties"].items():
        assert field.get("description"), name
        assert field.get("x-description-th"), name


def test_types_and_pages_are_named_once():
    assert len({event.type for event in events.EVENTS}) == len(events.EVENTS)
    assert len({event.slug for event in events.EVENTS}) == len(events.EVENTS)
    assert events.ENVELOPE not in events.BY_TYPE
    jsonschema_rs.meta.validate(events.envelope_schema())
