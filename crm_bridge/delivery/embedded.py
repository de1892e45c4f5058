"""Our own CRM behind the port that the others stand behind.

It is for taking in what another system holds (an office's older CRM, another hotline), record by
record and as often as one likes, and it proves that the port fits a CRM with rules of its own.
Nothing in hotline.toml leads here: this house need not tell itself of its own calls.

- A contact is a person, found again by its key in `connector_links`; a ticket is a case, found
  again by `made_key`; a note is an internal entry of the case's timeline.
- Everything is done by the rooms' own functions, so that the workflow holds. What arrives has been
  decided elsewhere: each act is done in the place of whoever the workflow asks for it, under the
  account that was given, which must be a supervisor's or the Director's.
- No echo: what is written here reaches the other CRMs once, as an officer's act would. It cannot
  come back: the row in `connectors` is never active, so that no outbox is kept for it, and what
  stands here already as it was sent is not written again.
"""

from __future__ import annotations

from collections.abc import (
    Sequence,
)
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Row, and_, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases import complaints, proceedings
from crm_bridge.cases.case import Case, case_of, find
from crm_bridge.cases.complaints import Complaint
from crm_bridge.cases.workflow import OPEN, TABLE, Act, State, why_not
from crm_bridge.clock import Clock
from crm_bridge.connectors.mapping import Mapping as FieldMapping
from crm_bridge.connectors.port import (
    CallEvent,
    Capabilities,
    Changes,
    Contact,
    ContactDraft,
    Gone,
    Health,
    Kind,
    Note,
    Ref,
    Rejected,
    SetupStep,
    Status,
    StatusChange,
    TicketDraft,
    Unsupported,
)
from crm_bridge.delivery.case_path import moves, path, perform
from crm_bridge.delivery.embedded_house import STANDS_FOR, WHERE, House, fit
from crm_bridge.errors import (
    ConfigMistake,
)
from crm_bridge.people import persons, privacy
from crm_bridge.people.fields import LIMITS, checked
from crm_bridge.people.names import plain
from crm_bridge.people.persons import Person
from crm_bridge.plain_text import plain_line
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.cases import case_events, cases
from crm_bridge.records.desk_tables.connectors import connector_links
from ivr.calls.call import Micros

_PERSON: Final = frozenset({*LIMITS, "language"})
_CASE: Final = frozenset({
    "kind", "title", "facts", "wanted", "respondent", "respondent_contact", "place", "province",
    "product", "subject_id",
})  # fmt: skip
"""The fields that a mapping can fill."""

_WINDOW: Final = 10_000_000
"""Microseconds by which an entry of a timeline may come to be seen after a later one."""


