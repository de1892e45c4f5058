"""The webhook, against the receiver that its page of the documentation shows, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import pytest

from crm_bridge.clock import SystemClock
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.mapping import load
from crm_bridge.connectors.port import (
    AlertFacts,
    Connector,
    Kind,
    Moment,
    TakesAlerts,
    Value,
)
from crm_bridge.connectors.webhook import events
from crm_bridge.connectors.webhook.connector import WebhookConnector
from crm_bridge.connectors.webhook.signing import new_secret
from tests.contract.connectors.suite import ContractSuite, Site, note, ticket_draft
from tests.support.crms.receiver import Receiver, receiver

DESK = "https://1203.example"
AT = 1_795_000_000_000_000
_CALLS = {
    events.CALL_RINGING.type: Moment.RINGING,
    events.CALL_ANSWERED.type: Moment.ANSWERED,
    events.CALL_ENDED.type: Moment.ENDED,
}


class ReceiverSite(Site):
    """Looked into through its database file."""

    name_field = "name"
    unknown_field = "no such field 1203"
    """The receiver of the page keeps any field whose name is a name."""

    def __init__(self, running: Receiver) -> None:
        self.receiver = running
        self.address = f"http://127.0.0.1:{running.port}/"
        own = Path(running.folder, "mapping.toml")
        text = Path(load(None, "webhook").path).read_text("utf-8")
        for option, value in (
            ("our_address", DESK), ("lookup_url", running.url),
            ("contact_url", f"{self.address}contact/{{id}}"),
            ("ticket_url", f"{self.address}ticket/{{id}}"),
        ):  # fmt: skip
            text = text.replace(f'{option} = ""', f'{option} = "{value}"')
        own.write_text(text.replace("wants_receipt = false", "wants_receipt = true"), "utf-8")
        self.mapping = load(own, "webhook")

    async def connect(self, *, wrong_secret: bool = False) -> Connector:
        section = ConnectorSection(
            kind="webhook", url=self.receiver.url, timeout_seconds=5,
            token=new_secret() if wrong_secret else self.receiver.secret,
        )  # fmt: skip
        return WebhookConnector("ministry", section, self.mapping, clock=SystemClock())

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        self.receiver.stop()
        try:
            yield
        finally:
            self.receiver.start()

    async def count(self, kind: Kind, key: str) -> int:
        ((found,),) = self.receiver.rows(
            "SELECT count(*) FROM record WHERE kind = ? AND key = ?", kind, key
        )
        return int(found)

    async def fields(self, kind: Kind, record: str) -> Mapping[str, Value]:
        ((found,),) = self.receiver.rows(
            "SELECT fields FROM record WHERE kind = ? AND id = ?", kind, record
        )
        kept: Mapping[str, Value] = json.loads(found)
        return kept

    async def make_contact(self, name: str, number: str) -> str:
        self.receiver.rows(
            "INSERT INTO record (kind, numbers, fields) VALUES ('contact', ?, ?)",
            json.dumps([number]), json.dumps({"name": name}),
        )  # fmt: skip
        ((made,),) = self.receiver.rows("SELECT max(id) FROM record WHERE kind = 'contact'")
        return str(made)

    async def contact_of(self, ticket: str) -> str | None:
        ((parent,),) = self.receiver.rows("SELECT parent FROM record WHERE id = ?", ticket)
        return None if parent is None else str(parent)

    async def notes(self, ticket: str) -> Sequence[str]:
        rows = self.receiver.rows(
            "SELECT fields FROM record WHERE kind = 'note' AND parent = ? ORDER BY id", ticket
        )
        return [json.loads(fields)["text"] for (fields,) in rows]

    async def status(self, ticket: str) -> str:
        ((native,),) = self.receiver.rows("SELECT status FROM record WHERE id = ?", ticket)
        return str(native)

    async def change_status(self, ticket: str, native: str) -> None:
        self.receiver.rows("UPDATE record SET status = ? WHERE id = ?", native, ticket)

    async def stands(self, kind: Kind, record: str) -> bool:
        return bool(
            self.receiver.rows("SELECT 1 FROM record WHERE kind = ? AND id = ?", kind, record)
        )

    async def heard(self) -> Sequence[tuple[str, Moment]]:
        return [
            (event["data"]["call_id"], _CALLS[event["type"]])
            for event in self.receiver.events()
            if event["type"] in _CALLS
        ]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with receiver(tmp_path_factory.mktemp("receiver")) as made:
        yield made


class TestWebhook(ContractSuite):
    @pytest.fixture
    def site(self, running: Receiver) -> Iterator[Site]:
        before = len(running.events())
        yield ReceiverSite(running)
        for event in running.events()[before:]:  # whatever this test made it send
            assert_as_documented(event)

    async def test_a_ticket_is_taken_away_with_its_notes(self, running, connector, mapping):
        ticket = await connector.upsert_ticket(ticket_draft(mapping))
        await connector.add_note(ticket.id, note())
        left = "SELECT count(*) FROM record WHERE kind = 'note' AND parent = ?"
        assert running.rows(left, ticket.id) == [(1,)]
        await connector.remove(Kind.TICKET, ticket.id)
        assert running.rows(left, ticket.id) == [(0,)]

    async def test_an_alert_is_told_when_it_is_raised_and_when_it_is_over(self, running, connector):
        assert isinstance(connector, TakesAlerts)
        raised = AlertFacts(
            "a1", "wait", "wait", "warning", "information", ("รอนาน", "long wait"), 121.5, 120.0,
            "seconds", AT, None, False, f"{DESK}/alerts",
        )  # fmt: skip
        before = len(running.events())
        await connector.alert(raised, cleared=False)
        await connector.alert(raised, cleared=False)
        await connector.alert(replace(raised, cleared_at=AT + 1), cleared=True)
        told = [(event["type"], event["data"]["id"]) for event in running.events()[before:]]
        # the same told twice is one to a receiver that keeps to the page
        assert told == [(events.ALERT_RAISED.type, "a1"), (events.ALERT_CLEARED.type, "a1")]


def assert_as_documented(event: dict[str, object]) -> None:
    """The envelope and its data fit the schemas of the registry."""
    kind = events.BY_TYPE[str(event["type"])]
    for schema, value in (
        (events.envelope_schema(DESK), event),
        (events.schema(kind, DESK), event["data"]),
    ):
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        assert [str(error) for error in validator.iter_errors(value)] == []
    assert event["dataschema"] == f"{DESK}/api/v1/hooks/schemas/{kind.type}"
    assert event["source"] == DESK
    assert "." not in str(event["id"])


async def test_every_type_that_goes_out_was_sent(running: Receiver):
    """The tests above prove no schema that they never saw; this one runs behind them."""
    sent = {event["type"] for event in running.events()}
    assert sent == {event.type for event in events.EVENTS if not event.incoming}
