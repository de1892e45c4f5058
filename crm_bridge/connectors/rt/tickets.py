"""Calls and cases as tickets of Request Tracker, with their notes and statuses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from crm_bridge.connectors.mapping import Mapping as FieldMapping
from crm_bridge.connectors.port import (
    ConnectorError,
    Denied,
    Gone,
    Note,
    Ref,
    Rejected,
    Status,
    TicketDraft,
    Unsettled,
)
from crm_bridge.connectors.rt.client import Record
from crm_bridge.connectors.rt.fields import AT_BIRTH, OURS, TICKET, Wanted, differing, wanted
from crm_bridge.connectors.rt.house import AGAIN, House, body, known
from crm_bridge.plain_text import plain_line

_DELETED: Final = "deleted"


class Tickets:
    """The tickets of one RT."""

    def __init__(self, house: House, mapping: FieldMapping, page: str) -> None:
        """`page`: the address of a ticket's page up to its number."""
        self._page = page
        self._house = house
        self._key = house.setting.key
        self._rt = house.rt
        self._mapping = mapping
        self._whole: set[tuple[str, ...]] = set()

    def forget(self) -> None:
        """Looks anew whether the queues have the fields."""
        self._whole.clear()

    async def upsert(self, draft: TicketDraft) -> Ref:
        """Makes the ticket of this key, or brings it up to date; Gone where `known` is no more.

        What is said at its birth (the queue, the text, the owner) stays the officers' own later. A
        ticket that they merged into another is left as it is; the other is returned.
        """
        want = wanted(draft.fields, TICKET, self._house.host)
        queue = want.own.pop("Queue", "") or self._house.setting.queue
        want.custom[self._key] = (draft.key,)
        async with self._house.turns.of(draft.key):
            ticket = await self._ticket_of(draft)
            made = ticket is None
            if ticket is None:
                ticket = await self._new_ticket(draft, want, queue)
            if ticket.first(self._key) in {"", draft.key}:  # else it is what ours is merged into
                own = {name: text for name, text in want.own.items() if name not in AT_BIRTH}
                await self._bring(ticket, Wanted(own, self._there(want, ticket, queue)), draft)
            return Ref(ticket.id, f"{self._page}{ticket.id}", made)

    async def _ticket_of(self, draft: TicketDraft) -> Record | None:
        """The ticket as far as it is there already; Gone where it was known and is no more."""
        found = await self._rt.tickets(self._key, draft.key, known(draft.known))
        if draft.known is None:
            return await self._one_of(draft.key, found)
        ticket = next((one for one in found if one.id == draft.known), None)
        if ticket is None:
            ticket = await self._in_use(draft.known)
            if ticket.id != draft.known:
                return ticket
        if ticket.first(self._key) == draft.key and len(found) > 1:
            return await self._one_of(draft.key, found)
        if ticket.first(self._key) == draft.key or await self._lost_key(ticket):
            return ticket
        raise Gone("the ticket of this number is another", where=self._house.host)

    async def _lost_key(self, ticket: Record) -> bool:
        """Whether it is a ticket of ours whose key was taken away, or whose queue has no keys."""
        login = await self._rt.login()
        return not ticket.first(self._key) and bool(login) and ticket.creator == login

    def _there(self, want: Wanted, ticket: Record, queue: str) -> dict[str, tuple[str, ...]]:
        """The wanted custom fields; where officers moved the ticket on, those of its new queue."""
        if ticket.queue in {queue, ""}:
            return want.custom
        return {name: values for name, values in want.custom.items() if name in ticket.custom}

    async def _one_of(self, key: str, found: Sequence[Record]) -> Record | None:
        """The ticket of a key; where two of ours were made at once, the older with both merged.

        A ticket that an officer cloned from ours bears our key too, and is left alone.
        """
        alike = [
            ticket
            for ticket in found
            if ticket.first(self._key) == key
            or (self._key not in ticket.custom and await self._lost_key(ticket))
        ]
        if len(alike) < 2:
            return next(iter(alike), None)
        login = await self._rt.login()
        ours = [ticket for ticket in alike if ticket.creator == login] or alike[:1]
        for other in ours[1:]:
            await self._rt.change_ticket(other.id, {"MergeInto": ours[0].id})
            if (await self._rt.ticket(other.id)).id != ours[0].id:
                raise Unsettled(
                    "merge two tickets of one key: they are still two",
                    where=self._house.host,
                    mend=f"merge ticket {other.id} into {ours[0].id} by hand",
                )
        return ours[0]

    async def _new_ticket(self, draft: TicketDraft, want: Wanted, queue: str) -> Record:
        await self._has_queue_fields(queue, want)
        new: dict[str, Any] = {"Queue": queue, **body(want, empty=False)}
        if draft.contact is not None:
            new["Requestor"] = [draft.contact]
        native = self._mapping.native(draft.status) if draft.status else ""
        try:
            number = await self._rt.create_ticket({**new, **({"Status": native} if native else {})})
        except Rejected:
            if not native:
                raise
            number = await self._rt.create_ticket(new)  # few statuses may be a ticket's first
        found = await self._rt.tickets(self._key, draft.key)
        ticket = await self._one_of(draft.key, found)
        if ticket is None:
            raise await self._unseen(number)
        if native and ticket.text("Status") != native and ticket.id == number:
            await self._move(ticket.id, native)
        return ticket

    async def _unseen(self, number: str | None) -> ConnectorError:
        """The error for a ticket that was made and is not found by its key.

        Where a right is missing, each further try would make one more: then everything waits.
        """
        if number is None:
            return Unsettled("create a ticket: it is not there", where=self._house.host, mend=AGAIN)
        with suppress(ConnectorError):
            await self._rt.change_ticket(number, {"Status": _DELETED})
        return Denied(
            f"create a ticket: it is there and not found by its {self._key}",
            where=self._house.host,
            mend="give the token's user ShowTicket in the queue, and SeeCustomField and "
            f"ModifyCustomField on {self._key}",
        )

    async def _bring(self, ticket: Record, want: Wanted, draft: TicketDraft) -> None:
        """Writes what the ticket lacks, and reads it back."""
        lack = differing(want, ticket.own, ticket.custom)
        change = body(lack)
        if draft.contact is not None and self._ours_to_give(ticket, draft.contact):
            change["Requestor"] = [draft.contact]
        if not change:
            return
        self._house.has_fields(ticket.custom, lack, "the tickets of this queue")
        await self._rt.change_ticket(ticket.id, change)
        after = next(iter(await self._rt.tickets_by_number([ticket.id])), None)
        if after is None:
            raise Unsettled("change a ticket: it went away", where=self._house.host, mend=AGAIN)
        self._house.settled("a ticket", differing(lack, after.own, after.custom))
        if "Requestor" in change and draft.contact not in after.requestors:
            raise Unsettled(
                "change a ticket: its requestor is not there when read back",
                where=self._house.host,
                mend="see whether that user is still in use",
            )

    @staticmethod
    def _ours_to_give(ticket: Record, contact: str) -> bool:
        """Whether the requestor is still to be set: not where an officer named somebody else."""
        there = ticket.requestors
        return contact not in there and all(name.startswith(OURS) for name in there.values())

    async def _in_use(self, number: str) -> Record:
        """The ticket of this number, or that which it was merged into; Gone where it is deleted."""
        if known(number) is None:
            raise Gone("no ticket has such a number", where=self._house.host)
        ticket = await self._rt.ticket(number)
        if ticket.text("Status") == _DELETED:
            raise Gone("the ticket is deleted", where=self._house.host)
        return ticket

    async def add_note(self, ticket: str, note: Note) -> str:
        """Adds the note as a comment, once; returns the number of its transaction."""
        mark = f"[{plain_line(note.key)}]"
        async with self._house.turns.of(note.key):
            await self._in_use(ticket)
            found = await self._noted(ticket, mark)
            if found is None:
                await self._rt.comment(ticket, f"สายด่วน 1203 {mark}", note.text)
                found = await self._noted(ticket, mark)
            if found is None:
                raise Unsettled("comment on a ticket: it is not there", where=self._house.host,
                                mend="may the token's user see comments?")  # fmt: skip
            return found

    async def _noted(self, ticket: str, mark: str) -> str | None:
        login = await self._rt.login()
        return next(
            (
                comment.id
                for comment in await self._rt.comments(ticket, mark)
                if mark in comment.subject and (not login or comment.creator == login)
            ),
            None,
        )

    async def set_status(self, ticket: str, status: Status) -> str:
        """Brings the ticket there, and returns the status in RT's word."""
        now = (await self._in_use(ticket)).text("Status")
        native = self._mapping.native(status)
        if now == native:
            return now
        return await self._move(ticket, native)

    async def _move(self, ticket: str, native: str) -> str:
        said = await self._rt.change_ticket(ticket, {"Status": native})
        after = await self._in_use(ticket)
        if after.text("Status") == native:
            return native
        # RT's own refusal comes with a 200 and names the ticket, "Ticket 7: …": it will stay so
        if any(re.search(rf"\b{after.id}\b", text) for text in said):
            raise Rejected(
                f"set the status {native}: the ticket is still {after.text('Status')}",
                where=self._house.host,
                mend="correct [status] in the mapping, or the queue's lifecycle and rights in RT",
            )
        raise Unsettled(f"set the status {native}: not taken", where=self._house.host, mend=AGAIN)

    async def delete(self, number: str) -> None:
        """Deletes a ticket as RT does, which keeps it unseen."""
        try:
            await self._in_use(number)
        except Gone:
            return
        await self._rt.change_ticket(number, {"Status": _DELETED})
        if (await self._rt.ticket(number)).text("Status") != _DELETED:
            raise Unsettled(
                "delete a ticket: it is still there",
                where=self._house.host,
                mend="give the token's user the right DeleteTicket",
            )

    async def _has_queue_fields(self, queue: str, want: Wanted) -> None:
        """Before the first ticket: a field that the queue lacks would be dropped with a 201."""
        names = (queue, *sorted(want.custom))
        if names in self._whole:
            return
        there = await self._rt.queue_fields(queue)
        self._house.has_fields(there, want, f"tickets of the queue {queue}")
        self._whole.add(names)