class EmbeddedConnector:
    """The port to this house's own persons and cases."""

    kind = "embedded"
    capabilities = Capabilities(changes=True)

    def __init__(
        self,
        name: str,
        database: Database,
        clock: Clock,
        mapping: FieldMapping,
        *,
        login: str,
        address: str = "",
    ) -> None:
        """`login`: the account under which it acts; `address`: how links to our pages begin.

        ConfigMistake where the mapping's words are no states of a case.
        """
        self.name = name
        self._clock = clock
        self._mapping = mapping
        self._house = House(name, self.kind, database, clock, login)
        self._address = address.rstrip("/")
        self._told = mapping.option("told", "letter")
        odd = [w for s in Status if (w := mapping.native(s)) not in {*State}]
        if odd or self._told not in proceedings.TOLD_HOW:
            raise ConfigMistake(
                f"no such state or way to tell: {', '.join(odd) or self._told}",
                where=str(mapping.path),
                mend=f"states: {', '.join(State)}; ways: {', '.join(proceedings.TOLD_HOW)}",
            )

    async def health(self) -> Health:
        """Asks the database, and whether the account may act."""
        async with self._house.reading("health") as (_, by):
            return Health(f"hotline1203 {version('hotline1203')}", by.login)

    async def find_contacts(self, e164: str) -> Sequence[Contact]:
        """Persons who have this number, the last changed first."""
        async with self._house.reading("find contacts") as (connection, _):
            found = await persons.match(connection, e164)
            return [await self._contact(connection, one.id) for one in found.persons]

    async def upsert_contact(self, draft: ContactDraft) -> Ref:
        """Makes the person of this key, or brings it up to date; Gone where it is erased."""
        wanted = fit(draft.fields, _PERSON)
        if wanted.get("name"):
            wanted["name"] = plain(wanted["name"] or "")[: LIMITS["name"]]
        async with self._house.writing("write a contact") as (connection, by):
            link = await self._house.link(connection, draft.key)
            known = draft.known or (link.id if link else None)
            theirs = draft.theirs or (link is not None and link.theirs)
            if known is None:
                person = await persons.create(
                    connection, self._clock, by, fields=wanted, numbers=draft.numbers
                )
            else:
                person = await persons.get(connection, known)
                await self._bring_person(connection, by, person, wanted, draft.numbers, theirs)
            house = self._house
            await house.remember(connection, draft.key, Kind.CONTACT, person.id, theirs=theirs)
            return Ref(person.id, self.record_url(Kind.CONTACT, person.id), made=known is None)

    async def upsert_ticket(self, draft: TicketDraft) -> Ref:
        """Makes the case of this key, or corrects it where the workflow still lets it."""
        wanted = fit(draft.fields, _CASE)
        if wanted.get("title"):
            wanted["title"] = plain_line(wanted["title"] or "")[: complaints.LINE]
        async with self._house.writing("write a ticket") as (connection, by):
            before = await self._case(connection, by, draft)
            form = Complaint() if before is None else complaints.as_form(before)
            values: dict[str, Any] = {n: v or _EMPTY[n] for n, v in wanted.items()}
            form = replace(form, **values)
            form = await self._of(connection, form, draft.contact)
            if before is None:
                case = await complaints.record(
                    connection, self._clock, by, form, made_key=draft.key
                )
                if draft.status is not None:
                    case = await self._bring_case(connection, by, case, draft.status)
            elif complaints.fit(form) != complaints.as_form(before):
                case = await complaints.edit(
                    connection, self._clock, by, before.ticket, form, based_on=before.version
                )
            else:
                case = before
            return Ref(case.ticket, self.record_url(Kind.TICKET, case.ticket), made=before is None)

    async def add_note(self, ticket: str, note: Note) -> str:
        """Writes an internal entry into the case's timeline, in the name of `note.by`."""
        async with self._house.writing("add a note") as (connection, by):
            if (link := await self._house.link(connection, note.key)) is not None:
                return str(link.id)
            officer = replace(by, name_th=note.by, name_en="") if note.by else by
            case = await complaints.note(
                connection, self._clock, officer, ticket, text=note.text, internal=True
            )
            last = select(func.max(case_events.c.ordinal)).where(case_events.c.case_id == case.id)
            made = f"{case.ticket}/{await connection.scalar(last)}"
            await self._house.remember(connection, note.key, Kind.NOTE, made)
            return made

    async def set_status(self, ticket: str, status: Status) -> str:
        """Brings the case there by acts of the workflow; Rejected where no acts lead there."""
        async with self._house.writing("set a status") as (connection, by):
            case = await find(connection, by, ticket)
            return (await self._bring_case(connection, by, case, status)).state.value

    def record_url(self, kind: Kind, record: str) -> str | None:
        """Our page of the person or the case."""
        room = {Kind.CONTACT: "people", Kind.TICKET: "cases"}.get(kind)
        if room is None or not self._address:
            return None
        return f"{self._address}/{room}/{quote(record, safe='')}"

    async def call_event(self, event: CallEvent) -> None:
        """The screen pop tells of calls here."""
        raise Unsupported("call events: the screen pop tells of calls", where=WHERE)

    async def changes(self, cursor: str | None) -> Changes:
        """Cases made through here whose state changed since `cursor`, each as it is now.

        The cursor is a moment and the entries that were seen shortly before it: on PostgreSQL one
        that was stamped a little earlier can come to be seen a little later.
        """
        async with self._house.reading("changes") as (connection, by):
            since, seen = _cursor(cursor) if cursor else (self._clock.now_us(), frozenset[str]())
            rows = await moves(connection, by.id, since - _WINDOW)
            until = max((since, *(row.at_us for row in rows)))
            kept = [_entry(row) for row in rows if row.at_us > until - _WINDOW]
            after = " ".join((str(until), *kept))
            if cursor is None:
                return Changes((), after)
            latest = {row.ticket: row for row in rows if _entry(row) not in seen}
            items = tuple(
                StatusChange(
                    ticket, row.made_key, row.now, self._mapping.status(row.now), row.at_us,
                    row.by_name,
                )
                for ticket, row in latest.items()
            )  # fmt: skip
            return Changes(items, after)

    async def setup(self) -> Sequence[SetupStep]:
        """There is nothing to be made."""
        raise Unsupported("set up: everything is there", where=WHERE)

    async def remove(self, kind: Kind, record: str) -> None:
        """Erases the person, or cancels the case as a mistake (closes one that is settled).

        A person that was here before is only parted from its key. The numbers of an erased one
        are taken off it first: calls that came from them are not its own.
        """
        try:
            if kind is Kind.CONTACT:
                async with self._house.writing("remove a contact") as (connection, by):
                    await self._erase(connection, by, record)
            elif kind is Kind.TICKET:
                await self._end(record)
        except Gone:
            return

    async def close(self) -> None:
        """Holds nothing: the database is the caller's."""

    # --- persons ----------------------------------------------------------------------------------

    async def _contact(self, connection: AsyncConnection, person_id: str) -> Contact:
        person = await persons.get(connection, person_id)
        query = select(connector_links.c.key).where(
            connector_links.c.connector == self.name,
            connector_links.c.kind == Kind.CONTACT,
            connector_links.c.id == person_id,
        )
        numbers = await persons.numbers_of(connection, person_id)
        return Contact(
            person_id,
            person.name or "",
            tuple(number.e164 for number in numbers),
            await connection.scalar(query.limit(1)),
            self.record_url(Kind.CONTACT, person_id),
            tuple(str(v) for n in self._mapping.lookup if (v := getattr(person, n, None))),
        )

    async def _bring_person(
        self,
        connection: AsyncConnection,
        by: Account,
        person: Person,
        wanted: dict[str, str | None],
        numbers: Sequence[str],
        theirs: bool,
    ) -> None:
        """Changes what is not so yet; of a person who was here before, only what is empty."""
        new = {n: v for n, v in checked(wanted).items() if v != getattr(person, n)}
        if theirs:
            new = {n: v for n, v in new.items() if not getattr(person, n)}
        if new:
            await persons.edit(connection, self._clock, by, person.id, person.version, new)
        held = [number.e164 for number in await persons.numbers_of(connection, person.id)]
        if theirs and held:
            return
        for number in numbers:
            await persons.add_number(connection, self._clock, by, person.id, number)
        for number in set(held) - set(numbers) if numbers else ():
            await persons.remove_number(connection, self._clock, by, person.id, number)

    async def _erase(self, connection: AsyncConnection, by: Account, person_id: str) -> None:
        person = await persons.get(connection, person_id)
        ours = and_(
            connector_links.c.connector == self.name,
            connector_links.c.kind == Kind.CONTACT,
            connector_links.c.id == person_id,
        )
        theirs = await connection.scalar(select(connector_links.c.theirs).where(ours))
        await connection.execute(delete(connector_links).where(ours))
        if theirs is not False:
            return
        why = f"นำออกตามระบบ {self.name}"
        if not person.name:
            name = {"name": "-"}
            await persons.edit(connection, self._clock, by, person.id, person.version, name)
        for number in await persons.numbers_of(connection, person.id):
            await persons.remove_number(connection, self._clock, by, person.id, number.e164)
        keeper = replace(by, role=Role.ADMINISTRATOR)
        await privacy.erase(connection, self._clock, keeper, person.id, why)

    # --- cases ------------------------------------------------------------------------------------

    async def _case(
        self, connection: AsyncConnection, by: Account, draft: TicketDraft
    ) -> Case | None:
        """The case this draft is of, `None` where there is none yet; Gone where `known` is none."""
        if draft.known is not None:
            case = await find(connection, by, draft.known)
            if case.made_key != draft.key:
                raise Gone("write a ticket: that case bears another key", where=WHERE)
            return case
        query = select(cases).where(cases.c.made_key == draft.key)
        row = (await connection.execute(query)).one_or_none()
        return None if row is None else case_of(row)

    async def _of(
        self, connection: AsyncConnection, form: Complaint, contact: str | None
    ) -> Complaint:
        """The form with its complainant; agencies do not see who: nobody here saw a consent."""
        if contact is None:
            return form if form.person_id else replace(form, identity="anonymous")
        person = await persons.get(connection, contact)
        numbers = await persons.numbers_of(connection, person.id)
        return replace(
            form,
            identity="concealed",
            person_id=person.id,
            complainant_name=person.name or "",
            complainant_number=numbers[0].e164 if numbers else None,
            complainant_email=person.email,
            complainant_province=person.province,
        )

    async def _bring_case(
        self, connection: AsyncConnection, by: Account, case: Case, status: Status
    ) -> Case:
        if self._mapping.status(case.state) is status:
            return case
        to = State(self._mapping.native(status))
        way = path(case.state, to)
        if way is None:
            act = Act.CANCEL if to is State.CANCELLED else Act.CLOSE
            raise Rejected(
                f"set a status: no act leads from {case.state} to {to}",
                where=WHERE,
                mend=why_not(case.state, act, by.role)[1],
            )
        for act in way:
            roles = TABLE[case.state, act].roles
            role = next(r for r in (by.role, *STANDS_FOR) if r in roles)
            case = await perform(
                connection, self._clock, replace(by, role=role), case.ticket, act,
                said=f"ตามสถานะในระบบ {self.name}", told=self._told,
            )  # fmt: skip
        return case

    async def _end(self, ticket: str) -> None:
        async with self._house.writing("remove a ticket") as (connection, by):
            case = await find(connection, by, ticket)
            if case.state in OPEN:
                await proceedings.cancel(
                    connection, self._clock, by, case.ticket, why="mistake",
                    note=f"นำออกตามระบบ {self.name}",
                )  # fmt: skip
            elif case.state is State.SETTLED:
                await self._bring_case(connection, by, case, Status.CLOSED)


def _cursor(text: str) -> tuple[Micros, frozenset[str]]:
    until, *seen = text.split()
    return int(until), frozenset(seen)


def _entry(row: Row[Any]) -> str:
    return f"{row.ticket}/{row.ordinal}"


_EMPTY: Final = {name: value or "" for name, value in asdict(Complaint()).items()} | {
    "province": None,
    "subject_id": None,
}
"""What stands in each field of a case where nothing does."""
