"""What an entry of the outbox would send now, field by field, and where each came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.config import Config
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.facts import Facts
from crm_bridge.connectors.mapping import Mapping as Mapped
from crm_bridge.connectors.port import Rejected, Status, Value
from crm_bridge.delivery import case_contents, contents
from crm_bridge.delivery.outbox import Entry
from crm_bridge.records import outbox

TEXT = "text"
"""The one field of a note."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record there; `name` is what an override of it is called."""

    name: str
    label: str
    mapped: Value
    """What the mapping makes of our record."""
    value: Value
    """What would be sent: the same, or what a person set."""
    origin: str
    """The mapping's template."""
    overridden: bool


@dataclass(frozen=True, slots=True)
class Record:
    """One record that would be written; `scope`: contact, ticket or note."""

    scope: str
    key: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """Everything that would be sent; `fault`: why the mapping makes nothing of it."""

    records: tuple[Record, ...] = ()
    status: tuple[Status, str] | None = None
    """Where the ticket would be brought, in our word and in theirs."""
    unwanted: bool = False
    """The mapping wants no such call."""
    fault: Rejected | None = None

    @property
    def empty(self) -> bool:
        """Nothing would be sent: our record is gone, or the mapping wants none of it."""
        return not self.records and self.fault is None


async def preview(
    connection: AsyncConnection,
    config: Config,
    section: ConnectorSection,
    mapping: Mapped,
    entry: Entry,
) -> Preview:
    """What this entry would send now; nothing is asked of the other CRM."""
    facts = await _facts(connection, config, entry)
    if facts is None:
        return Preview()
    try:
        if facts.call is not None and not mapping.wants_call(facts.call):
            return Preview(unwanted=True)
        records = list(_records(section, mapping, entry, facts))
        return Preview(tuple(records), await _status(connection, mapping, entry))
    except Rejected as fault:
        return Preview(fault=fault)


async def _facts(connection: AsyncConnection, config: Config, entry: Entry) -> Facts | None:
    match entry.kind:
        case outbox.CALL:
            return await contents.call_facts(connection, config, entry.subject)
        case outbox.WRAPUP:
            call_id, _, agent = entry.subject.rpartition("/")
            return await contents.wrapup_facts(connection, config, call_id, agent)
        case outbox.CASE:
            return await case_contents.event_facts(
                connection, config, entry.subject, entry.revision
            )
        case outbox.PERSON:
            return await contents.person_facts(connection, config, entry.subject)
    return None


def _records(
    section: ConnectorSection, mapping: Mapped, entry: Entry, facts: Facts
) -> Iterable[Record]:
    def record(scope: str, key: str, part: str, made: Mapping[str, Value]) -> Record:
        return Record(scope, key, _fields(scope, made, mapping.origin(part), entry.overrides))

    sent = {"call": "calls", "wrapup": "calls", "case": "cases", "person": "contacts"}[entry.kind]
    if sent not in section.send:
        return
    if facts.contact is not None and "contacts" in section.send:
        yield record("contact", facts.contact.key, "contact", mapping.contact(facts))
    if facts.case is not None:
        yield record("ticket", facts.case.key, "case", mapping.case(facts))
    elif facts.call is not None:
        yield record("ticket", facts.call.key, "call", mapping.call(facts))
    if facts.wrapup is not None and (text := mapping.wrapup_note(facts)):
        yield record("note", facts.wrapup.key, "wrapup", {TEXT: text})
    if facts.event is not None and (text := mapping.case_note(facts)):
        yield record("note", facts.event.key, "event", {TEXT: text})


def _fields(
    scope: str,
    made: Mapping[str, Value],
    origin: Mapping[str, str],
    overrides: Mapping[str, Value],
) -> tuple[Field, ...]:
    # a person may also have set a field that the mapping leaves alone
    names = [*made, *(o.partition(".")[2] for o in overrides if o.partition(".")[0] == scope)]
    found = []
    for label in dict.fromkeys(names):
        name = f"{scope}.{label}"
        mapped = made.get(label)
        value = overrides.get(name, mapped)
        found.append(Field(name, label, mapped, value, origin.get(label, ""), name in overrides))
    return tuple(found)


async def _status(
    connection: AsyncConnection, mapping: Mapped, entry: Entry
) -> tuple[Status, str] | None:
    if entry.kind != outbox.CASE:
        return None
    move = await case_contents.move(connection, entry.subject, entry.revision)
    return None if move is None else (move.status, mapping.native(move.status))
