"""The dry run: what a mapping makes of a call, a case or a person, as it would be sent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.commands.words import Lang, printable
from crm_bridge.config import Config
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors import registry, samples
from crm_bridge.connectors.facts import Facts
from crm_bridge.connectors.mapping import Mapping
from crm_bridge.connectors.port import Capabilities, Fields, Status
from crm_bridge.delivery import case_contents, contents
from crm_bridge.errors import HotlineError
from crm_bridge.records.desk_tables.cases import case_events, cases
from crm_bridge.records.desk_tables.wrapups import wrapups

_SAYS: Final = {
    "contact": ("ผู้ติดต่อ", "contact"),
    "ticket": ("เรื่อง", "ticket"),
    "note": ("บันทึก", "note"),
    "status": ("สถานะ", "status"),
    "nothing": ("ไม่ส่งสิ่งใด", "nothing is sent"),
    "clear": ("(ทำให้ว่าง)", "(emptied)"),
}


class NothingThere(HotlineError):
    """There is no such record, or nothing of it may be told."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What would be sent of one record; `remark` why it is less than all."""

    title: str
    contact: tuple[str, tuple[str, ...], Fields] | None = None
    """Key, numbers, fields."""
    ticket: tuple[str, Fields] | None = None
    """Key, fields."""
    notes: tuple[tuple[str, str], ...] = ()
    """Key, text."""
    status: tuple[Status, str] | None = None
    """Ours, and their word."""
    remark: str = ""
    about: tuple[str, ...] = ()
    """Of whom it shows something, as the audit log names them; nothing of a sample."""

    def of(self, *ids: str) -> Shown:
        """The same, of these and of the person whose contact it shows."""
        key = self.contact[0] if self.contact is not None else ""
        whose = (key,) if key.startswith("person:") else ()
        return replace(self, about=tuple(dict.fromkeys((*ids, *whose))))

    def json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "of": self.title,
            "contact": self.contact
            and {
                "key": self.contact[0],
                "numbers": list(self.contact[1]),
                "fields": dict(self.contact[2]),
            },
            "ticket": self.ticket and {"key": self.ticket[0], "fields": dict(self.ticket[1])},
            "notes": [{"key": key, "text": text} for key, text in self.notes],
            "status": self.status and {"ours": self.status[0].value, "theirs": self.status[1]},
            "remark": self.remark,
        }


@dataclass(frozen=True, slots=True)
class Maker:
    """Puts facts through a mapping as the delivery does.

    `send` is what the section lets out, `can` what the CRM takes.
    """

    mapping: Mapping
    send: frozenset[str] = field(
        default_factory=lambda: frozenset({"contacts", "calls", "cases", "call_events"})
    )
    can: Capabilities = field(default_factory=Capabilities)

    @classmethod
    def of(cls, mapping: Mapping, section: ConnectorSection) -> Maker:
        """As this section has it."""
        return cls(mapping, frozenset(section.send), registry.capabilities(section.kind))

    def person(self, facts: Facts, title: str = "") -> Shown:
        """A contact alone."""
        title = title or (facts.contact.key if facts.contact else "")
        why_not = self._withheld("contacts", self.can.contacts)
        return Shown(title, self._contact(facts), remark=why_not)

    def call(self, facts: Facts, written: tuple[Facts, ...] = ()) -> Shown:
        """A call's ticket, and the notes of its wrap-ups."""
        call = facts.call
        if call is None:
            raise NothingThere("there is no such call, or it is erased")
        if why_not := self._withheld("calls", self.can.tickets):
            return Shown(call.key, remark=why_not)
        if not self.mapping.wants_call(call):
            return Shown(call.key, remark="[calls] which of the mapping leaves this call out")
        return Shown(
            call.key,
            self._contact(facts),
            (call.key, self.mapping.call(facts)),
            self._notes(
                (one.wrapup.key, self.mapping.wrapup_note(one)) for one in written if one.wrapup
            ),
            (Status.CLOSED, self.mapping.native(Status.CLOSED)),
        )

    def case(self, facts: Facts, told: tuple[Facts, ...] = ()) -> Shown:
        """A case's ticket, and the notes of its timeline."""
        case = facts.case
        if case is None:
            raise NothingThere("there is no such case, or it is emptied")
        if why_not := self._withheld("cases", self.can.tickets):
            return Shown(case.key, remark=why_not)
        return Shown(
            case.key,
            self._contact(facts),
            (case.key, self.mapping.case(facts)),
            self._notes((one.event.key, self.mapping.case_note(one)) for one in told if one.event),
            (case.status, self.mapping.native(case.status)),
        )

    def samples(self) -> list[Shown]:
        """What becomes of the two samples."""
        full, bare = samples.FULL, samples.BARE
        return [
            made
            for one in (full, bare)
            for made in (
                self.person(one.contact),
                self.call(one.call, (one.wrapup,)),
                self.case(one.case, (one.event,)),
            )
        ]

    def _contact(self, facts: Facts) -> tuple[str, tuple[str, ...], Fields] | None:
        if facts.contact is None or self._withheld("contacts", self.can.contacts):
            return None
        return facts.contact.key, facts.contact.numbers, self.mapping.contact(facts)

    def _withheld(self, what: str, taken: bool) -> str:
        """Why nothing of this is sent; empty where it is."""
        if not taken:
            return f"this kind of CRM takes no {what}"
        return "" if what in self.send else f"{what} are not in `send`"

    @staticmethod
    def _notes(made: Any) -> tuple[tuple[str, str], ...]:
        return tuple((key, text) for key, text in made if text.strip())


