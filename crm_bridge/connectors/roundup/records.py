"""Records with our keys in a Roundup tracker: found, made once, brought up to date, read back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from crm_bridge.clock import Clock
from crm_bridge.connectors.port import Note, Unsettled
from crm_bridge.connectors.roundup.client import Item, RoundupClient
from crm_bridge.connectors.roundup.schema import Names
from crm_bridge.connectors.roundup.session import TokenUsed
from crm_bridge.connectors.roundup.values import ident, idents, native_moment, same, to_send

TALK: Final = ("messages", "status")
"""What must be known of a ticket before a message is added to it."""

OURS: Final = re.compile(r"@hotline1203>$")
"""What a `messageid` of ours is known by."""

_TRIES: Final = 3
"""How often a record is read and written anew when somebody else writes it at the same moment."""
_LOOKS: Final = (0.1, 0.4, 1.0)
"""Seconds before each look for a record whose one-time address was used before."""


class Records:
    """Contacts, tickets and messages; one act of a key at a time is the caller's duty."""

    def __init__(self, client: RoundupClient, names: Names, clock: Clock, login: str) -> None:
        """`login`: whose name our messages bear."""
        self._client = client
        self._names = names
        self._clock = clock
        self._login = login
        self._sent: set[tuple[str, str]] = set()
        """Ticket and message of a change that was sent and may be at work there still."""

    async def standing(
        self, kind: str, key: str, known: str | None, wanted: Iterable[str]
    ) -> Item | None:
        """The record as it stands: that of the known id, else the first of this key."""
        properties = sorted(wanted)
        if known is not None:
            return await self._client.one(kind, known, properties, act=f"look for the {kind}")
        found = await self._keyed(kind, key, properties)
        return found[0] if found else None

    async def _keyed(self, kind: str, key: str, properties: Sequence[str]) -> list[Item]:
        name = "messageid" if kind == "msg" else self._names.key
        wanted = {f"{name}:": _message_id(key) if kind == "msg" else key}
        found, _ = await self._client.find(kind, wanted, properties, act=f"look for the {kind}")
        return sorted(found, key=lambda item: int(item.id))

    async def make(self, kind: str, key: str, wanted: Mapping[str, Any]) -> str:
        """Makes the record and reads it back; of two of one key the later is taken away again."""
        given = {name: value for name, value in wanted.items() if value is not None}
        act = f"create the {kind}"
        try:
            made = await self._client.make(kind, key, given, act=act)
        except TokenUsed:
            for seconds in _LOOKS:  # an earlier try of ours may be at work there still
                await self._clock.sleep(seconds)
                if found := await self._keyed(kind, key, sorted(given)):
                    made = found[0].id
                    break
            else:
                raise
        found = await self._keyed(kind, key, sorted(given))
        if not found:
            raise Unsettled(f"{act}: it is not there when read back", where=self._client.host)
        for double in found[1:]:
            if double.id == made:
                await self._client.retire(kind, double.id, act=f"take the second {kind} away")
        self._check(found[0], given, act)
        return found[0].id

    async def write(self, kind: str, item: Item, wanted: Mapping[str, Any]) -> None:
        """Writes what differs, and reads it back."""
        act = f"change the {kind}"
        for _ in range(_TRIES):
            different = {n: v for n, v in wanted.items() if not same(v, item.values.get(n))}
            if not different:
                return
            tagged = await self._client.to_change(kind, item.id, sorted(wanted), act=act)
            with suppress(Unsettled):  # somebody wrote it in between: look again
                await self._client.change(kind, tagged, different, act=act)
            item = await self._client.one(kind, item.id, sorted(wanted), act=act)
        self._check(item, wanted, act)

    def _check(self, item: Item, wanted: Mapping[str, Any], act: str) -> None:
        odd = sorted(n for n, v in wanted.items() if not same(v, item.values.get(n)))
        if odd:
            raise Unsettled(
                f"{act}: {', '.join(odd)} read back otherwise",
                where=self._client.host,
                mend="see whether a detector of the tracker changes it",
            )

    async def message(self, key: str, text: str, note: Note | None) -> str:
        """The id of the message of this key, made if need be; a ticket's own is kept up to date."""
        text = str(to_send({"content": text})["content"])
        found = await self._keyed("msg", key, ("content",))
        if found:
            if note is None:
                await self.write("msg", found[0], {"content": text})
            return found[0].id
        at = note.at if note is not None else self._clock.now_us()
        when = datetime.fromtimestamp(at // 1_000_000, UTC)
        values = {
            "content": text,
            "author": self._login,
            "date": native_moment(when),
            "messageid": _message_id(key),
        }
        return await self.make("msg", key, values)

    async def link(self, ticket: Item, message: str) -> None:
        """Puts the message among the ticket's, once; its status stays as it is.

        Two changes at work at the same moment both pass Roundup's check of versions and link a
        message twice: after one without an answer there is a wait before the next.
        """
        kind, act = self._names.ticket, "add a message to the ticket"
        if (place := (ticket.id, message)) in self._sent:
            for seconds in _LOOKS:
                if message in idents(ticket.values.get("messages")):
                    break
                await self._clock.sleep(seconds)
                ticket = await self._client.one(kind, ticket.id, TALK, act=act)
        for _ in range(2 * _TRIES):  # one that is there twice takes two changes
            if idents(ticket.values.get("messages")).count(message) == 1:
                break
            ticket = await self._client.to_change(kind, ticket.id, TALK, act=act)
            there = idents(ticket.values["messages"])
            if there.count(message) == 1:
                break
            # one that is there twice is taken away, and added again in the next round
            others = [one for one in there if one != message]
            values: dict[str, Any] = {"messages": others if message in there else [*there, message]}
            if status := ident(ticket.values.get("status")):
                # a detector of Roundup's own templates reopens what a message is added to
                values["status"] = status
            self._sent.add(place)
            with suppress(Unsettled):  # somebody wrote it in between: look again
                await self._client.change(kind, ticket, values, act=act)
            ticket = await self._client.one(kind, ticket.id, TALK, act=act)
        if idents(ticket.values.get("messages")).count(message) != 1:
            raise Unsettled(f"{act}: it is not there when read back", where=self._client.host)
        self._sent.discard(place)


def _message_id(key: str) -> str:
    """The key in the form that Roundup gives its e-mails of the message."""
    return f"<{quote(key, safe='')}@hotline1203>"