async def of_call(connection: AsyncConnection, config: Config, maker: Maker, call_id: str) -> Shown:
    """What would be sent of this call; NothingThere."""
    facts = await contents.call_facts(connection, config, call_id)
    if facts is None:
        raise NothingThere("there is no such call, or it is erased", where=call_id)
    query = select(wrapups.c.agent).where(wrapups.c.call_id == call_id).order_by(wrapups.c.saved_us)
    agents = (await connection.execute(query)).scalars().all()
    written = [await contents.wrapup_facts(connection, config, call_id, a) for a in agents]
    made = maker.call(facts, tuple(one for one in written if one is not None))
    return made.of(f"call:{call_id}")


async def of_case(connection: AsyncConnection, config: Config, maker: Maker, ticket: str) -> Shown:
    """What would be sent of this case; NothingThere."""
    case_id = await connection.scalar(select(cases.c.id).where(cases.c.ticket == ticket))
    facts = await case_contents.case_facts(connection, config, case_id or "")
    if facts is None or case_id is None:
        raise NothingThere("there is no such case, or it is emptied", where=ticket)
    table = case_events.c
    query = select(table.ordinal).where(table.case_id == case_id).order_by(table.ordinal)
    ordinals = (await connection.execute(query)).scalars().all()
    told = [await case_contents.event_facts(connection, config, case_id, n) for n in ordinals]
    made = maker.case(facts, tuple(one for one in told if one is not None))
    return made.of(f"case:{case_id}")


async def of_person(
    connection: AsyncConnection, config: Config, maker: Maker, person_id: str
) -> Shown:
    """What would be sent of this person; NothingThere."""
    facts = await contents.person_facts(connection, config, person_id)
    if facts is None:
        raise NothingThere("there is no such person, or it is erased", where=person_id)
    return maker.person(facts).of(f"person:{person_id}")


def page(shown: Shown, lang: Lang) -> Group:
    """The dry run for the terminal."""
    english = lang is Lang.EN

    def head(what: str, more: str = "") -> Text:
        text = Text(_SAYS[what][english], style="bold cyan")
        return text.append(f"  {printable(more)}", style="dim") if more else text

    pieces: list[Text | Table | Padding] = [Text(printable(shown.title), style="bold")]
    if shown.remark:
        pieces.append(Text(f"  {_SAYS['nothing'][english]}: {shown.remark}", style="yellow"))
    if shown.contact is not None:
        key, numbers, fields = shown.contact
        pieces += [head("contact", " ".join((key, *numbers))), _fields(fields, lang)]
    if shown.ticket is not None:
        pieces += [head("ticket", shown.ticket[0]), _fields(shown.ticket[1], lang)]
    if shown.status is not None:
        ours, theirs = shown.status
        pieces.append(head("status").append(f"  {ours.value} → {printable(theirs)}", style="none"))
    for key, text in shown.notes:
        lines = "\n".join(printable(line) for line in text.split("\n"))
        pieces += [head("note", key), Padding(Text(lines), (0, 0, 0, 2))]
    return Group(*pieces)


def _fields(fields: Fields, lang: Lang) -> Padding:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="green", overflow="fold")
    table.add_column(overflow="fold")
    for name, value in fields.items():
        if value is None:
            shown = Text(_SAYS["clear"][lang is Lang.EN], style="dim italic")
        elif isinstance(value, str):
            shown = Text("\n".join(printable(line) for line in value.split("\n")))
        else:
            shown = Text(str(value).lower() if isinstance(value, bool) else str(value), "magenta")
        table.add_row(printable(name), shown)
    return Padding(table, (0, 0, 0, 2))
